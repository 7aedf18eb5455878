#include "slack/transport/socket_mode.hpp"

#include <deque>
#include <functional>

#include "tests/support/catch.hpp"
#include "tests/support/sim_loop.hpp"

using namespace watchbill;
using namespace watchbill::slack;

namespace {

constexpr auto* kHello = R"({"type":"hello","num_connections":1})";

std::string disconnect(const std::string& reason) {
  return R"({"type":"disconnect","reason":")" + reason + R"("})";
}
std::string envelope(const std::string& id, const std::string& type, const std::string& payload,
                     bool accepts = true) {
  return R"({"envelope_id":")" + id + R"(","type":")" + type + R"(","accepts_response_payload":)" +
         (accepts ? "true" : "false") + R"(,"payload":)" + payload + "}";
}
std::string command(const std::string& id, const std::string& trigger) {
  return envelope(id, "slash_commands", R"({"command":"/oncall","trigger_id":")" + trigger + R"("})");
}
std::string event(const std::string& id, const std::string& event_id) {
  return envelope(id, "events_api",
                  R"({"type":"event_callback","event_id":")" + event_id + R"(","event":{"type":"x"}})",
                  false);
}

/// Slack's end of one connection; lives on when the client has dropped its own.
struct Line {
  explicit Line(net::Loop& loop) : changed(loop) {}
  void deliver(std::string frame) {
    frames.push_back(std::move(frame));
    changed.notify();
  }
  void end(Error why = fail(ErrorKind::unreachable, "the other side closed the WebSocket")) {
    ended = std::move(why);
    changed.notify();
  }
  [[nodiscard]] bool acknowledged(const std::string& id) const {
    return std::any_of(sent.begin(), sent.end(), [&](const auto& one) {
      return one.second.find(R"("envelope_id":")" + id + "\"") != std::string::npos;
    });
  }
  std::deque<std::string> frames;
  std::optional<Error> ended;
  std::vector<std::pair<SteadyInstant, std::string>> sent;
  bool closed = false;  ///< by the client
  net::Signal changed;
};

class Socket final : public net::WebSocket {
 public:
  Socket(net::Loop& loop, std::shared_ptr<Line> line) : loop_(loop), line_(std::move(line)) {}
  ~Socket() override { line_->closed = true; }
  net::Task<Result<std::string>> receive() override {
    while (line_->frames.empty()) {
      if (line_->ended) co_return *line_->ended;
      co_await line_->changed.wait();
    }
    auto frame = std::move(line_->frames.front());
    line_->frames.pop_front();
    co_return frame;
  }
  Result<void> send(std::string_view text) override {
    if (line_->ended) return *line_->ended;
    line_->sent.emplace_back(loop_.steady_now(), text);
    return {};
  }
  net::Task<void> close() override {
    // Like Slack, which never drops the connection itself.
    if (!line_->ended) co_await net::sleep_for(loop_, 1s);
    line_->closed = true;
    if (!line_->ended) line_->end(fail(ErrorKind::cancelled, "the WebSocket was closed"));
    co_return;
  }

 private:
  net::Loop& loop_;
  std::shared_ptr<Line> line_;
};

/// Slack as Socket Mode sees it.
class FakeSlack final : public net::WebSocketClient, public SocketAddresses {
 public:
  explicit FakeSlack(net::Loop& loop) : loop_(loop) {}
  net::Task<Result<std::string>> next() override {
    asked.push_back(loop_.steady_now());
    co_await net::sleep_for(loop_, 50ms);
    if (refusal) co_return *refusal;
    co_return std::string("wss://wss.slack.com/link");
  }
  net::Task<Result<std::unique_ptr<net::WebSocket>>> connect(std::string) override {
    co_await net::sleep_for(loop_, 50ms);
    if (no_socket) co_return *no_socket;
    auto line = std::make_shared<Line>(loop_);
    if (polite) line->deliver(kHello);
    for (const auto& frame : greeting) line->deliver(frame);
    lines.push_back(line);
    co_return std::unique_ptr<net::WebSocket>(std::make_unique<Socket>(loop_, line));
  }
  std::optional<Error> refusal;
  std::optional<Error> no_socket;
  bool polite = true;                 ///< says hello
  std::vector<std::string> greeting;  ///< what comes right after
  std::vector<SteadyInstant> asked;
  std::vector<std::shared_ptr<Line>> lines;

 private:
  net::Loop& loop_;
};

