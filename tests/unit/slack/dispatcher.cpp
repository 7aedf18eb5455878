#include "slack/transport/dispatcher.hpp"

#include <stdexcept>

#include "tests/support/catch.hpp"
#include "tests/support/sim_loop.hpp"

using namespace watchbill;
using namespace watchbill::slack;

namespace {

/// An app that takes `needs` for each delivery and then says `answer`.
class App final : public Receiver {
 public:
  explicit App(net::Loop& loop) : loop_(loop) {}
  net::Task<std::string> receive(Delivery delivery) override {
    ++received;
    if (broken_at_once) throw std::runtime_error("broken");
    if (needs > 0ms) co_await net::sleep_for(loop_, needs);
    if (broken) throw std::runtime_error("broken");
    finished.push_back(delivery.payload.root()["n"].integer_or(-1));
    co_return answer;
  }
  milliseconds needs{0};
  std::string answer = R"({"text":"here"})";
  bool broken_at_once = false;
  bool broken = false;
  int received = 0;
  std::vector<std::int64_t> finished;

 private:
  net::Loop& loop_;
};

struct Bench {
  test::SimLoop loop;
  App app{loop};
  Dispatcher dispatcher{loop, app};

  static Incoming incoming(DeliveryKind kind, const std::string& key = "", int n = 0) {
    Incoming out;
    out.delivery.emplace(Delivery{kind, json::parse(R"({"n":)" + std::to_string(n) + "}").value()});
    out.key = key;
    out.what = "test";
    return out;
  }
  static net::Task<void> store(net::Task<std::string> task, std::optional<std::string>& into) {
    into = co_await std::move(task);
  }
  std::string dispatch(DeliveryKind kind, const std::string& key = "") {
    return loop.run_until_done(dispatcher.dispatch(incoming(kind, key)));
  }
};

}  // namespace

TEST_CASE("an answer goes out with the acknowledgement of what takes one") {
  Bench b;
  CHECK(b.dispatch(DeliveryKind::command) == R"({"text":"here"})");
  CHECK(b.dispatch(DeliveryKind::submission) == R"({"text":"here"})");
  CHECK(b.dispatch(DeliveryKind::suggestion) == R"({"text":"here"})");
  b.app.answer = "";
  CHECK(b.dispatch(DeliveryKind::submission).empty());
  CHECK(b.dispatcher.figures().by_kind[static_cast<std::size_t>(DeliveryKind::submission)] == 2);
}

TEST_CASE("what takes no answer is acknowledged before the app begins") {
  Bench b;
  b.app.needs = 1h;
  for (const auto kind :
       {DeliveryKind::event, DeliveryKind::actions, DeliveryKind::closed, DeliveryKind::shortcut}) {
    const auto before = b.app.received;
    std::optional<std::string> acknowledged;
    net::TaskScope scope;
    scope.spawn(Bench::store(b.dispatcher.dispatch(Bench::incoming(kind)), acknowledged));
    CHECK(acknowledged == "");
    CHECK(b.app.received == before);
    b.loop.run_until_idle();
    CHECK(b.app.received == before + 1);
  }
}

TEST_CASE("where the acknowledgement cannot carry an answer nobody waits for one") {
  Bench b;
  b.app.needs = 1h;
  auto command = Bench::incoming(DeliveryKind::command);
  command.answerable = false;
  const auto since = b.loop.now();
  CHECK(b.loop.run_until_done(b.dispatcher.dispatch(std::move(command))).empty());
  CHECK(b.loop.now() == since);
  CHECK(b.app.received == 1);
}

TEST_CASE("an app that takes too long is acknowledged without its answer, and goes on") {
  Bench b;
  b.app.needs = 10s;
  const auto since = b.loop.now();
  CHECK(b.dispatch(DeliveryKind::command).empty());
  CHECK(b.loop.now() - since == 2500ms);
  CHECK(b.app.finished.empty());
  b.loop.advance(10s);
  CHECK(b.app.finished.size() == 1);
  CHECK(b.dispatcher.figures().late == 1);
  CHECK(b.dispatcher.figures().slowest_ack == 2500ms);
  CHECK(b.dispatcher.running() == 0);
}

TEST_CASE("an app that breaks is acknowledged, and counted") {
  Bench b;
  b.app.broken_at_once = true;
  CHECK(b.dispatch(DeliveryKind::command).empty());
  b.app.broken_at_once = false;
  b.app.broken = true;
  b.app.needs = 100ms;
  CHECK(b.dispatch(DeliveryKind::submission).empty());
  CHECK(b.dispatch(DeliveryKind::event).empty());
  b.loop.advance(1s);
  CHECK(b.dispatcher.figures().failed == 3);
  b.app.broken = false;
  b.app.answer = "not JSON";
  CHECK(b.dispatch(DeliveryKind::command).empty());
  CHECK(b.dispatcher.figures().failed == 4);
}

TEST_CASE("what was sent twice is handled once, for ten minutes") {
  Bench b;
  CHECK_FALSE(b.dispatch(DeliveryKind::command, "trigger:1").empty());
  CHECK(b.dispatch(DeliveryKind::command, "trigger:1").empty());
  CHECK_FALSE(b.dispatch(DeliveryKind::command, "trigger:2").empty());
  b.loop.advance(9min);
  CHECK(b.dispatch(DeliveryKind::command, "trigger:1").empty());
  CHECK(b.dispatcher.figures().duplicates == 2);
  b.loop.advance(2min);
  CHECK_FALSE(b.dispatch(DeliveryKind::command, "trigger:1").empty());
  CHECK(b.app.received == 3);
  // What cannot be told apart is handled each time.
  b.dispatch(DeliveryKind::suggestion);
  b.dispatch(DeliveryKind::suggestion);
  CHECK(b.app.received == 5);
}

TEST_CASE("a repetition is dropped also while the first is being handled") {
  Bench b;
  b.app.needs = 1s;
  std::vector<net::Task<std::string>> tasks;
  tasks.push_back(b.dispatcher.dispatch(Bench::incoming(DeliveryKind::command, "trigger:1")));
  tasks.push_back(b.dispatcher.dispatch(Bench::incoming(DeliveryKind::command, "trigger:1")));
  const auto answers = b.loop.run_until_done(net::all(b.loop, std::move(tasks)));
  CHECK_FALSE(answers[0].empty());
  CHECK(answers[1].empty());
  CHECK(b.app.received == 1);
}

TEST_CASE("what is remembered of deliveries stays bounded") {
  SeenKeys keys;
  const SteadyInstant now{};
  for (int i = 0; i < 30'000; ++i) REQUIRE(keys.add(std::to_string(i), now));
  CHECK_FALSE(keys.add("29999", now));
  CHECK_FALSE(keys.add("15000", now));
  CHECK(keys.add("1", now));
}

TEST_CASE("kinds that are not handled are acknowledged and counted") {
  Bench b;
  Incoming unknown;
  unknown.what = "something_new";
  CHECK(b.loop.run_until_done(b.dispatcher.dispatch(std::move(unknown))).empty());
  CHECK(b.app.received == 0);
  CHECK(b.dispatcher.figures().unhandled == 1);
}

TEST_CASE("more than can be handled at once is dropped, not piled up") {
  Bench b;
  b.app.needs = 1h;
  for (int i = 0; i < 5000; ++i) b.dispatch(DeliveryKind::event, std::to_string(i));
  CHECK(b.dispatcher.running() == 4096);
  CHECK(b.dispatcher.figures().refused == 5000 - 4096);
}
