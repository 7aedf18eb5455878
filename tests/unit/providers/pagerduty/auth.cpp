#include "providers/pagerduty/auth.hpp"

#include "tests/support/catch.hpp"
#include "tests/unit/providers/fakes.hpp"

using namespace watchbill;
using namespace watchbill::providers;
using namespace watchbill::providers::pagerduty;
using Catch::Matchers::ContainsSubstring;

namespace {

/// PagerDuty's token endpoint: refresh tokens work once.
struct TokenServer {
  int minted = 0;
  std::string live_refresh = "refresh-0";
  std::optional<Result<net::HttpResponse>> instead{};

  Result<net::HttpResponse> operator()(const net::HttpRequest& request) {
    if (instead) return *instead;
    const auto form = net::decode_form(request.body);
    const auto field = [&](std::string_view name) {
      for (const auto& [key, value] : form)
        if (key == name) return value;
      return std::string();
    };
    if (field("client_secret") != "s+cret&") return fakes::answer(401, R"({"error":"invalid_client"})");
    const bool refresh = field("grant_type") == "refresh_token";
    if (refresh && field("refresh_token") != live_refresh)
      return fakes::answer(400,
                           R"({"error":"invalid_grant","error_description":"The refresh token is spent"})");
    if (!refresh && field("scope") != "as_account-eu.acme oncalls.read schedules.read users.read")
      return fakes::answer(400, R"({"error":"invalid_request","error_description":"Invalid scope"})");
    ++minted;
    live_refresh = "refresh-" + std::to_string(minted);
    std::string body =
        R"({"access_token":"access-)" + std::to_string(minted) + R"(","expires_in":36000,"scope":"read")";
    if (refresh) body += R"(,"refresh_token":")" + live_refresh + "\"";
    return fakes::answer(200, body + "}");
  }
};

Connection base() {
  Connection connection;
  connection.name = "pd";
  connection.kind = "pagerduty";
  connection.settings = {
      {"region", "eu"}, {"client_id", "id"}, {"identity_url", "https://identity.pagerduty.com"}};
  connection.secrets["client_secret"] = Secret("s+cret&");
  return connection;
}

Connection app_connection() {
  auto connection = base();
  connection.settings["subdomain"] = "acme";
  return connection;
}

Connection user_connection(Instant expires) {
  auto connection = base();
  connection.secrets["access_token"] = Secret("access-0");
  connection.secrets["refresh_token"] = Secret("refresh-0");
  connection.settings["token_expires_at"] = format_rfc3339(expires);
  return connection;
}

struct Desk {
  TokenServer server;
  fakes::World world{[this](const net::HttpRequest& request) { return server(request); }};

  std::string ask(Auth& auth) {
    const auto header = world.loop.run_until_done(auth.authorization());
    return header ? header->reveal() : std::string(name_of(header.error().kind));
  }
};

net::Task<void> ask_into(Auth& auth, std::vector<std::string>& out) {
  const auto header = co_await auth.authorization();
  out.push_back(header ? header->reveal() : header.error().message);
}

}  // namespace

TEST_CASE("an API key goes out as Token token=") {
  Desk desk;
  Connection connection;
  connection.secrets["api_key"] = Secret("k");
  Auth auth(connection, desk.world.context);
  CHECK(desk.ask(auth) == "Token token=k");
  CHECK_FALSE(auth.rejected(Secret("Token token=k")));
  CHECK(desk.world.http.requests.empty());
}

TEST_CASE("an app token is fetched once, kept, and renewed before it ends") {
  Desk desk;
  Auth auth(app_connection(), desk.world.context);
  CHECK(desk.ask(auth) == "Bearer access-1");
  CHECK(desk.world.http.requests.at(0).url == "https://identity.pagerduty.com/oauth/token");
  CHECK(desk.world.http.requests.at(0).body_is_secret);
  CHECK(desk.world.keeper.stored.secrets.at("access_token").reveal() == "access-1");
  CHECK(desk.ask(auth) == "Bearer access-1");
  // 10 h of life: due 1 h before the end.
  desk.world.loop.advance(9h - 1min);
  CHECK(desk.ask(auth) == "Bearer access-1");
  desk.world.loop.advance(2min);
  CHECK(desk.ask(auth) == "Bearer access-2");
}

TEST_CASE("a kept app token is used by the next run, unless it belongs to another app or account") {
  Desk desk;
  auto connection = app_connection();
  Auth first(connection, desk.world.context);
  REQUIRE(desk.ask(first) == "Bearer access-1");
  for (const auto& [key, value] : desk.world.keeper.stored.settings) connection.settings[key] = value;
  for (const auto& [key, value] : desk.world.keeper.stored.secrets) connection.secrets[key] = value;

  Auth second(connection, desk.world.context);
  CHECK(desk.ask(second) == "Bearer access-1");
  // The proof of the credentials asks for a token of its own.
  second.try_credentials_anew();
  CHECK(desk.ask(second) == "Bearer access-2");

  connection.settings["client_id"] = "other";
  Auth third(connection, desk.world.context);
  CHECK(desk.ask(third) == "Bearer access-3");
}

TEST_CASE("an app token that cannot be kept is used all the same") {
  Desk desk;
  desk.world.keeper.broken = true;
  Auth auth(app_connection(), desk.world.context);
  CHECK(desk.ask(auth) == "Bearer access-1");
  CHECK(desk.ask(auth) == "Bearer access-1");
}