class App final : public Receiver {
 public:
  explicit App(net::Loop& loop) : loop_(loop) {}
  net::Task<std::string> receive(Delivery delivery) override {
    kinds.push_back(delivery.kind);
    if (needs > 0ms) co_await net::sleep_for(loop_, needs);
    co_return R"({"text":"here"})";
  }
  milliseconds needs{0};
  std::vector<DeliveryKind> kinds;

 private:
  net::Loop& loop_;
};

struct World {
  test::SimLoop loop;
  FakeSlack slack{loop};
  App app{loop};
  Dispatcher dispatcher{loop, app};
  std::unique_ptr<SocketMode> mode = make();

  std::unique_ptr<SocketMode> make() {
    SocketModeOptions options;
    options.seed = 1;
    return std::make_unique<SocketMode>(loop, slack, slack, dispatcher, options);
  }
  /// Starts and waits until the first connection is up.
  void connect() {
    mode->start();
    loop.advance(200ms);
    REQUIRE(mode->state().state == "up");
  }
  Line& line(std::size_t number) {
    REQUIRE(slack.lines.size() > number);
    return *slack.lines[number];
  }
  /// How long after `since` addresses were asked for.
  std::vector<milliseconds> attempts_after(SteadyInstant since) const {
    std::vector<milliseconds> out;
    for (const auto at : slack.asked) {
      if (at >= since) out.push_back(at - since);
    }
    return out;
  }
};

}  // namespace

TEST_CASE("the connection is up when Slack has said hello, and not before") {
  World w;
  w.slack.polite = false;
  CHECK(w.mode->state().state == "connecting");
  w.mode->start();
  const auto started = w.loop.now();
  w.loop.advance(5s);
  CHECK(w.slack.lines.size() == 1);
  CHECK(w.mode->state().state == "connecting");
  CHECK(w.mode->state().since == started);
  w.line(0).deliver(kHello);
  w.loop.run_until_idle();
  CHECK(w.mode->state() == TransportState{"socket", "up", w.loop.now(), ""});
}

TEST_CASE("a connection without a hello is given up") {
  World w;
  w.slack.polite = false;
  w.mode->start();
  w.loop.advance(15s);
  CHECK(w.line(0).closed);
  CHECK(w.slack.lines.size() == 2);
  CHECK(w.mode->state().problem.find("did not say hello") != std::string::npos);
}

TEST_CASE("envelopes are acknowledged on their connection, with the answer where one may be carried") {
  World w;
  w.connect();
  w.line(0).deliver(command("e-1", "1.1"));
  w.line(0).deliver(event("e-2", "Ev1"));
  w.line(0).deliver(envelope("e-3", "slash_commands", R"({"command":"/oncall","trigger_id":"1.2"})", false));
  w.line(0).deliver(envelope("e-4", "something_new", "{}"));
  w.line(0).deliver("no JSON");
  w.line(0).deliver(R"({"type":"events_api","payload":{}})");
  w.loop.run_until_idle();
  const auto& sent = w.line(0).sent;
  REQUIRE(sent.size() == 4);
  CHECK(sent[0].second == R"({"envelope_id":"e-1","payload":{"text":"here"}})");
  CHECK(w.line(0).acknowledged("e-2"));
  CHECK(sent[2].second == R"({"envelope_id":"e-3"})");
  CHECK(sent[3].second == R"({"envelope_id":"e-4"})");
  CHECK(w.app.kinds.size() == 3);
}

TEST_CASE("a warning opens the new connection first, and the old one finishes what it has begun") {
  for (const auto* reason : {"warning", "refresh_requested"}) {
    World w;
    w.connect();
    w.loop.advance(2h);
    w.app.needs = 1s;
    w.line(0).deliver(command("e-1", "1.1"));
    w.line(0).deliver(disconnect(reason));
    const auto since = w.loop.steady_now();
    w.loop.advance(200ms);
    CHECK(w.attempts_after(since) == std::vector<milliseconds>{0ms});
    REQUIRE(w.slack.lines.size() == 2);
    CHECK_FALSE(w.line(0).closed);
    CHECK(w.mode->state().state == "up");
    // What still comes on the old one is answered there.
    w.line(0).deliver(command("e-2", "1.2"));
    w.line(1).deliver(command("e-3", "1.3"));
    w.loop.advance(2s);
    CHECK(w.line(0).acknowledged("e-1"));
    CHECK(w.line(0).acknowledged("e-2"));
    CHECK(w.line(1).acknowledged("e-3"));
    w.loop.advance(11s);
    CHECK(w.line(0).closed);
    CHECK_FALSE(w.line(1).closed);
    CHECK(w.mode->failures() == 0);
  }
}

