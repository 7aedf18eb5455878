#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/project.hpp"
#include "tests/unit/store/support.hpp"

/// Stores as released programs left them, one for each schema (tests/system/released_store.py writes them).
/// Each has something in nearly every table.
namespace watchbill::store {

/// tests/system/released_store.py: KEY
inline std::string released_key() {
  std::string key;
  for (char byte = 0; byte < 32; ++byte) key += byte;
  return key;
}

inline std::filesystem::path released_file(int version) {
  return test::project_file(fmt::format("tests/unit/released/schema_{}.sql", version));
}

inline void write_private(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
  std::filesystem::permissions(path,
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

/// The store of the release with that schema in `folder`, and its key.
inline void put_back_released(const TempFolder& folder, int version) {
  std::ostringstream sql;
  sql << std::ifstream(released_file(version)).rdbuf();
  write_private(folder.key(), released_key());
  write_private(folder.database(), "");
  auto database = must(Database::open(folder.database(), 0ms));
  must(database.script(sql.str()));
}

}  // namespace watchbill::store
