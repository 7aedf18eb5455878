#pragma once

#include <memory>
#include <optional>

#include "store/seal.hpp"
#include "store/sqlite/database.hpp"
#include "store/store.hpp"

/// The parts of the store, one file each. All of them live in one database.
namespace watchbill::store {

std::unique_ptr<Connections> make_connections(Database& database, const Sealer& sealer);
std::unique_ptr<Rotations> make_rotations(Database& database);
std::unique_ptr<EngineState> make_engine_state(Database& database);
std::unique_ptr<History> make_history(Database& database);
std::unique_ptr<Outbox> make_outbox(Database& database);
std::unique_ptr<PeopleStore> make_people(Database& database);
std::unique_ptr<Requests> make_requests(Database& database);
std::unique_ptr<Problems> make_problems(Database& database);

/// Where secrets lie; part of what each is sealed with.
inline constexpr std::string_view kSecretsTable = "connection_secrets";
/// Place and purpose of a connection's secret (`connection_secrets.seal_version` 2). Both must outlive it.
inline constexpr int kSealVersion = 2;
inline SecretPlace place_of_secret(const Connection& connection, const std::string& name) {
  return {kSecretsTable, connection.name, name, purpose_of(connection)};
}

/// The workspace's id as an SQL expression; '' while it is not known.
#define WATCHBILL_TEAM "coalesce((SELECT value FROM meta WHERE key = 'team_id'), '')"

/// The one number that `sql` asks for; 0 for none.
inline Result<std::int64_t> number_of(Database& database, std::string_view sql) {
  auto value = database.value<std::int64_t>(sql);
  if (!value) return value.error();
  return value->value_or(0);
}

/// The highest id that a table with AUTOINCREMENT ever gave (https://sqlite.org/autoinc.html); 0 if none.
inline Result<std::int64_t> last_id_of(Database& database, const std::string& table) {
  auto value = database.value<std::int64_t>("SELECT seq FROM sqlite_sequence WHERE name = ?1", table);
  if (!value) return value.error();
  return value->value_or(0);
}

/// The wall clock: when something was written.
Instant wall_clock();

/// Counts a change that the engine must load. Inside the transaction of that change.
Result<void> bump_generation(Database& database);

/// One audit entry. Inside the transaction of the change.
Result<void> write_audit(Database& database, const AuditEntry& entry, std::optional<RotationId> rotation);

/// Closes what is still open for a group that its rotation no longer has: changes as "superseded", and the
/// announcements if `announcements`.
Result<void> supersede_open(Database& database, RotationId rotation, bool announcements);

/// A foreign key error as `not_found` with a sentence; any other error as it is.
inline Error missing(const Error& error, ErrorKind kind, std::string message) {
  if (error.code != "foreign_key") return error;
  return Error{kind, std::move(message)};
}

}  // namespace watchbill::store
