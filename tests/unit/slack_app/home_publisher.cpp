#include "control/save.hpp"
#include "slack_app/home/home.hpp"
#include "tests/unit/slack_app/room.hpp"

using namespace watchbill;
using namespace watchbill::test;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string menu(const AppRoom&, const std::string& value) {
  return R"({"action_id":"rotation_menu","selected_option":{"value":")" + value + "\"}}";
}

}  // namespace

TEST_CASE("the first opening answers at once with what everybody may see, and then with all of it") {
  AppRoom room;
  room.world.stored("payments");
  room.world.slack.latency = 2s;
  room.open_home("UEDITOR");
  room.advance(500ms);
  CHECK(has(room.home("UEDITOR"), "*payments*"));
  CHECK_FALSE(has(room.home("UEDITOR"), "Scheduling systems"));
  room.advance(10s);
  CHECK(has(room.home("UEDITOR"), "Scheduling systems"));
  CHECK(has(room.home("UEDITOR"), "New rotation"));
}

TEST_CASE("a home tab that would look the same is not sent again") {
  AppRoom room;
  room.world.stored("payments");
  room.open_home("UEDITOR");
  room.advance(5s);
  const auto sent = room.screens.homes.at(UserId("UEDITOR")).versions;
  room.advance(9min);
  CHECK(room.screens.homes.at(UserId("UEDITOR")).versions == sent);
  // Opening it anew sends it in any case: Slack may have lost it.
  room.open_home("UEDITOR");
  room.advance(1s);
  CHECK(room.screens.homes.at(UserId("UEDITOR")).versions == sent + 1);
}

TEST_CASE(
    "a change is seen by the eight latest readers within five seconds, and by the others within a minute") {
  AppRoom room;
  auto rotation = room.world.stored("payments");
  for (int i = 0; i < 20; ++i) {
    room.world.slack.add_user("UR" + std::to_string(i), "r" + std::to_string(i) + "@example.com");
    room.open_home("UR" + std::to_string(i));
    room.advance(1s);
  }
  room.advance(2min);
  const auto seeing = [&](const std::string& part) {
    int count = 0;
    for (int i = 0; i < 20; ++i) count += has(room.home("UR" + std::to_string(i)), part) ? 1 : 0;
    return count;
  };
  rotation.paused = true;
  good(room.world.store->rotations().update(rotation, "cli:ada"));
  room.advance(5s);
  for (int i = 12; i < 20; ++i) CHECK(has(room.home("UR" + std::to_string(i)), "paused"));
  CHECK(seeing("paused") >= 8);
  room.advance(60s);
  CHECK(seeing("paused") == 20);
}

TEST_CASE("who read his home tab lately is kept up to date across a restart") {
  AppRoom room;
  auto rotation = room.world.stored("payments");
  room.open_home("UREADER");
  room.advance(10s);
  room.restart();
  rotation.paused = true;
  good(room.world.store->rotations().update(rotation, "cli:ada"));
  room.advance(5s);
  CHECK(has(room.home("UREADER"), "paused"));
}

TEST_CASE("buttons stand there for those who may: editors, owners for their rotations, nobody else") {
  AppRoom room;
  room.world.stored("payments");
  room.world.stored("filed", "file:rotations.yaml");
  for (const auto* user : {"UEDITOR", "UOWNER", "UREADER"}) room.open_home(user);
  room.advance(5s);
  const auto offers = [&](const std::string& user, const std::string& what) {
    return has(room.screens.homes.at(UserId(user)).json, "\"" + what + "\"");
  };
  const auto payments = room.number("payments");
  const auto filed = room.number("filed");
  CHECK(offers("UEDITOR", "edit:" + payments));
  CHECK(offers("UEDITOR", "rotation_new"));
  CHECK_FALSE(offers("UEDITOR", "edit:" + filed));
  CHECK(offers("UEDITOR", "sync:" + filed));
  CHECK(offers("UOWNER", "edit:" + payments));
  CHECK_FALSE(offers("UOWNER", "rotation_new"));
  CHECK_FALSE(offers("UREADER", "edit:" + payments));
  CHECK_FALSE(has(room.screens.homes.at(UserId("UREADER")).json, "\"button\""));
  CHECK(has(room.home("UREADER"), "managed by the file `rotations.yaml`"));
}

TEST_CASE("a rotation that waits for Slack's budget says when its turn comes") {
  AppRoom room;
  const auto rotation = room.world.stored("payments");
  store::RotationStatus status{rotation.id, "pending"};
  good(room.world.store->engine().put_status(status));
  room.forecasts[rotation.id] = {12, room.world.loop.now() + 45s};
  room.open_home("UREADER");
  room.advance(3s);
  CHECK(has(room.home("UREADER"), "written in about 4"));
  CHECK(has(room.home("UREADER"), " s, 12 groups ahead"));
}

