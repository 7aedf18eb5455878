#include "control/connections.hpp"

#include "control/oauth.hpp"
#include "tests/unit/control/world.hpp"

using namespace watchbill;
using namespace watchbill::control;
using namespace watchbill::test;

namespace {

ConnectionInput with_key(const std::string& key) {
  ConnectionInput input;
  input.secrets = {{"api-key-file", Secret(key)}};
  return input;
}

Result<Tried> try_out(ManageWorld& world, const Caller& caller, const Connection& connection,
                      TryOptions options = {}) {
  return world.run(try_connection(connection_context(*world.context), caller, connection, options));
}

Connection filled(const std::string& kind, const ConnectionInput& input) {
  return good(with_input({"new", kind}, input));
}

}  // namespace

TEST_CASE("credentials are tried and say what they open, or why they do not work") {
  ManageWorld world;
  auto tried = good(try_out(world, world.cli, filled("pagerduty", with_key("good-key\n"))));
  CHECK(tried.opened == "acme.pagerduty.com");
  CHECK(tried.connection.secrets.at("api_key").reveal() == "good-key");
  tried = good(try_out(world, world.cli, filled("pagerduty", with_key("bad-key"))));
  CHECK_FALSE(tried.opened);
  REQUIRE(tried.refused);
  CHECK(tried.refused->kind == ErrorKind::unauthorized);
  CHECK(tried.refused->message.find("bad-key") == std::string::npos);
}

TEST_CASE("credentials that nobody answers to are given up after the deadline") {
  ManageWorld world;
  world.http.latency = 10s;
  TryOptions options;
  options.deadline = 2s;
  const auto before = world.loop.now();
  const auto tried = good(try_out(world, world.cli, filled("pagerduty", with_key("good-key")), options));
  CHECK(world.loop.now() - before == 2s);
  REQUIRE(tried.refused);
  CHECK(tried.refused->kind == ErrorKind::timeout);
  world.loop.advance(1min);
}

TEST_CASE("who may not connect cannot try credentials either") {
  ManageWorld world;
  const auto connection = filled("pagerduty", with_key("good-key"));
  CHECK(bad(try_out(world, world.reader, connection)).kind == ErrorKind::forbidden);
  CHECK(bad(world.run(add_connection(*world.context, world.owner, connection))).kind == ErrorKind::forbidden);
  CHECK(bad(world.run(update_connection(*world.context, world.owner, connection))).kind ==
        ErrorKind::forbidden);
  CHECK(bad(world.run(remove_connection(*world.context, world.owner, "new"))).kind == ErrorKind::forbidden);
  CHECK(bad(world.run(hold_connection(*world.context, world.owner, connection))).kind ==
        ErrorKind::forbidden);
  CHECK(bad(world.run(confirm_held(*world.context, world.owner, "new"))).kind == ErrorKind::forbidden);
  world.config.slack.credentials_in_modals = false;
  CHECK(says(bad(try_out(world, world.editor, connection)), "credentials_in_modals"));
  CHECK(world.pagerduty.asked == 0);
}

TEST_CASE("an xMatters host is cleaned, and internal hosts are refused before anything is sent") {
  ManageWorld world;
  ConnectionInput input;
  input.secrets = {{"api-key-file", Secret("key")}, {"api-secret-file", Secret("secret")}};
  const auto host_error = [&](const std::string& host) {
    input.texts["host"] = host;
    const auto error = bad(try_out(world, world.editor, filled("xmatters", input)));
    CHECK(option_of(error) == "host");
    return error.kind;
  };
  for (const auto* host : {"127.0.0.1", "internal.example.com", "user@acme.xmatters.com",
                           "acme.xmatters.com:8443", "acme.xmatters.com.evil.example", "169.254.169.254"})
    CHECK(host_error(host) == ErrorKind::invalid);
  CHECK(world.http.requests.empty());
  input.texts["host"] = "https://ACME.xmatters.com/";
  TryOptions untried;
  untried.verify = false;
  const auto tried = good(try_out(world, world.editor, filled("xmatters", input), untried));
  CHECK(tried.connection.settings.at("host") == "acme.xmatters.com");
}

