#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "providers/provider.hpp"

/// What the adapters share beyond HTTP.
namespace watchbill::providers {

/// An answer without shifts, to be filled.
ScheduleAnswer blank_answer(const std::string& connection, const std::string& id, Window window,
                            Instant asked_at);
/// The answer of a schedule that could not be asked: `gone`, `forbidden` and `failed` by the error's kind
/// only where the schedule itself was asked (`from_schedule`); from a list every failure is `failed`.
ScheduleAnswer failed_answer(const std::string& connection, const std::string& id, Window window,
                             Instant asked_at, const Error& error, bool from_schedule);
/// What the refusal of a schedule (`not_found`, `forbidden`) is worth, once the list of all schedules was
/// asked for after it: `listed` says whether the schedule is on it. It stands if the list came and, of what
/// is not found, goes without the schedule; else it is the system that is broken (`server`, or what befell
/// the list).
Error weigh_refusal(std::string_view system, const Error& refusal, const Result<bool>& listed);
/// Whether a schedule is on the list of all.
Result<bool> is_listed(const Result<std::vector<ScheduleInfo>>& all, const std::string& id);
/// A system that refuses also what it refuses nobody is broken: `not_found`, `forbidden` and `invalid` become
/// `server`.
Error broken_system(std::string_view system, const Error& error);
/// Gives each of `ids` a `failed` answer.
void fail_all(const AnswerSink& sink, const std::string& connection, const std::vector<std::string>& ids,
              Window window, Instant asked_at, const Error& error);

/// Trimmed and lower-cased (ASCII); nothing if there is no '@' in it.
std::optional<std::string> clean_email(std::string_view text);
/// ASCII white space at both ends removed.
std::string_view trim(std::string_view text);

/// The origin of a base URL: https (or loopback), no path, no query. The error names `option`.
Result<std::string> check_base_url(std::string_view text, std::string_view option);
/// "us" if the setting is missing; the error names the option otherwise.
Result<std::string> check_region(const Connection& connection);
/// A setting, or empty.
std::string setting(const Connection& connection, const std::string& key);
/// A secret, or an empty one.
Secret secret(const Connection& connection, const std::string& key);
/// Refuses settings and secrets that are neither options of `adapter` nor in `internal`, drops empty ones,
/// and trims white space around secrets (files end with a line break).
Result<Connection> clean_connection(Connection connection, const std::vector<Option>& options,
                                    const std::vector<std::string>& internal);

/// Known users, each for 24 h; a user may be known not to exist.
class UserCache {
 public:
  struct User {
    std::string name;
    std::optional<std::string> email{};
    bool deleted = false;
  };
  /// Nothing if it is unknown or too old.
  [[nodiscard]] const User* find(const std::string& id, SteadyInstant now) const;
  void put(const std::string& id, User user, SteadyInstant now);
  void clear() { users_.clear(); }

 private:
  struct Entry {
    User user;
    SteadyInstant seen;
  };
  std::map<std::string, Entry> users_;
};

}  // namespace watchbill::providers
