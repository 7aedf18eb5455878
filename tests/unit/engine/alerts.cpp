#include "engine/targets/alerter.hpp"
#include "store/names.hpp"
#include "store/sqlite/sqlite_store.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/engine/world.hpp"

using namespace watchbill;
using namespace watchbill::test;
using Names = std::vector<std::string>;

namespace {

constexpr const char* kWebhook = "https://hooks.example.com/alert";
constexpr const char* kHeartbeat = "https://alive.example.com/beat";

engine::EngineOptions both_ways() {
  engine::EngineOptions options;
  options.alerts.channel = ChannelId{"CALERT"};
  options.alerts.webhook = Secret(kWebhook);
  options.alerts.heartbeat = Secret(kHeartbeat);
  return options;
}

std::size_t holding(const std::vector<std::string>& texts, const std::string& part) {
  return static_cast<std::size_t>(std::count_if(texts.begin(), texts.end(), [&](const std::string& text) {
    return text.find(part) != std::string::npos;
  }));
}

std::vector<std::string> told_in(const EngineWorld& world, const std::string& channel) {
  std::vector<std::string> texts;
  for (const auto& message : world.slack.messages(channel)) texts.push_back(message.text);
  return texts;
}

std::vector<std::string> told_by_webhook(const EngineWorld& world) {
  std::vector<std::string> texts;
  for (const auto& request : world.web.sent_to(kWebhook)) texts.push_back(request.body);
  return texts;
}

/// Both ways told of it `began` times that it began and `ended` times that it is over.
void check_told(const EngineWorld& world, const std::string& part, std::size_t began, std::size_t ended) {
  const auto channel = told_in(world, "CALERT");
  CHECK(holding(channel, part) == began);
  CHECK(holding(channel, ":white_check_mark: ") == ended);
  const auto webhook = told_by_webhook(world);
  CHECK(holding(webhook, part) == began);
  CHECK(holding(webhook, R"("state":"resolved")") == ended);
}

/// Pages that were written to the disk since this was asked the last time.
std::int64_t pages_written(EngineWorld& world) {
  std::int64_t pages = -1;
  auto& database = static_cast<store::SqliteStore&>(*world.store).database();
  auto asked = database.query("PRAGMA wal_checkpoint(PASSIVE)", [&](const store::Row& row) -> Result<void> {
    row.read(1, pages);
    return {};
  });
  REQUIRE(asked);
  return pages;
}

}  // namespace

net::Task<engine::Alerter::Named> named(store::Store& store, std::set<std::string> texts) {
  engine::Alerter::Named out;
  for (const auto& text : texts) out.emplace(text, store::with_names(store, text));
  co_return out;
}

/// An alerter without an engine.
struct AlerterAlone {
  EngineWorld& world;
  engine::Journal journal{world.loop, {*world.store, world.executor}, nullptr};
  slack::RateLimiter limiter{world.loop, 1};
  engine::Alerter alerter;

  AlerterAlone(EngineWorld& in, engine::AlertOptions options)
      : world(in),
        alerter(in.loop, journal, in.slack, limiter, in.web, std::move(options),
                [this](std::set<std::string> texts) { return named(*world.store, std::move(texts)); }) {
    world.kill();
    const auto from = engine::read_journal_start(*world.store);
    REQUIRE(from);
    journal.start(*world.lease, *from);
  }
};

TEST_CASE("problems that begin or end together wait for the disk together") {
  Payments p;
  AlerterAlone alone(p.world, {});
  std::vector<Problem> problems;
  for (int i = 0; i < 300; ++i)
    problems.push_back({fmt::format("rotation:{}:empty", i), "nobody is on call"});
  pages_written(p.world);
  const auto say_end = [](const store::OpenProblem& open) { return open.problem.text; };
  const auto report = [&](const std::vector<Problem>& all) {
    alone.alerter.report(all, {}, say_end, p.world.loop.now());
    alone.journal.hurry();
    p.world.advance(0ms);
  };
  report(problems);
  CHECK(p.world.store->problems().list()->size() == 300);
  CHECK(pages_written(p.world) < 100);
  report({});
  CHECK(p.world.store->problems().list()->front().ended_at);
  CHECK(pages_written(p.world) < 100);
}

TEST_CASE("a problem that a restart finds open is not over meanwhile") {
  Payments p({}, both_ways());
  p.world.system.truth["P1"][0].responder = FakeSystem::person("zoe");
  p.world.advance(90s);
  REQUIRE(p.world.store->problems().list()->size() == 1);
  p.world.kill();
  p.world.start();
  for (int i = 0; i < 30; ++i) {
    CHECK_FALSE(p.world.store->problems().list()->front().ended_at);
    p.world.advance(100ms);
  }
}

