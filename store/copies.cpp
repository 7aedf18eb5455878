#include "store/copies.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "base/text.hpp"
#include "store/files.hpp"
#include "store/sqlite/columns.hpp"
#include "store/sqlite/migrations.hpp"
#include "store/sqlite/opening.hpp"
#include "store/sqlite/schema_check.hpp"

namespace watchbill::store {

namespace {

Error no_database(const std::string& path) {
  return fail(ErrorKind::invalid, "{} is not a database of Watchbill", path);
}

Error damaged(const std::string& path, std::string_view how) {
  Error error = fail(ErrorKind::storage, "{} is damaged ({}): use another backup", path, how);
  error.code = "corrupt";
  return error;
}

/// sqlite.org/fileformat2.html, "The Database Header"
bool looks_like_sqlite(const std::string& path) {
  std::array<char, 16> start{};
  std::ifstream(path, std::ios::binary).read(start.data(), start.size());
  return std::string_view(start.data(), start.size()) == std::string_view("SQLite format 3\0", 16);
}

Result<std::optional<Instant>> moment(Database& database, const char* key) {
  auto text = database.value<std::string>("SELECT value FROM meta WHERE key = ?1", key);
  if (!text) return text.error();
  if (!*text) return std::optional<Instant>();
  auto parsed = parse_rfc3339(**text);
  return parsed ? std::optional(*parsed) : std::nullopt;
}

}  // namespace

Result<Database> open_copy(const std::string& path) {
  struct stat is {};
  if (stat(path.c_str(), &is) == 0 && !S_ISREG(is.st_mode))
    return fail(ErrorKind::invalid, "{} is not an ordinary file", path);
  auto database = Database::open(path, kOpenTimeout);
  if (!database) return database;
  auto application = database->value<std::int64_t>("PRAGMA application_id");
  if (!application && application.error().code == "corrupt")
    return looks_like_sqlite(path) ? damaged(path, application.error().message) : no_database(path);
  if (!application) return application.error();
  if (application->value_or(0) == kApplicationId) {
    // A newer schema is nobody's to judge here.
    auto good = check_schema(*database, path);
    if (!good && good.error().kind != ErrorKind::conflict) return good.error();
    return database;
  }
  auto tables = database->value<std::int64_t>("SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables.error();
  if (tables->value_or(0) == 0) return no_database(path);
  return fail(ErrorKind::conflict, "{} is a database of another program", path);
}

Result<void> check_sound(Database& database, const std::string& path) {
  auto found = database.value<std::string>("PRAGMA integrity_check(1)");
  if (!found) return found.error();
  if (found->value_or("") == "ok") return {};
  return damaged(path, found->value_or(""));
}

Result<std::vector<Connection>> connections_of(Database& database) {
  std::vector<Connection> connections;
  auto done = database.query("SELECT name, kind, settings FROM connections ORDER BY name",
                             [&](const Row& row) -> Result<void> {
                               auto& connection = connections.emplace_back();
                               Columns columns(row);
                               columns.plain(connection.name).plain(connection.kind);
                               columns.json("settings", connection.settings);
                               return columns.done("connections", connection.name);
                             });
  if (!done) return done.error();
  return connections;
}

Result<DatabaseFacts> facts_of(Database& database, const std::string& path) {
  DatabaseFacts facts;
  auto version = database.value<std::int64_t>("PRAGMA user_version");
  if (!version) return version.error();
  facts.schema = static_cast<int>(version->value_or(0));
  auto rotations = database.value<std::int64_t>("SELECT count(*) FROM rotations");
  if (!rotations) return rotations.error();
  facts.rotations = rotations->value_or(0);
  auto taken = moment(database, kBackupMoment);
  if (taken && !*taken) taken = moment(database, "last_pass");
  if (!taken) return taken.error();
  facts.as_of = *taken;
  auto key = database.value<std::string>("SELECT key_id FROM connection_secrets LIMIT 1");
  if (!key) return key.error();
  facts.key_id = *key;
  struct stat found {};
  if (stat(path.c_str(), &found) == 0) facts.bytes = found.st_size;
  return facts;
}

Result<void> sync_file(const std::string& path) {
  const FileHandle file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (file.fd() < 0 || fsync(file.fd()) != 0) return file_error("write", path);
  return {};
}

}  // namespace watchbill::store
