#include "tests/integration/sandbox/app.hpp"

namespace watchbill::test {
namespace {

constexpr const char* kModal = R"({"type":"modal","callback_id":"edit","private_metadata":"{\"r\":1}",
 "notify_on_close":true,
 "title":{"type":"plain_text","text":"Edit"},"submit":{"type":"plain_text","text":"Save"},"blocks":[
 {"type":"input","block_id":"name","label":{"type":"plain_text","text":"Name"},
  "element":{"type":"plain_text_input","action_id":"v","max_length":10}},
 {"type":"input","block_id":"kind","dispatch_action":true,"optional":true,
  "label":{"type":"plain_text","text":"Kind"},"element":{"type":"static_select","action_id":"v","options":[
   {"text":{"type":"plain_text","text":"One"},"value":"1"},{"text":{"type":"plain_text","text":"Two"},"value":"2"}]}},
 {"type":"input","block_id":"found","optional":true,"label":{"type":"plain_text","text":"Found"},
  "element":{"type":"multi_external_select","action_id":"v","min_query_length":2,"max_selected_items":2}},
 {"type":"input","block_id":"who","optional":true,"label":{"type":"plain_text","text":"Who"},
  "element":{"type":"multi_users_select","action_id":"v"}},
 {"type":"actions","block_id":"more","elements":[
  {"type":"button","action_id":"delete","value":"r1","text":{"type":"plain_text","text":"Delete"},
   "confirm":{"title":{"type":"plain_text","text":"Sure?"},"text":{"type":"plain_text","text":"Gone for good"},
    "confirm":{"type":"plain_text","text":"Yes"},"deny":{"type":"plain_text","text":"No"}}}]}]})";

/// A room with an app that remembers what it hears.
struct Theatre : Room {
  Theatre() {
    people();
    control(R"({"do":"channel","name":"payments","people":["ada"]})");
    app = std::make_unique<SocketApp>(*this);
  }
  std::unique_ptr<SocketApp> app;

  void open(const char* view = kModal) {
    const auto trigger = control(R"({"do":"trigger","person":"ada"})")["trigger_id"].string_or("");
    REQUIRE(slack("views.open", {{"trigger_id", trigger}, {"view", view}}).slack() == "ok");
  }
  void answers(const std::string& payload) {
    app->answer = [payload](json::View) { return payload; };
  }
  Reply ada(const std::string& what) { return act(*this, R"({"person":"ada",)" + what + "}"); }
  std::string refuses(const std::string& what) {
    return act_refused(*this, R"({"person":"ada",)" + what + "}");
  }
  std::size_t open_modals() { return control(R"({"do":"modals","person":"ada"})")["modals"].size(); }
  void name_it() { ada(R"("do":"fill","block_id":"name","action_id":"v","value":"Payments")"); }
};

}  // namespace

TEST_CASE("acting: a change of a field is told with all that is filled in") {
  Theatre t;
  t.open();
  t.name_it();
  const auto chosen = t.ada(R"("do":"act","block_id":"kind","action_id":"v","value":"2")");
  CHECK(chosen["acked"].boolean_or(false));
  const auto payload = t.app->heard("interactive")["payload"];
  CHECK(payload["type"].string_or("") == "block_actions");
  CHECK(payload["user"]["id"].string_or("") == "U0ADA");
  CHECK(payload["container"]["view_id"].string_or("") == payload["view"]["id"].string_or("-"));
  const auto action = first(payload["actions"]);
  CHECK(action["selected_option"]["value"].string_or("") == "2");
  CHECK(action["selected_option"]["text"]["text"].string_or("") == "Two");
  CHECK(action["block_id"].string_or("") == "kind");
  const auto values = payload["view"]["state"]["values"];
  CHECK(values["name"]["v"]["value"].string_or("") == "Payments");
  CHECK(values["kind"]["v"]["selected_option"]["value"].string_or("") == "2");
  CHECK(values["found"]["v"]["selected_options"].size() == 0);
  CHECK(payload["view"]["private_metadata"].string_or("") == R"({"r":1})");
  // Its trigger opens a modal.
  CHECK(t.slack("views.push", {{"trigger_id", payload["trigger_id"].string_or("")}, {"view", kModal}})
            .slack() == "ok");
}

