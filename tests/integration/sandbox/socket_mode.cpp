#include "tests/integration/sandbox/app.hpp"

namespace watchbill::test {
namespace {

struct Shop : Room {
  Shop() {
    people();
    control(R"({"do":"channel","name":"payments","people":["ada"]})");
  }
  std::string command(const std::string& more = {}) {
    const auto reply = act(
        *this, R"({"do":"command","person":"ada","channel":"payments","text":"me","seconds":0)" + more + "}");
    return reply["shown"].is_null() ? "" : reply["shown"].string_or("");
  }
  /// The deliveries so far, one a line: type, retry, trouble.
  std::string deliveries() {
    const auto log = control(R"({"do":"deliveries"})");
    std::string text;
    for (const auto one : log["deliveries"].items()) {
      text += fmt::format("{} {} {}\n", one["type"].string_or(""), one["retry"].integer_or(-1),
                          one["trouble"].string_or(""));
    }
    return text;
  }
  std::size_t connections() { return control(R"({"do":"socket"})")["connections"].size(); }
};

}  // namespace

TEST_CASE("Socket Mode: who may open a connection") {
  Shop w;
  const auto open = [&](const char* token, const char* method = "POST") {
    net::HttpRequest request;
    request.method = method;
    request.url = w.sandbox->slack_api() + "apps.connections.open";
    request.authorization = Secret("Bearer " + std::string(token));
    return w.send(request).slack();
  };
  CHECK(open("xapp-sandbox-app") == "ok");
  CHECK(open("xoxb-sandbox-bot") == "not_allowed_token_type");
  CHECK(open("xapp-wrong") == "invalid_auth");
  CHECK(open("xapp-sandbox-app", "GET") == "insecure_request");
  w.control(R"({"do":"token","token":"xapp-sandbox-app","drop":["connections:write"]})");
  CHECK(open("xapp-sandbox-app") == "missing_scope");
}

TEST_CASE("Socket Mode: hello, and a ticket lets one connection in") {
  Shop w;
  SocketApp app(w);
  const auto hello = app.heard("hello");
  CHECK(hello["connection_info"]["app_id"].string_or("") == "A0SANDBOX");
  CHECK(hello["num_connections"].integer_or(0) == 1);
  const auto url = app.url();
  auto second = w.loop.run_until_done(app.client.connect(url));
  CHECK(second);
  CHECK_FALSE(w.loop.run_until_done(app.client.connect(url)));
  CHECK(w.connections() == 2);
}

TEST_CASE("Socket Mode: a command comes as an envelope, and its acknowledgement is the answer") {
  Shop w;
  SocketApp app(w);
  app.answer = [](json::View) { return std::string(R"({"text":"ada is on call"})"); };
  const auto reply =
      act(w, R"({"do":"command","person":"ada","channel":"payments","text":"next Платежи <b>"})");
  CHECK(reply["acked"].boolean_or(false));
  CHECK(first(reply["messages"])["text"].string_or("") == "ada is on call");
  const auto envelope = app.heard("slash_commands");
  CHECK(envelope["accepts_response_payload"].boolean_or(false));
  const auto payload = envelope["payload"];
  CHECK(payload["command"].string_or("") == "/oncall");
  CHECK(payload["text"].string_or("") == "next Платежи <b>");
  CHECK(payload["channel_name"].string_or("") == "payments");
  CHECK(payload["is_enterprise_install"].string_or("") == "false");
  CHECK(w.control(R"({"do":"ephemerals","person":"ada"})")["messages"].size() == 1);
}

TEST_CASE("Socket Mode: an acknowledgement after three seconds is too late, and is remembered") {
  Shop w;
  SocketApp app(w);
  w.control(R"({"do":"transport","patience_seconds":0.2})");
  app.delay = 400ms;
  CHECK(w.command() == R"(/oncall failed with the error "operation_timeout")");
  CHECK(w.deliveries() == "/oncall 0 operation_timeout\n");
  w.wait(400ms);
  const auto log = w.control(R"({"do":"deliveries"})");
  CHECK(first(log["deliveries"])["ack_ms"].integer_or(0) >= 400);
  CHECK(first(log["strange"]).string_or("").find("too late") != std::string::npos);

  app.delay = 0ms;
  app.answer = [](json::View) { return std::string("silence"); };
  CHECK(w.command() == R"(/oncall failed with the error "operation_timeout")");
  app.answer = [](json::View) { return std::string(); };
  CHECK(w.command().empty());
}

TEST_CASE("Socket Mode: an event is repeated until it is acknowledged, under the same event_id") {
  Shop w;
  w.control(R"({"do":"transport","patience_seconds":0.2,"retry_seconds":[0,0.1,0.1]})");
  SocketApp app(w);
  int left = 2;
  app.answer = [&left](json::View) { return left-- > 0 ? std::string("silence") : std::string(); };
  act(w, R"({"do":"open_home","person":"ada"})");
  const auto last = app.heard("events_api", 3);
  CHECK(last["retry_attempt"].integer_or(0) == 2);
  CHECK(last["retry_reason"].string_or("") == "timeout");
  CHECK(last["payload"]["event"]["type"].string_or("") == "app_home_opened");
  CHECK(last["payload"]["event"]["user"].string_or("") == "U0ADA");
  const auto event = last["payload"]["event_id"].string_or("");
  for (const auto& frame : app.frames) {
    if (frame.root()["type"].string_or("") != "events_api") continue;
    CHECK(frame.root()["payload"]["event_id"].string_or("") == event);
  }
  w.wait(300ms);
  CHECK(w.deliveries() ==
        "app_home_opened 0 operation_timeout\napp_home_opened 1 operation_timeout\napp_home_opened 2 \n");
}

TEST_CASE("Socket Mode: each payload goes to one of several connections") {
  Shop w;
  SocketApp one(w);
  SocketApp two(w);
  for (int i = 0; i < 4; ++i) CHECK(w.command().empty());
  one.heard("slash_commands", 2);
  two.heard("slash_commands", 2);
  const auto second = two.heard("hello");
  CHECK(second["num_connections"].integer_or(0) == 2);

  // Acknowledged over the other connection it does not count.
  w.control(R"({"do":"transport","patience_seconds":0.2})");
  const auto cross = [](SocketApp& other) {
    return [&other](json::View envelope) {
      other.acknowledge(envelope["envelope_id"].string_or(""), "");
      return std::string("silence");
    };
  };
  one.answer = cross(two);
  two.answer = cross(one);
  CHECK(w.command() == R"(/oncall failed with the error "operation_timeout")");
}

TEST_CASE("Socket Mode: the eleventh connection is sent away") {
  Shop w;
  std::deque<SocketApp> apps;
  for (int i = 0; i < 11; ++i) apps.emplace_back(w);
  CHECK(apps.back().heard("disconnect")["reason"].string_or("") == "too_many_websockets");
  for (auto& app : apps) app.tasks.cancel();
}

TEST_CASE("Socket Mode: a warning, then the end; the new connection takes over") {
  Shop w;
  SocketApp old(w);
  w.control(R"({"do":"socket","action":"warning","seconds":0.3})");
  CHECK(old.heard("disconnect")["reason"].string_or("") == "warning");
  CHECK(w.command().empty());  // there is no other yet
  SocketApp fresh(w);
  CHECK(w.command().empty());
  CHECK(fresh.heard("slash_commands")["envelope_id"].text());
  for (int i = 0; i < 200 && old.ended.empty(); ++i) w.wait(10ms);
  CHECK_FALSE(old.ended.empty());
}

TEST_CASE("Socket Mode: switched off nobody gets in until it is on again") {
  Shop w;
  SocketApp app(w);
  w.control(R"({"do":"socket","action":"link_disabled","seconds":0})");
  CHECK(app.heard("disconnect")["reason"].string_or("") == "link_disabled");
  net::HttpRequest request;
  request.method = "POST";
  request.url = w.sandbox->slack_api() + "apps.connections.open";
  request.authorization = Secret("Bearer xapp-sandbox-app");
  CHECK(w.send(request).slack() == "access_denied");
  for (int i = 0; i < 200 && app.ended.empty(); ++i) w.wait(10ms);
  CHECK(w.command() == R"(/oncall failed with the error "dispatch_failed")");
  w.control(R"({"do":"socket","action":"enable"})");
  CHECK(w.send(request).slack() == "ok");
}

TEST_CASE("Socket Mode: connections that break") {
  Shop w;
  SocketApp app(w);
  SECTION("closed in order") {
    w.control(R"({"do":"socket","action":"close"})");
    for (int i = 0; i < 200 && app.ended.empty(); ++i) w.wait(10ms);
    CHECK(app.ended.find("1001") != std::string::npos);
  }
  SECTION("reset") {
    w.control(R"({"do":"socket","action":"reset"})");
    for (int i = 0; i < 200 && app.ended.empty(); ++i) w.wait(10ms);
    CHECK_FALSE(app.ended.empty());
    CHECK(w.connections() == 0);
  }
  SECTION("dead without a sign") {
    w.control(R"({"do":"transport","patience_seconds":0.2})");
    w.control(R"({"do":"socket","action":"silent"})");
    CHECK(w.command() == R"(/oncall failed with the error "operation_timeout")");
    CHECK(app.ended.empty());
    CHECK(w.connections() == 1);
  }
  SECTION("a ping is answered without a word") {
    w.control(R"({"do":"socket","action":"ping"})");
    CHECK(w.command().empty());
    CHECK(w.control(R"({"do":"deliveries"})")["strange"].size() == 0);
  }
}

TEST_CASE("Socket Mode: what is no acknowledgement is remembered") {
  Shop w;
  SocketApp app(w);
  (void)app.socket->send("hello");
  (void)app.socket->send(R"({"envelope_id":"nobody"})");
  (void)app.socket->send(R"({"payload":{}})");
  for (int i = 0; i < 200; ++i) {
    if (w.control(R"({"do":"deliveries"})")["strange"].size() == 3) break;
    w.wait(10ms);
  }
  const auto log = w.control(R"({"do":"deliveries"})");
  CHECK(log["strange"].size() == 3);
}

}  // namespace watchbill::test
