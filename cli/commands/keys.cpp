// watchbill key rotate

#include "store/keys.hpp"

#include <ostream>

#include "cli/commands/commands.hpp"
#include "cli/session.hpp"
#include "config/value.hpp"

namespace watchbill::cli {

namespace {

/// A new key that the operator gives: the file is made if it does not exist.
Result<std::optional<Secret>> fresh_key(Session& session, const Invocation& in) {
  const auto file = in.value("new-key-file");
  if (!file) return std::optional<Secret>();
  if (config::is_sealing_key(*file))
    return fail(ErrorKind::invalid, "must be the path of the key's file, not the key itself")
        .in("--new-key-file");
  if (auto good = check_path(*file, "--new-key-file"); !good) return good.error();
  if (*file != "-") {
    if (auto made = store::make_key_file(*file); !made) return made.error().in("--new-key-file");
  }
  auto text = session.read_file(*file, "--new-key-file");
  if (!text) return text.error();
  return std::optional<Secret>(Secret(*std::move(text)));
}

Result<void> check_place(const store::OpenOptions& options, bool fresh) {
  if (options.key && !fresh) {
    return fail(ErrorKind::invalid,
                "the key is not watchbill's to replace: it is given as the credential \"watchbill-key\" or "
                "in a file of "
                "root's. Give a new one with --new-key-file FILE (made if it does not exist), put it in the "
                "old one's "
                "place afterwards, and then start watchbilld");
  }
  if (!options.key && fresh) {
    return fail(
        ErrorKind::invalid,
        "--new-key-file is for keys that are given as a credential; the key file {} is replaced without it",
        options.key_file);
  }
  return {};
}

void tell(Session& session, const store::OpenOptions& options, const store::KeyChange& change,
          const std::optional<std::string>& file) {
  if (session.json()) {
    json::Writer w;
    w.begin_object().field("before", change.before).field("after", change.after);
    w.field("secrets", change.secrets).end_object();
    return session.print_json(w.take());
  }
  auto& out = session.io().out;
  if (change.before == change.after) {
    out << fmt::format("All secrets are sealed with the key {} already.\n", change.after);
  } else {
    out << fmt::format("{} secret{} sealed with the new key {}; the old key {} opens nothing any more.\n",
                       change.secrets, change.secrets == 1 ? " is" : "s are", change.after, change.before);
  }
  if (file) {
    out << printable(fmt::format(
        "Now put {} in the old key's place (the credential \"watchbill-key\"), and start watchbilld.\n",
        *file));
  } else {
    out << printable(fmt::format("The new key is in {}: keep a copy of it apart. Start watchbilld now.\n",
                                 options.key_file));
  }
}

Result<int> rotate(Session& session, const Invocation& in) {
  auto given = session.store_options();
  if (!given) return given.error();
  auto options = store::with_key_of_root(*std::move(given));
  if (!options) return options.error();
  options->must_exist = true;
  const auto file = in.value("new-key-file");
  if (auto good = check_place(*options, file.has_value()); !good) return good.error();
  auto fresh = fresh_key(session, in);
  if (!fresh) return fresh.error();
  auto agreed = session.confirm(
      "Seal all secrets with a new key? Backups made until now can then be restored with a copy of the old "
      "key "
      "only.");
  if (!agreed) return agreed.error();
  auto lock = store::WriterLock::take(options->path, "watchbill key rotate");
  if (!lock) return lock.error();
  auto change = store::change_key(*options, *fresh, "--new-key-file", session.caller().actor);
  if (!change) return change.error();
  tell(session, *options, *change, file);
  return kDone;
}

}  // namespace

std::vector<Command> key_commands() {
  return {
      {"key rotate",
       "Seal all secrets with a new key",
       "Stop watchbilld first. All secrets are sealed again in one transaction, the key file is replaced, "
       "and "
       "nothing that the old key opens is left in the database. It can be interrupted at any moment: the "
       "next "
       "program that opens the store finishes it. Backups made before need the old key, so make a new backup "
       "afterwards, or keep the old key as long as those backups.",
       {},
       {{"new-key-file", "FILE",
         "the new key (32 bytes, or 64 hexadecimal digits; made if the file does not exist), where the key "
         "is "
         "given as the systemd credential \"watchbill-key\""}},
       {"key rotate", "key rotate --new-key-file /etc/credstore/watchbill.watchbill-key.new"},
       rotate}};
}

}  // namespace watchbill::cli
