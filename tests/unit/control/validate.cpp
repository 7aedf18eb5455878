#include "control/validate.hpp"

#include "control/choices.hpp"
#include "control/save.hpp"
#include "tests/unit/control/world.hpp"

using namespace watchbill;
using namespace watchbill::control;
using namespace watchbill::test;

namespace {

std::vector<UserId> users(const std::vector<std::string>& names) {
  std::vector<UserId> ids;
  for (const auto& name : names) ids.emplace_back(name);
  return ids;
}

}  // namespace

TEST_CASE("taking over a group says who goes, who comes, who edited it last and where Slack adds people") {
  ManageWorld world;
  world.connection();
  world.slack.add_group("S1", "payments-oncall", {"UOTTO", "UADA"});
  auto& group = world.slack.groups[GroupId("S1")];
  group.updated_by = UserId("UBO");
  group.updated_at = world.loop.now() - 1h;
  group.default_channels = {ChannelId("C1")};
  auto wanted = world.wanted("payments", "payments-oncall", "pd/PTWO");
  good(world.validate(wanted));
  const auto& adoption = wanted.adoption;
  REQUIRE(adoption);
  CHECK(adoption->handle == "payments-oncall");
  CHECK(adoption->change.goes == users({"UADA", "UOTTO"}));
  CHECK(adoption->change.comes == users({"UBO"}));
  CHECK(adoption->unsure.empty());
  CHECK(adoption->edited_by == UserId("UBO"));
  CHECK(adoption->default_channels == std::vector<ChannelId>{ChannelId("C1")});
}

TEST_CASE("naming a thousand people uses what is stored, and then only a little of what Slack allows") {
  ManageWorld world;
  std::vector<store::CachedUser> stored;
  for (int i = 0; i < 500; ++i) {
    const auto id = UserId(fmt::format("UX{:04}", i));
    slack::User user;
    user.id = id;
    user.name = fmt::format("Name in Slack {}", i);
    world.slack.users[id] = user;
    if (i >= 400) continue;
    stored.emplace_back();
    stored.back().id = id;
    stored.back().name = fmt::format("Stored name {}", i);
  }
  good(world.store->people().put_users(stored));
  Workspace workspace(*world.context);
  CHECK(world.run(workspace.name_of(UserId("UX0007"))) == "Stored name 7 (UX0007)");
  CHECK(world.run(workspace.name_of(UserId("UX0400"))) == "Name in Slack 400 (UX0400)");
  for (int i = 0; i < 500; ++i) (void)world.run(workspace.name_of(UserId(fmt::format("UX{:04}", i))));
  CHECK(world.run(workspace.name_of(UserId("UX0499"))) == "UX0499");
  CHECK(world.slack.calls[slack::Method::users_info] == 50);
}

TEST_CASE(
    "owners are people and groups that Slack knows, and what is neither is refused with what to write") {
  ManageWorld world;
  world.connection();
  world.slack.add_group("S1", "payments-oncall", {});
  world.slack.add_group("S5", "payments-leads", {"UADA"});
  const auto owned_by = [&world](const std::string& owner) {
    auto wanted = world.wanted("payments", "payments-oncall", "pd/PONE");
    wanted.rotation.owners = {owner};
    auto done = world.validate(wanted);
    return done ? wanted.rotation.owners.at(0) : done.error().message;
  };
  CHECK(owned_by("UADA") == "UADA");
  CHECK(owned_by("ada@example.com") == "UADA");
  CHECK(owned_by("S5") == "S5");
  CHECK(owned_by("@payments-leads") == "S5");
  CHECK(owned_by("nonsense").find("owner \"nonsense\": write an e-mail address") != std::string::npos);
  CHECK(owned_by("@payments-lead").find("Slack has no such user group") != std::string::npos);
  CHECK(owned_by("SNONE").find("Slack has no such user group") != std::string::npos);
  CHECK(owned_by("UNOBODY").find("Slack knows no active user of that id") != std::string::npos);
}

