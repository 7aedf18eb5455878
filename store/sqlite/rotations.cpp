#include <unordered_map>

#include "store/sqlite/columns.hpp"
#include "store/sqlite/tables.hpp"

namespace watchbill::store {

namespace {

const std::string kRotationColumns =
    "SELECT id, name, group_id, handle, mode, membership, drift, paused, empty, empty_alert, announce, "
    "template, "
    "mention, max_age_ms, alert_channel, managed_by FROM rotations ";

Error no_rotation(std::string_view name) {
  return fail(ErrorKind::not_found, "there is no rotation {} (see `watchbill rotation list`)", name);
}

Result<Rotation> read_rotation(const Row& row) {
  Rotation r;
  Columns columns(row);
  columns.plain(r.id).plain(r.name).plain(r.group).plain(r.handle);
  columns.word("mode", r.mode, parse_mode).word("membership", r.membership, parse_membership);
  columns.word("drift", r.drift, parse_drift).plain(r.paused).word("empty", r.empty, parse_empty);
  columns.plain(r.empty_alert).plain(r.announce.enabled).plain(r.announce.text_template);
  columns.word("mention", r.announce.mention, parse_mention).plain(r.announce.max_age);
  columns.plain(r.alert_channel).plain(r.managed_by);
  if (auto done = columns.done("rotations", r.id.value); !done) return done.error();
  return r;
}

class SqliteRotations : public Rotations {
 public:
  explicit SqliteRotations(Database& database) : db_(database) {}

  Result<std::vector<Rotation>> list() override;
  Result<Rotation> find(const std::string& name) override;
  Result<std::optional<Rotation>> find_by_group(const GroupId& group) override;
  Result<std::optional<GroupId>> group_of(RotationId id) override;
  Result<RotationId> add(const Rotation& rotation, bool quiet, const std::optional<FormerGroup>& former,
                         const Actor& actor) override;
  Result<void> update(const Rotation& rotation, const Actor& actor) override;
  Result<void> put_former(RotationId id, const FormerGroup& former) override;
  Result<void> remove(RotationId id, const Actor& actor) override;
  Result<void> begin_deletion(const Deletion& deletion) override;
  Result<void> end_deletion(const Deletion& deletion) override;
  Result<std::vector<Deletion>> deletions() override;

 private:
  template <class... Args>
  Result<std::optional<Rotation>> one(const std::string& where, const Args&... args);
  template <class... Args>
  Result<void> read_children(std::vector<Rotation>& rotations, const std::string& where, const Args&... args);
  Result<void> refuse_if_taken(const Rotation& rotation);
  Result<void> insert(const Rotation& rotation, const std::string& folded);
  Result<void> replace(const Rotation& rotation, const std::string& folded);
  Result<void> write_children(const Rotation& rotation);
  Result<void> write_schedules(const Rotation& rotation);
  template <class T>
  Result<void> write_people(RotationId id, std::string_view role, const std::vector<T>& people);
  Result<void> start_record(RotationId id, bool quiet, const std::optional<FormerGroup>& former);
  Result<void> audit(const Actor& actor, std::string action, const Rotation& rotation, std::string before,
                     std::string after);

