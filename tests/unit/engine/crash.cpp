#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <utility>

#include "tests/support/catch.hpp"
#include "tests/unit/engine/judge.hpp"

using namespace watchbill;
using namespace watchbill::test;
using Names = std::vector<std::string>;

namespace {

/// Who goes on call in each handoff, as the channel shows it: the mention of whoever comes on.
std::vector<std::string> announced(const EngineWorld& world, const std::string& channel) {
  std::vector<std::string> people;
  for (const auto& message : world.slack.messages(channel)) {
    const auto at = message.text.find("<@");
    people.push_back(at == std::string::npos
                         ? "nobody"
                         : message.text.substr(at + 2, message.text.find('>', at) - at - 2));
  }
  return people;
}

struct Trouble {
  bool kills = false;
  bool lost_answers = false;
  bool history_readable = true;
};

/// Three rotations hand off every ten minutes for two hours, while `trouble` strikes at random moments.
void run_through(unsigned seed, Trouble trouble) {
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const auto chance = [&](int of) { return std::uniform_int_distribution<>(1, of)(random) == 1; };
  EngineWorld world;
  const Names people{"ada", "bo", "cy"};
  for (const auto& name : people) world.slack.add_user("U" + name, name + "@example.com");
  const Instant first = world.loop.now() + 5min;
  for (const std::string name : {"one", "two", "three"}) {
    world.system.rotate("P" + name, people, first - 10min, 10min);
    world.create(world.rotation(name, {"P" + name}));
  }
  world.slack.history_readable = trouble.history_readable;
  world.slack.fate = [&](slack::Method method, const std::string&) {
    const bool write =
        method == slack::Method::usergroups_users_update || method == slack::Method::chat_post_message;
    return trouble.lost_answers && write && chance(3) ? FakeSlack::Fate::lost : FakeSlack::Fate::normal;
  };
  Judge judge(world);
  world.start();
  const Instant end = first + 2h;
  while (world.loop.now() < end) {
    // Small steps around the boundaries, where it matters.
    const auto since = (world.loop.now() - first) % 10min;
    const bool near = since < 20s || since > 10min - 2s;
    world.advance(near ? milliseconds(std::uniform_int_distribution<>(5, 900)(random)) : milliseconds{7s});
    if (trouble.kills && chance(near ? 8 : 40)) {
      world.kill();
      world.start();
    }
    if (!near) judge.look();
  }
  trouble.lost_answers = false;
  world.advance(3min);

  CHECK(world.slack.violations.empty());
  CHECK(judge.wrong == Names{});
  CHECK(judge.judged > 100);
  for (const std::string name : {"one", "two", "three"}) {
    CHECK(world.slack.members("S" + name) == Names{"Ubo"});
    auto seen = announced(world, "C" + name);
    if (trouble.history_readable) {
      std::set<std::string> keys;
      for (const auto& message : world.slack.messages("C" + name)) CHECK(keys.insert(message.key).second);
    } else {
      seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
    }
    // "ada is now on call", then twelve handoffs, and once more round.
    REQUIRE(seen.size() == 14);
    for (std::size_t i = 0; i < seen.size(); ++i) CHECK(seen[i] == "U" + people[i % 3]);
  }
  std::size_t handoffs = 0;
  for (const auto& change : world.history()) {
    handoffs += change.cause == Cause::handoff ? 1U : 0U;
    CHECK(change.result == "ok");
  }
  CHECK(handoffs == 3 * 13);
}

}  // namespace

TEST_CASE("every handoff is announced exactly once, in order, when the daemon is killed at random moments") {
  for (unsigned seed = 1; seed <= 2; ++seed) run_through(seed, {.kills = true});
}

TEST_CASE("every handoff is announced exactly once when Slack's answers get lost") {
  for (unsigned seed = 11; seed <= 11; ++seed) run_through(seed, {.lost_answers = true});
}

TEST_CASE("kills and lost answers together lose and double nothing") {
  for (unsigned seed = 21; seed <= 22; ++seed) run_through(seed, {.kills = true, .lost_answers = true});
}

