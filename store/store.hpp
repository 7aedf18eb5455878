#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/announce/outbox.hpp"
#include "core/connection.hpp"
#include "core/history.hpp"
#include "core/oncall/rotation.hpp"
#include "core/oncall/rotation_record.hpp"
#include "core/oncall/schedule_state.hpp"

/// Everything Watchbill remembers, in SQLite. Errors are of kind `storage` (code "busy", "full", "readonly",
/// "corrupt", "io") unless a method says otherwise. Not thread-safe; the loop's thread alone.
namespace watchbill::store {

/// Who makes a change: "cli:root", "file:rotations.yaml", a Slack user's id, "watchbill".
using Actor = std::string;

/// A connection without its secrets, and what the engine last saw of it.
struct ConnectionStatus {
  std::string state = "ok";  ///< "ok", "failing", "unauthorized"
  std::optional<Instant> last_success{};
  seconds interval{0};
  std::optional<std::string> problem{};
  bool operator==(const ConnectionStatus&) const = default;
};

/// Connections and their sealed secrets.
class Connections {
 public:
  virtual ~Connections() = default;
  /// Without those that are held (core/connection.hpp): they are nobody's yet.
  virtual Result<std::vector<Connection>> list() = 0;
  /// `not_found` if there is none of that name.
  virtual Result<Connection> get(const std::string& name) = 0;
  /// `conflict` if the name is taken.
  virtual Result<void> add(const Connection& connection, const Actor& actor) = 0;
  /// Replaces settings and secrets; `not_found`; `conflict` if it is of another kind.
  virtual Result<void> update(const Connection& connection, const Actor& actor) = 0;
  /// `conflict` if rotations use it: the message names them.
  virtual Result<void> remove(const std::string& name, const Actor& actor) = 0;
  /// Renewed tokens: written with synchronous=FULL, without an audit entry. Settings and secrets that are not
  /// named stay; empty ones are removed. `not_found`.
  virtual Result<void> keep_tokens(const std::string& name,
                                   const std::map<std::string, std::string>& settings,
                                   const std::map<std::string, Secret>& secrets) = 0;
  /// `not_found` if it was removed meanwhile.
  virtual Result<void> put_status(const std::string& name, const ConnectionStatus& status) = 0;
  virtual Result<std::vector<std::pair<std::string, ConnectionStatus>>> statuses() = 0;
};

/// Rotations, as people made them. Changes are written to the audit and bump `Store::generation`.
class Rotations {
 public:
  virtual ~Rotations() = default;
  /// Sorted by folded name.
  virtual Result<std::vector<Rotation>> list() = 0;
  /// By name (regardless of case); `not_found`.
  virtual Result<Rotation> find(const std::string& name) = 0;
  virtual Result<std::optional<Rotation>> find_by_group(const GroupId& group) = 0;
  /// The rotation's group; nothing if there is no such rotation.
  virtual Result<std::optional<GroupId>> group_of(RotationId id) = 0;
  /// `conflict` if the name or the group is taken: the message says by which rotation. `quiet`: its first
  /// sync is not announced. `former`: the group as it is now, when it is adopted. `not_found` if a schedule's
  /// connection is not there. The rotation's own `id` is ignored.
  virtual Result<RotationId> add(const Rotation& rotation, bool quiet,
                                 const std::optional<FormerGroup>& former, const Actor& actor) = 0;
  /// By id. A change of the group forgets the record of the old one, and closes its open changes as
  /// "superseded". `not_found` (also for a schedule's connection), `conflict`.
  virtual Result<void> update(const Rotation& rotation, const Actor& actor) = 0;
  /// The group is taken over anew: what it is now is what it was before Watchbill. `not_found`.
  virtual Result<void> put_former(RotationId id, const FormerGroup& former) = 0;
  /// Its history stays; what is open of it (changes, announcements) becomes "superseded". Ids are not used
  /// again.
  virtual Result<void> remove(RotationId id, const Actor& actor) = 0;
  /// Notes that a rotation is being deleted; replaces what was noted before. `not_found`.
  virtual Result<void> begin_deletion(const Deletion& deletion) = 0;
  /// Takes that back, if it is still noted as here.
  virtual Result<void> end_deletion(const Deletion& deletion) = 0;
  /// Those that are given up, too (`Deletion::until`).
  virtual Result<std::vector<Deletion>> deletions() = 0;
};

/// A rotation's state as the engine last wrote it, for `status`.
struct RotationStatus {
  RotationId rotation{};
  std::string state;  ///< see design: in_sync, pending, stale, error, observing, paused
  std::vector<OnCallPerson> on_call{};
  std::vector<NextPerson> next{};
  std::optional<Instant> next_boundary{};
  std::vector<std::string> problems{};
  std::vector<ScheduleRef> unknown{};  ///< schedules of which it is not known who is on call
  bool operator==(const RotationStatus&) const = default;
};

/// A Slack group as it was last seen.
struct GroupSnapshot {
  GroupId id;
  std::string handle;
  std::vector<UserId> members{};
  bool disabled = false;
  Instant seen_at;
};

/// What the engine remembers of rotations, schedules and groups. Putting something whose rotation or
/// connection was removed meanwhile is `not_found`.
class EngineState {
 public:
  virtual ~EngineState() = default;
  virtual Result<std::vector<RotationRecord>> records() = 0;
  virtual Result<void> put_record(const RotationRecord& record) = 0;
  virtual Result<std::vector<ScheduleState>> states() = 0;
  /// One of them; nothing if there is none of that schedule.
  virtual Result<std::optional<ScheduleState>> state(const ScheduleRef& schedule) = 0;
  virtual Result<void> put_schedule_state(const ScheduleState& state) = 0;
  virtual Result<void> remove_schedule_state(const ScheduleRef& schedule) = 0;
  virtual Result<std::vector<RotationStatus>> statuses() = 0;
  virtual Result<void> put_status(const RotationStatus& status) = 0;
  virtual Result<std::vector<GroupSnapshot>> groups() = 0;
  virtual Result<void> put_group(const GroupSnapshot& group) = 0;
};

struct HistoryFilter {
  std::optional<RotationId> rotation{};
  std::optional<Instant> since{};
  std::optional<Instant> until{};
  std::size_t limit = 1000;
  std::optional<std::string> object{};  ///< what was changed; counts for the audit alone
};

class History {
 public:
  virtual ~History() = default;
  /// With its id if it has one (`conflict` if that is taken), else the store gives it one.
  virtual Result<ChangeId> add(const Change& change) = 0;
  /// The highest id that was ever given to a change; 0 if none was.
  virtual Result<ChangeId> last_id() = 0;
  /// Sets the result of an open change; one that is closed already stays as it is.
  virtual Result<void> close(ChangeId id, const std::string& result) = 0;
  /// Changes that have no result yet, oldest first.
  virtual Result<std::vector<Change>> open_changes() = 0;
  /// Newest first.
  virtual Result<std::vector<Change>> list(const HistoryFilter& filter) = 0;
  virtual Result<void> add_audit(const AuditEntry& entry) = 0;
  virtual Result<std::vector<AuditEntry>> audit(const HistoryFilter& filter) = 0;
  /// Forgets what is older, closed announcements and answered requests too; what is open stays. At most 5,000
  /// rows a call; returns how many went: call again (later) while that is not 0.
  virtual Result<std::size_t> prune(Instant before) = 0;
};

/// A row in an open state whose rotation was deleted meanwhile is refused (`not_found`): nothing may be
/// posted for it. To store it as closed is allowed.
class Outbox {
 public:
  virtual ~Outbox() = default;
  /// With its id if it has one (`conflict` if that is taken), else the store gives it one.
  virtual Result<OutboxId> add(const OutboxRow& row) = 0;
  /// The highest id that was ever given to a row; 0 if none was.
  virtual Result<OutboxId> last_id() = 0;
  virtual Result<void> update(const OutboxRow& row) = 0;
  /// Rows whose state is open, oldest first.
  virtual Result<std::vector<OutboxRow>> open_rows() = 0;
  /// All rows of one rotation, newest first: for `history`.
  virtual Result<std::vector<OutboxRow>> of_rotation(RotationId id, std::size_t limit) = 0;
};

/// An explicit mapping of a person: by e-mail ("ada@example.com") or by responder ("pagerduty/PUSER1").
struct Mapping {
  std::string person;
  UserId user;
  Instant at{};
  Actor by{};
};
/// A Slack user as he was last seen.
struct CachedUser {
  UserId id;
  std::string name;
  std::optional<std::string> email{};
  bool deleted = false;
  bool bot = false;
  bool guest = false;
  bool admin = false;
  Instant seen_at;
  bool operator==(const CachedUser&) const = default;
};
/// A responder for whom there is no Slack user.
struct Unmatched {
  Responder responder;
  std::string why;
  Instant since{};
};

class PeopleStore {
 public:
  virtual ~PeopleStore() = default;
  virtual Result<std::vector<Mapping>> mappings() = 0;
  virtual Result<void> map(const Mapping& mapping, const Actor& actor) = 0;
  /// `not_found` if there is no such mapping.
  virtual Result<void> unmap(const std::string& person, const Actor& actor) = 0;
  virtual Result<std::vector<CachedUser>> users() = 0;
  virtual Result<void> put_users(const std::vector<CachedUser>& users) = 0;
  virtual Result<std::vector<Unmatched>> unmatched() = 0;
  virtual Result<void> replace_unmatched(const std::vector<Unmatched>& people) = 0;
};

/// Something another process asked the daemon to do.
struct Request {
  std::int64_t id = 0;
  std::string kind;     ///< "sync", "restore_group", ...
  std::string payload;  ///< JSON
  Instant at{};
  std::optional<std::string> answer{};  ///< JSON, when it is done
};

class Requests {
 public:
  virtual ~Requests() = default;
  /// `until`: how long the answer is waited for. What was not begun by then is not begun any more.
  virtual Result<std::int64_t> ask(const std::string& kind, const std::string& payload, Instant until) = 0;
  /// Not answered yet, oldest first; those that nobody waits for any more, too.
  virtual Result<std::vector<Request>> open_requests() = 0;
  virtual Result<void> answer(std::int64_t id, const std::string& answer) = 0;
  /// Whoever asked still waits, until then. One that is answered stays so.
  virtual Result<void> renew(std::int64_t id, Instant until) = 0;
  /// Whether somebody waits for its answer at that moment; `not_found`.
  virtual Result<bool> is_waited_for(std::int64_t id, Instant at) = 0;
  /// Whoever asked waits no longer: it is not begun any more. One that is answered stays so.
  virtual Result<void> withdraw(std::int64_t id) = 0;
  /// The answer, or nothing while there is none; `not_found`.
  virtual Result<std::optional<std::string>> answer_of(std::int64_t id) = 0;
};

/// A problem that is open, or whose end has not been told yet.
struct OpenProblem {
  Problem problem;
  Instant since{};
  std::optional<Instant> ended_at{};
  bool alerted_channel = false;  ///< the alert is in Slack
  bool alerted_webhook = false;
};

class Problems {
 public:
  virtual ~Problems() = default;
  virtual Result<std::vector<OpenProblem>> list() = 0;
  virtual Result<void> put(const OpenProblem& problem) = 0;
  virtual Result<void> remove(const std::string& key) = 0;
};

struct OpenOptions {
  std::string path;      ///< the database file
  std::string key_file;  ///< the key that seals secrets; created (0600) if it does not exist
  /// The key itself (32 bytes, or 64 hexadecimal digits), when it comes as a systemd credential instead.
  std::optional<Secret> key{};
  /// Refuse instead of creating a database that is not there.
  bool must_exist = false;
  /// How long a statement waits for another process's lock. The daemon's loop uses 0 and retries by timer.
  milliseconds busy_timeout{0};
};

/// The open database.
class Store {
 public:
  /// Creates or migrates it. Run as root it first becomes the owner of the folder. Errors: `forbidden` for
  /// loose permissions (names the `chmod`), `conflict` for a database of a newer schema (names both versions)
  /// and for a foreign key file, `not_found` (`must_exist`), `storage`. Waits up to 5 s for others while
  /// opening.
  static Result<std::unique_ptr<Store>> open(const OpenOptions& options);
  virtual ~Store() = default;

