#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "daemon/daemon.hpp"
#include "net/thread_executor.hpp"
#include "sandbox/sandbox.hpp"
#include "tests/support/catch.hpp"

using namespace watchbill;

namespace {

/// An app that answers commands, and shows a page.
class App final : public slack::Receiver {
 public:
  net::Task<std::string> receive(slack::Delivery) override {
    ++received;
    co_return R"({"text":"here"})";
  }
  int received = 0;
};

/// The daemon's service on the sandbox's Slack, with an app of ours.
struct World {
  explicit World(const std::function<void(config::Config&, World&)>& change = {}) {
    control(R"({"do":"reset","empty":true})");
    control(R"({"do":"rate","off":true})");
    control(R"({"do":"person","key":"ada","name":"Ada Example","email":"ada@example.com"})");
    control(R"({"do":"channel","name":"payments","bot":true})");
    config.store = (folder / "store" / "watchbill.db").string();
    config.key_file = (folder / "key").string();
    config.listen = "127.0.0.1:0";
    config.poll_interval = 1s;
    config.slack.api_url = sandbox->slack_api();
    config.slack.rate_scale = 60;
    config.slack.bot_token.file = secret("bot", "xoxb-sandbox-bot");
    config.slack.app_token.file = secret("app", "xapp-sandbox-app");
    if (change) change(config, *this);
    auto opened = daemon::open_store(config);
    INFO((opened ? std::string() : opened.error().message));
    REQUIRE(opened);
    store = std::move(*opened);
    executor.emplace(loop);
    auto built = loop.run_until_done(daemon::Service::build(loop, {*store, *executor}, config));
    INFO((built ? std::string() : built.error().message));
    REQUIRE(built);
    service = std::move(*built);
    REQUIRE(loop.run_until_done(service->start()));
  }
  ~World() {
    loop.run_until_done(service->stop(1s));
    service.reset();
    executor.reset();
    store.reset();
    std::filesystem::remove_all(folder);
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  void open_app() {
    service->open_app([this](const daemon::GatewayPorts&) {
      daemon::SlackApp out;
      out.receiver = app;
      out.page = [](net::ServerRequest request) { return show(std::move(request)); };
      out.posts = {"/oauth/start"};
      return out;
    });
  }
  static net::Task<net::ServerResponse> show(net::ServerRequest request) {
    net::ServerResponse response;
    response.body = "page " + request.path;
    co_return response;
  }
  std::string secret(const std::string& name, const std::string& value) const {
    const auto path = (folder / name).string();
    std::ofstream(path) << value << "\n";
    ::chmod(path.c_str(), 0600);
    return path;
  }
  json::Document control(const std::string& action) {
    INFO(action);
    auto answer = loop.run_until_done(sandbox->act(action));
    INFO((answer ? std::string() : answer.error().message));
    REQUIRE(answer);
    return json::parse(*answer).value();
  }
  net::HttpResponse get(const std::string& path) {
    net::HttpRequest request;
    request.url = service->url() + path;
    return loop.run_until_done(client.send(std::move(request))).value();
  }
  std::string metric(const std::string& name) {
    const auto text = get("/metrics").body;
    const auto at = text.find("\nwatchbill_" + name + " ");
    if (at == std::string::npos) return "";
    const auto begin = text.find(' ', at) + 1;
    return text.substr(begin, text.find('\n', begin) - begin);
  }
  /// The result of `work`, from the store's thread.
  template <class Work>
  std::invoke_result_t<Work, store::Store&> ask(Work work) {
    struct Ask {
      static net::Task<std::invoke_result_t<Work, store::Store&>> run(store::AsyncStore store, Work work) {
        co_return co_await store.run(work);
      }
    };
    return loop.run_until_done(Ask::run({*store, *executor}, std::move(work)));
  }
  std::string status_state() {
    const auto written = ask([](store::Store& of) { return of.meta("slack_app").value(); });
    return json::parse(written.value_or("{}")).value().root()["state"].string_or("");
  }
  void until(const std::function<bool()>& done) {
    for (int turn = 0; turn < 1000; ++turn) {
      if (done()) return;
      loop.run_until_done(pause(loop));
    }
    FAIL("it did not happen");
  }
  static net::Task<void> pause(net::Loop& loop) { co_await net::sleep_for(loop, 10ms); }
  json::Document command() {
    return control(R"({"do":"command","person":"ada","channel":"payments","text":"me","seconds":0})");
  }

  net::EventLoop loop;
  net::CurlClient client{loop, {}};
  std::unique_ptr<sandbox::Sandbox> sandbox = sandbox::Sandbox::start(loop, {}).value();
  std::filesystem::path folder = make_folder();
  config::Config config;
  std::unique_ptr<store::Store> store;
  std::optional<net::ThreadExecutor> executor;
  std::unique_ptr<daemon::Service> service;
  std::shared_ptr<App> app = std::make_shared<App>();

 private:
  static std::filesystem::path make_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "watchbill-daemon-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()));
    return name;
  }
};

}  // namespace

