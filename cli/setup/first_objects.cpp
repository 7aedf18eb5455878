#include "cli/setup/first_objects.hpp"

#include <ostream>

#include "cli/commands/commands.hpp"
#include "cli/setup/connection_answers.hpp"
#include "cli/setup/process.hpp"

namespace watchbill::cli {

namespace {

/// What `stored` needs, as JSON; an empty list each while there is no store.
Result<std::string> names_in_store(Session& session) {
  std::vector<std::string> connections;
  std::vector<std::string> rotations;
  auto store = session.store();
  if (!store && store.error().kind != ErrorKind::not_found) return store.error();
  if (store) {
    auto listed = (*store)->connections().list();
    if (!listed) return listed.error();
    for (const auto& connection : *listed) connections.push_back(connection.name);
    auto kept = (*store)->rotations().list();
    if (!kept) return kept.error();
    for (const auto& rotation : *kept) rotations.push_back(fold_name(rotation.name));
  }
  json::Writer w;
  w.begin_object().field("connections", connections).field("rotations", rotations).end_object();
  return w.take();
}

const Command& adding_a_connection() {
  static const Command add = connection_commands().front();
  return add;
}

}  // namespace

int FirstObjects::command(std::vector<std::string> args, std::ostream& out) {
  const auto& globals = session_.globals();
  if (globals.config) args.insert(args.end(), {"--config", *globals.config});
  if (globals.store) args.insert(args.end(), {"--store", *globals.store});
  if (globals.yes) args.emplace_back("--yes");
  Io io{out, io_.err, io_.in, io_.in_tty, io_.out_tty, io_.width, io_.err_tty};
  return in_child([&](std::string&) { return cli::run(all_commands(nullptr), args, io); }).first;
}

Result<FirstObjects::Stored> FirstObjects::stored() {
  const auto [code, answer] = in_child([&](std::string& text) {
    Session fresh(session_.globals(), io_);
    auto names = names_in_store(fresh);
    text = names ? *names : names.error().message;
    return names ? kDone : kFailed;
  });
  if (code != kDone) return fail(ErrorKind::storage, "{}", answer);
  auto document = json::parse(answer);
  if (!document) return document.error();
  Stored names;
  for (const auto name : document->root()["connections"].items())
    names.connections.insert(name.string_or(""));
  for (const auto name : document->root()["rotations"].items()) names.rotations.insert(name.string_or(""));
  return names;
}

/// Asked until it is one that there is; empty: later.
Result<std::string> FirstObjects::kind_of_connection() {
  while (true) {
    auto kind = fold_name(person_.ask(
        fmt::format("Which scheduling system: {} (empty: later)", providers::kinds_to_choose_from())));
    if (kind.empty()) return kind;
    auto adapter = providers::find_adapter(kind);
    if (adapter) return kind;
    say("  " + adapter.error().message);
  }
}

std::string FirstObjects::name_of_connection(const std::string& kind, const std::set<std::string>& taken) {
  while (true) {
    auto name = person_.ask("  What to call the connection", kind);
    auto good = check_connection_name(name);
    if (good && !taken.contains(name)) return name;
    say(good ? fmt::format("  there is a connection {} already", name) : "  " + good.error().message);
  }
}

std::vector<std::string> FirstObjects::given_connection(const std::string& kind) {
  std::vector<std::string> args{"connection", "add", kind, in_.value_or("name", kind)};
  for (const auto& option : adding_a_connection().options) {
    const auto value = in_.value(option.name);
    if (option.value.empty() && in_.has(option.name)) args.push_back("--" + option.name);
    if (value && !option.value.empty()) args.insert(args.end(), {"--" + option.name, *value});
  }
  return args;
}

Result<void> FirstObjects::ask_connection(const std::set<std::string>& taken) {
  while (true) {
    auto kind = kind_of_connection();
    if (!kind) return kind.error();
    if (kind->empty()) break;
    auto adapter = providers::find_adapter(*kind);
    if (!adapter) return adapter.error();
    const auto name = name_of_connection(*kind, taken);
    // What was typed wrongly is asked again; without a key another system can be chosen.
    while (true) {
      PastedSecrets pasted;
      auto answers = ask_credentials(person_, **adapter, pasted);
      if (!answers) return answers.error();
      if (answers->empty()) break;
      std::vector<std::string> args{"connection", "add", *kind, name};
      args.insert(args.end(), answers->begin(), answers->end());
      const auto address = in_.value_or("base-url", config_.provider(*kind).api_url);
      if (!address.empty()) args.insert(args.end(), {"--base-url", address});
      if (command(std::move(args)) == kDone) return {};
    }
  }
  say("No scheduling system yet: `watchbill connection add --help`");
  return {};
}

Result<void> FirstObjects::connection() {
  auto there = stored();
  if (!there) return there.error();
  const auto kind = in_.value("kind");
  const auto given = in_.value_or("name", kind.value_or(""));
  if (given.empty() ? !there->connections.empty() : there->connections.contains(given)) return {};
  if (!kind) return ask_connection(there->connections);
  if (auto adapter = providers::find_adapter(*kind); !adapter) return adapter.error().in("--kind");
  if (command(given_connection(*kind)) == kDone) return {};
  return fail(ErrorKind::cancelled, "the connection was not added, as told above");
}

std::vector<std::string> FirstObjects::given_rotation() {
  std::vector<std::string> args{"rotation", "create", in_.value_or("rotation", "")};
  for (const char* option : {"group", "schedule", "channel"}) {
    for (const auto& value : in_.values(option)) args.insert(args.end(), {std::string("--") + option, value});
  }
  return args;
}

bool FirstObjects::ask_until_good(const std::string& question, RotationAnswers& answers,
                                  std::string RotationAnswers::*answer) {
  while (true) {
    answers.*answer = person_.ask(question);
    if ((answers.*answer).empty()) return false;
    const auto [code, refusal] = in_child([&](std::string& text) {
      Session fresh(session_.globals(), io_);
      const auto good = try_last_answer(fresh, answers);
      if (!good) text = good.error().message;
      return good ? kDone : kFailed;
    });
    if (code == kDone) return true;
    say("  " + refusal);
  }
}

std::vector<std::string> FirstObjects::asked_rotation() {
  if (!person_.on()) return {};
  command({"schedule", "list"});
  RotationAnswers answers;
  const bool complete =
      ask_until_good("The first rotation's name (empty: later)", answers, &RotationAnswers::name) &&
      ask_until_good("  Its user group in Slack (@handle; made if there is none)", answers,
                     &RotationAnswers::group) &&
      ask_until_good("  Its schedule (name or CONN/ID, from the list above)", answers,
                     &RotationAnswers::schedule);
  if (!complete) return {};
  ask_until_good("  Channel that hears of handoffs (#name; empty: none)", answers, &RotationAnswers::channel);
  std::vector<std::string> args{
      "rotation",   "create",        answers.name, "--group", group_option(answers.group),
      "--schedule", answers.schedule};
  if (!answers.channel.empty()) args.insert(args.end(), {"--channel", answers.channel});
  return args;
}

Result<void> FirstObjects::rotation() {
  auto there = stored();
  if (!there) return there.error();
  const auto given = in_.value_or("rotation", "");
  if (there->connections.empty()) return {};
  if (given.empty() ? !there->rotations.empty() : there->rotations.contains(fold_name(given))) return {};
  while (true) {
    auto args = given.empty() ? asked_rotation() : given_rotation();
    if (args.empty()) {
      say("No rotation yet: `watchbill rotation create --help`");
      return {};
    }
    args.insert(args.end(), {"--create-group", "--adopt"});
    if (command(args) == kDone) return {};
    if (!given.empty() || !person_.on())
      return fail(ErrorKind::cancelled, "the rotation was not created, as told above");
  }
}

int FirstObjects::show() {
  auto there = stored();
  if (!there || there->rotations.empty()) return kDone;
  say("The first pass:");
  const int synced = command({"sync"});
  std::vector<std::string> status{"status"};
  if (session_.json()) status.insert(status.end(), {"--format", "json"});
  const int shown = command(std::move(status), io_.out);
  return synced == kDone ? shown : synced;
}

}  // namespace watchbill::cli
