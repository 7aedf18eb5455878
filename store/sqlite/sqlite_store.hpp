#pragma once

#include <memory>
#include <string>

#include "store/seal.hpp"
#include "store/sqlite/database.hpp"
#include "store/store.hpp"

namespace watchbill::store {

/// The store in one SQLite file.
class SqliteStore : public Store {
 public:
  SqliteStore(Database database, Sealer sealer);

  Result<void> transaction(const std::function<Result<void>()>& body) override;
  Result<void> relaxed_transaction(const std::function<Result<void>()>& body) override;
  Result<std::int64_t> data_version() override;
  Result<std::int64_t> generation() override;
  bool has_moved() override { return database_.has_moved(); }
  Result<std::optional<std::string>> meta(const std::string& key) override;
  Result<void> set_meta(const std::string& key, const std::string& value) override;

  Connections& connections() override { return *connections_; }
  Rotations& rotations() override { return *rotations_; }
  EngineState& engine() override { return *engine_; }
  History& history() override { return *history_; }
  Outbox& outbox() override { return *outbox_; }
  PeopleStore& people() override { return *people_; }
  Requests& requests() override { return *requests_; }
  Problems& problems() override { return *problems_; }

  /// For tests that break things.
  Database& database() { return database_; }

 private:
  Result<void> claim_team(const std::string& team);

  Database database_;
  Sealer sealer_;
  std::unique_ptr<Connections> connections_;
  std::unique_ptr<Rotations> rotations_;
  std::unique_ptr<EngineState> engine_;
  std::unique_ptr<History> history_;
  std::unique_ptr<Outbox> outbox_;
  std::unique_ptr<PeopleStore> people_;
  std::unique_ptr<Requests> requests_;
  std::unique_ptr<Problems> problems_;
};

}  // namespace watchbill::store
