#include "tests/support/catch.hpp"
#include "tests/unit/engine/world.hpp"

using namespace watchbill;
using namespace watchbill::test;

namespace {

constexpr auto kPost = slack::Method::chat_post_message;

}  // namespace

TEST_CASE("an announcement that is due while the store is locked for a moment leaves all the same") {
  Payments p;
  // Nobody confirms the handoff, so that only time releases the announcement.
  p.world.loop.run_until(p.boundary - 6s);
  p.world.system.down = true;
  p.world.loop.run_until(p.boundary + 14s + 800ms);
  CHECK(p.messages().size() == 1);
  p.world.lock_store(500ms);
  p.world.advance(10s);
  CHECK(p.messages().size() == 2);
}

TEST_CASE(
    "a handoff is not announced before an earlier one of which it is not known whether it is in Slack") {
  Payments p;
  auto& shifts = p.world.system.truth["P1"];
  const auto end = shifts[1].end;
  shifts[1].end = p.boundary + 8s;
  shifts.insert(shifts.begin() + 2, Shift{FakeSystem::person("cy"), p.boundary + 8s, end});
  const bool arrives = GENERATE(false, true);
  int answers = 0;
  p.world.slack.fate = [&](slack::Method method, const std::string&) {
    if (method != kPost || ++answers > 1) return FakeSlack::Fate::normal;
    return arrives ? FakeSlack::Fate::lost : FakeSlack::Fate::dropped;
  };
  p.world.advance(1min);
  p.world.loop.run_until(p.boundary + 15s);
  CHECK(p.members() == std::vector<std::string>{"UCY"});
  if (!arrives) CHECK(p.messages().size() == 1);
  p.world.advance(1min);
  const auto messages = p.messages();
  if (arrives) {
    REQUIRE(messages.size() == 3);
    CHECK(messages[1].text.find("<@UBO> takes over from ada") != std::string::npos);
    CHECK(messages[2].text.find("<@UCY> takes over from bo") != std::string::npos);
  } else {
    REQUIRE(messages.size() == 2);
    CHECK(messages[1].text.find("<@UCY> takes over from ada") != std::string::npos);
  }
}

TEST_CASE("who came and went while nothing could be announced is named in what is announced then") {
  Payments p;
  auto& shifts = p.world.system.truth["P1"];
  const bool nobody = GENERATE(false, true);
  shifts.resize(2);
  shifts[1].end = p.boundary + 54s;
  if (!nobody) shifts.push_back({FakeSystem::person("cy"), p.boundary + 54s, p.boundary + 8h});
  p.world.slack.error = fail(ErrorKind::not_found, "the channel is archived");
  p.world.slack.fate = [](slack::Method method, const std::string&) {
    return method == kPost ? FakeSlack::Fate::refused : FakeSlack::Fate::normal;
  };
  p.world.loop.run_until(p.boundary + 40s);
  CHECK(p.messages().size() == 1);
  p.world.slack.fate = {};
  p.world.loop.run_until(p.boundary + 3min);
  REQUIRE(p.messages().size() == 2);
  const auto text = p.messages().back().text;
  INFO(text);
  CHECK(text.find(nobody ? "ada goes off call. Nobody is on call now." : "<@UCY> takes over from ada.") !=
        std::string::npos);
  CHECK(text.find("\nIn between, bo was on call.") != std::string::npos);
}

TEST_CASE("whoever the source never confirmed is not told to have been on call in between") {
  Payments p;
  p.world.advance(20min);
  p.world.loop.run_until(p.boundary + 1s);
  p.world.system.truth["P1"][1].responder = FakeSystem::person("cy");
  p.world.loop.run_until(p.boundary + 1min);
  REQUIRE(p.messages().size() == 2);
  const auto text = p.messages().back().text;
  INFO(text);
  CHECK(text.find("<@UCY> takes over from ada.") != std::string::npos);
  CHECK(text.find("In between") == std::string::npos);
}

