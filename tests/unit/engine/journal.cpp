// Decisions while their records are on the way: commits take up to five seconds, fail, or nobody hears of
// them.

#include <cstdlib>
#include <random>
#include <set>

#include "tests/support/catch.hpp"
#include "tests/unit/engine/world.hpp"

using namespace watchbill;
using namespace watchbill::test;
using Names = std::vector<std::string>;

namespace {

/// SEEDS=10000 tries so many, as `./dev test --full` does.
unsigned seeds() {
  const char* given = std::getenv("SEEDS");
  return given && *given ? static_cast<unsigned>(std::stoul(given)) : 200;
}

/// Every piece of work for the store takes `span`: it is done at the end of that, or at once and known then.
void slow_down(EngineWorld& world, milliseconds span, bool known_late) {
  world.executor.pace = [=] {
    return known_late ? SimExecutor::Pace{0ms, span} : SimExecutor::Pace{span, 0ms};
  };
}

std::optional<OutboxRow> row_of(EngineWorld& world, RotationId rotation, const std::string& key) {
  auto rows = world.store->outbox().of_rotation(rotation, 100);
  REQUIRE(rows);
  for (auto& row : *rows) {
    if (row.key == key) return std::move(row);
  }
  return std::nullopt;
}

/// What came on call in each announcement, in order.
Names told(const Payments& p) {
  Names people;
  for (const auto& message : p.world.slack.messages("Cpayments")) {
    const auto at = message.text.find("<@");
    people.push_back(at == std::string::npos
                         ? "nobody"
                         : message.text.substr(at + 2, message.text.find('>', at) - at - 2));
  }
  return people;
}

/// Looks at every effect when it happens: whether its record was there before.
class Watch {
 public:
  explicit Watch(Payments& p) : p_(p) {
    p.world.slack.on_message = [this](const FakeSlack::Message& message) { see(message); };
  }
  ~Watch() { p_.world.slack.on_message = nullptr; }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// The rotation is about to be deleted: what is on its way may still arrive, until that is noticed.
  void note_deletion() {
    const auto rows = p_.world.store->outbox().of_rotation(p_.id, 100);
    REQUIRE(rows);
    for (const auto& row : *rows) {
      if (row.state == OutboxState::sending) on_their_way_.insert(row.key);
    }
  }
  Names wrong;

 private:
  void see(const FakeSlack::Message& message) {
    const auto row = row_of(p_.world, p_.id, message.key);
    const bool begun = row && row->state == OutboxState::sending;
    if (!begun && !on_their_way_.contains(message.key))
      wrong.push_back("posted without a record: " + message.text);
    if (!keys_.insert(message.key).second) wrong.push_back("posted twice: " + message.text);
  }

