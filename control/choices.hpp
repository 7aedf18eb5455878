#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/context.hpp"
#include "providers/provider.hpp"

namespace watchbill::control {

/// A user group to choose.
struct GroupChoice {
  GroupId id;
  std::string handle;
  std::string name;
  std::size_t members = 0;
  bool disabled = false;
  std::optional<std::string> taken_by{};    ///< name of the rotation that keeps it
  std::optional<std::string> unwritable{};  ///< why no rotation may keep it
};
struct GroupSearch {
  std::vector<GroupChoice> groups{};
  std::size_t more = 0;            ///< matched, and did not fit into `limit`
  std::optional<Error> failure{};  ///< why the list could not be read (again); an older one is used then
};

/// The schedules of one connection that matched.
struct ScheduleGroup {
  std::string connection;
  std::string kind;                                  ///< "pagerduty"
  std::string title;                                 ///< "PagerDuty"
  std::vector<providers::ScheduleInfo> schedules{};  ///< by name
  std::size_t more = 0;
  std::optional<Error> failure{};
};
struct ScheduleSearch {
  std::vector<ScheduleGroup> connections{};  ///< by name; those without a match only if they failed
  [[nodiscard]] std::size_t found() const;   ///< shown and not shown
};

/// What there is to choose from, remembered: groups of Slack, schedules of every connection.
/// Answers come from memory at once; whatever is older than its age is read again in the background. Only the
/// first question ever waits, and no longer than 2 s. The context outlives it, and it outlives its tasks.
class Choices {
 public:
  explicit Choices(Context& context);
  ~Choices();
  Choices(const Choices&) = delete;
  Choices& operator=(const Choices&) = delete;

  /// Starts reading whatever is missing or old: called when somebody opens a form.
  void warm();
  /// With or without '@', by handle or name, regardless of case. Whatever begins with the text goes first.
  net::Task<GroupSearch> search_groups(std::string text, std::size_t limit);
  /// By name or id, regardless of case; `limit` for all connections together.
  net::Task<ScheduleSearch> search_schedules(std::string text, std::size_t limit);
  /// The schedule's name, if any of its connection's lists told it.
  [[nodiscard]] std::optional<std::string> name_of(const ScheduleRef& schedule) const;
  /// What somebody is called, if `caller` was ever asked about him.
  [[nodiscard]] std::optional<std::string> name_of(const UserId& user) const;
  /// All groups with their members, at most `age` old; an error if they cannot be read and what is known is
  /// older.
  net::Task<Result<std::vector<slack::UserGroup>>> groups(milliseconds age);
  /// Somebody in Slack as Slack describes him, for `may`: his roles at most 5 minutes old, his groups at most
  /// one. If Slack does not answer within a second or so, what was known at most an hour ago counts; else the
  /// error.
  net::Task<Result<Caller>> caller(UserId user);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace watchbill::control
