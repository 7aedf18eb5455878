#include "tests/support/catch.hpp"
#include "tests/unit/engine/world.hpp"

/// What becomes of a write that Slack answers otherwise than with what was asked of it.
using namespace watchbill;
using namespace watchbill::test;
using Names = std::vector<std::string>;
using Fate = FakeSlack::Fate;

namespace {

constexpr auto kUpdate = slack::Method::usergroups_users_update;

engine::EngineOptions alerting() {
  engine::EngineOptions options;
  options.alerts.channel = ChannelId{"CALERTS"};
  return options;
}

/// Bo and Cy are on call together in the second shift.
struct Pair : Payments {
  explicit Pair(const engine::EngineOptions& options = {}) : Payments({}, options) {
    const auto shift = world.system.truth["P1"][1];
    world.system.truth["P1"].push_back({FakeSystem::person("cy"), shift.start, shift.end});
    world.advance(2min);
  }
  bool says(const std::string& text) { return problems().find(text) != std::string::npos; }
  [[nodiscard]] std::string alerts() const {
    std::string all;
    for (const auto& message : world.slack.messages("CALERTS")) all += message.text + "\n";
    return all;
  }
  /// True if each alert that something began names who is missing.
  [[nodiscard]] bool names_missing(const std::string& name) const {
    const auto& messages = world.slack.messages("CALERTS");
    return std::all_of(messages.begin(), messages.end(), [&](const auto& message) {
      return message.text.starts_with(":white_check_mark:") ||
             message.text.find(name + " is missing") != std::string::npos;
    });
  }
};

}  // namespace

TEST_CASE(
    "who is missing although Slack said ok is named after the second time, and tried ever more rarely") {
  Pair p(alerting());
  p.world.slack.left_out = {UserId{"UCY"}};
  p.world.slack.echoes = GENERATE(false, true);
  p.world.loop.run_until(p.boundary + 3min);
  CHECK(p.members() == Names{"UBO"});
  CHECK(p.state() == "error");
  CHECK(p.says("cy is missing"));
  CHECK(p.alerts().find("cy is missing") != std::string::npos);
  // Every alert names them, whatever Slack shows when it leaves.
  for (const auto& alert : p.world.slack.messages("CALERTS"))
    CHECK(alert.text.find("cy is missing") != std::string::npos);
  CHECK(p.alerts().find(":white_check_mark:") == std::string::npos);
  const auto before = p.world.slack.calls[kUpdate];
  p.world.loop.run_until(p.boundary + 55min);
  // After 1, 5, 15, and then every 60 minutes.
  CHECK(p.world.slack.calls[kUpdate] - before <= 3);
  CHECK(p.alerts().find(":white_check_mark:") == std::string::npos);
  // The next handoff waits for nothing of that.
  p.world.loop.run_until(p.boundary + 1h + 1s);
  CHECK(p.members() == Names{"UADA"});
  p.world.advance(70s);
  CHECK(p.state() == "in_sync");
  CHECK(p.alerts().find(":white_check_mark:") != std::string::npos);
  CHECK(p.names_missing("cy"));
}

TEST_CASE("a write that is done at last is awaited, not called an error, until a list shows it") {
  Pair p(alerting());
  p.world.slack.left_out = {UserId{"UCY"}};
  p.world.slack.echoes = GENERATE(false, true);
  p.world.loop.run_until(p.boundary);
  for (int i = 0; i < 90 && p.state() != "error"; ++i) p.world.advance(100ms);
  REQUIRE(p.state() == "error");
  p.world.slack.left_out.clear();
  // The next try is a minute after the second; Slack's list comes 5 s after it.
  while (p.members() == Names{"UBO"}) p.world.advance(100ms);
  p.world.advance(1s);
  CHECK(p.state() == "pending");
  p.world.advance(10s);
  CHECK(p.state() == "in_sync");
  p.world.advance(5s);
  REQUIRE(p.alerts().find(":white_check_mark:") != std::string::npos);
  CHECK(p.names_missing("cy"));
}

TEST_CASE("who is missing although Slack said ok once is written again soon, and is no problem") {
  Pair p(alerting());
  p.world.slack.left_out = {UserId{"UCY"}};
  p.world.slack.echoes = GENERATE(false, true);
  p.world.loop.run_until(p.boundary + 2s);
  p.world.slack.left_out.clear();
  p.world.loop.run_until(p.boundary + 75s);
  CHECK(p.members() == Names{"UBO", "UCY"});
  CHECK(p.state() == "in_sync");
  CHECK(p.alerts().empty());
}