TEST_CASE("where history cannot be read nothing is lost, and what may be doubled says so") {
  run_through(31, {.kills = true, .lost_answers = true, .history_readable = false});
}
namespace {

/// What became of a story in lines, by what they tell of: to compare with how it goes when nothing dies.
using Outcome = std::map<std::string, std::string>;

std::string joined(const std::vector<UserId>& users) {
  std::string all;
  for (const auto& user : users) all += user.value + " ";
  return all;
}

Outcome outcome_of(EngineWorld& world, const std::map<std::string, RotationId>& rotations) {
  Outcome outcome;
  for (const auto& violation : world.slack.violations) outcome["violations"] += violation + "\n";
  for (const auto& [name, id] : rotations) {
    std::set<std::string> keys;
    for (const auto& message : world.slack.messages("C" + name)) {
      if (!keys.insert(message.key).second) outcome["told twice"] += name + "\n";
    }
    for (const auto& person : announced(world, "C" + name)) outcome["told in " + name] += person + "\n";
    outcome["state of " + name] = world.status(id).state;
  }
  // The same list again is no news.
  std::map<GroupId, std::vector<UserId>> last;
  for (const auto& write : world.slack.writes) {
    if (std::exchange(last[write.group], write.members) == write.members) continue;
    outcome["members of " + write.group.value] += joined(write.members) + "\n";
  }
  auto history = world.history();
  std::reverse(history.begin(), history.end());
  for (const auto& change : history) {
    outcome["history of " + change.rotation_name] +=
        fmt::format("{}: {}-> {}{}\n", name_of(change.cause), joined(change.before), joined(change.after),
                    change.result.value_or("open"));
  }
  return outcome;
}

/// Twenty minutes with all kinds of news: handoffs that were foreseen, an override and its end, a gap that
/// its schedule confirms, a schedule that is deleted, a group shared with others (`merge`), a channel that
/// cannot be posted to for a while, somebody whose look-up is slow, and an adoption.
class Story {
 public:
  explicit Story(bool power) {
    world.options.poll_interval = 20s;
    if (power) world.on_death = [this] { world.fail_power(); };
    for (const std::string name : {"ada", "bo", "cy", "dan", "eve", "hal"})
      world.slack.add_user("U" + name, name + "@example.com");
    const Instant start = world.loop.now();
    world.system.rotate("Pmain", {"ada", "bo"}, start - 3min, 60min);
    world.system.rotate("Pshared", {"ada", "bo", "cy"}, start - 1min, 5min);
    world.system.rotate("Pgone", {"cy", "dan"}, start - 3min, 15min);
    world.system.rotate("Pmute", {"ada", "bo"}, start - 1min, 60min);
    auto main = world.rotation("main", {"Pmain"});
    main.empty = Empty::fallback;
    main.fallback_members = {UserId{"Uhal"}};
    create(main);
    world.slack.add_group("Sshared", "shared", {"Uhal"});
    auto shared = world.rotation("shared", {"Pshared"});
    shared.membership = Membership::merge;
    create(shared);
    create(world.rotation("gone", {"Pgone"}));
    create(world.rotation("mute", {"Pmute"}));
  }

  Outcome run() {
    auto& system = world.system;
    world.start();
    world.advance(1min);
    const auto main = system.truth["Pmain"];
    hand_over("Pmain", "dan");
    hand_over("Pmute", "dan");
    world.slack.fate = [](slack::Method method, const std::string& what) {
      const bool archived = method == slack::Method::chat_post_message && what == "Cmute";
      return archived ? FakeSlack::Fate::refused : FakeSlack::Fate::normal;
    };
    world.advance(2min);
    system.truth["Pmain"].resize(1);  // nobody
    system.presence["Pgone"] = AnswerStatus::gone;
    world.advance(2min);
    system.truth["Pmain"] = main;
    world.slack.latency = 3s;
    hand_over("Pshared", "eve");  // whom nobody has looked up yet
    world.advance(2min);
    world.slack.latency = 20ms;
    world.slack.add_group("Slate", "late", {"Uhal", "Ubo"});
    rotations["late"] =
        *world.as_cli()->rotations().add(world.rotation("late", {"Pmain"}), false, std::nullopt, "cli:root");
    world.slack.fate = {};
    world.advance(16min);
    world.disk.fate = {};
    world.advance(2min);
    return outcome_of(world, rotations);
  }