TEST_CASE("an error is told at its option") {
  CHECK(option_of(fail(ErrorKind::invalid, "connection x: --region: \"mars\" is neither us nor eu")) ==
        "region");
  CHECK(option_of(fail(ErrorKind::invalid, "--api-key-file: missing")) == "api-key-file");
  CHECK(option_of(fail(ErrorKind::unauthorized, "the key is dead")).empty());
  const auto other = bad(with_input({"og", "opsgenie"}, {{{"host", "x"}}, {}}));
  CHECK(says(other, "--host: a connection to Opsgenie has no such option"));
}

TEST_CASE("new credentials replace the kind that was there, and a new region its address") {
  Connection before{"pd", "pagerduty"};
  before.settings = {{"client_id", "id"},
                     {"subdomain", "acme"},
                     {"region", "us"},
                     {"base_url", "https://api.pagerduty.com"},
                     {"token_expires_at", "2026-11-22T09:00:00Z"}};
  before.secrets = {{"client_secret", Secret("s")}, {"access_token", Secret("a")}};
  auto input = with_key("k");
  input.texts = {{"region", "eu"}};
  const auto after = good(with_input(before, input));
  CHECK(after.settings == std::map<std::string, std::string>{{"region", "eu"}});
  CHECK(after.secrets.size() == 1);
  CHECK(after.secrets.contains("api_key"));
}

TEST_CASE("a connection's address changes only together with its credentials") {
  ManageWorld world;
  Connection stored{"og", "opsgenie", {{"region", "us"}}, {{"api_key", Secret("good-key")}}};
  const auto change = [&](const std::string& flag, const std::string& text, bool with_secret) {
    ConnectionInput input;
    if (with_secret) input = with_key("good-key");
    input.texts = {{flag, text}};
    TryOptions options;
    options.verify = false;
    options.replaces = Replaced{stored, input};
    return try_out(world, world.cli, good(with_input(stored, input)), options);
  };
  for (const auto& [flag, text] :
       std::map<std::string, std::string>{{"region", "eu"}, {"base-url", "https://evil.example"}}) {
    const auto error = bad(change(flag, text, false));
    CHECK(error.kind == ErrorKind::invalid);
    CHECK(option_of(error) == flag);
    CHECK(says(error, "give them again, with --api-key-file"));
    CHECK_FALSE(says(error, "good-key"));
    good(change(flag, text, true));
  }
  // The same address in other words is no change.
  good(change("region", "us", false));
}

TEST_CASE("a host, a subdomain and an address of sign-ins need all credentials anew") {
  ManageWorld world;
  const auto refused = [&](const Connection& stored, const std::string& flag, const std::string& text,
                           std::map<std::string, Secret> secrets) {
    ConnectionInput input{{{flag, text}}, std::move(secrets)};
    TryOptions options;
    options.verify = false;
    options.replaces = Replaced{stored, input};
    return bad(try_out(world, world.cli, good(with_input(stored, input)), options)).message;
  };
  const Connection xmatters{"xm",
                            "xmatters",
                            {{"host", "acme.xmatters.com"}},
                            {{"api_key", Secret("k")}, {"api_secret", Secret("s")}}};
  CHECK(refused(xmatters, "host", "other.xmatters.com", {}).find("--api-key-file, --api-secret-file") !=
        std::string::npos);
  const auto half = refused(xmatters, "host", "other.xmatters.com", {{"api-key-file", Secret("k")}});
  CHECK(half.find("with --api-secret-file") != std::string::npos);
  const Connection app{"pd",
                       "pagerduty",
                       {{"client_id", "id"}, {"subdomain", "acme"}, {"region", "us"}},
                       {{"client_secret", Secret("c")}, {"access_token", Secret("a")}}};
  CHECK(refused(app, "subdomain", "other", {}).find("with --client-secret-file") != std::string::npos);
  const Connection person{"pd",
                          "pagerduty",
                          {{"client_id", "id"}, {"region", "us"}},
                          {{"access_token", Secret("a")}, {"refresh_token", Secret("r")}}};
  CHECK(refused(person, "base-url", "https://evil.example", {}).find("with --oauth") != std::string::npos);
}

