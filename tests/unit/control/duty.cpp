#include "control/duty.hpp"

#include "control/history.hpp"
#include "control/overview.hpp"
#include "control/people.hpp"
#include "store/names.hpp"
#include "tests/unit/control/world.hpp"

using namespace watchbill;
using namespace watchbill::control;
using namespace watchbill::test;

namespace {

Shift shift(const std::string& name, Instant start, Instant end) {
  return {Responder{"pd", "P" + name, name, fold_name(name) + "@example.com"}, start, end};
}

/// ADA until 12:00, then BO until 18:00, known until 20:00.
void plan(ManageWorld& world, const ScheduleRef& ref) {
  const auto now = world.loop.now();
  ScheduleState state;
  state.schedule = ref;
  state.name = "Payments primary";
  state.presence = Presence::ok;
  state.timeline.shifts = {shift("ADA", now - 1h, now + 3h), shift("BO", now + 3h, now + 9h)};
  state.timeline.known_from = now - 1h;
  state.timeline.horizon = now + 11h;
  state.timeline.confirmed_at = now - 30s;
  good(world.store->engine().put_schedule_state(state));
  std::vector<store::CachedUser> users;
  for (const auto* name : {"ADA", "BO"}) {
    store::CachedUser user;
    user.id = UserId(std::string("U") + name);
    user.name = name;
    user.email = fold_name(name) + "@example.com";
    user.seen_at = now;
    users.push_back(user);
  }
  good(world.store->people().put_users(users));
}

}  // namespace

TEST_CASE("who is on call now and later comes from the store, with its age, while everything is down") {
  ManageWorld world;
  world.connection();
  const auto rotation = world.stored("payments");
  plan(world, {"pd", "PONE"});
  world.pagerduty.down = true;
  world.context->no_slack = fail(ErrorKind::unreachable, "down");
  auto duty = good(world.run(on_duty(*world.context, {rotation}))).front();
  REQUIRE(duty.people.size() == 1);
  CHECK(duty.people[0].name == "ADA");
  CHECK(duty.people[0].member == UserId("UADA"));
  CHECK(duty.people[0].until == world.loop.now() + 3h);
  CHECK(duty.confirmed_at() == world.loop.now() - 30s);
  duty = good(world.run(on_duty(*world.context, {rotation}, world.loop.now() + 4h))).front();
  CHECK(duty.people[0].name == "BO");
  duty = good(world.run(on_duty(*world.context, {rotation}, world.loop.now() + 10h))).front();
  CHECK(duty.people.empty());
  CHECK(duty.unknown.empty());
  duty = good(world.run(on_duty(*world.context, {rotation}, world.loop.now() + 12h))).front();
  CHECK(duty.unknown == std::vector<std::string>{"pd/PONE"});
  CHECK(world.pagerduty.asked == 0);
}

TEST_CASE("an unchanged schedule is confirmed by each pass of its connection that everybody answered") {
  ManageWorld world;
  world.connection();
  const auto rotation = world.stored("payments");
  plan(world, {"pd", "PONE"});
  const auto now = world.loop.now();
  const auto confirmed = [&](std::optional<Instant> at = std::nullopt) {
    return good(world.run(on_duty(*world.context, {rotation}, at))).front().confirmed_at();
  };
  store::ConnectionStatus status;
  status.last_success = now - 1s;
  status.interval = 3s;
  good(world.store->connections().put_status("pd", status));
  CHECK(confirmed() == now - 4s);
  CHECK(confirmed(now + 4h) == now - 30s);
  auto state = good(world.store->engine().states()).at(0);
  SECTION("the connection fails") {
    status.state = "failing";
    good(world.store->connections().put_status("pd", status));
  }
  SECTION("the schedule itself fails") {
    state.failing_since = now - 20s;
    good(world.store->engine().put_schedule_state(state));
  }
  SECTION("what it says is doubted") {
    state.doubt = Doubt{Doubt::Kind::empty, now - 20s, now - 1s, 3, false, {}};
    good(world.store->engine().put_schedule_state(state));
  }
  CHECK(confirmed() == now - 30s);
}

TEST_CASE("who is on call in a schedule that is gone is not known, whatever was known of it") {
  ManageWorld world;
  world.connection();
  const auto rotation = world.stored("payments");
  plan(world, {"pd", "PONE"});
  auto states = good(world.store->engine().states());
  states.at(0).presence = Presence::gone;
  good(world.store->engine().put_schedule_state(states.at(0)));
  const auto duty = good(world.run(on_duty(*world.context, {rotation}))).front();
  CHECK(duty.people.empty());
  CHECK(duty.unknown == std::vector<std::string>{"pd/PONE"});
}

