#include "sandbox/sandbox.hpp"

#include <map>

#include "base/json.hpp"
#include "net/http_server.hpp"
#include "sandbox/control/control.hpp"
#include "sandbox/front.hpp"
#include "sandbox/page/document.hpp"
#include "sandbox/page/page.hpp"
#include "sandbox/servers.hpp"
#include "sandbox/slack/change_events.hpp"
#include "sandbox/world.hpp"

namespace watchbill::sandbox {
namespace {

using Answerer = Answer (*)(Context, const net::ServerRequest&);

const std::map<System, Answerer>& answerers() {
  static const std::map<System, Answerer> table{
      {System::slack, answer_slack},       {System::pagerduty, answer_pagerduty},
      {System::identity, answer_identity}, {System::opsgenie, answer_opsgenie},
      {System::jsm, answer_jsm},           {System::xmatters, answer_xmatters}};
  return table;
}

int status_of(const Error& error) {
  if (error.kind == ErrorKind::not_found) return 404;
  if (error.kind == ErrorKind::conflict) return 409;
  return 400;
}

net::ServerResponse json_response(int status, std::string body) {
  net::ServerResponse response;
  response.status = status;
  response.headers = {{"Content-Type", "application/json"}};
  response.body = std::move(body);
  return response;
}

net::ServerResponse refused(int status, std::string_view why) {
  json::Writer w;
  w.begin_object().field("ok", false).field("error", why).end_object();
  return json_response(status, w.take());
}

}  // namespace

struct Sandbox::Impl {
  Impl(net::EventLoop& on, const Options& options)
      : loop(on),
        clock(on),
        agenda(on, clock,
               [this](const std::string& action) { doing.spawn(carry_out_planned(*this, action)); }),
        front(on, clock),
        changed(on),
        link(on, world, [this] { changed.notify(); }),
        scenario(options.scenario),
        complain(options.complain),
        desk{on, world, front, link, changed, clock, agenda} {
    desk.reset = [this](bool empty) { return start_over(empty); };
  }

  net::EventLoop& loop;
  World world;
  WorldClock clock;
  WorldAgenda agenda;
  Front front;
  net::Signal changed;
  AppLink link;
  std::string scenario;
  std::function<void(const std::string&)> complain;
  Desk desk;
  std::map<System, Front::Handler> handlers;
  net::TaskScope doing;
  AppNews news{desk};
  std::unique_ptr<PageEvents> page;
  std::map<System, std::unique_ptr<net::HttpServer>> servers;
  std::unique_ptr<net::HttpServer> control_server;

  Result<void> start_over(bool empty) {
    agenda.clear();
    clock.reset();
    link.forget_events();
    ++desk.epoch;
    world = empty_world();
    front.faults.clear();
    front.log.clear();
    front.counters.clear();
    front.skew.clear();
    front.rate.clear();
    if (empty) return {};
    return play_scenario(desk, scenario, [this](milliseconds delay, std::string action) {
      agenda.plan(clock.now() + delay, std::move(action));
    });
  }

  Result<void> listen(const std::string& address) {
    const auto host = address.substr(0, address.rfind(':'));
    net::ServerOptions options;
    options.deadline = 15min;  // "hang" outlasts every client
    for (const auto& [system, answerer] : answerers()) {
      handlers[system] = [this, play = answerer](const net::ServerRequest& request) {
        auto answer = play(desk.context(), request);
        changed.notify();
        return answer;
      };
      auto server = net::HttpServer::listen(
          loop, host + ":0",
          [this, one = system](net::ServerRequest request) {
            return front.serve(one, std::move(request), handlers.at(one));
          },
          options);
      if (!server) return server.error().in("sandbox server for {}", name_of(system));
      servers[system] = std::move(*server);
    }
    desk.slack_url = servers.at(System::slack)->url();
    if (auto socket = link.listen(host + ":0"); !socket) return socket.error().in("sandbox Socket Mode");
    auto server = net::HttpServer::listen(
        loop, address, [this](net::ServerRequest request) { return controlled(*this, std::move(request)); },
        options);
    if (!server) return server.error().in("sandbox control");
    control_server = std::move(*server);
    desk.addresses = {{"slack_api", desk.slack_url + "/api/"}, {"control", control_server->url()}};
    for (const auto& [system, one] : servers) {
      if (system != System::slack) desk.addresses.emplace_back(name_of(system), one->url());
    }
    return {};
  }

