// watchbill connection add|update --oauth

#include "cli/commands/connection_oauth.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ostream>

#include "control/oauth.hpp"
#include "net/html.hpp"
#include "net/http_server.hpp"

namespace watchbill::cli {

namespace {

using providers::Adapter;
using providers::Authorization;

/// The redirect URL must be registered at the vendor, so the port is the same every time.
constexpr int kUsualPort = 8910;
constexpr const char* kCallback = "/callback";
/// For the last page's bytes to leave before the program ends.
constexpr auto kLinger = 300ms;

std::string this_host() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : "this-host";
}

net::ServerResponse page(int status, std::string_view title, std::string_view text) {
  return {
      status,
      {{"Content-Type", "text/html; charset=utf-8"},
       {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
       {"Referrer-Policy", "no-referrer"},
       {"Cache-Control", "no-store"}},
      fmt::format("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{0}</title><h1>{0}</h1>"
                  "<p>{1}</p></html>",
                  net::html_text(title), net::html_text(text))};
}

/// Waits for the browser to come back, and shows it what became of it.
class Landing {
 public:
  Landing(net::EventLoop& loop, const Adapter& adapter)
      : loop_(loop), title_(adapter.title), changed_(loop) {}

  Result<void> listen(int port) {
    auto server = net::HttpServer::listen(
        loop_, fmt::format("127.0.0.1:{}", port),
        [this](net::ServerRequest request) { return answer(std::move(request)); }, {});
    if (!server) {
      return server.error().in(
          "--oauth listens on this host for the browser's way back (--port takes another port, which must be "
          "registered at {})",
          title_);
    }
    server_ = *std::move(server);
    authorization_ = providers::begin_authorization(server_->url() + kCallback, loop_.now());
    return {};
  }

  [[nodiscard]] const Authorization& authorization() const { return *authorization_; }

  net::Task<Result<Secret>> code() {
    while (!code_ && loop_.now() < authorization_->expires_at)
      co_await changed_.wait_until(authorization_->expires_at);
    if (code_) co_return *code_;
    co_return fail(ErrorKind::timeout, "nobody came back from {} within {}: run it again", title_,
                   format_duration(providers::kAuthorizationLife));
  }

  /// Shows the browser what became of it, if it still waits.
  net::Task<void> show(std::string title, std::string text) {
    outcome_ = page(200, title, text);
    changed_.notify();
    if (code_) co_await net::sleep_for(loop_, kLinger);
  }

 private:
  net::Task<net::ServerResponse> answer(net::ServerRequest request) {
    if (request.path != kCallback || request.method != "GET") co_return page(404, "Not found", "");
    auto code = providers::read_callback(title_, *authorization_, request.query, loop_.now());
    // Somebody else's request ends nothing: the right one may still come.
    const bool ours = code.ok() || code.error().kind != ErrorKind::invalid;
    if (!ours || code_)
      co_return page(400, "Not this one", code ? "It was used already." : code.error().message);
    code_ = std::move(code);
    changed_.notify();
    while (!outcome_) co_await changed_.wait();
    co_return *outcome_;
  }

  net::EventLoop& loop_;
  std::string title_;
  net::Signal changed_;
  std::unique_ptr<net::HttpServer> server_;
  std::optional<Authorization> authorization_;
  std::optional<Result<Secret>> code_;
  std::optional<net::ServerResponse> outcome_;
};

Result<int> port_of(const Invocation& in) {
  const auto text = in.value("port");
  if (!text) return kUsualPort;
  int port = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), port);
  if (error != std::errc{} || end != text->data() + text->size() || port < 0 || port > 65535)
    return fail(ErrorKind::invalid, "--port \"{}\": write a number from 1 to 65535", *text);
  return port;
}

void invite(Session& session, const Adapter& adapter, const providers::OAuthApp& app,
            const Authorization& authorization) {
  const auto url = net::parse_url(authorization.redirect_uri);
  const int port = url ? url->port : 0;
  session.io().err << fmt::format(
      "Open this address in a browser on this host, and sign in to {0}:\n\n  {1}\n\n"
      "If this host has no browser, run this first on the computer that has one, and open the address "
      "there:\n\n"
      "  ssh -L {2}:127.0.0.1:{2} {3}\n\n"
      "The app at {0} must know the redirect URL {4}\n"
      "Waiting for {5} (Ctrl-C gives up) …\n",
      adapter.title, adapter.sign_in->authorize_url(app, authorization), port, this_host(),
      authorization.redirect_uri, format_duration(providers::kAuthorizationLife));
  session.io().err.flush();
}