TEST_CASE("an answer is confirmed by all schedules or by none") {
  ManageWorld world;
  world.connection();
  auto rotation = world.stored("payments");
  plan(world, {"pd", "PONE"});
  rotation.schedules = {{{"pd", "PONE"}}, {{"pd", "PTWO"}}};
  ScheduleState silent;
  silent.schedule = {"pd", "PTWO"};
  silent.failing_since = world.loop.now() - 1min;
  SECTION("one was never asked") {}
  SECTION("one was asked and never answered") {
    good(world.store->engine().put_schedule_state(silent));
  }
  const auto duty = good(world.run(on_duty(*world.context, {rotation}))).front();
  CHECK(duty.unknown == std::vector<std::string>{"pd/PTWO"});
  CHECK(duty.confirmed.contains("pd/PONE"));
  CHECK_FALSE(duty.confirmed.contains("pd/PTWO"));
  CHECK_FALSE(duty.confirmed_at());
}

TEST_CASE("how wrong the clock is stands once beside the rotations, while a daemon says so") {
  ManageWorld world;
  bool runs = true;
  world.context->daemon_runs = [&]() -> Result<bool> { return runs; };
  good(world.store->problems().put({Problem{"clock:wrong", "this host's clock is wrong"}, world.loop.now()}));
  CHECK(good(world.run(read_overview(*world.context))).clock_problem == "this host's clock is wrong");
  runs = false;
  CHECK_FALSE(good(world.run(read_overview(*world.context))).clock_problem);
}

TEST_CASE("a schedule whose first answer is doubted has confirmed nothing") {
  ManageWorld world;
  world.connection();
  const auto rotation = world.stored("payments");
  ScheduleState doubted;
  doubted.schedule = {"pd", "PONE"};
  doubted.last_answer = world.loop.now() - 5s;
  doubted.doubt = Doubt{Doubt::Kind::empty, world.loop.now() - 5s, world.loop.now() - 5s, 1, false, {}};
  good(world.store->engine().put_schedule_state(doubted));
  const auto duty = good(world.run(on_duty(*world.context, {rotation}))).front();
  CHECK(duty.unknown == std::vector<std::string>{"pd/PONE"});
  CHECK_FALSE(duty.confirmed_at());
}

TEST_CASE("a rotation that no engine has looked at shows that it is not known who is on call") {
  ManageWorld world;
  world.connection();
  world.stored("payments");
  const auto view = good(world.run(read_overview(*world.context))).rotations.at(0);
  CHECK(on_call_names(view.on_call, view.unknown) == "not known");
}

TEST_CASE("a rotation of the editors' group is told before any engine has looked, and once") {
  ManageWorld world;
  world.connection();
  const auto rotation = world.stored("payments");
  const auto view = [&] { return good(world.run(read_overview(*world.context))).rotations.at(0); };
  CHECK(view().problems.empty());
  world.config.slack.editors.group = rotation.group;
  REQUIRE(view().problems.size() == 1);
  CHECK(view().problems.front().find("slack.editors.group") != std::string::npos);
  CHECK(view().state == "error");
  store::RotationStatus status;
  status.rotation = rotation.id;
  status.state = "error";
  status.problems = view().problems;
  good(world.store->engine().put_status(status));
  CHECK(view().problems.size() == 1);
}

TEST_CASE("everybody's own shifts come in order, across all rotations") {
  ManageWorld world;
  world.connection();
  world.stored("payments");
  plan(world, {"pd", "PONE"});
  auto all = good(world.run(shifts_by_person(*world.context, 10)));
  REQUIRE(all[UserId("UADA")].size() == 1);
  CHECK(all[UserId("UADA")][0].start <= world.loop.now());
  REQUIRE(all[UserId("UBO")].size() == 1);
  CHECK(all[UserId("UBO")][0].rotation == "payments");
  CHECK(all[UserId("UBO")][0].start == world.loop.now() + 3h);
  CHECK(all[UserId("UBO")][0].end == world.loop.now() + 9h);
  CHECK_FALSE(all.contains(UserId("UOTTO")));
  CHECK(good(world.run(shifts_by_person(*world.context, 0)))[UserId("UBO")].empty());
}