TEST_CASE("rotated user tokens are on disk before they are used") {
  Desk desk;
  Auth auth(user_connection(desk.world.loop.now() - 1s), desk.world.context);
  desk.world.keeper.broken = true;
  CHECK(desk.ask(auth) == "storage");
  CHECK(desk.ask(auth) == "storage");
  // The new pair is not lost meanwhile: the old refresh token is spent.
  CHECK(desk.server.minted == 1);
  desk.world.keeper.broken = false;
  CHECK(desk.ask(auth) == "Bearer access-1");
  CHECK(desk.world.keeper.stored.secrets.at("refresh_token").reveal() == "refresh-1");
  CHECK(desk.world.keeper.stored.secrets.at("access_token").reveal() == "access-1");
  CHECK(desk.server.minted == 1);
}

TEST_CASE("a renewal is under way until the new pair is on disk") {
  Desk desk;
  Auth auth(user_connection(desk.world.loop.now() - 1s), desk.world.context);
  CHECK_FALSE(auth.renewing());
  desk.world.keeper.broken = true;
  std::vector<std::string> headers;
  net::TaskScope scope;
  scope.spawn(ask_into(auth, headers));
  CHECK(auth.renewing());
  desk.world.loop.advance(1s);
  REQUIRE(headers.size() == 1);
  CHECK(auth.renewing());
  desk.world.keeper.broken = false;
  CHECK(desk.ask(auth) == "Bearer access-1");
  CHECK_FALSE(auth.renewing());
}

TEST_CASE("ten calls at once refresh once") {
  Desk desk;
  Auth auth(user_connection(desk.world.loop.now() - 1s), desk.world.context);
  std::vector<std::string> headers;
  net::TaskScope scope;
  for (int i = 0; i < 10; ++i) scope.spawn(ask_into(auth, headers));
  desk.world.loop.advance(1s);
  CHECK(headers == std::vector<std::string>(10, "Bearer access-1"));
  CHECK(desk.world.http.requests.size() == 1);
}

TEST_CASE("a refresh goes on when the caller that began it goes") {
  Desk desk;
  Auth auth(user_connection(desk.world.loop.now() - 1s), desk.world.context);
  std::vector<std::string> headers;
  {
    net::TaskScope scope;
    scope.spawn(ask_into(auth, headers));
  }
  desk.world.loop.advance(1s);
  CHECK(headers.empty());
  CHECK(desk.world.keeper.stored.secrets.at("refresh_token").reveal() == "refresh-1");
  CHECK(desk.ask(auth) == "Bearer access-1");
}

TEST_CASE("a spent refresh token needs a person, and is not tried all the time") {
  Desk desk;
  desk.server.live_refresh = "another";
  Auth auth(user_connection(desk.world.loop.now() - 1s), desk.world.context);
  const auto refused = desk.world.loop.run_until_done(auth.authorization());
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().kind == ErrorKind::unauthorized);
  CHECK(refused.error().code == "invalid_grant");
  CHECK_THAT(refused.error().message, ContainsSubstring("connect PagerDuty again"));
  CHECK(desk.ask(auth) == "unauthorized");
  CHECK(desk.world.http.requests.size() == 1);
  desk.world.loop.advance(6min);
  CHECK(desk.ask(auth) == "unauthorized");
  CHECK(desk.world.http.requests.size() == 2);
}

TEST_CASE("a renewal ahead of time that fails leaves the old token in use") {
  Desk desk;
  Auth auth(user_connection(desk.world.loop.now() + 10h), desk.world.context);
  CHECK(desk.ask(auth) == "Bearer access-0");
  desk.server.instead = fakes::answer(503, "<html>");
  desk.world.loop.advance(9h + 1min);
  CHECK(desk.ask(auth) == "Bearer access-0");
  desk.world.loop.advance(1h);
  CHECK(desk.ask(auth) == "server_error");
  desk.server.instead.reset();
  CHECK(desk.ask(auth) == "Bearer access-1");
}

TEST_CASE("a token that is refused is renewed once") {
  Desk desk;
  Auth auth(user_connection(desk.world.loop.now() + 10h), desk.world.context);
  CHECK(auth.rejected(Secret("Bearer access-0")));
  CHECK(desk.ask(auth) == "Bearer access-1");
  // Another call that still used the old one finds it renewed.
  CHECK(auth.rejected(Secret("Bearer access-0")));
  CHECK(desk.ask(auth) == "Bearer access-1");
  // A new token that is refused at once would not get better.
  CHECK_FALSE(auth.rejected(Secret("Bearer access-1")));
  CHECK(desk.server.minted == 1);
  // One that has worked was taken back meanwhile.
  auth.accepted();
  CHECK(auth.rejected(Secret("Bearer access-1")));
  CHECK(desk.ask(auth) == "Bearer access-2");
}

TEST_CASE("what the token endpoint refuses names the fix and no secret") {
  const auto message = [](int status, const std::string& body) {
    const auto error = explain_token(fakes::answer(status, body), "pd");
    REQUIRE(error);
    CHECK(error->kind == ErrorKind::unauthorized);
    return error->message;
  };
  CHECK_THAT(message(401, "<html>no</html>"),
             ContainsSubstring("watchbill connection update pd --client-id"));
  CHECK_THAT(message(400, R"({"error":"invalid_client"})"), ContainsSubstring("--client-secret-file"));
  CHECK_THAT(
      message(400, R"({"error":"invalid_request","error_description":"Invalid scope"})"),
      ContainsSubstring("oncalls.read schedules.read users.read") && ContainsSubstring("Invalid scope"));
  CHECK(explain_token(fakes::answer(500, ""), "pd")->kind == ErrorKind::server);
  CHECK(explain_token(fakes::answer(429, ""), "pd")->kind == ErrorKind::rate_limited);
  CHECK_FALSE(explain_token(fakes::answer(200, ""), "pd"));
}
