#include <algorithm>

#include "base/base64.hpp"
#include "slack_app/systems/browser_connect.hpp"
#include "tests/unit/slack_app/room.hpp"

using namespace watchbill;
using namespace watchbill::test;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string base64url(const std::string& bytes) {
  auto text = base64(bytes);
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  while (text.ends_with('=')) text.pop_back();
  return text;
}

/// A workspace in which PagerDuty can be connected in the browser, and the PagerDuty that does it.
struct BrowserRoom : AppRoom {
  std::string scopes = "openid oncalls.read schedules.read users.read";
  std::string region = "us";
  bool code_expired = false;
  std::vector<std::string> token_requests;

  BrowserRoom() {
    world.config.public_url = "https://watchbill.example.com";
    world.config.providers["pagerduty"].oauth_client_id = "CID";
    world.http.answer = [this](const net::HttpRequest& request) { return answer(request); };
  }

  Result<net::HttpResponse> answer(const net::HttpRequest& request) {
    const auto url = *net::parse_url(request.url);
    if (url.host == "identity.pagerduty.com") {
      token_requests.push_back(request.body);
      if (code_expired) return providers::fakes::answer(400, R"({"error":"invalid_grant"})");
      json::Writer claims;
      claims.begin_object().key("aud").begin_array().value("CID");
      if (region == "eu") claims.value("https://api.eu.pagerduty.com");
      claims.end_array().end_object();
      json::Writer w;
      w.begin_object().field("access_token", "pdus+access").field("refresh_token", "pdus+refresh");
      w.field("scope", scopes).field("token_type", "bearer").field("expires_in", 86400);
      w.field("id_token", base64url("{}") + "." + base64url(claims.take()) + ".sig").end_object();
      return providers::fakes::answer(200, w.take());
    }
    if (has(url.path, "/users/me"))
      return providers::fakes::answer(200, R"({"user":{"id":"P1","name":"Ada Example"}})");
    return providers::fakes::answer(
        200,
        R"({"schedules":[{"id":"P1","name":"x","html_url":"https://acme.pagerduty.com/schedules/P1","escalation_policies":[]}],"more":false})");
  }

  /// Opens the form in Slack and clicks the button; the link that it leads to.
  std::string ask(const std::string& user) {
    open_home(user);
    advance(5s);
    click_home(user, R"({"action_id":"connect:pagerduty","value":"pagerduty"})");
    advance(3s);
    const auto view = modal_json();
    const auto at = view.find("/oauth/start?ticket=");
    REQUIRE(at != std::string::npos);
    auto link = view.substr(at, view.find('"', at) - at);
    click(user, R"({"action_id":"open_browser","block_id":"browser","value":")" + ticket_of(link) + "\"}");
    return link;
  }
  static std::string cookie_of(const net::ServerResponse& page) {
    const auto header = net::find_header(page.headers, "Set-Cookie");
    if (!header) return "";
    return std::string(header->substr(0, header->find(';')));
  }
  static std::string ticket_of(const std::string& link) { return link.substr(link.find('=') + 1); }
  struct Gone {
    std::string cookie;
    std::string state;
    std::string location;
  };
  /// Opens the page and presses the button on it.
  Gone go(const std::string& link) {
    const auto first = page("GET", link);
    REQUIRE(first.status == 200);
    Gone gone{cookie_of(first), {}, {}};
    const auto second = page("POST", "/oauth/start", gone.cookie, "ticket=" + ticket_of(link));
    REQUIRE(second.status == 303);
    gone.location = std::string(*net::find_header(second.headers, "Location"));
    for (const auto& [name, value] : net::decode_form(gone.location.substr(gone.location.find('?') + 1)))
      if (name == "state") gone.state = value;
    return gone;
  }
  net::ServerResponse come_back(const Gone& gone) {
    auto response = page("GET", "/oauth/callback?code=the-code&state=" + gone.state, gone.cookie);
    advance(1s);
    return response;
  }
  [[nodiscard]] bool connected() const { return world.store->connections().get("pagerduty").ok(); }
};

}  // namespace