  Database& db_;
};

void put_person(Rotation& rotation, std::string_view role, std::string person) {
  if (role == "permanent") {
    rotation.permanent_members.emplace_back(std::move(person));
  } else if (role == "fallback") {
    rotation.fallback_members.emplace_back(std::move(person));
  } else if (role == "owner") {
    rotation.owners.push_back(std::move(person));
  }
}

/// One query for each child table, whatever the number of rotations. `where` narrows the children.
template <class... Args>
Result<void> SqliteRotations::read_children(std::vector<Rotation>& rotations, const std::string& where,
                                            const Args&... args) {
  std::unordered_map<std::int64_t, Rotation*> by_id;
  by_id.reserve(rotations.size());
  for (auto& rotation : rotations) by_id[rotation.id.value] = &rotation;
  const auto owner = [&by_id](const Row& row) -> Rotation* {
    const auto found = by_id.find(row.get<std::int64_t>(0));
    return found == by_id.end() ? nullptr : found->second;
  };
  const auto each = [&](const std::string& sql, const std::string& order, const auto& put) {
    return db_.query(
        sql + where + order,
        [&](const Row& row) -> Result<void> {
          if (Rotation* rotation = owner(row)) put(*rotation, row);
          return {};
        },
        args...);
  };
  auto done = each("SELECT rotation, connection, schedule, label, required FROM rotation_schedules ",
                   " ORDER BY rotation, position", [](Rotation& rotation, const Row& row) {
                     RotationSchedule schedule;
                     row.read(1, schedule.ref.connection);
                     row.read(2, schedule.ref.id);
                     row.read(3, schedule.label);
                     row.read(4, schedule.required);
                     rotation.schedules.push_back(std::move(schedule));
                   });
  if (!done) return done;
  done = each("SELECT rotation, channel FROM rotation_channels ", " ORDER BY rotation, position",
              [](Rotation& rotation, const Row& row) { row.read(1, rotation.channels.emplace_back()); });
  if (!done) return done;
  return each("SELECT rotation, role, person FROM rotation_people ", " ORDER BY rotation, role, position",
              [](Rotation& rotation, const Row& row) {
                put_person(rotation, row.get<std::string>(1), row.get<std::string>(2));
              });
}

Result<std::vector<Rotation>> SqliteRotations::list() {
  std::vector<Rotation> rotations;
  // One transaction, so that no rotation is seen with another moment's children.
  auto read = [&]() -> Result<void> {
    rotations.reserve(rows_in(db_, "SELECT count(*) FROM rotations"));
    auto done = db_.query(kRotationColumns + "ORDER BY folded_name", [&](const Row& row) -> Result<void> {
      auto rotation = read_rotation(row);
      if (!rotation) return rotation.error();
      rotations.push_back(std::move(*rotation));
      return {};
    });
    if (!done) return done;
    return read_children(rotations, "");
  };
  auto done = db_.snapshot(read);
  if (!done) return done.error();
  return rotations;
}

template <class... Args>
Result<std::optional<Rotation>> SqliteRotations::one(const std::string& where, const Args&... args) {
  std::vector<Rotation> found;
  auto read = [&]() -> Result<void> {
    auto done = db_.query(
        kRotationColumns + where,
        [&](const Row& row) -> Result<void> {
          auto rotation = read_rotation(row);
          if (!rotation) return rotation.error();
          found.push_back(std::move(*rotation));
          return {};
        },
        args...);
    if (!done || found.empty()) return done;
    return read_children(found, "WHERE rotation = ?1", found.front().id);
  };
  if (auto done = db_.snapshot(read); !done) return done.error();
  if (found.empty()) return std::optional<Rotation>();
  return std::optional(std::move(found.front()));
}

Result<Rotation> SqliteRotations::find(const std::string& name) {
  auto found = one("WHERE folded_name = ?1", fold_name(name));
  if (!found) return found.error();
  if (!*found) return no_rotation(fmt::format("\"{}\"", name));
  return std::move(**found);
}

Result<std::optional<Rotation>> SqliteRotations::find_by_group(const GroupId& group) {
  return one("WHERE group_id = ?1", group);
}

Result<std::optional<GroupId>> SqliteRotations::group_of(RotationId id) {
  return db_.value<GroupId>("SELECT group_id FROM rotations WHERE id = ?1", id);
}

Result<void> SqliteRotations::refuse_if_taken(const Rotation& rotation) {
  auto name = db_.value<std::string>("SELECT name FROM rotations WHERE folded_name = ?1 AND id <> ?2",
                                     fold_name(rotation.name), rotation.id);
  if (!name) return name.error();
  if (*name) {
    return fail(
        ErrorKind::conflict,
        "the name \"{}\" is taken by rotation \"{}\" (upper and lower case count as the same): choose "
        "another name",
        rotation.name, **name);
  }
  auto group = db_.value<std::string>("SELECT name FROM rotations WHERE group_id = ?1 AND id <> ?2",
                                      rotation.group, rotation.id);
  if (!group) return group.error();
  if (*group) {
    return fail(
        ErrorKind::conflict,
        "the group {} belongs to rotation \"{}\", and a group belongs to one rotation: edit that one, or "
        "choose another group",
        rotation.handle.empty() ? rotation.group.value
                                : fmt::format("@{} ({})", rotation.handle, rotation.group),
        **group);
  }
  return {};
}

Result<void> SqliteRotations::insert(const Rotation& r, const std::string& folded) {
  return db_.execute(
      "INSERT INTO rotations(team_id, name, folded_name, group_id, handle, mode, membership, drift, paused, "
      "empty, "
      "empty_alert, announce, template, mention, max_age_ms, alert_channel, managed_by) VALUES "
      "(" WATCHBILL_TEAM ", ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
      r.name, folded, r.group, r.handle, name_of(r.mode), name_of(r.membership), name_of(r.drift), r.paused,
      name_of(r.empty), r.empty_alert, r.announce.enabled, r.announce.text_template,
      name_of(r.announce.mention), r.announce.max_age, r.alert_channel, r.managed_by);
}

Result<void> SqliteRotations::replace(const Rotation& r, const std::string& folded) {
  return db_.execute(
      "UPDATE rotations SET name = ?2, folded_name = ?3, group_id = ?4, handle = ?5, mode = ?6, membership = "
      "?7, "
      "drift = ?8, paused = ?9, empty = ?10, empty_alert = ?11, announce = ?12, template = ?13, mention = "
      "?14, "
      "max_age_ms = ?15, alert_channel = ?16, managed_by = ?17 WHERE id = ?1",
      r.id, r.name, folded, r.group, r.handle, name_of(r.mode), name_of(r.membership), name_of(r.drift),
      r.paused, name_of(r.empty), r.empty_alert, r.announce.enabled, r.announce.text_template,
      name_of(r.announce.mention), r.announce.max_age, r.alert_channel, r.managed_by);
}

Result<void> SqliteRotations::write_schedules(const Rotation& rotation) {
  std::int64_t position = 0;
  for (const auto& schedule : rotation.schedules) {
    auto done = db_.execute(
        "INSERT INTO rotation_schedules(rotation, position, connection, schedule, label, required) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        rotation.id, position++, schedule.ref.connection, schedule.ref.id, schedule.label, schedule.required);
    if (!done) {
      return missing(done.error(), ErrorKind::not_found,
                     fmt::format("rotation \"{}\", schedule {}: there is no connection \"{}\" (add it with "
                                 "`watchbill connection add`)",
                                 rotation.name, schedule.ref, schedule.ref.connection));
    }
  }
  return {};
}

const std::string& text_of(const std::string& text) {
  return text;
}

template <class Tag>
const std::string& text_of(const Id<Tag>& id) {
  return id.value;
}

template <class T>
Result<void> SqliteRotations::write_people(RotationId id, std::string_view role,
                                           const std::vector<T>& people) {
  std::int64_t position = 0;
  for (const auto& person : people) {
    auto done =
        db_.execute("INSERT INTO rotation_people(rotation, role, position, person) VALUES (?1, ?2, ?3, ?4)",
                    id, role, position++, text_of(person));
    if (!done) return done;
  }
  return {};
}

Result<void> SqliteRotations::write_children(const Rotation& rotation) {
  for (const char* table : {"rotation_schedules", "rotation_channels", "rotation_people"}) {
    auto done = db_.execute(fmt::format("DELETE FROM {} WHERE rotation = ?1", table), rotation.id);
    if (!done) return done;
  }
  if (auto done = write_schedules(rotation); !done) return done;
  std::int64_t position = 0;
  for (const auto& channel : rotation.channels) {
    auto done = db_.execute("INSERT INTO rotation_channels(rotation, position, channel) VALUES (?1, ?2, ?3)",
                            rotation.id, position++, channel);
    if (!done) return done;
  }
  if (auto done = write_people(rotation.id, "permanent", rotation.permanent_members); !done) return done;
  if (auto done = write_people(rotation.id, "fallback", rotation.fallback_members); !done) return done;
  return write_people(rotation.id, "owner", rotation.owners);
}

Result<void> SqliteRotations::start_record(RotationId id, bool quiet,
                                           const std::optional<FormerGroup>& former) {
  return db_.execute(
      "INSERT OR REPLACE INTO rotation_records(rotation, decided, quiet, people, people_since, target, "
      "placed, "
      "former, adopted) VALUES (?1, 0, ?2, '[]', 0, NULL, '[]', ?3, ?4)",
      id, quiet, encode_maybe(former), former.has_value());
}

Result<void> SqliteRotations::audit(const Actor& actor, std::string action, const Rotation& rotation,
                                    std::string before, std::string after) {
  const AuditEntry entry{wall_clock(),      actor,           std::move(action), rotation.name,
                         std::move(before), std::move(after)};
  if (auto done = write_audit(db_, entry, rotation.id); !done) return done;
  return bump_generation(db_);
}

Result<RotationId> SqliteRotations::add(const Rotation& rotation, bool quiet,
                                        const std::optional<FormerGroup>& former, const Actor& actor) {
  Rotation added = rotation;
  added.id = RotationId{};
  auto done = db_.transaction([&]() -> Result<void> {
    if (auto free = refuse_if_taken(added); !free) return free;
    if (auto inserted = insert(added, fold_name(added.name)); !inserted) return inserted;
    added.id = RotationId{db_.last_id()};
    if (auto written = write_children(added); !written) return written;
    if (auto started = start_record(added.id, quiet, former); !started) return started;
    return audit(actor, "rotation.create", added, "", audit_json(added));
  });
  if (!done) return done.error();
  return added.id;
}

Result<void> SqliteRotations::update(const Rotation& rotation, const Actor& actor) {
  return db_.transaction([&]() -> Result<void> {
    auto before = one("WHERE id = ?1", rotation.id);
    if (!before) return before.error();
    if (!*before) return no_rotation(fmt::format("\"{}\"", rotation.name));
    if (auto free = refuse_if_taken(rotation); !free) return free;
    if (auto replaced = replace(rotation, fold_name(rotation.name)); !replaced) return replaced;
    if (auto written = write_children(rotation); !written) return written;
    if ((*before)->group != rotation.group) {
      if (auto started = start_record(rotation.id, false, std::nullopt); !started) return started;
      if (auto closed = supersede_open(db_, rotation.id, false); !closed) return closed;
    }
    return audit(actor, "rotation.update", rotation, audit_json(**before), audit_json(rotation));
  });
}

Result<void> SqliteRotations::put_former(RotationId id, const FormerGroup& former) {
  return db_.transaction([&]() -> Result<void> {
    auto put = db_.execute("UPDATE rotation_records SET former = ?2, adopted = 1 WHERE rotation = ?1", id,
                           encode_maybe(std::optional(former)));
    if (!put) return put;
    if (db_.changes() == 0) return no_rotation(fmt::format("with the number {}", id.value));
    return bump_generation(db_);
  });
}

Result<void> SqliteRotations::remove(RotationId id, const Actor& actor) {
  return db_.transaction([&]() -> Result<void> {
    auto before = one("WHERE id = ?1", id);
    if (!before) return before.error();
    if (!*before) return no_rotation(fmt::format("with the number {}", id.value));
    if (auto closed = supersede_open(db_, id, true); !closed) return closed;
    if (auto deleted = db_.execute("DELETE FROM rotations WHERE id = ?1", id); !deleted) return deleted;
    return audit(actor, "rotation.delete", **before, audit_json(**before), "");
  });
}

Result<void> SqliteRotations::begin_deletion(const Deletion& deletion) {
  return db_.transaction([&]() -> Result<void> {
    auto noted = db_.execute(
        "INSERT OR REPLACE INTO rotation_deletions(rotation, by, at, until) VALUES (?1, ?2, ?3, ?4)",
        deletion.rotation, deletion.by, deletion.at, deletion.until);
    if (!noted) {
      const auto number = fmt::format("with the number {}", deletion.rotation.value);
      return missing(noted.error(), ErrorKind::not_found, no_rotation(number).message);
    }
    return bump_generation(db_);
  });
}

Result<void> SqliteRotations::end_deletion(const Deletion& deletion) {
  return db_.transaction([&]() -> Result<void> {
    auto ended = db_.execute(
        "DELETE FROM rotation_deletions WHERE rotation = ?1 AND by = ?2 AND at = ?3 AND until = ?4",
        deletion.rotation, deletion.by, deletion.at, deletion.until);
    if (!ended || db_.changes() == 0) return ended;
    return bump_generation(db_);
  });
}

Result<std::vector<Deletion>> SqliteRotations::deletions() {
  std::vector<Deletion> found;
  auto done = db_.query("SELECT rotation, by, at, until FROM rotation_deletions ORDER BY rotation",
                        [&found](const Row& row) -> Result<void> {
                          auto& one = found.emplace_back();
                          Columns(row).plain(one.rotation).plain(one.by).plain(one.at).plain(one.until);
                          return {};
                        });
  if (!done) return done.error();
  return found;
}

}  // namespace

std::unique_ptr<Rotations> make_rotations(Database& database) {
  return std::make_unique<SqliteRotations>(database);
}

}  // namespace watchbill::store