  EngineWorld world;

 private:
  void create(const Rotation& rotation) { rotations[rotation.name] = world.create(rotation); }
  /// `name` stands in for whoever is on call now, for the rest of the shift.
  void hand_over(const std::string& schedule, const std::string& name) {
    const Instant now = world.loop.now();
    auto& shifts = world.system.truth[schedule];
    for (std::size_t i = 0; i < shifts.size(); ++i) {
      if (now < shifts[i].start || shifts[i].end <= now) continue;
      const Shift stand_in{FakeSystem::person(name), now, shifts[i].end};
      shifts[i].end = now;
      shifts.insert(shifts.begin() + static_cast<std::ptrdiff_t>(i) + 1, stand_in);
      return;
    }
  }

  std::map<std::string, RotationId> rotations;
};

/// The story as it goes when nothing dies, and how many commits it takes.
struct Undisturbed {
  Outcome outcome;
  std::size_t commits = 0;
};
const Undisturbed& undisturbed() {
  static const Undisturbed told = [] {
    Story story(false);
    auto outcome = story.run();
    return Undisturbed{std::move(outcome), story.world.disk.commits()};
  }();
  return told;
}

void check_as_undisturbed(Story& story) {
  const auto outcome = story.run();
  const auto& right = undisturbed().outcome;
  for (const auto& [what, lines] : right) {
    INFO(what);
    const auto found = outcome.find(what);
    CHECK((found == outcome.end() ? "" : found->second) == lines);
  }
  for (const auto& [what, lines] : outcome) {
    INFO(what << ": " << lines);
    CHECK(right.contains(what));
  }
}

void die_once(std::size_t number, Disk::Fate fate, bool power) {
  INFO((power ? "the power fails " : "killed ")
       << (fate == Disk::Fate::dies_before ? "before" : "after") << " commit " << number);
  Story story(power);
  story.world.disk.fate = [&](std::size_t commit) { return commit == number ? fate : Disk::Fate::normal; };
  check_as_undisturbed(story);
}

void die_often(unsigned seed) {
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const auto upto = [&](int most) { return std::uniform_int_distribution<>(1, most)(random); };
  Story story(false);
  story.world.disk.fate = [&](std::size_t) {
    if (upto(40) > 1) return Disk::Fate::normal;
    return upto(2) == 1 ? Disk::Fate::dies_before : Disk::Fate::dies_after;
  };
  check_as_undisturbed(story);
}

/// EVERY=1 tries every commit, as `./dev test --full` does.
std::size_t stride() {
  const char* every = std::getenv("EVERY");
  return every && *every ? std::stoul(every) : 241;
}

}  // namespace

TEST_CASE("whatever happens, a death at any commit changes nothing of what people see") {
  const auto& right = undisturbed().outcome;
  // Not the comparison of nothing with nothing.
  CHECK(right.at("told in main") == "Uada\nUdan\nnobody\nUada\n");
  CHECK(right.at("told in shared") == "Uada\nUbo\nUeve\nUcy\nUada\nUbo\nUcy\n");
  CHECK(right.at("told in mute") == "Uada\nUdan\n");
  CHECK(right.at("told in late") == "Uada\n");
  CHECK(right.at("told in gone") == "Ucy\n");
  const auto step = stride();
  std::size_t number = 1;
  for (const auto fate : {Disk::Fate::dies_before, Disk::Fate::dies_after}) {
    for (const bool power : {false, true}) {
      for (; number <= undisturbed().commits; number += step) die_once(number, fate, power);
      number -= undisturbed().commits;
    }
  }
}

TEST_CASE("nor do many deaths, one after the other") {
  const unsigned seeds = stride() == 1 ? 200 : 3;
  for (unsigned seed = 1; seed <= seeds; ++seed) die_often(seed);
}