TEST_CASE("PagerDuty is connected in the browser, and used only after the asker's yes") {
  BrowserRoom room;
  const auto link = room.ask("UEDITOR");
  const auto first = room.page("GET", link);
  CHECK(has(first.body, "asked Watchbill to connect PagerDuty"));
  const auto gone = room.go(link);
  CHECK(gone.location.starts_with("https://identity.pagerduty.com/oauth/authorize?"));
  CHECK(has(gone.location, "code_challenge_method=S256"));
  const auto back = room.come_back(gone);
  CHECK(back.status == 200);
  CHECK(has(back.body, "acme.pagerduty.com, as Ada Example"));
  CHECK_FALSE(room.connected());
  CHECK(good(room.world.store->connections().list()).size() == 1);
  CHECK(has(room.modal(), "*acme.pagerduty.com, as Ada Example*"));
  CHECK(has(room.home("UEDITOR"), "Is that the account for *pagerduty*?"));
  room.click("UEDITOR", R"({"action_id":"account_confirm","value":"pagerduty"})");
  room.advance(2s);
  CHECK(room.connected());
  CHECK(has(room.modal(), "*pagerduty* is connected"));
  const auto stored = *room.world.store->connections().get("pagerduty");
  CHECK(stored.secrets.at("refresh_token").reveal() == "pdus+refresh");
  CHECK(stored.settings.at("region") == "us");
}

TEST_CASE("two clicks on the yes to an account are one, however slow the store is") {
  BrowserRoom room;
  room.come_back(room.go(room.ask("UEDITOR")));
  room.world.executor.pace = [] { return SimExecutor::Pace{2s, 1s}; };
  const auto* yes = R"({"action_id":"account_confirm","value":"pagerduty"})";
  room.click("UEDITOR", yes);
  room.advance(500ms);
  room.click("UEDITOR", yes);
  room.advance(1min);
  CHECK(room.connected());
  CHECK(has(room.modal(), "*pagerduty* is connected"));
  CHECK_FALSE(has(room.home("UEDITOR"), "Is that the account"));
  for (const auto& view : room.screens.sent) CHECK_FALSE(has(view, "Not connected"));
}

TEST_CASE("what waits for a word is taken up however slowly, and nothing of it is lost meanwhile") {
  BrowserRoom room;
  room.come_back(room.go(room.ask("UEDITOR")));
  room.world.executor.pace = [] { return SimExecutor::Pace{2s, 1s}; };
  room.restart();
  room.advance(1min);
  room.restart();
  room.open_home("UEDITOR");
  room.advance(1min);
  CHECK(has(room.home("UEDITOR"), "Is that the account for *pagerduty*?"));
}

TEST_CASE("an account in Europe is asked in Europe") {
  BrowserRoom room;
  room.region = "eu";
  room.come_back(room.go(room.ask("UEDITOR")));
  room.click("UEDITOR", R"({"action_id":"account_confirm","value":"pagerduty"})");
  room.advance(2s);
  CHECK(room.world.store->connections().get("pagerduty")->settings.at("region") == "eu");
}

TEST_CASE("a wrong account is forgotten, and so is one without a word for an hour") {
  BrowserRoom room;
  room.come_back(room.go(room.ask("UEDITOR")));
  SECTION("no") {
    room.click("UEDITOR", R"({"action_id":"account_refuse","value":"pagerduty"})");
    room.advance(2s);
    CHECK(has(room.modal(), "The tokens are deleted"));
  }
  SECTION("no word") {
    room.advance(62min);
  }
  CHECK_FALSE(room.connected());
  CHECK_FALSE(room.world.store->connections().get("pagerduty.held").ok());
  room.click("UEDITOR", R"({"action_id":"account_confirm","value":"pagerduty"})");
  room.advance(2s);
  CHECK_FALSE(room.connected());
}