TEST_CASE("an envelope that is open when the old connection's time is over is still acknowledged there") {
  World w;
  w.connect();
  w.loop.advance(2h);
  w.line(0).deliver(disconnect("warning"));
  w.loop.advance(9s);
  w.app.needs = 2s;
  w.line(0).deliver(command("e-1", "1.1"));
  w.loop.advance(1500ms);
  CHECK_FALSE(w.line(0).closed);
  w.loop.advance(1s);
  CHECK(w.line(0).acknowledged("e-1"));
  w.loop.advance(1s);
  CHECK(w.line(0).closed);
}

TEST_CASE("the same event over two connections is handled once") {
  World w;
  w.connect();
  w.loop.advance(2h);
  w.line(0).deliver(event("e-1", "Ev1"));
  w.line(0).deliver(disconnect("warning"));
  w.loop.advance(1s);
  w.line(1).deliver(event("e-9", "Ev1"));
  w.loop.advance(1s);
  CHECK(w.line(1).acknowledged("e-9"));
  CHECK(w.app.kinds.size() == 1);
}

TEST_CASE("a lost connection is opened again, by one path with a growing pause") {
  World w;
  w.connect();
  w.loop.advance(1h);
  w.slack.no_socket = fail(ErrorKind::unreachable, "https://wss.slack.com: connection refused");
  w.line(0).end();
  const auto since = w.loop.steady_now();
  w.loop.run_until_idle();
  CHECK(w.mode->state().state == "down");
  CHECK(w.mode->state().since == w.loop.now());
  CHECK(w.mode->state().problem.find("the connection to Slack ended") != std::string::npos);
  w.loop.advance(10min);
  const auto attempts = w.attempts_after(since);
  // 0.5 to 1 s, then twice as long each time up to a minute, never two at once.
  REQUIRE(attempts.size() > 8);
  CHECK(attempts.size() < 26);
  CHECK(attempts[0] >= 500ms);
  CHECK(attempts[0] <= 1s);
  for (std::size_t i = 1; i < attempts.size(); ++i) {
    const auto pause = attempts[i] - attempts[i - 1];
    const auto most = std::min<milliseconds>(1s * (1 << std::min<std::size_t>(i, 6)), 60s);
    CHECK(pause >= most / 2);
    CHECK(pause <= most + 200ms);
  }
  CHECK(w.mode->state().problem.find("connection refused") != std::string::npos);
  CHECK(w.mode->state().since == w.loop.now() - 10min);

  w.slack.no_socket.reset();
  w.loop.advance(2min);
  CHECK(w.mode->state().state == "up");
  CHECK(w.mode->state().problem.empty());

  // A connection that lived makes good for the failures before it.
  w.loop.advance(2min);
  w.line(1).end();
  const auto again = w.loop.steady_now();
  w.loop.advance(2s);
  REQUIRE(w.attempts_after(again).size() == 1);
  CHECK(w.attempts_after(again).front() <= 1s);
}

TEST_CASE("connections that die young do not make a storm") {
  World w;
  w.slack.greeting = {disconnect("refresh_requested")};
  w.mode->start();
  w.loop.advance(10min);
  CHECK(w.slack.asked.size() < 25);
  for (std::size_t i = 0; i + 1 < w.slack.lines.size(); ++i) w.line(i).end();
}

TEST_CASE("Retry-After is obeyed") {
  World w;
  w.slack.refusal = fail(ErrorKind::rate_limited, "apps.connections.open: Slack asks us to wait");
  w.slack.refusal->retry_after = 90s;
  w.mode->start();
  w.loop.advance(200s);
  REQUIRE(w.slack.asked.size() == 3);
  CHECK(w.slack.asked[1] - w.slack.asked[0] >= 90s);
}

TEST_CASE("a dead token is told with its fix, and tried again slowly") {
  World w;
  w.slack.refusal = fail(ErrorKind::unauthorized, "check slack.app_token_file");
  w.mode->start();
  w.loop.advance(16min);
  CHECK(w.slack.asked.size() == 4);
  CHECK(w.mode->state().state == "down");
  CHECK(w.mode->state().problem.find("slack.app_token_file") != std::string::npos);
  w.slack.refusal.reset();
  w.loop.advance(5min);
  CHECK(w.mode->state().state == "up");
}

