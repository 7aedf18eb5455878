#include "base/json.hpp"
#include "store/sqlite/columns.hpp"
#include "store/sqlite/tables.hpp"

namespace watchbill::store {

namespace {

std::string user_json(const std::string& user) {
  json::Writer writer;
  writer.begin_object().field("user", user).end_object();
  return writer.take();
}

class SqlitePeople : public PeopleStore {
 public:
  explicit SqlitePeople(Database& database) : db_(database) {}

  Result<std::vector<Mapping>> mappings() override;
  Result<void> map(const Mapping& mapping, const Actor& actor) override;
  Result<void> unmap(const std::string& person, const Actor& actor) override;
  Result<std::vector<CachedUser>> users() override;
  Result<void> put_users(const std::vector<CachedUser>& users) override;
  Result<std::vector<Unmatched>> unmatched() override;
  Result<void> replace_unmatched(const std::vector<Unmatched>& people) override;

 private:
  Result<std::optional<std::string>> user_of(const std::string& person) {
    return db_.value<std::string>("SELECT user FROM mappings WHERE person = ?1", person);
  }

  Database& db_;
};

Result<std::vector<Mapping>> SqlitePeople::mappings() {
  std::vector<Mapping> found;
  auto done =
      db_.query("SELECT person, user, at, mapped_by FROM mappings ORDER BY person",
                [&found](const Row& row) -> Result<void> {
                  auto& mapping = found.emplace_back();
                  Columns(row).plain(mapping.person).plain(mapping.user).plain(mapping.at).plain(mapping.by);
                  return {};
                });
  if (!done) return done.error();
  return found;
}

Result<void> SqlitePeople::map(const Mapping& mapping, const Actor& actor) {
  return db_.transaction([&]() -> Result<void> {
    auto before = user_of(mapping.person);
    if (!before) return before.error();
    const Instant at = mapping.at == Instant{} ? wall_clock() : mapping.at;
    auto done =
        db_.execute("INSERT INTO mappings(team_id, person, user, at, mapped_by) VALUES (" WATCHBILL_TEAM
                    ", ?1, ?2, ?3, ?4) ON CONFLICT (team_id, person) DO UPDATE SET user = excluded.user, at "
                    "= excluded.at, "
                    "mapped_by = excluded.mapped_by",
                    mapping.person, mapping.user, at, mapping.by.empty() ? actor : mapping.by);
    if (!done) return done;
    const AuditEntry entry{wall_clock(),
                           actor,
                           "people.map",
                           mapping.person,
                           *before ? user_json(**before) : std::string(),
                           user_json(mapping.user.value)};
    if (auto written = write_audit(db_, entry, std::nullopt); !written) return written;
    return bump_generation(db_);
  });
}

Result<void> SqlitePeople::unmap(const std::string& person, const Actor& actor) {
  return db_.transaction([&]() -> Result<void> {
    auto before = user_of(person);
    if (!before) return before.error();
    if (!*before) {
      return fail(ErrorKind::not_found, "{} is not mapped to anybody (see `watchbill people list`)", person);
    }
    if (auto done = db_.execute("DELETE FROM mappings WHERE person = ?1", person); !done) return done;
    const AuditEntry entry{wall_clock(), actor, "people.unmap", person, user_json(**before), ""};
    if (auto written = write_audit(db_, entry, std::nullopt); !written) return written;
    return bump_generation(db_);
  });
}

Result<std::vector<CachedUser>> SqlitePeople::users() {
  std::vector<CachedUser> found;
  auto done = db_.query(
      "SELECT id, name, email, deleted, bot, guest, admin, seen_at FROM slack_users ORDER BY id",
      [&found](const Row& row) -> Result<void> {
        auto& user = found.emplace_back();
        Columns columns(row);
        columns.plain(user.id).plain(user.name).plain(user.email).plain(user.deleted).plain(user.bot);
        columns.plain(user.guest).plain(user.admin).plain(user.seen_at);
        return {};
      });
  if (!done) return done.error();
  return found;
}

Result<void> SqlitePeople::put_users(const std::vector<CachedUser>& users) {
  if (users.empty()) return {};
  return db_.transaction([&]() -> Result<void> {
    for (const auto& user : users) {
      auto done = db_.execute(
          "INSERT INTO slack_users(team_id, id, name, email, deleted, bot, guest, admin, seen_at) "
          "VALUES (" WATCHBILL_TEAM
          ", ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (team_id, id) DO UPDATE SET name = excluded.name, "
          "email = excluded.email, deleted = excluded.deleted, bot = excluded.bot, guest = excluded.guest, "
          "admin = excluded.admin, seen_at = excluded.seen_at",
          user.id, user.name, user.email, user.deleted, user.bot, user.guest, user.admin, user.seen_at);
      if (!done) return done;
    }
    return {};
  });
}

Result<std::vector<Unmatched>> SqlitePeople::unmatched() {
  std::vector<Unmatched> found;
  auto done =
      db_.query("SELECT connection, id, name, email, why, since FROM unmatched ORDER BY name, connection, id",
                [&found](const Row& row) -> Result<void> {
                  auto& person = found.emplace_back();
                  Columns columns(row);
                  columns.plain(person.responder.connection).plain(person.responder.id);
                  columns.plain(person.responder.name).plain(person.responder.email);
                  columns.plain(person.why).plain(person.since);
                  return {};
                });
  if (!done) return done.error();
  return found;
}

Result<void> SqlitePeople::replace_unmatched(const std::vector<Unmatched>& people) {
  return db_.transaction([&]() -> Result<void> {
    if (auto done = db_.execute("DELETE FROM unmatched"); !done) return done;
    for (const auto& person : people) {
      auto done = db_.execute(
          "INSERT OR REPLACE INTO unmatched(connection, id, name, email, why, since) VALUES (?1, ?2, ?3, ?4, "
          "?5, ?6)",
          person.responder.connection, person.responder.id, person.responder.name, person.responder.email,
          person.why, person.since);
      if (!done) return done;
    }
    return {};
  });
}

}  // namespace

std::unique_ptr<PeopleStore> make_people(Database& database) {
  return std::make_unique<SqlitePeople>(database);
}

}  // namespace watchbill::store
