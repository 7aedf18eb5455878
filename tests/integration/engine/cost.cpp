#include <cstdlib>
#include <filesystem>
#include <map>

#include "engine/engine.hpp"
#include "sandbox/control/control.hpp"
#include "sandbox/servers.hpp"
#include "sandbox/slack/app_link.hpp"
#include "slack/api/web_client.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/sim_loop.hpp"

using namespace watchbill;
using namespace watchbill::test;
using sandbox::System;

namespace {

const std::map<std::string, System> kOrigins{{"http://127.0.0.1:1001", System::slack},
                                             {"http://127.0.0.1:1002", System::pagerduty},
                                             {"http://127.0.0.1:1003", System::opsgenie},
                                             {"http://127.0.0.1:1004", System::xmatters}};

/// The sandbox's servers in virtual time: each request goes to them as it would over a socket.
class VirtualServers final : public net::HttpClient {
 public:
  explicit VirtualServers(net::Loop& loop) : loop_(loop) {
    handlers_ = {{System::slack, answered_by(sandbox::answer_slack)},
                 {System::pagerduty, answered_by(sandbox::answer_pagerduty)},
                 {System::opsgenie, answered_by(sandbox::answer_opsgenie)},
                 {System::xmatters, answered_by(sandbox::answer_xmatters)}};
  }

  void control(const std::string& action) {
    auto done = sandbox::control(desk_, action);
    INFO((done ? std::string() : done.error().message));
    REQUIRE(done);
  }

  net::Task<Result<net::HttpResponse>> send(net::HttpRequest request) override {
    const auto url = net::parse_url(request.url);
    const auto system = kOrigins.at(url->origin());
    const auto query = url->path.find('?');
    net::ServerRequest arriving;
    arriving.method = request.method;
    arriving.raw_path = url->path.substr(0, query);
    arriving.path = net::percent_decode(arriving.raw_path);
    if (query != std::string::npos) arriving.query = net::decode_form(url->path.substr(query + 1));
    arriving.headers = request.headers;
    arriving.headers.emplace_back("Authorization", request.authorization.reveal());
    arriving.body = request.body;
    ++requests[system];
    const auto began = loop_.steady_now();
    co_await net::sleep_for(loop_, 20ms);
    auto answer = co_await front_.serve(system, std::move(arriving), handlers_.at(system));
    net::HttpResponse response;
    response.status = answer.status;
    response.headers = std::move(answer.headers);
    response.body = std::move(answer.body);
    response.took = loop_.steady_now() - began;
    co_return response;
  }

  std::map<System, int> requests;

 private:
  using Answerer = sandbox::Answer (*)(sandbox::Context, const net::ServerRequest&);
  sandbox::Front::Handler answered_by(Answerer answerer) {
    return [this, answerer](const net::ServerRequest& request) {
      const auto now = loop_.now();
      return answerer({world_, front_.rate, now, now, nullptr}, request);
    };
  }

  net::Loop& loop_;
  sandbox::World world_ = sandbox::empty_world();
  net::EventLoop real_;  // for what the context needs and this test does not use
  sandbox::AppLink link_{real_, world_, [] {}};
  net::Signal changed_{real_};
  sandbox::WorldClock clock_{loop_};
  sandbox::WorldAgenda agenda_{loop_, clock_, [](const std::string&) {}};
  sandbox::Front front_{loop_, clock_};
  sandbox::Desk desk_{real_, world_, front_, link_, changed_, clock_, agenda_};
  std::map<System, sandbox::Front::Handler> handlers_;
};

/// 1,000 rotations over 2,000 schedules of three systems, with the real adapters and the real Slack client.
struct Large {
  SimLoop loop;
  VirtualServers servers{loop};
  std::string folder;
  std::unique_ptr<store::Store> store;
  net::InlineExecutor executor;
  std::optional<store::HostLease> lease;
  slack::RateLimiter limiter{loop, 60};
  slack::WebClient slack{servers, limiter, options()};
  std::unique_ptr<engine::Engine> engine;