TEST_CASE("a group that is right already, empty, or only observed is not taken from anybody") {
  ManageWorld world;
  world.connection();
  world.slack.add_group("S1", "right", {"UADA"});
  world.slack.add_group("S2", "empty", {});
  world.slack.add_group("S3", "others", {"UOTTO"});
  const auto preview = [&world](const std::string& handle, Mode mode = Mode::keep) {
    auto wanted = world.wanted("payments", handle, "pd/PONE");
    wanted.rotation.mode = mode;
    good(world.validate(wanted));
    return wanted.adoption;
  };
  CHECK_FALSE(preview("right"));
  CHECK_FALSE(preview("empty"));
  CHECK(preview("others"));
  CHECK_FALSE(preview("others", Mode::observe));
}

TEST_CASE("what is wrong with a rotation is told with its field") {
  ManageWorld world;
  world.connection();
  world.slack.add_group("S1", "payments-oncall", {});
  world.slack.add_group("S2", "bosses", {});
  world.slack.groups[GroupId("S2")].unwritable = "Slack keeps it itself";
  world.slack.users[UserId("UGUEST")] = {UserId("UGUEST"), "Gus", std::nullopt, false, false, true, false};
  world.channels.add("C1", "payments");
  world.channels.add("C2", "old", true, true);
  world.stored("search");
  const auto wrong = [&world](const auto& change, ErrorKind kind) {
    auto wanted = world.wanted("payments", "payments-oncall", "pd/PONE");
    change(wanted.rotation);
    const auto error = bad(world.validate(wanted));
    INFO(error.message);
    CHECK(error.kind == kind);
    CHECK(error.message.find("rotation \"") == 0);
    return wanted.wrong_field;
  };
  CHECK(wrong([](Rotation& r) { r.name = "SEARCH"; }, ErrorKind::conflict) == "name");
  CHECK(wrong([](Rotation& r) { r.name = ""; }, ErrorKind::invalid) == "name");
  CHECK(wrong([](Rotation& r) { r.handle = "nothing"; }, ErrorKind::not_found) == "group");
  CHECK(wrong([](Rotation& r) { r.handle = "bosses"; }, ErrorKind::forbidden) == "group");
  CHECK(wrong([](Rotation& r) { r.channels = {ChannelId("#nothing")}; }, ErrorKind::not_found) == "channels");
  CHECK(wrong([](Rotation& r) { r.channels = {ChannelId("C2")}; }, ErrorKind::invalid) == "channels");
  CHECK(wrong([](Rotation& r) { r.alert_channel = ChannelId("C9"); }, ErrorKind::not_found) ==
        "alert_channel");
  CHECK(wrong([](Rotation& r) { r.permanent_members = {UserId("UGUEST")}; }, ErrorKind::invalid) ==
        "permanent_members");
  CHECK(wrong([](Rotation& r) { r.empty = Empty::fallback; }, ErrorKind::invalid) == "fallback_members");
  CHECK(wrong([](Rotation& r) { r.announce.text_template = "{{"; }, ErrorKind::invalid) ==
        "announce.template");

  auto schedule = world.wanted("payments", "payments-oncall", "pd/PNONE");
  const auto missing = bad(world.validate(schedule));
  CHECK(missing.kind == ErrorKind::not_found);
  CHECK(says(missing, "did you mean pd/PONE?"));
  CHECK(schedule.wrong_field == "schedules");
}

TEST_CASE("a schedule is found by the name that it alone has") {
  ManageWorld world;
  world.connection();
  world.slack.add_group("S1", "payments-oncall", {});
  world.pagerduty.schedules["PONE"].name = "Payments primary";
  const auto written = [&world](std::initializer_list<const char*> texts) {
    auto wanted = world.wanted("payments", "Payments-OnCall", "pd/PONE");
    wanted.rotation.schedules.clear();
    for (const auto* text : texts) wanted.rotation.schedules.push_back({good(written_schedule(text))});
    return wanted;
  };
  for (const auto* text : {"pd/PONE", "pd/payments PRIMARY", "Payments primary"}) {
    INFO(text);
    auto wanted = written({text});
    good(world.validate(wanted));
    CHECK(wanted.rotation.schedules == std::vector<RotationSchedule>{{{"pd", "PONE"}}});
    CHECK(wanted.rotation.handle == "payments-oncall");
  }
  auto twice = written({"Payments primary", "pd/PONE"});
  CHECK(says(bad(world.validate(twice)), "schedules: pd/PONE stands there twice"));
  auto none = written({"Payments secondary"});
  const auto missing = bad(world.validate(none));
  CHECK(missing.kind == ErrorKind::not_found);
  CHECK(says(missing, "no scheduling system has one of this name"));
  CHECK(none.wrong_field == "schedules");
  world.pagerduty.schedules["PTWO"].name = "payments Primary";
  auto both = written({"Payments primary"});
  CHECK(says(bad(world.validate(both)), "2 have this name: write one of them as pd/PONE or pd/PTWO"));
  for (const auto* reserved : {"rotation:x", "local/x", "pd/policy:P1", ""})
    CHECK_FALSE(written_schedule(reserved));
}

