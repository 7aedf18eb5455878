#include "slack_app/rotations/rotation_form.hpp"
#include "slack_app/systems/connect_form.hpp"
#include "tests/unit/slack_app/room.hpp"

using namespace watchbill;
using namespace watchbill::test;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string typed(const std::map<std::string, std::string>& fields, int round = 0) {
  json::Writer w;
  w.begin_object();
  for (const auto& [field, value] : fields) {
    w.key(slack_app::field_id(field, round)).begin_object().key("typed").begin_object();
    if (field == "region") {
      w.key("selected_option").begin_object().field("value", value).end_object();
    } else {
      w.field("value", value);
    }
    w.end_object().end_object();
  }
  return w.end_object().take();
}

struct ConnectRoom : AppRoom {
  void connect_pagerduty_by_key(const std::string& user) {
    open_home(user);
    advance(5s);
    click_home(user, R"({"action_id":"connect:pagerduty","value":"pagerduty"})");
    advance(3s);
    click(user, R"({"action_id":"way","block_id":"ways","selected_option":{"value":"api_key"}})");
    advance(1s);
  }
  [[nodiscard]] bool connected(const std::string& name) const {
    return world.store->connections().get(name).ok();
  }
};

}  // namespace

TEST_CASE("a good key connects, and the form says what it opens") {
  ConnectRoom room;
  room.connect_pagerduty_by_key("UEDITOR");
  CHECK(has(room.modal(), "REST API key"));
  const auto answer = room.submit(
      "UEDITOR", typed({{"connection", "pagerduty"}, {"api-key-file", "good-key"}, {"region", "us"}}));
  CHECK(has(answer.ack, "*pagerduty* works"));
  CHECK(room.connected("pagerduty"));
}

TEST_CASE("a bad key stands at its field, and is in no view and no error") {
  ConnectRoom room;
  room.connect_pagerduty_by_key("UEDITOR");
  const auto answer = room.submit(
      "UEDITOR", typed({{"connection", "pagerduty"}, {"api-key-file", "hunter2-key"}, {"region", "us"}}));
  CHECK(has(answer.ack, "\"api-key-file~0\""));
  CHECK(has(answer.ack, "of the right region?\"}"));
  CHECK_FALSE(has(answer.ack, "New credentials"));  // this is the form for them
  CHECK_FALSE(has(answer.ack, "hunter2"));
  CHECK_FALSE(room.connected("pagerduty"));
}

TEST_CASE("credentials that take long to try are told later, and kept in no view meanwhile") {
  ConnectRoom room;
  room.connect_pagerduty_by_key("UEDITOR");
  room.world.http.latency = 4s;
  for (const std::string key : {"hunter2-key", "good-key"}) {
    const auto form = json::parse(room.modal_json());
    const auto round = slack_app::connect_state(form->root()["private_metadata"].string_or(""))->round;
    const auto answer = room.submit(
        "UEDITOR", typed({{"connection", "pagerduty"}, {"api-key-file", key}, {"region", "eu"}}, round));
    CHECK(answer.took <= 2100ms);
    CHECK(has(answer.ack, "Checking"));
    room.obey(answer.ack);
    room.advance(20s);
    if (key == "hunter2-key") {
      CHECK_FALSE(room.connected("pagerduty"));
      CHECK(has(room.modal(), "REST API key"));
      CHECK(has(room.modal_json(), "\"initial_value\":\"pagerduty\""));
    }
  }
  CHECK(has(room.modal(), "*pagerduty* works"));
  for (const auto& view : room.screens.sent) {
    CHECK_FALSE(has(view, "hunter2-key"));
    CHECK_FALSE(has(view, "good-key"));
  }
}

TEST_CASE("a system that never answers ends the trying, and with it the secret's life") {
  ConnectRoom room;
  room.connect_pagerduty_by_key("UEDITOR");
  room.world.http.latency = 24h;
  room.obey(
      room.submit("UEDITOR", typed({{"connection", "pagerduty"}, {"api-key-file", "k"}, {"region", "us"}}))
          .ack);
  room.advance(5min);
  CHECK(has(room.modal(), "no answer within"));
  CHECK_FALSE(room.connected("pagerduty"));
}

TEST_CASE("who may not connect sees no form, and cannot submit a forged one") {
  ConnectRoom room;
  room.open_home("UOWNER");
  room.advance(5s);
  room.click_home("UOWNER", R"({"action_id":"connect:opsgenie","value":"opsgenie"})");
  room.advance(3s);
  CHECK(has(room.modal(), "You may not change connections"));
  room.connect_pagerduty_by_key("UEDITOR");
  const auto answer = room.submit(
      "UOWNER", typed({{"connection", "forged"}, {"api-key-file", "good-key"}, {"region", "us"}}));
  CHECK(has(answer.ack, "You may not change connections"));
  CHECK_FALSE(room.connected("forged"));
}