TEST_CASE("nobody else can confirm the account, also not another editor, also not after a restart") {
  BrowserRoom room;
  room.world.slack.add_user("UBOSS", "boss@example.com");
  room.world.slack.users.at(UserId("UBOSS")).admin = true;
  room.come_back(room.go(room.ask("UEDITOR")));
  room.click("UBOSS", R"({"action_id":"account_confirm","value":"pagerduty"})");
  room.advance(2s);
  CHECK(has(room.modal(), "Only who asked for it"));
  CHECK_FALSE(room.connected());
  room.open_home("UBOSS");
  room.advance(3s);
  CHECK_FALSE(has(room.home("UBOSS"), "Is that the account"));
  room.restart();
  room.open_home("UEDITOR");
  room.advance(3s);
  CHECK(has(room.home("UEDITOR"), "Is that the account"));
  room.click_home("UEDITOR", R"({"action_id":"account_look","value":"pagerduty"})");
  room.advance(3s);
  room.click("UEDITOR", R"({"action_id":"account_confirm","value":"pagerduty"})");
  room.advance(2s);
  CHECK(room.connected());
}

TEST_CASE("a state counts once") {
  BrowserRoom room;
  const auto gone = room.go(room.ask("UEDITOR"));
  CHECK(room.come_back(gone).status == 200);
  const auto again = room.come_back(gone);
  CHECK(again.status == 410);
  CHECK(has(again.body, "used already"));
  CHECK(room.token_requests.size() == 1);
}

TEST_CASE("another browser, or one without the cookie, connects nothing, and uses the state up") {
  BrowserRoom room;
  for (const std::string cookie :
       {"", "__Host-watchbill=", "__Host-watchbill=0123456789abcdef0123456789abcdef"}) {
    auto gone = room.go(room.ask("UEDITOR"));
    const auto right = gone.cookie;
    gone.cookie = cookie;
    CHECK(room.come_back(gone).status == 403);
    gone.cookie = "other=1; " + right;
    CHECK(room.come_back(gone).status == 410);
  }
  CHECK(room.token_requests.empty());
}

TEST_CASE("another site cannot start it, and a ticket leads to PagerDuty once") {
  BrowserRoom room;
  const auto link = room.ask("UEDITOR");
  const auto body = "ticket=" + BrowserRoom::ticket_of(link);
  CHECK(room.page("POST", "/oauth/start", "", body).status == 403);
  const auto page = room.page("GET", link);
  const auto cookie = BrowserRoom::cookie_of(page);
  CHECK(has(std::string(*net::find_header(page.headers, "Set-Cookie")),
            "; Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax"));
  CHECK(room.page("POST", "/oauth/start", cookie, "ticket=0123").status == 410);
  CHECK(room.page("POST", "/oauth/start", cookie, body).status == 303);
  CHECK(room.page("POST", "/oauth/start", cookie, body).status == 403);
  CHECK(room.page("GET", link).status == 410);
}

TEST_CASE("everything expires after ten minutes") {
  BrowserRoom room;
  const auto link = room.ask("UEDITOR");
  const auto other = room.go(room.ask("UEDITOR"));
  room.advance(11min);
  CHECK(room.page("GET", link).status == 410);
  CHECK(room.come_back(other).status == 410);
}

TEST_CASE("refused at PagerDuty, an expired code and missing scopes are told plainly, and nothing is kept") {
  BrowserRoom room;
  const auto gone = room.go(room.ask("UEDITOR"));
  SECTION("refused") {
    const auto page =
        room.page("GET", "/oauth/callback?error=access_denied&state=" + gone.state, gone.cookie);
    CHECK(page.status == 200);
    CHECK(has(page.body, "Nothing was connected"));
  }
  SECTION("the code is too old") {
    room.code_expired = true;
    CHECK(has(room.come_back(gone).body, "PagerDuty was not connected"));
  }
  SECTION("a scope is missing") {
    room.scopes = "openid oncalls.read";
    const auto page = room.come_back(gone);
    CHECK(page.status == 502);
    CHECK(has(page.body, "schedules.read"));
  }
  CHECK_FALSE(room.connected());
  CHECK_FALSE(room.world.store->connections().get("pagerduty.held").ok());
}

