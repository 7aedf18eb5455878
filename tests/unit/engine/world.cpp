#include "tests/unit/engine/world.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "tests/support/catch.hpp"

namespace watchbill::test {

namespace {

std::vector<UserId> ids(const std::vector<std::string>& texts) {
  std::vector<UserId> users;
  for (const auto& text : texts) users.emplace_back(text);
  std::sort(users.begin(), users.end());
  return users;
}

/// What the engine logs is nothing to read here; a test that looks at it has a logger of its own.
const bool quiet = [] {
  spdlog::set_level(spdlog::level::off);
  return true;
}();

std::string new_folder() {
  char name[] = "/tmp/watchbill-engine-XXXXXX";
  return mkdtemp(name);
}

Error lost() {
  auto error = fail(ErrorKind::timeout, "no answer in time");
  error.maybe_done = true;
  return error;
}

}  // namespace

void FakeSlack::add_user(const std::string& id, const std::string& email) {
  slack::User user;
  user.id = UserId{id};
  user.name = email.empty() ? id : email.substr(0, email.find('@'));
  user.email = email;
  users[user.id] = user;
}

void FakeSlack::add_group(const std::string& id, const std::string& handle, std::vector<std::string> members,
                          bool disabled) {
  slack::UserGroup group;
  group.id = GroupId{id};
  group.handle = handle;
  group.name = handle;
  group.members = ids(members);
  group.disabled = disabled;
  groups[group.id] = group;
}

std::vector<std::string> FakeSlack::members(const std::string& group) const {
  std::vector<std::string> found;
  for (const auto& user : groups.at(GroupId{group}).members) found.push_back(user.value);
  return found;
}

std::vector<FakeSlack::Message> FakeSlack::messages(const std::string& channel) const {
  std::vector<Message> found;
  for (const auto& message : posted) {
    if (message.channel.value == channel) found.push_back(message);
  }
  return found;
}

slack::UserGroup& FakeSlack::changing(const GroupId& group) {
  auto& changed = groups.at(group);
  past_.push_back({loop_.steady_now(), changed});
  while (past_.front().until + 1min < loop_.steady_now()) past_.pop_front();
  return changed;
}

bool FakeSlack::changed_by_us(const slack::UserGroup& group) const {
  const auto ours = written_.find(group.id);
  return ours != written_.end() && ours->second.members == group.members &&
         ours->second.disabled == group.disabled;
}

void FakeSlack::edit_by_hand(const std::string& group, const std::vector<std::string>& members) {
  changing(GroupId{group}).members = ids(members);
}

void FakeSlack::disable_by_hand(const std::string& group) {
  changing(GroupId{group}).disabled = true;
}

std::vector<UserId> FakeSlack::taken(std::vector<UserId> members) const {
  std::erase_if(members, [this](const UserId& user) { return left_out.contains(user); });
  for (auto& user : members) {
    const auto other = other_ids.find(user);
    if (other != other_ids.end()) user = other->second;
  }
  std::sort(members.begin(), members.end());
  return members;
}

std::optional<seconds> FakeSlack::over_limit(slack::Method method) {
  const auto limit = limits.find(method);
  if (limit == limits.end()) return std::nullopt;
  auto& calls_of = recent_[method];
  const auto now = loop_.steady_now();
  const milliseconds window = milliseconds{60s} / rate_scale;
  while (!calls_of.empty() && calls_of.front() + window <= now) calls_of.pop_front();
  if (calls_of.size() >= limit->second) return std::chrono::ceil<seconds>(calls_of.front() + window - now);
  calls_of.push_back(now);
  return std::nullopt;
}

net::Task<FakeSlack::Outcome> FakeSlack::arrive(slack::Method method, std::string what) {
  ++calls[method];
  auto takes = latency;
  if (const auto held = slow.find(method); held != slow.end()) takes += held->second;
  co_await net::sleep_for(loop_, takes);
  if (const auto wait = over_limit(method)) {
    ++too_many;
    auto answer = fail(ErrorKind::rate_limited, "Slack asks to wait");
    answer.retry_after = wait;
    if (on_too_many) on_too_many(method, *wait);
    co_return Outcome{false, answer};
  }
  const auto how = fate ? fate(method, what) : Fate::normal;
  if (how == Fate::refused) co_return Outcome{false, error};
  if (how == Fate::dropped) co_return Outcome{false, lost()};
  if (how == Fate::lost) co_return Outcome{true, lost()};
  if (how == Fate::ignored) co_return Outcome{false, std::nullopt};
  co_return Outcome{};
}

net::Task<Result<std::vector<slack::UserGroup>>> FakeSlack::list_groups(slack::Permit permit) {
  const auto outcome = co_await arrive(permit.method(), "");
  if (on_list) on_list(!outcome.error);
  if (outcome.error) co_return *outcome.error;
  const auto then = loop_.steady_now() - list_lag;
  std::vector<slack::UserGroup> all;
  for (const auto& [id, group] : groups) {
    if (hidden.contains(id)) continue;
    const auto past = std::find_if(past_.begin(), past_.end(), [&, &of = id](const Past& was) {
      return was.group.id == of && was.until > then;
    });
    auto& shown = all.emplace_back(past == past_.end() ? group : past->group);
    if (tells_editors && shown.updated_by.empty())
      shown.updated_by = UserId{changed_by_us(shown) ? "UBOT" : "UADMIN"};
  }
  co_return all;
}

net::Task<Result<std::vector<UserId>>> FakeSlack::set_members(slack::Permit permit, GroupId group,
                                                              std::vector<UserId> members) {
  const auto outcome = co_await arrive(permit.method(), group.value);
  const bool fit = std::all_of(members.begin(), members.end(), [this](const UserId& user) {
    return users.contains(user) && users.at(user).assignable();
  });
  if (invalid != Invalid::never && !fit) {
    if (invalid == Invalid::emptied) groups.at(group).members.clear();
    auto refusal = fail(ErrorKind::invalid, "Slack does not take one of the members [invalid_users]");
    refusal.code = "invalid_users";
    co_return refusal;
  }
  if (!outcome.error && refuses_disabled && groups.at(group).disabled) {
    auto refusal = fail(ErrorKind::invalid, "Slack refused the arguments [invalid_arguments]");
    refusal.code = "invalid_arguments";
    co_return refusal;
  }
  if (outcome.effect) {
    if (members.empty()) violations.push_back("an empty list for " + group.value);
    for (const auto& user : members) {
      const auto known = users.find(user);
      if (known == users.end() || !known->second.assignable())
        violations.push_back(user.value + " in " + group.value);
    }
    auto& changed = changing(group);
    changed.members = taken(members);
    written_[group] = changed;
    writes.push_back({group, members, loop_.now()});
  }
  if (outcome.error) co_return *outcome.error;
  if (echoes) co_return members;
  co_return groups.at(group).members;
}

net::Task<Result<void>> FakeSlack::enable_group(slack::Permit permit, GroupId group) {
  const auto outcome = co_await arrive(permit.method(), group.value);
  if (outcome.effect) {
    auto& changed = changing(group);
    changed.disabled = false;
    written_[group] = changed;
  }
  if (outcome.error) co_return *outcome.error;
  co_return Result<void>{};
}

net::Task<Result<void>> FakeSlack::disable_group(slack::Permit permit, GroupId group) {
  const auto outcome = co_await arrive(permit.method(), group.value);
  if (outcome.effect) {
    auto& changed = changing(group);
    changed.disabled = true;
    written_[group] = changed;
  }
  if (outcome.error) co_return *outcome.error;
  co_return Result<void>{};
}

net::Task<Result<slack::UserGroup>> FakeSlack::create_group(slack::Permit permit, std::string name,
                                                            std::string handle, std::string /*description*/) {
  co_await arrive(permit.method(), handle);
  add_group("S" + name, handle, {});
  co_return groups.at(GroupId{"S" + name});
}

net::Task<Result<slack::User>> FakeSlack::lookup_by_email(slack::Permit permit, std::string email) {
  const auto outcome = co_await arrive(permit.method(), email);
  if (outcome.error) co_return *outcome.error;
  for (const auto& [id, user] : users) {
    if (user.email != email || user.deleted) continue;
    if (on_person) on_person(email, true);
    co_return user;
  }
  if (on_person) on_person(email, false);
  co_return fail(ErrorKind::not_found, "no user has the address {}", email);
}

net::Task<Result<slack::User>> FakeSlack::user_info(slack::Permit permit, UserId user) {
  const auto outcome = co_await arrive(permit.method(), user.value);
  if (outcome.error) co_return *outcome.error;
  const auto found = users.find(user);
  if (found == users.end()) co_return fail(ErrorKind::not_found, "no user {}", user);
  co_return found->second;
}

net::Task<Result<slack::UserPage>> FakeSlack::list_users(slack::Permit permit, std::string cursor) {
  const auto outcome = co_await arrive(permit.method(), "");
  if (outcome.error) co_return *outcome.error;
  slack::UserPage page;
  auto next = cursor.empty() ? users.begin() : users.lower_bound(UserId{cursor});
  for (; next != users.end() && page.users.size() < page_of_people; ++next)
    page.users.push_back(next->second);
  if (next != users.end()) page.next_cursor = next->first.value;
  co_return page;
}

net::Task<Result<slack::Posted>> FakeSlack::post(slack::Permit permit, slack::OutgoingMessage message) {
  const auto outcome = co_await arrive(permit.method(), message.channel.value);
  if (archived.contains(message.channel)) {
    auto refusal = fail(ErrorKind::forbidden, "the channel is archived [is_archived]");
    refusal.code = "is_archived";
    co_return refusal;
  }
  if (outcome.effect) {
    posted.push_back({message.channel, message.text, message.key, loop_.now() - ahead});
    if (on_message) on_message(posted.back());
  }
  if (outcome.error) co_return *outcome.error;
  co_return slack::Posted{message.channel, std::to_string(posted.size())};
}

net::Task<Result<slack::HistoryPage>> FakeSlack::history(slack::Permit permit, ChannelId channel,
                                                         Instant oldest, std::string /*cursor*/) {
  co_await arrive(permit.method(), channel.value);
  if (!history_readable) co_return fail(ErrorKind::forbidden, "missing_scope");
  slack::HistoryPage page;
  for (std::size_t i = 0; i < posted.size(); ++i) {
    if (posted[i].channel == channel && posted[i].at >= oldest)
      page.keys.emplace_back(posted[i].key, std::to_string(i + 1));
  }
  co_return page;
}

net::Task<Result<void>> FakeSlack::join(slack::Permit permit, ChannelId channel) {
  co_await arrive(permit.method(), channel.value);
  co_return Result<void>{};
}

net::Task<Result<slack::Channel>> FakeSlack::channel_info(slack::Permit permit, ChannelId channel) {
  co_await arrive(permit.method(), channel.value);
  slack::Channel info;
  info.id = channel;
  info.member = true;
  info.archived = archived.contains(channel);
  co_return info;
}

net::Task<Result<slack::ChannelPage>> FakeSlack::list_channels(slack::Permit permit, std::string /*cursor*/) {
  co_await arrive(permit.method(), "");
  co_return slack::ChannelPage{};
}

net::Task<Result<ChannelId>> FakeSlack::open_direct(slack::Permit permit, UserId user) {
  co_await arrive(permit.method(), user.value);
  co_return ChannelId{"D" + user.value};
}

namespace {

/// Reads the truth as an adapter would.
class FakeProvider final : public providers::Provider {
 public:
  FakeProvider(net::Loop& loop, FakeSystem& system, std::string connection)
      : loop_(loop), system_(system), connection_(std::move(connection)) {}

