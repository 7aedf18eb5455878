#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/integration/sandbox/app.hpp"
#include "tests/support/raw_server.hpp"

namespace watchbill::test {
namespace {

/// A browser's end of /_events: what was told, by name.
struct Listener {
  Listener(net::EventLoop& on, const std::string& url) : loop(on), fd(connect_to(url)) {
    const auto host = url.substr(url.find("//") + 2);
    const auto request = "GET /_events HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
    ::send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
  }
  ~Listener() { ::close(fd); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  net::EventLoop& loop;
  int fd;
  std::string raw;
  std::size_t parsed = 0;
  std::vector<std::pair<std::string, std::shared_ptr<json::Document>>> events;

  void read() {
    char buffer[65536];
    for (;;) {
      const auto size = ::recv(fd, buffer, sizeof buffer, 0);
      if (size <= 0) break;
      raw.append(buffer, static_cast<std::size_t>(size));
    }
    // Chunks are cut at events; their size lines are skipped as lines that are no field.
    for (;;) {
      const auto name = raw.find("event: ", parsed);
      const auto data = name == std::string::npos ? name : raw.find("\ndata: ", name);
      const auto end = data == std::string::npos ? data : raw.find("\n\n", data);
      if (end == std::string::npos) return;
      auto document = json::parse(raw.substr(data + 7, end - data - 7));
      INFO(raw.substr(name, 300));
      REQUIRE(document);
      events.emplace_back(raw.substr(name + 7, data - name - 7),
                          std::make_shared<json::Document>(std::move(*document)));
      parsed = end + 2;
    }
  }
  /// The last event of that name after the first `from`, waiting for it.
  json::View heard(const std::string& name, std::size_t from = 0) {
    for (int turn = 0; turn < 500; ++turn) {
      read();
      for (auto i = events.size(); i > from; --i) {
        if (events[i - 1].first == name) return events[i - 1].second->root();
      }
      const net::Timer tick{loop, loop.start_timer(10ms, [this] { loop.stop(); })};
      loop.run();
    }
    FAIL("no event " << name);
    return {};
  }
};

struct Browser {
  net::EventLoop loop;
  net::CurlClient http{loop, {}};
  std::unique_ptr<sandbox::Sandbox> sandbox;

