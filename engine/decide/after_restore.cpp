#include "engine/decide/after_restore.hpp"

#include "base/text.hpp"
#include "store/backup.hpp"

namespace watchbill::engine {

namespace {

constexpr const char* kStarted = "restored_started";
constexpr const char* kPassed = "restored_passed";
/// How long people are told.
constexpr auto kTold = 1h;

}  // namespace

Result<std::optional<Instant>> AfterRestore::read(const char* key) {
  auto text = store_.meta(key);
  if (!text) return text.error();
  if (text->value_or("").empty()) return std::optional<Instant>();
  auto moment = parse_rfc3339(**text);
  if (!moment) return moment.error().in("meta {}", key);
  return std::optional(*moment);
}

bool AfterRestore::write(const char* key, std::optional<Instant> at) {
  return store_.set_meta(key, at ? format_rfc3339(*at) : "").ok();
}

Result<void> AfterRestore::load(Instant now) {
  auto restored = read(store::kRestoredAt);
  if (!restored) return restored.error();
  if (!*restored) return {};
  auto backup = read(store::kRestoredFrom);
  auto started = read(kStarted);
  auto passed = read(kPassed);
  for (const auto* value : {&backup, &started, &passed}) {
    if (!*value) return value->error();
  }
  backup_ = *backup;
  // What an earlier restore left is about another one.
  const bool known = *started && **started >= **restored;
  started_ = known ? **started : now;
  if (known) passed_ = *passed;
  if (!known && !write(kPassed, std::nullopt)) return fail(ErrorKind::storage, "the restore cannot be noted");
  if (!known && !write(kStarted, now)) return fail(ErrorKind::storage, "the restore cannot be noted");
  return {};
}

void AfterRestore::on_pass(Instant now) {
  if (catching_up() && write(kPassed, now)) passed_ = now;
}

std::optional<Problem> AfterRestore::problem(Instant now) {
  if (!started_) return std::nullopt;
  if (passed_ && now - *passed_ > kTold) {
    if (write(store::kRestoredAt, std::nullopt)) started_.reset();
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
