#include "tests/unit/store/support.hpp"

using namespace watchbill;
using namespace watchbill::store;

namespace {

std::vector<AuditEntry> audit_of(Store& store) {
  return must(store.history().audit({}));
}

}  // namespace

TEST_CASE("a connection comes back with its settings and secrets") {
  TempFolder folder;
  auto store = open_store(folder);
  Connection connection = pagerduty();
  connection.created_at = at(1234);
  must(store->connections().add(connection, "cli:root"));
  store = open_store(folder);
  for (const auto& found : {must(store->connections().get("pd")), must(store->connections().list()).at(0)}) {
    CHECK(found.kind == "pagerduty");
    CHECK(found.settings == connection.settings);
    CHECK(found.secrets == connection.secrets);
    CHECK(found.created_at == at(1234));
  }
  CHECK(error_of(store->connections().get("nope")).kind == ErrorKind::not_found);
}

TEST_CASE("no byte of a secret reaches the disk, in whatever way it was written") {
  TempFolder folder;
  auto store = open_store(folder);
  must(store->connections().add(pagerduty(), "cli:root"));
  Connection changed = pagerduty();
  changed.secrets["api_key"] = Secret("another-very-secret-key");
  must(store->connections().update(changed, "cli:root"));
  must(store->connections().keep_tokens("pd", {}, {{"access_token", Secret("renewed-token-value")}}));
  const auto check = [&](const std::string& bytes) {
    CHECK(mentions(bytes, "pagerduty"));
    CHECK_FALSE(mentions(bytes, "very-secret"));
    CHECK_FALSE(mentions(bytes, "renewed-token"));
  };
  check(bytes_on_disk(folder));
  must(store->connections().remove("pd", "cli:root"));
  check(bytes_on_disk(folder));
  store.reset();  // the write-ahead log goes into the database
  check(bytes_on_disk(folder));
}

TEST_CASE("a sealed value copied to another connection does not open there") {
  TempFolder folder;
  auto store = open_store(folder);
  must(store->connections().add(pagerduty(), "cli:root"));
  Connection other = pagerduty();
  other.name = "other";
  must(store->connections().add(other, "cli:root"));
  must(
      database_of(*store).execute("UPDATE connection_secrets SET sealed = (SELECT sealed FROM "
                                  "connection_secrets WHERE connection = 'pd') "
                                  "WHERE connection = 'other'"));
  const auto error = error_of(store->connections().get("other"));
  CHECK(error.kind == ErrorKind::storage);
  CHECK(error.code == "corrupt");
  CHECK(mentions(error.message, "row other"));
  CHECK(store->connections().get("pd").ok());
}

TEST_CASE("a connection's name is taken once") {
  TempFolder folder;
  auto store = open_store(folder);
  must(store->connections().add(pagerduty(), "cli:root"));
  const auto generation = must(store->generation());
  const auto error = error_of(store->connections().add(pagerduty(), "cli:root"));
  CHECK(error.kind == ErrorKind::conflict);
  CHECK(mentions(error.message, "\"pd\""));
  CHECK(mentions(error.message, "connection update pd"));
  CHECK(must(store->generation()) == generation);
  CHECK(audit_of(*store).size() == 1);
}

TEST_CASE("an update replaces settings and secrets and says in the audit which secrets are new") {
  TempFolder folder;
  auto store = open_store(folder);
  Connection connection = pagerduty();
  connection.secrets["old"] = Secret("going-away");
  must(store->connections().add(connection, "cli:root"));
  connection.secrets = {{"api_key", connection.secrets["api_key"]}, {"fresh", Secret("is-new")}};
  connection.settings = {{"region", "us"}};
  must(store->connections().update(connection, "U123"));
  const auto found = must(store->connections().get("pd"));
  CHECK(found.secrets == connection.secrets);
  CHECK(found.settings == connection.settings);

  const auto entries = audit_of(*store);
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].action == "connection.update");
  CHECK(entries[0].actor == "U123");
  CHECK(entries[0].object == "pd");
  CHECK(mentions(entries[0].before, R"("region":"eu")"));
  CHECK(mentions(entries[0].after, R"("region":"us")"));
  CHECK(mentions(entries[0].after, R"("changed_secrets":["fresh"])"));
  for (const auto& entry : entries) {
    for (const auto& [name, secret] : connection.secrets) {
      CHECK_FALSE(mentions(entry.before + entry.after, secret.reveal()));
    }
  }
  connection.name = "nope";
  CHECK(error_of(store->connections().update(connection, "U123")).kind == ErrorKind::not_found);
  connection.name = "pd";
  connection.kind = "opsgenie";
  CHECK(error_of(store->connections().update(connection, "U123")).kind == ErrorKind::conflict);
}