TEST_CASE("a connection is not removed while rotations use it, and a taken name is refused") {
  ManageWorld world;
  world.connection();
  world.stored("payments");
  CHECK(says(bad(world.run(remove_connection(*world.context, world.cli, "pd"))), "payments"));
  CHECK(bad(refuse_taken_name(*world.store, "pd")).kind == ErrorKind::conflict);
  good(refuse_taken_name(*world.store, "other"));
  CHECK(good(free_name(*world.store, "pagerduty")) == "pagerduty");
  world.connection("pagerduty");
  CHECK(good(free_name(*world.store, "pagerduty")) == "pagerduty-2");
}

TEST_CASE("schedules are listed from all systems at the same time") {
  ManageWorld world;
  world.connection("a");
  world.connection("b");
  world.http.latency = 1s;
  const auto before = world.loop.now();
  const auto listed = world.run(list_schedules(*world.context, good(world.store->connections().list())));
  REQUIRE(listed.size() == 2);
  CHECK(good(listed[0].listed).size() == 2);
  CHECK(listed[1].connection == "b");
  CHECK(world.loop.now() - before < 4s);
}

TEST_CASE("a token that the daemon is about to renew is left to the daemon") {
  ManageWorld world;
  Connection connection{"pd", "pagerduty"};
  connection.settings = {{"client_id", "id"}, {"region", "us"}};
  connection.secrets = {{"access_token", Secret("a")}, {"refresh_token", Secret("r")}};
  const auto expiring = [&](milliseconds left) {
    connection.settings["token_expires_at"] = format_rfc3339(world.loop.now() + left);
    return open_stored(*world.context, connection);
  };
  CHECK(expiring(1min).ok());
  world.daemon = true;
  CHECK(bad(expiring(1min)).kind == ErrorKind::conflict);
  CHECK(expiring(10min).ok());
}

TEST_CASE("tokens from the browser are sealed at once, and used for nothing until they are confirmed") {
  ManageWorld world;
  world.connection("pd");
  Connection fresh{"pd", "pagerduty"};
  fresh.secrets = {{"api_key", Secret("good-key")}};
  fresh.settings = {{"region", "us"}};
  CHECK(bad(world.run(confirm_held(*world.context, world.editor, "pd"))).kind == ErrorKind::not_found);
  good(world.run(hold_connection(*world.context, world.editor, fresh)));
  good(world.run(hold_connection(*world.context, world.editor, fresh)));
  CHECK(good(world.store->connections().list()).size() == 1);
  CHECK(good(world.store->connections().get("pd")).settings.empty());
  CHECK(good(world.run(held_account(*world.context, "pd"))) == "acme.pagerduty.com");
  good(world.run(confirm_held(*world.context, world.editor, "pd")));
  CHECK(good(world.store->connections().get("pd")).settings.at("region") == "us");
  CHECK(bad(world.run(confirm_held(*world.context, world.editor, "pd"))).kind == ErrorKind::not_found);

  fresh.name = "second";
  good(world.run(hold_connection(*world.context, world.editor, fresh)));
  good(world.run(confirm_held(*world.context, world.editor, "second")));
  CHECK(good(world.store->connections().list()).size() == 2);
  good(world.run(hold_connection(*world.context, world.editor, fresh)));
  good(world.run(forget_held(*world.context, world.editor, "second")));
  good(world.run(forget_held(*world.context, world.editor, "second")));
  CHECK(bad(world.run(held_account(*world.context, "second"))).kind == ErrorKind::not_found);
}

TEST_CASE("without a configured app it is said what to set and which other ways there are") {
  config::Config config;
  const auto missing = bad(oauth_app(config, **providers::find_adapter("pagerduty")));
  CHECK(missing.kind == ErrorKind::not_found);
  CHECK(says(missing, "pagerduty.oauth_client_id"));
  CHECK(says(missing, "API key"));
  config.providers["pagerduty"].oauth_client_id = "id";
  config.providers["pagerduty"].api_url = "http://127.0.0.1:1";
  const auto app = good(oauth_app(config, **providers::find_adapter("pagerduty")));
  CHECK(app.client_id == "id");
  CHECK(app.api_url == "http://127.0.0.1:1");
  CHECK(app.identity_url == "https://identity.pagerduty.com");
}