TEST_CASE("a problem is told once, in Slack and by the webhook, and so is its end") {
  Payments p({}, both_ways());
  p.world.system.truth["P1"][0].responder = FakeSystem::person("zoe");
  p.world.advance(90s);
  check_told(p.world, "zoe is on call but cannot be in @payments", 1, 0);
  // Not again, whatever happens meanwhile.
  p.world.advance(5min);
  p.world.kill();
  p.world.start();
  p.world.advance(5min);
  check_told(p.world, "zoe is on call but cannot be in @payments", 1, 0);
  store::Mapping mapping{"zoe@example.com", UserId{"UCY"}, p.world.loop.now(), "cli:root"};
  REQUIRE(p.world.as_cli()->people().map(mapping, "cli:root"));
  p.world.advance(10s);
  CHECK(p.members() == Names{"UCY"});
  check_told(p.world, "zoe is on call but cannot be in @payments", 1, 1);
  p.world.advance(10min);
  check_told(p.world, "zoe is on call but cannot be in @payments", 1, 1);
  CHECK(p.world.engine->figures().open_problems == 0);
}

TEST_CASE("a problem that is over before anybody could act is not told") {
  Payments p({}, both_ways());
  int refusals = 1;
  p.world.slack.fate = [&](slack::Method method, const std::string&) {
    const bool refused = method == slack::Method::usergroups_users_update && refusals-- > 0;
    return refused ? FakeSlack::Fate::refused : FakeSlack::Fate::normal;
  };
  p.world.slack.error = fail(ErrorKind::server, "an internal error");
  p.world.loop.run_until(p.boundary + 1min);
  CHECK(p.members() == Names{"UBO"});
  CHECK(told_in(p.world, "CALERT").empty());
  CHECK(told_by_webhook(p.world).empty());
}

TEST_CASE("a refused group's alert names who is on call, with the fix") {
  Payments p({}, both_ways());
  p.world.slack.fate = [](slack::Method method, const std::string&) {
    return method == slack::Method::usergroups_users_update ? FakeSlack::Fate::refused
                                                            : FakeSlack::Fate::normal;
  };
  p.world.loop.run_until(p.boundary + 10s);
  check_told(p.world, "@payments was not written", 1, 0);
  CHECK(holding(told_by_webhook(p.world), "On call is bo") == 1);
  CHECK(holding(told_in(p.world, "CALERT"), "only admins edit groups") == 1);
}

TEST_CASE(
    "a rotation's own alert channel hears of its problems too, and of their end even when it is deleted") {
  Payments p([](Rotation& r) { r.alert_channel = ChannelId{"COWN"}; }, both_ways());
  p.world.system.presence["P1"] = AnswerStatus::gone;
  p.world.advance(3min);
  CHECK(holding(told_in(p.world, "COWN"), "does not exist any more") == 1);
  CHECK(holding(told_in(p.world, "CALERT"), "does not exist any more") == 1);
  CHECK(holding(told_by_webhook(p.world), "does not exist any more") == 1);
  REQUIRE(p.world.as_cli()->rotations().remove(p.id, "cli:root"));
  p.world.advance(30s);
  CHECK(holding(told_in(p.world, "COWN"), ":white_check_mark: ") == 1);
  CHECK(holding(told_in(p.world, "CALERT"), ":white_check_mark: ") == 1);
}

TEST_CASE("a channel that refuses an alert gets it later, and the other not twice") {
  Payments p([](Rotation& r) { r.alert_channel = ChannelId{"COWN"}; }, both_ways());
  p.world.slack.fate = [](slack::Method method, const std::string& what) {
    return method == slack::Method::chat_post_message && what == "COWN" ? FakeSlack::Fate::refused
                                                                        : FakeSlack::Fate::normal;
  };
  p.world.system.presence["P1"] = AnswerStatus::gone;
  p.world.advance(3min);
  CHECK(holding(told_in(p.world, "COWN"), "does not exist any more") == 0);
  CHECK(holding(told_in(p.world, "CALERT"), "does not exist any more") == 1);
  p.world.slack.fate = {};
  p.world.advance(1min);
  CHECK(holding(told_in(p.world, "COWN"), "does not exist any more") == 1);
  CHECK(holding(told_in(p.world, "CALERT"), "does not exist any more") == 1);
}

TEST_CASE(
    "what happens while an alert is on its way is told too, and a webhook that hangs delays no channel") {
  Payments p({}, both_ways());
  p.world.web.latency = 40s;
  p.world.system.truth["P1"][0].responder = FakeSystem::person("zoe");
  p.world.advance(65s);
  CHECK(holding(told_in(p.world, "CALERT"), "zoe is on call") == 1);
  CHECK(told_by_webhook(p.world).empty());
  // While the webhook is being told of the first, a second begins, and nothing else ever happens.
  p.edit_group({"UCY"});
  p.world.slack.fate = [](slack::Method method, const std::string&) {
    return method == slack::Method::conversations_history ? FakeSlack::Fate::refused
                                                          : FakeSlack::Fate::normal;
  };
  p.world.edit("payments", [](Rotation& r) { r.permanent_members = {UserId{"UGONE"}}; });
  p.world.advance(3min);
  CHECK(holding(told_by_webhook(p.world), "zoe is on call") == 1);
  CHECK(holding(told_by_webhook(p.world), "permanent member UGONE") == 1);
}