TEST_CASE("with an app-level token the app is reached over Socket Mode, and everybody can see that it is") {
  World w;
  w.open_app();
  w.until([&] { return w.status_state() == "up"; });
  CHECK(w.command().root()["messages"].size() == 1);
  CHECK(w.app->received == 1);
  CHECK(w.get("/readyz").body.find("app home: up over socket") != std::string::npos);
  CHECK(w.metric(R"(slack_app_up{mode="socket"})") == "1");
  CHECK(w.metric(R"(slack_deliveries_total{kind="command"})") == "1");
  CHECK(w.metric("slack_app_connections_total") == "1");
  CHECK(w.get("/slack/events").status == 404);
  CHECK(w.get("/oauth/start").body == "page /oauth/start");
}

TEST_CASE("without an app-level token there is no app home, and nothing else is missing") {
  World w([](config::Config& config, World&) { config.slack.app_token.file.reset(); });
  w.open_app();
  w.until([&] { return w.status_state() == "off"; });
  const auto written = w.ask([](store::Store& of) { return of.meta("slack_app").value().value_or(""); });
  CHECK(written.find("slack.app_token_file") != std::string::npos);
  w.until([&] { return w.get("/readyz").status == 200; });
  const auto open = [](store::Store& of) { return of.problems().list().value(); };
  CHECK(w.ask(open).empty());
  CHECK(w.metric(R"(slack_app_up{mode="socket"})") == "0");
}

TEST_CASE("a token that cannot be read is a problem that is told, and the groups are kept all the same") {
  World w([](config::Config& config, World& world) {
    config.slack.app_token.file = (world.folder / "nowhere").string();
  });
  w.open_app();
  w.until([&] { return w.get("/readyz").status == 200; });
  w.until([&] {
    const auto problems = w.ask([](store::Store& of) { return of.problems().list().value(); });
    return problems.size() == 1 && problems[0].problem.key == "slack:app" &&
           problems[0].problem.text.find("slack.app_token_file") != std::string::npos;
  });
  CHECK(w.status_state() == "off");
}

TEST_CASE("with the signing secret the app is reached by requests") {
  World w([](config::Config& config, World& world) {
    config.slack.mode = config::SlackMode::http;
    config.slack.signing_secret.file = world.secret("signing", "sandbox-signing-secret");
  });
  w.open_app();
  w.until([&] { return w.status_state() == "waiting"; });
  // Signed ahead: what was signed before the start is refused.
  w.control(R"({"do":"transport","mode":"http","skew_seconds":5,"url":")" + w.service->url() +
            R"(/slack/events"})");
  CHECK(w.command().root()["messages"].size() == 1);
  w.control(R"({"do":"transport","signature":"wrong"})");
  CHECK(w.command().root()["messages"].size() == 0);
  CHECK(w.app->received == 1);
  w.until([&] { return w.status_state() == "up"; });
  CHECK(w.metric(R"(slack_app_requests_total{result="refused"})") == "1");
  CHECK(w.get("/slack/events").status == 404);
}

TEST_CASE("bodies are read where Slack and browsers send some, and nowhere else") {
  const auto post = [](World& w, const std::string& path, std::size_t size) {
    net::HttpRequest request;
    request.method = "POST";
    request.url = w.service->url() + path;
    request.body.assign(size, 'x');
    return w.loop.run_until_done(w.client.send(std::move(request))).value().status;
  };
  World http([](config::Config& config, World& world) {
    config.slack.mode = config::SlackMode::http;
    config.slack.signing_secret.file = world.secret("signing", "sandbox-signing-secret");
  });
  http.open_app();
  CHECK(post(http, "/slack/events", slack::kMaxSlackRequest) == 401);
  CHECK(post(http, "/slack/events", slack::kMaxSlackRequest + 1) == 413);
  CHECK(post(http, "/oauth/start", daemon::kMaxPageBody) == 200);
  CHECK(post(http, "/oauth/start", daemon::kMaxPageBody + 1) == 413);
  CHECK(post(http, "/oauth/other", 100'000) == 200);
  CHECK(post(http, "/slack/other", 5'000'000) == 404);
  CHECK(post(http, "/other", 5'000'000) == 404);
  CHECK(post(http, "/healthz", 5'000'000) == 405);
  World socket;
  socket.open_app();
  CHECK(post(socket, "/slack/events", 5'000'000) == 404);
}

TEST_CASE("figures and readiness are shown under our own names only") {
  World w;
  const auto ask = [&](const std::string& path) {
    net::HttpRequest request;
    request.url = w.service->url() + path;
    request.headers = {{"Host", "evil.example"}};
    return w.loop.run_until_done(w.client.send(std::move(request))).value().status;
  };
  CHECK(ask("/metrics") == 421);
  CHECK(ask("/readyz") == 421);
  CHECK(ask("/healthz") == 200);
  CHECK(w.get("/metrics").status == 200);
}

TEST_CASE("while Slack cannot reach the app the service is ready all the same, and says so") {
  World w;
  w.control(R"({"do":"token","token":"xapp-sandbox-app","error":"invalid_auth"})");
  w.open_app();
  w.until([&] { return w.status_state() == "down"; });
  w.until([&] { return w.get("/readyz").status == 200; });
  const auto ready = w.get("/readyz").body;
  CHECK(ready.starts_with("ready\n"));
  CHECK(ready.find("slack.app_token_file") != std::string::npos);
}
