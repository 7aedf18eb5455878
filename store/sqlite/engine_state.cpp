#include "store/sqlite/columns.hpp"
#include "store/sqlite/tables.hpp"

namespace watchbill::store {

namespace {

Error gone(const Error& error, RotationId rotation) {
  return missing(error, ErrorKind::not_found,
                 fmt::format("rotation {} is not in the store (any more)", rotation.value));
}

constexpr std::string_view kStates =
    "SELECT connection, schedule, name, timeline, presence, held, doubt, turn, last_answer, failing_since, "
    "failure, looked_ahead, looked_far FROM watches";

Result<void> read_state(const Row& row, ScheduleState& state) {
  Columns columns(row);
  columns.plain(state.schedule.connection).plain(state.schedule.id).plain(state.name);
  columns.json("timeline", state.timeline).word("presence", state.presence, parse_presence);
  columns.json("held", state.held).json("doubt", state.doubt).json("turn", state.sudden_change);
  columns.plain(state.last_answer).plain(state.failing_since).plain(state.failure);
  columns.plain(state.looked_ahead).plain(state.looked_far);
  return columns.done("watches", to_string(state.schedule));
}

class SqliteEngineState : public EngineState {
 public:
  explicit SqliteEngineState(Database& database) : db_(database) {}

  Result<std::vector<RotationRecord>> records() override;
  Result<void> put_record(const RotationRecord& record) override;
  Result<std::vector<ScheduleState>> states() override;
  Result<std::optional<ScheduleState>> state(const ScheduleRef& schedule) override;
  Result<void> put_schedule_state(const ScheduleState& state) override;
  Result<void> remove_schedule_state(const ScheduleRef& schedule) override;
  Result<std::vector<RotationStatus>> statuses() override;
  Result<void> put_status(const RotationStatus& status) override;
  Result<std::vector<GroupSnapshot>> groups() override;
  Result<void> put_group(const GroupSnapshot& group) override;

