// A store that is slow: Slack is acknowledged all the same, and nothing happens twice or backwards.

#include <random>

#include "control/save.hpp"
#include "slack_app/rotations/rotation_form.hpp"
#include "slack_app/shared_reading.hpp"
#include "tests/unit/slack_app/room.hpp"

using namespace watchbill;
using namespace watchbill::test;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string menu(const std::string& action, const std::string& value) {
  return R"({"action_id":")" + action + R"(","selected_option":{"value":")" + value + "\"}}";
}

/// Each piece of work takes between nothing and 5 s, before and after it is done.
void slow_down(ManageWorld& world, unsigned seed) {
  auto random = std::make_shared<std::mt19937>(seed);
  world.executor.pace = [random] {
    std::uniform_int_distribution<int> span(0, 2500);
    return SimExecutor::Pace{milliseconds(span(*random)), milliseconds(span(*random))};
  };
}

std::size_t deletions(ManageWorld& world) {
  std::size_t count = 0;
  for (const auto& entry : good(world.store->history().audit({})))
    count += entry.action == "rotation.delete" ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("a submission is acknowledged within a second while the store takes five") {
  AppRoom room;
  room.world.stored("payments");
  room.world.slack.add_group("SPAYMENTS", "payments-oncall", {"UADA", "UOTTO"});
  room.open_home("UEDITOR");
  room.advance(5s);
  std::string form;
  std::string values = "{}";
  SECTION("a form") {
    form = menu("rotation_menu", "edit:" + room.number("payments"));
  }
  SECTION("deleting") {
    form = menu("rotation_menu", "delete:" + room.number("payments"));
  }
  SECTION("credentials") {
    form = menu("system_menu", "update:pd");
    values =
        R"({"api-key-file~0":{"typed":{"value":"good-key"}},"region~0":{"typed":{"selected_option":{"value":"us"}}}})";
  }
  SECTION("disconnecting") {
    good(room.world.store->rotations().remove(room.world.now("payments").id, "cli:ada"));
    form = menu("system_menu", "remove:pd");
  }
  SECTION("a person") {
    good(room.world.store->people().replace_unmatched(
        {{Responder{"pd", "PKIM", "Kim", "kim@example.com"}, "no Slack account"}}));
    form = R"({"action_id":"person_fix","value":"pd/PKIM"})";
    values = R"({"person":{"typed":{"selected_user":"UOTTO"}}})";
  }
  SECTION("resuming") {
    auto rotation = room.world.now("payments");
    rotation.paused = true;
    good(room.world.store->rotations().update(rotation, "cli:ada"));
    form = menu("rotation_menu", "resume:" + room.number("payments"));
  }
  room.click_home("UEDITOR", form);
  room.advance(5s);
  REQUIRE_FALSE(room.modal_json().empty());
  room.world.executor.pace = [] { return SimExecutor::Pace{3s, 2s}; };
  const auto answer = room.submit("UEDITOR", values);
  CHECK(answer.took <= 1s);
  CHECK(has(answer.ack, "update"));
  const auto loading = answer.ack;
  room.obey(answer.ack);
  room.advance(2min);
  // What came of it is told in the end.
  CHECK_FALSE(has(loading, room.modal_json()));
  CHECK_FALSE(has(room.modal(), "One moment"));
  CHECK_FALSE(has(room.modal(), "Checking"));
}

TEST_CASE("a command is acknowledged within a second while the store takes five, and answered later") {
  AppRoom room;
  room.world.stored("payments");
  room.world.executor.pace = [] { return SimExecutor::Pace{3s, 2s}; };
  const auto before = room.world.loop.now();
  CHECK(room.command_ack("UREADER", "payments").empty());
  CHECK(room.world.loop.now() - before <= 1s);
  room.advance(1min);
  CHECK(has(room.screens.responses["https://hooks.slack.com/UREADER"], "*payments* (`payments-oncall`)"));
}

TEST_CASE("a double click on a form's button does once what it is for, and is answered alike") {
  for (unsigned seed = 0; seed < 20; ++seed) {
    INFO("seed " << seed);
    AppRoom room;
    room.world.stored("payments");
    room.open_home("UEDITOR");
    room.advance(5s);
    room.click_home("UEDITOR", menu("rotation_menu", "delete:" + room.number("payments")));
    room.advance(5s);
    slow_down(room.world, seed);
    const auto answers = room.submit_twice("UEDITOR", "{}");
    CHECK(answers[0].ack == answers[1].ack);
    room.obey(answers[0].ack);
    room.advance(1min);
    CHECK_FALSE(has(room.modal(), "Not deleted"));
    CHECK(deletions(room.world) == 1);
    CHECK(good(room.world.store->rotations().list()).empty());
  }
}

TEST_CASE("a home tab shows what was changed last, however slowly the store is read") {
  for (unsigned seed = 0; seed < 20; ++seed) {
    INFO("seed " << seed);
    AppRoom room;
    auto rotation = room.world.stored("payments");
    room.open_home("UOWNER");
    room.advance(5s);
    slow_down(room.world, seed);
    bool paused = false;
    for (int i = 0; i < 5; ++i) {
      paused = !paused;
      rotation.paused = paused;
      good(room.world.store->rotations().update(rotation, "cli:ada"));
      room.advance(milliseconds(700 * i));
    }
    room.click_home("UOWNER", menu("rotation_menu", "history:" + room.number("payments")));
    room.advance(1min);
    CHECK(has(room.home("UOWNER"), "paused") == paused);
  }
}

TEST_CASE("a pass that is asked for in Slack begins once the request stands in the store") {
  AppRoom room;
  room.world.stored("payments");
  room.open_home("UOWNER");
  room.advance(5s);
  room.world.executor.pace = [] { return SimExecutor::Pace{1s, 1s}; };
  room.click_home("UOWNER", menu("rotation_menu", "sync:" + room.number("payments")));
  room.advance(2s);
  CHECK(has(room.modal(), "One moment"));
  room.advance(30s);
  CHECK(has(room.modal(), "Done: every system and Slack were asked"));
}

TEST_CASE("a pause that takes long says so, and what came of it") {
  AppRoom room;
  room.world.stored("payments");
  room.open_home("UOWNER");
  room.advance(5s);
  room.world.executor.pace = [] { return SimExecutor::Pace{1s, 1s}; };
  room.click_home("UOWNER", menu("rotation_menu", "pause:" + room.number("payments")));
  room.advance(1s);
  CHECK(has(room.modal_json(), "Pause rotation"));
  room.advance(30s);
  CHECK(has(room.modal(), "The rotation is paused."));
  CHECK(room.world.now("payments").paused);
  CHECK(has(room.home("UOWNER"), "paused"));
}

TEST_CASE("a reading that was begun earlier and ends later is not taken for what is so now") {
  SimLoop loop;
  std::vector<milliseconds> spans{5s, 1s};
  int begun = 0;
  slack_app::SharedReading<int> shared(loop, [&] {
    struct Read {
      static net::Task<Result<int>> run(net::Loop& on, milliseconds span, int number) {
        co_await net::sleep_for(on, span);
        co_return number;
      }
    };
    const auto span = begun < 2 ? spans.at(static_cast<std::size_t>(begun)) : 0ms;
    return Read::run(loop, span, ++begun);
  });
  std::vector<int> told;
  struct Ask {
    static net::Task<void> run(slack_app::SharedReading<int>& shared, SteadyInstant since,
                               std::vector<int>& told) {
      auto read = co_await shared.begun_since(since);
      told.push_back(**read);
    }
  };
  net::TaskScope scope;
  scope.spawn(Ask::run(shared, loop.steady_now(), told));
  scope.spawn(Ask::run(shared, loop.steady_now(), told));
  CHECK(begun == 1);
  loop.advance(500ms);
  shared.forget();
  scope.spawn(Ask::run(shared, SteadyInstant{}, told));
  CHECK(begun == 2);
  loop.advance(2s);
  CHECK(told == std::vector{2});
  loop.advance(5s);
  CHECK(told == std::vector{2, 1, 1});
  // The newer one is what counts, though it ended first.
  scope.spawn(Ask::run(shared, SteadyInstant{}, told));
  loop.advance(1ms);
  CHECK(told.back() == 2);
  CHECK(begun == 2);
}