  net::Task<Result<std::string>> verify() override { co_return std::string("fake"); }
  net::Task<Result<std::vector<providers::ScheduleInfo>>> list_schedules() override {
    co_return std::vector<providers::ScheduleInfo>{};
  }
  net::Task<void> poll(std::vector<std::string> schedules, Window window,
                       providers::AnswerSink sink) override {
    ++system_.polls;
    if (system_.before_poll) system_.before_poll(system_);
    const auto asked = loop_.now();
    co_await net::sleep_for(loop_, system_.latency);
    for (const auto& id : schedules) sink(told(answer(id, window, asked, system_.moments, false)));
  }
  net::Task<void> look_ahead(std::vector<std::string> schedules, Window window,
                             providers::AnswerSink sink) override {
    ++system_.look_aheads;
    const auto asked = loop_.now();
    co_await net::sleep_for(loop_, system_.latency);
    std::vector<ScheduleAnswer> answers;
    for (const auto& id : schedules) answers.push_back(answer(id, window, asked, false, false));
    co_await net::sleep_for(loop_, system_.paging);
    for (auto& said : answers) sink(told(std::move(said)));
  }
  net::Task<ScheduleAnswer> confirm(std::string id, Window window) override {
    ++system_.confirms;
    const auto asked = loop_.now();
    co_await net::sleep_for(loop_, system_.confirm_latency.value_or(system_.latency));
    co_return told(answer(id, window, asked, false, true));
  }
  [[nodiscard]] providers::ConnectionHealth health() const override {
    providers::ConnectionHealth health;
    health.renewing = system_.renewing;
    if (answered_) health.clock_skew = -std::chrono::floor<seconds>(system_.ahead);
    return health;
  }