TEST_CASE("what needs attention comes with the button that fixes it, for those who may") {
  AppRoom room;
  const auto rotation = room.world.stored("payments");
  const auto number = std::to_string(rotation.id.value);
  Problem unauthorized{"connection:pd:unauthorized", "connection pd: the key is refused; give it a new key"};
  unauthorized.connection = "pd";
  Problem gone{"rotation:" + number + ":gone:pd/PONE", "schedule pd/PONE does not exist any more",
               rotation.id};
  Problem refused{"rotation:" + number + ":refused", "@payments-oncall was not written: permission_denied",
                  rotation.id};
  for (const auto& problem : {unauthorized, gone, refused})
    good(room.world.store->problems().put({problem, room.world.loop.now()}));
  good(room.world.store->people().replace_unmatched({{Responder{"pd", "PKIM", "Kim Ode", "kim@example.com"},
                                                      "no Slack account has the address kim@example.com"}}));
  room.open_home("UEDITOR");
  room.open_home("UREADER");
  room.advance(5s);
  const auto editor = room.screens.homes.at(UserId("UEDITOR")).json;
  CHECK(room.home("UEDITOR").starts_with("Needs attention\nConnection pd: the key is refused"));
  CHECK(has(editor, R"("action_id":"system_fix")"));
  CHECK(has(editor, R"("action_id":"rotation_fix")"));
  CHECK(has(editor, R"("action_id":"person_fix")"));
  CHECK(has(editor, "\"pd/PKIM\""));
  CHECK(has(room.home("UREADER"), "*Kim Ode* is on call in pd"));
  CHECK_FALSE(has(room.screens.homes.at(UserId("UREADER")).json, "_fix\""));
}

TEST_CASE("a forged click of somebody without rights changes nothing and says whom to ask") {
  AppRoom room;
  room.world.stored("payments");
  room.open_home("UREADER");
  room.advance(5s);
  for (const std::string verb : {"pause", "edit", "delete", "sync"}) {
    room.screens.last_modal.clear();
    room.click_home("UREADER", menu(room, verb + ":" + room.number("payments")));
    room.advance(5s);
    INFO(verb);
    CHECK(has(room.modal(), "You may not"));
    CHECK(has(room.modal(), "<@UOWNER>"));
  }
  CHECK_FALSE(room.world.now("payments").paused);
}

TEST_CASE("pausing and resuming are one click, and syncing says what came of it") {
  AppRoom room;
  room.world.stored("payments");
  room.open_home("UOWNER");
  room.advance(5s);
  room.click_home("UOWNER", menu(room, "pause:" + room.number("payments")));
  room.advance(5s);
  CHECK(room.world.now("payments").paused);
  CHECK(has(room.home("UOWNER"), "paused"));
  CHECK(has(room.screens.homes.at(UserId("UOWNER")).json, "\"resume:"));
  CHECK(room.noticed > 0);
  room.click_home("UOWNER", menu(room, "sync:" + room.number("payments")));
  room.advance(5s);
  CHECK(has(room.modal(), "Done: every system and Slack were asked"));
  CHECK(has(room.modal(), "stays as it is, because its rotation is paused"));
  const auto before = room.modal();
  room.click_home("UOWNER", menu(room, "resume:" + room.number("payments")));
  room.advance(5s);
  CHECK_FALSE(room.world.now("payments").paused);
  CHECK(room.modal() == before);
  room.click_home("UOWNER", menu(room, "sync:" + room.number("payments")));
  room.advance(5s);
  CHECK(has(room.modal(), "what differed is being written"));
}

TEST_CASE("resuming in Slack asks for those whom no handoff takes out") {
  AppRoom room;
  room.world.stored("payments");
  room.world.slack.add_group("SPAYMENTS", "payments-oncall", {"UADA", "UOTTO"});
  good(room.world.run(
      control::set_paused(*room.world.context, room.world.cli, room.world.now("payments").id, true)));
  room.open_home("UOWNER");
  room.advance(5s);
  room.click_home("UOWNER", menu(room, "resume:" + room.number("payments")));
  room.advance(5s);
  CHECK(room.world.now("payments").paused);
  CHECK(has(room.modal(), "*Goes:* <@UOTTO>"));
  CHECK(has(room.modal_json(), "May they go?"));
  const auto answer = room.submit("UOWNER", "{}");
  CHECK(has(answer.ack, "clear"));
  CHECK_FALSE(room.world.now("payments").paused);
}

