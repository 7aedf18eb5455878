#include "control/save.hpp"

#include <map>

#include "control/overview.hpp"
#include "control/rotation_json.hpp"
#include "core/announce/announcement.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/control/world.hpp"

using namespace watchbill;
using namespace watchbill::control;
using namespace watchbill::test;

namespace {

Rotation numbered(std::int64_t id, const std::string& name, const std::string& group) {
  Rotation r;
  r.id = RotationId{id};
  r.name = name;
  r.group = GroupId(group);
  r.handle = "handle-" + group;
  r.schedules = {{{"pd", "X"}}};
  return r;
}

}  // namespace

TEST_CASE("names can be handed on and exchanged") {
  const std::vector<Rotation> known{numbered(1, "a", "S1"), numbered(2, "b", "S2"), numbered(3, "c", "S3")};
  const auto storable = [&known](const std::vector<std::string>& names) {
    std::vector<RotationDraft> wanted;
    for (std::size_t i = 0; i < names.size(); ++i) {
      RotationDraft one;
      one.before = known[i];
      one.rotation = known[i];
      one.rotation.name = names[i];
      wanted.push_back(one);
    }
    std::map<std::int64_t, std::string> now{{1, "a"}, {2, "b"}, {3, "c"}};
    for (const auto& step : in_storable_order(wanted, known)) {
      for (const auto& [id, name] : now) {
        if (id != step.id.value) CHECK(name != step.name);
      }
      now[step.id.value] = step.name;
    }
    std::vector<std::string> result;
    result.reserve(now.size());
    for (const auto& [id, name] : now) result.push_back(name);
    CHECK(result == names);
  };
  storable({"b", "c", "d"});
  storable({"b", "a", "c"});
  storable({"b", "c", "a"});
  storable({"a", "b", "c"});
}

TEST_CASE("a state that nobody has confirmed for three intervals is stale") {
  const Instant now = *parse_rfc3339("2026-11-22T09:00:00Z");
  Rotation r = numbered(1, "a", "S1");
  CHECK(state_now(r, "in_sync", 60s, now - 180s, now) == "in_sync");
  CHECK(state_now(r, "in_sync", 60s, now - 181s, now) == "stale");
  CHECK(state_now(r, "pending", 60s, now - 1h, now) == "stale");
  CHECK(state_now(r, "error", 60s, now - 1h, now) == "error");
  CHECK(state_now(r, "", 60s, std::nullopt, now) == "pending");
  CHECK(state_now(r, "paused", 60s, now, now) == "pending");
  r.mode = Mode::observe;
  CHECK(state_now(r, "in_sync", 60s, now - 1h, now) == "observing");
  r.paused = true;
  CHECK(state_now(r, "error", 60s, now - 1h, now) == "paused");
}

TEST_CASE("what is saved is stored with who did it, and the group's members are kept for later") {
  ManageWorld world;
  world.connection();
  world.slack.add_group("S1", "payments-oncall", {"UOTTO"});
  auto wanted = world.wanted("payments", "payments-oncall", "pd/PONE");
  good(world.validate(wanted));
  REQUIRE(wanted.adoption);
  good(world.run(save(*world.context, world.cli, wanted, false)));
  const auto saved = world.now("payments");
  CHECK(saved.group == GroupId("S1"));
  CHECK(wanted.rotation.id == saved.id);
  CHECK(good(former_of(*world.store, saved)).members == std::vector<UserId>{UserId("UOTTO")});
  const auto audit = good(world.store->history().audit({}));
  CHECK(audit.front().actor == "cli:ada");
  CHECK(audit.front().action == "rotation.create");
}

TEST_CASE("a change on top of somebody else's is refused, naming who made it and when") {
  ManageWorld world;
  world.connection();
  const auto before = world.stored("payments");
  auto theirs = before;
  theirs.channels = {ChannelId("C1")};
  good(world.store->rotations().update(theirs, "UBO"));

  RotationDraft mine;
  mine.before = before;
  mine.rotation = before;
  mine.rotation.mode = Mode::observe;
  auto refused = bad(world.run(save(*world.context, world.cli, mine, false)));
  CHECK(refused.kind == ErrorKind::conflict);
  CHECK(says(refused, "was changed meanwhile by UBO, 20"));
  // In Slack people are mentioned.
  refused = bad(world.run(save(*world.context, world.editor, mine, false)));
  CHECK(says(refused, "by <@UBO>, 20"));
  CHECK(world.now("payments").mode == Mode::keep);
  CHECK(world.now("payments").channels == theirs.channels);
}

