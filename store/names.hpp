#pragma once

#include <string>
#include <string_view>

#include "store/store.hpp"

/// What channels and people are called: sentences of problems and history hold ids, since names change, and
/// get the names where they are shown.
namespace watchbill::store {

/// Keeps a channel's name (without "#") as Slack showed it, if that is new.
Result<void> remember_channel(Store& store, const ChannelId& channel, std::string_view name);
/// "#payments", or the id of a channel that was never seen.
std::string channel_label(Store& store, const ChannelId& channel);
/// The sentence with the names of the channels ("channel C0PAY") and of the Slack users that it speaks of, as
/// far as they are known. What stands in backticks is for a shell and stays, and so do mentions.
std::string with_names(Store& store, std::string_view text);

}  // namespace watchbill::store
