#include <algorithm>

#include "providers/adapters.hpp"
#include "providers/pagerduty/auth.hpp"
#include "providers/pagerduty/oauth.hpp"
#include "providers/pagerduty/provider.hpp"
#include "providers/support.hpp"

namespace watchbill::providers {

namespace pagerduty {

namespace {

std::vector<Option> options() {
  return {
      {"api-key-file", "api_key", true, "REST API key (read-only is enough)", "FILE", true},
      {"client-id", "client_id", false, "client id of a scoped app, instead of an API key", "ID"},
      {"client-secret-file", "client_secret", true, "client secret of the scoped app", "FILE"},
      {"subdomain", "subdomain", false, "the \"acme\" of acme.pagerduty.com, for a scoped app", "NAME"},
      {"region", "region", false, "service region (default us)", "us|eu"},
      {"base-url", "base_url", false, "REST API, if not the region's", "URL"},
      {"identity-url", "identity_url", false, "OAuth token endpoint, if not PagerDuty's", "URL"},
  };
}

Result<void> check_subdomain(const std::string& subdomain) {
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  if (std::all_of(subdomain.begin(), subdomain.end(), good)) return {};
  return fail(ErrorKind::invalid,
              "--subdomain: \"{}\" is no subdomain: write the \"acme\" of acme.pagerduty.com", subdomain);
}

Result<Connection> prepare(Connection given, const AdapterContext& /*context*/) {
  auto cleaned =
      clean_connection(std::move(given), options(),
                       {"access_token", "refresh_token", "token_expires_at", "token_for", "token_excess"});
  if (!cleaned) return cleaned;
  auto connection = std::move(*cleaned);
  const auto region = check_region(connection);
  if (!region) return region.error();
  connection.settings["region"] = *region;
  const auto set_url = [&](const std::string& key, std::string_view option,
                           const std::string& fallback) -> Result<void> {
    const auto text = setting(connection, key);
    auto url = check_base_url(text.empty() ? fallback : text, option);
    if (!url) return url.error();
    connection.settings[key] = std::move(*url);
    return {};
  };
  if (auto set = set_url("base_url", "base-url",
                         *region == "eu" ? "https://api.eu.pagerduty.com" : "https://api.pagerduty.com");
      !set)
    return set.error();
  if (auto set = set_url("identity_url", "identity-url", kIdentityUrl); !set) return set.error();
  if (auto good = check_subdomain(setting(connection, "subdomain")); !good) return good.error();
  const auto grant = grant_of(connection);
  if (!grant) return grant.error();
  if (*grant == Grant::api_key) {
    connection.secrets.erase("access_token");
    connection.settings.erase("token_expires_at");
    connection.settings.erase("token_for");
    connection.settings.erase("token_excess");
  }
  return connection;
}

std::vector<CredentialWay> ways() {
  const CredentialField region{"region", "Service region", "", "", {{"US", "us"}, {"EU", "eu"}}};
  CredentialWay browser{"browser", "In the browser", "you log in and allow it"};
  CredentialWay app_token{"app_token", "App token", "client id and secret of a scoped app"};
  app_token.fields = {{"client-id", "Client id of the scoped app"},
                      {"client-secret-file", "Client secret", "", kSecretHint},
                      {"subdomain", "Subdomain", "acme", "The \"acme\" of acme.pagerduty.com."},
                      region};
  app_token.refused_at = "client-secret-file";
  app_token.takes_identity_url = true;
  CredentialWay api_key{"api_key", "API key", "a read-only REST API key is enough"};
  api_key.fields = {{"api-key-file", "REST API key", "", kSecretHint}, region};
  api_key.refused_at = "api-key-file";
  return {browser, app_token, api_key};
}

std::string way_of(const Connection& connection) {
  if (connection.secrets.contains("refresh_token")) return "browser";
  return connection.secrets.contains("client_secret") ? "app_token" : "api_key";
}

}  // namespace

}  // namespace pagerduty

Adapter pagerduty_adapter() {
  Adapter adapter;
  adapter.kind = "pagerduty";
  adapter.title = "PagerDuty";
  adapter.options = pagerduty::options();
  adapter.prepare = pagerduty::prepare;
  adapter.shifts = pagerduty::make_provider;
  adapter.ways = pagerduty::ways();
  adapter.way_of = pagerduty::way_of;
  adapter.examples = {"connection add pagerduty pd --api-key-file pagerduty.key",
                      "connection add pagerduty pd --client-id ID --client-secret-file app.secret "
                      "--subdomain acme --region eu",
                      "connection add pagerduty pd --oauth"};
  adapter.sign_in =
      BrowserSignIn{pagerduty::authorize_url, pagerduty::exchange_code, {"an API key", "an app token"}};
  return adapter;
}

}  // namespace watchbill::providers
