#include <functional>

#include "base/json.hpp"
#include "slack/api/web_client.hpp"
#include "slack/transport/address.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/sim_loop.hpp"

using namespace watchbill;
using namespace watchbill::slack;

namespace {

/// Slack on the other side of the wire: says what the test tells it to, and remembers what it was sent.
class Http final : public net::HttpClient {
 public:
  explicit Http(net::Loop& loop) : loop_(loop) {}
  net::Task<Result<net::HttpResponse>> send(net::HttpRequest request) override {
    requests.push_back(std::move(request));
    co_await net::sleep_for(loop_, 10ms);
    net::HttpResponse response;
    response.status = status;
    response.body = body;
    co_return response;
  }
  [[nodiscard]] json::Document sent() const {
    auto parsed = json::parse(requests.back().body);
    REQUIRE(parsed);
    return std::move(*parsed);
  }
  void answer(int with_status, std::string with_body) {
    status = with_status;
    body = std::move(with_body);
  }
  int status = 200;
  std::string body = R"({"ok":true,"view":{"id":"V1","hash":"1.abc"}})";
  std::vector<net::HttpRequest> requests;

 private:
  net::Loop& loop_;
};

struct Bench {
  test::SimLoop loop;
  Http http{loop};
  RateLimiter limiter{loop, 1};
  WebClient client{http, limiter, options()};

  static WebClientOptions options() {
    WebClientOptions out;
    out.bot_token = Secret("xoxb-1");
    out.app_token = Secret("xapp-1");
    return out;
  }
  template <class T>
  T run(net::Task<T> task) {
    return loop.run_until_done(std::move(task));
  }
  Result<void> respond(const std::string& url) { return run(client.respond(url, R"({"text":"hi"})")); }
  Result<std::string> connect() {
    return run(client.open_connection(Permit::grant(Method::apps_connections_open)));
  }
};

constexpr auto* kView = R"({"type":"modal","blocks":[]})";

ErrorKind refusal(Bench& b, const std::string& code) {
  b.http.answer(200, R"({"ok":false,"error":")" + code + R"("})");
  const auto result = b.run(b.client.update_view(Permit::grant(Method::views_update), "V1", kView, "1.abc"));
  REQUIRE_FALSE(result);
  CHECK(result.error().code == code);
  return result.error().kind;
}

}  // namespace

TEST_CASE("views are sent as JSON objects, and Slack's id and hash come back") {
  Bench b;
  const auto opened = b.run(b.client.open_view(Permit::grant(Method::views_open), "123.abc", kView));
  REQUIRE(opened);
  CHECK(opened->id == "V1");
  CHECK(opened->hash == "1.abc");
  CHECK(b.http.requests.back().url == "https://slack.com/api/views.open");
  CHECK(b.http.requests.back().authorization.reveal() == "Bearer xoxb-1");
  CHECK(b.http.sent().root()["trigger_id"].string_or("") == "123.abc");
  CHECK(b.http.sent().root()["view"]["type"].string_or("") == "modal");

  REQUIRE(b.run(b.client.push_view(Permit::grant(Method::views_push), "124.abc", kView)));
  CHECK(b.http.requests.back().url == "https://slack.com/api/views.push");
  CHECK(b.http.sent().root()["trigger_id"].string_or("") == "124.abc");

  REQUIRE(b.run(b.client.update_view(Permit::grant(Method::views_update), "V1", kView, "1.abc")));
  CHECK(b.http.sent().root()["view_id"].string_or("") == "V1");
  CHECK(b.http.sent().root()["hash"].string_or("") == "1.abc");
  REQUIRE(b.run(b.client.update_view(Permit::grant(Method::views_update), "V1", kView, "")));
  CHECK_FALSE(b.http.sent().root()["hash"].exists());

  REQUIRE(b.run(b.client.publish_home(Permit::grant(Method::views_publish), UserId("U1"), kView)));
  CHECK(b.http.requests.back().url == "https://slack.com/api/views.publish");
  CHECK(b.http.sent().root()["user_id"].string_or("") == "U1");
}

TEST_CASE("why a view was refused can be told apart") {
  Bench b;
  CHECK(refusal(b, "hash_conflict") == ErrorKind::conflict);
  CHECK(refusal(b, "not_found") == ErrorKind::not_found);
  for (const auto* code : {"expired_trigger_id", "exchanged_trigger_id", "trigger_expired",
                           "trigger_exchanged", "invalid_trigger_id", "push_limit_reached"}) {
    CHECK(refusal(b, code) == ErrorKind::invalid);
  }
  b.http.answer(200, R"({"ok":true,"view":{}})");
  const auto nameless = b.run(b.client.open_view(Permit::grant(Method::views_open), "1", kView));
  REQUIRE_FALSE(nameless);
  CHECK(nameless.error().kind == ErrorKind::unreadable);
  CHECK(nameless.error().maybe_done);
}

