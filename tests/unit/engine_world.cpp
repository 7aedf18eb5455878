#include "tests/unit/engine_world.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

namespace watchbill::test {

namespace {

std::vector<UserId> ids(const std::vector<std::string>& texts) {
  std::vector<UserId> users;
  for (const auto& text : texts) users.emplace_back(text);
  std::sort(users.begin(), users.end());
  return users;
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
  user.name = id;
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

net::Task<FakeSlack::Fate> FakeSlack::arrive(slack::Method method, std::string what) {
  ++calls[method];
  co_await net::sleep_for(loop_, latency);
  co_return fate ? fate(method, what) : Fate::normal;
}

net::Task<Result<std::vector<slack::UserGroup>>> FakeSlack::list_groups(slack::Permit permit) {
  const auto how = co_await arrive(permit.method(), "");
  if (how != Fate::normal) co_return how == Fate::lost ? lost() : error;
  std::vector<slack::UserGroup> all;
  for (const auto& [id, group] : groups) all.push_back(group);
  co_return all;
}

net::Task<Result<std::vector<UserId>>> FakeSlack::set_members(slack::Permit permit, GroupId group,
                                                              std::vector<UserId> members) {
  const auto how = co_await arrive(permit.method(), group.value);
  if (how == Fate::refused) co_return error;
  if (members.empty()) violations.push_back("an empty list for " + group.value);
  for (const auto& user : members) {
    const auto known = users.find(user);
    if (known == users.end() || !known->second.assignable())
      violations.push_back(user.value + " in " + group.value);
  }
  groups.at(group).members = members;
  written_at[group] = loop_.now();
  if (how == Fate::lost) co_return lost();
  co_return members;
}

net::Task<Result<void>> FakeSlack::enable_group(slack::Permit permit, GroupId group) {
  const auto how = co_await arrive(permit.method(), group.value);
  if (how == Fate::refused) co_return error;
  groups.at(group).disabled = false;
  if (how == Fate::lost) co_return lost();
  co_return Result<void>{};
}

net::Task<Result<void>> FakeSlack::disable_group(slack::Permit permit, GroupId group) {
  const auto how = co_await arrive(permit.method(), group.value);
  if (how == Fate::refused) co_return error;
  groups.at(group).disabled = true;
  if (how == Fate::lost) co_return lost();
  co_return Result<void>{};
}

net::Task<Result<slack::UserGroup>> FakeSlack::create_group(slack::Permit permit, std::string name,
                                                            std::string handle, std::string /*description*/) {
  co_await arrive(permit.method(), handle);
  add_group("S" + name, handle, {});
  co_return groups.at(GroupId{"S" + name});
}

net::Task<Result<slack::User>> FakeSlack::lookup_by_email(slack::Permit permit, std::string email) {
  const auto how = co_await arrive(permit.method(), email);
  if (how != Fate::normal) co_return how == Fate::lost ? lost() : error;
  for (const auto& [id, user] : users) {
    if (user.email == email && !user.deleted) co_return user;
  }
  co_return fail(ErrorKind::not_found, "no user has the address {}", email);
}

net::Task<Result<slack::User>> FakeSlack::user_info(slack::Permit permit, UserId user) {
  const auto how = co_await arrive(permit.method(), user.value);
  if (how != Fate::normal) co_return how == Fate::lost ? lost() : error;
  const auto found = users.find(user);
  if (found == users.end()) co_return fail(ErrorKind::not_found, "no user {}", user);
  co_return found->second;
}

net::Task<Result<slack::UserPage>> FakeSlack::list_users(slack::Permit permit, std::string /*cursor*/) {
  const auto how = co_await arrive(permit.method(), "");
  if (how != Fate::normal) co_return how == Fate::lost ? lost() : error;
  slack::UserPage page;
  for (const auto& [id, user] : users) page.users.push_back(user);
  co_return page;
}

net::Task<Result<slack::Posted>> FakeSlack::post(slack::Permit permit, slack::OutgoingMessage message) {
  const auto how = co_await arrive(permit.method(), message.channel.value);
  if (how == Fate::refused) co_return error;
  posted.push_back({message.channel, message.text, message.key, loop_.now()});
  if (how == Fate::lost) co_return lost();
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
    const auto asked = loop_.now();
    co_await net::sleep_for(loop_, 30ms);
    for (const auto& id : schedules) sink(answer(id, window, asked, system_.moments, false));
  }
  net::Task<void> look_ahead(std::vector<std::string> schedules, Window window,
                             providers::AnswerSink sink) override {
    const auto asked = loop_.now();
    co_await net::sleep_for(loop_, 30ms);
    for (const auto& id : schedules) sink(answer(id, window, asked, false, false));
  }
  net::Task<ScheduleAnswer> confirm(std::string id, Window window) override {
    const auto asked = loop_.now();
    co_await net::sleep_for(loop_, 30ms);
    co_return answer(id, window, asked, false, true);
  }
  [[nodiscard]] providers::ConnectionHealth health() const override { return {}; }

 private:
  ScheduleAnswer answer(const std::string& id, Window window, Instant asked, bool moment, bool itself) {
    ScheduleAnswer said;
    said.schedule = {connection_, id};
    said.asked_at = asked;
    said.window = window;
    said.moment = moment;
    said.from_schedule = itself;
    said.schedule_name = id;
    if (system_.down) {
      said.error = fail(ErrorKind::unreachable, "{} does not answer", connection_);
      return said;
    }
    const auto presence = system_.presence.find(id);
    said.status = presence == system_.presence.end() ? AnswerStatus::ok : presence->second;
    if (said.status != AnswerStatus::ok) {
      if (!itself)
        said.status = AnswerStatus::ok;  // a list merely does not show it
      else
        said.error = fail(ErrorKind::not_found, "no schedule {}", id);
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
};

}  // namespace

Responder FakeSystem::person(const std::string& name) {
  return {"pd", "P" + name, name, name + "@example.com"};
}

void FakeSystem::rotate(const std::string& schedule, const std::vector<std::string>& people, Instant start,
                        milliseconds length, std::size_t shifts) {
  auto& planned = truth[schedule];
  planned.clear();
  for (std::size_t turn = 0; turn < shifts; ++turn, start += length) {
    planned.push_back({person(people[turn % people.size()]), start, start + length});
  }
}

std::unique_ptr<providers::Provider> FakeSystem::provider(net::Loop& loop, const std::string& connection) {
  return std::make_unique<FakeProvider>(loop, *this, connection);
}

struct EngineWorld::NoHttp final : net::HttpClient {
  net::Task<Result<net::HttpResponse>> send(net::HttpRequest /*request*/) override {
    co_return fail(ErrorKind::unreachable, "there is no network here");
  }
};

EngineWorld::EngineWorld(engine::EngineOptions given)
    : options(std::move(given)), http_(std::make_unique<NoHttp>()) {
  char name[] = "/tmp/watchbill-engine-XXXXXX";
  folder = mkdtemp(name);
  store = std::move(*store::Store::open({folder + "/watchbill.db", folder + "/key"}));
  Connection connection;
  connection.name = "pd";
  connection.kind = "fake";
  REQUIRE(store->connections().add(connection, "test"));
}

EngineWorld::~EngineWorld() {
  kill();
  store.reset();
  std::filesystem::remove_all(folder);
}

Rotation EngineWorld::rotation(const std::string& name, const std::vector<std::string>& schedules) {
  Rotation rotation;
  rotation.name = name;
  rotation.group = GroupId{"S" + name};
  rotation.handle = name;
  for (const auto& id : schedules) rotation.schedules.push_back({{"pd", id}});
  rotation.channels = {ChannelId{"C" + name}};
  if (!slack.groups.contains(rotation.group)) slack.add_group("S" + name, name, {});
  return rotation;
}

RotationId EngineWorld::create(const Rotation& rotation, bool quiet) {
  auto id = store->rotations().add(rotation, quiet, std::nullopt, "test");
  REQUIRE(id);
  return *id;
}

void EngineWorld::start() {
  gate = std::make_unique<slack::Gate>(loop, 1);
  engine = std::make_unique<engine::Engine>(
      engine::EnginePorts{loop, *store, *http_, slack, slack, slack, *gate}, options,
      [this](const Connection& connection) -> Result<std::unique_ptr<providers::Provider>> {
        return system.provider(loop, connection.name);
      });
  REQUIRE(engine->start());
}

void EngineWorld::kill() {
  engine.reset();
  gate.reset();
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

}  // namespace watchbill::test
