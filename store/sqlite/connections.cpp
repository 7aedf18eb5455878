#include "store/sqlite/columns.hpp"
#include "store/sqlite/tables.hpp"

namespace watchbill::store {

namespace {

Error no_connection(const std::string& name) {
  return fail(ErrorKind::not_found, "there is no connection \"{}\" (see `watchbill connection list`)", name);
}

class SqliteConnections : public Connections {
 public:
  SqliteConnections(Database& database, const Sealer& sealer) : db_(database), sealer_(sealer) {}

  Result<std::vector<Connection>> list() override {
    auto all = select(std::nullopt);
    if (all) std::erase_if(*all, [](const Connection& one) { return one.name.ends_with(kHeldSuffix); });
    return all;
  }
  Result<Connection> get(const std::string& name) override;
  Result<void> add(const Connection& connection, const Actor& actor) override;
  Result<void> update(const Connection& connection, const Actor& actor) override;
  Result<void> remove(const std::string& name, const Actor& actor) override;
  Result<void> keep_tokens(const std::string& name, const std::map<std::string, std::string>& settings,
                           const std::map<std::string, Secret>& secrets) override;
  Result<void> put_status(const std::string& name, const ConnectionStatus& status) override;
  Result<std::vector<std::pair<std::string, ConnectionStatus>>> statuses() override;

 private:
  Result<std::vector<Connection>> select(const std::optional<std::string>& name);
  Result<void> put_secret(const Connection& connection, const std::string& name, const Secret& secret);
  Result<void> put_secrets(const Connection& connection);
  Result<void> refuse_if_used(const std::string& name);
  Result<void> audit(const Actor& actor, std::string action, const std::string& name, std::string before,
                     std::string after);

