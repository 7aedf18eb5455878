#include "slack_app/home/home_publisher.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/json.hpp"

namespace watchbill::slack_app {

namespace {

/// Whoever looked at his home tab within this time may still have it open.
constexpr auto kRecent = 2h;
constexpr std::size_t kMostReaders = 200;
constexpr auto kLookEvery = 2s;
constexpr auto kOthersEvery = 45s;
/// Readers share what was read from the store this lately.
constexpr auto kSnapshotAge = 500ms;
constexpr auto kIdentityAge = 5min;
constexpr auto kIdentityRetry = 1s;
/// A tab is sent again after this time, though only what changes all the time is different.
constexpr auto kSendAnyway = 10min;
/// How long a first opening waits for Slack to say who it is; then it shows what anybody may see.
constexpr auto kIdentityPatience = 400ms;
constexpr auto kRememberEvery = 10s;
constexpr const char* kReadersKey = "home_readers";

}  // namespace

HomePublisher::HomePublisher(ScreenContext& screen, OwnShifts& shifts, Sources sources)
    : screen_(screen),
      shifts_(shifts),
      sources_(std::move(sources)),
      kicked_(screen.loop()),
      snapshot_(screen.loop(), [this] { return read_snapshot(); }) {}

void HomePublisher::start() {
  tasks_.spawn(take_up());
  tasks_.spawn(keep_latest());
  tasks_.spawn(keep_others());
}

net::Task<void> HomePublisher::take_up() {
  const auto read = [](store::Store& store) {
    auto saved = store.meta(kReadersKey);
    auto users = store.people().users();
    return std::pair(saved ? saved->value_or("{}") : "{}",
                     users ? *std::move(users) : std::vector<store::CachedUser>{});
  };
  const auto [saved, users] = co_await screen_.context().store.run(read);
  const auto now = screen_.loop().now();
  if (const auto document = json::parse(saved)) {
    for (const auto& item : document->root().items()) {
      auto seen = parse_rfc3339(item.string_or(""));
      if (seen && now - *seen < kRecent) reader_of(UserId(std::string(item.key())), *seen);
    }
  }
  recall(users);
  taken_up_ = true;
}

void HomePublisher::kick() {
  ++kicks_;
  snapshot_.forget();
  kicked_.notify();
}

HomePublisher::Reader& HomePublisher::reader_of(const UserId& user, Instant now) {
  auto [found, fresh] = readers_.try_emplace(user);
  auto& reader = found->second;
  reader.seen = std::max(reader.seen, now);
  // Nothing that not everybody may see, until it is known who it is.
  if (fresh) reader.who.user = SlackUser{user, false, true};
  return reader;
}

void HomePublisher::recall(const std::vector<store::CachedUser>& known) {
  for (const auto& one : known) {
    const auto found = readers_.find(one.id);
    if (found == readers_.end() || found->second.known) continue;
    found->second.who.user = SlackUser{one.id, one.admin, one.guest || one.deleted || one.bot};
    found->second.known = true;
  }
}

bool HomePublisher::is_known(const UserId& user) const {
  const auto found = readers_.find(user);
  return found != readers_.end() && found->second.known;
}

net::Task<void> HomePublisher::opened(UserId user, std::string metadata) {
  const auto now = screen_.loop().now();
  auto& reader = reader_of(user, now);
  reader.who.position = home_position(metadata);
  // Slack may have lost the view, or another installation of the app published one.
  reader.fingerprint.clear();
  remember_readers(now);
  auto identity = std::make_unique<DeferredAnswer<bool>>(
      screen_.loop(), [](HomePublisher& self, UserId id) -> net::Task<bool> {
        co_await self.identify(std::move(id));
        co_return true;
      }(*this, user));
  if (!is_known(user)) {
    const auto read = [](store::Store& store) { return store.people().users(); };
    if (auto known = co_await screen_.context().store.run(read)) recall(*known);
  }
  if (!is_known(user)) co_await identity->ready_within(kIdentityPatience);
  co_await show(user, slack::Priority::edit);
  co_await identity->result();
  co_await show(user, slack::Priority::edit);
}

net::Task<void> HomePublisher::turn(UserId user, HomePosition position) {
  auto& reader = reader_of(user, screen_.loop().now());
  reader.who.position = std::move(position);
  co_await show(user, slack::Priority::edit);
}

net::Task<void> HomePublisher::identify(UserId user) {
  auto caller = co_await screen_.choices().caller(user);
  const auto found = readers_.find(user);
  if (found == readers_.end()) co_return;
  auto& reader = found->second;
  reader.identity_at = screen_.loop().now();
  if (!caller) {
    // What was known before counts; every action is checked again.
    reader.identity_at -= kIdentityAge - kIdentityRetry;
    co_return;
  }
  reader.who.user = std::get<SlackUser>(caller->principal);
  reader.known = true;
}

net::Task<void> HomePublisher::show(UserId user, slack::Priority priority) {
  auto found = readers_.find(user);
  if (found == readers_.end()) co_return;
  if (found->second.publishing) {
    found->second.again = true;
    co_return;
  }
  found->second.publishing = true;
  do {
    found->second.again = false;
    co_await show_once(user, priority);
    found = readers_.find(user);
    if (found == readers_.end()) co_return;
  } while (found->second.again);
  found->second.publishing = false;
}

net::Task<void> HomePublisher::show_once(UserId user, slack::Priority priority) {
  const auto now = screen_.loop().now();
  auto& reader = readers_.at(user);
  reader.looked = now;
  const auto kicks = kicks_;
  auto model = co_await model_of(reader.who);
  if (!model) {
    spdlog::warn("Slack app: home tab: {}", model.error().message);
    co_return;
  }
  const auto before = readers_.find(user);
  if (before == readers_.end()) co_return;
  if (home_fingerprint(*model) == before->second.fingerprint && now - before->second.published < kSendAnyway)
    co_return;
  const auto asked = screen_.loop().steady_now();
  auto permit = co_await screen_.context().limiter.acquire(slack::Method::views_publish, priority);
  // Where it waited: what is sent is what is so now.
  if (kicks != kicks_ || screen_.loop().steady_now() - asked >= kSnapshotAge) {
    const auto still_reads = readers_.find(user);
    if (still_reads == readers_.end()) co_return;
    model = co_await model_of(still_reads->second.who);
    if (!model) co_return;
  }
  auto published = co_await screen_.views().publish_home(std::move(permit), user, home_view(*model));
  const auto still = readers_.find(user);
  if (still == readers_.end()) co_return;
  if (published) {
    still->second.fingerprint = home_fingerprint(*std::move(model));
    still->second.published = screen_.loop().now();
    co_return;
  }
  spdlog::warn("Slack app: the home tab of {} was not shown: {}", user, published.error().message);
  // Whoever is gone reads nothing; with anything else the next look tries again.
  if (published.error().kind == ErrorKind::not_found || published.error().kind == ErrorKind::invalid)
    readers_.erase(still);
}

net::Task<Result<HomeSnapshot>> HomePublisher::read_snapshot() {
  auto read = co_await read_home(screen_.context());
  if (read) shifts_.look(read->overview);
  co_return read;
}

net::Task<Result<HomeModel>> HomePublisher::model_of(HomeReader who) {
  auto snapshot = co_await snapshot_.begun_since(screen_.loop().steady_now() - kSnapshotAge);
  if (!snapshot) co_return snapshot.error();
  auto shifts = co_await shifts_.of(who.user.id);
  if (!shifts) co_return shifts.error();
  auto& context = screen_.context();
  who.last_changes = co_await read_last_changes(context, *snapshot, who.position);
  who.shifts = *std::move(shifts);
  who.accounts = sources_.accounts(who.user.id);
  co_return home_model(context, **snapshot, who, sources_.forecast);
}

std::vector<UserId> HomePublisher::recent(Instant now) const {
  std::vector<std::pair<Instant, UserId>> order;
  for (const auto& [user, reader] : readers_) {
    if (now - reader.seen < kRecent) order.emplace_back(reader.seen, user);
  }
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  std::vector<UserId> users;
  users.reserve(order.size());
  for (auto& [seen, user] : order) users.push_back(std::move(user));
  return users;
}

net::Task<void> HomePublisher::keep_latest() {
  while (true) {
    co_await kicked_.wait_until(screen_.loop().now() + kLookEvery);
    const auto now = screen_.loop().now();
    // What was just changed must not hide behind what was read before.
    snapshot_.forget();
    auto users = recent(now);
    users.resize(std::min(users.size(), kLatestReaders));
    for (const auto& user : users) {
      const auto found = readers_.find(user);
      if (found == readers_.end()) continue;
      if (now - found->second.identity_at >= kIdentityAge) tasks_.spawn(identify(user));
      co_await show(user, slack::Priority::background);
    }
  }
}

net::Task<void> HomePublisher::keep_others() {
  while (true) {
    co_await net::sleep_for(screen_.loop(), kOthersEvery);
    const auto now = screen_.loop().now();
    remember_readers(now);
    auto users = recent(now);
    std::erase_if(readers_, [&](const auto& item) { return now - item.second.seen >= kRecent; });
    for (std::size_t i = kMostReaders; i < users.size(); ++i) readers_.erase(users[i]);
    users.resize(std::min(users.size(), kMostReaders));
    for (std::size_t i = kLatestReaders; i < users.size(); ++i) {
      const auto found = readers_.find(users[i]);
      if (found == readers_.end()) continue;
      if (now - found->second.identity_at >= kIdentityAge) co_await identify(users[i]);
      co_await show(users[i], slack::Priority::background);
    }
  }
}

void HomePublisher::remember_readers(Instant now) {
  if (!taken_up_ || now - remembered_ < kRememberEvery) return;
  remembered_ = now;
  json::Writer w;
  w.begin_object();
  for (const auto& user : recent(now)) w.field(user.value, format_rfc3339(readers_.at(user).seen));
  w.end_object();
  tasks_.spawn(write_readers(w.take()));
}

net::Task<void> HomePublisher::write_readers(std::string text) {
  const auto write = [text = std::move(text)](store::Store& store) {
    return store.set_meta(kReadersKey, text);
  };
  if (auto saved = co_await screen_.context().store.run(write); !saved)
    spdlog::warn("Slack app: {}", saved.error().message);
}

}  // namespace watchbill::slack_app