TEST_CASE("a rotation that was deleted meanwhile cannot be saved, and who did it is named") {
  ManageWorld world;
  world.connection();
  const auto before = world.stored("payments");
  good(world.store->rotations().remove(before.id, "cli:bo"));
  RotationDraft mine;
  mine.before = before;
  mine.rotation = before;
  const auto refused = bad(world.run(save(*world.context, world.cli, mine, false)));
  CHECK(refused.kind == ErrorKind::not_found);
  CHECK(says(refused, "\"payments\" was deleted by cli:bo"));
  // In Slack as people are known there.
  CHECK(says(bad(rotation_of(*world.store, world.editor, before.id)), "was deleted by bo on the host, 20"));
}

TEST_CASE("nobody saves, pauses, deletes or syncs what he may not") {
  ManageWorld world;
  world.connection();
  const auto rotation = world.stored("payments");
  const auto in_file = world.stored("search", "file:/etc/rotations.yaml");
  const auto kind_of = [](const auto& result) { return bad(result).kind; };
  for (const auto& caller : {world.reader, world.owner, world.editor}) {
    INFO(caller.actor);
    const bool editor = caller.actor == "UEDITOR";
    const bool owner = caller.actor == "UOWNER";
    RotationDraft fresh = world.wanted("new", "new-oncall", "pd/PTWO");
    fresh.rotation.group = GroupId("SNEW");
    if (!editor)
      CHECK(kind_of(world.run(save(*world.context, caller, fresh, false))) == ErrorKind::forbidden);
    RotationDraft moved;
    moved.before = rotation;
    moved.rotation = rotation;
    moved.rotation.group = GroupId("SELSEWHERE");
    if (!editor)
      CHECK(kind_of(world.run(save(*world.context, caller, moved, false))) == ErrorKind::forbidden);
    if (!editor && !owner) {
      RotationDraft edited;
      edited.before = rotation;
      edited.rotation = rotation;
      CHECK(kind_of(world.run(save(*world.context, caller, edited, false))) == ErrorKind::forbidden);
      CHECK(kind_of(world.run(set_paused(*world.context, caller, rotation.id, true))) ==
            ErrorKind::forbidden);
      CHECK(kind_of(world.run(delete_rotation(*world.context, caller, rotation.id, false))) ==
            ErrorKind::forbidden);
      CHECK(kind_of(world.run(request_sync(*world.context, caller, rotation.id, 1s))) ==
            ErrorKind::forbidden);
    }
    CHECK(kind_of(world.run(request_sync(*world.context, caller, RotationId{99}, 1s))) ==
          ErrorKind::not_found);
    CHECK(kind_of(world.run(set_paused(*world.context, caller, in_file.id, true))) == ErrorKind::forbidden);
  }
  CHECK(good(world.store->rotations().list()).size() == 2);
  CHECK(good(world.run(set_paused(*world.context, world.owner, rotation.id, true))));
  CHECK_FALSE(good(world.run(set_paused(*world.context, world.owner, rotation.id, true))));
  CHECK(world.now("payments").paused);
}

TEST_CASE("a group that is to be made is made once, even if storing fails the first time") {
  ManageWorld world;
  world.connection();
  auto wanted = world.wanted("PAYMENTS", "payments-oncall", "pd/PONE");
  good(world.validate(wanted, true));
  CHECK(wanted.create_group);
  world.stored("payments");  // takes the name in between
  CHECK(bad(world.run(save(*world.context, world.cli, wanted, false))).kind == ErrorKind::conflict);
  CHECK(world.slack.calls[slack::Method::usergroups_create] == 1);
  wanted.rotation.name = "billing";
  wanted.rotation.group = GroupId("SNEW");
  good(world.run(save(*world.context, world.cli, wanted, false)));
  CHECK(world.slack.calls[slack::Method::usergroups_create] == 1);
}

TEST_CASE("deleting with restore gives the group its former members back before anything is deleted") {
  ManageWorld world;
  world.connection();
  world.slack.add_group("S1", "payments-oncall", {"UOTTO"});
  auto wanted = world.wanted("payments", "payments-oncall", "pd/PONE");
  good(world.validate(wanted));
  good(world.run(save(*world.context, world.cli, wanted, false)));
  world.slack.groups[GroupId("S1")].members = {UserId("UADA")};

  world.slack.fate = [](slack::Method method, const std::string&) {
    return method == slack::Method::usergroups_users_update ? FakeSlack::Fate::refused
                                                            : FakeSlack::Fate::normal;
  };
  auto refused = bad(world.run(delete_rotation(*world.context, world.cli, wanted.rotation.id, true)));
  CHECK(says(refused, "was not deleted"));
  CHECK_FALSE(world.now("payments").paused);

  world.slack.fate = {};
  const auto gone = good(world.run(delete_rotation(*world.context, world.cli, wanted.rotation.id, true)));
  CHECK(gone.name == "payments");
  CHECK(world.slack.members("S1") == std::vector<std::string>{"UOTTO"});
  CHECK(good(world.store->rotations().list()).empty());
  const auto changes = good(world.store->history().list({}));
  REQUIRE_FALSE(changes.empty());
  CHECK(changes.front().cause == Cause::restore);
  CHECK(changes.front().result == "ok");
  CHECK(changes.front().by == "cli:ada");
}