  Database& db_;
  const Sealer& sealer_;
};

Result<std::vector<Connection>> SqliteConnections::select(const std::optional<std::string>& name) {
  std::map<std::string, Connection> found;
  auto take = [&found](const Row& row) -> Result<void> {
    Connection connection;
    Columns columns(row);
    columns.plain(connection.name).plain(connection.kind).json("settings", connection.settings);
    columns.plain(connection.created_at);
    if (auto done = columns.done("connections", connection.name); !done) return done;
    found[connection.name] = std::move(connection);
    return {};
  };
  auto unseal = [&](const Row& row) -> Result<void> {
    const auto owner = row.get<std::string>(0);
    const auto secret_name = row.get<std::string>(1);
    const auto connection = found.find(owner);
    if (connection == found.end())
      return corrupt(kSecretsTable, owner, secret_name, "there is no such connection");
    auto secret = sealer_.open({row.get<std::string>(2), row.get<Blob>(3).bytes},
                               place_of_secret(connection->second, secret_name));
    if (!secret) return secret.error();
    connection->second.secrets[secret_name] = std::move(*secret);
    return {};
  };
  const std::string rows = "SELECT name, kind, settings, created_at FROM connections ";
  const std::string secrets = "SELECT connection, name, key_id, sealed FROM connection_secrets ";
  auto done = db_.snapshot([&]() -> Result<void> {
    if (!name) {
      auto listed = db_.query(rows, take);
      return listed ? db_.query(secrets, unseal) : listed;
    }
    auto listed = db_.query(rows + "WHERE name = ?1", take, *name);
    return listed ? db_.query(secrets + "WHERE connection = ?1", unseal, *name) : listed;
  });
  if (!done) return done.error();
  std::vector<Connection> connections;
  connections.reserve(found.size());
  for (auto& [key, connection] : found) connections.push_back(std::move(connection));
  return connections;
}

Result<Connection> SqliteConnections::get(const std::string& name) {
  auto found = select(name);
  if (!found) return found.error();
  if (found->empty()) return no_connection(name);
  return std::move(found->front());
}

Result<void> SqliteConnections::put_secret(const Connection& connection, const std::string& name,
                                           const Secret& secret) {
  if (secret.empty()) {
    return db_.execute("DELETE FROM connection_secrets WHERE connection = ?1 AND name = ?2", connection.name,
                       name);
  }
  // Another process may have sealed with another key since this one opened the store.
  auto other = db_.value<std::string>("SELECT key_id FROM connection_secrets WHERE key_id <> ?1 LIMIT 1",
                                      sealer_.key_id());
  if (!other) return other.error();
  if (*other) {
    return fail(
        ErrorKind::conflict,
        "other secrets in the store are sealed with the key {}, but {} is the key {}: use one key for all",
        **other, sealer_.origin(), sealer_.key_id());
  }
  const Sealed sealed = sealer_.seal(secret, place_of_secret(connection, name));
  return db_.execute(
      "INSERT INTO connection_secrets(connection, name, key_id, sealed, seal_version) VALUES (?1, ?2, ?3, "
      "?4, "
      "?5) ON CONFLICT (connection, name) DO UPDATE SET key_id = excluded.key_id, sealed = excluded.sealed, "
      "seal_version = excluded.seal_version",
      connection.name, name, sealed.key_id, Blob{sealed.bytes}, kSealVersion);
}

Result<void> SqliteConnections::put_secrets(const Connection& connection) {
  for (const auto& [name, secret] : connection.secrets) {
    if (auto done = put_secret(connection, name, secret); !done) return done;
  }
  return {};
}

Result<void> SqliteConnections::audit(const Actor& actor, std::string action, const std::string& name,
                                      std::string before, std::string after) {
  const AuditEntry entry{wall_clock(), actor, std::move(action), name, std::move(before), std::move(after)};
  if (auto done = write_audit(db_, entry, std::nullopt); !done) return done;
  return bump_generation(db_);
}

Result<void> SqliteConnections::add(const Connection& connection, const Actor& actor) {
  return db_.transaction([&]() -> Result<void> {
    auto kind = db_.value<std::string>("SELECT kind FROM connections WHERE name = ?1", connection.name);
    if (!kind) return kind.error();
    if (*kind) {
      return fail(
          ErrorKind::conflict,
          "connection \"{}\" exists already (kind {}): choose another name, or change it with `watchbill "
          "connection update {}`",
          connection.name, **kind, connection.name);
    }
    const Instant created = connection.created_at == Instant{} ? wall_clock() : connection.created_at;
    auto done =
        db_.execute("INSERT INTO connections(name, kind, settings, created_at) VALUES (?1, ?2, ?3, ?4)",
                    connection.name, connection.kind, encode(connection.settings), created);
    if (!done) return done;
    if (done = put_secrets(connection); !done) return done;
    return audit(actor, "connection.create", connection.name, "", audit_json(connection, {}));
  });
}

std::vector<std::string> changed_secrets(const Connection& before, const Connection& after) {
  std::vector<std::string> changed;
  for (const auto& [name, secret] : after.secrets) {
    const auto old = before.secrets.find(name);
    if (old == before.secrets.end() || old->second != secret) changed.push_back(name);
  }
  return changed;
}

Result<void> SqliteConnections::update(const Connection& connection, const Actor& actor) {
  return db_.transaction([&]() -> Result<void> {
    auto before = get(connection.name);
    if (!before) return before.error();
    if (before->kind != connection.kind) {
      return fail(ErrorKind::conflict,
                  "connection \"{}\" is of kind {}, not {}: add another one for that system", connection.name,
                  before->kind, connection.kind);
    }
    auto done = db_.execute("UPDATE connections SET settings = ?2 WHERE name = ?1", connection.name,
                            encode(connection.settings));
    if (!done) return done;
    done = db_.execute("DELETE FROM connection_secrets WHERE connection = ?1", connection.name);
    if (!done) return done;
    if (done = put_secrets(connection); !done) return done;
    return audit(actor, "connection.update", connection.name, audit_json(*before, {}),
                 audit_json(connection, changed_secrets(*before, connection)));
  });
}

Result<void> SqliteConnections::refuse_if_used(const std::string& name) {
  std::vector<std::string> users;
  auto done = db_.query(
      "SELECT name FROM rotations WHERE id IN (SELECT rotation FROM rotation_schedules WHERE connection = "
      "?1) "
      "ORDER BY folded_name",
      [&users](const Row& row) -> Result<void> {
        users.push_back(fmt::format("\"{}\"", row.get<std::string>(0)));
        return {};
      },
      name);
  if (!done || users.empty()) return done;
  constexpr std::size_t kShown = 5;
  std::string names = users[0];
  for (std::size_t i = 1; i < users.size() && i < kShown; ++i) names += ", " + users[i];
  if (users.size() > kShown) names += fmt::format(" and {} more", users.size() - kShown);
  return fail(
      ErrorKind::conflict,
      "connection \"{}\" is used by the rotation{} {}: take its schedules out of them first (`watchbill "
      "rotation edit`, or `rotation delete`), or move them to another connection (`watchbill connection "
      "migrate {} NEW`)",
      name, users.size() == 1 ? "" : "s", names, name);
}

Result<void> SqliteConnections::remove(const std::string& name, const Actor& actor) {
  return db_.transaction([&]() -> Result<void> {
    auto before = get(name);
    if (!before) return before.error();
    if (auto done = refuse_if_used(name); !done) return done;
    if (auto done = db_.execute("DELETE FROM unmatched WHERE connection = ?1", name); !done) return done;
    if (auto done = db_.execute("DELETE FROM connections WHERE name = ?1", name); !done) return done;
    return audit(actor, "connection.remove", name, audit_json(*before, {}), "");
  });
}

Result<void> SqliteConnections::keep_tokens(const std::string& name,
                                            const std::map<std::string, std::string>& settings,
                                            const std::map<std::string, Secret>& secrets) {
  return db_.transaction([&]() -> Result<void> {
    // The secrets that stay are sealed for the addresses that stay.
    auto connection = get(name);
    if (!connection) return connection.error();
    const auto addresses = addresses_of(*connection);
    for (const auto& [key, value] : settings) {
      if (value.empty()) {
        connection->settings.erase(key);
      } else {
        connection->settings[key] = value;
      }
    }
    if (addresses_of(*connection) != addresses)
      return fail(ErrorKind::internal, "connection {}: renewed tokens have come with another address", name);
    auto done = db_.execute("UPDATE connections SET settings = ?2 WHERE name = ?1", name,
                            encode(connection->settings));
    if (!done) return done;
    for (const auto& [key, secret] : secrets) {
      if (done = put_secret(*connection, key, secret); !done) return done;
    }
    return {};
  });
}

Result<void> SqliteConnections::put_status(const std::string& name, const ConnectionStatus& status) {
  auto done = db_.execute(
      "INSERT INTO connection_status(connection, state, last_success, interval_seconds, problem) "
      "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (connection) DO UPDATE SET state = excluded.state, "
      "last_success = excluded.last_success, interval_seconds = excluded.interval_seconds, "
      "problem = excluded.problem",
      name, status.state, status.last_success, status.interval, status.problem);
  if (!done) return missing(done.error(), ErrorKind::not_found, no_connection(name).message);
  return {};
}

Result<std::vector<std::pair<std::string, ConnectionStatus>>> SqliteConnections::statuses() {
  std::vector<std::pair<std::string, ConnectionStatus>> found;
  auto done = db_.query(
      "SELECT connection, state, last_success, interval_seconds, problem FROM connection_status "
      "ORDER BY connection",
      [&found](const Row& row) -> Result<void> {
        auto& [name, status] = found.emplace_back();
        Columns columns(row);
        columns.plain(name).plain(status.state).plain(status.last_success).plain(status.interval);
        columns.plain(status.problem);
        return {};
      });
  if (!done) return done.error();
  return found;
}

}  // namespace

std::unique_ptr<Connections> make_connections(Database& database, const Sealer& sealer) {
  return std::make_unique<SqliteConnections>(database, sealer);
}

}  // namespace watchbill::store