TEST_CASE("acting: only what is there can be touched, unless somebody forges it") {
  Theatre t;
  t.open();
  CHECK(t.refuses(R"("do":"act","action_id":"nothing")").find("no element") != std::string::npos);
  CHECK(t.refuses(R"("do":"act","action_id":"v","value":"x")").find("name the block_id") !=
        std::string::npos);
  CHECK(t.refuses(R"("do":"act","block_id":"kind","action_id":"v","value":"3")").find("no option") !=
        std::string::npos);
  CHECK(t.refuses(R"("do":"fill","block_id":"who","action_id":"v","values":["zoe"])").find("zoe") !=
        std::string::npos);
  const auto view = t.control(R"({"do":"modals","person":"ada"})");
  const auto id = first(view["modals"])["view"]["id"].string_or("");
  CHECK(act_refused(t, R"({"do":"act","person":"bo","view":")" + id + R"(","action_id":"delete"})")
            .find("another person's") != std::string::npos);
  act(t, R"({"do":"act","person":"bo","view":")" + id +
             R"(","forged":true,"block_id":"x","action_id":"rotation_delete","value":"r2"})");
  const auto payload = t.app->heard("interactive")["payload"];
  CHECK(payload["user"]["id"].string_or("") == "U0BO");
  CHECK(first(payload["actions"])["action_id"].string_or("") == "rotation_delete");
  CHECK(first(payload["actions"])["value"].string_or("") == "r2");
}

TEST_CASE("acting: a button with a confirmation asks first") {
  Theatre t;
  t.open();
  const auto asked = t.ada(R"("do":"act","action_id":"delete")");
  CHECK_FALSE(asked["sent"].boolean_or(true));
  CHECK(asked["confirm"]["title"]["text"].string_or("") == "Sure?");
  CHECK(t.ada(R"("do":"act","action_id":"delete","confirmed":true)")["acked"].boolean_or(false));
  CHECK(first(t.app->heard("interactive")["payload"]["actions"])["value"].string_or("") == "r1");
}

TEST_CASE("acting: a search brings options, and only those can be chosen") {
  Theatre t;
  t.open();
  t.answers(R"({"options":[{"text":{"type":"plain_text","text":"Platform"},"value":"P1"},
                           {"text":{"type":"plain_text","text":"Payments"},"value":"P2"}]})");
  const auto field = R"("block_id":"found","action_id":"v")";
  CHECK(t.ada(fmt::format(R"("do":"suggest",{},"value":"P")", field))["options"].size() == 0);  // too short
  const auto found = t.ada(fmt::format(R"("do":"suggest",{},"value":"Pl")", field));
  CHECK(found["options"].size() == 2);
  CHECK(t.app->heard("interactive")["payload"]["value"].string_or("") == "Pl");
  t.ada(fmt::format(R"("do":"fill",{},"values":["P1","P2"])", field));
  CHECK(t.refuses(fmt::format(R"("do":"fill",{},"values":["P3"])", field)).find("no option") !=
        std::string::npos);

  t.answers(R"({"options":[{"text":{"type":"plain_text","text":"x"},"value":""}]})");
  const auto bad = t.ada(fmt::format(R"("do":"suggest",{},"value":"Pl")", field));
  CHECK(bad["options"].size() == 0);
  CHECK(bad["shown"].string_or("") == "invalid_options");
  CHECK(bad["complaints"].size() == 1);
}

