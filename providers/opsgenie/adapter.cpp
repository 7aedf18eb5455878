#include "providers/adapters.hpp"
#include "providers/opsgenie/provider.hpp"
#include "providers/support.hpp"

namespace watchbill::providers {

namespace opsgenie {

namespace {

const std::vector<Option>& options() {
  static const std::vector<Option> list{
      {"api-key-file", "api_key", true, "file with the key of an API integration ('-': standard input)",
       "FILE", true},
      {"region", "region", false, "where the account lives (default: us)", "us|eu"},
      {"base-url", "base_url", false, "another address of the API, instead of the region's", "URL"},
  };
  return list;
}

Result<Connection> prepare(Connection given, const AdapterContext&) {
  auto connection = clean_connection(std::move(given), options(), {});
  if (!connection) return connection.error();
  if (secret(*connection, "api_key").empty()) {
    return fail(ErrorKind::invalid, "--api-key-file: an Opsgenie connection needs an API key");
  }
  auto region = check_region(*connection);
  if (!region) return region.error();
  connection->settings["region"] = *region;
  if (const auto base = setting(*connection, "base_url"); !base.empty()) {
    auto origin = check_base_url(base, "base-url");
    if (!origin) return origin.error();
    connection->settings["base_url"] = *origin;
  }
  return connection;
}

std::vector<CredentialWay> ways() {
  CredentialWay api_key{"api_key"};
  api_key.fields = {{"api-key-file", "API key", "", kSecretHint},
                    {"region", "Where does the account live?", "", "", {{"US", "us"}, {"EU", "eu"}}}};
  api_key.refused_at = "api-key-file";
  return {api_key};
}

}  // namespace

}  // namespace opsgenie

Adapter opsgenie_adapter() {
  Adapter adapter;
  adapter.kind = "opsgenie";
  adapter.title = "Opsgenie";
  adapter.options = opsgenie::options();
  adapter.prepare = opsgenie::prepare;
  adapter.shifts = [](const Connection& connection,
                      const AdapterContext& context) -> std::unique_ptr<Provider> {
    return std::make_unique<opsgenie::OpsgenieProvider>(connection, context);
  };
  adapter.ways = opsgenie::ways();
  // support.atlassian.com/opsgenie: "Opsgenie REST APIs will continue to work until April 5, 2027".
  adapter.ends = SystemEnd{Instant(std::chrono::sys_days(std::chrono::year{2027} / 4 / 5)), "jsm",
                           "docs/opsgenie-to-jsm.md"};
  adapter.examples = {"connection add opsgenie og --api-key-file - < opsgenie.key"};
  return adapter;
}

}  // namespace watchbill::providers