TEST_CASE("people whom Slack shows under another id are named with both, and how to map them") {
  Pair p;
  p.world.slack.other_ids = {{UserId{"UBO"}, UserId{"WBO"}}};
  p.world.slack.echoes = GENERATE(false, true);
  p.world.loop.run_until(p.boundary + 3min);
  CHECK(p.state() == "error");
  CHECK(p.says("bo is missing"));
  CHECK(p.says("WBO"));
  CHECK(p.says("watchbill people map"));
}

TEST_CASE("a group that Slack says it disabled and did not is a problem after the second time") {
  Payments p([](Rotation& rotation) { rotation.empty = Empty::disable; });
  p.world.slack.fate = [](slack::Method method, const std::string&) {
    return method == slack::Method::usergroups_disable ? Fate::ignored : Fate::normal;
  };
  p.world.system.truth["P1"].resize(1);
  p.world.loop.run_until(p.boundary + 5min);
  CHECK(p.state() == "error");
  CHECK(p.problems().find("it is still enabled") != std::string::npos);
  CHECK(p.world.slack.calls[slack::Method::usergroups_disable] <= 4);
  p.world.slack.fate = {};
  REQUIRE(p.world.as_cli()->requests().ask("sync", "{}", p.world.loop.now() + 60s));
  p.world.advance(70s);
  CHECK(p.world.slack.groups.at(GroupId{"Spayments"}).disabled);
  CHECK(p.problems().find("it is still enabled") == std::string::npos);
}

TEST_CASE("a write that fails again and again is a problem with its reason and who is missing") {
  Pair p(alerting());
  p.world.slack.error = fail(ErrorKind::server, "Slack failed [internal_error]");
  p.world.slack.fate = [how = GENERATE(Fate::refused, Fate::dropped)](slack::Method method,
                                                                      const std::string&) {
    return method == kUpdate ? how : Fate::normal;
  };
  p.world.loop.run_until(p.boundary + 1min);
  CHECK(p.state() == "error");
  CHECK((p.says("Slack failed") || p.says("no answer in time")));
  CHECK(p.says("bo and cy are missing"));
  p.world.slack.fate = {};
  p.world.advance(40s);
  CHECK(p.members() == Names{"UBO", "UCY"});
  CHECK(p.state() == "in_sync");
  CHECK(p.alerts().find(":white_check_mark:") != std::string::npos);
}

TEST_CASE("a handoff finds its group disabled by hand since the last list, and is there within seconds") {
  Payments p;
  p.world.slack.refuses_disabled = true;
  p.world.loop.run_until(p.boundary - 1s);
  p.world.slack.disable_by_hand("Spayments");
  p.world.loop.run_until(p.boundary + 12s);
  CHECK(p.members() == Names{"UBO"});
  CHECK_FALSE(p.world.slack.groups.at(GroupId{"Spayments"}).disabled);
  p.world.advance(2min);
  CHECK(p.state() == "in_sync");
}

TEST_CASE("a group that was disabled by hand is not enabled with who went off call meanwhile") {
  Payments p;
  auto& slack = p.world.slack;
  slack.refuses_disabled = GENERATE(false, true);
  p.world.loop.run_until(p.boundary - 1s);
  slack.slow[kUpdate] = 2s;
  slack.disable_by_hand("Spayments");
  slack::ChangeEvent news;
  news.group = GroupId{"Spayments"};
  p.world.engine->hear(news);
  p.world.loop.run_until(p.boundary + 1ms);
  REQUIRE(slack.calls[kUpdate] == 2);  // the adoption, and now the repair
  milliseconds former{0};
  for (int i = 0; i < 1000; ++i) {
    p.world.advance(10ms);
    if (!slack.groups.at(news.group.value()).disabled && p.members() == Names{"UADA"}) former += 10ms;
  }
  // Where Slack takes no members for a disabled group, it shows its old ones until the next call is answered.
  INFO("refuses " << slack.refuses_disabled << ", writes " << slack.calls[kUpdate]);
  CHECK(former <= (slack.refuses_disabled ? 2100ms : 0ms));
  CHECK(p.members() == Names{"UBO"});
  CHECK_FALSE(slack.groups.at(news.group.value()).disabled);
  slack.slow.clear();
  p.world.advance(2min);
  CHECK(p.state() == "in_sync");
  CHECK(p.messages().size() == 2);
}

