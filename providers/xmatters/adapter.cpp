#include "providers/adapters.hpp"
#include "providers/support.hpp"
#include "providers/xmatters/host.hpp"
#include "providers/xmatters/provider.hpp"

namespace watchbill::providers {

namespace xmatters {

namespace {

constexpr const char* kKind = "xmatters";

const std::vector<Option>& options() {
  static const std::vector<Option> list{
      {"host", "host", false, "your xMatters host, for example acme.xmatters.com", "HOST", true},
      {"api-key-file", "api_key", true, "file with the API key ('-': standard input)", "FILE", true},
      {"api-secret-file", "api_secret", true, "file with the key's secret ('-': standard input)", "FILE",
       true},
      {"base-url", "base_url", false, "another address of the API, instead of https://HOST", "URL"},
  };
  return list;
}

Result<Connection> prepare(Connection given, const AdapterContext& context) {
  auto connection = clean_connection(std::move(given), options(), {});
  if (!connection) return connection.error();
  const auto allowed = context.allowed_hosts.find(kKind);
  auto host =
      clean_host(setting(*connection, "host"),
                 allowed == context.allowed_hosts.end() ? std::vector<std::string>{} : allowed->second);
  if (!host) return host.error();
  connection->settings["host"] = *host;
  const auto key = secret(*connection, "api_key");
  if (key.empty()) return fail(ErrorKind::invalid, "--api-key-file: an xMatters connection needs an API key");
  // RFC 7617, section 2: the user name of Basic authentication ends at the first colon.
  if (key.reveal().find(':') != std::string::npos) {
    return fail(ErrorKind::invalid,
                "--api-key-file: an API key has no colon in it; put the secret in a file of "
                "its own (--api-secret-file)");
  }
  if (secret(*connection, "api_secret").empty()) {
    return fail(ErrorKind::invalid, "--api-secret-file: an xMatters connection needs the API key's secret");
  }
  if (const auto base = setting(*connection, "base_url"); !base.empty()) {
    auto origin = check_base_url(base, "base-url");
    if (!origin) return origin.error();
    connection->settings["base_url"] = *origin;
  }
  return connection;
}

std::vector<CredentialWay> ways() {
  CredentialWay api_key{"api_key"};
  api_key.fields = {{"host", "xMatters host", "acme.xmatters.com", "As in your browser's address bar."},
                    {"api-key-file", "API key", "", kSecretHint},
                    {"api-secret-file", "Secret of the API key"}};
  api_key.refused_at = "api-key-file";
  api_key.unreachable_at = "host";
  return {api_key};
}

}  // namespace

}  // namespace xmatters

Adapter xmatters_adapter() {
  Adapter adapter;
  adapter.kind = xmatters::kKind;
  adapter.title = "xMatters";
  adapter.options = xmatters::options();
  adapter.prepare = xmatters::prepare;
  adapter.shifts = [](const Connection& connection,
                      const AdapterContext& context) -> std::unique_ptr<Provider> {
    return std::make_unique<xmatters::XmattersProvider>(connection, context);
  };
  adapter.ways = xmatters::ways();
  adapter.examples = {
      "connection add xmatters xm --host acme.xmatters.com --api-key-file xm.key --api-secret-file "
      "xm.secret"};
  return adapter;
}

}  // namespace watchbill::providers
