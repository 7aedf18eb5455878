#include <sodium.h>

#include "tests/integration/sandbox/room.hpp"

namespace watchbill::test {
namespace {

constexpr const char* kVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
constexpr const char* kChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";  // RFC 7636, appendix B
constexpr const char* kBack = "http://127.0.0.1:1/oauth/callback";

/// A person at the identity server with a browser that follows no redirect.
struct Consent : Room {
  Consent() { people(); }

  Reply visit(net::Fields changes = {}) {
    net::Fields query{{"client_id", "pd-sandbox-client"},
                      {"redirect_uri", kBack},
                      {"response_type", "code"},
                      {"scope", "oncalls.read schedules.read users.read"},
                      {"state", "s1"},
                      {"code_challenge", kChallenge},
                      {"code_challenge_method", "S256"}};
    for (auto& [name, value] : query) {
      for (const auto& [other, replaced] : changes) {
        if (name == other) value = replaced;
      }
    }
    return get(sandbox->identity() + "/oauth/authorize?" + net::encode_form(query), "");
  }
  Reply decide(const Reply& page, const char* decision, const char* person = "ada") {
    const std::string mark = "name=\"request\" value=\"";
    const auto from = page.http->body.find(mark) + mark.size();
    const auto id = page.http->body.substr(from, page.http->body.find('"', from) - from);
    net::HttpRequest request;
    request.method = "POST";
    request.url = sandbox->identity() + "/oauth/consent";
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
    request.body = net::encode_form({{"request", id}, {"decision", decision}, {"person", person}});
    return send(std::move(request));
  }
  static std::string back(const Reply& reply, const char* name) {
    const auto location = std::string(reply.http->header("location").value_or(""));
    for (const auto& [key, value] : net::decode_form(location.substr(location.find('?') + 1))) {
      if (key == name) return value;
    }
    return {};
  }
  std::string code(const char* person = "ada") { return back(decide(visit(), "accept", person), "code"); }
  Reply exchange(const std::string& code, const char* verifier = kVerifier, const char* redirect = kBack) {
    return token({{"grant_type", "authorization_code"},
                  {"client_id", "pd-sandbox-client"},
                  {"client_secret", "pd-sandbox-client-secret"},
                  {"redirect_uri", redirect},
                  {"code", code},
                  {"code_verifier", verifier}});
  }
  static std::string audience(const Reply& reply) {
    const auto text = reply["id_token"].string_or("");
    const auto payload = text.substr(text.find('.') + 1, text.rfind('.') - text.find('.') - 1);
    std::string json(payload.size(), '\0');
    std::size_t size = 0;
    REQUIRE(sodium_base642bin(reinterpret_cast<unsigned char*>(json.data()), json.size(), payload.data(),
                              payload.size(), nullptr, &size, nullptr,
                              sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0);
    json.resize(size);
    return first(json::parse(json)->root()["aud"]).string_or("");
  }
};

}  // namespace

TEST_CASE("PagerDuty OAuth: a person agrees, and the code buys tokens once") {
  Consent c;
  const auto page = c.visit();
  CHECK(page.status() == 200);
  CHECK(page.http->body.find("oncalls.read") != std::string::npos);
  const auto agreed = c.decide(page, "accept");
  CHECK(agreed.status() == 302);
  CHECK(std::string(agreed.http->header("location").value_or("")).starts_with(kBack));
  CHECK(Consent::back(agreed, "state") == "s1");
  const auto code = Consent::back(agreed, "code");
  const auto tokens = c.exchange(code);
  CHECK(tokens.status() == 200);
  CHECK(tokens["scope"].string_or("") == "oncalls.read openid schedules.read users.read");
  CHECK(Consent::audience(tokens) == "https://api.pagerduty.com");
  CHECK(c.exchange(code)["error"].string_or("") == "invalid_grant");
  CHECK(c.decide(page, "accept").status() == 400);

  const auto me = c.pagerduty("/users/me", "Bearer " + tokens["access_token"].string_or(""));
  CHECK(me["user"]["email"].string_or("") == "ada@example.com");
  CHECK(me["user"]["html_url"].string_or("") == "https://acme.pagerduty.com/users/PUADA");
  CHECK(c.pagerduty("/users/me").status() == 400);

  const auto refreshed = c.token({{"grant_type", "refresh_token"},
                                  {"client_id", "pd-sandbox-client"},
                                  {"client_secret", "pd-sandbox-client-secret"},
                                  {"refresh_token", tokens["refresh_token"].string_or("")}});
  CHECK(c.pagerduty("/users/me", "Bearer " + refreshed["access_token"].string_or(""))["user"]["id"].string_or(
            "") == "PUADA");
}

TEST_CASE("PagerDuty OAuth: who denies, and who asks wrongly") {
  Consent c;
  const auto denied = c.decide(c.visit(), "deny");
  CHECK(Consent::back(denied, "error") == "access_denied");
  CHECK(Consent::back(denied, "state") == "s1");
  CHECK(c.visit({{"client_id", "another"}}).status() == 400);
  c.control(R"({"do":"pagerduty","redirect_uris":["https://watchbill.example.com/oauth/callback"]})");
  CHECK(c.visit().status() == 400);
  CHECK(c.visit({{"redirect_uri", "https://watchbill.example.com/oauth/callback/x"}}).status() == 400);
  const net::Fields::value_type good{"redirect_uri", "https://watchbill.example.com/oauth/callback"};
  CHECK(c.visit({good}).status() == 200);
  CHECK(Consent::back(c.visit({good, {"response_type", "token"}}), "error") == "unsupported_response_type");
  CHECK(Consent::back(c.visit({good, {"code_challenge", ""}}), "error") == "invalid_request");
  CHECK(Consent::back(c.visit({good, {"code_challenge_method", "plain"}}), "error") == "invalid_request");
}

TEST_CASE("PagerDuty OAuth: a code is bound to its verifier, its redirect and its half minute") {
  Consent c;
  CHECK(c.exchange(c.code(), "another")["error"].string_or("") == "invalid_grant");
  CHECK(c.exchange(c.code(), kVerifier, "http://127.0.0.1:2/")["error"].string_or("") == "invalid_grant");
  c.control(R"({"do":"pagerduty","code_seconds":0})");
  CHECK(c.exchange(c.code())["error_description"].string_or("") == "The code has expired");
}

TEST_CASE("PagerDuty OAuth: scopes that are not given, and the other region") {
  Consent c;
  c.control(R"({"do":"pagerduty","withheld_scopes":["users.read"],"region":"eu","echo_state":false})");
  const auto agreed = c.decide(c.visit({{"scope", "oncalls.read users.read made.up"}}), "accept");
  CHECK(Consent::back(agreed, "state").empty());
  const auto tokens = c.exchange(Consent::back(agreed, "code"));
  CHECK(tokens["scope"].string_or("") == "oncalls.read openid");
  CHECK(Consent::audience(tokens) == "https://api.eu.pagerduty.com");
}

}  // namespace watchbill::test