  Payments& p_;
  std::set<std::string> keys_;
  std::set<std::string> on_their_way_;
};

/// One thing that happens around a handoff.
enum class News { none, handoff, taken_back, channel_removed, deleted, paused, killed, edited_by_hand };
constexpr int kNews = 8;

struct Seeded {
  unsigned seed;
  std::mt19937 random;
  explicit Seeded(unsigned number) : seed(number), random(number) {}
  int upto(int most) { return std::uniform_int_distribution<>(0, most)(random); }
};

/// From now on `name` is on call for the rest of the shift.
void override_by(Payments& p, const std::string& name) {
  auto& shifts = p.world.system.truth["P1"];
  const Instant now = p.world.loop.now();
  for (std::size_t i = 0; i < shifts.size(); ++i) {
    if (now < shifts[i].start || shifts[i].end <= now) continue;
    const Shift stand_in{FakeSystem::person(name), now, shifts[i].end};
    shifts[i].end = now;
    shifts.insert(shifts.begin() + static_cast<std::ptrdiff_t>(i) + 1, stand_in);
    return;
  }
}

void happen(Payments& p, News news, Watch& watch) {
  auto& world = p.world;
  switch (news) {
    case News::none:
      return;
    case News::handoff:
      return override_by(p, "cy");
    case News::taken_back:
      return override_by(p, "ada");
    case News::channel_removed:
      return world.edit("payments", [](Rotation& rotation) { rotation.channels.clear(); });
    case News::deleted:
      watch.note_deletion();
      REQUIRE(world.as_cli()->rotations().remove(p.id, "cli:root"));
      return;
    case News::paused:
      return world.edit("payments", [](Rotation& rotation) { rotation.paused = true; });
    case News::killed:
      world.kill();
      return world.start();
    case News::edited_by_hand:
      return p.edit_group({"UCY"});
  }
}

/// Every change goes on from the one before it, and none is open: but for one that a pause holds up.
void check_history(Payments& p, News news) {
  const bool paused = news == News::paused;
  auto history = p.world.history();
  std::reverse(history.begin(), history.end());
  for (const auto& change : history) CHECK((paused || change.result.has_value()));
  auto told_of = history.front().after;
  for (std::size_t i = 1; i < history.size(); ++i) {
    // What somebody else did to the group stands in the change that puts it right.
    if (history[i].cause == Cause::drift) continue;
    INFO("change " << i);
    const bool by_us = news != News::edited_by_hand && history[i - 1].cause != Cause::drift;
    if (by_us && history[i - 1].result == "ok") CHECK(history[i].before == told_of);
    told_of = history[i].after;
  }
}

std::string right_person(const Payments& p) {
  const Instant now = p.world.loop.now();
  for (const auto& shift : p.world.system.truth.at("P1")) {
    if (shift.start <= now && now < shift.end) {
      const std::map<std::string, std::string> users{{"ada", "UADA"}, {"bo", "UBO"}, {"cy", "UCY"}};
      return users.at(shift.responder->name);
    }
  }
  return "nobody";
}

void run_through(unsigned number) {
  Seeded seeded(number);
  engine::EngineOptions options;
  options.poll_interval = 20s;
  options.history_probe = seeded.upto(1) == 0;
  Payments p({}, options);
  const auto news = static_cast<News>(seeded.upto(kNews - 1));
  const bool known_late = seeded.upto(1) == 0;
  const int longest = seeded.upto(5000);
  INFO("seed " << number << ", news " << static_cast<int>(news) << ", commits of up to " << longest << " ms, "
               << (known_late ? "known late" : "written late"));
  Watch watch(p);
  auto& world = p.world;
  p.boundary = world.loop.now() + 1min;
  world.system.rotate("P1", {"ada", "bo"}, p.boundary - 1h, 1h, 10);
  world.loop.run_until(p.boundary - 2s);
  world.executor.pace = [&, known_late, longest] {
    const milliseconds span{seeded.upto(longest)};
    return known_late ? SimExecutor::Pace{0ms, span} : SimExecutor::Pace{span, 0ms};
  };
  const auto strikes_at = world.disk.commits() + 1 + static_cast<std::size_t>(seeded.upto(8));
  const auto strike = static_cast<Disk::Fate>(seeded.upto(4));
  world.disk.fate = [=](std::size_t commit) { return commit == strikes_at ? strike : Disk::Fate::normal; };
  if (seeded.upto(3) == 0) {
    auto lost = std::make_shared<int>(1);
    world.slack.fate = [lost](slack::Method method, const std::string&) {
      const bool strikes = method == slack::Method::chat_post_message && *lost > 0;
      if (strikes) --*lost;
      return strikes ? FakeSlack::Fate::lost : FakeSlack::Fate::normal;
    };
  }
  world.advance(milliseconds{2000 + seeded.upto(9000)});
  happen(p, news, watch);
  world.advance(30s);
  world.executor.pace = nullptr;
  world.disk.fate = {};
  world.advance(150s);
  world.slack.fate = {};

  CHECK(watch.wrong == Names{});
  CHECK(world.slack.violations.empty());
  check_history(p, news);
  const bool kept = news != News::deleted && news != News::paused;
  if (kept) CHECK(p.members() == Names{right_person(p)});
  if (kept && news != News::channel_removed) {
    const auto people = told(p);
    CHECK(people.back() == right_person(p));
    for (std::size_t i = 1; i < people.size(); ++i) CHECK(people[i] != people[i - 1]);
  }
}

}  // namespace

