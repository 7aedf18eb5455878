#include <fmt/format.h>

#include <algorithm>

#include "tests/support/catch.hpp"
#include "tests/unit/engine/world.hpp"

using namespace watchbill;
using namespace watchbill::test;

namespace {

using Names = std::vector<std::string>;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// What the scheduling system says of somebody from now on, in every shift.
void say(FakeSystem& system, const std::string& id, const std::function<void(Responder&)>& change) {
  for (auto& [schedule, shifts] : system.truth) {
    for (auto& shift : shifts) {
      if (shift.responder->id != id) continue;
      Responder responder = shift.responder;
      change(responder);
      shift.responder = responder;
    }
  }
}

/// Bo, who is unknown to this process until then, goes on call at the boundary.
void forget_bo(Payments& p) {
  say(p.world.system, "Pbo", [](Responder& bo) {
    bo.id = "Pzoe";
    bo.name = "zoe";
    bo.email = "zoe@example.com";
  });
  p.world.slack.add_user("UZOE", "zoe@example.com");
}

/// As `watchbill sync`, with the daemon running; what it answered after `patience`.
std::optional<std::string> sync(EngineWorld& world, milliseconds patience) {
  const auto id = world.as_cli()->requests().ask("sync", "{}", world.loop.now() + 60s);
  REQUIRE(id);
  world.advance(patience);
  const auto answer = world.as_cli()->requests().answer_of(*id);
  REQUIRE(answer);
  return *answer;
}

}  // namespace

TEST_CASE("a corrected address at the source is matched with the poll that shows it") {
  Payments p([](Rotation& r) { r.fallback_members = {UserId{"UCY"}}; });
  say(p.world.system, "Pada", [](Responder& ada) { ada.email = "typo@example.com"; });
  p.world.advance(70s);
  CHECK(p.members() == Names{"UCY"});
  CHECK(contains(p.problems(), "typo@example.com"));
  const auto told = p.messages().size();
  say(p.world.system, "Pada", [](Responder& ada) { ada.email = "ada@example.com"; });
  p.world.advance(70s);
  CHECK(p.members() == Names{"UADA"});
  CHECK(p.state() == "in_sync");
  CHECK(p.messages().size() == told);  // the same person: no handoff
}

TEST_CASE("an address that now is another account's moves the place in the group, without a handoff") {
  Payments p;
  const auto told = p.messages().size();
  say(p.world.system, "Pada", [](Responder& ada) { ada.email = "cy@example.com"; });
  p.world.advance(70s);
  CHECK(p.members() == Names{"UCY"});
  CHECK(p.messages().size() == told);
}

TEST_CASE("a new name at the source is no handoff, and Slack's own is shown, also when that is new") {
  Payments p;
  const auto told = p.messages().size();
  const auto changes = p.world.history().size();
  say(p.world.system, "Pada", [](Responder& ada) { ada.name = "Ada Lovelace"; });
  p.world.advance(70s);
  REQUIRE(p.status().on_call.size() == 1);
  CHECK(p.status().on_call[0].responder.name == "ada");
  p.world.slack.users.at(UserId{"UADA"}).name = "Ada Lindqvist";
  p.world.advance(2min);
  CHECK(p.status().on_call[0].responder.name == "Ada Lindqvist");
  CHECK(p.messages().size() == told);
  CHECK(p.world.history().size() == changes);
}

TEST_CASE("a corrected address is remembered while its source is down") {
  Payments p;
  say(p.world.system, "Pada", [](Responder& ada) { ada.email = "cy@example.com"; });
  p.world.advance(70s);
  REQUIRE(p.members() == Names{"UCY"});
  p.world.system.down = true;
  p.world.kill();
  p.world.start();
  p.world.advance(2min);
  CHECK(p.members() == Names{"UCY"});
}

TEST_CASE(
    "a person who was deleted in the scheduling system is not on call, and is named without a mapping") {
  Payments p;
  say(p.world.system, "Pbo", [](Responder& bo) {
    bo.email.reset();
    bo.deleted = true;
  });
  p.world.advance(20min);
  p.world.loop.run_until(p.boundary + 40s);
  REQUIRE(p.messages().size() == 2);
  CHECK_FALSE(contains(p.messages()[1].text, "takes over"));
  CHECK(contains(p.messages()[1].text, "obody is on call"));
  CHECK(contains(p.messages()[1].text, "bo"));
  CHECK(contains(p.problems(), "deleted"));
  CHECK_FALSE(contains(p.problems(), "people map"));
  CHECK(p.members() == Names{"UADA"});  // `keep`
}