 private:
  ScheduleAnswer told(ScheduleAnswer said) {
    if (system_.on_answer) system_.on_answer(said);
    return said;
  }

  ScheduleAnswer answer(const std::string& id, Window window, Instant asked, bool moment, bool itself) {
    answered_ = true;
    ScheduleAnswer said;
    said.schedule = {connection_, id};
    said.asked_at = asked;
    said.window = window;
    said.moment = moment;
    said.from_schedule = itself;
    said.schedule_name = id;
    const bool too_far = window.to - window.from > system_.reach;
    if (system_.down || too_far || system_.failing.contains(id)) {
      said.error = fail(system_.refusal, "{} does not answer", connection_);
      return said;
    }
    if (itself && system_.itself_fails) {
      said.error = system_.itself_fails;
      return said;
    }
    const auto presence = system_.presence.find(id);
    said.status = presence == system_.presence.end() ? AnswerStatus::ok : presence->second;
    if (said.status != AnswerStatus::ok) {
      if (!itself)
        said.status = AnswerStatus::ok;  // a list merely does not show it
      else
        said.error = fail(said.status == AnswerStatus::gone ? ErrorKind::not_found : ErrorKind::forbidden,
                          "no schedule {}", id);
      return said;
    }
    if (system_.shows_nobody && !itself) return said;
    const auto lag = system_.lag;
    for (auto shift : system_.truth[id]) {
      if (moment) {
        if (shift.start > window.from - lag || shift.end <= window.from - lag) continue;
        shift.start = window.from;
        shift.end = window.to;
        shift.end_unknown = true;
      } else if (shift.start >= window.to || shift.end <= window.from) {
        continue;
      }
      said.shifts.push_back(shift);
    }
    return said;
  }