TEST_CASE("a guest's own shifts are told to them, and who is on call has Slack's name") {
  ManageWorld world;
  world.connection();
  const auto rotation = world.stored("payments");
  plan(world, {"pd", "PONE"});
  store::CachedUser guest;
  guest.id = UserId("UADA");
  guest.name = "Ada Lindqvist";
  guest.email = "ada@example.com";
  guest.guest = true;
  guest.seen_at = world.loop.now();
  good(world.store->people().put_users({guest}));
  auto all = good(world.run(shifts_by_person(*world.context, 10)));
  CHECK(all[UserId("UADA")].size() == 1);
  const auto duty = good(world.run(on_duty(*world.context, {rotation}))).front();
  REQUIRE(duty.people.size() == 1);
  CHECK(duty.people[0].name == "Ada Lindqvist");
  CHECK_FALSE(duty.people[0].member);
  CHECK(duty.people[0].account == UserId("UADA"));
}

TEST_CASE("what stands in the store is told to be old while the store takes no writes") {
  ManageWorld world;
  world.connection();
  const auto rotation = world.stored("payments");
  const auto now = world.loop.now();
  world.daemon = true;
  store::ConnectionStatus connection;
  connection.interval = 60s;
  connection.last_success = now - 3min;
  good(world.store->connections().put_status("pd", connection));
  store::RotationStatus status;
  status.rotation = rotation.id;
  status.state = "in_sync";
  good(world.store->engine().put_status(status));
  good(world.store->set_meta("last_pass", format_rfc3339(now - 3min)));
  bool tried = false;
  world.context->check_store = [&tried]() -> Result<void> {
    tried = true;
    return fail(ErrorKind::storage, "database or disk is full");
  };
  auto overview = good(world.run(read_overview(*world.context)));
  CHECK_FALSE(tried);
  CHECK_FALSE(overview.store_problem);
  CHECK_FALSE(anything_wrong(overview));
  world.loop.advance(2min);
  overview = good(world.run(read_overview(*world.context)));
  REQUIRE(overview.store_problem);
  CHECK(overview.store_problem->starts_with("all this is as of " + format_minutes(now - 3min)));
  CHECK(overview.store_problem->find("database or disk is full") != std::string::npos);
  CHECK(overview.rotations[0].state == "stale");
  CHECK(on_call_names(overview.rotations[0].on_call, overview.rotations[0].unknown) == "not known");
  CHECK(anything_wrong(overview));
  // Of a system that fails nothing new is written: that is no sign.
  connection.state = "failing";
  connection.problem = "HTTP 500";
  good(world.store->connections().put_status("pd", connection));
  overview = good(world.run(read_overview(*world.context)));
  CHECK_FALSE(overview.store_problem);
  CHECK(anything_wrong(overview));
}

TEST_CASE("a group differs if others are in it than those on call, or it is disabled; unread it does not") {
  RotationView view;
  OnCallPerson ada{{"pd", "1", "Ada"}, {"pd", "day"}, "", UserId("U1")};
  view.on_call = {ada, ada};
  CHECK_FALSE(group_differs(view));
  view.members = {UserId("U1")};
  CHECK_FALSE(group_differs(view));
  view.disabled = true;
  CHECK(group_differs(view));
  view.disabled = false;
  view.members.emplace_back("U2");
  CHECK(group_differs(view));
  view.members = {UserId("U1")};
  view.on_call.push_back({{"pd", "2", "Kim"}, {"pd", "day"}});
  CHECK(group_differs(view));
}

TEST_CASE("open problems that no rotation shows stand in the overview, with the names of channels") {
  ManageWorld world;
  world.connection();
  const auto rotation = world.stored("payments");
  world.daemon = true;
  store::RotationStatus status;
  status.rotation = rotation.id;
  status.state = "error";
  status.problems = {"the announcement for channel C0PAY was refused: is_archived",
                     "channel C0NEW and channels"};
  good(world.store->engine().put_status(status));
  good(store::remember_channel(*world.store, ChannelId("C0PAY"), "payments"));
  status.problems.emplace_back(
      "Slack names UBO as its last editor since 2026-11-23 08:00 UTC; `people map x UBO`, UNEW, <@UBO>");
  good(world.store->engine().put_status(status));
  store::CachedUser bo;
  bo.id = UserId("UBO");
  bo.name = "Bo Tanaka";
  good(world.store->people().put_users({bo}));
  good(world.store->problems().put({Problem{"role:editor:U1", "Ada is deactivated"}, world.loop.now()}));
  const auto overview = good(world.run(read_overview(*world.context)));
  CHECK(overview.other_problems == std::vector<std::string>{"Ada is deactivated"});
  CHECK(overview.rotations[0].problems ==
        std::vector<std::string>{
            "the announcement for channel #payments was refused: is_archived", "channel C0NEW and channels",
            "Slack names Bo Tanaka as its last editor since 2026-11-23 08:00 UTC; `people "
            "map x UBO`, UNEW, <@UBO>"});
  CHECK(anything_wrong(overview));
}

