// watchbill backup, restore

#include "store/backup.hpp"

#include <ostream>

#include "cli/commands.hpp"
#include "cli/session.hpp"

namespace watchbill::cli {

namespace {

std::string megabytes(std::int64_t bytes) {
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

std::string count_of(std::int64_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::optional<std::string> moment_text(const std::optional<Instant>& moment) {
  return moment ? std::optional(format_rfc3339(std::chrono::floor<seconds>(*moment))) : std::nullopt;
}

void write_facts(json::Writer& w, const store::DatabaseFacts& facts) {
  w.field("as_of", moment_text(facts.as_of)).field("schema", facts.schema);
  w.field("rotations", facts.rotations).field("bytes", facts.bytes).field("key_id", facts.key_id);
}

Result<int> back_up(Session& session, const Invocation& in) {
  auto path = session.store_path();
  if (!path) return path.error();
  const auto file = in.argument("FILE");
  auto facts = store::back_up(*path, file, in.has("force"));
  if (!facts) return facts.error();
  if (session.json()) {
    json::Writer w;
    w.begin_object().field("file", file).field("store", *path);
    write_facts(w, *facts);
    w.end_object();
    session.print_json(w.take());
    return kDone;
  }
  session.io().out << printable(fmt::format("{} is backed up to {}: {}, schema {}, {}.\n", *path, file,
                                            count_of(facts->rotations, "rotation"), facts->schema,
                                            megabytes(facts->bytes)));
  if (facts->key_id) {
    session.io().out << printable(fmt::format(
        "The key ({}) that opens its secrets is not in it: keep a copy of that apart.\n", *facts->key_id));
  }
  return kDone;
}

std::string describe(const store::DatabaseFacts& facts) {
  return fmt::format("{} as of {}", count_of(facts.rotations, "rotation"),
                     moment_text(facts.as_of).value_or("an unknown time"));
}

std::string question_of(const store::Restore& restore, const std::string& path, const std::string& file) {
  const auto& current = restore.current();
  return fmt::format("Replace {} ({}) by {} ({})?", path,
                     current ? describe(*current) : std::string("nothing usable"), file,
                     describe(restore.backup()));
}

Result<int> restore(Session& session, const Invocation& in) {
  auto options = session.store_options();
  if (!options) return options.error();
  const auto file = in.argument("FILE");
  auto prepared = store::Restore::prepare(*options, file);
  if (!prepared) return prepared.error();
  auto& restore = **prepared;
  if (auto agreed = session.confirm(question_of(restore, options->path, file)); !agreed)
    return agreed.error();
  auto done = restore.carry_out(session.caller().actor, session.now());
  if (!done) return done.error();
  if (session.json()) {
    json::Writer w;
    w.begin_object().field("file", file).field("store", options->path);
    write_facts(w, restore.backup());
    w.field("replaced", done->replaced.empty() ? std::optional<std::string>() : done->replaced);
    w.field("open_announcements", done->open_announcements).end_object();
    session.print_json(w.take());
    return kDone;
  }
  auto& out = session.io().out;
  out << printable(
      fmt::format("{} is restored from {}: {}.\n", options->path, file, describe(restore.backup())));
  if (!done->replaced.empty()) {
    out << printable(fmt::format(
        "What was there before is now {}: delete it when nobody needs it any more.\n", done->replaced));
  }
  if (done->open_announcements > 0) {
    out << fmt::format("{} of the backup may be in Slack already: each is looked for before it is sent.\n",
                       count_of(done->open_announcements, "open announcement"));
  }
  out << "Start watchbilld now: every group is made right within one pass, without announcements for what "
         "happened since the backup.\n";
  return kDone;
}

}  // namespace

std::vector<Command> backup_commands() {
  return {
      {"backup",
       "Write a copy of the database to a file, while the daemon runs",
       "The copy shows one moment, is readable by its owner alone, and is verified before it gets its name. "
       "It holds rotations, history, open announcements and sealed secrets, but not the key: keep a copy of "
       "that apart, since without it every connection needs its credentials again. The timer "
       "watchbill-backup.timer of the package does this every night.",
       {{"FILE", "where to; an existing file is kept unless --force is given"}},
       {{"force", "", "replace FILE if it exists"}},
       {"backup /var/backups/watchbill/today.db", "backup --force /mnt/backup/watchbill.db"},
       back_up},
      {"restore",
       "Replace the database by a backup",
       "Stop watchbilld first. The key must be the one of the backup. The replaced database is kept beside "
       "the new one. After the next start every group is made right within one pass; that pass announces "
       "nothing, announcements that were open at the time of the backup are looked for in Slack before they "
       "are sent, and the alert channel hears since when announcements cannot be vouched for.",
       {{"FILE", "what `watchbill backup` has written"}},
       {},
       {"restore /var/backups/watchbill/today.db"},
       restore}};
}

}  // namespace watchbill::cli