TEST_CASE("a handoff that failed to be announced is not announced after the one that followed it") {
  Payments p;
  auto& shifts = p.world.system.truth["P1"];
  const auto end = shifts[1].end;
  shifts[1].end = p.boundary + 8s;
  shifts.insert(shifts.begin() + 2, Shift{FakeSystem::person("cy"), p.boundary + 8s, end});
  // The first attempt lasts until the second handoff has been confirmed, and fails then.
  p.world.slack.slow[kPost] = 15s;
  p.world.slack.error = GENERATE(fail(ErrorKind::unreachable, "no way to Slack"),
                                 fail(ErrorKind::not_found, "the channel is archived"));
  int attempts = 0;
  p.world.slack.fate = [&](slack::Method method, const std::string&) {
    if (method != kPost) return FakeSlack::Fate::normal;
    return ++attempts == 1 ? FakeSlack::Fate::refused : FakeSlack::Fate::normal;
  };
  p.world.loop.run_until(p.boundary + 20min);
  REQUIRE(p.messages().size() == 2);
  const auto text = p.messages().back().text;
  INFO(text);
  CHECK(text.find("<@UCY> takes over from ada.") != std::string::npos);
  CHECK(text.find("\nIn between, bo was on call.") != std::string::npos);
}

TEST_CASE("what a rotation does not announce any more does not leave when its channel takes it again") {
  Payments p;
  p.world.slack.error = fail(ErrorKind::not_found, "the channel is archived");
  p.world.slack.fate = [](slack::Method method, const std::string&) {
    return method == kPost ? FakeSlack::Fate::refused : FakeSlack::Fate::normal;
  };
  p.world.loop.run_until(p.boundary + 1min);
  const int how = GENERATE(0, 1, 2);
  p.world.edit("payments", [&](Rotation& r) {
    if (how == 0) r.mode = Mode::observe;
    if (how == 1) r.announce.enabled = false;
    if (how == 2) r.channels = {ChannelId{"Cother"}};
  });
  p.world.advance(1min);
  p.world.slack.fate = {};
  p.world.advance(20min);
  CHECK(p.messages().size() == 1);
  CHECK(p.world.engine->figures().outbox == 0);
  CHECK(p.problems().find("was refused") == std::string::npos);
}

TEST_CASE("what a paused rotation had to say leaves when it goes on") {
  Payments p;
  p.world.slack.fate = [](slack::Method method, const std::string&) {
    return method == kPost ? FakeSlack::Fate::refused : FakeSlack::Fate::normal;
  };
  p.world.slack.error = fail(ErrorKind::unreachable, "no way to Slack");
  p.world.loop.run_until(p.boundary + 5s);
  p.world.edit("payments", [](Rotation& r) { r.paused = true; });
  p.world.advance(2min);
  p.world.slack.fate = {};
  p.world.advance(2min);
  CHECK(p.messages().size() == 1);
  p.world.edit("payments", [](Rotation& r) { r.paused = false; });
  p.world.advance(5s);
  CHECK(p.messages().size() == 2);
}

TEST_CASE("the end waits for tokens that are being renewed: the old ones may be spent already") {
  Payments p;
  auto& loop = p.world.loop;
  const auto asked = loop.now();
  p.world.system.renewing = true;
  const auto renewed = net::Timer{loop, loop.start_timer(3s, [&] { p.world.system.renewing = false; })};
  loop.run_until_done(p.world.engine->stop(10s));
  CHECK(loop.now() - asked >= 3s);
  CHECK(loop.now() - asked < 4s);
}

TEST_CASE("announcements that only wait for the budget do not hold up the end") {
  EngineWorld world;
  const Instant boundary = world.loop.now() + 5min;
  for (int i = 0; i < 15; ++i) {
    const auto name = "r" + std::to_string(i);
    world.slack.add_user("UA" + name, "a" + name + "@example.com");
    world.slack.add_user("UB" + name, "b" + name + "@example.com");
    world.system.rotate("P" + name, {"a" + name, "b" + name}, boundary - 1h, 1h);
    auto rotation = world.rotation(name, {"P" + name});
    rotation.channels = {ChannelId{"Call"}};
    world.create(rotation, true);
  }
  world.start();
  world.loop.run_until(boundary + 2s + 500ms);
  // One a second leaves for a channel.
  const auto posted = world.slack.posted.size();
  CHECK(posted < 5);
  const auto asked = world.loop.now();
  world.loop.run_until_done(world.engine->stop(10s));
  CHECK(world.loop.now() - asked < 1s);
  world.kill();
  world.start();
  world.advance(1min);
  CHECK(world.slack.posted.size() == 15);
}

