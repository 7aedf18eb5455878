#include "tests/support/catch.hpp"
#include "tests/unit/engine/judge.hpp"

using namespace watchbill;
using namespace watchbill::test;
using Names = std::vector<std::string>;

/// A start ends no problem: each is open, and shown, until somebody has looked.
namespace {

constexpr const char* kWebhook = "https://hooks.example.com/alert";

engine::EngineOptions told_by_webhook() {
  engine::EngineOptions options;
  options.alerts.webhook = Secret(kWebhook);
  return options;
}

/// Something that goes wrong with the rotation "payments", and what mends it.
struct Trouble {
  std::string key;  ///< of its problem; "N" stands for the number of the rotation
  std::function<void(Rotation&)> rotation{};
  std::function<void(Payments&)> begin;
  std::function<void(Payments&)> mend;
};

void refuse(Payments& p, slack::Method refused, ErrorKind kind = ErrorKind::forbidden) {
  p.world.slack.fate = [refused](slack::Method method, const std::string&) {
    return method == refused ? FakeSlack::Fate::refused : FakeSlack::Fate::normal;
  };
  p.world.slack.error = fail(kind, "Slack does not want to");
}

void hand_off(Payments& p) {
  p.world.loop.run_until(p.boundary + 5s);
}

void answer_again(Payments& p) {
  p.world.slack.fate = {};
}

std::vector<Trouble> troubles() {
  const auto presence = [](AnswerStatus status) {
    return [status](Payments& p) { p.world.system.presence["P1"] = status; };
  };
  const auto back = [](Payments& p) {
    p.world.system.presence.clear();
    p.world.system.down = false;
    p.world.system.reach = days{365};
  };
  const auto down = [](ErrorKind kind) {
    return [kind](Payments& p) {
      p.world.system.down = true;
      p.world.system.refusal = kind;
    };
  };
  const auto set_group = [](Names members) { return [members](Payments& p) { p.edit_group(members); }; };
  return {
      {"rotation:N:unmatched:pd/Pzoe",
       {},
       [](Payments& p) { p.world.system.truth["P1"][0].responder = FakeSystem::person("zoe"); },
       [](Payments& p) {
         REQUIRE(p.world.as_cli()->people().map(
             {"zoe@example.com", UserId{"UCY"}, p.world.loop.now(), "cli:root"}, "cli:root"));
       }},
      {"rotation:N:unfit:UGONE", [](Rotation& r) { r.permanent_members = {UserId{"UGONE"}}; },
       [](Payments&) {},
       [](Payments& p) { p.world.edit("payments", [](Rotation& r) { r.permanent_members.clear(); }); }},
      {"rotation:N:empty",
       {},
       [](Payments& p) { p.world.system.truth["P1"].clear(); },
       [](Payments& p) { p.world.system.rotate("P1", {"ada"}, p.boundary - 1h, days{30}, 1); }},
      {"rotation:N:required:pd/P2",
       [](Rotation& r) {
         r.schedules.push_back({ScheduleRef{"pd", "P2"}, "", true});
       },
       [](Payments&) {},
       [](Payments& p) { p.world.system.rotate("P2", {"ada"}, p.boundary - 1h, days{30}, 1); }},
      {"rotation:N:gone:pd/P1", {}, presence(AnswerStatus::gone), back},
      {"rotation:N:forbidden:pd/P1", {}, presence(AnswerStatus::forbidden), back},
      {"rotation:N:unknown:pd/P2",
       [](Rotation& r) {
         r.schedules.push_back({ScheduleRef{"pd", "P2"}});
       },
       [](Payments& p) {
         REQUIRE(p.world.store->engine().remove_schedule_state({"pd", "P2"}));
         p.world.kill();
         p.world.system.failing = {"P2"};
         p.world.start();
       },
       [](Payments& p) { p.world.system.failing.clear(); }},
      {"rotation:N:refused",
       {},
       [](Payments& p) {
         refuse(p, slack::Method::usergroups_users_update);
         hand_off(p);
       },
       answer_again},
      {"rotation:N:missing",
       {},
       [](Payments& p) { p.world.slack.hidden = {GroupId{"Spayments"}}; },
       [](Payments& p) { p.world.slack.hidden.clear(); }},
      {"rotation:N:unwritable",
       {},
       [](Payments& p) { p.world.slack.groups.at(GroupId{"Spayments"}).unwritable = "it is Okta's"; },
       [](Payments& p) { p.world.slack.groups.at(GroupId{"Spayments"}).unwritable.reset(); }},
      {"rotation:N:differs", [](Rotation& r) { r.drift = Drift::report; }, set_group({"UCY"}),
       set_group({"UADA"})},
      {"rotation:N:channel:Cpayments",
       {},
       [](Payments& p) {
         refuse(p, slack::Method::chat_post_message);
         hand_off(p);
       },
       answer_again},
      {"connection:pd:failing", {}, down(ErrorKind::unreachable), back},
      {"connection:pd:unauthorized", {}, down(ErrorKind::unauthorized), back},
      {"connection:pd:clock",
       {},
       [](Payments& p) { p.world.system.ahead = 40s; },
       [](Payments& p) { p.world.system.ahead = 0s; }},
      {"slack:groups",
       {},
       [](Payments& p) { refuse(p, slack::Method::usergroups_list, ErrorKind::unreachable); },
       answer_again},
  };
}

/// The open problem of that key, if there is one.
std::optional<store::OpenProblem> open_problem(EngineWorld& world, const std::string& key) {
  auto problems = world.store->problems().list();
  REQUIRE(problems);
  for (const auto& problem : *problems) {
    if (problem.problem.key == key && !problem.ended_at) return problem;
  }
  return std::nullopt;
}

std::size_t times_told(EngineWorld& world, const std::string& key, const std::string& state) {
  const auto part = fmt::format(R"({{"key":"{}","state":"{}")", key, state);
  std::size_t times = 0;
  for (const auto& request : world.web.sent_to(kWebhook))
    times += request.body.find(part) != std::string::npos;
  return times;
}

/// True if `status` shows the problem where it belongs.
bool is_shown(Payments& p, const store::OpenProblem& open) {
  if (open.problem.rotation) {
    const auto status = p.world.status(p.id);
    return std::any_of(status.problems.begin(), status.problems.end(), [&](const std::string& text) {
      return open.problem.text.find(text) != std::string::npos;
    });
  }
  if (open.problem.connection.empty() || open.problem.key.ends_with(":clock")) return true;
  const auto statuses = p.world.store->connections().statuses();
  REQUIRE(statuses);
  for (const auto& [name, status] : *statuses) {
    if (name == open.problem.connection) return status.problem.has_value() && status.state != "ok";
  }
  return false;
}

struct Case {
  Payments p;
  Judge judge{p.world};
  std::string key;