  /// Browsers name the page that asks: only our own may, and only under our own name.
  static bool from_here(const Impl& self, const net::ServerRequest& request) {
    const auto own = self.control_server->url();
    const auto host = std::string(request.header("host").value_or(""));
    if (const auto origin = request.header("origin"); origin && *origin != "http://" + host) return false;
    const auto named = net::parse_url("http://" + host);
    return named && named->loopback() && own.ends_with(fmt::format(":{}", named->port));
  }
  static net::ServerResponse show(Impl& self, const net::ServerRequest& request) {
    if (!self.page) return refused(404, "only /_control is here");
    if (request.method != "GET" && request.method != "HEAD") return refused(405, "GET it");
    net::ServerResponse response;
    if (request.path == "/_events" && request.method == "GET") {
      response.headers = page_headers("text/event-stream");
      response.stream = self.page->connect();
      return response;
    }
    if (request.path == "/") {
      const auto& document = page_document();
      response.headers = page_headers("text/html; charset=utf-8", document.policy);
      response.body = document.html;
      return response;
    }
    const auto* picture = page_picture(request.path);
    if (!picture) return refused(404, "there is no such file");
    response.headers = page_headers(picture->type);
    response.body = picture->content;
    return response;
  }
  static net::Task<net::ServerResponse> controlled(Impl& self, net::ServerRequest request) {
    if (!from_here(self, request)) co_return refused(403, "another page has no business here");
    if (request.path != "/_control") co_return show(self, request);
    if (request.method != "POST") co_return refused(405, "POST a JSON object with \"do\"");
    auto done = co_await control_slowly(self.desk, std::move(request.body));
    if (!done) co_return refused(status_of(done.error()), done.error().message);
    co_return json_response(200, std::move(*done));
  }
  static net::Task<void> carry_out_planned(Impl& self, std::string action) {
    auto done = co_await control_slowly(self.desk, action);
    if (!done && self.complain) self.complain(fmt::format("scenario: {}: {}", action, done.error().message));
  }
};

Sandbox::Sandbox(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Sandbox::~Sandbox() = default;

Result<std::unique_ptr<Sandbox>> Sandbox::start(net::EventLoop& loop, const Options& options) {
  auto impl = std::make_unique<Impl>(loop, options);
  if (auto played = impl->start_over(false); !played) return played.error();
  if (auto listening = impl->listen(options.listen); !listening) return listening.error();
  if (options.page) impl->page = std::make_unique<PageEvents>(impl->desk);
  return std::unique_ptr<Sandbox>(new Sandbox(std::move(impl)));
}

std::string Sandbox::slack_api() const {
  return impl_->servers.at(System::slack)->url() + "/api/";
}
std::string Sandbox::pagerduty() const {
  return impl_->servers.at(System::pagerduty)->url();
}
std::string Sandbox::identity() const {
  return impl_->servers.at(System::identity)->url();
}
std::string Sandbox::opsgenie() const {
  return impl_->servers.at(System::opsgenie)->url();
}
std::string Sandbox::jsm() const {
  return impl_->servers.at(System::jsm)->url();
}
std::string Sandbox::xmatters() const {
  return impl_->servers.at(System::xmatters)->url();
}
std::string Sandbox::control() const {
  return impl_->control_server->url();
}

std::string Sandbox::ready_line() const {
  const auto& world = impl_->world;
  json::Writer w;
  w.begin_object().key("page");
  if (impl_->page) {
    w.value(control() + "/");
  } else {
    w.null();
  }
  w.field("slack_api", slack_api()).field("pagerduty", pagerduty());
  w.field("identity", identity()).field("opsgenie", opsgenie()).field("jsm", jsm());
  w.field("xmatters", xmatters());
  w.field("control", control()).key("tokens").begin_object().field("bot", "xoxb-sandbox-bot");
  w.field("app", "xapp-sandbox-app").field("user", "xoxp-sandbox-user");
  w.field("signing_secret", world.signing_secret).end_object().key("keys").begin_object();
  w.field("pagerduty", world.pagerduty.api_key).field("pagerduty_client_id", world.pagerduty.client_id);
  w.field("pagerduty_client_secret", world.pagerduty.client_secret);
  w.field("pagerduty_subdomain", world.pagerduty.subdomain).field("opsgenie", world.opsgenie.api_key);
  w.field("jsm_email", world.jsm.email).field("jsm_token", world.jsm.api_token);
  w.field("jsm_site", world.jsm.site).field("jsm_cloud_id", world.jsm.cloud_id);
  w.field("xmatters_key", world.xmatters.api_key).field("xmatters_secret", world.xmatters.api_secret);
  w.end_object().end_object();
  return w.take();
}

SystemSetup Sandbox::system_setup(const std::string& folder) const {
  const auto& world = impl_->world;
  const auto path = [&folder](const char* name) { return folder + "/" + name; };
  SystemSetup setup;
  setup.secrets = {{"pagerduty", world.pagerduty.api_key},   {"oauth", world.pagerduty.client_secret},
                   {"opsgenie", world.opsgenie.api_key},     {"jsm-token", world.jsm.api_token},
                   {"xmatters-key", world.xmatters.api_key}, {"xmatters-secret", world.xmatters.api_secret}};
  setup.configuration = fmt::format(
      "pagerduty:\n  oauth_client_id: {}\n  oauth_client_secret_file: {}\n  identity_url: {}\n  api_url: {}\n"
      "opsgenie:\n  api_url: {}\njsm:\n  api_url: {}\nxmatters:\n  api_url: {}\n",
      world.pagerduty.client_id, path("oauth"), identity(), pagerduty(), opsgenie(), jsm(), xmatters());
  setup.connections = {
      {"pagerduty", "pagerduty", "--api-key-file", path("pagerduty"), "--base-url", pagerduty()},
      {"opsgenie", "opsgenie", "--api-key-file", path("opsgenie"), "--base-url", opsgenie()},
      {"xmatters", "xmatters", "--host", "acme.xmatters.com", "--api-key-file", path("xmatters-key"),
       "--api-secret-file", path("xmatters-secret"), "--base-url", xmatters()}};
  // Whoever moves there from Opsgenie has it in a scenario of their own.
  if (world.roster(System::jsm).schedules.size() > 0) {
    setup.connections.push_back({"jsm", "jsm", "--site", world.jsm.site, "--email", world.jsm.email,
                                 "--api-token-file", path("jsm-token"), "--base-url", jsm()});
  }
  return setup;
}

Result<std::string> Sandbox::control(std::string_view action_json) {
  auto done = sandbox::control(impl_->desk, action_json);
  impl_->changed.notify();
  return done;
}

void Sandbox::attach(OwnDaemon& daemon) {
  impl_->desk.daemon = &daemon;
  notice();
}

void Sandbox::notice() {
  impl_->changed.notify();
}

std::vector<std::vector<std::string>> Sandbox::rotations() const {
  return scenario_rotations(impl_->scenario);
}

net::Task<Result<std::string>> Sandbox::act(std::string action_json) {
  return control_slowly(impl_->desk, std::move(action_json));
}

}  // namespace watchbill::sandbox