TEST_CASE("a person who is deleted while on call is off call with the poll that shows it") {
  Payments p([](Rotation& r) {
    r.fallback_members = {UserId{"UCY"}};
    r.empty = Empty::fallback;
  });
  say(p.world.system, "Pada", [](Responder& ada) { ada.deleted = true; });
  p.world.advance(70s);
  CHECK(p.members() == Names{"UCY"});
  CHECK(contains(p.problems(), "deleted"));
}

TEST_CASE("somebody who is deactivated in Slack while on call is noticed within a minute, and their return") {
  Payments p([](Rotation& r) { r.fallback_members = {UserId{"UCY"}}; });
  p.world.advance(3min);
  p.world.slack.users.at(UserId{"UADA"}).deleted = true;
  p.world.advance(60s);
  CHECK(p.members() == Names{"UCY"});
  CHECK(contains(p.problems(), "deactivated"));
  p.world.slack.users.at(UserId{"UADA"}).deleted = false;
  p.world.advance(60s);
  CHECK(p.members() == Names{"UADA"});
  CHECK(p.state() == "in_sync");
}

TEST_CASE("an address that changes in Slack while its owner is on call is noticed within a minute") {
  Payments p([](Rotation& r) { r.fallback_members = {UserId{"UCY"}}; });
  p.world.advance(3min);
  p.world.slack.users.at(UserId{"UADA"}).email = "ada.l@example.com";
  p.world.advance(70s);
  CHECK(p.members() == Names{"UCY"});
  p.world.slack.users.at(UserId{"UADA"}).email = "ada@example.com";
  p.world.advance(60s);
  CHECK(p.members() == Names{"UADA"});
}

TEST_CASE("somebody on call who joins Slack is found within a minute, however long they were missed") {
  Payments p;
  say(p.world.system, "Pada", [](Responder& ada) { ada.email = "new@example.com"; });
  p.world.advance(25min);
  CHECK(contains(p.problems(), "new@example.com"));
  p.world.slack.add_user("UNEW", "new@example.com");
  p.world.advance(60s);
  CHECK(p.members() == Names{"UNEW"});
}

TEST_CASE("history says why somebody's place in the group went to another account") {
  Payments p;
  const auto told = [&] {
    const auto last = p.world.history().front();
    return std::string(name_of(last.cause)) + " by " + last.by.value_or("-") + ": " + last.note;
  };
  SECTION("the address changed in the scheduling system") {
    say(p.world.system, "Pada", [](Responder& ada) { ada.email = "cy@example.com"; });
    // Slack has to be asked who that is, or is known to the daemon.
    p.world.slack.slow[slack::Method::users_lookup_by_email] = GENERATE(0s, 3s);
    p.world.advance(70s);
    REQUIRE(p.members() == Names{"UCY"});
    CHECK(told() == "edit by -: the address that pd has of ada changed");
  }
  SECTION("a mapping was made, and taken back") {
    auto cli = p.world.as_cli();
    REQUIRE(cli->people().map({"pd/Pada", UserId{"UCY"}, p.world.loop.now(), "cli:root"}, "cli:root"));
    p.world.advance(5s);
    REQUIRE(p.members() == Names{"UCY"});
    CHECK(told() == "edit by cli:root: the mapping of ada changed");
    REQUIRE(cli->people().unmap("pd/Pada", "cli:bo"));
    p.world.advance(70s);
    REQUIRE(p.members() == Names{"UADA"});
    CHECK(told() == "edit by cli:bo: the mapping of cy changed");
  }
  SECTION("the address is another account's in Slack now") {
    p.world.slack.users.at(UserId{"UADA"}).email = "ada.l@example.com";
    p.world.slack.add_user("UNEW", "ada@example.com");
    p.world.advance(2min);
    REQUIRE(p.members() == Names{"UNEW"});
    CHECK(told() == "edit by -: ada has another account in Slack");
  }
}