TEST_CASE(
    "shifts without a gap between them are one, and say which schedule they are of where there are several") {
  ManageWorld world;
  world.connection();
  auto rotation = world.stored("payments");
  rotation.schedules = {{{"pd", "PONE"}, "first"}, {{"pd", "PTWO"}}};
  good(world.store->rotations().update(rotation, "cli:ada"));
  plan(world, {"pd", "PONE"});  // who ADA is in Slack
  const auto now = world.loop.now();
  ScheduleState state;
  state.name = "Payments second";
  state.presence = Presence::ok;
  state.timeline.known_from = now - 1h;
  state.timeline.horizon = now + 30h;
  state.timeline.confirmed_at = now;
  for (const auto from : {0h, 1h, 2h, 5h})
    state.timeline.shifts.push_back(shift("ADA", now + from, now + from + 1h));
  for (const auto* id : {"PONE", "PTWO"}) {
    state.schedule = {"pd", id};
    good(world.store->engine().put_schedule_state(state));
  }
  const auto all = good(world.run(shifts_by_person(*world.context, 10)));
  REQUIRE(all.contains(UserId("UADA")));
  const auto& own = all.at(UserId("UADA"));
  REQUIRE(own.size() == 4);
  CHECK(own[0].schedule == "first");
  CHECK(own[1].schedule == "Payments second");
  for (const auto i : {0U, 1U}) {
    CHECK(own[i].start == now);
    CHECK(own[i].end == now + 3h);
    CHECK(own[i + 2].start == now + 5h);
  }
}

TEST_CASE("rotations are found by name or by their group's handle") {
  ManageWorld world;
  world.connection();
  world.stored("payments");
  world.stored("search");
  CHECK(good(rotations_named(*world.store, "")).size() == 2);
  CHECK(good(rotations_named(*world.store, "PAYMENTS")).front().name == "payments");
  CHECK(good(rotations_named(*world.store, "@search-oncall")).front().name == "search");
  CHECK(bad(rotations_named(*world.store, "@nobody")).kind == ErrorKind::not_found);
  CHECK(bad(rotations_named(*world.store, "nobody")).kind == ErrorKind::not_found);
}

TEST_CASE("a person is mapped by those who may, and is no longer unmatched") {
  ManageWorld world;
  world.connection();
  good(world.store->people().replace_unmatched(
      {{Responder{"pd", "PKIM", "Kim", "kim@example.com"}, "no active Slack account", world.loop.now()}}));
  CHECK(good(unmatched_people(*world.store)).front().responder.name == "Kim");
  Workspace workspace(*world.context);
  CHECK(bad(world.run(map_person(workspace, world.reader, "kim@example.com", "UOTTO"))).kind ==
        ErrorKind::forbidden);
  CHECK(bad(world.run(map_person(workspace, world.cli, "kim", "UOTTO"))).kind == ErrorKind::invalid);
  CHECK(bad(world.run(map_person(workspace, world.cli, "other/PKIM", "UOTTO"))).kind == ErrorKind::not_found);
  // Each becomes a part of a line, in tables and in logs.
  for (const auto* person :
       {"pd/P\nKIM", "pd/P\xE2\x80\xAE", "pd/P\xC2\x9B", "kim\n@example.com", "pd/P\xFF"}) {
    CHECK(bad(world.run(map_person(workspace, world.cli, person, "UOTTO"))).kind == ErrorKind::invalid);
    CHECK(bad(world.run(map_person(workspace, world.cli, person, "UOTTO", {false}))).kind ==
          ErrorKind::invalid);
  }
  CHECK(bad(world.run(map_person(workspace, world.cli, "pd/PKIM", "U\nX", {false}))).kind ==
        ErrorKind::invalid);
  CHECK(bad(world.run(map_person(workspace, world.cli, "kim@example.com", "UNOBODY"))).kind ==
        ErrorKind::not_found);
  const auto mapping =
      good(world.run(map_person(workspace, world.editor, "KIM@example.com", "otto@example.com")));
  CHECK(mapping.person == "kim@example.com");
  CHECK(mapping.user == UserId("UOTTO"));
  CHECK(mapping.by == "UEDITOR");
  CHECK(good(unmatched_people(*world.store)).empty());
  // Whom he was mapped to was deactivated later: he is asked for again.
  good(world.store->people().replace_unmatched({{Responder{"pd", "PKIM", "Kim", "kim@example.com"},
                                                 "mapped to UOTTO, deactivated", world.loop.now() + 1h}}));
  CHECK(good(unmatched_people(*world.store)).size() == 1);
  CHECK(bad(world.run(unmap_person(*world.context, world.reader, "kim@example.com"))).kind ==
        ErrorKind::forbidden);
  CHECK(good(world.run(unmap_person(*world.context, world.cli, "Kim@Example.com"))) == "kim@example.com");
}