  ~Case() { CHECK(judge.wrong == Names{}); }
  explicit Case(const Trouble& trouble) : p(trouble.rotation, told_by_webhook()), key(trouble.key) {
    if (const auto at = key.find(":N:"); at != std::string::npos)
      key.replace(at + 1, 1, std::to_string(p.id.value));
    trouble.begin(p);
    for (int i = 0; i < 60 && times_told(p.world, key, "open") == 0; ++i) p.world.advance(10s);
    REQUIRE(open_problem(p.world, key));
    REQUIRE(times_told(p.world, key, "open") == 1);
  }
  /// So slow that ticks pass before anything has answered.
  void slow_down() { p.world.slack.latency = p.world.system.latency = 12s; }
  /// A refused write or announcement is tried again after up to 15 minutes.
  void await_end() {
    for (int i = 0; i < 34 && open_problem(p.world, key); ++i) p.world.advance(30s);
    p.world.advance(5s);
  }
  void hurry() { p.world.slack.latency = p.world.system.latency = 20ms; }
};

}  // namespace

TEST_CASE("a problem that is open at a start and still there is shown, and never told to be over") {
  const bool slow = GENERATE(true, false);
  for (const auto& trouble : troubles()) {
    INFO(trouble.key << (slow ? ", slowly" : ""));
    Case c(trouble);
    auto& world = c.p.world;
    for (int restart = 0; restart < (slow ? 1 : 2); ++restart) {
      world.kill();
      if (slow) c.slow_down();
      world.start();
      bool open = true;
      bool shown = true;
      for (int i = 0; i < 50; ++i) {
        world.advance(i < 20 ? 1s : 3s);
        const auto problem = open_problem(world, c.key);
        open = open && problem;
        shown = shown && problem && is_shown(c.p, *problem);
      }
      CHECK(open);
      CHECK(shown);
      const auto state = world.status(c.p.id).state;
      const bool agreed = trouble.key.find(":empty") + 1 || trouble.key.find(":required") + 1;
      if (trouble.key.starts_with("rotation:") && !agreed) CHECK((state == "error" || state == "stale"));
      c.hurry();
    }
    CHECK(times_told(world, c.key, "resolved") == 0);
    CHECK(times_told(world, c.key, "open") == 1);
    trouble.mend(c.p);
    c.await_end();
    CHECK_FALSE(open_problem(world, c.key));
    CHECK(times_told(world, c.key, "resolved") == 1);
  }
}

