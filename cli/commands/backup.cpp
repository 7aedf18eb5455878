// watchbill backup, restore

#include "store/backup.hpp"

#include <ostream>

#include "base/text.hpp"
#include "cli/commands/commands.hpp"
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

constexpr auto* kUnproven = "accept-unproven";
constexpr auto* kAddresses = "accept-addresses";

Result<int> back_up(Session& session, const Invocation& in) {
  auto options = session.store_options();
  if (!options) return options.error();
  const auto& path = options->path;
  const auto file = in.argument("FILE");
  if (auto good = check_path(file, "FILE"); !good) return good.error();
  auto facts = store::back_up(*options, file, in.has("force"));
  if (!facts) return facts.error();
  if (session.json()) {
    json::Writer w;
    w.begin_object().field("file", file).field("store", path);
    write_facts(w, *facts);
    w.field("proven", facts->proven).end_object();
    session.print_json(w.take());
    return kDone;
  }
  session.io().out << printable(fmt::format("{} is backed up to {}: {}, schema {}, {}.\n", path, file,
                                            count_of(facts->rotations, "rotation"), facts->schema,
                                            megabytes(facts->bytes)));
  if (facts->key_id) {
    session.io().out << printable(fmt::format(
        "The key ({}) that opens its secrets is not in it: keep a copy of that apart.\n", *facts->key_id));
  }
  if (!facts->proven) {
    session.io().out << printable(
        fmt::format("There is no key at {}: nobody will be able to tell whether {} was changed, and "
                    "`watchbill restore` will "
                    "ask.\n",
                    options->key_file, file));
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

/// "pd: base_url is https://a in the store, and https://b in the backup".
std::string describe(const store::AddressChange& change) {
  // The backup's words stay in their line: one that was altered must not answer the question itself.
  const auto value = [](const std::optional<std::string>& text) {
    return one_line(text.value_or("not set"));
  };
  return fmt::format("  {}: {} is {} in the store, and {} in the backup", one_line(change.connection),
                     one_line(change.setting), value(change.before), value(change.after));
}

/// Asks `question`; a script answers it with an option of its own, since --yes does not mean it.
Result<void> agree(Session& session, const Invocation& in, const std::string& option,
                   const std::string& question, const std::string& what) {
  if (in.has(option)) return {};
  if (session.globals().yes || !session.io().in_tty)
    return fail(ErrorKind::conflict, "{}: if that is right, give --{} (--yes alone does not say so)", what,
                option);
  return session.confirm(question);
}

/// What somebody who could write the backup may have put there.
Result<void> agree_to_content(Session& session, const Invocation& in, const store::Restore& restore,
                              const std::string& file) {
  const bool proven = restore.proof() == store::Proof::genuine;
  if (!proven) {
    const auto what = fmt::format(
        "{} {}, so nobody can tell whether it was changed", file,
        restore.proof() == store::Proof::none
            ? "has no hash by the store's key (a release before made it, or a host without the key)"
            : "ends with a hash by another key than this host's");
    session.io().err << printable(what + ".\n");
    auto agreed = agree(session, in, kUnproven, "Restore it all the same?", what);
    if (!agreed) return agreed;
  }
  const auto& changes = restore.address_changes();
  if (changes.empty()) return {};
  session.io().err << "Credentials will be sent to other addresses than now:\n";
  for (const auto& change : changes) session.io().err << printable(describe(change) + "\n");
  // A new host has nothing to compare with, and its backup is as it was made.
  if (proven && !restore.current()) return {};
  return agree(session, in, kAddresses, "Are these addresses right?",
               fmt::format("{} sends credentials to other addresses", file));
}

Result<int> restore(Session& session, const Invocation& in) {
  auto options = session.store_options();
  if (!options) return options.error();
  const auto file = in.argument("FILE");
  if (auto good = check_path(file, "FILE"); !good) return good.error();
  auto prepared = store::Restore::prepare(*options, file);
  if (!prepared) return prepared.error();
  auto& restore = **prepared;
  if (auto agreed = agree_to_content(session, in, restore, file); !agreed) return agreed.error();
  if (auto agreed = session.confirm(question_of(restore, options->path, file)); !agreed)
    return agreed.error();
  auto done = restore.carry_out(session.caller().actor, session.now());
  if (!done) return done.error();
  if (session.json()) {
    json::Writer w;
    w.begin_object().field("file", file).field("store", options->path);
    write_facts(w, restore.backup());
    w.field("proven", restore.proof() == store::Proof::genuine);
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
       "that apart, since without it every connection needs its credentials again. It ends with a hash by "
       "that "
       "key, so that a change is noticed when it is restored. The timer "
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
       "are sent, and the alert channel hears since when announcements cannot be vouched for. A backup that "
       "was "
       "changed after it was made is refused. One of which nobody can tell is asked about, and so is every "
       "address that differs from that in the store: credentials are sent there. In a script --yes does not "
       "answer these two questions; their options do.",
       {{"FILE", "what `watchbill backup` has written"}},
       {{kUnproven, "", "restore FILE although it has no hash by this host's key"},
        {kAddresses, "", "send credentials to the addresses in FILE where they differ"}},
       {"restore /var/backups/watchbill/today.db", "restore --accept-addresses today.db"},
       restore}};
}

}  // namespace watchbill::cli