TEST_CASE("history holds changes of groups and of settings, newest first, also of deleted rotations") {
  ManageWorld world;
  world.connection();
  const auto rotation = world.stored("payments");
  Change change;
  change.at = Instant(std::chrono::system_clock::now().time_since_epoch() / 1ms * 1ms) + 1h;
  change.rotation = rotation.id;
  change.rotation_name = "payments";
  change.group = rotation.group;
  change.after = {UserId("UADA")};
  good(world.store->history().add(change));
  const auto entries = good(read_history(*world.store, {"payments"}));
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].cause == "handoff");
  CHECK_FALSE(entries[0].result);
  CHECK(entries[1].audit->action == "rotation.create");
  CHECK(entries[1].group == rotation.group);
  CHECK(good(read_history(*world.store, {})).size() == 3);
  good(world.store->rotations().remove(rotation.id, "cli:bo"));
  CHECK(good(read_history(*world.store, {"Payments"})).front().cause == "handoff");
  CHECK(bad(read_history(*world.store, {"nothing"})).kind == ErrorKind::not_found);
}

TEST_CASE("history says from where to where a rotation was moved, and nothing of other edits") {
  ManageWorld world;
  world.connection();
  world.connection("new");
  auto rotation = world.stored("payments");
  rotation.schedules = {{{"new", "PONE"}}};
  good(world.store->rotations().update(rotation, "cli:bo"));
  rotation.schedules = {{{"new", "PTWO"}}};
  rotation.paused = true;
  good(world.store->rotations().update(rotation, "cli:bo"));
  const auto entries = good(read_history(*world.store, {"payments"}));
  REQUIRE(entries.size() == 3);
  const auto moved = std::count_if(entries.begin(), entries.end(), [](const HistoryEntry& entry) {
    return entry.note == "moved from pd/PONE to new/PONE";
  });
  CHECK(moved == 1);
  CHECK(std::count_if(entries.begin(), entries.end(),
                      [](const HistoryEntry& entry) { return entry.note.empty(); }) == 2);
}

TEST_CASE("the overview tells what the engine wrote, who is in the group, and names schedules") {
  ManageWorld world;
  world.connection();
  const auto rotation = world.stored("payments");
  plan(world, {"pd", "PONE"});
  store::RotationStatus status;
  status.rotation = rotation.id;
  status.state = "in_sync";
  status.next_boundary = world.loop.now() + 3h;
  good(world.store->engine().put_status(status));
  good(world.store->engine().put_group(
      {rotation.group, rotation.handle, {UserId("UADA")}, false, world.loop.now()}));
  world.daemon = true;
  auto overview = good(world.run(read_overview(*world.context)));
  REQUIRE(overview.rotations.size() == 1);
  CHECK(overview.rotations[0].state == "in_sync");
  CHECK(overview.rotations[0].members == std::vector<UserId>{UserId("UADA")});
  CHECK(overview.rotations[0].next_boundary == world.loop.now() + 3h);
  CHECK(overview.connections.size() == 1);
  CHECK(schedule_names(*world.store).at({"pd", "PONE"}) == "Payments primary");
  CHECK(names_of(known_names(*world.store), {UserId("UADA"), UserId("UNEW")}) == "ADA, UNEW");
  world.daemon = false;
  overview = good(world.run(read_overview(*world.context)));
  CHECK(overview.rotations[0].state == "stale");
  CHECK(overview.rotations[0].problems.front().find("watchbilld is not running") != std::string::npos);
}