TEST_CASE("history says whose Slack account became known") {
  Payments p;
  p.world.slack.users.at(UserId{"UBO"}).email = "bo.later@example.com";
  p.world.loop.run_until(p.boundary + 5min);
  p.world.slack.users.at(UserId{"UBO"}).email = "bo@example.com";
  p.world.advance(2min);
  REQUIRE(p.members() == Names{"UBO"});
  const auto last = p.world.history().front();
  CHECK(last.cause == Cause::edit);
  CHECK(last.note == "the Slack account of bo became known");
}

TEST_CASE("a foreseen handoff that waits for a look-up counts from its boundary") {
  Payments p;
  forget_bo(p);
  p.world.slack.slow[slack::Method::users_lookup_by_email] = 40min;
  p.world.loop.run_until(p.boundary + 10s);
  const auto last = p.world.history().front();
  CHECK(last.cause == Cause::handoff);
  CHECK(last.held_since == p.boundary);
}

TEST_CASE("`sync` asks Slack anew about everybody") {
  Payments p;
  p.world.advance(3min);
  p.world.slack.users.at(UserId{"UBO"}).deleted = true;  // not on call yet
  p.world.slack.users.at(UserId{"UADA"}).email = "ada.l@example.com";
  const auto answer = sync(p.world, 5s);
  REQUIRE(answer);
  CHECK(contains(*answer, "\"ok\":true"));
  CHECK(contains(p.problems(), "ada@example.com"));
  p.world.slack.users.at(UserId{"UADA"}).email = "ada@example.com";
  CHECK(sync(p.world, 5s));
  CHECK(p.state() == "in_sync");
  p.world.loop.run_until(p.boundary + 3s);
  CHECK(contains(p.problems(), "deactivated"));
}

TEST_CASE("an event about a person is a hint to look, and is not believed itself") {
  Payments p([](Rotation& r) { r.fallback_members = {UserId{"UCY"}}; });
  p.world.advance(1min);
  const auto looks = [&] { return p.world.slack.calls[slack::Method::users_info]; };
  auto& ada = p.world.slack.users.at(UserId{"UADA"});
  slack::ChangeEvent news;
  SECTION("what it says is so") {
    ada.deleted = true;
    news.person = ada;
    p.world.engine->hear(news);
    p.world.advance(2s);
    CHECK(p.members() == Names{"UCY"});
    ada.deleted = false;
    news.person = ada;
    p.world.engine->hear(news);
    p.world.advance(2s);
    CHECK(p.members() == Names{"UADA"});
  }
  SECTION("it is an old one") {
    news.person = ada;
    news.person->deleted = true;
    p.world.engine->hear(news);
    p.world.advance(2s);
    CHECK(p.members() == Names{"UADA"});
  }
  SECTION("it says what is known: no call is made") {
    news.person = ada;
    news.person->email.reset();  // hidden in profiles
    const auto before = looks();
    p.world.engine->hear(news);
    p.world.advance(2s);
    CHECK(looks() == before);
  }
  SECTION("somebody joins who was missed") {
    say(p.world.system, "Pada", [](Responder& who) { who.email = "new@example.com"; });
    p.world.advance(70s);
    CHECK(p.members() == Names{"UCY"});
    p.world.slack.add_user("UNEW", "new@example.com");
    news.person = p.world.slack.users.at(UserId{"UNEW"});
    p.world.engine->hear(news);
    p.world.advance(2s);
    CHECK(p.members() == Names{"UNEW"});
  }
}

TEST_CASE("an event about a group makes it read at once, unless the write was ours") {
  Payments p;
  p.world.advance(61s);
  p.edit_group({"UCY"});
  slack::ChangeEvent news;
  news.group = GroupId{"Spayments"};
  const auto lists = [&] { return p.world.slack.calls[slack::Method::usergroups_list]; };
  const auto before = lists();
  p.world.engine->hear(news);
  p.world.advance(6s);
  CHECK(lists() == before + 1);
  CHECK(p.members() == Names{"UADA"});
  const auto after = lists();
  p.world.engine->hear(news);
  news.group = GroupId{"Sothers"};
  p.world.engine->hear(news);
  p.world.advance(2s);
  CHECK(lists() == after);
}