TEST_CASE("a group that nobody was in before is disabled when that is put back, since Slack empties none") {
  ManageWorld world;
  world.connection();
  world.slack.add_group("S1", "payments-oncall", {});
  auto wanted = world.wanted("payments", "payments-oncall", "pd/PONE");
  good(world.validate(wanted));
  good(world.run(save(*world.context, world.cli, wanted, false)));
  CHECK(good(former_of(*world.store, wanted.rotation)).disabled);
  world.slack.groups[GroupId("S1")].members = {UserId("UADA")};
  good(world.run(delete_rotation(*world.context, world.cli, wanted.rotation.id, true)));
  CHECK(world.slack.groups[GroupId("S1")].disabled);
}

TEST_CASE("a pass is asked of the daemon, and waiting for it ends with it") {
  ManageWorld world;
  world.connection();
  const auto rotation = world.stored("payments");
  CHECK(bad(world.run(request_sync(*world.context, world.cli, rotation.id, 5s))).kind ==
        ErrorKind::unreachable);
  world.daemon = true;
  CHECK_FALSE(good(world.run(request_sync(*world.context, world.cli, rotation.id, 5s))));
  net::TaskScope daemon;
  struct Answer {
    static net::Task<void> all(ManageWorld& world) {
      co_await net::sleep_for(world.loop, 1s);
      for (const auto& request : good(world.store->requests().open_requests()))
        good(world.store->requests().answer(request.id, R"({"ok":true})"));
    }
  };
  daemon.spawn(Answer::all(world));
  CHECK(good(world.run(request_sync(*world.context, world.cli, rotation.id, 5s))));
}

TEST_CASE("who only owns a rotation cannot make it notify a whole channel, by its text or its name") {
  ManageWorld world;
  world.connection();
  auto stored = world.stored("payments");
  const auto save_as = [&](const control::Caller& caller, const std::string& text) {
    control::RotationDraft wanted;
    wanted.before = world.now("payments");
    wanted.rotation = *wanted.before;
    wanted.rotation.announce.text_template = text;
    return control::may_save(*world.context, caller, wanted);
  };
  for (const auto* text : {"<!channel> {{rotation}}", "<!here>", "<!everyone> look", "<!{{! }}channel>"}) {
    CAPTURE(text);
    const auto refused = save_as(world.owner, text);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::forbidden);
    CHECK(says(refused.error(), "You may not let announcements notify a whole channel"));
    CHECK(save_as(world.editor, text).ok());
    CHECK(save_as(world.cli, text).ok());
  }
  CHECK(save_as(world.owner, "{{rotation}} <@U1>").ok());

  // What an editor wrote stays when an owner changes something else.
  stored.announce.text_template = "<!here> {{rotation}}";
  good(world.store->rotations().update(stored, "UEDITOR"));
  CHECK(save_as(world.owner, "<!here> {{rotation}}").ok());
  CHECK_FALSE(save_as(world.owner, "<!here> again").ok());

  // A name is text, whatever it holds, also where a template puts it.
  AnnouncementFacts facts;
  facts.rotation = "<!channel> !here";
  facts.handle = "x";
  facts.at = world.loop.now();
  Announce announce;
  announce.text_template = "{{rotation}} is handed on";
  CHECK(render(facts, announce, AnnouncementContext{world.loop.now()}).text ==
        "&lt;!channel&gt; !here is handed on");
}

namespace {

/// "payments", which took @payments-oncall over from Otto; Ada is in it now.
Rotation adopted(ManageWorld& world) {
  world.connection();
  world.slack.add_group("S1", "payments-oncall", {"UOTTO"});
  auto wanted = world.wanted("payments", "payments-oncall", "pd/PONE");
  good(world.validate(wanted));
  good(world.run(save(*world.context, world.cli, wanted, false)));
  world.slack.groups[GroupId("S1")].members = {UserId("UADA")};
  return wanted.rotation;
}

RotationView view_of(ManageWorld& world) {
  return good(world.run(read_overview(*world.context))).rotations.at(0);
}

/// An answer that somebody else has used the time for.
struct SlowRefusal {
  ManageWorld& world;
  std::function<void()> meanwhile;
  net::Task<Result<json::Document>> operator()(std::string, std::string) const {
    co_await net::sleep_for(world.loop, 30s);
    meanwhile();
    co_return fail(ErrorKind::timeout, "the daemon has not answered");
  }
};

}  // namespace

