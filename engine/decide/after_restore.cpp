#include "engine/decide/after_restore.hpp"

#include "base/text.hpp"
#include "store/backup.hpp"

namespace watchbill::engine {

namespace {

constexpr const char* kStarted = "restored_started";
constexpr const char* kPassed = "restored_passed";
/// How long people are told.
constexpr auto kTold = 1h;

Result<std::optional<Instant>> read(store::Store& store, const char* key) {
  auto text = store.meta(key);
  if (!text) return text.error();
  if (text->value_or("").empty()) return std::optional<Instant>();
  auto moment = parse_rfc3339(**text);
  if (!moment) return moment.error().in("meta {}", key);
  return std::optional(*moment);
}

}  // namespace

void AfterRestore::write(const char* key, std::optional<Instant> at) {
  store::Commit commit;
  commit.meta.emplace(key, at ? format_rfc3339(*at) : "");
  journal_.append(std::move(commit), Pace::now);
}

Result<RestoreMarks> read_restore_marks(store::Store& store) {
  RestoreMarks marks;
  auto restored = read(store, store::kRestoredAt);
  if (!restored) return restored.error();
  if (!*restored) return marks;
  marks.restored = *restored;
  auto backup = read(store, store::kRestoredFrom);
  auto started = read(store, kStarted);
  auto passed = read(store, kPassed);
  for (const auto* value : {&backup, &started, &passed}) {
    if (!*value) return value->error();
  }
  marks.backup = *backup;
  marks.started = *started;
  marks.passed = *passed;
  return marks;
}

void AfterRestore::load(const RestoreMarks& marks, Instant now) {
  if (!marks.restored) return;
  backup_ = marks.backup;
  // What an earlier restore left is about another one.
  const bool known = marks.started && *marks.started >= *marks.restored;
  started_ = known ? *marks.started : now;
  if (known) {
    passed_ = marks.passed;
    return;
  }
  write(kPassed, std::nullopt);
  write(kStarted, now);
}

void AfterRestore::on_pass(Instant now) {
  if (!catching_up()) return;
  passed_ = now;
  write(kPassed, now);
}

std::optional<Problem> AfterRestore::problem(Instant now) {
  if (!started_) return std::nullopt;
  if (passed_ && now - *passed_ > kTold) {
    started_.reset();
    write(store::kRestoredAt, std::nullopt);
    return std::nullopt;
  }
  const auto hours =
      backup_ ? fmt::format("between {} and {}", format_minutes(*backup_), format_minutes(*started_))
              : fmt::format("before {}", format_minutes(*started_));
  return Problem{
      "store:restored",
      fmt::format("the store was restored from a backup: announcements of handoffs {} cannot be vouched "
                  "for, they may be missing or repeated. Groups are right; look through the channels",
                  hours),
      std::nullopt};
}

}  // namespace watchbill::engine