  explicit Browser(const std::string& scenario = {}) {
    sandbox::Options options;
    options.page = true;
    options.scenario = scenario;
    auto started = sandbox::Sandbox::start(loop, options);
    REQUIRE(started);
    sandbox = std::move(*started);
  }
  net::HttpResponse get(const std::string& path, const net::Headers& headers = {},
                        const std::string& body = {}) {
    net::HttpRequest request;
    request.method = body.empty() ? "GET" : "POST";
    request.url = sandbox->control() + path;
    request.headers = headers;
    request.body = body;
    auto answer = loop.run_until_done(http.send(std::move(request)));
    REQUIRE(answer);
    return *answer;
  }
  void control(const std::string& action) {
    auto done = sandbox->control(action);
    INFO((done ? std::string() : done.error().message));
    REQUIRE(done);
  }
};

json::View row(json::View list, const std::string& field, const std::string& value) {
  for (const auto one : list.items()) {
    if (one[field].string_or("") == value) return one;
  }
  return {};
}

}  // namespace

TEST_CASE("page: it comes in one piece, with headers that let nothing else in") {
  Browser b;
  const auto page = b.get("/");
  CHECK(page.status == 200);
  CHECK(page.header("content-type").value_or("") == "text/html; charset=utf-8");
  const auto policy = std::string(page.header("content-security-policy").value_or(""));
  CHECK(policy.find("default-src 'none'; script-src 'sha256-") == 0);
  CHECK(policy.find("unsafe") == std::string::npos);
  CHECK(page.body.starts_with("<!doctype html>"));
  CHECK(page.body.find("src=\"") == std::string::npos);
  CHECK(page.body.find("stylesheet") == std::string::npos);
  CHECK(b.get("/icon.svg").header("content-type").value_or("") == "image/svg+xml");
  CHECK(b.get("/main.js").status == 404);
  CHECK(b.get("/../CMakeLists.txt").status == 404);
  const auto ready = json::parse(b.sandbox->ready_line());
  CHECK(ready->root()["page"].string_or("") == b.sandbox->control() + "/");
}

TEST_CASE("page: other pages and other names of this host are turned away") {
  Browser b;
  const std::string state = R"({"do":"state","only":[]})";
  CHECK(b.get("/_control", {}, state).status == 200);
  CHECK(b.get("/_control", {{"Origin", b.sandbox->control()}}, state).status == 200);
  CHECK(b.get("/_control", {{"Origin", "http://evil.example"}}, state).status == 403);
  CHECK(b.get("/_control", {{"Origin", "null"}}, state).status == 403);
  CHECK(b.get("/", {{"Host", "evil.example:80"}}).status == 403);
}

TEST_CASE("page: everything at first, then what changes") {
  Browser b;
  Listener listener(b.loop, b.sandbox->control());
  listener.heard("ready");
  CHECK(listener.heard("hello")["bot"].string_or("") == "U0BOT");
  CHECK(listener.heard("users")["users"].size() == 10);
  const auto groups = listener.heard("groups");
  CHECK(groups["reset"].boolean_or(false));
  CHECK(groups["groups"].size() == 3);
  const auto schedules = listener.heard("schedules");
  REQUIRE(schedules["schedules"].size() == 3);
  const auto payments = row(schedules["schedules"], "ref", "pagerduty/PSCHED1");
  CHECK(payments["on_call"].size() == 1);
  CHECK(payments["shifts"].size() >= 10);
  CHECK(payments["next_boundary"].is_string());

  const auto seen = listener.events.size();
  b.control(R"({"do":"group","handle":"payments-oncall","people":["bo"]})");
  b.control(R"({"do":"message","channel":"payments","person":"bo","text":"hi"})");
  const auto changed = listener.heard("groups", seen);
  CHECK_FALSE(changed["reset"].boolean_or(true));
  REQUIRE(changed["groups"].size() == 1);
  CHECK(first(changed["groups"])["users"].dump() == R"(["U0BO"])");
  CHECK(first(listener.heard("messages", seen)["messages"])["text"].string_or("") == "hi");
  const auto handoff = first(listener.heard("handoffs", seen)["handoffs"]);
  CHECK(handoff["before"].dump() == R"(["U0OTTO"])");
  CHECK(handoff["after"].dump() == R"(["U0BO"])");

  b.control(R"({"do":"reset","empty":true})");
  const auto later = listener.events.size();
  CHECK(listener.heard("groups", later)["reset"].boolean_or(false));
}

TEST_CASE("page: a boundary is told when it comes, by itself") {
  Browser b(R"(
people: [{key: ada}, {key: bo}]
schedules: [{system: pagerduty, id: P1, people: [ada, bo], shift_seconds: 5, start: -4.6}]
)");
  Listener listener(b.loop, b.sandbox->control());
  listener.heard("ready");
  CHECK(first(listener.heard("schedules")["schedules"])["on_call"].dump() == R"(["ada"])");
  const auto seen = listener.events.size();
  CHECK(first(listener.heard("schedules", seen)["schedules"])["on_call"].dump() == R"(["bo"])");
}

TEST_CASE("page: what the app shows a person") {
  Browser b;
  Listener listener(b.loop, b.sandbox->control());
  listener.heard("ready");
  net::HttpRequest request;
  request.method = "POST";
  request.url = b.sandbox->slack_api() + "views.publish";
  request.authorization = Secret("Bearer xoxb-sandbox-bot");
  request.headers = {{"Content-Type", "application/json"}};
  request.body = R"({"user_id":"U0ADA","view":{"type":"home","blocks":[{"type":"divider"}]}})";
  REQUIRE(b.loop.run_until_done(b.http.send(std::move(request))));
  const auto surface = listener.heard("surface");
  CHECK(surface["person"].string_or("") == "U0ADA");
  CHECK(surface["home"]["view"]["blocks"].size() == 1);
  CHECK(surface["modals"].size() == 0);
  CHECK(first(listener.heard("requests")["entries"])["path"].string_or("") == "views.publish");
}

TEST_CASE("page: a listener that reconnects gets everything again") {
  Browser b;
  {
    Listener one(b.loop, b.sandbox->control());
    one.heard("ready");
  }
  b.control(R"({"do":"group","handle":"another","people":["bo"]})");
  Listener two(b.loop, b.sandbox->control());
  two.heard("ready");
  CHECK(two.heard("groups")["groups"].size() == 4);
}

}  // namespace watchbill::test
