#include "slack/people/directory.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "slack/people/user_index.hpp"

namespace watchbill::slack {

namespace {

/// `users.info` has a budget so many times as big as `users.list`.
constexpr std::size_t kUsersForAPage = 6;
constexpr milliseconds kFresh = 24h;
/// Addresses that become wanted soon after the list was read are looked for in it: at a start they come in
/// bursts, one for each answer of the scheduling systems.
constexpr milliseconds kListKept = 2min;
constexpr milliseconds kRefreshEvery = 1min;
constexpr milliseconds kAfterTrouble = 10min;
constexpr std::size_t kRefreshedAtOnce = 5;

constexpr int kWaits = 5;     ///< how often one call may be told to wait
constexpr int kRestarts = 3;  ///< of a list whose cursor has expired
constexpr int kRetries = 2;   ///< of a page that failed
constexpr milliseconds kBeforeRetry = 2s;
/// A list without end is no list: 200 people a page make a million.
constexpr int kMostPages = 5000;

template <class T>
void remove_repeats(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

/// What is no address at all is not worth a call, and Slack's refusal of it would look like trouble.
bool is_address(std::string_view text) {
  const auto at = text.find('@');
  return at != std::string_view::npos && at > 0 && at + 1 < text.size() &&
         std::none_of(text.begin(), text.end(), [](unsigned char c) { return c <= ' ' || c == 0x7F; });
}

Result<void> first_error(const std::vector<Result<void>>& results) {
  for (const auto& result : results) {
    if (!result) return result.error();
  }
  return {};
}

}  // namespace

struct Directory::Impl {
  Impl(net::Loop& l, RateLimiter& g, Users& p, SaveUsers s)
      : loop(l), limiter(g), people(p), save(std::move(s)), changed(l), finished(l) {}

  net::Task<Result<void>> look_up(std::string email, Priority priority);
  net::Task<Result<void>> ask_user(UserId id, Priority priority);
  net::Task<Result<void>> ask_users(std::vector<UserId> ids, Priority priority);
  /// Reads the list, or waits for the reading under way.
  net::Task<Result<void>> read_list(UserIndex::RotationDraft wanted, Priority priority);
  net::Task<void> run_reading();
  /// Reading the list is the sooner way to so many users.
  [[nodiscard]] bool list_is_sooner(std::size_t users) const {
    return users > kFewUsers && (!list_pages || *list_pages * kUsersForAPage < users);
  }
  /// Answers from the list, if it was read a moment ago.
  void take_from_last_list(const std::vector<std::string>& emails);
  void forget_old_list();
  net::Task<Result<std::vector<User>>> all_users();
  net::Task<void> confirm_missing(std::vector<UserId> ids);
  void note_failures(const std::vector<std::string>& emails, const Result<void>& done) {
    for (const auto& email : emails) {
      failures.erase(email);
      if (!done) failures.emplace(email, done.error());
    }
  }
  /// Saves what was learnt and tells about it.
  void flush();

  net::Loop& loop;
  RateLimiter& limiter;
  Users& people;
  SaveUsers save;
  UserIndex index;
  net::Signal changed;
  std::uint64_t told = 0;  ///< the revision that `changed` was last notified of
  std::optional<Error> refresh_problem;

  /// Look-ups that failed, by address, until one has an answer.
  std::unordered_map<std::string, Error> failures;
  /// The list showed no addresses at all: they are looked up one by one until this is over.
  SteadyInstant addresses_hidden_until = SteadyInstant::min();
  /// Addresses and ids that a task asks for right now.
  std::set<std::string> asking;
  /// Notified when a task has stopped asking, with or without an answer, and at the end of a reading.
  net::Signal finished;
  /// The reading of the list under way.
  struct Reading {
    UserIndex::RotationDraft wanted;
    Priority priority;
  };
  std::optional<Reading> reading;
  std::uint64_t readings = 0;
  std::optional<std::size_t> list_pages;
  /// Active people of the last list who have an address, by it; empty if it is too old.
  std::unordered_multimap<std::string, User> listed;
  SteadyInstant listed_at{};
  Result<void> last_reading;
  net::TaskScope scope;  ///< last, so that its tasks go before what they use
};

namespace {

/// Marks that a task asks for something, until it ends in whatever way.
class Asking {
 public:
  Asking(std::set<std::string>& all, net::Signal& finished, const std::string& what)
      : all_(all), finished_(finished), place_(all.insert(what).first) {}
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;
  ~Asking() {
    all_.erase(place_);
    finished_.notify();
  }

