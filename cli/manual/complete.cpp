#include "cli/manual/complete.hpp"

#include <algorithm>
#include <ostream>
#include <set>

#include "cli/commands/seen_schedules.hpp"
#include "cli/session.hpp"
#include "providers/provider.hpp"

namespace watchbill::cli {

namespace {

/// A command line up to the word that is being typed.
struct Typed {
  std::string path{};
  const Command* command = nullptr;
  std::size_t arguments = 0;
  const OptionSpec* awaits_value = nullptr;
};

const OptionSpec* option_named(const Command* command, std::string_view word) {
  const bool letter = word.size() == 2 && word[1] != '-';
  const auto matches = [&](const OptionSpec& spec) {
    return letter ? spec.letter == word[1] : word.size() > 2 && spec.name == word.substr(2);
  };
  for (const auto* specs : {&global_options(), command ? &command->options : nullptr}) {
    if (specs == nullptr) continue;
    const auto found = std::find_if(specs->begin(), specs->end(), matches);
    if (found != specs->end()) return &*found;
  }
  return nullptr;
}

void take_word(const std::vector<Command>& commands, const std::string& word, Typed& typed) {
  if (typed.awaits_value) {
    typed.awaits_value = nullptr;
    return;
  }
  if (word.starts_with('-') && word.size() > 1) {
    const auto* option = word.find('=') == std::string::npos ? option_named(typed.command, word) : nullptr;
    if (option && !option->value.empty()) typed.awaits_value = option;
    return;
  }
  if (typed.command) {
    ++typed.arguments;
    return;
  }
  typed.path += (typed.path.empty() ? "" : " ") + word;
  for (const auto& command : commands) {
    if (command.path == typed.path) typed.command = &command;
  }
}

/// "keep|observe": words that stand for themselves. "CONN/ID" and the like are kinds of things.
std::vector<Candidate> alternatives(std::string_view value) {
  std::vector<Candidate> out;
  const bool literal = std::all_of(value.begin(), value.end(),
                                   [](char c) { return (c >= 'a' && c <= 'z') || c == '|' || c == '-'; });
  if (!literal) return out;
  while (!value.empty()) {
    const auto end = std::min(value.find('|'), value.size());
    out.push_back({std::string(value.substr(0, end))});
    value.remove_prefix(std::min(end + 1, value.size()));
  }
  return out;
}

/// What an argument or value called `kind` can be.
Completion of_kind(const Command& command, std::string_view kind, const NameSource& names) {
  if (kind.ends_with("FILE")) return {{}, true};
  if (kind.starts_with("ROTATION")) {
    auto found = names(Names::rotation);
    if (kind == "ROTATION|@GROUP") {
      for (auto& group : names(Names::group)) found.push_back(std::move(group));
    }
    return {std::move(found)};
  }
  if (kind.starts_with("CONN/ID")) return {names(Names::schedule)};
  if (kind.starts_with("@HANDLE")) return {names(Names::group)};
  const bool connection = kind == "NAME" || kind == "OLD" || kind == "NEW";
  if (connection && command.path.starts_with("connection ") && command.path != "connection add")
    return {names(Names::connection)};
  if (kind == "KIND") {
    Completion kinds;
    for (const auto& adapter : providers::adapters()) kinds.candidates.push_back({std::string(adapter.kind)});
    return kinds;
  }
  if (kind == "SHELL") return {{{"bash"}, {"zsh"}, {"fish"}}};
  return {alternatives(kind)};
}

Completion of_option(const Command* command, const OptionSpec& option, const NameSource& names) {
  if (option.name == "connection") return {names(Names::connection)};
  static const Command none{};
  return of_kind(command ? *command : none, option.value, names);
}

Completion offered_options(const Command* command) {
  Completion out;
  if (command) {
    for (const auto& option : command->options) out.candidates.push_back({"--" + option.name, option.help});
  }
  for (const auto& option : global_options()) out.candidates.push_back({"--" + option.name, option.help});
  return out;
}

Completion next_words_of(const std::vector<Command>& commands, const std::string& path) {
  Completion out;
  std::set<std::string> seen;
  const auto prefix = path.empty() ? "" : path + " ";
  for (const auto& command : commands) {
    if (!command.path.starts_with(prefix)) continue;
    const auto rest = command.path.substr(prefix.size());
    const auto word = rest.substr(0, rest.find(' '));
    if (seen.insert(word).second)
      out.candidates.push_back({word, word == rest ? command.summary : word + " commands"});
  }
  return out;
}

Completion all_of(const std::vector<Command>& commands, const Typed& typed, std::string_view word,
                  const NameSource& names) {
  if (typed.awaits_value) return of_option(typed.command, *typed.awaits_value, names);
  if (word.starts_with('-')) return offered_options(typed.command);
  if (!typed.command) return next_words_of(commands, typed.path);
  const auto& arguments = typed.command->arguments;
  if (typed.arguments >= arguments.size()) return {};
  return of_kind(*typed.command, arguments[typed.arguments].name, names);
}

/// `--config` and `--store` of the line that is being typed.
Globals globals_of(const std::vector<std::string>& words) {
  Globals globals;
  const auto take = [&](std::string_view name, std::optional<std::string>& into) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (words[i] == name && i + 1 < words.size()) into = words[i + 1];
      if (words[i].starts_with(name) && words[i].size() > name.size() && words[i][name.size()] == '=')
        into = words[i].substr(name.size() + 1);
    }
  };
  take("--config", globals.config);
  take("--store", globals.store);
  return globals;
}