TEST_CASE("without credentials in modals there are no forms for anybody") {
  ConnectRoom room;
  room.world.config.slack.credentials_in_modals = false;
  room.open_home("UEDITOR");
  room.advance(5s);
  CHECK_FALSE(has(room.home("UEDITOR"), "Connect PagerDuty"));
  room.click_home("UEDITOR", R"({"action_id":"connect:opsgenie","value":"opsgenie"})");
  room.advance(3s);
  CHECK(has(room.modal(), "credentials_in_modals"));
}

TEST_CASE("an xMatters host that is none of xMatters' is refused before anything is sent") {
  ConnectRoom room;
  room.open_home("UEDITOR");
  room.advance(5s);
  room.click_home("UEDITOR", R"({"action_id":"connect:xmatters","value":"xmatters"})");
  room.advance(3s);
  const auto asked = room.world.http.requests.size();
  for (const std::string host : {"169.254.169.254", "localhost", "evil.example.com", "acme.xmatters.com:8443",
                                 "acme.xmatters.com.evil.example", "user@acme.xmatters.com", ""}) {
    const auto answer = room.submit(
        "UEDITOR",
        typed(
            {{"connection", "xm"}, {"host", host}, {"api-key-file", "key"}, {"api-secret-file", "secret"}}));
    INFO(host);
    CHECK(has(answer.ack, "\"host~0\""));
  }
  CHECK(room.world.http.requests.size() == asked);
  room.submit("UEDITOR", typed({{"connection", "xm"},
                                {"host", "https://www.ACME.xmatters.com/"},
                                {"api-key-file", "key"},
                                {"api-secret-file", "secret"}}));
  REQUIRE(room.world.http.requests.size() > asked);
  CHECK(room.world.http.requests.back().url.starts_with("https://acme.xmatters.com/"));
}

TEST_CASE("a connection's name is checked at its field") {
  ConnectRoom room;
  room.connect_pagerduty_by_key("UEDITOR");
  for (const std::string name : {"pd", "Not A Name", ""}) {
    const auto answer =
        room.submit("UEDITOR", typed({{"connection", name}, {"api-key-file", "good-key"}, {"region", "us"}}));
    INFO(name);
    CHECK(has(answer.ack, "\"connection~0\""));
  }
}

TEST_CASE("new credentials replace the old ones and leave the address that was set on the host") {
  ConnectRoom room;
  auto stored = *room.world.store->connections().get("pd");
  stored.settings["base_url"] = "https://pagerduty.example.com";
  good(room.world.store->connections().update(stored, "cli:ada"));
  room.world.pagerduty.key = "newer-key";
  room.open_home("UEDITOR");
  room.advance(5s);
  room.click_home("UEDITOR", R"({"action_id":"system_menu","selected_option":{"value":"update:pd"}})");
  room.advance(3s);
  CHECK(has(room.modal(), "REST API key"));
  const auto answer = room.submit("UEDITOR", typed({{"api-key-file", "newer-key"}, {"region", "us"}}));
  CHECK(has(answer.ack, "*pd* works"));
  const auto now = *room.world.store->connections().get("pd");
  CHECK(now.settings.at("base_url") == "https://pagerduty.example.com");
  CHECK(now.secrets.at("api_key").reveal() == "newer-key");
}

TEST_CASE("a connection in use is not disconnected, and names what uses it") {
  ConnectRoom room;
  room.world.stored("payments");
  room.open_home("UEDITOR");
  room.advance(5s);
  room.click_home("UEDITOR", R"({"action_id":"system_menu","selected_option":{"value":"remove:pd"}})");
  room.advance(3s);
  CHECK(has(room.modal(), "cannot be disconnected while rotations use it: *payments*"));
  good(room.world.store->rotations().remove(room.world.now("payments").id, "cli:ada"));
  room.click_home("UEDITOR", R"({"action_id":"system_menu","selected_option":{"value":"remove:pd"}})");
  room.advance(3s);
  CHECK(room.submit("UEDITOR", "{}").ack == R"({"response_action":"clear"})");
  CHECK_FALSE(room.connected("pd"));
}

TEST_CASE("disconnecting is acknowledged in time though Slack is slow to say who that is") {
  ConnectRoom room;
  room.open_home("UEDITOR");
  room.advance(5s);
  room.click_home("UEDITOR", R"({"action_id":"system_menu","selected_option":{"value":"remove:pd"}})");
  room.advance(3s);
  room.world.slack.add_user("UBOSS", "boss@example.com");
  room.world.slack.users.at(UserId("UBOSS")).admin = true;
  room.advance(2min);
  room.world.slack.latency = 1100ms;
  const auto answer = room.submit("UBOSS", "{}");
  CHECK(answer.took <= 2100ms);
  room.obey(answer.ack);
  room.advance(5s);
  CHECK(has(room.modal(), "Its credentials are deleted here"));
  CHECK_FALSE(room.connected("pd"));
}