TEST_CASE("while Slack is down the webhook says so, and that handoffs are not written") {
  Payments p({}, both_ways());
  p.world.slack.fate = [](slack::Method, const std::string&) { return FakeSlack::Fate::refused; };
  p.world.slack.error = fail(ErrorKind::unreachable, "no way to slack.com");
  p.world.advance(5min);
  CHECK(holding(told_by_webhook(p.world), "Slack's user groups cannot be read") == 1);
  CHECK_FALSE(p.world.engine->figures().slack_usable);
  p.world.slack.fate = {};
  p.world.advance(2min);
  CHECK(holding(told_by_webhook(p.world), R"("state":"resolved")") == 1);
  CHECK(p.world.engine->figures().slack_usable);
}

TEST_CASE("a handoff while Slack is down is written and announced when it is back, and says how late") {
  Payments p({}, both_ways());
  p.world.loop.run_until(p.boundary - 1min);
  p.world.slack.fate = [](slack::Method, const std::string&) { return FakeSlack::Fate::refused; };
  p.world.slack.error = fail(ErrorKind::unreachable, "no way to slack.com");
  p.world.loop.run_until(p.boundary + 30min);
  CHECK(p.members() == Names{"UADA"});
  p.world.slack.fate = {};
  p.world.advance(2min);
  CHECK(p.members() == Names{"UBO"});
  REQUIRE(p.messages().size() == 2);
  CHECK(p.messages()[1].text.find("min late") != std::string::npos);
}

TEST_CASE("the heartbeat is fetched after complete passes and after no others") {
  EngineWorld world(both_ways());
  world.slack.add_user("UADA", "ada@example.com");
  for (const std::string id : {"P1", "P2"}) {
    world.system.rotate(id, {"ada"}, world.loop.now() - 1h, days{30}, 1);
    world.create(world.rotation(id, {id}), true);
  }
  world.start();
  world.advance(10min);
  const auto beats = [&] { return world.web.sent_to(kHeartbeat).size(); };
  CHECK(beats() >= 9);
  CHECK(beats() <= 11);

  // One of two schedules is not answered: no pass is complete, from the first on.
  world.system.failing = {"P2"};
  const auto before = beats();
  world.advance(10min);
  CHECK(beats() == before);
  world.system.failing.clear();
  world.advance(5min);
  CHECK(beats() >= before + 4);

  // The same without Slack's list.
  world.slack.fate = [](slack::Method method, const std::string&) {
    return method == slack::Method::usergroups_list ? FakeSlack::Fate::refused : FakeSlack::Fate::normal;
  };
  const auto then = beats();
  world.advance(10min);
  CHECK(beats() <= then + 1);  // the pass that was under way may have been complete
  world.slack.fate = {};
  world.advance(5min);
  CHECK(beats() >= then + 4);
}

TEST_CASE("a connection whose schedules all empty at once is told of, and nobody is taken for off call") {
  EngineWorld world(both_ways());
  world.slack.add_user("UADA", "ada@example.com");
  for (int i = 1; i <= 4; ++i) {
    const auto id = "P" + std::to_string(i);
    world.system.rotate(id, {"ada"}, world.loop.now() - 1h, days{30}, 1);
    auto rotation = world.rotation(id, {id});
    rotation.empty = Empty::disable;
    world.create(rotation, true);
  }
  world.start();
  world.advance(1min);
  const auto truth = world.system.truth;
  for (auto& [id, shifts] : world.system.truth) shifts.clear();
  world.advance(150s);
  check_told(world, "more than half of its schedules show nobody", 1, 0);
  for (const auto& [id, group] : world.slack.groups) CHECK_FALSE(group.disabled);
  world.system.truth = truth;
  world.advance(2min);
  check_told(world, "more than half of its schedules show nobody", 1, 1);
  for (const auto& [id, group] : world.slack.groups) CHECK_FALSE(group.disabled);
}