TEST_CASE("rights that were lost in between count") {
  BrowserRoom room;
  const auto gone = room.go(room.ask("UEDITOR"));
  room.world.slack.users.at(UserId("UEDITOR")).admin = false;
  room.advance(6min);
  CHECK(has(room.come_back(gone).body, "may not change connections any more"));
  CHECK(room.token_requests.empty());
}

TEST_CASE("authorizing again keeps the connection and its rotations") {
  BrowserRoom room;
  room.come_back(room.go(room.ask("UEDITOR")));
  room.click("UEDITOR", R"({"action_id":"account_confirm","value":"pagerduty"})");
  room.advance(2s);
  room.click_home("UEDITOR", R"({"action_id":"system_menu","selected_option":{"value":"update:pagerduty"}})");
  room.advance(3s);
  const auto view = room.modal_json();
  const auto at = view.find("/oauth/start?ticket=");
  REQUIRE(at != std::string::npos);
  room.come_back(room.go(view.substr(at, view.find('"', at) - at)));
  CHECK(has(room.home("UEDITOR"), "Is that the account for *pagerduty*?"));
  room.click_home("UEDITOR", R"({"action_id":"account_look","value":"pagerduty"})");
  room.advance(3s);
  CHECK(has(room.modal(), "its rotations stay"));
  room.click("UEDITOR", R"({"action_id":"account_confirm","value":"pagerduty"})");
  room.advance(2s);
  CHECK(good(room.world.store->connections().list()).size() == 2);
}

TEST_CASE("the pages keep to themselves, lead nowhere else, and show nobody's name as HTML") {
  BrowserRoom room;
  room.world.slack.users.at(UserId("UEDITOR")).name = "<script>alert(1)</script>";
  const auto page = room.page("GET", room.ask("UEDITOR"));
  CHECK_FALSE(has(page.body, "<script>"));
  CHECK(has(page.body, "&lt;script&gt;"));
  CHECK(*net::find_header(page.headers, "Cache-Control") == "no-store");
  CHECK(*net::find_header(page.headers, "Referrer-Policy") == "no-referrer");
  const auto policy = std::string(*net::find_header(page.headers, "Content-Security-Policy"));
  CHECK(has(policy, "frame-ancestors 'none'"));
  CHECK(has(policy, "form-action 'self' https://identity.pagerduty.com"));
  for (const auto* path : {"/oauth/", "/oauth/other", "/oauth/start/x", "/oauth/callback/"})
    CHECK(room.page("GET", path).status == 404);
  CHECK(room.page("GET", "/oauth/callback?next=https://evil.example").status == 410);
  CHECK(room.page("DELETE", "/oauth/start").status == 405);
  CHECK(room.page("GET", "/oauth/start").status == 410);
}

TEST_CASE("without a public address the form says so and offers the other ways") {
  AppRoom room;
  room.open_home("UEDITOR");
  room.advance(5s);
  CHECK(has(room.home("UEDITOR"), "`public_url` and `pagerduty.oauth_client_id` are not configured"));
  CHECK(has(room.home("UEDITOR"), "`watchbill connection add pagerduty NAME --oauth`"));
  room.click_home("UEDITOR", R"({"action_id":"connect:pagerduty","value":"pagerduty"})");
  room.advance(3s);
  CHECK(has(room.modal(), "Client id of the scoped app"));
  room.click("UEDITOR", R"({"action_id":"way","block_id":"ways","selected_option":{"value":"browser"}})");
  room.advance(1s);
  CHECK(has(room.modal(), "PagerDuty cannot be connected in the browser"));
}