TEST_CASE("a person is fixed by choosing who it is; guests cannot be chosen") {
  AppRoom room;
  room.world.slack.users[UserId("UGUEST")] = {UserId("UGUEST"), "Gus", {}, false, false, true};
  good(room.world.store->people().replace_unmatched(
      {{Responder{"pd", "PKIM", "Kim Ode", "kim@example.com"}, "unknown"}}));
  room.open_home("UEDITOR");
  room.advance(5s);
  room.click_home("UEDITOR", R"({"action_id":"person_fix","value":"pd/PKIM"})");
  room.advance(3s);
  CHECK(has(room.modal(), "Kim Ode"));
  const auto choose = [&](const std::string& user, const std::string& chosen) {
    return room.submit(user, R"({"person":{"typed":{"selected_user":")" + chosen + "\"}}}").ack;
  };
  CHECK(has(choose("UEDITOR", "UGUEST"), "guest"));
  CHECK(has(choose("UREADER", "UBO"), "You may not map people"));
  CHECK(good(room.world.store->people().mappings()).empty());
  const auto ack = choose("UEDITOR", "UBO");
  CHECK(has(ack, "*Kim Ode* is <@UBO> in Slack from now on"));
  const auto mappings = good(room.world.store->people().mappings());
  REQUIRE(mappings.size() == 1);
  CHECK(mappings[0].user == UserId("UBO"));
  // Somebody else who had the form open overwrites nothing unseen; the same choice again is no error.
  CHECK(has(choose("UEDITOR", "UADA"), "Somebody was faster"));
  CHECK(has(choose("UEDITOR", "UBO"), "from now on"));
  CHECK(good(room.world.store->people().mappings())[0].user == UserId("UBO"));
  // A wrong choice is taken back where it was told, by those who may.
  room.obey(ack);
  const auto* back = R"({"action_id":"person_back","block_id":"back","value":"pd/PKIM"})";
  room.click("UREADER", back);
  room.advance(1s);
  CHECK(has(room.modal(), "You may not map people"));
  CHECK(good(room.world.store->people().mappings()).size() == 1);
  room.click("UEDITOR", back);
  room.advance(1s);
  CHECK(has(room.modal(), "It is taken back"));
  CHECK(good(room.world.store->people().mappings()).empty());
}

TEST_CASE("lists to choose from are answered within Slack's patience, whatever is slow") {
  AppRoom room;
  room.world.slack.add_user("UBOSS", "boss@example.com");
  room.world.slack.latency = 1100ms;
  room.world.http.latency = 10s;
  for (const auto* field : {"schedules~0", "group~0"}) {
    const auto before = room.world.loop.now();
    room.suggest("UBOSS", field, "pay");
    CHECK(room.world.loop.now() - before <= 2600ms);
  }
}

TEST_CASE("commands answer from the store, for everybody") {
  AppRoom room;
  room.world.stored("payments");
  CHECK(has(room.command("UNOBODY", "payments"), "*payments* (`payments-oncall`): not known"));
  CHECK(has(room.command("UNOBODY", ""), "payments"));
  CHECK(has(room.command("UNOBODY", "me"), "You are on call in no rotation"));
  CHECK(has(room.command("UNOBODY", "help"), "/oncall next NAME"));
  CHECK(has(room.command("UNOBODY", "next payments"), "not known"));
  // Whoever Slack does not know is shown no more than a guest is.
  CHECK(has(room.command("UNOBODY", "history payments"), "Slack does not say who you are"));
}

TEST_CASE("members read a rotation's history by the command, without a button; guests do not") {
  AppRoom room;
  auto stored = room.world.stored("payments");
  stored.channels = {ChannelId("CPAY")};
  good(room.world.store->rotations().update(stored, "UEDITOR"));
  room.world.slack.users[UserId("UGUEST")] = {UserId("UGUEST"), "Gus", {}, false, false, true};
  const auto text = room.command("UREADER", "history payments");
  CHECK(has(text, "*edited*\nChanged: channels\n_by <@UEDITOR>_"));
  CHECK(has(text, "*created*"));
  CHECK(has(room.command("UGUEST", "history payments"), "Guests can see who is on call"));
  room.open_home("UREADER");
  room.advance(5s);
  CHECK(has(room.home("UREADER"), "`/oncall history NAME`"));
  CHECK_FALSE(has(room.home("UEDITOR"), "history NAME"));
  good(room.world.store->rotations().remove(stored.id, "UEDITOR"));
  CHECK(has(room.command("UREADER", "history payments"), "*deleted*"));
}

TEST_CASE("the command does not wait for a slow Slack longer than half a second") {
  AppRoom room;
  room.world.stored("payments");
  room.world.slack.latency = 900ms;
  const auto before = room.world.loop.now();
  CHECK(has(room.command("UREADER", "history payments"), "has not said yet who you are"));
  CHECK(room.world.loop.now() - before <= 500ms);
  room.advance(5s);
  CHECK(has(room.command("UREADER", "history payments"), "*created*"));
}