TEST_CASE("looking at those on call costs one call a minute for each, and next to none where events tell") {
  bool up = false;
  engine::EngineOptions options;
  options.events_arrive = [&up] { return up; };
  Payments p({}, options);
  const auto looks = [&] { return p.world.slack.calls[slack::Method::users_info]; };
  p.world.advance(2min);
  auto before = looks();
  p.world.advance(10min);
  CHECK(looks() - before >= 10);
  CHECK(looks() - before <= 11);
  up = true;
  slack::ChangeEvent news;
  news.person = p.world.slack.users.at(UserId{"UCY"});
  p.world.engine->hear(news);
  p.world.advance(1min);
  before = looks();
  p.world.advance(10min);
  CHECK(looks() - before == 1);
  SECTION("the way in is lost: events may have been missed") {
    up = false;
    before = looks();
    p.world.advance(1min);
    CHECK(looks() == before + 1);
  }
  SECTION("no event came for an hour: it may be that none is sent") {
    p.world.advance(50min);
    before = looks();
    p.world.advance(10min);
    CHECK(looks() - before >= 10);
  }
}

namespace {

/// One rotation of `people` who are all on call, in a workspace with Slack's limits; Ada and Bo hand off
/// beside them.
struct Crowd : Payments {
  explicit Crowd(std::size_t people, std::size_t others = 0) {
    auto& slack = world.slack;
    slack.limits = {{slack::Method::usergroups_list, 20},
                    {slack::Method::users_list, 20},
                    {slack::Method::users_lookup_by_email, 50},
                    {slack::Method::users_info, 100}};
    const Instant now = world.loop.now();
    for (std::size_t i = 0; i < people; ++i) {
      slack.add_user(user(i), name(i) + "@example.com");
      world.system.truth["Pcrowd"].push_back({FakeSystem::person(name(i)), now - 1h, now + days{2}});
    }
    for (std::size_t i = 0; i < others; ++i) slack.add_user("V" + std::to_string(i), "v" + std::to_string(i));
    REQUIRE(world.as_cli()->rotations().add(world.rotation("crowd", {"Pcrowd"}), true, std::nullopt, "cli"));
    world.advance(4min);
    REQUIRE(world.slack.members("Scrowd").size() == people);
  }
  static std::string name(std::size_t i) { return fmt::format("p{:03}", i); }
  static std::string user(std::size_t i) { return "U" + name(i); }
  bool in_group(std::size_t i) {
    const auto all = world.slack.members("Scrowd");
    return std::find(all.begin(), all.end(), user(i)) != all.end();
  }
  /// Somebody is deactivated, and whether they are out of the group `patience` later.
  bool notices(std::size_t i, milliseconds patience) {
    world.slack.users.at(UserId{user(i)}).deleted = true;
    world.advance(patience);
    return !in_group(i);
  }
};

}  // namespace

TEST_CASE("somebody who is deactivated is noticed within a minute, of however many who are on call") {
  const std::size_t people = GENERATE(60, 75, 300);
  INFO(people << " people on call");
  Crowd crowd(people);
  auto& slack = crowd.world.slack;
  for (const std::size_t i : {people / 2, people - 1, std::size_t{0}}) {
    crowd.world.advance(17s);
    CHECK(crowd.notices(i, 61s));
  }
  // Calls beyond what Slack allows would have been answered with 429, and nothing of handoffs waits.
  crowd.world.loop.run_until(crowd.boundary + 1s);
  CHECK(crowd.members() == Names{"UBO"});
  CHECK(slack.too_many == 0);
}

TEST_CASE("in a workspace with a long list those on call are asked for in turn, 70 a minute") {
  Crowd crowd(300, 4000);
  auto& slack = crowd.world.slack;
  const auto lists = slack.calls[slack::Method::users_list];
  const auto looks = slack.calls[slack::Method::users_info];
  slack.users.at(UserId{crowd.user(7)}).deleted = true;
  slack.users.at(UserId{crowd.user(211)}).deleted = true;
  crowd.world.advance(5 * 55s + 1s);
  CHECK_FALSE(crowd.in_group(7));
  CHECK_FALSE(crowd.in_group(211));
  CHECK(slack.calls[slack::Method::users_list] == lists);
  CHECK(slack.calls[slack::Method::users_info] - looks <= 330);
  CHECK(slack.too_many == 0);
}