TEST_CASE("acting: a form is checked, sent, and does what the answer says") {
  Theatre t;
  t.open();
  const auto submit = [&] { return t.ada(R"("do":"submit")"); };
  const auto empty = submit();
  CHECK_FALSE(empty["sent"].boolean_or(true));
  CHECK(empty["errors"]["name"].text());
  t.ada(R"("do":"fill","block_id":"name","action_id":"v","value":"longer than ten")");
  CHECK(submit()["errors"]["name"].string_or("").find("at most 10") != std::string::npos);
  t.name_it();

  SECTION("errors stand at their field") {
    t.answers(R"({"response_action":"errors","errors":{"name":"Taken"}})");
    const auto reply = submit();
    CHECK(reply["result"].string_or("") == "errors");
    CHECK(reply["errors"]["name"].string_or("") == "Taken");
    CHECK(t.open_modals() == 1);
    // Nothing typed is lost.
    const auto shown = t.control(R"({"do":"modals","person":"ada"})");
    CHECK(first(shown["modals"])["view"]["state"]["values"]["name"]["v"]["value"].string_or("") ==
          "Payments");
    t.answers(R"({"response_action":"errors","errors":{"more":"Not an input block"}})");
    const auto wrong = submit();
    CHECK(wrong["result"].string_or("") == "failed");
    CHECK(first(wrong["complaints"]).string_or("").find("more") != std::string::npos);
  }
  SECTION("an empty answer closes it") {
    t.answers("");
    CHECK(submit()["result"].string_or("") == "closed");
    CHECK(t.open_modals() == 0);
    const auto values = t.app->heard("interactive")["payload"]["view"]["state"]["values"];
    CHECK(values["name"]["v"]["value"].string_or("") == "Payments");
  }
  SECTION("update, push, clear") {
    t.answers(R"({"response_action":"push","view":)" + std::string(kModal) + "}");
    CHECK(submit()["result"].string_or("") == "pushed");
    CHECK(t.open_modals() == 2);
    t.name_it();
    t.answers(
        R"({"response_action":"update","view":{"type":"modal","title":{"type":"plain_text","text":"Saved"},
      "submit":{"type":"plain_text","text":"OK"},"blocks":[]}})");
    const auto updated = submit();
    CHECK(updated["result"].string_or("") == "updated");
    CHECK(t.open_modals() == 2);
    t.answers(R"({"response_action":"clear"})");
    CHECK(submit()["result"].string_or("") == "cleared");
    CHECK(t.open_modals() == 0);
  }
  SECTION("a view that Slack refuses is trouble") {
    t.answers(R"({"response_action":"update","view":{"type":"modal","blocks":[]}})");
    const auto reply = submit();
    CHECK(reply["result"].string_or("") == "failed");
    CHECK(reply["shown"].text());
    CHECK(first(reply["complaints"]).string_or("") ==
          "[ERROR] missing required field: title [json-pointer:/view]");
  }
  SECTION("no answer in time") {
    t.control(R"({"do":"transport","patience_seconds":0.1})");
    t.answers("silence");
    const auto reply = submit();
    CHECK_FALSE(reply["acked"].boolean_or(true));
    CHECK(reply["result"].string_or("") == "failed");
    CHECK(t.open_modals() == 1);
  }
}

TEST_CASE("acting: closing tells the app if it wants to know") {
  Theatre t;
  t.open();
  t.answers(R"({"response_action":"push","view":)" + std::string(kModal) + "}");
  t.name_it();
  t.ada(R"("do":"submit")");
  t.answers("");
  t.ada(R"("do":"close")");
  const auto payload = t.app->heard("interactive", 2)["payload"];
  CHECK(payload["type"].string_or("") == "view_closed");
  CHECK_FALSE(payload["is_cleared"].boolean_or(true));
  CHECK(t.open_modals() == 1);
  t.ada(R"("do":"close","all":true)");
  CHECK(t.app->heard("interactive", 3)["payload"]["is_cleared"].boolean_or(false));
  CHECK(t.open_modals() == 0);
}

