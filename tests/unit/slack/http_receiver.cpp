#include "slack/transport/http_receiver.hpp"

#include "slack/transport/signature.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/sim_loop.hpp"

using namespace watchbill;
using namespace watchbill::slack;

namespace {

const Secret kSecret("0123456789abcdef0123456789abcdef");
constexpr auto* kForm = "application/x-www-form-urlencoded";
constexpr auto* kJson = "application/json";

class App final : public Receiver {
 public:
  explicit App(net::Loop& loop) : loop_(loop) {}
  net::Task<std::string> receive(Delivery delivery) override {
    kinds.push_back(delivery.kind);
    if (needs > 0ms) co_await net::sleep_for(loop_, needs);
    co_return answer;
  }
  std::string answer;
  milliseconds needs{0};
  std::vector<DeliveryKind> kinds;

 private:
  net::Loop& loop_;
};

struct Bench {
  /// `age`: how long it has been running.
  explicit Bench(seconds age = 10min) { loop.advance(age); }

  test::SimLoop loop;
  App app{loop};
  Dispatcher dispatcher{loop, app};
  std::optional<seconds> skew{};
  HttpReceiver receiver{loop, dispatcher, kSecret, [this] { return skew; }};

  net::ServerRequest unsigned_request(std::string content_type, std::string body) const {
    net::ServerRequest request;
    request.method = "POST";
    request.path = "/slack/events";
    request.headers = {{"content-type", std::move(content_type)}};
    request.body = std::move(body);
    return request;
  }
  /// Signed `ago` before now.
  net::ServerRequest request(std::string content_type, std::string body, seconds ago = 0s) const {
    auto out = unsigned_request(std::move(content_type), std::move(body));
    const auto time =
        std::to_string(std::chrono::floor<seconds>(loop.now() - ago).time_since_epoch().count());
    out.headers.emplace_back("x-slack-request-timestamp", time);
    out.headers.emplace_back("x-slack-signature", sign(kSecret, time, out.body));
    return out;
  }
  net::ServerResponse send(net::ServerRequest the_request) {
    return loop.run_until_done(receiver.answer(std::move(the_request)));
  }
};

std::string command(const std::string& trigger) {
  return "command=%2Foncall&text=me&trigger_id=" + trigger;
}

std::string event(const std::string& id) {
  return R"({"type":"event_callback","event_id":")" + id + R"(","event":{"type":"app_home_opened"}})";
}

}  // namespace

TEST_CASE("events, interactions, options and commands are taken on every path") {
  Bench b;
  int number = 0;
  for (const auto* path : {"/slack/events", "/slack/interactions", "/slack/commands", "/slack/options"}) {
    const auto id = std::to_string(++number);
    const auto send = [&](const char* type, const std::string& body) {
      auto request = b.request(type, body);
      request.path = path;
      CHECK(b.send(std::move(request)).status == 200);
      b.loop.run_until_idle();
    };
    b.app.kinds.clear();
    send(kJson, event("Ev" + id));
    send(kForm, "payload=%7B%22type%22%3A%22block_actions%22%2C%22trigger_id%22%3A%22" + id + "%22%7D");
    send(kForm, "payload=%7B%22type%22%3A%22block_suggestion%22%7D");
    send(kForm, command("c" + id));
    CHECK(b.app.kinds == std::vector{DeliveryKind::event, DeliveryKind::actions, DeliveryKind::suggestion,
                                     DeliveryKind::command});
  }
}

TEST_CASE("an answer is JSON, and none is an empty body") {
  Bench b;
  b.app.answer = R"({"response_action":"clear"})";
  const auto answered = b.send(b.request(kForm, "payload=%7B%22type%22%3A%22view_submission%22%7D"));
  CHECK(answered.body == R"({"response_action":"clear"})");
  CHECK(net::find_header(answered.headers, "Content-Type") == "application/json; charset=utf-8");
  b.app.answer = "";
  const auto empty = b.send(b.request(kForm, "payload=%7B%22type%22%3A%22view_submission%22%7D"));
  CHECK(empty.status == 200);
  CHECK(empty.body.empty());
}

TEST_CASE("a challenge is sent back, if it is signed") {
  Bench b;
  const std::string body = R"({"token":"x","challenge":"3eZbrw1aBm2r","type":"url_verification"})";
  const auto answer = b.send(b.request(kJson, body));
  CHECK(answer.status == 200);
  CHECK(answer.body == "3eZbrw1aBm2r");
  CHECK(b.send(b.unsigned_request(kJson, body)).status == 401);
}

TEST_CASE("who does not sign gets 401 and no word more, and nothing is done") {
  Bench b;
  const auto missing = b.send(b.unsigned_request(kJson, event("Ev1")));
  CHECK(missing.status == 401);
  CHECK(missing.body.empty());
  auto changed = b.request(kJson, event("Ev1"));
  changed.body += " ";
  CHECK(b.send(std::move(changed)).status == 401);
  CHECK(b.send(b.request(kJson, event("Ev1"), 301s)).status == 401);
  CHECK(b.send(b.request(kJson, event("Ev1"), -302s)).status == 401);
  b.loop.run_until_idle();
  CHECK(b.app.kinds.empty());
  CHECK(b.receiver.refused() == 4);
  CHECK(b.send(b.request(kJson, event("Ev1"), 299s)).status == 200);
}