  /// Runs `body` in one IMMEDIATE transaction; an error (or exception) from it rolls back. Nested calls join;
  /// one that fails undoes its own part, and the outer body decides about the rest. Every method that changes
  /// more than one row joins in the same way.
  virtual Result<void> transaction(const std::function<Result<void>()>& body) = 0;
  /// The same, but the commit does not wait for the disk: `kill -9` loses nothing of it, a power failure may,
  /// all of it, unless a `transaction` was committed since
  /// (https://sqlite.org/pragma.html#pragma_synchronous, NORMAL). For what can be seen again in Slack and the
  /// scheduling systems, never for what precedes an effect there. Inside a transaction it joins that.
  virtual Result<void> relaxed_transaction(const std::function<Result<void>()>& body) = 0;
  /// Changes when another process has written (PRAGMA data_version).
  virtual Result<std::int64_t> data_version() = 0;
  /// Goes up with every change of rotations, connections and mappings.
  virtual Result<std::int64_t> generation() = 0;
  /// The file was deleted, renamed or replaced since it was opened: what is written is in no file that
  /// anybody opens any more.
  virtual bool has_moved() = 0;
  /// A small value that survives ("team_id", "last_pass", …); nothing if it was never set.
  virtual Result<std::optional<std::string>> meta(const std::string& key) = 0;
  /// "team_id" is set once and claims all rows: `conflict` if the store belongs to another Slack workspace.
  virtual Result<void> set_meta(const std::string& key, const std::string& value) = 0;

  virtual Connections& connections() = 0;
  virtual Rotations& rotations() = 0;
  virtual EngineState& engine() = 0;
  virtual History& history() = 0;
  virtual Outbox& outbox() = 0;
  virtual PeopleStore& people() = 0;
  virtual Requests& requests() = 0;
  virtual Problems& problems() = 0;
};

/// The version of the schema this program writes.
int schema_version();

/// Held by the one process that writes groups, posts and refreshes tokens.
class WriterLock {
 public:
  /// Locks `path`.lock; `conflict` if another process holds it: the message has its pid.
  static Result<std::unique_ptr<WriterLock>> take(const std::string& database_path, const std::string& who);
  /// The pid that holds it, or nothing. 0 in the moment before the holder has written it down.
  static std::optional<int> holder(const std::string& database_path);
  ~WriterLock();
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

 private:
  explicit WriterLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace watchbill::store