TEST_CASE("acting: an answer that comes later, to the response_url, up to five times") {
  Theatre t;
  std::string url;
  t.app->answer = [&url](json::View envelope) {
    url = envelope["payload"]["response_url"].string_or("");
    return std::string();
  };
  const auto early = t.ada(R"("do":"command","channel":"payments","text":"me","seconds":0)");
  CHECK(early["messages"].size() == 0);
  const auto post = [&](const std::string& body) {
    net::HttpRequest request;
    request.method = "POST";
    request.url = url;
    request.headers = {{"Content-Type", "application/json"}};
    request.body = body;
    return t.send(request);
  };
  for (int i = 0; i < 4; ++i) CHECK(post(R"({"text":"later"})").status() == 200);
  CHECK(post(R"({"text":"to all","response_type":"in_channel"})").status() == 200);
  const auto sixth = post(R"({"text":"once more"})");
  CHECK(sixth.status() == 404);
  CHECK(sixth.slack() == "used_url");
  CHECK(t.control(R"({"do":"ephemerals","person":"ada"})")["messages"].size() == 4);
  const auto said = t.control(R"({"do":"messages","channel":"payments"})");
  CHECK(first(said["messages"])["text"].string_or("") == "to all");
}

TEST_CASE("acting: commands that Slack itself answers") {
  Theatre t;
  CHECK(t.ada(R"("do":"command","command":"/nothing","channel":"payments")")["shown"].string_or("") ==
        "/nothing is not a valid command.");
  t.control(R"({"do":"token","token":"xoxb-sandbox-bot","drop":["commands"]})");
  CHECK(t.ada(R"("do":"command","channel":"payments")")["shown"].string_or("") ==
        "/oncall is not a valid command.");
  t.control(R"({"do":"token","token":"xoxb-sandbox-bot","add":["commands"]})");
  t.control(R"({"do":"group","handle":"oncall","people":["bo"]})");
  t.ada(
      R"("do":"command","channel":"payments","text":"@oncall & #payments @bo @nobody","escape":true,"seconds":0)");
  CHECK(t.app->heard("slash_commands")["payload"]["text"].string_or("") ==
        "<!subteam^S0ONCALL|@oncall> &amp; <#C0PAYMENTS|payments> <@U0BO|bo> @nobody");
}

TEST_CASE("acting: a button in a message") {
  Theatre t;
  const auto sent = t.slack("chat.postMessage", {{"channel", "C0PAYMENTS"}, {"text", "t"}, {"blocks", R"([
    {"type":"actions","elements":[{"type":"button","action_id":"ok","value":"7",
     "text":{"type":"plain_text","text":"OK"}}]}])"}});
  t.ada(R"("do":"act","channel":"payments","ts":")" + sent["ts"].string_or("") + R"(","action_id":"ok")");
  const auto payload = t.app->heard("interactive")["payload"];
  CHECK(payload["container"]["type"].string_or("") == "message");
  CHECK(payload["response_url"].text());
  CHECK(first(payload["actions"])["value"].string_or("") == "7");
}

TEST_CASE("acting: waiting for what the app does next") {
  Theatre t;
  const auto before = t.ada(R"("do":"wait","seconds":0)")["revision"].integer_or(-1);
  t.app->answer = [&t](json::View) {
    t.app->tasks.spawn([](Theatre& stage) -> net::Task<void> {
      co_await net::sleep_for(stage.loop, 30ms);
      net::HttpRequest request;
      request.method = "POST";
      request.url = stage.sandbox->slack_api() + "views.publish";
      request.authorization = Secret("Bearer xoxb-sandbox-bot");
      request.headers = {{"Content-Type", "application/json"}};
      request.body = R"({"user_id":"U0ADA","view":{"type":"home","blocks":[{"type":"divider"}]}})";
      (void)co_await stage.http.send(std::move(request));
    }(t));
    return std::string();
  };
  t.ada(R"("do":"open_home")");
  const auto after = t.ada(fmt::format(R"("do":"wait","since":{},"seconds":5)", before));
  CHECK(after["changed"].boolean_or(false));
  CHECK(t.control(R"({"do":"home","person":"ada"})")["home"]["view"]["blocks"].size() == 1);
}

}  // namespace watchbill::test
