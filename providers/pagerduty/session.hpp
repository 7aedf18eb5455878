#pragma once

#include <map>
#include <string>
#include <vector>

#include "providers/api_client.hpp"
#include "providers/pagerduty/answers.hpp"
#include "providers/pagerduty/auth.hpp"
#include "providers/support.hpp"

namespace watchbill::providers::pagerduty {

/// What PagerDuty is really asked for a window: whole seconds, at least one apart (narrower ranges come back
/// empty at times), at most 90 days (GET /oncalls).
struct Range {
  Instant since;
  Instant until;
};
Range range_of(Window window);

/// One question each, with credentials, paging and typed answers. Errors are of the kinds of `explain`.
class ApiSession {
 public:
  ApiSession(const Connection& connection, const AdapterContext& context);

  /// The name of the account that the credentials open, proven anew.
  net::Task<Result<std::string>> prove();
  /// One cheap question that PagerDuty answers for everybody whose credentials are good.
  net::Task<Result<void>> probe();
  /// All schedules of one kind; at most 10,000 are shown by the API.
  net::Task<Result<std::vector<ListedSchedule>>> list(Kind kind);
  /// /oncalls of these schedules. `invalid` if there are more than the 10,000 entries that the API shows.
  net::Task<Result<std::map<std::string, Oncalls>>> oncalls(std::vector<std::string> ids, Range range);
  /// The schedule itself. The path of the wrong kind answers 400, or 404.
  net::Task<Result<Oncalls>> schedule(std::string id, Kind kind, Range range);
  /// Oncalls with the addresses of their people, from the cache where possible.
  net::Task<Result<std::vector<Shift>>> shifts_of(std::vector<Oncall> duties);

  /// Everybody is asked for anew who comes without an address.
  void forget_people() { users_.clear(); }

  [[nodiscard]] ConnectionHealth health() const {
    auto health = api_.health();
    health.renewing = auth_.renewing();
    return health;
  }

 private:
  net::Task<Result<json::Document>> fetch(std::string target);
  net::Task<Result<UserCache::User>> find_user(UserSummary user);

  net::Loop& loop_;
  std::string name_;
  std::string account_;
  Auth auth_;
  ApiClient api_;
  UserCache users_;
};

}  // namespace watchbill::providers::pagerduty
