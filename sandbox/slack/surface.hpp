#pragma once

#include <optional>
#include <string>

#include "base/json.hpp"
#include "sandbox/slack/block_kit.hpp"
#include "sandbox/world.hpp"

/// Views as the workspace keeps them, whoever asks for a change: a Web API method, or the answer to a
/// submission.
namespace watchbill::sandbox {

/// The longest that a person's click can be followed by a modal (docs.slack.dev/interactivity).
inline constexpr seconds kTriggerLife = 3s;
inline constexpr std::chrono::minutes kResponseUrlLife = 30min;
inline constexpr std::size_t kMaxModals = 3;

/// Notes that the person did something, so that the app may open one modal. `wall` is real time.
std::string issue_trigger(World& world, const std::string& user, Instant wall);
/// Uses it up. The person, or Slack's code of refusal in `refusal`.
std::optional<std::string> use_trigger(World& world, const std::string& trigger, Instant wall,
                                       std::string& refusal);

/// A new address for answers, as a path of Slack's server: "/commands/T0SANDBOX/12/00c0ffee".
std::string issue_response_url(World& world, const std::string& user, const std::string& channel,
                               Instant wall);

/// The person's modal on top, or null.
SlackView* top_modal(World& world, const std::string& user);
/// Makes a modal from checked JSON and puts it on the person's stack.
SlackView& push_modal(World& world, const std::string& user, json::View view, Instant now);
/// Replaces what the view shows; what people filled in stays where it can.
void change_view(World& world, SlackView& view, json::View content, Instant now);
/// The person's home tab, made if it is the first.
SlackView& home_of(World& world, const std::string& user);
/// Takes the person's topmost modal away; true if one is left.
bool pop_modal(World& world, const std::string& user);
void clear_modals(World& world, const std::string& user);
/// True if another view than `except` has this external id.
bool external_id_taken(const World& world, const std::string& external_id, const std::string& except);

/// The view with all fields that Slack sends.
void write_slack_view(json::Writer& w, const World& world, const SlackView& view);
/// Blocks of a message, checked and completed; else Slack's code and what it says.
struct CheckedBlocks {
  std::string blocks{};
  std::string error{};
  Complaints complaints{};
};
CheckedBlocks checked_blocks(World& world, const std::string& blocks);

/// A message that only `user` sees.
void add_ephemeral(World& world, SlackEphemeral message);

}  // namespace watchbill::sandbox