 private:
  std::set<std::string>& all_;
  net::Signal& finished_;
  std::set<std::string>::iterator place_;
};

}  // namespace

void Directory::Impl::flush() {
  auto unsaved = index.take_unsaved();
  if (save && !unsaved.empty()) save(std::move(unsaved));
  if (told != index.revision()) {
    told = index.revision();
    changed.notify();
  }
}

net::Task<Result<void>> Directory::Impl::look_up(std::string email, Priority priority) {
  while (asking.count(email) != 0) co_await finished.wait();
  if (!index.needs(email, loop.now())) co_return Result<void>{};
  if (!is_address(email)) {
    index.learn_absent(email, loop.now());
    flush();
    co_return Result<void>{};
  }
  Asking mark(asking, finished, email);
  for (int waits = 0;; ++waits) {
    auto permit = co_await limiter.acquire(Method::users_lookup_by_email, priority);
    auto user = co_await people.lookup_by_email(std::move(permit), email);
    if (!user && user.error().kind == ErrorKind::rate_limited && waits < kWaits) {
      failures.insert_or_assign(email, user.error());
      continue;
    }
    if (user) {
      index.learn(*user, loop.now(), email);
    } else if (user.error().kind == ErrorKind::not_found) {
      index.learn_absent(email, loop.now());
    } else {
      failures.insert_or_assign(email, user.error());
      co_return user.error();
    }
    failures.erase(email);
    flush();
    co_return Result<void>{};
  }
}

net::Task<Result<void>> Directory::Impl::ask_user(UserId id, Priority priority) {
  const auto asked_at = loop.now();
  if (asking.count(id.value) != 0) {
    while (asking.count(id.value) != 0) co_await finished.wait();
    const auto stale = index.seen_before(asked_at, loop.now());
    const bool answered =
        index.by_id(id) != nullptr && std::find(stale.begin(), stale.end(), id) == stale.end();
    if (answered) co_return Result<void>{};
  }
  Asking mark(asking, finished, id.value);
  for (int waits = 0;; ++waits) {
    auto permit = co_await limiter.acquire(Method::users_info, priority);
    auto user = co_await people.user_info(std::move(permit), id);
    if (!user && user.error().kind == ErrorKind::rate_limited && waits < kWaits) continue;
    if (user) {
      index.learn(*user, loop.now());
    } else if (user.error().kind == ErrorKind::not_found) {
      index.learn_gone(id, loop.now());
    } else {
      co_return user.error();
    }
    flush();
    co_return Result<void>{};
  }
}

net::Task<Result<void>> Directory::Impl::ask_users(std::vector<UserId> ids, Priority priority) {
  std::vector<net::Task<Result<void>>> tasks;
  tasks.reserve(ids.size());
  for (const auto& id : ids) tasks.push_back(ask_user(id, priority));
  const auto results = co_await net::all(loop, std::move(tasks));
  co_return first_error(results);
}

net::Task<Result<std::vector<User>>> Directory::Impl::all_users() {
  std::vector<User> users;
  std::string cursor;
  int waits = 0;
  int restarts = 0;
  int retries = 0;
  std::size_t pages = 0;
  for (int calls = 0; calls < kMostPages; ++calls) {
    auto permit = co_await limiter.acquire(Method::users_list, reading->priority);
    auto page = co_await people.list_users(std::move(permit), cursor);
    if (page) {
      ++pages;
      std::move(page->users.begin(), page->users.end(), std::back_inserter(users));
      if (page->next_cursor.empty()) {
        list_pages = pages;
        co_return users;
      }
      cursor = page->next_cursor;
      continue;
    }
    const auto& error = page.error();
    if (error.code == "invalid_cursor" && restarts++ < kRestarts) {
      users.clear();
      pages = 0;
      cursor.clear();
      continue;
    }
    if (error.kind == ErrorKind::rate_limited && waits++ < kWaits) continue;
    const bool passing = error.kind == ErrorKind::server || error.kind == ErrorKind::timeout ||
                         error.kind == ErrorKind::unreachable;
    if (!passing || retries++ >= kRetries) co_return error;
    co_await net::sleep_for(loop, kBeforeRetry);
  }
  co_return fail(ErrorKind::unreadable, "users.list: Slack's list has no end");
}

void Directory::Impl::forget_old_list() {
  if (!listed.empty() && loop.steady_now() - listed_at >= kListKept) listed.clear();
}

void Directory::Impl::take_from_last_list(const std::vector<std::string>& emails) {
  forget_old_list();
  if (listed.empty()) return;
  for (const auto& email : emails) {
    const auto [first, last] = listed.equal_range(email);
    if (first == last) index.learn_absent(email, loop.now());
    for (auto found = first; found != last; ++found) index.learn(found->second, loop.now());
  }
  flush();
}

net::Task<void> Directory::Impl::run_reading() {
  auto users = co_await all_users();
  last_reading = Result<void>{};
  if (!users) {
    last_reading = users.error();
  } else {
    auto missing = index.take_list(*users, reading->wanted, loop.now());
    if (!missing) {
      last_reading = missing.error();
    } else {
      if (!missing->empty()) scope.spawn(confirm_missing(*missing));
      listed.clear();
      for (auto& user : *users) {
        if (user.email && !user.deleted) listed.emplace(*user.email, std::move(user));
      }
      listed_at = loop.steady_now();
    }
  }
  reading.reset();
  ++readings;
  flush();
  finished.notify();
}

net::Task<void> Directory::Impl::confirm_missing(std::vector<UserId> ids) {
  const auto asked = co_await ask_users(std::move(ids), Priority::background);
  if (!asked) refresh_problem = asked.error();
}

net::Task<Result<void>> Directory::Impl::read_list(UserIndex::RotationDraft wanted, Priority priority) {
  const auto before = readings;
  if (reading) {
    reading->priority = std::min(reading->priority, priority);
    reading->wanted.emails.merge(wanted.emails);
    reading->wanted.users.merge(wanted.users);
  } else {
    reading.emplace(Reading{std::move(wanted), priority});
    scope.spawn(run_reading());
  }
  while (readings == before) co_await finished.wait();
  co_return last_reading;
}

Directory::Directory(net::Loop& loop, RateLimiter& limiter, Users& people, SaveUsers save)
    : impl_(std::make_unique<Impl>(loop, limiter, people, std::move(save))) {}
Directory::~Directory() = default;

void Directory::load(const std::vector<SeenUser>& users) {
  for (const auto& seen : users) impl_->index.put(seen);
}

const User* Directory::by_id(const UserId& id) const {
  return impl_->index.by_id(id);
}
const User* Directory::by_email(std::string_view email) const {
  return impl_->index.by_email(email);
}
std::optional<Error> Directory::failure(std::string_view email) const {
  const auto found = impl_->failures.find(fold_email(email));
  return found == impl_->failures.end() ? std::nullopt : std::optional(found->second);
}
bool Directory::absent(std::string_view email) const {
  return impl_->index.absent(email);
}
net::Signal& Directory::changed() {
  return impl_->changed;
}
std::uint64_t Directory::revision() const {
  return impl_->index.revision();
}
std::optional<std::size_t> Directory::list_pages() const {
  return impl_->list_pages;
}
std::size_t Directory::size() const {
  return impl_->index.size();
}
std::optional<Error> Directory::problem() const {
  return impl_->refresh_problem;
}

std::vector<std::string> Directory::unasked(const std::vector<std::string>& emails) const {
  const auto now = impl_->loop.now();
  std::vector<std::string> out;
  for (const auto& email : emails) {
    if (!email.empty() && impl_->index.needs(email, now)) out.push_back(fold_email(email));
  }
  remove_repeats(out);
  return out;
}

net::Task<Result<void>> Directory::resolve(std::vector<std::string> emails, Priority priority) {
  auto& self = *impl_;
  auto unknown = unasked(emails);
  if (unknown.size() > kFewAddresses) {
    self.take_from_last_list(unknown);
    unknown = unasked(unknown);
  }
  const bool by_list = self.loop.steady_now() >= self.addresses_hidden_until;
  if (unknown.size() > kFewAddresses && by_list) {
    UserIndex::RotationDraft wanted;
    wanted.emails.insert(unknown.begin(), unknown.end());
    auto read = co_await self.read_list(std::move(wanted), priority);
    if (read || read.error().code != kAddressesHidden) {
      self.note_failures(unknown, read);
      co_return read;
    }
    self.addresses_hidden_until = self.loop.steady_now() + kFresh;
  }
  std::vector<net::Task<Result<void>>> tasks;
  tasks.reserve(unknown.size());
  for (const auto& email : unknown) tasks.push_back(self.look_up(email, priority));
  const auto results = co_await net::all(self.loop, std::move(tasks));
  co_return first_error(results);
}

net::Task<Result<void>> Directory::refresh(std::vector<UserId> users, Priority priority) {
  auto& self = *impl_;
  remove_repeats(users);
  if (self.list_is_sooner(users.size())) {
    const auto started = self.loop.now();
    UserIndex::RotationDraft wanted;
    wanted.users.insert(users.begin(), users.end());
    const auto read = co_await self.read_list(std::move(wanted), priority);
    if (!read) co_return read;
    const auto stale = self.index.seen_before(started, self.loop.now());
    const std::unordered_set<UserId> old(stale.begin(), stale.end());
    std::erase_if(users,
                  [&](const UserId& id) { return self.index.by_id(id) != nullptr && old.count(id) == 0; });
  }
  co_return co_await self.ask_users(std::move(users), priority);
}

net::Task<Result<void>> Directory::look_again(std::vector<UserId> users, std::vector<std::string> emails,
                                              Priority priority) {
  auto& self = *impl_;
  if (!emails.empty()) self.listed.clear();
  for (const auto& email : emails) self.index.ask_again(email);
  auto known = co_await refresh(std::move(users), priority);
  auto found = co_await resolve(std::move(emails), priority);
  co_return known ? found : known;
}

net::Task<Result<void>> Directory::refresh_all(Priority priority) {
  auto& self = *impl_;
  UserIndex::RotationDraft wanted;
  for (auto& email : self.index.absent_emails()) wanted.emails.insert(std::move(email));
  co_return co_await self.read_list(std::move(wanted), priority);
}

net::Task<void> Directory::keep_fresh() {
  auto& self = *impl_;
  for (;;) {
    auto pause = kRefreshEvery;
    const auto now = self.loop.now();
    auto old = self.index.seen_before(now - kFresh, now);
    if (!old.empty() || self.refresh_problem) {
      Result<void> done;
      if (old.size() > kFewUsers) {
        UserIndex::RotationDraft nobody_new;
        done = co_await self.read_list(std::move(nobody_new), Priority::background);
      } else {
        old.resize(std::min(old.size(), kRefreshedAtOnce));
        done = co_await self.ask_users(std::move(old), Priority::background);
      }
      self.refresh_problem = done ? std::nullopt : std::optional(done.error());
      if (!done) pause = kAfterTrouble;
    }
    self.flush();
    self.forget_old_list();
    co_await net::sleep_for(self.loop, pause);
  }
}

}  // namespace watchbill::slack