  net::Loop& loop_;
  FakeSystem& system_;
  std::string connection_;
  bool answered_ = false;
};

}  // namespace

Responder FakeSystem::person(const std::string& name, const std::string& connection) {
  return {connection, "P" + name, name, name + "@example.com"};
}

void FakeSystem::rotate(const std::string& schedule, const std::vector<std::string>& people, Instant start,
                        milliseconds length, std::size_t shifts) {
  auto& planned = truth[schedule];
  planned.clear();
  for (std::size_t sudden_change = 0; sudden_change < shifts; ++sudden_change, start += length) {
    planned.push_back({person(people[sudden_change % people.size()], connection), start, start + length});
  }
}

std::unique_ptr<providers::Provider> FakeSystem::provider(net::Loop& loop) {
  return std::make_unique<FakeProvider>(loop, *this, connection);
}

net::Task<Result<net::HttpResponse>> FakeWeb::send(net::HttpRequest request) {
  co_await net::sleep_for(loop_, latency);
  if (down) co_return fail(ErrorKind::unreachable, "nothing answers");
  sent.push_back({request.url, request.body, loop_.now()});
  if (on_sent) on_sent(sent.back());
  net::HttpResponse response;
  response.status = 200;
  co_return response;
}

std::vector<FakeWeb::Sent> FakeWeb::sent_to(const std::string& url) const {
  std::vector<Sent> found;
  for (const auto& request : sent) {
    if (request.url == url) found.push_back(request);
  }
  return found;
}

EngineWorld::EngineWorld(engine::EngineOptions given)
    : options(std::move(given)), folder(new_folder()), disk(folder + "/watchbill.db") {
  disk.on_death = [this] { loop.interrupt(); };
  open_store();
  connect("pd");
}

EngineWorld::~EngineWorld() {
  kill();
  store.reset();
  std::filesystem::remove_all(folder);
}

void EngineWorld::open_store() {
  auto opened = store::Store::open({folder + "/watchbill.db", folder + "/key"});
  REQUIRE(opened);
  store = std::move(*opened);
  disk.watch_own(*store);
}

FakeSystem& EngineWorld::connect(const std::string& name, const std::string& kind) {
  Connection connection;
  connection.name = name;
  connection.kind = kind;
  REQUIRE(store->connections().add(connection, "test"));
  systems[name].connection = name;
  return systems[name];
}

Rotation EngineWorld::rotation(const std::string& name, const std::vector<std::string>& schedules) {
  Rotation rotation;
  rotation.name = name;
  rotation.group = GroupId{"S" + name};
  rotation.handle = name;
  for (const auto& id : schedules) {
    const auto slash = id.find('/');
    rotation.schedules.push_back({slash == std::string::npos
                                      ? ScheduleRef{"pd", id}
                                      : ScheduleRef{id.substr(0, slash), id.substr(slash + 1)}});
  }
  rotation.channels = {ChannelId{"C" + name}};
  if (!slack.groups.contains(rotation.group)) slack.add_group("S" + name, name, {});
  return rotation;
}

RotationId EngineWorld::create(const Rotation& rotation, bool quiet) {
  auto id = store->rotations().add(rotation, quiet, std::nullopt, "test");
  REQUIRE(id);
  return *id;
}

std::unique_ptr<store::Store> EngineWorld::as_cli() {
  auto cli = store::Store::open({folder + "/watchbill.db", folder + "/key"});
  REQUIRE(cli);
  disk.watch_other(**cli);
  return std::move(*cli);
}

void EngineWorld::edit(const std::string& name, const std::function<void(Rotation&)>& change) {
  const auto cli = as_cli();
  auto rotation = cli->rotations().find(name);
  REQUIRE(rotation);
  change(*rotation);
  REQUIRE(cli->rotations().update(*rotation, "cli:root"));
}

void EngineWorld::lock_store(milliseconds span) {
  const auto cli = as_cli();
  REQUIRE(cli->transaction([&]() -> Result<void> {
    advance(span);
    return {};
  }));
}

namespace {

net::Task<void> start_engine(engine::Engine& engine, std::optional<Result<void>>& started) {
  started = co_await engine.start();
}

}  // namespace

void EngineWorld::start() {
  limiter = std::make_unique<slack::RateLimiter>(loop, slack.rate_scale);
  slack.on_too_many = [this](slack::Method method, seconds wait) { limiter->pause(method, wait); };
  options.slack_clock_skew = [this] { return -std::chrono::floor<seconds>(slack.ahead); };
  auto begun = store::HostLease::begin(*store);
  REQUIRE(begun);
  lease = *begun;
  engine = std::make_unique<engine::Engine>(
      engine::EnginePorts{loop, {*store, executor}, web, slack, slack, slack, *limiter, *lease}, options,
      [this](const Connection& connection) -> Result<std::unique_ptr<providers::Provider>> {
        return systems.at(connection.name).provider(loop);
      });
  std::optional<Result<void>> started;
  net::TaskScope starting;
  starting.spawn(start_engine(*engine, started));
  while (!started && !disk.dead()) REQUIRE(loop.advance_to_next());
  if (disk.dead()) return revive();
  REQUIRE(*started);
}

void EngineWorld::revive() {
  on_death();
  disk.live();
  start();
}

void EngineWorld::advance(milliseconds span) {
  const auto end = loop.steady_now() + span;
  loop.advance(span);
  while (disk.dead()) {
    revive();
    // Its start may have taken longer than that.
    if (loop.steady_now() < end) loop.advance(end - loop.steady_now());
  }
}

void EngineWorld::kill() {
  engine.reset();
  executor.drop();
  limiter.reset();
}

void EngineWorld::fail_power() {
  kill();
  store.reset();
  disk.lose_relaxed();
  open_store();
}

store::RotationStatus EngineWorld::status(RotationId id) {
  auto statuses = store->engine().statuses();
  REQUIRE(statuses);
  for (const auto& status : *statuses) {
    if (status.rotation == id) return status;
  }
  FAIL("no status was written");
  return {};
}

std::vector<Change> EngineWorld::history() {
  auto changes = store->history().list({});
  REQUIRE(changes);
  return *changes;
}

Payments::Payments(const std::function<void(Rotation&)>& adjust, engine::EngineOptions options)
    : world(std::move(options)) {
  world.slack.add_user("UADA", "ada@example.com");
  world.slack.add_user("UBO", "bo@example.com");
  world.slack.add_user("UCY", "cy@example.com");
  boundary = world.loop.now() + 30min + 17s;
  world.system.rotate("P1", {"ada", "bo"}, boundary - 1h, 1h, 1600);
  auto rotation = world.rotation("payments", {"P1"});
  if (adjust) adjust(rotation);
  id = world.create(rotation);
  world.start();
  world.advance(20s);
}

void Payments::edit_group(const std::vector<std::string>& members) {
  world.slack.edit_by_hand("Spayments", members);
}

store::RotationStatus Payments::status() {
  world.advance(2s);
  return world.status(id);
}

std::string Payments::problems() {
  std::string all;
  for (const auto& problem : status().problems) all += problem + "\n";
  return all;
}

}  // namespace watchbill::test