std::vector<Candidate> stored_schedules(store::Store& store) {
  const auto found = seen_schedules(store);
  std::vector<Candidate> out;
  out.reserve(found.size());
  for (const auto& [ref, name] : found) out.push_back({ref, name});
  return out;
}

std::vector<Candidate> stored_names(store::Store& store, Names kind) {
  std::vector<Candidate> out;
  if (kind == Names::schedule) return stored_schedules(store);
  if (kind == Names::connection) {
    if (auto found = store.connections().list()) {
      for (const auto& connection : *found) out.push_back({connection.name, connection.kind});
    }
    return out;
  }
  auto rotations = store.rotations().list();
  if (!rotations) return out;
  for (const auto& rotation : *rotations) {
    if (kind == Names::rotation)
      out.push_back({rotation.name, "@" + rotation.handle});
    else
      out.push_back({"@" + rotation.handle, rotation.name});
  }
  return out;
}

}  // namespace

Completion complete(const std::vector<Command>& commands, const std::vector<std::string>& words,
                    const NameSource& names) {
  Typed typed;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) take_word(commands, words[i], typed);
  std::string word = words.empty() ? "" : words.back();
  std::string before;
  // "--format=js": the value of an option in the same word.
  if (const auto equals = word.find('='); word.starts_with("--") && equals != std::string::npos) {
    typed.awaits_value = option_named(typed.command, word.substr(0, equals));
    if (typed.awaits_value == nullptr || typed.awaits_value->value.empty()) return {};
    before = word.substr(0, equals + 1);
    word.erase(0, equals + 1);
  }
  auto found = all_of(commands, typed, word, names);
  std::erase_if(found.candidates, [&](const Candidate& c) { return !c.word.starts_with(word); });
  for (auto& candidate : found.candidates) candidate.word.insert(0, before);
  return found;
}

int run_completion(const std::vector<Command>& commands, const std::vector<std::string>& words, Io& io) {
  Session session(globals_of(words), io);
  const auto found = complete(commands, words, [&session](Names kind) {
    auto store = session.store();
    return store ? stored_names(**store, kind) : std::vector<Candidate>{};
  });
  if (found.files) io.out << ":files\n";
  for (const auto& [word, help] : found.candidates) {
    // A line each: what has a line break in it cannot be offered.
    if (word.find('\n') == std::string::npos)
      io.out << printable(word) << '\t' << printable(help.substr(0, help.find('\n'))) << '\n';
  }
  return kDone;
}

}  // namespace watchbill::cli