TEST_CASE("names become ids, and channels without the bot are told") {
  ManageWorld world;
  world.connection();
  world.slack.add_group("S1", "payments-oncall", {});
  world.slack.add_group("S9", "leads", {});
  world.channels.add("C1", "payments");
  world.channels.add("C2", "general", false);
  world.channels.add("C3", "far");
  auto wanted = world.wanted("payments", "payments-oncall", "pd/PONE");
  wanted.rotation.channels = {ChannelId("#far"), ChannelId("C2")};
  wanted.rotation.permanent_members = {UserId("bo@example.com")};
  wanted.rotation.owners = {"otto@example.com", "S9"};
  good(world.validate(wanted));
  CHECK(wanted.rotation.group == GroupId("S1"));
  CHECK(wanted.rotation.channels == std::vector<ChannelId>{ChannelId("C3"), ChannelId("C2")});
  CHECK(wanted.rotation.permanent_members == users({"UBO"}));
  CHECK(wanted.rotation.owners == std::vector<std::string>{"UOTTO", "S9"});
  REQUIRE(wanted.uninvited.size() == 1);
  CHECK(wanted.uninvited[0].name == "general");
  CHECK(wanted.wrong_field.empty());
}

TEST_CASE("a group that does not exist is made when that was asked for, with a handle that Slack takes") {
  ManageWorld world;
  world.connection();
  auto wanted = world.wanted("PAYMENTS", "payments-oncall", "pd/PONE");
  CHECK(bad(world.validate(wanted)).kind == ErrorKind::not_found);
  good(world.validate(wanted, true));
  CHECK(wanted.create_group);
  auto shouted = world.wanted("payments", "Payments", "pd/PONE");
  CHECK(says(bad(world.validate(shouted, true)), "lower case"));
  CHECK(shouted.wrong_field == "group");
}

TEST_CASE("whoever makes a rotation in Slack is its owner") {
  ManageWorld world;
  CHECK(new_rotation(world.owner).owners == std::vector<std::string>{"UOWNER"});
  CHECK(new_rotation(world.owner).managed_by == "slack");
  CHECK(new_rotation(world.cli).owners.empty());
  CHECK(new_rotation(world.cli).managed_by == "cli");
}

TEST_CASE("without a token for Slack it is said what is missing") {
  ManageWorld world;
  world.context->no_slack = fail(ErrorKind::invalid, "slack.bot_token_file is not set");
  Workspace workspace(*world.context);
  CHECK(says(bad(world.run(workspace.groups())), "bot_token_file"));
  CHECK(says(bad(world.run(workspace.person("UADA"))), "bot_token_file"));
  CHECK(says(bad(world.run(workspace.channel("C1"))), "bot_token_file"));
  CHECK(world.run(workspace.name_of(UserId("UADA"))) == "UADA");
}

namespace {

/// "payments" keeps @payments-oncall, in which Ada is, who is on call in pd/PONE.
Rotation kept(ManageWorld& world, const std::function<void(Rotation&)>& adjust = {}) {
  world.connection();
  world.slack.add_group("S1", "payments-oncall", {"UADA"});
  auto wanted = world.wanted("payments", "payments-oncall", "pd/PONE");
  if (adjust) adjust(wanted.rotation);
  good(world.validate(wanted));
  good(world.run(save(*world.context, world.cli, wanted, false)));
  RotationRecord record;
  record.rotation = wanted.rotation.id;
  record.decided = true;
  record.people.emplace_back();
  record.people[0].responder = {"pd", "PADA", "ada", "ada@example.com"};
  record.people[0].schedule = {"pd", "PONE"};
  record.people[0].member = UserId("UADA");
  good(world.store->engine().put_record(record));
  return wanted.rotation;
}

RotationDraft changed(ManageWorld& world, const Rotation& before,
                      const std::function<void(Rotation&)>& change) {
  Workspace workspace(*world.context);
  std::vector<RotationDraft> all(1);
  all[0].before = before;
  all[0].rotation = before;
  change(all[0].rotation);
  good(world.run(validate(workspace, world.cli, all, {})));
  return all[0];
}

}  // namespace