TEST_CASE("a problem that ended while nothing ran is told to be over once it was looked at") {
  for (const auto& trouble : troubles()) {
    INFO(trouble.key);
    Case c(trouble);
    auto& world = c.p.world;
    world.kill();
    trouble.mend(c.p);
    c.slow_down();
    world.start();
    world.advance(5s);
    // What was mended by an edit or a mapping is seen without asking anybody.
    const bool edited = trouble.key.find(":unmatched") + 1 || trouble.key.find(":unfit") + 1;
    if (!edited) CHECK(times_told(world, c.key, "resolved") == 0);
    c.hurry();
    c.await_end();
    CHECK_FALSE(open_problem(world, c.key));
    CHECK(times_told(world, c.key, "resolved") == 1);
  }
}

TEST_CASE("a group that somebody else keeps changing is known to be so after a start") {
  Payments p({}, told_by_webhook());
  const auto key = fmt::format("rotation:{}:drift", p.id.value);
  for (int i = 0; i < 3; ++i) {
    p.edit_group({"UCY"});
    p.world.advance(70s);
  }
  REQUIRE(open_problem(p.world, key));
  p.world.kill();
  p.world.start();
  p.world.advance(10s);
  p.edit_group({"UCY"});
  p.world.advance(5min);
  CHECK(p.members() == Names{"UCY"});
  CHECK(p.state() == "error");
  CHECK(times_told(p.world, key, "resolved") == 0);
  // Repaired once more, and left alone from then on.
  p.world.advance(30min);
  CHECK(p.members() == Names{"UBO"});
  CHECK(times_told(p.world, key, "resolved") == 1);
  CHECK(p.state() == "in_sync");
}

TEST_CASE("a start in the middle of a doubt does not end that doubt") {
  EngineWorld world(told_by_webhook());
  world.slack.add_user("UADA", "ada@example.com");
  for (const std::string id : {"P1", "P2", "P3", "P4"}) {
    world.system.rotate(id, {"ada"}, world.loop.now() - 1h, days{30}, 1);
    world.create(world.rotation(id, {id}), true);
  }
  world.start();
  world.advance(1min);
  const auto truth = world.system.truth;
  for (auto& [id, shifts] : world.system.truth) shifts.clear();
  world.advance(75s);
  REQUIRE(times_told(world, "connection:pd:emptied", "open") == 1);
  world.kill();
  world.system.latency = 10s;
  world.start();
  world.advance(30s);
  CHECK(times_told(world, "connection:pd:emptied", "resolved") == 0);
  world.system.latency = 30ms;
  world.system.truth = truth;
  world.advance(3min);
  CHECK(times_told(world, "connection:pd:emptied", "resolved") == 1);
}

