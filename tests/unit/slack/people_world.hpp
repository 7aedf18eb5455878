#pragma once

#include <map>
#include <set>

#include "slack/people/directory.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/sim_loop.hpp"

namespace watchbill::test {

using slack::Directory;
using slack::Method;
using slack::Permit;
using slack::Priority;
using slack::RateLimiter;
using slack::SeenUser;
using slack::User;
using slack::UserPage;
using slack::Users;

/// A workspace's people: answers after 100 ms, counts what it is asked.
class FakePeople final : public Users {
 public:
  explicit FakePeople(SimLoop& loop) : loop_(loop) {}

  net::Task<Result<User>> lookup_by_email(Permit permit, std::string email) override {
    CHECK(permit.method() == Method::users_lookup_by_email);
    ++lookups;
    co_await net::sleep_for(loop_, 100ms);
    if (auto error = take_failure()) co_return *error;
    if (lookup_refused)
      co_return Error{ErrorKind::forbidden, "users.lookupByEmail needs users:read.email", "missing_scope"};
    for (const auto& user : users) {
      if (!user.deleted && user.email == email) co_return shown(user);
    }
    co_return Error{ErrorKind::not_found, "nobody", "users_not_found"};
  }
  net::Task<Result<User>> user_info(Permit permit, UserId id) override {
    CHECK(permit.method() == Method::users_info);
    ++infos;
    co_await net::sleep_for(loop_, 100ms);
    if (auto error = take_failure()) co_return *error;
    for (const auto& user : users) {
      if (user.id == id) co_return shown(user);
    }
    co_return Error{ErrorKind::not_found, "nobody", "user_not_found"};
  }
  net::Task<Result<UserPage>> list_users(Permit permit, std::string cursor) override {
    CHECK(permit.method() == Method::users_list);
    ++pages;
    co_await net::sleep_for(loop_, 100ms);
    if (auto error = take_failure()) co_return *error;
    const std::size_t from = cursor.empty() ? 0 : std::stoul(cursor);
    UserPage page;
    for (std::size_t i = from; i < std::min(users.size(), from + 200); ++i) {
      if (hidden.count(users[i].id) == 0) page.users.push_back(shown(users[i]));
    }
    if (endless || from + 200 < users.size()) page.next_cursor = std::to_string(from + 200);
    co_return page;
  }

  User& add(const std::string& name) {
    User user;
    user.id = UserId("U" + name);
    user.name = name;
    user.email = name + "@example.com";
    return users.emplace_back(user);
  }
  User& find(const std::string& name) {
    for (auto& user : users) {
      if (user.name == name) return user;
    }
    throw std::logic_error("no such user");
  }
  [[nodiscard]] int calls() const { return lookups + infos + pages; }

  std::vector<User> users;
  std::set<UserId> hidden;      ///< left out of lists
  bool no_emails = false;       ///< profiles show no addresses
  bool lookup_refused = false;  ///< the scope for addresses is missing
  bool endless = false;
  std::vector<Error> failures;  ///< the next calls fail so
  int lookups = 0;
  int infos = 0;
  int pages = 0;

 private:
  [[nodiscard]] User shown(User user) const {
    if (no_emails) user.email.reset();
    return user;
  }
  std::optional<Error> take_failure() {
    if (failures.empty()) return std::nullopt;
    auto error = failures.front();
    failures.erase(failures.begin());
    return error;
  }
  SimLoop& loop_;
};

/// What survives a restart.
struct FakeCache {
  [[nodiscard]] std::vector<SeenUser> load() const {
    std::vector<SeenUser> out;
    for (const auto& [id, seen] : rows) out.push_back(seen);
    return out;
  }
  [[nodiscard]] slack::SaveUsers save() {
    return [this](const std::vector<SeenUser>& users) {
      for (const auto& seen : users) rows[seen.user.id] = seen;
    };
  }
  std::map<UserId, SeenUser> rows;
};

/// A workspace, its directory, and time.
struct PeopleWorld {
  SimLoop loop;
  RateLimiter limiter{loop, 1};
  FakePeople people{loop};
  FakeCache cache;
  Directory directory{loop, limiter, people, cache.save()};

  /// People named p0, p1, ...
  void populate(int count) {
    for (int i = 0; i < count; ++i) people.add("p" + std::to_string(i));
  }
  [[nodiscard]] static std::vector<std::string> addresses(int from, int to) {
    std::vector<std::string> out;
    for (int i = from; i < to; ++i) out.push_back("p" + std::to_string(i) + "@example.com");
    return out;
  }
  Result<void> resolve(std::vector<std::string> emails) {
    return loop.run_until_done(directory.resolve(std::move(emails), Priority::background));
  }
  Result<void> refresh(std::vector<UserId> users) {
    return loop.run_until_done(directory.refresh(std::move(users), Priority::background));
  }
  Result<void> refresh_all() { return loop.run_until_done(directory.refresh_all(Priority::background)); }
};

}  // namespace watchbill::test
