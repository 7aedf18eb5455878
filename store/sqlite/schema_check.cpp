#include "store/sqlite/schema_check.hpp"

#include <algorithm>
#include <map>
#include <vector>

#include "store/sqlite/tables.hpp"

namespace watchbill::store {

namespace {

/// A few times what a schema of ours has.
constexpr std::size_t kMostObjects = 500;
constexpr std::size_t kShownName = 60;

struct Object {
  std::string name;  ///< "table meta"
  std::string sql;
  auto operator<=>(const Object&) const = default;
};

/// SQL as it was written, but for white space: ALTER TABLE puts its own.
std::string without_layout(const std::string& sql) {
  constexpr std::string_view kSpace = " \t\r\n";
  constexpr std::string_view kMarks = "(),";
  std::string plain;
  bool space = false;
  for (const char c : sql) {
    if (kSpace.find(c) != std::string_view::npos) {
      space = true;
      continue;
    }
    const bool mark = kMarks.find(c) != std::string_view::npos;
    const bool after_mark = plain.empty() || kMarks.find(plain.back()) != std::string_view::npos;
    if (space && !mark && !after_mark) plain += ' ';
    space = false;
    plain += c;
  }
  return plain;
}

Error not_ours(const std::string& path, std::string_view why) {
  Error error =
      fail(ErrorKind::storage, "{} is no store as Watchbill makes it ({}): restore a backup", path, why);
  error.code = "corrupt";
  return error;
}

/// sqlite.org/lang_analyze.html
bool is_statistics(const std::string& type, const std::string& name) {
  return type == "table" && (name == "sqlite_stat1" || name == "sqlite_stat4");
}

/// All tables, indexes, views and triggers, sorted.
Result<std::vector<Object>> objects_of(Database& database, const std::string& path) {
  std::vector<Object> objects;
  auto done = database.query(
      "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema",
      [&](const Row& row) -> Result<void> {
        const auto type = row.get<std::string>(0);
        const auto name = row.get<std::string>(1);
        if (is_statistics(type, name)) return {};
        if (objects.size() == kMostObjects) return not_ours(path, "too many tables");
        objects.push_back({fmt::format("{} {}", type, name.substr(0, kShownName)),
                           row.get<std::string>(2) + " " + without_layout(row.get<std::string>(3))});
        return {};
      });
  if (!done) return done.error();
  std::sort(objects.begin(), objects.end());
  return objects;
}

/// What a database of that version has.
Result<std::vector<Object>> expected_objects(std::size_t version, const Steps& steps) {
  auto model = Database::open(":memory:", 0ms);
  if (!model) return model.error();
  for (const auto& migration : steps.migrations.first(version)) {
    if (auto done = model->script(std::string(migration)); !done) return done.error();
  }
  return objects_of(*model, ":memory:");
}

Result<void> compare(const std::vector<Object>& found, const std::vector<Object>& expected,
                     const std::string& path) {
  if (found == expected) return {};
  for (const auto& object : found) {
    if (!std::binary_search(expected.begin(), expected.end(), object))
      return not_ours(path, fmt::format("its {} is another", object.name));
  }
  for (const auto& object : expected) {
    if (!std::binary_search(found.begin(), found.end(), object))
      return not_ours(path, fmt::format("its {} is missing", object.name));
  }
  return not_ours(path, "a table is there twice");
}

Result<void> check_objects(Database& database, const std::string& path, const Steps& steps) {
  auto found = objects_of(database, path);
  if (!found) return found.error();
  auto version = number_of(database, "PRAGMA user_version");
  if (!version) return version.error();
  if (found->empty() && *version == 0) return {};
  auto application = number_of(database, "PRAGMA application_id");
  if (!application) return application.error();
  if (*application != kApplicationId) return other_program(path);
  const auto newest = static_cast<std::int64_t>(steps.migrations.size());
  if (*version > newest) return newer_schema(path, *version, newest);
  if (*version < 1) return not_ours(path, fmt::format("its schema has the version {}", *version));
  // The same for every store of a run.
  static std::map<std::pair<const void*, std::int64_t>, std::vector<Object>> known;
  auto& expected = known[{steps.migrations.data(), *version}];
  if (expected.empty()) {
    auto made = expected_objects(static_cast<std::size_t>(*version), steps);
    if (!made) return made.error();
    expected = *std::move(made);
  }
  return compare(*found, expected, path);
}

}  // namespace

Result<void> check_schema(Database& database, const std::string& path, const Steps& steps) {
  // Another process may be migrating it.
  return database.snapshot([&] { return check_objects(database, path, steps); });
}

}  // namespace watchbill::store
