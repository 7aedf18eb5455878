#include "control/rotation_json.hpp"

#include "tests/support/catch.hpp"

using namespace watchbill;
using namespace watchbill::control;

TEST_CASE("JSON output has every field of the design, in its order") {
  Rotation r;
  r.name = "payments";
  r.group = GroupId("S1");
  r.handle = "payments-oncall";
  r.schedules = {{{"pagerduty", "PSCHED1"}}, {{"opsgenie", "77f1"}, "secondary", true}};
  CHECK(rotation_json(r) ==
        R"({"name":"payments","group":{"id":"S1","handle":"payments-oncall"},)"
        R"("schedules":["pagerduty/PSCHED1",{"ref":"opsgenie/77f1","label":"secondary","required":true}],)"
        R"("mode":"keep","membership":"exact","drift":"repair","paused":false,"channels":[],)"
        R"("permanent_members":[],"empty":"keep","fallback_members":[],"empty_alert":true,)"
        R"("announce":{"enabled":true,"template":null,"mention":"incoming","max_age":"6h"},)"
        R"("owners":[],"alert_channel":null,"managed_by":"cli"})");
}

TEST_CASE("differences are told field by field") {
  Rotation before;
  before.name = "a";
  before.group = GroupId("S1");
  before.handle = "x";
  before.schedules = {{{"pd", "A"}}};
  auto after = before;
  CHECK(compare(before, after).empty());
  after.channels = {ChannelId("C1"), ChannelId("C2")};
  after.announce.mention = Mention::none;
  after.group = GroupId("S2");
  const auto changes = compare(before, after);
  REQUIRE(changes.size() == 3);
  CHECK(changes[0].field == "group");
  CHECK(changes[0].after == "@x (S2)");
  CHECK(changes[1].field == "channels");
  CHECK(changes[1].before == "none");
  CHECK(changes[1].after == "C1, C2");
  CHECK(changes[2].field == "announce.mention");
}

TEST_CASE("a rotation's version follows whatever people may change, and nothing else") {
  Rotation r;
  r.name = "payments";
  r.group = GroupId("S1");
  r.handle = "payments-oncall";
  r.schedules = {{{"pd", "A"}}};
  const auto version = version_of(r);
  CHECK(version.size() == 16);
  auto renamed_in_slack = r;
  renamed_in_slack.handle = "pay";
  CHECK(version_of(renamed_in_slack) == version);
  auto paused = r;
  paused.paused = true;
  CHECK(version_of(paused) != version);
  auto labelled = r;
  labelled.schedules[0].label = "first";
  CHECK(version_of(labelled) != version);
}