TEST_CASE("a header that decides and stands twice is refused, though the first one fits") {
  Bench b;
  for (const auto* name : {"X-Slack-Signature", "X-SLACK-REQUEST-TIMESTAMP", "Content-Type"}) {
    INFO(name);
    auto request = b.request("application/json", event(name));
    request.headers.emplace_back(name, *request.header(name));
    CHECK(b.send(std::move(request)).status == 400);
  }
  CHECK(b.app.kinds.empty());
  auto request = b.request("application/json", event("E1"));
  request.headers.emplace_back("X-Forwarded-For", "192.0.2.1");
  request.headers.emplace_back("X-Forwarded-For", "192.0.2.2");
  CHECK(b.send(std::move(request)).status == 200);
}

TEST_CASE("a check of the certificate needs no signature and does nothing") {
  Bench b;
  const auto answer = b.send(b.unsigned_request(kForm, "ssl_check=1&" + command("1")));
  CHECK(answer.status == 200);
  CHECK(answer.body.empty());
  b.loop.run_until_idle();
  CHECK(b.app.kinds.empty());
}

TEST_CASE("other paths and methods are not there") {
  Bench b;
  for (const auto* path : {"/slack/", "/slack/event", "/slack/Events", "/slack/events/", "/slack"}) {
    auto request = b.request(kJson, event("Ev1"));
    request.path = path;
    const auto answer = b.send(std::move(request));
    CHECK(answer.status == 404);
    CHECK(answer.body.empty());
  }
  auto get = b.request(kJson, event("Ev1"));
  get.method = "GET";
  CHECK(b.send(std::move(get)).status == 404);
}

TEST_CASE("what was sent again is acknowledged and handled once") {
  Bench b;
  for (int retry = 0; retry < 4; ++retry) {
    auto request = b.request(kJson, event("Ev1"));
    if (retry > 0) request.headers.emplace_back("x-slack-retry-num", std::to_string(retry));
    CHECK(b.send(std::move(request)).status == 200);
  }
  b.loop.run_until_idle();
  CHECK(b.app.kinds.size() == 1);
  // The same bytes once more, by somebody who has read them.
  const auto request = b.request(kForm, command("1"));
  b.app.answer = R"({"text":"for you"})";
  CHECK(b.send(request).body == R"({"text":"for you"})");
  CHECK(b.send(request).body.empty());
}

TEST_CASE("a signed request that is no delivery is refused") {
  Bench b;
  CHECK(b.send(b.request(kJson, "{")).status == 400);
  CHECK(b.send(b.request(kForm, "payload=x")).status == 400);
  CHECK(b.send(b.request("", "x")).status == 400);
}

TEST_CASE("the state says whether Slack has come, and strangers cannot change a word of it") {
  Bench b;
  const auto waiting = b.receiver.state();
  CHECK(waiting.state == "waiting");
  CHECK(waiting.since == b.loop.now() - 10min);
  CHECK(waiting.problem.find("slack.signing_secret_file") != std::string::npos);
  CHECK(waiting.problem.find("clock") != std::string::npos);
  const auto stranger = [&] {
    b.send(b.unsigned_request(kJson, event("Ev1")));
    auto forged = b.request(kJson, event("Ev1"));
    forged.body += " ";
    b.send(std::move(forged));
    b.send(b.request(kJson, event("Ev1"), 400s));
  };
  b.loop.advance(1min);
  stranger();
  CHECK(b.receiver.state() == waiting);
  b.send(b.request(kJson, event("Ev2")));
  const TransportState up{"http", "up", b.loop.now(), ""};
  CHECK(b.receiver.state() == up);
  stranger();
  CHECK(b.receiver.state() == up);
}

TEST_CASE("what was signed before the start is refused, so that Slack sends it again, and nothing is done") {
  Bench b(0s);
  b.loop.advance(20s);
  const auto early = [&](seconds ago) { return b.send(b.request(kJson, event("Ev1"), ago)); };
  // Somebody has kept what was sent to the daemon that ran before.
  for (const auto ago : {300s, 21s, 20s, 19s}) {
    const auto answer = early(ago);
    CHECK(answer.status == 503);
    CHECK(answer.body.empty());
    CHECK_FALSE(net::find_header(answer.headers, "X-Slack-No-Retry"));
  }
  b.loop.run_until_idle();
  CHECK(b.app.kinds.empty());
  CHECK(b.receiver.refused() == 4);
  CHECK(b.receiver.state().state == "waiting");
  // Slack's second attempt is signed anew.
  CHECK(early(0s).status == 200);
  b.loop.run_until_idle();
  CHECK(b.app.kinds.size() == 1);
}

TEST_CASE("before and after the start is told by Slack's clock, as far as it is known") {
  Bench b(0s);
  b.loop.advance(100s);
  // Ours is a minute behind: what Slack signed before our start looks younger than it.
  b.skew = 60s;
  CHECK(b.send(b.request(kJson, event("Ev1"), 45s)).status == 503);
  CHECK(b.send(b.request(kJson, event("Ev1"), 38s)).status == 200);
  // Ours is a minute ahead: what it signed since our start looks older.
  b.skew = -60s;
  CHECK(b.send(b.request(kJson, event("Ev2"), 161s)).status == 503);
  CHECK(b.send(b.request(kJson, event("Ev2"), 158s)).status == 200);
}

TEST_CASE("every answer over HTTP comes within Slack's three seconds") {
  Bench b;
  b.app.needs = 1min;
  for (const auto& body : {std::string("payload=%7B%22type%22%3A%22view_submission%22%7D"), command("1")}) {
    const auto since = b.loop.now();
    CHECK(b.send(b.request(kForm, body)).status == 200);
    CHECK(b.loop.now() - since < 3s);
  }
}
