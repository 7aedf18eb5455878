#include "cli/commands/apply_plan.hpp"

#include "tests/support/catch.hpp"

using namespace watchbill;
using namespace watchbill::cli;

namespace {

Rotation stored(std::int64_t id, const std::string& name, const std::string& group) {
  Rotation r;
  r.id = RotationId{id};
  r.name = name;
  r.group = GroupId(group);
  r.handle = "handle-" + group;
  r.schedules = {{{"pd", "X"}}};
  return r;
}

std::vector<WrittenRotation> written(const std::string& rotations) {
  auto read = read_rotations("version: 1\nrotations:\n" + rotations, "f.yaml");
  REQUIRE(read);
  return *read;
}

}  // namespace

TEST_CASE("a rotation is known again by its group's id, then by its name") {
  const std::vector<Rotation> known{stored(1, "payments", "S1"), stored(2, "search", "S2")};
  auto matched = match(written("- {name: billing, group: S1, schedules: [pd/X]}\n"
                               "- {name: Search, group: \"@elsewhere\", schedules: [pd/X]}\n"
                               "- {name: new, group: S9, schedules: [pd/X]}\n"),
                       known);
  REQUIRE(matched);
  REQUIRE(matched->at(0).before);
  CHECK(matched->at(0).before->name == "payments");
  CHECK(matched->at(0).rotation.id == RotationId{1});
  CHECK_FALSE(matched->at(0).takes_group());
  REQUIRE(matched->at(1).before);
  CHECK(matched->at(1).before->id == RotationId{2});
  CHECK(matched->at(1).takes_group());
  CHECK_FALSE(matched->at(2).before);
}

TEST_CASE("the name of one rotation with the group of another renames the group's rotation") {
  const std::vector<Rotation> known{stored(1, "payments", "S1"), stored(2, "search", "S2")};
  auto matched = match(written("- {name: payments, group: S2, schedules: [pd/X]}\n"), known);
  REQUIRE(matched);
  REQUIRE(matched->at(0).before);
  CHECK(matched->at(0).before->id == RotationId{2});
}

TEST_CASE("what a file does not say has its default, but for pause and manager") {
  auto old = stored(1, "payments", "S1");
  old.channels = {ChannelId("C1")};
  old.paused = true;
  old.managed_by = "slack";
  auto matched = match(written("- {name: payments, group: S1, schedules: [pd/X]}\n"), {old});
  REQUIRE(matched);
  const auto& wanted = matched->at(0).rotation;
  CHECK(wanted.channels.empty());
  CHECK(wanted.paused);
  CHECK(wanted.managed_by == "slack");
  CHECK(wanted.handle == "handle-S1");
}

TEST_CASE("an exported file changes nothing") {
  auto one = stored(1, "payments", "S1");
  one.empty_alert = true;  // the default, written out
  one.paused = true;
  one.managed_by = "file:/a.yaml";
  auto two = stored(2, "search", "S2");
  two.empty = Empty::disable;
  two.announce.text_template = "hi  \n\n";
  auto read = read_rotations(rotations_yaml({one, two}), "-");
  REQUIRE(read);
  auto matched = match(*read, {one, two});
  REQUIRE(matched);
  CHECK(matched->at(0).rotation == one);
  CHECK(matched->at(1).rotation == two);
}

TEST_CASE("a name or group that stands twice in a file is refused with both places") {
  auto matched = match(
      written("- {name: a, group: S1, schedules: [pd/X]}\n- {name: A, group: S2, schedules: [pd/X]}\n"), {});
  REQUIRE_FALSE(matched);
  CHECK(matched.error().message.find("f.yaml:4:3: name: \"A\" stands at f.yaml:3:3") == 0);
  matched = match(
      written("- {name: a, group: S1, schedules: [pd/X]}\n- {name: b, group: S1, schedules: [pd/X]}\n"), {});
  REQUIRE_FALSE(matched);
  CHECK(matched.error().message.find("S1 stands at f.yaml:3:3") != std::string::npos);
}

TEST_CASE("the plan says what happens to each rotation") {
  ApplyPlan plan;
  control::RotationDraft fresh;
  fresh.rotation = stored(0, "new", "");
  fresh.rotation.handle = "new-oncall";
  fresh.create_group = true;
  plan.batch.wanted.push_back(fresh);
  control::RotationDraft changed;
  changed.before = stored(1, "old name", "S1");
  changed.rotation = stored(1, "new name", "S1");
  plan.batch.wanted.push_back(changed);
  plan.batch.deleted.push_back(stored(2, "gone", "S2"));
  plan.batch.quiet = true;
  CHECK(plan_text(plan, true) ==
        "create \"new\" @new-oncall, creates the group, without an announcement\n"
        "change \"new name\" @handle-S1 (S1)\n"
        "  name: old name -> new name\n"
        "delete \"gone\" @handle-S2 (S2)\n"
        "1 to create, 1 to change, 1 to delete, 0 unchanged (nothing was written)\n");
  const auto document = json::parse(plan_json(plan, true));
  REQUIRE(document);
  CHECK(document->root()["changes"].size() == 3);
}

TEST_CASE("before it applies it asks about what happens, and about nothing else") {
  CHECK(confirm_question(0, 2) == "Delete 2 rotations?");
  CHECK(confirm_question(1, 0) == "Take over 1 group?");
  CHECK(confirm_question(2, 1) == "Take over 2 groups and delete 1 rotation?");
}
