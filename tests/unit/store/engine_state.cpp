#include "tests/unit/store/support.hpp"

using namespace watchbill;
using namespace watchbill::store;

namespace {

struct World {
  TempFolder folder;
  std::unique_ptr<Store> store = open_store(folder);
  RotationId rotation;

  World() {
    must(store->connections().add(pagerduty(), "cli:root"));
    rotation = must(store->rotations().add(plain_rotation("one", "S1"), false, {}, "cli:root"));
  }
  EngineState& engine() { return store->engine(); }
  void reopen() { store = open_store(folder); }
};

ScheduleState full_schedule_state() {
  const Responder ada{"pd", "R1", "Ada", "ada@example.com"};
  ScheduleState state;
  state.schedule = {"pd", "P/1"};
  state.name = "Payments primary";
  state.timeline = {{{ada, at(1), kNever, true}}, at(1), at(500), at(2)};
  state.presence = Presence::forbidden;
  state.held = {ada};
  state.doubt = Doubt{Doubt::Kind::flap, at(3), at(4), 2, true, {ada}};
  state.sudden_change = SuddenChange{at(5), {ada}};
  state.last_answer = at(6);
  state.failing_since = at(7);
  state.failure = "HTTP 503";
  state.looked_ahead = at(8);
  state.looked_far = at(9);
  return state;
}

}  // namespace

TEST_CASE("a rotation's record survives, with everything and with nothing in it") {
  World world;
  RotationRecord full{.rotation = world.rotation,
                      .decided = true,
                      .quiet = true,
                      .people = {person("1"), person("2")},
                      .people_since = at(77),
                      .target = GroupTarget{true, {UserId("U1")}},
                      .placed = {UserId("U1"), UserId("U2")},
                      .former = FormerGroup{{UserId("U8")}, true, at(5)},
                      .adopted = true};
  must(world.engine().put_record(full));
  world.reopen();
  CHECK(must(world.engine().records()) == std::vector{full});
  CHECK(must(world.engine().records())[0].people[0].responder.email == "1@example.com");
  const RotationRecord bare{.rotation = world.rotation};
  must(world.engine().put_record(bare));
  CHECK(must(world.engine().records()) == std::vector{bare});
  full.rotation = RotationId{4711};
  const auto error = error_of(world.engine().put_record(full));
  CHECK(error.kind == ErrorKind::not_found);
  CHECK(mentions(error.message, "4711"));
}

TEST_CASE("the evidence about a schedule survives a restart") {
  World world;
  const ScheduleState full = full_schedule_state();
  must(world.engine().put_schedule_state(full));
  ScheduleState bare;
  bare.schedule = {"pd", "P0"};
  must(world.engine().put_schedule_state(bare));
  world.reopen();
  CHECK(must(world.engine().states()) == std::vector{full, bare});
  CHECK(must(world.engine().state(full.schedule)) == full);
  CHECK_FALSE(must(world.engine().state({"pd", "NOSUCH"})));
  ScheduleState later = bare;
  later.schedule = full.schedule;
  must(world.engine().put_schedule_state(later));
  CHECK(must(world.engine().states())[0] == later);
  must(world.engine().remove_schedule_state(full.schedule));
  must(world.engine().remove_schedule_state(full.schedule));
  CHECK(must(world.engine().states()) == std::vector{bare});
}

TEST_CASE("a rotation's status survives") {
  World world;
  const RotationStatus status{.rotation = world.rotation,
                              .state = "stale",
                              .on_call = {person("1")},
                              .next = {{"Bo", UserId("U2"), at(9)}, {"Cy", std::nullopt, at(9)}},
                              .next_boundary = at(9),
                              .problems = {"PagerDuty does not answer", "second"}};
  must(world.engine().put_status({.rotation = world.rotation, .state = "pending"}));
  must(world.engine().put_status(status));
  world.reopen();
  CHECK(must(world.engine().statuses()) == std::vector{status});
  CHECK(error_of(world.engine().put_status({.rotation = RotationId{9}, .state = ""})).kind ==
        ErrorKind::not_found);
}

TEST_CASE("a group as it was last seen survives, also once the workspace is known") {
  World world;
  must(world.engine().put_group({GroupId("S1"), "old", {}, false, at(1)}));
  must(world.store->set_meta("team_id", "T1"));
  must(world.engine().put_group({GroupId("S1"), "oncall", {UserId("U2"), UserId("U1")}, true, at(2)}));
  world.reopen();
  const auto groups = must(world.engine().groups());
  REQUIRE(groups.size() == 1);
  CHECK(groups[0].id == GroupId("S1"));
  CHECK(groups[0].handle == "oncall");
  CHECK(groups[0].members == std::vector{UserId("U2"), UserId("U1")});
  CHECK(groups[0].disabled);
  CHECK(groups[0].seen_at == at(2));
}

TEST_CASE("a damaged column is an error that names it, never a crash") {
  World world;
  must(world.engine().put_schedule_state(full_schedule_state()));
  must(world.engine().put_status({.rotation = world.rotation, .state = "pending"}));
  must(world.engine().put_group({GroupId("S1"), "oncall", {}, false, at(1)}));
  struct Case {
    const char* table;
    const char* row;
    const char* column;
    std::function<Error(EngineState&)> read;
  };
  const auto read_schedule_states = [](EngineState& engine) { return error_of(engine.states()); };
  const auto read_records = [](EngineState& engine) { return error_of(engine.records()); };
  const auto read_statuses = [](EngineState& engine) { return error_of(engine.statuses()); };
  const auto read_groups = [](EngineState& engine) { return error_of(engine.groups()); };
  for (const Case& c : {Case{"watches", "pd/P/1", "timeline", read_schedule_states},
                        Case{"watches", "pd/P/1", "presence", read_schedule_states},
                        Case{"watches", "pd/P/1", "doubt", read_schedule_states},
                        Case{"rotation_records", "1", "people", read_records},
                        Case{"rotation_records", "1", "former", read_records},
                        Case{"rotation_status", "1", "problems", read_statuses},
                        Case{"slack_groups", "S1", "members", read_groups}}) {
    for (const char* junk : {"'{\"shifts\":'", "'[7]'", "''", "'7'"}) {
      auto done = world.store->transaction([&]() -> Result<void> {
        must(
            database_of(*world.store).execute(fmt::format("UPDATE {} SET {} = {}", c.table, c.column, junk)));
        const auto error = c.read(world.engine());
        CHECK(error.kind == ErrorKind::storage);
        CHECK(error.code == "corrupt");
        CHECK(mentions(error.message, fmt::format("table {}, row {}, column {}", c.table, c.row, c.column)));
        return fail(ErrorKind::cancelled, "back to how it was");
      });
      CHECK(error_of(done).kind == ErrorKind::cancelled);
    }
  }
  CHECK(world.engine().states().ok());
}
