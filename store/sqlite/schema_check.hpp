#pragma once

#include <string>

#include "base/result.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/migrations.hpp"

/// A database file may come from anybody who could write it. Before anything else of it is used it must have
/// the shape that Watchbill gives its own.
namespace watchbill::store {

/// Success for a database in which nothing is yet, and for one with exactly the tables and indexes that the
/// schema of its version has: no view in a table's place, no trigger, no other column or table (what
/// `ANALYZE` keeps may be there). Reads nothing but the list of them. `conflict` for a newer schema and for
/// another program's database; `storage` (code "corrupt") for all else, naming what does not belong there.
Result<void> check_schema(Database& database, const std::string& path,
                          const Steps& steps = {migrations(), schema()});

}  // namespace watchbill::store