TEST_CASE("nobody is said to go by resuming who left the group a moment ago") {
  AppRoom room;
  room.world.stored("payments");
  room.world.slack.add_group("SPAYMENTS", "payments-oncall", {"UADA", "UOTTO"});
  good(room.world.run(
      control::set_paused(*room.world.context, room.world.cli, room.world.now("payments").id, true)));
  room.open_home("UOWNER");
  room.advance(5s);
  room.click_home("UOWNER", menu(room, "resume:" + room.number("payments")));
  room.advance(2s);
  CHECK(has(room.modal(), "*Goes:* <@UOTTO>"));
  room.world.slack.add_group("SPAYMENTS", "payments-oncall", {"UADA"});
  room.click_home("UOWNER", menu(room, "resume:" + room.number("payments")));
  room.advance(5s);
  CHECK_FALSE(room.world.now("payments").paused);
}

TEST_CASE("a search finds rotations by name and group, and a page that is gone shows the last one") {
  AppRoom room;
  for (int i = 0; i < 40; ++i) room.world.stored("team" + std::to_string(i));
  room.open_home("UREADER");
  room.advance(5s);
  room.click_home("UREADER", R"({"action_id":"home_page:next","value":"1"})");
  room.advance(1s);
  CHECK(has(room.home("UREADER"), "31 to 40 of 40, page 2 of 2"));
  room.click_home("UREADER", R"({"action_id":"home_search","value":"@TEAM3-on"})");
  room.advance(1s);
  CHECK(has(room.home("UREADER"), "1 of 40 found"));
  CHECK(has(room.home("UREADER"), "*team3*"));
  room.click_home("UREADER", R"({"action_id":"home_page:next","value":"7"})");
  room.advance(1s);
  CHECK(has(room.home("UREADER"), "*team3*"));
}

TEST_CASE("rotations with problems stand first, and what is wrong names its group") {
  AppRoom room;
  const auto alpha = room.world.stored("alpha");
  const auto zulu = room.world.stored("zulu");
  good(room.world.store->engine().put_status({alpha.id, "in_sync"}));
  store::RotationStatus wrong{zulu.id, "error"};
  wrong.problems = {"nobody is on call"};
  OnCallPerson kim{{"pd", "PKIM", "Kim Ode", "kim@example.com"}, {"pd", "PZULU"}};
  wrong.on_call = {kim};
  good(room.world.store->engine().put_status(wrong));
  good(room.world.store->engine().put_group({zulu.group, zulu.handle, {UserId("UOTTO")}, false, {}}));
  good(room.world.store->problems().put({Problem{"rotation:" + std::to_string(zulu.id.value) + ":empty",
                                                 "rotation \"zulu\": nobody is on call", zulu.id},
                                         room.world.loop.now()}));
  good(room.world.store->people().replace_unmatched(
      {{kim.responder, "no active Slack account has the address kim@example.com"}}));
  room.open_home("UEDITOR");
  room.advance(5s);
  const auto text = room.home("UEDITOR");
  INFO(text);
  CHECK(text.find("*zulu*") < text.find("*alpha*"));
  CHECK(has(text, "Rotation \"zulu\" (@zulu-oncall): nobody is on call"));
  CHECK(has(text, "*Kim Ode* is on call in pd and cannot be in <!subteam^" + zulu.group.value + ">: "));
  CHECK(has(text, "In the group: <@UOTTO>"));
}

TEST_CASE("who is fixed is proposed by their name, where Slack has one or several of it") {
  AppRoom room;
  room.world.stored("payments");
  good(room.world.store->people().replace_unmatched({{Responder{"pd", "PKIM", "Kim  ODE", "kim@old.example"},
                                                      "no active Slack account has that address"}}));
  room.world.slack.add_user("UKIM", "kim.ode@example.com");
  room.world.slack.users.at(UserId("UKIM")).name = "Kim Ode";
  room.open_home("UEDITOR");
  room.advance(5s);
  const auto form = [&room] {
    room.click_home("UEDITOR", R"({"action_id":"person_fix","value":"pd/PKIM"})");
    room.advance(3s);
    return room.modal_json();
  };
  auto view = form();
  CHECK(has(view, "\"initial_user\":\"UKIM\""));
  CHECK(has(view, "Of that name there is in Slack: <@UKIM>."));
  room.world.slack.add_user("UKIM2", "kim2@example.com");
  room.world.slack.users.at(UserId("UKIM2")).name = "kim ode";
  view = form();
  CHECK_FALSE(has(view, "initial_user"));
  CHECK(has(view, "<@UKIM> and <@UKIM2>"));
}