TEST_CASE("a rotation that observed shows who goes when it begins to keep its group, and remembers them") {
  ManageWorld world;
  auto before = kept(world, [](Rotation& r) { r.mode = Mode::observe; });
  world.slack.groups[GroupId("S1")].members = users({"UBO", "UOTTO"});
  auto wanted = changed(world, before, [](Rotation& r) { r.mode = Mode::keep; });
  REQUIRE(wanted.adoption);
  CHECK(wanted.adoption->kind == Takeover::first);
  CHECK(wanted.adoption->change.goes == users({"UBO", "UOTTO"}));
  CHECK(wanted.adoption->change.comes == users({"UADA"}));
  good(world.run(save(*world.context, world.cli, wanted, false)));
  CHECK(good(former_of(*world.store, wanted.rotation)).members == users({"UBO", "UOTTO"}));
}

TEST_CASE("while a system does not answer, everybody may go and nobody is promised") {
  ManageWorld world;
  auto before = kept(world, [](Rotation& r) { r.mode = Mode::observe; });
  world.slack.groups[GroupId("S1")].members = users({"UOTTO"});
  world.pagerduty.down = true;
  const auto wanted = changed(world, before, [](Rotation& r) { r.mode = Mode::keep; });
  REQUIRE(wanted.adoption);
  CHECK(wanted.adoption->unsure.find("not known: pd/PONE: ") == 0);
  CHECK(wanted.adoption->change.goes == users({"UOTTO"}));
}

TEST_CASE("resuming asks if the group loses somebody whom no handoff takes out") {
  ManageWorld world;
  auto before = kept(world, [](Rotation& r) { r.paused = true; });
  const auto resume = [&] {
    Workspace workspace(*world.context);
    return good(world.run(validate_resume(workspace, world.cli, before.id))).adoption;
  };
  CHECK_FALSE(resume());
  // Bo takes over from Ada: a handoff.
  world.pagerduty.schedules["PONE"].person = "bo";
  CHECK_FALSE(resume());
  world.slack.groups[GroupId("S1")].members = users({"UADA", "UOTTO"});
  const auto asked = resume();
  REQUIRE(asked);
  CHECK(asked->kind == Takeover::again);
  CHECK(asked->change.goes == users({"UADA", "UOTTO"}));
  // Another team's schedule: Ada goes for good.
  world.slack.groups[GroupId("S1")].members = users({"UADA"});
  const auto moved = changed(world, before, [](Rotation& r) { r.schedules = {{{"pd", "PTWO"}}}; });
  REQUIRE(moved.adoption);
  CHECK(moved.adoption->when_resumed);
  good(world.store->rotations().update(moved.rotation, "cli:ada"));
  CHECK(resume());
  // Whoever may not pause may not ask.
  Workspace workspace(*world.context);
  CHECK(bad(world.run(validate_resume(workspace, world.reader, before.id))).kind == ErrorKind::forbidden);
}

TEST_CASE("no longer merging, and repairing again, ask for those who were not to be touched") {
  ManageWorld world;
  auto before = kept(world, [](Rotation& r) {
    r.membership = Membership::merge;
    r.drift = Drift::report;
  });
  world.slack.groups[GroupId("S1")].members = users({"UADA", "UOTTO"});
  const auto exact = changed(world, before, [](Rotation& r) { r.membership = Membership::exact; });
  REQUIRE(exact.adoption);
  CHECK(exact.adoption->change.goes == users({"UOTTO"}));
  CHECK_FALSE(exact.former);
  good(world.store->rotations().update(exact.rotation, "cli:ada"));
  CHECK(changed(world, exact.rotation, [](Rotation& r) { r.drift = Drift::repair; }).adoption);
  CHECK_FALSE(changed(world, exact.rotation, [](Rotation& r) { r.announce.enabled = false; }).adoption);
}