TEST_CASE("a deletion that fails takes nothing back that others changed meanwhile") {
  ManageWorld world;
  const auto rotation = adopted(world);
  const bool pauses = GENERATE(false, true);
  world.context->group_request = SlowRefusal{world, [&] {
                                               auto edited = world.now("payments");
                                               edited.channels = {ChannelId("C9")};
                                               edited.paused = pauses;
                                               good(world.store->rotations().update(edited, "cli:bo"));
                                             }};
  const auto refused = bad(world.run(delete_rotation(*world.context, world.cli, rotation.id, true)));
  CHECK(says(refused, "was not deleted"));
  CHECK(world.now("payments").channels == std::vector<ChannelId>{ChannelId("C9")});
  CHECK(world.now("payments").paused == pauses);
  CHECK_FALSE(view_of(world).deletion);
}

TEST_CASE("a deletion whose command died is told with what ends it, and ends by itself") {
  ManageWorld world;
  const auto rotation = adopted(world);
  world.context->group_request = SlowRefusal{world, [] {}};
  {
    net::TaskScope command;
    struct Run {
      static net::Task<void> it(Context& context, Caller caller, RotationId id) {
        (void)co_await delete_rotation(context, caller, id, true);
      }
    };
    command.spawn(Run::it(*world.context, world.cli, rotation.id));
    world.loop.advance(5s);
  }
  const auto view = view_of(world);
  CHECK(view.state == "paused");
  REQUIRE(view.problems.size() == 1);
  for (const auto* part :
       {"being deleted by cli:ada since ", "`watchbill rotation resume \"payments\" --adopt`",
        "`watchbill rotation delete --restore \"payments\"`"}) {
    CHECK(view.problems[0].find(part) != std::string::npos);
  }
  CHECK_FALSE(world.now("payments").paused);
  SECTION("not by itself, once somebody paused the rotation") {
    CHECK(view.problems[0].find("kept again from ") != std::string::npos);
    CHECK(good(world.run(set_paused(*world.context, world.cli, rotation.id, true))));
    const auto paused = view_of(world);
    CHECK(paused.state == "paused");
    REQUIRE(paused.problems.size() == 1);
    CHECK(paused.problems[0].find("kept again") == std::string::npos);
    CHECK(paused.problems[0].find("paused, so its group stays as it is until "
                                  "`watchbill rotation resume \"payments\" --adopt`") != std::string::npos);
    world.loop.advance(3min);
    CHECK(view_of(world).state == "paused");
    CHECK(view_of(world).problems.empty());
    return;
  }
  SECTION("at once, by resuming the rotation") {
    CHECK(good(world.run(set_paused(*world.context, world.cli, rotation.id, false))));
  }
  SECTION("after its time") {
    world.loop.advance(3min);
  }
  CHECK(view_of(world).state == "pending");
  CHECK(view_of(world).problems.empty());
}

TEST_CASE("a deletion that was taken back, or took too long, deletes nothing") {
  ManageWorld world;
  const auto rotation = adopted(world);
  struct SlowSuccess {
    ManageWorld& world;
    RotationId rotation;
    bool resumed;
    net::Task<Result<json::Document>> operator()(std::string, std::string) const {
      co_await net::sleep_for(world.loop, resumed ? 1s : 5min);
      if (resumed) good(world.run(set_paused(*world.context, world.cli, rotation, false)));
      co_return json::parse(R"({"ok":true})");
    }
  };
  world.context->group_request = SlowSuccess{world, rotation.id, GENERATE(true, false)};
  const auto refused = bad(world.run(delete_rotation(*world.context, world.cli, rotation.id, true)));
  CHECK(refused.kind == ErrorKind::conflict);
  CHECK(says(refused, "was not deleted"));
  CHECK(world.now("payments").name == "payments");
  CHECK_FALSE(view_of(world).deletion);
}

TEST_CASE("whoever gives up waiting for the daemon takes the request back") {
  ManageWorld world;
  world.connection();
  const auto rotation = world.stored("payments");
  world.daemon = true;
  CHECK_FALSE(good(world.run(request_sync(*world.context, world.cli, rotation.id, 5s))));
  CHECK(good(world.store->requests().open_requests()).empty());
}
