#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/rotation_form.hpp"

/// What the selects with a search offer while somebody types: the JSON that answers a `block_suggestion`.
namespace watchbill::app {

/// A user group that could be chosen.
struct GroupOffer {
  GroupId id;
  std::string handle;
  std::string name;
  bool disabled = false;
  bool unwritable = false;  ///< Slack or an identity provider keeps it
  std::string taken_by{};   ///< the rotation that has it; empty if none, or if it is the one being edited
};

/// Those whose handle or name has `query` in it, with or without '@' and whatever the case; first those that
/// are free, then the others, which say why they are not. A handle that could be made is offered to be made.
std::string group_suggestions(const std::vector<GroupOffer>& groups, std::string_view query);

/// The schedules of one connection.
struct ScheduleOffers {
  std::string connection;
  std::vector<ScheduleChoice> schedules;
};

/// Those whose name or id has `query` in it, grouped by connection. A group that is cut says so.
std::string schedule_suggestions(const std::vector<ScheduleOffers>& connections, std::string_view query);

}  // namespace watchbill::app
