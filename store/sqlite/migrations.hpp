#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "store/sqlite/database.hpp"

namespace watchbill::store {

/// "WtBl": marks a file as ours (PRAGMA application_id).
inline constexpr std::int64_t kApplicationId = 0x5774426c;

/// The whole schema of this version: what all migrations, in order, come to (a test compares the two).
std::string_view schema();

/// SQL that takes version i to i + 1.
std::span<const std::string_view> migrations();

/// "PATH was written by a newer Watchbill", with what to do.
Error newer_schema(const std::string& path, std::int64_t version, std::int64_t newest);
/// "PATH is a database of another program".
Error other_program(const std::string& path);

struct Steps {
  std::span<const std::string_view> migrations;
  /// Used for an empty file instead of the migrations; may be empty.
  std::string_view schema;
};

/// Brings the database to the newest version, or leaves it as it was. Leaves `foreign_keys` off. `conflict`
/// if the database is newer, or is not ours.
Result<void> migrate(Database& database, const std::string& path,
                     const Steps& steps = {migrations(), schema()});

}  // namespace watchbill::store