TEST_CASE("renewed tokens are merged: what is not named stays, what is empty goes") {
  TempFolder folder;
  auto store = open_store(folder);
  Connection connection = pagerduty();
  connection.settings["expires_at"] = "1";
  connection.secrets["refresh_token"] = Secret("r1");
  must(store->connections().add(connection, "cli:root"));
  const auto generation = must(store->generation());
  must(store->connections().keep_tokens("pd", {{"expires_at", ""}, {"scope", "read"}},
                                        {{"refresh_token", Secret("r2")}, {"api_key", Secret()}}));
  const auto found = must(store->connections().get("pd"));
  CHECK(found.settings == std::map<std::string, std::string>{{"region", "eu"}, {"scope", "read"}});
  CHECK(found.secrets == std::map<std::string, Secret>{{"refresh_token", Secret("r2")}});
  CHECK(must(store->generation()) == generation);
  CHECK(audit_of(*store).size() == 1);
  CHECK(error_of(store->connections().keep_tokens("nope", {}, {})).kind == ErrorKind::not_found);
}

TEST_CASE("a connection that rotations use is not removed; they are named") {
  TempFolder folder;
  auto store = open_store(folder);
  must(store->connections().add(pagerduty(), "cli:root"));
  for (int i = 1; i <= 7; ++i) {
    (void)must(store->rotations().add(plain_rotation(fmt::format("Team {}", i), fmt::format("S{}", i)), false,
                                      {}, "cli:root"));
  }
  const auto error = error_of(store->connections().remove("pd", "cli:root"));
  CHECK(error.kind == ErrorKind::conflict);
  CHECK(mentions(error.message, "\"Team 1\", \"Team 2\""));
  CHECK(mentions(error.message, "and 2 more"));
  for (const auto& rotation : must(store->rotations().list())) {
    must(store->rotations().remove(rotation.id, "cli:root"));
  }
  must(store->connections().remove("pd", "cli:root"));
  CHECK(must(store->connections().list()).empty());
  CHECK(error_of(store->connections().remove("pd", "cli:root")).kind == ErrorKind::not_found);
}

TEST_CASE("what was known of a removed connection does not haunt the next one of its name") {
  TempFolder folder;
  auto store = open_store(folder);
  must(store->connections().add(pagerduty(), "cli:root"));
  must(store->connections().put_status("pd", {.state = "failing"}));
  ScheduleState state;
  state.schedule = {"pd", "P1"};
  must(store->engine().put_schedule_state(state));
  must(store->people().replace_unmatched({{.responder = {"pd", "R1", "Ada"}, .why = "why"}}));
  must(store->connections().remove("pd", "cli:root"));
  // The daemon has not noticed yet.
  CHECK(error_of(store->engine().put_schedule_state(state)).kind == ErrorKind::not_found);
  CHECK(error_of(store->connections().put_status("pd", {})).kind == ErrorKind::not_found);
  Connection again = pagerduty();
  again.secrets.clear();
  must(store->connections().add(again, "cli:root"));
  CHECK(must(store->connections().get("pd")).secrets.empty());
  CHECK(must(store->connections().statuses()).empty());
  CHECK(must(store->engine().states()).empty());
  CHECK(must(store->people().unmatched()).empty());
}

TEST_CASE("a connection's status comes back as it was put") {
  TempFolder folder;
  auto store = open_store(folder);
  must(store->connections().add(pagerduty(), "cli:root"));
  const ConnectionStatus status{"unauthorized", at(99), 60s, "the key is dead"};
  must(store->connections().put_status("pd", {}));
  must(store->connections().put_status("pd", status));
  const auto found = must(store->connections().statuses());
  REQUIRE(found.size() == 1);
  CHECK(found[0] == std::pair(std::string("pd"), status));
}

TEST_CASE("damaged settings are reported with table and row") {
  TempFolder folder;
  auto store = open_store(folder);
  must(store->connections().add(pagerduty(), "cli:root"));
  must(database_of(*store).execute("UPDATE connections SET settings = '{\"region\":7}'"));
  for (const auto& error : {error_of(store->connections().list()),
                            error_of(store->connections().keep_tokens("pd", {{"a", "b"}}, {}))}) {
    CHECK(error.code == "corrupt");
    CHECK(mentions(error.message, "table connections, row pd, column settings"));
  }
}