TEST_CASE("a start while Slack and a source are down calls neither of them well") {
  const bool hangs = GENERATE(false, true);
  Payments p({}, both_ways());
  p.world.slack.fate = [](slack::Method, const std::string&) { return FakeSlack::Fate::refused; };
  p.world.slack.error = fail(ErrorKind::unreachable, "no way to slack.com");
  p.world.system.down = true;
  p.world.advance(10min);
  CHECK(holding(told_by_webhook(p.world), "Slack's user groups cannot be read") == 1);
  CHECK(holding(told_by_webhook(p.world), "connection pd has not answered") == 1);
  p.world.kill();
  if (hangs) p.world.slack.latency = p.world.system.latency = 20s;
  p.world.start();
  p.world.advance(10min);
  CHECK(holding(told_by_webhook(p.world), R"("state":"resolved")") == 0);
  p.world.slack.fate = {};
  p.world.slack.latency = p.world.system.latency = 20ms;
  p.world.system.down = false;
  p.world.advance(3min);
  CHECK(holding(told_by_webhook(p.world), R"("state":"resolved")") > 0);
}

TEST_CASE("an alert ends with what is so again, after how long, and not with what was wrong") {
  Payments p({}, both_ways());
  p.world.system.down = true;
  p.world.advance(5min);
  CHECK(holding(told_in(p.world, "CALERT"), "connection pd has not answered") == 1);
  p.world.system.down = false;
  p.world.advance(2min);
  const auto ends = told_in(p.world, "CALERT").back();
  INFO(ends);
  CHECK(ends.starts_with(":white_check_mark: connection pd answers again after "));
  CHECK(ends.ends_with("; nothing that still holds was missed"));
  CHECK(ends.find("has not answered") == std::string::npos);
  CHECK(holding(told_by_webhook(p.world), "connection pd answers again after") == 1);
}

TEST_CASE("a system that answers again and shows somebody else is not said to have kept nothing back") {
  Payments p({}, both_ways());
  p.world.system.down = true;
  p.world.advance(1min);
  const auto now = p.world.loop.now();
  auto& shifts = p.world.system.truth["P1"];
  shifts[0].end = now;
  shifts.insert(shifts.begin() + 1, {FakeSystem::person("cy"), now, shifts[1].start});
  p.world.advance(5min);
  p.world.system.down = false;
  p.world.advance(2min);
  CHECK(p.members() == Names{"UCY"});
  const auto told = told_in(p.world, "CALERT");
  CHECK(holding(told, "connection pd answers again after") == 1);
  CHECK(holding(told, "; it shows changes that were not known: \"payments\"") == 1);
  CHECK(holding(told, "nothing that still holds was missed") == 0);
}

TEST_CASE(
    "the end of a person's problem says that they are found, and that of a deleted rotation that it is "
    "over") {
  Payments p({}, both_ways());
  p.world.system.truth["P1"][0].responder = FakeSystem::person("zoe");
  p.world.advance(90s);
  SECTION("mapped") {
    store::Mapping mapping{"zoe@example.com", UserId{"UCY"}, p.world.loop.now(), "cli:root"};
    REQUIRE(p.world.as_cli()->people().map(mapping, "cli:root"));
    p.world.advance(10s);
    CHECK(told_in(p.world, "CALERT")
              .back()
              .starts_with(":white_check_mark: rotation \"payments\": cy is found in Slack, after "));
  }
  SECTION("deleted") {
    REQUIRE(p.world.as_cli()->rotations().remove(p.id, "cli:root"));
    p.world.advance(10s);
    const auto end = told_in(p.world, "CALERT").back();
    CHECK(end.starts_with(":white_check_mark: rotation \"payments\": over after "));
    CHECK(
        end.ends_with(": zoe is on call but cannot be in @payments: no active Slack account has the address "
                      "zoe@example.com"));
  }
}

TEST_CASE(
    "times in an alert are the reader's own, channels have their names, and nobody is notified by a name") {
  Payments p([](Rotation& r) { r.name = "pay <@UADA>"; }, both_ways());
  REQUIRE(store::remember_channel(*p.world.store, ChannelId{"CPAY"}, "payments"));
  engine::AlertOptions options;
  options.channel = ChannelId{"CALERT"};
  AlerterAlone alone(p.world, options);
  alone.alerter.start();
  alone.alerter.report(
      {{"slack:groups", "for <@UADA> channel CPAY is gone since 2027-01-15 08:00 UTC"}}, {},
      [](const auto&) { return std::string(); }, p.world.loop.now());
  p.world.advance(10s);
  CHECK(told_in(p.world, "CALERT").back() ==
        ":rotating_light: for &lt;@UADA&gt; channel #payments is gone since "
        "<!date^1800000000^{date_short_pretty} at {time}|2027-01-15 08:00 UTC>");
}

TEST_CASE("a text names a dozen people at most, and counts the others") {
  std::vector<OnCallPerson> people;
  for (int i = 0; i < 60; ++i)
    people.push_back(
        {{"pd", fmt::format("P{}", i), fmt::format("Person {}", i)}, {"pd", "P1"}, "", UserId{"U1"}});
  const auto text = on_call_names(people, {});
  CHECK(text.ends_with("Person 11 and 48 more"));
}