TEST_CASE("a look-up that hangs claims nothing, and is announced when it has ended") {
  Payments p;
  p.world.slack.add_user("UZOE", "zoe@example.com");
  p.world.slack.slow[slack::Method::users_lookup_by_email] = 9s;
  p.world.advance(3min);
  // An override: nobody could look her up ahead.
  p.world.system.truth["P1"][0].responder = FakeSystem::person("zoe");
  const auto polls = p.world.system.polls;
  while (p.world.system.polls == polls) p.world.advance(100ms);
  p.world.advance(5s);
  const auto status = p.status();
  CHECK(status.state == "pending");
  CHECK(status.problems.empty());
  CHECK(p.messages().size() == 1);
  CHECK(p.members() == Names{"UADA"});
  p.world.advance(3s);
  REQUIRE(p.messages().size() == 2);
  CHECK(contains(p.messages()[1].text, "<@UZOE> takes over from"));
  CHECK(p.members() == Names{"UZOE"});
  CHECK(p.state() == "in_sync");
}

TEST_CASE("a look-up that fails claims nothing: the announcement waits, and says at last what is known") {
  Payments p;
  forget_bo(p);
  p.world.slack.error = fail(ErrorKind::server, "users.lookupByEmail: HTTP 500");
  p.world.slack.fate = [](slack::Method method, const std::string& what) {
    const bool fails = method == slack::Method::users_lookup_by_email && what == "zoe@example.com";
    return fails ? FakeSlack::Fate::refused : FakeSlack::Fate::normal;
  };
  p.world.loop.run_until(p.boundary + 90s);
  CHECK(p.messages().size() == 1);
  CHECK_FALSE(contains(p.problems(), "people map"));
  CHECK(p.members() == Names{"UADA"});
  SECTION("Slack recovers within two minutes") {
    p.world.slack.fate = {};
    p.world.advance(35s);
    REQUIRE(p.messages().size() == 2);
    CHECK(contains(p.messages()[1].text, "<@UZOE> takes over from"));
  }
  SECTION("it does not") {
    p.world.loop.run_until(p.boundary + 3min);
    REQUIRE(p.messages().size() == 2);
    CHECK(contains(p.messages()[1].text, "Slack account not known yet"));
    CHECK_FALSE(contains(p.messages()[1].text, "no Slack account found"));
    CHECK(contains(p.problems(), "HTTP 500"));
    CHECK_FALSE(contains(p.problems(), "people map"));
    CHECK(p.world.as_cli()->people().unmatched()->empty());
    p.world.slack.fate = {};
    p.world.advance(90s);
    CHECK(p.messages().size() == 2);
  }
  CHECK(p.members() == Names{"UZOE"});
  CHECK(p.state() == "in_sync");
  // History tells the handoff with the group as it became.
  const auto history = p.world.history();
  CHECK(history[0].cause == Cause::handoff);
  CHECK(history[0].after == std::vector<UserId>{UserId{"UZOE"}});
  CHECK(history[0].before == std::vector<UserId>{UserId{"UADA"}});
  CHECK(history[0].result == "ok");
}

TEST_CASE("those who are known are written after five seconds, and the group is corrected when the rest is") {
  Payments p;
  p.world.slack.add_user("UZOE", "zoe@example.com");
  p.world.system.truth["P1"].push_back({FakeSystem::person("zoe"), p.boundary, p.boundary + 1h});
  p.world.slack.error = fail(ErrorKind::rate_limited, "Slack asks to wait");
  p.world.slack.fate = [](slack::Method method, const std::string& what) {
    const bool fails = method == slack::Method::users_lookup_by_email && what == "zoe@example.com";
    return fails ? FakeSlack::Fate::refused : FakeSlack::Fate::normal;
  };
  p.world.loop.run_until(p.boundary + 6s);
  CHECK(p.members() == Names{"UBO"});
  p.world.advance(30s);
  CHECK(p.messages().size() == 1);
  p.world.slack.fate = {};
  p.world.advance(60s);
  CHECK(p.members() == Names{"UBO", "UZOE"});
  REQUIRE(p.messages().size() == 2);
  CHECK(contains(p.messages()[1].text, "<@UZOE>"));
  CHECK_FALSE(contains(p.messages()[1].text, "known yet"));
}
