#include "tests/support/catch.hpp"
#include "tests/unit/engine/judge.hpp"

using namespace watchbill;
using namespace watchbill::test;
using Names = std::vector<std::string>;

/// Every sentence that is posted or shown is true of what is known at that moment.
namespace {

/// A rotation over schedule 1 of each of two systems: Ada is on call in the first until `end`.
struct TwoSystems {
  EngineWorld world;
  std::optional<Judge> judge;
  RotationId id;
  Instant end;

  ~TwoSystems() {
    judge->look();
    CHECK(judge->wrong == Names{});
  }
  explicit TwoSystems(milliseconds until_end, const std::function<void(TwoSystems&)>& before_start = {}) {
    for (const std::string name : {"ada", "bo", "cy"})
      world.slack.add_user("U" + name, name + "@example.com");
    world.connect("og");
    end = world.loop.now() + until_end;
    world.system.truth["1"] = {{FakeSystem::person("ada"), end - 8h, end}};
    world.systems.at("og").truth["1"] = {};
    if (before_start) before_start(*this);
    judge.emplace(world);
    id = world.create(world.rotation("sun", {"pd/1", "og/1"}));
    world.start();
  }
  FakeSystem& other() { return world.systems.at("og"); }
  Names told() {
    Names texts;
    for (const auto& message : world.slack.messages("Csun")) texts.push_back(message.text);
    return texts;
  }
};

std::size_t holding(const Names& texts, const std::string& part) {
  return static_cast<std::size_t>(std::count_if(texts.begin(), texts.end(), [&](const std::string& text) {
    return text.find(part) != std::string::npos;
  }));
}

}  // namespace

TEST_CASE("nobody is told to be on call while one of the systems has never been heard") {
  TwoSystems two(10min, [](TwoSystems& t) { t.other().down = true; });
  auto& world = two.world;
  world.loop.run_until(two.end + 5min);
  CHECK(holding(two.told(), "obody is on call") == 0);
  CHECK(world.slack.members("Ssun") == Names{"Uada"});
  CHECK(world.status(two.id).state == "stale");

  SECTION("it has somebody") {
    two.other().truth["1"] = {{FakeSystem::person("bo", "og"), two.end - 8h, two.end + 8h}};
    two.other().down = false;
    world.advance(2min);
    CHECK(world.slack.members("Ssun") == Names{"Ubo"});
    CHECK(holding(two.told(), "obody is on call") == 0);
    CHECK(holding(two.told(), "<@Ubo> takes over from ada") == 1);
  }
  SECTION("it has nobody: now it is known, and told") {
    two.other().down = false;
    world.advance(3min);
    CHECK(holding(two.told(), "ada goes off call. Nobody is on call now") == 1);
  }
}

TEST_CASE("a handoff between two schedules in the first minute of a rotation is not told as nobody") {
  const bool moments = GENERATE(false, true);
  const auto first = GENERATE(5s, 20s, 40s);
  TwoSystems two(first, [&](TwoSystems& t) {
    t.other().truth["1"] = {{FakeSystem::person("bo", "og"), t.end, t.end + 8h}};
    t.other().moments = moments;
    t.other().paging = 2min;
  });
  INFO("moments " << moments << ", first " << first.count());
  two.world.advance(4min);
  CHECK(holding(two.told(), "obody is on call") == 0);
  CHECK(two.world.slack.members("Ssun") == Names{"Ubo"});
}

TEST_CASE("a rotation is not in sync before each of its schedules was heard, and hands off on time") {
  const bool moments = GENERATE(false, true);
  const auto first = GENERATE(12s, 20s, 28s);
  TwoSystems two(first, [&](TwoSystems& t) {
    t.world.system.truth["1"].push_back({FakeSystem::person("bo"), t.end, t.end + 8h});
    t.other().moments = moments;
  });
  auto& world = two.world;
  world.advance(9s);
  CHECK(world.slack.members("Ssun") == Names{"Uada"});
  const auto before = world.status(two.id);
  CHECK(before.unknown == std::vector<ScheduleRef>{{"og", "1"}});
  CHECK(before.state == "pending");
  world.loop.run_until(two.end + 300ms);
  CHECK(world.slack.members("Ssun") == Names{"Ubo"});
  world.advance(1min);
  CHECK(world.status(two.id).unknown.empty());
  CHECK(world.status(two.id).state == "in_sync");
}

TEST_CASE("a handoff between two schedules in the first minute of a daemon is not told as nobody") {
  const bool moments = GENERATE(false, true);
  const auto killed = GENERATE(0s, 2s, 20s, 45s);
  TwoSystems two(70s, [&](TwoSystems& t) {
    t.other().truth["1"] = {{FakeSystem::person("bo", "og"), t.end, t.end + 8h}};
    t.other().moments = moments;
    t.other().paging = 2min;
  });
  INFO("moments " << moments << ", killed " << killed.count());
  two.world.advance(killed);
  two.world.kill();
  two.world.start();
  two.world.advance(4min);
  CHECK(holding(two.told(), "obody is on call") == 0);
  CHECK(two.world.slack.members("Ssun") == Names{"Ubo"});
}

TEST_CASE("a handoff of a group that has not been seen since the start is not told as carried out") {
  Payments p([](Rotation& r) { r.membership = Membership::merge; });
  p.world.loop.run_until(p.boundary - 10s);
  p.world.kill();
  p.world.slack.fate = [](slack::Method method, const std::string&) {
    return method == slack::Method::usergroups_list ? FakeSlack::Fate::refused : FakeSlack::Fate::normal;
  };
  p.world.slack.error = fail(ErrorKind::unreachable, "no way to slack.com");
  Judge judge(p.world);
  p.world.start();
  p.world.advance(4min);
  CHECK(judge.wrong == Names{});
  // Whom a merge leaves in the group is not known before it was read: nothing is decided, and nothing told.
  CHECK(p.messages().size() == 1);
  CHECK(p.world.history().size() == 1);
  CHECK(p.problems().find("bo. That is neither written nor announced before @payments was read") !=
        std::string::npos);
  p.world.slack.fate = {};
  p.world.advance(2min);
  CHECK(judge.wrong == Names{});
  CHECK(p.members() == Names{"UBO"});
  REQUIRE(p.messages().size() == 2);
  INFO(p.messages().back().text);
  CHECK(p.messages().back().text.find("_This is 4 min late: it happened ") != std::string::npos);
  CHECK(p.world.history().front().result == "ok");
  CHECK(p.world.history().front().held_since == p.boundary);
}

TEST_CASE("who stays because a schedule is not known is shown and told as the last known") {
  TwoSystems two(20min, [](TwoSystems& t) {
    t.world.system.truth["1"].push_back({FakeSystem::person("bo"), t.end, t.end + 8h});
    t.other().truth["1"] = {{FakeSystem::person("cy", "og"), t.end - 8h, t.end + 8h}};
    t.other().reach = 10min;
  });
  auto& world = two.world;
  world.advance(30s);
  two.other().down = true;
  world.loop.run_until(two.end + 30s);
  CHECK(world.slack.members("Ssun") == Names{"Ubo", "Ucy"});
  CHECK(holding(two.told(), "<@Ubo> takes over from ada; who is on call in 1 is not known, last was cy.") ==
        1);
  const auto status = world.status(two.id);
  CHECK(status.unknown == std::vector<ScheduleRef>{{"og", "1"}});
  CHECK(on_call_names(status.on_call, status.unknown) == "cy (last known), bo");
}
