#include <algorithm>

#include "providers/adapters.hpp"
#include "providers/jsm/provider.hpp"
#include "providers/jsm/site.hpp"
#include "providers/support.hpp"

namespace watchbill::providers {

namespace jsm {

namespace {

const std::vector<Option>& options() {
  static const std::vector<Option> list{
      {"site", "site", false, "your Jira site, for example acme.atlassian.net", "HOST", true},
      {"email", "email", false, "e-mail address of the Atlassian account that the API token belongs to",
       "ADDRESS", true},
      {"api-token-file", "api_token", true, "file with that account's API token ('-': standard input)",
       "FILE", true},
      {"cloud-id", "cloud_id", false, "the site's cloud ID, if the site is not to be asked for it", "ID"},
      {"base-url", "base_url", false, "another address, instead of https://api.atlassian.com and of the site",
       "URL"},
  };
  return list;
}

Result<void> check_email(Connection& connection) {
  const auto given = setting(connection, "email");
  if (given.empty()) {
    return fail(ErrorKind::invalid,
                "--email: a JSM Operations connection needs the e-mail address of the account that the API "
                "token belongs to");
  }
  const bool plain = given.find_first_of(": \t") == std::string::npos;
  if (!plain || given.find('@') == std::string::npos)
    return fail(ErrorKind::invalid, "--email: \"{}\" is no e-mail address", given.substr(0, 80));
  return {};
}

Result<void> check_cloud_id(const Connection& connection) {
  const auto id = setting(connection, "cloud_id");
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  };
  if (std::all_of(id.begin(), id.end(), allowed)) return {};
  return fail(
      ErrorKind::invalid,
      "--cloud-id: a cloud ID is of letters, digits and hyphens; https://{}/_edge/tenant_info shows it",
      setting(connection, "site"));
}

Result<Connection> prepare(Connection given, const AdapterContext&) {
  auto connection = clean_connection(std::move(given), options(), {});
  if (!connection) return connection.error();
  auto site = clean_site(setting(*connection, "site"));
  if (!site) return site.error();
  connection->settings["site"] = *site;
  if (auto good = check_email(*connection); !good) return good.error();
  if (auto good = check_cloud_id(*connection); !good) return good.error();
  if (secret(*connection, "api_token").empty()) {
    return fail(ErrorKind::invalid,
                "--api-token-file: a JSM Operations connection needs an API token of that account");
  }
  if (const auto base = setting(*connection, "base_url"); !base.empty()) {
    auto origin = check_base_url(base, "base-url");
    if (!origin) return origin.error();
    connection->settings["base_url"] = *origin;
  }
  return connection;
}

std::vector<CredentialWay> ways() {
  CredentialWay api_token{"api_token"};
  api_token.fields = {{"site", "Jira site", "acme.atlassian.net", "As in your browser's address bar."},
                      {"email", "E-mail address of the Atlassian account", "watchbill@example.com",
                       "It must see the teams whose schedules are wanted."},
                      {"api-token-file", "API token of that account", "", kSecretHint}};
  api_token.refused_at = "api-token-file";
  api_token.unreachable_at = "site";
  return {api_token};
}

}  // namespace

}  // namespace jsm

Adapter jsm_adapter() {
  Adapter adapter;
  adapter.kind = "jsm";
  adapter.title = "JSM Operations";
  adapter.options = jsm::options();
  adapter.prepare = jsm::prepare;
  adapter.shifts = [](const Connection& connection,
                      const AdapterContext& context) -> std::unique_ptr<Provider> {
    return std::make_unique<jsm::JsmProvider>(connection, context);
  };
  adapter.ways = jsm::ways();
  adapter.no_address = jsm::kNoAddress;
  adapter.examples = {
      "connection add jsm ops --site acme.atlassian.net --email watchbill@example.com --api-token-file "
      "jsm.token"};
  return adapter;
}

}  // namespace watchbill::providers
