#include "providers/pagerduty/oauth.hpp"

#include <sodium.h>

#include <set>

#include "providers/pagerduty/auth.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/providers/fakes.hpp"

using namespace watchbill;
using namespace watchbill::providers;
using namespace watchbill::providers::pagerduty;

namespace {

const Instant kNow{milliseconds(1'795'338'000'000)};

std::string base64url(const std::string& text) {
  const int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::string out(sodium_base64_encoded_len(text.size(), variant), '\0');
  sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                    variant);
  out.pop_back();
  return out;
}

std::string jwt(const std::string& claims) {
  return base64url(R"({"alg":"RS256"})") + "." + base64url(claims) + ".signature";
}

std::string value_of(const net::Fields& fields, std::string_view name) {
  for (const auto& [key, value] : fields) {
    if (key == name) return value;
  }
  return "";
}

const OAuthApp kApp{"client-1", Secret("s+cret&"), "https://identity.pagerduty.com", ""};

/// PagerDuty, which knows one code and checks the verifier against the challenge it was shown.
struct Identity {
  std::string challenge;
  std::string redirect_uri;
  std::string scope = "openid oncalls.read schedules.read users.read";
  std::string claims = R"({"aud":["client-1","https://api.eu.pagerduty.com"]})";
  int exchanged = 0;

  Result<net::HttpResponse> operator()(const net::HttpRequest& request) {
    CHECK(request.url == "https://identity.pagerduty.com/oauth/token");
    CHECK(request.body_is_secret);
    const auto form = net::decode_form(request.body);
    if (value_of(form, "client_secret") != "s+cret&")
      return fakes::answer(401, R"({"error":"invalid_client"})");
    const auto verifier = value_of(form, "code_verifier");
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, reinterpret_cast<const unsigned char*>(verifier.data()), verifier.size());
    const bool proven = base64url(std::string(reinterpret_cast<const char*>(hash), sizeof hash)) == challenge;
    if (!proven || value_of(form, "code") != "c+de" || value_of(form, "redirect_uri") != redirect_uri ||
        ++exchanged > 1)
      return fakes::answer(400, R"({"error":"invalid_grant","error_description":"The code is spent"})");
    return fakes::answer(200, R"({"token_type":"bearer","access_token":"pdus+_A","refresh_token":"pdus+_R",)"
                              R"("scope":")" +
                                  scope + R"(","expires_in":86400,"id_token":")" + jwt(claims) + "\"}");
  }
};

/// One authorization against that server.
struct Desk {
  Identity identity;
  fakes::World world{[this](const net::HttpRequest& request) { return identity(request); }};
  Authorization authorization = begin_authorization("https://watchbill.example.com/oauth/callback", kNow);

  Desk() {
    const auto url = authorize_url(kApp, authorization);
    const auto query = net::decode_form(url.substr(url.find('?') + 1));
    identity.challenge = value_of(query, "code_challenge");
    identity.redirect_uri = value_of(query, "redirect_uri");
  }
  Result<Connection> exchange(const OAuthApp& app = kApp, Connection connection = {"pd", "pagerduty"}) {
    return world.loop.run_until_done(
        exchange_code(world.loop, world.http, app, authorization, Secret("c+de"), std::move(connection)));
  }
};

}  // namespace

TEST_CASE("the authorize URL asks for the least scopes, with a challenge and no secret") {
  const auto authorization = begin_authorization("http://127.0.0.1:8910/callback", kNow);
  const auto url = authorize_url(kApp, authorization);
  CHECK(url.starts_with("https://identity.pagerduty.com/oauth/authorize?"));
  const auto query = net::decode_form(url.substr(url.find('?') + 1));
  CHECK(value_of(query, "client_id") == "client-1");
  CHECK(value_of(query, "redirect_uri") == "http://127.0.0.1:8910/callback");
  CHECK(value_of(query, "response_type") == "code");
  CHECK(value_of(query, "scope") == "oncalls.read schedules.read users.read");
  CHECK(value_of(query, "state") == authorization.state);
  CHECK(value_of(query, "code_challenge_method") == "S256");
  CHECK(url.find(authorization.verifier.reveal()) == std::string::npos);
  CHECK(url.find("s+cret") == std::string::npos);
  CHECK(url.find("s%2Bcret") == std::string::npos);
}

TEST_CASE("the example of RFC 7636 gives its challenge") {
  Authorization authorization{
      "state", Secret("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), "https://x", {}};
  CHECK(authorize_url(kApp, authorization)
            .find("code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&") != std::string::npos);
}

TEST_CASE("no two authorizations share a state or a verifier") {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const auto one = begin_authorization("https://x", kNow);
    CHECK(one.state.size() == 43);
    CHECK(seen.insert(one.state).second);
    CHECK(seen.insert(one.verifier.reveal()).second);
  }
}

TEST_CASE("a callback with another state, too late, or without a code is refused") {
  const auto authorization = begin_authorization("https://x", kNow);
  const net::Fields good{{"code", "c"}, {"state", authorization.state}};
  CHECK(read_callback("PagerDuty", authorization, good, kNow + 9min)->reveal() == "c");
  for (const net::Fields& bad : {net::Fields{{"code", "c"}}, net::Fields{{"code", "c"}, {"state", "x"}},
                                 net::Fields{{"code", "c"}, {"state", authorization.state + "x"}},
                                 net::Fields{{"state", authorization.state}}}) {
    const auto refused = read_callback("PagerDuty", authorization, bad, kNow);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::invalid);
  }
  CHECK_FALSE(read_callback("PagerDuty", authorization, good, kNow + 10min));
}

