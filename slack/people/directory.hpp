#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/loop.hpp"
#include "slack/api/api.hpp"
#include "slack/limits/rate_limiter.hpp"

namespace watchbill::slack {

/// A Slack user, and when Slack last told us about him.
struct SeenUser {
  User user;
  Instant seen_at;
  bool operator==(const SeenUser&) const = default;
};

/// Told what was learnt of users, so that it survives a restart: it adds or replaces by user id.
using SaveUsers = std::function<void(std::vector<SeenUser> users)>;

/// So many users known by id are asked for one by one within a minute and leave some of `users.info` (tier 4:
/// 100 a minute) to others.
constexpr std::size_t kFewUsers = 70;
/// So many unknown addresses are looked up one by one (`users.lookupByEmail`, tier 3: 50 a minute).
constexpr std::size_t kFewAddresses = 20;

/// Who is who at Slack: keeps the people that somebody asked for (not the whole workspace) and finds new ones
/// with few calls. Looking up is pure; asking Slack is `resolve`, `refresh` and `refresh_all`. It outlives
/// the tasks that it hands out, and the loop, limiter and users outlive it.
class Directory {
 public:
  /// Without `save` nothing of it is remembered.
  Directory(net::Loop& loop, RateLimiter& limiter, Users& people, SaveUsers save = {});
  ~Directory();
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  /// Takes over what was saved: once, at the start.
  void load(const std::vector<SeenUser>& users);

  /// Nothing if that user was never asked for. A user whom Slack does not know (any more) is there as
  /// `deleted`. Valid until the next wait of the calling task.
  [[nodiscard]] const User* by_id(const UserId& id) const;
  /// Regardless of case. Nothing if unknown; a deactivated person only if nobody else has the address.
  [[nodiscard]] const User* by_email(std::string_view email) const;
  /// Slack's last answer was that nobody (active) has this address.
  [[nodiscard]] bool absent(std::string_view email) const;
  /// Those of `emails` that `resolve` would ask Slack for now: neither known, nor absent since a short while.
  [[nodiscard]] std::vector<std::string> unasked(const std::vector<std::string>& emails) const;

  /// Finds people by e-mail: up to 20 unknown addresses by `users.lookupByEmail`, more by reading
  /// `users.list` once (callers that come meanwhile share that reading), unless the workspace hides addresses
  /// there: then one by one, too. Addresses that Slack does not know
  /// count as answered: they are not asked for again for 5 min, then 10, ... up to an hour. An error means
  /// that some address has no answer yet; the others have.
  net::Task<Result<void>> resolve(std::vector<std::string> emails, Priority priority);
  /// Asks for these users again, by `users.info` or where that is sooner done by reading `users.list`: after
  /// Slack called a member invalid, or for ids not yet known. Someone who is not there becomes `deleted`. An
  /// error means that some have no answer.
  net::Task<Result<void>> refresh(std::vector<UserId> users, Priority priority);
  /// Asks for these users and addresses again, whatever is known of them and since when.
  net::Task<Result<void>> look_again(std::vector<UserId> users, std::vector<std::string> emails,
                                     Priority priority);
  /// Reads all of `users.list` (again) for everybody known and for every address that was absent.
  net::Task<Result<void>> refresh_all(Priority priority);
  /// How many pages `users.list` had when it was last read to its end; nothing if it was not yet.
  [[nodiscard]] std::optional<std::size_t> list_pages() const;
  /// Runs until cancelled: entries older than a day are asked for again, a few a minute, spread over an hour;
  /// if they are many, by `users.list`.
  net::Task<void> keep_fresh();

  /// Why the last look-up of this address has no answer; nothing if it has one, or was never tried.
  [[nodiscard]] std::optional<Error> failure(std::string_view email) const;

  /// Notified when somebody's facts changed, appeared or proved absent; `revision` has then grown.
  net::Signal& changed();
  [[nodiscard]] std::uint64_t revision() const;
  /// What went wrong last with `keep_fresh`, until it works again.
  [[nodiscard]] std::optional<Error> problem() const;
  /// People known, deactivated ones too.
  [[nodiscard]] std::size_t size() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace watchbill::slack