TEST_CASE("an answer to a command goes to Slack without our token") {
  Bench b;
  b.http.answer(200, "ok");
  REQUIRE(b.respond("https://hooks.slack.com/commands/T1/601/aBcD"));
  CHECK(b.http.requests.back().url == "https://hooks.slack.com/commands/T1/601/aBcD");
  CHECK(b.http.requests.back().authorization.empty());
  CHECK(b.http.requests.back().body == R"({"text":"hi"})");
}

TEST_CASE("what Slack says to an answer to a command can be told apart") {
  Bench b;
  const std::string url = "https://hooks.slack.com/commands/T1/601/aBcD";
  const auto kind = [&](int status, const std::string& body) {
    b.http.answer(status, body);
    const auto result = b.respond(url);
    REQUIRE_FALSE(result);
    CHECK(result.error().message.find("aBcD") == std::string::npos);
    return result.error().kind;
  };
  CHECK(kind(404, R"({"ok":false,"error":"expired_url"})") == ErrorKind::not_found);
  CHECK(kind(200, R"({"ok":false,"error":"used_url"})") == ErrorKind::not_found);
  CHECK(kind(410, "") == ErrorKind::not_found);
  CHECK(kind(400, "invalid_blocks") == ErrorKind::invalid);
  CHECK(kind(200, R"({"ok":false,"error":"something_new"})") == ErrorKind::invalid);
  CHECK(kind(429, "") == ErrorKind::rate_limited);
  CHECK(kind(502, "<html>") == ErrorKind::server);
}

TEST_CASE("an answer to a command is sent nowhere else than to Slack") {
  Bench b;
  for (const auto* url :
       {"https://evil.example.com/x", "https://slack.com.evil.example/x", "https://notslack.com/x",
        "http://hooks.slack.com/x", "http://127.0.0.1:9/x", "https://hooks.slack.com@evil.example/x",
        "file:///etc/passwd", "", "https://[::1]/x"}) {
    INFO(url);
    const auto refused = b.respond(url);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::invalid);
  }
  CHECK(b.http.requests.empty());
}

TEST_CASE("addresses are Slack's, or those of the API that is configured") {
  const std::string slack = "https://slack.com/api/";
  CHECK(check_address("wss://wss-primary.slack.com/link/?ticket=1", slack));
  CHECK_FALSE(check_address("ws://wss-primary.slack.com/link/?ticket=1", slack));
  CHECK_FALSE(check_address("wss://wss-primary.slack.com.example.com/link/", slack));
  CHECK(check_address("wss://wss.slack-gov.com/link/", "https://slack-gov.com/api/"));
  CHECK_FALSE(check_address("wss://wss.slack-gov.com/link/", slack));
  const std::string here = "http://127.0.0.1:4000/api/";
  CHECK(check_address("ws://127.0.0.1:4001/link?ticket=1", here));
  CHECK(check_address("http://127.0.0.1:4000/response/1", here));
  CHECK_FALSE(check_address("ws://127.0.0.2:4001/link?ticket=1", here));
  CHECK_FALSE(check_address("ws://127.0.0.1:4001/link?ticket=1", slack));
}

TEST_CASE("a Socket Mode address is asked for with the app-level token") {
  Bench b;
  b.http.answer(200, R"({"ok":true,"url":"wss:\/\/wss-primary.slack.com\/link\/?ticket=t&app_id=A1"})");
  const auto url = b.connect();
  REQUIRE(url);
  CHECK(*url == "wss://wss-primary.slack.com/link/?ticket=t&app_id=A1");
  CHECK(b.http.requests.back().url == "https://slack.com/api/apps.connections.open");
  CHECK(b.http.requests.back().authorization.reveal() == "Bearer xapp-1");
  CHECK(b.http.requests.back().body.empty());

  b.http.answer(200, R"({"ok":true,"url":"wss://elsewhere.example.com/?ticket=hush"})");
  const auto elsewhere = b.connect();
  REQUIRE_FALSE(elsewhere);
  CHECK(elsewhere.error().kind == ErrorKind::forbidden);
  CHECK(elsewhere.error().message.find("hush") == std::string::npos);
}

TEST_CASE("a dead app-level token is told from a dead bot token") {
  Bench b;
  b.http.answer(200, R"({"ok":false,"error":"invalid_auth"})");
  const auto dead = b.connect();
  REQUIRE_FALSE(dead);
  CHECK(dead.error().kind == ErrorKind::unauthorized);
  CHECK(dead.error().message.find("app-level token") != std::string::npos);
  CHECK(dead.error().message.find("slack.app_token_file") != std::string::npos);
}