TEST_CASE(
    "whatever comes while a record is on its way, nothing is lost, doubled, or done before its record") {
  for (unsigned seed = 1; seed <= seeds(); ++seed) run_through(seed);
}

TEST_CASE("nothing is written or posted before its record is on disk") {
  for (const bool known_late : {false, true}) {
    INFO((known_late ? "known late" : "written late"));
    Payments p;
    Watch watch(p);
    p.world.loop.run_until(p.boundary - 1s);
    slow_down(p.world, 1500ms, known_late);
    p.world.loop.run_until(p.boundary + 1400ms);
    CHECK(p.members() == Names{"UADA"});
    p.world.loop.run_until(p.boundary + 3s);
    CHECK(p.members() == Names{"UBO"});
    p.world.advance(30s);
    CHECK(told(p) == Names{"UADA", "UBO"});
    CHECK(watch.wrong == Names{});
  }
}

TEST_CASE("a handoff whose record takes longer than two seconds is written all the same, and told after it") {
  Payments p;
  Watch watch(p);
  p.world.loop.run_until(p.boundary - 1s);
  p.world.advance(500ms);
  slow_down(p.world, 10s, false);
  p.world.loop.run_until(p.boundary + 1900ms);
  CHECK(p.members() == Names{"UADA"});
  p.world.loop.run_until(p.boundary + 2500ms);
  CHECK(p.members() == Names{"UBO"});
  CHECK(told(p) == Names{"UADA"});
  p.world.advance(60s);
  CHECK(told(p) == Names{"UADA", "UBO"});
  CHECK(watch.wrong == Names{});
}

TEST_CASE("a commit of which nobody heard is not made twice") {
  Payments p;
  p.world.loop.run_until(p.boundary - 500ms);
  std::size_t left = 3;
  p.world.disk.fate = [&](std::size_t) {
    if (left == 0) return Disk::Fate::normal;
    --left;
    return Disk::Fate::unheard;
  };
  p.world.advance(1min);
  CHECK(left == 0);
  CHECK(p.world.history().size() == 2);
  CHECK(told(p) == Names{"UADA", "UBO"});
}

TEST_CASE("what was decided of a rotation that was deleted meanwhile is void, and others are not held up") {
  Payments p;
  p.world.slack.add_group("Sother", "other", {});
  auto other = p.world.rotation("other", {"P1"});
  const auto id = p.world.create(other);
  p.world.advance(20s);
  p.world.loop.run_until(p.boundary - 1s);
  slow_down(p.world, 800ms, false);
  p.world.loop.run_until(p.boundary + 100ms);
  REQUIRE(p.world.as_cli()->rotations().remove(p.id, "cli:root"));
  p.world.advance(1min);
  CHECK(p.members() == Names{"UADA"});
  CHECK(told(p) == Names{"UADA"});
  CHECK(p.world.slack.members("Sother") == Names{"UBO"});
  CHECK(p.world.status(id).state == "in_sync");
}

TEST_CASE("one handoff with one channel takes three commits, of which two wait for the disk") {
  for (const bool probe : {true, false}) {
    engine::EngineOptions options;
    options.history_probe = probe;
    options.poll_interval = 20s;
    Payments p({}, options);
    std::size_t commits = 0;
    std::size_t durable = 0;
    p.world.advance(5s);
    p.world.disk.on_committed = [&](bool waits) {
      ++commits;
      durable += waits ? 1U : 0U;
    };
    override_by(p, "bo");
    for (int i = 0; i < 200 && told(p).size() < 2; ++i) p.world.advance(200ms);
    p.world.advance(300ms);
    CHECK(told(p) == Names{"UADA", "UBO"});
    CHECK(commits == 3);
    CHECK(durable == (probe ? 2 : 3));
  }
}
