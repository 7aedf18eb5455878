#include "sandbox/slack/app_link.hpp"
#include "tests/integration/sandbox/app.hpp"

namespace watchbill::test {
namespace {

struct Office : Room {
  Office() {
    people();
    control(R"({"do":"channel","name":"payments","people":["ada"]})");
  }
};

}  // namespace

TEST_CASE("HTTP mode: Slack's own test vector of a signature") {
  CHECK(sandbox::slack_signature(
            "8f742231b10e8888abcd99yyyzzz85a5", 1531420618,
            "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&"
            "channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&"
            "response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%"
            "2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121."
            "803a0bc887a14d10d2c447fce8b6703c") ==
        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503");
}

TEST_CASE("HTTP mode: a command is a signed form") {
  Office w;
  HttpApp app(w);
  app.answer = [](const net::ServerRequest&) { return HttpApp::json(R"({"text":"ada"})"); };
  const auto reply = act(w, R"({"do":"command","person":"ada","channel":"payments","text":"who a&b"})");
  CHECK(first(reply["messages"])["text"].string_or("") == "ada");
  REQUIRE(app.requests.size() == 1);
  const auto& request = app.requests.front();
  CHECK(request.header("content-type").value_or("") == "application/x-www-form-urlencoded");
  net::ServerRequest read;
  read.query = net::decode_form(request.body);
  CHECK(read.query_value("command").value_or("") == "/oncall");
  CHECK(read.query_value("text").value_or("") == "who a&b");
  const auto timestamp = std::string(request.header("x-slack-request-timestamp").value_or(""));
  CHECK(request.header("x-slack-signature").value_or("") ==
        sandbox::slack_signature("sandbox-signing-secret", std::stoll(timestamp), request.body));

  app.answer = [](const net::ServerRequest&) {
    return net::ServerResponse{.headers = {{"Content-Type", "text/plain"}}, .body = "plain words"};
  };
  const auto text = act(w, R"({"do":"command","person":"ada","channel":"payments"})");
  CHECK(first(text["messages"])["text"].string_or("") == "plain words");
  app.answer = [](const net::ServerRequest&) { return net::ServerResponse{.status = 500}; };
  const auto failed = act(w, R"({"do":"command","person":"ada","channel":"payments"})");
  CHECK(failed["shown"].string_or("") == R"(/oncall failed with the error "http_service_error")");
}

TEST_CASE("HTTP mode: wrong, missing and old signatures on demand") {
  Office w;
  HttpApp app(w);
  w.control(R"({"do":"transport","signature":"wrong","skew_seconds":-301})");
  act(w, R"({"do":"command","person":"ada","channel":"payments","seconds":0})");
  const auto& request = app.requests.back();
  const auto timestamp = std::stoll(std::string(request.header("x-slack-request-timestamp").value_or("0")));
  CHECK(timestamp <= sandbox::unix_seconds(w.loop.now()) - 300);
  CHECK(request.header("x-slack-signature").value_or("") !=
        sandbox::slack_signature("sandbox-signing-secret", timestamp, request.body));
  w.control(R"({"do":"transport","signature":"none"})");
  act(w, R"({"do":"command","person":"ada","channel":"payments","seconds":0})");
  CHECK_FALSE(app.requests.back().header("x-slack-signature"));
}

TEST_CASE("HTTP mode: the events URL proves itself by the challenge") {
  Office w;
  HttpApp app(w);
  app.answer = [](const net::ServerRequest& request) {
    const auto body = json::parse(request.body);
    return net::ServerResponse{.headers = {{"Content-Type", "text/plain"}},
                               .body = body->root()["challenge"].string_or("")};
  };
  CHECK(act(w, R"({"do":"verify_url"})")["verified"].boolean_or(false));
  app.answer = [](const net::ServerRequest&) { return net::ServerResponse{}; };
  CHECK_FALSE(act(w, R"({"do":"verify_url"})")["verified"].boolean_or(true));
}

TEST_CASE("HTTP mode: an event that is not taken comes again, with its number and reason") {
  Office w;
  HttpApp app(w);
  w.control(R"({"do":"transport","retry_seconds":[0,0.05,0.05]})");
  app.answer = [](const net::ServerRequest&) { return net::ServerResponse{.status = 503}; };
  act(w, R"({"do":"open_home","person":"ada"})");
  for (int i = 0; i < 200 && app.requests.size() < 4; ++i) w.wait(10ms);
  w.wait(100ms);
  REQUIRE(app.requests.size() == 4);
  CHECK_FALSE(app.requests[0].header("x-slack-retry-num"));
  CHECK(app.requests[3].header("x-slack-retry-num").value_or("") == "3");
  CHECK(app.requests[3].header("x-slack-retry-reason").value_or("") == "http_error");
  CHECK(app.requests[3].header("content-type").value_or("") == "application/json");
  app.requests.clear();
  app.answer = [](const net::ServerRequest&) {
    return net::ServerResponse{.status = 503, .headers = {{"X-Slack-No-Retry", "1"}}};
  };
  act(w, R"({"do":"open_home","person":"ada"})");
  w.wait(200ms);
  CHECK(app.requests.size() == 1);
}

}  // namespace watchbill::test
