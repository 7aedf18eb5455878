#include "slack_app/systems/browser_connect.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/phrase.hpp"
#include "base/text.hpp"
#include "control/oauth.hpp"
#include "slack_app/dialogs.hpp"
#include "slack_app/phrases.hpp"
#include "slack_app/systems/random_token.hpp"

namespace watchbill::slack_app {

namespace {

constexpr auto kTicketLife = 10min;
constexpr std::size_t kMostKept = 500;
constexpr std::string_view kCookie = "__Host-watchbill";
constexpr const char* kStartPath = "/oauth/start";
constexpr const char* kCallbackPath = "/oauth/callback";

/// The value of our cookie; empty if the browser has none.
std::string cookie_of(const net::ServerRequest& request) {
  const auto header = request.header("Cookie");
  if (!header) return {};
  std::string_view rest = *header;
  while (!rest.empty()) {
    const auto end = std::min(rest.find(';'), rest.size());
    auto one = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    if (one.starts_with(kCookie) && one.substr(kCookie.size()).starts_with('='))
      return std::string(one.substr(kCookie.size() + 1));
  }
  return {};
}

net::ServerResponse trouble(int status, const std::string& title, const std::string& text) {
  return page_response({status, title, as_sentence(text), {}, {}});
}

net::ServerResponse too_late() {
  return trouble(
      410, "This link is not good any more",
      fmt::format(
          "It was used already, or is older than ten minutes. Go back to Slack, open Watchbill's home "
          "tab and connect {} again.",
          providers::titles_with_sign_in()));
}

net::ServerResponse other_browser() {
  return trouble(403, "Wrong browser",
                 "This was begun in another browser, or this browser keeps no cookies. Nothing was "
                 "connected. Go back to "
                 "Slack and begin again, in one browser.");
}

/// Keeps a table from growing without bounds: the one that ends first goes.
template <class Map, class ExpiresOf>
void bound(Map& map, ExpiresOf expires_of) {
  while (map.size() > kMostKept) {
    map.erase(std::min_element(map.begin(), map.end(), [&](const auto& a, const auto& b) {
      return expires_of(a.second) < expires_of(b.second);
    }));
  }
}

std::string account_question(const WaitingAccount& account) {
  return modal_view(
      {.callback = "account", .title = "Is this the account?", .close = "Later"},
      {section(mrkdwn(fmt::format(
           "{} let Watchbill in: *{}*.\n{} Nothing is read from it before you say yes.", account.system,
           slack_name(account.account, 300),
           account.existing
               ? fmt::format("It would give new tokens to the connection *{}*; its rotations stay.",
                             slack_name(account.connection))
               : fmt::format("It would become the connection *{}*.", slack_name(account.connection))))),
       actions({button({kConfirmAccount, "Yes, use it", account.connection, Style::primary, {}, {}}),
                button({kRefuseAccount, "No, forget it", account.connection, Style::danger, {}, {}})},
               "account")});
}

}  // namespace

std::string no_browser_text(const config::Config& config, const providers::Adapter& adapter) {
  const std::string kind(adapter.kind);
  std::vector<std::string> missing;
  if (config.public_url.empty()) missing.emplace_back("`public_url`");
  if (config.provider(kind).oauth_client_id.empty()) missing.push_back("`" + kind + ".oauth_client_id`");
  if (missing.empty()) return "";
  return fmt::format(
      "{0} cannot be connected in the browser: {1} {2} not configured. There are two other ways: {3} "
      "(*Connect {0}*), or on the host `watchbill connection add {4} NAME --oauth`.",
      adapter.title, phrase(missing), missing.size() == 1 ? "is" : "are", adapter.sign_in->instead.back(),
      kind);
}

std::string no_browser_text(const config::Config& config) {
  std::string text;
  for (const auto& adapter : providers::adapters()) {
    if (!adapter.sign_in) continue;
    const auto why = no_browser_text(config, adapter);
    if (!why.empty()) text += (text.empty() ? "" : "\n") + why;
  }
  return text;
}

BrowserConnect::BrowserConnect(ScreenContext& screen) : screen_(screen) {}

BrowserWay BrowserConnect::way_for(const UserId& user, const providers::Adapter& adapter,
                                   const std::string& name, bool existing) {
  const auto& config = screen_.context().config;
  if (auto why = no_browser_text(config, adapter); !why.empty()) return {"", "", std::move(why)};
  forget_old();
  auto id = random_ticket();
  tickets_[id] = {user, &adapter, name, existing, screen_.loop().now() + kTicketLife};
  bound(tickets_, [](const Ticket& ticket) { return ticket.expires; });
  auto url = config.public_url + kStartPath + "?ticket=" + id;
  return {std::move(url), std::move(id), ""};
}

void BrowserConnect::opened(const Interaction& interaction, const std::string& ticket) {
  const auto found = tickets_.find(ticket);
  if (found != tickets_.end() && found->second.user == interaction.user)
    found->second.view = interaction.view;
}

std::vector<std::string> BrowserConnect::posts() {
  return {kStartPath};
}

net::Task<net::ServerResponse> BrowserConnect::page(net::ServerRequest request) {
  forget_old();
  const bool reading = request.method == "GET" || request.method == "HEAD";
  if (request.path == kStartPath && reading) co_return co_await show_start(std::move(request));
  if (request.path == kStartPath && request.method == "POST") co_return go(request);
  if (request.path == kCallbackPath && request.method == "GET")
    co_return co_await come_back(std::move(request));
  net::ServerResponse nothing;
  nothing.status = request.path == kStartPath || request.path == kCallbackPath ? 405 : 404;
  co_return nothing;
}

net::Task<net::ServerResponse> BrowserConnect::show_start(net::ServerRequest request) {
  const auto id = request.query_value("ticket").value_or("");
  const auto opened = tickets_.find(id);
  if (opened == tickets_.end()) co_return too_late();
  const auto asker = co_await screen_.name_of(opened->second.user);
  // It may have been used meanwhile.
  const auto found = tickets_.find(id);
  if (found == tickets_.end()) co_return too_late();
  auto cookie = random_ticket();
  const auto& adapter = *found->second.adapter;
  const auto origin = screen_.context().config.provider(std::string(adapter.kind)).identity_url;
  const std::string title(adapter.title);
  auto response =
      page_response({200, "Connect " + title,
                     fmt::format("{0} asked Watchbill to connect {1}, as \"{2}\". Go on only if that is you: "
                                 "whoever logs in at {1} now lets Watchbill read schedules with their "
                                 "account. It is used only after {0} has confirmed the account in Slack.",
                                 asker, title, found->second.connection),
                     ticket_form(kStartPath, id, "Go on to " + title), origin});
  response.headers.emplace_back(
      "Set-Cookie", fmt::format("{}={}; Path=/; Max-Age={}; Secure; HttpOnly; SameSite=Lax", kCookie, cookie,
                                std::chrono::duration_cast<seconds>(kTicketLife).count()));
  browsers_[std::move(cookie)] = {id, found->second.expires};
  bound(browsers_, [](const Browser& browser) { return browser.expires; });
  co_return response;
}

net::ServerResponse BrowserConnect::go(const net::ServerRequest& request) {
  // A page elsewhere cannot send this: the cookie does not go with requests that other sites make.
  const auto cookie = cookie_of(request);
  const auto browser = browsers_.find(cookie);
  if (browser == browsers_.end()) return other_browser();
  std::string id;
  for (const auto& [name, value] : net::decode_form(request.body)) {
    if (name == "ticket") id = value;
  }
  const auto found = tickets_.find(id);
  if (found == tickets_.end()) return too_late();
  if (browser->second.ticket != id) return other_browser();
  const auto& adapter = *found->second.adapter;
  auto app = control::oauth_app(screen_.context().config, adapter);
  if (!app) return trouble(500, "Not possible", app.error().message);
  auto authorization = providers::begin_authorization(screen_.context().config.public_url + kCallbackPath,
                                                      screen_.loop().now());
  net::ServerResponse response;
  response.status = 303;
  response.headers = {{"Location", adapter.sign_in->authorize_url(*app, authorization)},
                      {"Cache-Control", "no-store"},
                      {"Referrer-Policy", "no-referrer"}};
  auto state = authorization.state;
  under_way_[std::move(state)] = {std::move(authorization), cookie, found->second};
  bound(under_way_, [](const UnderWay& one) { return one.authorization.expires_at; });
  // From here on the state counts, and it counts once.
  tickets_.erase(found);
  browsers_.erase(browser);
  return response;
}

net::Task<net::ServerResponse> BrowserConnect::come_back(net::ServerRequest request) {
  const auto found = under_way_.find(request.query_value("state").value_or(""));
  if (found == under_way_.end()) co_return too_late();
  auto under_way = std::move(found->second);
  under_way_.erase(found);
  if (!same_ticket(under_way.cookie, cookie_of(request))) co_return other_browser();
  const std::string title(under_way.ticket.adapter->title);
  auto code = providers::read_callback(title, under_way.authorization, request.query, screen_.loop().now());
  if (!code) {
    const bool refused = code.error().kind == ErrorKind::cancelled;
    co_return trouble(refused ? 200 : 400, refused ? "Nothing was connected" : "That did not work",
                      code.error().message + ". You can close this page.");
  }
  const auto ticket = under_way.ticket;
  auto account = co_await take_tokens(std::move(under_way), *std::move(code));
  if (!account) {
    spdlog::warn("connecting {} for {}: {}", title, ticket.user, account.error().message);
    const bool expired = account.error().kind == ErrorKind::unauthorized;
    co_return trouble(expired ? 410 : 502, title + " was not connected",
                      account.error().message + ". Go back to Slack and try again.");
  }
  spdlog::info("{} let {} in ({}): waiting for a word in Slack", title, ticket.user, account->account);
  tell_asker(ticket, *account);
  co_return page_response({200,
                           "One more step, in Slack",
                           fmt::format("{} let Watchbill in: {}. Go back to Slack and confirm that "
                                       "this is the right account; until "
                                       "then nothing is read from it. You can close this page.",
                                       title, account->account),
                           {},
                           {}});
}

net::Task<Result<WaitingAccount>> BrowserConnect::take_tokens(UnderWay under_way, Secret code) {
  auto& context = screen_.context();
  const auto& ticket = under_way.ticket;
  // The asker's rights are those of now, not of ten minutes ago.
  auto caller = co_await who_is(screen_, ticket.user);
  if (!caller) co_return caller.error();
  if (auto ok = control::allowed(context, *caller, Action::connect, {}); !ok)
    co_return fail(ErrorKind::forbidden, "who asked for it may not change connections any more");
  const auto& adapter = *ticket.adapter;
  auto connection = co_await connection_for(ticket);
  if (!connection) co_return connection.error();
  auto app = control::oauth_app(context.config, adapter);
  if (!app) co_return app.error();
  auto name = connection->name;
  auto exchanged = co_await adapter.sign_in->exchange_code(context.loop, context.http, *std::move(app),
                                                           std::move(under_way.authorization),
                                                           std::move(code), *std::move(connection));
  if (!exchanged) co_return exchanged.error();
  // From here on a yes to the account that waited under this name would be one to the new tokens.
  waiting_.erase(name);
  auto held = co_await control::hold_connection(context, *caller, *exchanged);
  if (!held) co_return held.error();
  auto account = co_await control::held_account(context, name);
  if (!account) {
    auto gone = co_await control::forget_held(context, *caller, name);
    if (!gone) spdlog::warn("forgetting held tokens: {}", gone.error().message);
    co_return account.error();
  }
  WaitingAccount waiting{name,     ticket.user,     std::string(adapter.title),
                         *account, ticket.existing, context.loop.now()};
  waiting_.insert_or_assign(name, waiting);
  if (auto kept = co_await keep_waiting(); !kept) co_return kept.error();
  screen_.changed();
  co_return waiting;
}

net::Task<Result<Connection>> BrowserConnect::connection_for(Ticket ticket) {
  const auto find = [name = ticket.connection, kind = std::string(ticket.adapter->kind),
                     existing = ticket.existing](store::Store& store) -> Result<Connection> {
    if (existing) return store.connections().get(name);
    if (control::refuse_taken_name(store, name)) return Connection{name, kind};
    auto free = control::free_name(store, kind);
    if (!free) return free.error();
    return Connection{*std::move(free), kind};
  };
  co_return co_await screen_.context().store.run(find);
}

void BrowserConnect::tell_asker(const Ticket& ticket, const WaitingAccount& account) {
  if (ticket.view.empty()) return;
  struct Update {
    static net::Task<void> run(ScreenContext& screen, std::string view, std::string drawn) {
      co_await screen.update(std::move(view), std::move(drawn), {});
    }
  };
  screen_.spawn(Update::run(screen_, ticket.view, account_question(account)));
}

std::vector<WaitingAccount> BrowserConnect::waiting_for(const UserId& user) const {
  std::vector<WaitingAccount> mine;
  for (const auto& [name, account] : waiting_) {
    if (account.asker == user) mine.push_back(account);
  }
  return mine;
}

net::Task<void> BrowserConnect::open_account(UserId user, std::string trigger, std::string connection) {
  co_await screen_.open(std::move(trigger), "Is this the account?",
                        account_view(std::move(user), std::move(connection)));
}

net::Task<std::string> BrowserConnect::account_view(UserId user, std::string connection) {
  auto caller = co_await who_is(screen_, user);
  if (!caller) co_return notice_modal("Is this the account?", error_text(caller.error()));
  if (auto ok = control::allowed(screen_.context(), *caller, Action::connect, {}); !ok)
    co_return notice_modal("Is this the account?", error_text(ok.error()));
  const auto found = waiting_.find(connection);
  if (found == waiting_.end() || found->second.asker != user)
    co_return notice_modal("Too late", "Nothing waits for your word here any more.");
  co_return account_question(found->second);
}

net::Task<void> BrowserConnect::confirm(Interaction interaction, std::string connection, bool right) {
  const auto tell = [&](const char* title, const std::string& text) {
    return screen_.update(interaction.view, notice_modal(title, text), {});
  };
  auto& context = screen_.context();
  auto caller = co_await who_is(screen_, interaction.user);
  if (!caller) {
    co_await tell("Not connected", error_text(caller.error()));
    co_return;
  }
  if (auto ok = control::allowed(context, *caller, Action::connect, {}); !ok) {
    co_await tell("Not connected", error_text(ok.error()));
    co_return;
  }
  const auto found = waiting_.find(connection);
  if (found == waiting_.end() || found->second.asker != interaction.user) {
    co_await tell("Not connected", "Only who asked for it can confirm the account, and only within an hour.");
    co_return;
  }
  // A second click, while the first is carried out.
  if (!deciding_.insert(connection).second) co_return;
  const auto account = found->second;
  auto deciding = right ? control::confirm_held(context, *caller, connection)
                        : control::forget_held(context, *caller, connection);
  auto done = co_await std::move(deciding);
  deciding_.erase(connection);
  if (done) {
    // Other tokens may have come for this name meanwhile.
    const auto waits = waiting_.find(connection);
    if (waits != waiting_.end() && waits->second.at == account.at) waiting_.erase(waits);
    screen_.changed();
    screen_.choices().warm();
    if (auto kept = co_await keep_waiting(); !kept) spdlog::warn("Slack app: {}", kept.error().message);
  }
  if (!done) {
    co_await tell("Not connected", error_text(done.error()));
  } else if (right) {
    co_await tell("Connected", fmt::format("*{}* is connected.", slack_name(connection)));
  } else {
    co_await tell("Forgotten", "The tokens are deleted here. Nothing was read with them.");
  }
}

void BrowserConnect::forget_old() {
  const auto now = screen_.loop().now();
  std::erase_if(tickets_, [&](const auto& item) { return now >= item.second.expires; });
  std::erase_if(browsers_, [&](const auto& item) { return now >= item.second.expires; });
  std::erase_if(under_way_, [&](const auto& item) { return now >= item.second.authorization.expires_at; });
}

}  // namespace watchbill::slack_app
