#include "providers/pagerduty/oauth.hpp"

#include <sodium.h>

#include <algorithm>

#include "providers/api_client.hpp"
#include "providers/pagerduty/auth.hpp"

namespace watchbill::providers::pagerduty {

namespace {

constexpr std::string_view kTokenEndpoint = "PagerDuty's token endpoint";
constexpr int kBase64 = sodium_base64_VARIANT_URLSAFE_NO_PADDING;

Result<std::string> from_base64url(std::string_view text) {
  std::string bytes(text.size(), '\0');
  std::size_t size = 0;
  const char* end = nullptr;
  const int failed = sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(),
                                       text.data(), text.size(), nullptr, &size, &end, kBase64);
  if (failed != 0 || end != text.data() + text.size()) return fail(ErrorKind::unreadable, "no base64url");
  bytes.resize(size);
  return bytes;
}

/// What a refusal of the code means.
std::optional<Error> explain_exchange(const net::HttpResponse& response) {
  if (response.status >= 200 && response.status < 300) return std::nullopt;
  std::string code;
  std::string detail;
  if (const auto body = json::parse(response.body)) {
    code = body->root()["error"].string_or("");
    detail = body->root()["error_description"].string_or("").substr(0, 200);
  }
  const auto said = detail.empty() ? std::string() : fmt::format(" ({})", detail);
  Error error;
  if (code == "invalid_grant") {
    error = fail(ErrorKind::unauthorized,
                 "PagerDuty does not accept the code any more: it works once, and for 30 seconds; connect "
                 "again{}",
                 said);
  } else if (code == "invalid_client" || code == "unauthorized_client" || response.status == 401) {
    error = fail(ErrorKind::unauthorized,
                 "PagerDuty does not know this client id and secret: check pagerduty.oauth_client_id and "
                 "pagerduty.oauth_client_secret_file{}",
                 said);
  } else if (response.status >= 400 && response.status < 500 && response.status != 429 &&
             response.status != 408) {
    error = fail(ErrorKind::unauthorized,
                 "PagerDuty gives no token: is the redirect URL registered with the app, and has the app the "
                 "scopes {}?{}",
                 kScopes, said);
  } else {
    return explain_status(kTokenEndpoint, response, detail, code);
  }
  error.code = code;
  return error;
}

net::Task<Result<json::Document>> ask_tokens(net::Loop& loop, net::HttpClient& http, std::string identity_url,
                                             net::Fields form) {
  ApiOptions options;
  options.system = kTokenEndpoint;
  options.base_url = std::move(identity_url);
  options.headers = {{"Accept", "application/json"}, {"Content-Type", "application/x-www-form-urlencoded"}};
  options.max_body = std::size_t{1} << 20U;
  options.explain = explain_exchange;
  ApiClient client(loop, http, std::move(options));
  ApiRequest request;
  request.method = "POST";
  request.target = "/oauth/token";
  request.body = net::encode_form(form);
  request.body_is_secret = true;
  auto response = co_await client.send(std::move(request));
  if (!response) co_return response.error();
  co_return parse_body(kTokenEndpoint, *response);
}

}  // namespace

std::string authorize_url(const OAuthApp& app, const Authorization& authorization) {
  const net::Fields query{
      {"client_id", app.client_id},     {"redirect_uri", authorization.redirect_uri},
      {"response_type", "code"},        {"scope", std::string(kScopes)},
      {"state", authorization.state},   {"code_challenge", challenge_of(authorization.verifier)},
      {"code_challenge_method", "S256"}};
  return app.identity_url + "/oauth/authorize?" + net::encode_form(query);
}

Result<std::string> region_of(const std::string& id_token, const std::string& client_id) {
  const Error broken = fail(ErrorKind::unreadable, "PagerDuty's id_token is not readable");
  const auto first = id_token.find('.');
  const auto second = first == std::string::npos ? first : id_token.find('.', first + 1);
  if (second == std::string::npos) return broken;
  const auto claims = from_base64url(std::string_view(id_token).substr(first + 1, second - first - 1));
  if (!claims) return broken;
  const auto document = json::parse(*claims);
  if (!document) return broken;
  const auto audience = document->root()["aud"];
  std::vector<std::string> names;
  if (audience.is_string()) names.push_back(audience.string_or(""));
  for (const auto name : audience.items()) names.push_back(name.string_or(""));
  const auto has = [&names](std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (!has(client_id)) return fail(ErrorKind::unreadable, "PagerDuty's id_token was made for another client");
  if (has("https://api.eu.pagerduty.com")) return std::string("eu");
  return std::string(has("https://api.pagerduty.com") ? "us" : "");
}

net::Task<Result<Connection>> exchange_code(net::Loop& loop, net::HttpClient& http, OAuthApp app,
                                            Authorization authorization, Secret code, Connection connection) {
  const auto asked_at = loop.now();
  net::Fields form{{"grant_type", "authorization_code"},
                   {"client_id", app.client_id},
                   {"redirect_uri", authorization.redirect_uri},
                   {"code", code.reveal()},
                   {"code_verifier", authorization.verifier.reveal()}};
  if (!app.client_secret.empty()) form.emplace_back("client_secret", app.client_secret.reveal());
  auto body = co_await ask_tokens(loop, http, app.identity_url, std::move(form));
  if (!body) co_return body.error();
  auto tokens = parse_tokens(body->root(), Grant::user);
  if (!tokens) co_return tokens.error();
  std::string region;
  if (const auto id_token = body->root()["id_token"].text()) {
    auto told = region_of(std::string(*id_token), app.client_id);
    if (!told) co_return told.error();
    region = *told;
  }
  if (region.empty()) {
    const auto known = connection.settings.find("region");
    region = known == connection.settings.end() ? "us" : known->second;
  }
  connection.settings = {{"client_id", app.client_id},
                         {"region", region},
                         {"identity_url", app.identity_url},
                         {"token_expires_at", format_rfc3339(asked_at + tokens->life)}};
  if (!tokens->excess.empty()) connection.settings["token_excess"] = tokens->excess;
  if (!app.api_url.empty()) connection.settings["base_url"] = app.api_url;
  connection.secrets = {{"access_token", std::move(tokens->access)},
                        {"refresh_token", std::move(tokens->refresh)}};
  if (!app.client_secret.empty()) connection.secrets["client_secret"] = app.client_secret;
  co_return connection;
}

}  // namespace watchbill::providers::pagerduty