TEST_CASE("a refused write is tried as soon as a list shows that the group was unlocked") {
  Payments p;
  p.world.slack.fate = [](slack::Method method, const std::string&) {
    return method == kUpdate ? Fate::refused : Fate::normal;
  };
  p.world.loop.run_until(p.boundary + 10min);
  p.world.slack.groups.at(GroupId{"Spayments"}).unwritable = "its members are locked";
  p.world.advance(61s);
  p.world.slack.groups.at(GroupId{"Spayments"}).unwritable.reset();
  p.world.slack.fate = {};
  p.world.advance(62s);
  CHECK(p.members() == Names{"UBO"});
}

TEST_CASE("a list that lags behind a write is not taken for somebody's edit") {
  Payments p;
  p.world.slack.list_lag = 4500ms;
  p.world.loop.run_until(p.boundary + 100ms);
  const auto writes = p.world.slack.writes.size();
  for (int i = 0; i < 5; ++i) {
    REQUIRE(p.world.as_cli()->requests().ask("sync", "{}", p.world.loop.now() + 60s));
    p.world.advance(1s);
  }
  p.world.advance(30s);
  CHECK(p.world.slack.writes.size() == writes);
  CHECK(p.world.history().size() == 2);
  CHECK(p.state() == "in_sync");
}

namespace {

/// Writes are answered as if they were done, and are not.
void lose_writes(FakeSlack& slack) {
  slack.echoes = true;
  slack.fate = [](slack::Method method, const std::string&) {
    return method == kUpdate ? Fate::ignored : Fate::normal;
  };
}

}  // namespace

TEST_CASE(
    "a write that Slack called done and did not do is blamed on nobody who changed the group before it") {
  Pair p(alerting());
  auto& group = p.world.slack.groups.at(GroupId{"Spayments"});
  group.updated_by = UserId{"UADMIN"};
  group.updated_at = p.world.loop.now() - 1h;
  p.world.advance(2min);
  lose_writes(p.world.slack);
  p.world.loop.run_until(p.boundary + 3min);
  CHECK(p.members() == Names{"UADA"});
  CHECK(p.state() == "error");
  CHECK(p.says("bo and cy are missing"));
  CHECK_FALSE(p.says("somebody else"));
  p.world.slack.fate = {};
  REQUIRE(p.world.as_cli()->requests().ask("sync", "{}", p.world.loop.now() + 60s));
  p.world.advance(15s);
  CHECK(p.members() == Names{"UBO", "UCY"});
  CHECK(p.state() == "in_sync");
  CHECK(p.alerts().find("somebody else") == std::string::npos);
}

TEST_CASE("where Slack tells no editor nobody is blamed, and `sync` writes at once") {
  Pair p;
  p.world.slack.tells_editors = false;
  p.world.advance(2min);
  lose_writes(p.world.slack);
  p.world.loop.run_until(p.boundary + 6min);
  CHECK(p.state() == "error");
  CHECK(p.says("was changed or was not written"));
  CHECK_FALSE(p.says("somebody else"));
  p.world.slack.fate = {};
  REQUIRE(p.world.as_cli()->requests().ask("sync", "{}", p.world.loop.now() + 60s));
  p.world.advance(5s);
  CHECK(p.members() == Names{"UBO", "UCY"});
}

TEST_CASE("who changes a group after each of our writes is named as its last editor") {
  Payments p;
  auto& group = p.world.slack.groups.at(GroupId{"Spayments"});
  p.world.loop.run_until(p.boundary + 1min);
  for (int i = 0; i < 4; ++i) {
    p.edit_group({"UCY"});
    group.updated_by = UserId{"UADMIN"};
    group.updated_at = p.world.loop.now();
    p.world.advance(1min);
  }
  const auto problems = p.problems();
  CHECK(problems.find("@payments is other than it was written again and again") != std::string::npos);
  CHECK(problems.find("Slack names UADMIN as its last editor") != std::string::npos);
}
