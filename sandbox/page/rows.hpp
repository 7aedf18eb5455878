#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "sandbox/control/control.hpp"

/// What the page was told, and what is new since.
namespace watchbill::sandbox {

/// Appends one server-sent event.
void add_event(std::string& out, std::string_view name, std::string_view json);

/// Rows under one name, known by id.
class PageRows {
 public:
  /// Compares with what was told before and appends the event if something differs.
  /// `rows`: id and JSON, all of them, in order. `extra`: more fields of the event (",\"more\":3"), told when
  /// they differ.
  void tell(std::string& out, std::string_view name,
            const std::vector<std::pair<std::string, std::string>>& rows, const std::string& extra = {});

 private:
  bool told_ = false;
  std::string extra_;
  std::map<std::string, std::string> known_;
};

/// One text under one name: told when it differs.
class PageText {
 public:
  void tell(std::string& out, std::string_view name, std::string json);

 private:
  std::string known_;
};

/// What one page knows.
struct PageState {
  PageText hello;
  PageRows users;
  PageRows groups;
  PageRows channels;
  PageText people;
  PageText transport;
  PageText faults;
  PageText daemon;
  PageRows schedules;
  std::uint64_t plans = 0;      ///< of `World::plans` when the schedules were told
  Instant plans_due = kAlways;  ///< when they have to be looked at again
  struct Heard {
    std::size_t count = 0;
    std::uint64_t edits = 0;
  };
  std::map<std::string, Heard> messages;
  std::string last_ephemeral;
  std::size_t ephemerals = 0;
  std::map<std::string, std::uint64_t> surfaces;
  std::map<std::string, std::uint64_t> group_changes;
  std::uint64_t requests = 0;
  std::uint64_t deliveries = 0;
  std::uint64_t clock = 0;  ///< of `Desk::clock_touched`
  bool fresh = true;
};

/// Appends everything that `state` does not know yet, and remembers it: what a page shows at once, and the
/// rest.
void tell_first(Desk& desk, PageState& state, std::string& out);
void tell_rest(Desk& desk, PageState& state, std::string& out);
std::string time_event(const Desk& desk);

// The parts of it.
void tell_workspace(Desk& desk, PageState& state, std::string& out);
void tell_messages(Desk& desk, PageState& state, std::string& out);
void tell_surfaces(Desk& desk, PageState& state, std::string& out);
void tell_schedules(Desk& desk, PageState& state, std::string& out);
void tell_handoffs(Desk& desk, PageState& state, std::string& out);
void tell_logs(Desk& desk, PageState& state, std::string& out);

}  // namespace watchbill::sandbox