 private:
  Database& db_;
};

Result<std::vector<RotationRecord>> SqliteEngineState::records() {
  std::vector<RotationRecord> found;
  found.reserve(rows_in(db_, "SELECT count(*) FROM rotation_records"));
  auto done = db_.query(
      "SELECT rotation, decided, quiet, people, people_since, target, placed, former, adopted "
      "FROM rotation_records ORDER BY rotation",
      [&found](const Row& row) -> Result<void> {
        auto& record = found.emplace_back();
        Columns columns(row);
        columns.plain(record.rotation).plain(record.decided).plain(record.quiet);
        columns.json("people", record.people).plain(record.people_since).json("target", record.target);
        columns.json("placed", record.placed).json("former", record.former).plain(record.adopted);
        return columns.done("rotation_records", record.rotation.value);
      });
  if (!done) return done.error();
  return found;
}

Result<void> SqliteEngineState::put_record(const RotationRecord& record) {
  auto done = db_.execute(
      "INSERT INTO rotation_records(rotation, decided, quiet, people, people_since, target, placed, former, "
      "adopted) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (rotation) DO UPDATE SET "
      "decided = excluded.decided, quiet = excluded.quiet, people = excluded.people, "
      "people_since = excluded.people_since, target = excluded.target, placed = excluded.placed, "
      "former = excluded.former, adopted = excluded.adopted",
      record.rotation, record.decided, record.quiet, encode(record.people), record.people_since,
      encode_maybe(record.target), encode(record.placed), encode_maybe(record.former), record.adopted);
  if (!done) return gone(done.error(), record.rotation);
  return {};
}

Result<std::vector<ScheduleState>> SqliteEngineState::states() {
  std::vector<ScheduleState> found;
  found.reserve(rows_in(db_, "SELECT count(*) FROM watches"));
  auto done = db_.query(fmt::format("{} ORDER BY connection, schedule", kStates),
                        [&found](const Row& row) { return read_state(row, found.emplace_back()); });
  if (!done) return done.error();
  return found;
}

Result<std::optional<ScheduleState>> SqliteEngineState::state(const ScheduleRef& schedule) {
  std::optional<ScheduleState> found;
  auto done = db_.query(
      fmt::format("{} WHERE connection = ?1 AND schedule = ?2", kStates),
      [&found](const Row& row) { return read_state(row, found.emplace()); }, schedule.connection,
      schedule.id);
  if (!done) return done.error();
  return found;
}

Result<void> SqliteEngineState::put_schedule_state(const ScheduleState& state) {
  auto done = db_.execute(
      "INSERT INTO watches(connection, schedule, name, timeline, presence, held, doubt, turn, last_answer, "
      "failing_since, failure, looked_ahead, looked_far) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) "
      "ON CONFLICT (connection, schedule) DO UPDATE SET name = excluded.name, timeline = excluded.timeline, "
      "presence = excluded.presence, held = excluded.held, doubt = excluded.doubt, turn = excluded.turn, "
      "last_answer = excluded.last_answer, failing_since = excluded.failing_since, failure = "
      "excluded.failure, "
      "looked_ahead = excluded.looked_ahead, looked_far = excluded.looked_far",
      state.schedule.connection, state.schedule.id, state.name, encode(state.timeline),
      name_of(state.presence), encode(state.held), encode_maybe(state.doubt),
      encode_maybe(state.sudden_change), state.last_answer, state.failing_since, state.failure,
      state.looked_ahead, state.looked_far);
  if (done) return {};
  return missing(done.error(), ErrorKind::not_found,
                 fmt::format("schedule {}: its connection is not in the store (any more)", state.schedule));
}

Result<void> SqliteEngineState::remove_schedule_state(const ScheduleRef& schedule) {
  return db_.execute("DELETE FROM watches WHERE connection = ?1 AND schedule = ?2", schedule.connection,
                     schedule.id);
}

Result<std::vector<RotationStatus>> SqliteEngineState::statuses() {
  std::vector<RotationStatus> found;
  auto done = db_.query(
      "SELECT rotation, state, on_call, next, next_boundary, problems, unknown FROM rotation_status "
      "ORDER BY rotation",
      [&found](const Row& row) -> Result<void> {
        auto& status = found.emplace_back();
        Columns columns(row);
        columns.plain(status.rotation).plain(status.state).json("on_call", status.on_call);
        columns.json("next", status.next).plain(status.next_boundary).json("problems", status.problems);
        columns.json("unknown", status.unknown);
        return columns.done("rotation_status", status.rotation.value);
      });
  if (!done) return done.error();
  return found;
}

Result<void> SqliteEngineState::put_status(const RotationStatus& status) {
  auto done = db_.execute(
      "INSERT INTO rotation_status(rotation, state, on_call, next, next_boundary, problems, unknown) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (rotation) DO UPDATE SET state = excluded.state, "
      "on_call = excluded.on_call, next = excluded.next, next_boundary = excluded.next_boundary, "
      "problems = excluded.problems, unknown = excluded.unknown",
      status.rotation, status.state, encode(status.on_call), encode(status.next), status.next_boundary,
      encode(status.problems), encode(status.unknown));
  if (!done) return gone(done.error(), status.rotation);
  return {};
}

Result<std::vector<GroupSnapshot>> SqliteEngineState::groups() {
  std::vector<GroupSnapshot> found;
  auto done = db_.query("SELECT id, handle, members, disabled, seen_at FROM slack_groups ORDER BY id",
                        [&found](const Row& row) -> Result<void> {
                          auto& group = found.emplace_back();
                          Columns columns(row);
                          columns.plain(group.id).plain(group.handle).json("members", group.members);
                          columns.plain(group.disabled).plain(group.seen_at);
                          return columns.done("slack_groups", group.id.value);
                        });
  if (!done) return done.error();
  return found;
}

Result<void> SqliteEngineState::put_group(const GroupSnapshot& group) {
  return db_.execute(
      "INSERT INTO slack_groups(team_id, id, handle, members, disabled, seen_at) VALUES (" WATCHBILL_TEAM
      ", ?1, ?2, ?3, ?4, ?5) ON CONFLICT (team_id, id) DO UPDATE SET handle = excluded.handle, "
      "members = excluded.members, disabled = excluded.disabled, seen_at = excluded.seen_at",
      group.id, group.handle, encode(group.members), group.disabled, group.seen_at);
}

}  // namespace

std::unique_ptr<EngineState> make_engine_state(Database& database) {
  return std::make_unique<SqliteEngineState>(database);
}

}  // namespace watchbill::store