namespace {

/// Bo stands in for Ada for ten minutes while the channel is archived: nothing is left to be announced then.
struct Archived : Payments {
  ChannelId channel{"Cpayments"};

  Archived() {
    auto& shifts = world.system.truth["P1"];
    const auto now = world.loop.now();
    shifts = {{FakeSystem::person("ada"), now - 1h, now},
              {FakeSystem::person("bo"), now, now + 10min},
              {FakeSystem::person("ada"), now + 10min, now + 20h},
              {FakeSystem::person("cy"), now + 20h, now + days{90}}};
    world.slack.archived.insert(channel);
    world.advance(12min);
    REQUIRE(members() == std::vector<std::string>{"UADA"});
    REQUIRE(world.engine->figures().outbox == 0);
    REQUIRE(problems().find("is archived") != std::string::npos);
  }
  void sync() {
    REQUIRE(world.as_cli()->requests().ask("sync", "{}", world.loop.now() + 60s));
    world.advance(5s);
  }
};

}  // namespace

TEST_CASE("a channel that takes announcements again is no problem though none is left to be announced") {
  Archived p;
  if (GENERATE(false, true)) {
    p.world.kill();
    p.world.start();
    p.world.advance(20min);
  }
  // What is still so is not over.
  p.sync();
  CHECK(p.state() == "error");
  p.world.slack.archived.clear();
  if (GENERATE(false, true))
    p.sync();
  else
    p.world.advance(16min);
  CHECK(p.state() == "in_sync");
  CHECK(p.problems().empty());
  CHECK(p.world.engine->figures().open_problems == 0);
  CHECK(p.world.slack.posted.size() == 1);
}

TEST_CASE(
    "a channel with nothing to announce is looked at every 15 minutes while it is a problem, and no more") {
  Archived p;
  const auto looked = [&] { return p.world.slack.calls[slack::Method::conversations_info]; };
  const auto before = looked();
  p.world.advance(2h);
  CHECK(looked() - before >= 7);
  CHECK(looked() - before <= 9);
  p.world.edit("payments", [how = GENERATE(0, 1, 2)](Rotation& r) {
    if (how == 0) r.mode = Mode::observe;
    if (how == 1) r.announce.enabled = false;
    if (how == 2) r.channels = {ChannelId{"Cother"}};
  });
  p.world.advance(5s);
  CHECK(p.problems().empty());
  const auto then = looked();
  p.world.advance(1h);
  CHECK(looked() == then);
}

TEST_CASE("who came and went while nothing could be announced is named with the next announcement") {
  Archived p;
  p.world.slack.archived.clear();
  if (GENERATE(false, true)) {
    p.world.kill();
    p.world.start();
  }
  p.world.advance(20h);
  REQUIRE(p.messages().size() == 2);
  const auto text = p.messages().back().text;
  INFO(text);
  CHECK(text.find("<@UCY> takes over from ada.") != std::string::npos);
  CHECK(text.find("\nIn between, bo was on call.") != std::string::npos);
}

TEST_CASE("`sync` tries a channel that refused an announcement at once") {
  Payments p;
  p.world.slack.archived.insert(ChannelId{"Cpayments"});
  p.world.loop.run_until(p.boundary + 1min);
  CHECK(p.state() == "error");
  p.world.slack.archived.clear();
  REQUIRE(p.world.as_cli()->requests().ask("sync", "{}", p.world.loop.now() + 60s));
  p.world.advance(5s);
  CHECK(p.messages().size() == 2);
  CHECK(p.state() == "in_sync");
}

TEST_CASE("what waits for a channel that was unarchived leaves within a minute") {
  Payments p;
  p.world.slack.archived.insert(ChannelId{"Cpayments"});
  p.world.loop.run_until(p.boundary + 10min);
  CHECK(p.state() == "error");
  CHECK(p.messages().size() == 1);
  p.world.slack.archived.clear();
  p.world.advance(61s);
  CHECK(p.messages().size() == 2);
  CHECK(p.state() == "in_sync");
}