/// Seals the tokens, then asks which account they open, then puts them in place.
net::Task<Result<SignedIn>> confirm_tokens(control::Context& context, control::Caller caller,
                                           Connection connection, bool verify) {
  SignedIn result{std::move(connection)};
  const auto name = result.connection.name;
  auto held = co_await control::hold_connection(context, caller, result.connection);
  if (!held) co_return held.error();
  if (verify) {
    auto account = co_await control::held_account(context, name);
    if (!account) {
      auto forgotten = co_await control::forget_held(context, caller, name);
      co_return account.error().in("nothing was saved, since the tokens did not work{}",
                                   forgotten ? "" : " (and they could not be forgotten)");
    }
    result.account = *account;
  }
  auto confirmed = co_await control::confirm_held(context, caller, name);
  if (!confirmed) co_return confirmed.error();
  co_return result;
}

}  // namespace

std::vector<OptionSpec> oauth_options() {
  std::vector<std::string> helps;
  for (const auto& adapter : providers::adapters()) {
    if (!adapter.sign_in) continue;
    helps.push_back(fmt::format("{}: sign in with a browser, as the app of {}.oauth_client_id", adapter.title,
                                adapter.kind));
  }
  return {{"oauth", "", fmt::format("{}", fmt::join(helps, "; "))},
          {"port", "N", "with --oauth: the port that the browser comes back to (default 8910)"}};
}

Result<OAuthApps> read_apps(Session& session) {
  auto config = session.config();
  if (!config) return config.error();
  OAuthApps apps;
  for (const auto& adapter : providers::adapters()) {
    if (adapter.sign_in) apps.emplace(adapter.kind, control::oauth_app(**config, adapter));
  }
  const bool none = std::none_of(apps.begin(), apps.end(), [](const auto& app) { return app.second.ok(); });
  if (none && !apps.empty()) return apps.begin()->second.error();
  return apps;
}

namespace {

/// The adapter of a connection that can be signed in to.
Result<const Adapter*> adapter_for(const Connection& connection) {
  auto adapter = providers::find_adapter(connection.kind);
  if (!adapter || (*adapter)->sign_in) return adapter;
  return fail(ErrorKind::invalid, "--oauth: only {} is signed in to with a browser; {} is of kind {}",
              providers::titles_with_sign_in(), connection.name, connection.kind);
}

/// From the browser's code to a connection in the store.
Result<SignedIn> finish(Session& session, const Invocation& in, const Adapter& adapter,
                        const providers::OAuthApp& app, const Landing& landing, Secret code,
                        Connection connection) {
  auto http = session.http();
  if (!http) return http.error();
  auto exchanged = session.run(adapter.sign_in->exchange_code(
      session.loop(), **http, app, landing.authorization(), std::move(code), std::move(connection)));
  if (!exchanged) return exchanged.error();
  if (auto store = session.store_or_new(); !store) return store.error();
  auto context = session.context();
  if (!context) return context.error();
  return session.run(
      confirm_tokens(**context, session.caller(), *std::move(exchanged), !in.has("no-verify")));
}

}  // namespace

Result<SignedIn> sign_in(Session& session, const Invocation& in, const OAuthApps& apps,
                         Connection connection) {
  const auto found = adapter_for(connection);
  if (!found) return found.error();
  const auto& adapter = **found;
  const auto& app = apps.at(connection.kind);
  if (!app) return app.error();
  auto port = port_of(in);
  if (!port) return port.error();
  Landing landing(session.loop(), adapter);
  if (auto listening = landing.listen(*port); !listening) return listening.error();
  invite(session, adapter, *app, landing.authorization());
  const auto name = connection.name;
  auto code = session.run(landing.code());
  auto result = code ? finish(session, in, adapter, *app, landing, *std::move(code), std::move(connection))
                     : Result<SignedIn>(code.error());
  if (!result) {
    session.run(landing.show("Not connected", result.error().message));
    return result.error().in("connection {}", name);
  }
  session.run(landing.show("Connected", fmt::format("Watchbill is connected to {}. You can close this page.",
                                                    result->account.value_or(std::string(adapter.title)))));
  return result;
}

}  // namespace watchbill::cli