TEST_CASE("a problem of others in the process stays open over a start until they have looked") {
  std::vector<Problem> found{{"slack:app", "Slack cannot reach the app home", std::nullopt}};
  bool unsure = false;
  auto options = told_by_webhook();
  options.other_problems = [&](Instant) { return unsure ? std::vector<Problem>{} : found; };
  options.other_unsure = [&](const Problem&) { return unsure; };
  Payments p({}, std::move(options));
  p.world.advance(10s);
  p.world.kill();
  unsure = true;
  p.world.start();
  p.world.advance(1min);
  CHECK(times_told(p.world, "slack:app", "resolved") == 0);
  unsure = false;
  p.world.advance(1min);
  CHECK(times_told(p.world, "slack:app", "resolved") == 0);
  found.clear();
  p.world.advance(10s);
  CHECK(times_told(p.world, "slack:app", "resolved") == 1);
}

TEST_CASE("neither an edit, nor a pause, nor another failure tells a problem to be over") {
  Payments p({}, told_by_webhook());
  const auto gone = fmt::format("rotation:{}:gone:pd/P1", p.id.value);
  p.world.system.presence["P1"] = AnswerStatus::gone;
  p.world.advance(3min);
  REQUIRE(times_told(p.world, gone, "open") == 1);
  SECTION("an edit to a schedule that does not answer yet") {
    p.world.connect("og").latency = 40s;
    p.world.edit("payments", [](Rotation& r) { r.schedules.push_back({ScheduleRef{"og", "1"}}); });
    p.world.advance(20s);
  }
  SECTION("a pause") {
    p.world.edit("payments", [](Rotation& r) { r.paused = true; });
    p.world.advance(2min);
    p.world.kill();
    p.world.start();
    p.world.advance(2min);
  }
  SECTION("a system that is down") {
    p.world.system.down = true;
    p.world.advance(10min);
  }
  CHECK(times_told(p.world, gone, "resolved") == 0);
}

TEST_CASE("refused credentials are not accepted because the system cannot be reached") {
  Payments p({}, told_by_webhook());
  p.world.system.down = true;
  p.world.system.refusal = ErrorKind::unauthorized;
  p.world.advance(3min);
  REQUIRE(times_told(p.world, "connection:pd:unauthorized", "open") == 1);
  p.world.system.refusal = ErrorKind::unreachable;
  p.world.advance(10min);
  CHECK(times_told(p.world, "connection:pd:unauthorized", "resolved") == 0);
  p.world.system.down = false;
  p.world.advance(3min);
  CHECK(times_told(p.world, "connection:pd:unauthorized", "resolved") == 1);
  CHECK(times_told(p.world, "connection:pd:failing", "resolved") ==
        times_told(p.world, "connection:pd:failing", "open"));
}

TEST_CASE("an announcement that was refused until it was too old is a problem until the channel takes one") {
  Payments p([](Rotation& r) { r.announce.max_age = 20min; }, told_by_webhook());
  const auto key = fmt::format("rotation:{}:channel:Cpayments", p.id.value);
  refuse(p, slack::Method::chat_post_message);
  hand_off(p);
  p.world.advance(50min);
  CHECK(times_told(p.world, key, "resolved") == 0);
  CHECK(p.problems().find("the announcement for channel Cpayments was not sent: older than") !=
        std::string::npos);
  p.world.kill();
  p.world.start();
  p.world.advance(1min);
  CHECK(p.state() == "error");
  SECTION("the channel is mended: the next handoff arrives there") {
    answer_again(p);
    p.world.advance(15min);
  }
  SECTION("another channel is chosen") {
    p.world.edit("payments", [](Rotation& r) { r.channels = {ChannelId{"Cother"}}; });
    p.world.advance(1min);
  }
  CHECK(times_told(p.world, key, "resolved") == 1);
  CHECK(p.problems().empty());
}