  Large() {
    std::string pattern = (std::filesystem::temp_directory_path() / "watchbill-cost-XXXXXX").string();
    folder = mkdtemp(pattern.data());
    store = std::move(*store::Store::open({folder + "/watchbill.db", folder + "/key"}));
    servers.control(R"({"do":"rate","off":true})");
    servers.control(fmt::format(
        R"({{"do":"bulk","groups":1000,"people":2000,"people_per_schedule":2,"shift_seconds":604800,)"
        R"("boundary_at":"{}","schedules":{{"pagerduty":1000,"opsgenie":500,"xmatters":500}}}})",
        format_rfc3339(loop.now() + 12h)));
    connect("pagerduty", "http://127.0.0.1:1002", {{"api_key", "pd-sandbox-key"}});
    connect("opsgenie", "http://127.0.0.1:1003", {{"api_key", "og-sandbox-key"}});
    connect("xmatters", "http://127.0.0.1:1004",
            {{"api_key", "x-api-key-sandbox"}, {"api_secret", "xm-sandbox-secret"}});
    std::vector<ScheduleRef> refs;
    const auto add = [&](const std::string& connection, char letter, int count) {
      for (int i = 0; i < count; ++i) refs.push_back({connection, fmt::format("{}{:04}", letter, i)});
    };
    add("pagerduty", 'P', 1000);
    add("opsgenie", 'O', 500);
    add("xmatters", 'X', 500);
    REQUIRE(store->transaction([&]() -> Result<void> {
      for (std::size_t i = 0; i < 1000; ++i) {
        Rotation rotation;
        rotation.name = fmt::format("r{:05}", i);
        rotation.group = GroupId{fmt::format("S{:05}", i)};
        rotation.schedules = {{refs[2 * i]}, {refs[2 * i + 1]}};
        auto added = store->rotations().add(rotation, true, std::nullopt, "test");
        if (!added) return added.error();
      }
      return {};
    }));
    lease = *store::HostLease::begin(*store);
    engine = std::make_unique<engine::Engine>(
        engine::EnginePorts{loop, {*store, executor}, servers, slack, slack, slack, limiter, *lease},
        engine::EngineOptions{});
    REQUIRE(loop.run_until_done(engine->start()));
  }
  ~Large() {
    engine.reset();
    store.reset();
    std::filesystem::remove_all(folder);
  }

  static slack::WebClientOptions options() {
    slack::WebClientOptions out;
    out.api_url = "http://127.0.0.1:1001/api/";
    out.bot_token = Secret("xoxb-sandbox-bot");
    return out;
  }
  void connect(const std::string& kind, const std::string& url,
               const std::map<std::string, std::string>& secrets) {
    Connection connection;
    connection.name = connection.kind = kind;
    connection.settings["base_url"] = url;
    if (kind == "xmatters") connection.settings["host"] = "acme.xmatters.com";
    for (const auto& [name, value] : secrets) connection.secrets.emplace(name, Secret(value));
    REQUIRE(store->connections().add(connection, "test"));
  }
};

}  // namespace

TEST_CASE(
    "an idle pass over 1,000 rotations and 2,000 schedules costs one Slack call and as few others as the "
    "APIs allow") {
  Large large;
  large.loop.advance(4min);
  std::map<std::string, int> states;
  for (const auto& rotation : large.engine->figures().rotations) ++states[rotation.state];
  REQUIRE(states == std::map<std::string, int>{{"in_sync", 1000}});

  constexpr int kPasses = 3;
  large.servers.requests.clear();
  large.loop.advance(kPasses * 60s);
  auto& requests = large.servers.requests;
  // Besides its passes it looks at those on call: 2,000 people and the bot are 5 pages every 55 s.
  const int looks = requests[System::slack] - kPasses;
  CHECK(looks >= 3 * 5);
  CHECK(looks <= 4 * 5);
  // 50 schedules a request, and none has a second page.
  CHECK(requests[System::pagerduty] == kPasses * 1000 / 50);
  // One request tells who is on call everywhere.
  CHECK(requests[System::opsgenie] == kPasses);
  // 20 groups a request: who is on call now, and the shifts of the window.
  CHECK(requests[System::xmatters] == kPasses * 2 * 500 / 20);
}