TEST_CASE("Socket Mode that was switched off is told, and tried again slowly") {
  World w;
  w.connect();
  w.loop.advance(1h);
  w.line(0).deliver(disconnect("link_disabled"));
  const auto since = w.loop.steady_now();
  w.slack.polite = false;
  w.slack.greeting = {disconnect("link_disabled")};
  w.loop.advance(12min);
  CHECK(w.line(0).closed);
  CHECK(w.mode->state().state == "down");
  CHECK(w.mode->state().problem.find("switched off") != std::string::npos);
  CHECK(w.attempts_after(since).size() == 2);
  CHECK(w.attempts_after(since).front() >= 5min);
  // What is answered to an attempt meanwhile does not hide the reason.
  w.slack.refusal = fail(ErrorKind::forbidden, "access is denied");
  w.loop.advance(5min);
  CHECK(w.mode->state().problem.find("switched off") != std::string::npos);
  w.slack.refusal.reset();
  w.slack.polite = true;
  w.slack.greeting.clear();
  w.loop.advance(5min);
  CHECK(w.mode->state().state == "up");
}

TEST_CASE("too many connections: ours goes before the next one comes") {
  World w;
  w.connect();
  w.loop.advance(1h);
  w.line(0).deliver(disconnect("too_many_websockets"));
  const auto since = w.loop.steady_now();
  w.loop.advance(900ms);
  CHECK(w.mode->state().problem.find("10 connections") != std::string::npos);
  w.loop.advance(3s);
  CHECK(w.line(0).closed);
  REQUIRE(w.attempts_after(since).size() == 1);
  CHECK(w.attempts_after(since).front() >= 1s);
  CHECK(w.slack.lines.size() == 2);
  CHECK(w.mode->state().state == "up");
}

TEST_CASE("the old connection that ends before the new one is there is no quiet end") {
  World w;
  w.connect();
  w.loop.advance(1h);
  w.slack.no_socket = fail(ErrorKind::unreachable, "connection refused");
  w.line(0).deliver(disconnect("warning"));
  w.loop.advance(1s);
  CHECK(w.mode->state().state == "up");
  w.line(0).end();
  w.loop.run_until_idle();
  CHECK(w.mode->state().state == "down");
  CHECK(w.mode->state().since == w.loop.now());
}

TEST_CASE("stopping acknowledges what has come, and closes") {
  World w;
  w.connect();
  w.app.needs = 1s;
  w.line(0).deliver(command("e-1", "1.1"));
  w.loop.run_until_idle();
  w.loop.run_until_done(w.mode->stop());
  CHECK(w.line(0).acknowledged("e-1"));
  CHECK(w.line(0).closed);
  CHECK(w.mode->state().problem.empty());
  const auto asked = w.slack.asked.size();
  w.loop.advance(1h);
  CHECK(w.slack.asked.size() == asked);
}

TEST_CASE("stopping while connecting, and being destroyed at any moment, leave nothing behind") {
  for (const auto pause : {0ms, 20ms, 70ms, 120ms, 1000ms}) {
    World w;
    w.mode->start();
    w.loop.advance(pause);
    w.loop.run_until_done(w.mode->stop());
    CHECK(std::all_of(w.slack.lines.begin(), w.slack.lines.end(), [](const auto& l) { return l->closed; }));

    World destroyed;
    destroyed.mode->start();
    destroyed.loop.advance(pause);
    destroyed.mode.reset();
    destroyed.loop.advance(1min);
    CHECK(destroyed.slack.lines.size() <= 1);
  }
}

TEST_CASE("a storm of 1,000 interactions within 10 s is acknowledged within 3 s each") {
  World w;
  w.connect();
  // Slower than Slack waits: an app that hangs in every look-up.
  w.app.needs = 20s;
  std::vector<SteadyInstant> delivered;
  for (int i = 0; i < 1000; ++i) {
    const auto id = std::to_string(i);
    const auto kind = i % 4;
    const auto payload = [&](const char* type) {
      return envelope(id, "interactive",
                      R"({"type":")" + std::string(type) + R"(","trigger_id":"t)" + id + R"("})");
    };
    w.line(0).deliver(kind == 0   ? payload("block_actions")
                      : kind == 1 ? payload("view_submission")
                      : kind == 2 ? payload("block_suggestion")
                                  : command(id, "t" + id));
    delivered.push_back(w.loop.steady_now());
    w.loop.advance(10ms);
  }
  w.loop.advance(30s);
  const auto& sent = w.line(0).sent;
  REQUIRE(sent.size() == 1000);
  for (const auto& [at, text] : sent) {
    const auto id = json::parse(text).value().root()["envelope_id"].string_or("");
    CHECK(at - delivered.at(static_cast<std::size_t>(std::stoi(id))) < 3s);
  }
  CHECK(w.app.kinds.size() == 1000);
  CHECK(w.dispatcher.figures().slowest_ack <= 2500ms);
  CHECK(w.dispatcher.figures().late == 750);
  CHECK(w.mode->failures() == 0);
}