TEST_CASE("a person who says no is told so, but only for his own state") {
  const auto authorization = begin_authorization("https://x", kNow);
  const auto no = read_callback("PagerDuty", authorization,
                                {{"error", "access_denied"},
                                 {"error_description", "The resource owner denied the request"},
                                 {"state", authorization.state}},
                                kNow);
  REQUIRE_FALSE(no);
  CHECK(no.error().kind == ErrorKind::cancelled);
  CHECK(no.error().code == "access_denied");
  CHECK(read_callback("PagerDuty", authorization, {{"error", "access_denied"}}, kNow).error().kind ==
        ErrorKind::invalid);
}

TEST_CASE("a code becomes a connection of the account's region") {
  Desk desk;
  const auto connection = desk.exchange();
  REQUIRE(connection);
  CHECK(connection->name == "pd");
  CHECK(connection->settings.at("region") == "eu");
  CHECK(connection->settings.at("client_id") == "client-1");
  CHECK(connection->settings.at("token_expires_at") == "2026-11-23T09:00:00Z");
  CHECK(connection->secrets.at("access_token").reveal() == "pdus+_A");
  CHECK(connection->secrets.at("refresh_token").reveal() == "pdus+_R");
  CHECK(connection->secrets.at("client_secret").reveal() == "s+cret&");
  const auto adapter = find_adapter("pagerduty");
  const auto prepared = (*adapter)->prepare(*connection, desk.world.context);
  REQUIRE(prepared);
  CHECK(prepared->settings.at("base_url") == "https://api.eu.pagerduty.com");
  CHECK(*grant_of(*prepared) == Grant::user);
}

TEST_CASE("authorizing again replaces whatever credentials there were") {
  Desk desk;
  Connection before{"pd", "pagerduty"};
  before.settings = {{"region", "us"}, {"base_url", "https://api.pagerduty.com"}, {"subdomain", "acme"}};
  before.secrets = {{"api_key", Secret("old")}};
  const auto connection = desk.exchange(kApp, before);
  REQUIRE(connection);
  CHECK_FALSE(connection->secrets.contains("api_key"));
  CHECK_FALSE(connection->settings.contains("subdomain"));
  CHECK_FALSE(connection->settings.contains("base_url"));
}

TEST_CASE("a code works once") {
  Desk desk;
  REQUIRE(desk.exchange());
  const auto again = desk.exchange();
  REQUIRE_FALSE(again);
  CHECK(again.error().kind == ErrorKind::unauthorized);
  CHECK(again.error().message.find("30 seconds") != std::string::npos);
}

TEST_CASE("somebody else's verifier does not open the code") {
  Desk desk;
  desk.authorization.verifier = begin_authorization("https://x", kNow).verifier;
  CHECK_FALSE(desk.exchange());
}

TEST_CASE("a token with fewer scopes than asked is refused, naming them") {
  Desk desk;
  desk.identity.scope = "openid users.read";
  const auto less = desk.exchange();
  REQUIRE_FALSE(less);
  CHECK(less.error().kind == ErrorKind::forbidden);
  CHECK(less.error().message.find("oncalls.read, schedules.read") != std::string::npos);
}

TEST_CASE("a wrong client secret says which setting is wrong") {
  Desk desk;
  auto app = kApp;
  app.client_secret = Secret("wrong");
  const auto refused = desk.exchange(app);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("pagerduty.oauth_client_secret_file") != std::string::npos);
  CHECK(refused.error().message.find("wrong") == std::string::npos);
}

TEST_CASE("an id_token that was made for another client, or is none, is not believed") {
  CHECK(*region_of(jwt(R"({"aud":["client-1","https://api.pagerduty.com"]})"), "client-1") == "us");
  CHECK(region_of(jwt(R"({"aud":"client-1"})"), "client-1").value_or("-").empty());
  for (const auto& bad : {jwt(R"({"aud":["other","https://api.pagerduty.com"]})"), std::string("x.y"),
                          std::string("a.!!.c"), std::string(), jwt("[]"), jwt("{")}) {
    const auto region = region_of(bad, "client-1");
    REQUIRE_FALSE(region);
    CHECK(region.error().kind == ErrorKind::unreadable);
  }
}

TEST_CASE("a token that may do more than is needed says so wherever it is tried") {
  Desk desk;
  desk.identity.scope = "openid oncalls.read schedules.read users.read incidents.write services.read";
  const auto connection = desk.exchange();
  REQUIRE(connection);
  CHECK(connection->settings.at("token_excess") == "incidents.write services.read");
  fakes::World world([](const net::HttpRequest& request) {
    if (request.url.find("/users/me") != std::string::npos)
      return fakes::answer(200, R"({"user":{"name":"Ada\nExample"}})");
    return fakes::answer(200, R"({"schedules":[{"id":"P1","name":"x","escalation_policies":[],)"
                              R"("html_url":"https://acme.pagerduty.com/schedules/P1"}],"more":false})");
  });
  const auto provider = (*find_adapter("pagerduty"))->shifts(*connection, world.context);
  CHECK(world.loop.run_until_done(provider->verify()).value() ==
        "acme.pagerduty.com, as Ada Example; its token may do more than is needed (incidents.write "
        "services.read): give the app the scopes oncalls.read schedules.read users.read alone");

  Desk least;
  CHECK_FALSE(least.exchange()->settings.contains("token_excess"));
}
