#include <algorithm>
#include <stdexcept>

// Values may contain commas: an option that may be repeated is repeated.
#define CXXOPTS_VECTOR_DELIMITER '\0'
#include <cxxopts.hpp>

#include "base/text.hpp"
#include "cli/terminal/command.hpp"

namespace watchbill::cli {

namespace {

template <class... Args>
Error usage(fmt::format_string<Args...> format, Args&&... args) {
  return fail(ErrorKind::invalid, format, std::forward<Args>(args)...);
}

bool is_option(const std::string& word) {
  return word.size() > 1 && word.front() == '-';
}

const OptionSpec* find_option(const std::vector<OptionSpec>& options, std::string_view name) {
  const auto found =
      std::find_if(options.begin(), options.end(), [&](const OptionSpec& o) { return o.name == name; });
  return found == options.end() ? nullptr : &*found;
}

/// A word as it was typed, unless it may be a secret given in the wrong place: long, with letters and digits.
std::string shown(std::string_view word) {
  constexpr std::size_t kLongestShown = 15;
  const auto has = [&](auto kind) { return std::any_of(word.begin(), word.end(), kind); };
  const bool secret = word.size() > kLongestShown && word.find(' ') == std::string_view::npos &&
                      has([](char c) { return c >= '0' && c <= '9'; }) &&
                      has([](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
  return secret ? "…" : one_line(word);
}

/// "--store" or "--store=x": the name without dashes and value.
std::string_view name_in_word(std::string_view word) {
  word.remove_prefix(std::min(word.find_first_not_of('-'), word.size()));
  return word.substr(0, word.find('='));
}

std::string suggestion(std::string_view word, const std::vector<std::string_view>& known,
                       std::string_view before) {
  // "--api-key" for "--api-key-file": the beginning of a name is nearer than any other.
  const auto begins = [&](std::string_view name) { return word.size() > 2 && name.starts_with(word); };
  const auto longer = std::find_if(known.begin(), known.end(), begins);
  const auto near = longer == known.end() ? closest(word, known) : *longer;
  return near.empty() ? std::string() : fmt::format("; did you mean \"{}{}\"?", before, near);
}

/// The words that may come after `path` ("" for the first).
std::vector<std::string_view> next_words(const std::vector<Command>& commands, const std::string& path) {
  std::vector<std::string_view> words;
  const auto prefix = path.empty() ? "" : path + " ";
  for (const auto& command : commands) {
    if (!command.path.starts_with(prefix)) continue;
    const auto rest = std::string_view(command.path).substr(prefix.size());
    const auto word = rest.substr(0, rest.find(' '));
    if (words.empty() || words.back() != word) words.push_back(word);
  }
  return words;
}

struct Split {
  std::string path;  ///< the words of the command found so far
  const Command* command = nullptr;
  std::vector<std::string> rest;  ///< everything else, in order
};

/// Takes the command's words out of the line; options of every command may stand before and between them.
Result<Split> split(const std::vector<Command>& commands, const std::vector<std::string>& args) {
  Split split;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const auto& word = args[i];
    if (split.command || is_option(word)) {
      split.rest.push_back(word);
      const auto* global = find_option(global_options(), name_in_word(word));
      const bool takes_next = !split.command && global && !global->value.empty() &&
                              word.find('=') == std::string::npos && i + 1 < args.size();
      if (takes_next) split.rest.push_back(args[++i]);
      continue;
    }
    const auto words = next_words(commands, split.path);
    if (std::find(words.begin(), words.end(), word) == words.end()) {
      return usage("{}\"{}\" is no command{}; `watchbill {}{}--help` lists them",
                   split.path.empty() ? "" : split.path + ": ", shown(word), suggestion(word, words, ""),
                   split.path, split.path.empty() ? "" : " ");
    }
    split.path += (split.path.empty() ? "" : " ") + word;
    for (const auto& command : commands) {
      if (command.path == split.path) split.command = &command;
    }
  }
  return split;
}

cxxopts::Options options_of(const Command* command) {
  cxxopts::Options options("watchbill");
  options.allow_unrecognised_options();
  auto add = options.add_options();
  const auto add_all = [&](const std::vector<OptionSpec>& specs) {
    for (const auto& spec : specs) {
      const auto names = spec.letter ? fmt::format("{},{}", spec.letter, spec.name) : spec.name;
      if (spec.value.empty()) {
        add(names, spec.help);
      } else {
        add(names, spec.help, cxxopts::value<std::vector<std::string>>());
      }
    }
  };
  add_all(global_options());
  if (command) add_all(command->options);
  add("arguments", "", cxxopts::value<std::vector<std::string>>());
  options.parse_positional("arguments");
  return options;
}

}  // namespace

/// Fills an Invocation.
struct Parser {
  static Result<void> options(const std::vector<OptionSpec>& specs, const cxxopts::ParseResult& read,
                              Invocation& into) {
    for (const auto& spec : specs) {
      if (read.count(spec.name) == 0) continue;
      auto& values = into.options_[spec.name];
      if (spec.value.empty()) {
        if (!read[spec.name].as<bool>()) into.options_.erase(spec.name);
        continue;
      }
      values = read[spec.name].as<std::vector<std::string>>();
      if (!spec.many && values.size() > 1) return usage("--{} may be given only once", spec.name);
    }
    return {};
  }

  static Result<void> arguments(const Command& command, const std::vector<std::string>& given,
                                Invocation& into) {
    if (given.size() > command.arguments.size()) {
      return usage("{}: \"{}\" is one argument too many; see `watchbill {} --help`", command.path,
                   shown(given[command.arguments.size()]), command.path);
    }
    for (std::size_t i = 0; i < command.arguments.size(); ++i) {
      const auto& spec = command.arguments[i];
      if (i < given.size()) {
        into.arguments_[spec.name] = given[i];
      } else if (!spec.optional) {
        return usage("{}: {} is missing ({}); see `watchbill {} --help`", command.path, spec.name, spec.help,
                     command.path);
      }
    }
    return {};
  }

  static Result<Globals> globals(const Invocation& invocation) {
    Globals globals;
    globals.config = invocation.value("config");
    globals.store = invocation.value("store");
    globals.yes = invocation.has("yes");
    const auto format = invocation.value_or("format", "table");
    if (format != "table" && format != "json")
      return usage("--format \"{}\": use table or json", shown(format));
    globals.json = format == "json";
    return globals;
  }
};

namespace {

Error unknown_option(const Command* command, const std::string& word) {
  std::vector<std::string_view> known;
  for (const auto& spec : global_options()) known.push_back(spec.name);
  if (command) {
    for (const auto& spec : command->options) known.push_back(spec.name);
  }
  const auto where = command ? command->path : std::string();
  // What follows '=' may be a secret given in the wrong place.
  return usage("{}{}{} is no option{}; see `watchbill {}{}--help`", where, where.empty() ? "" : ": ",
               shown(word.substr(0, word.find('='))), suggestion(name_in_word(word), known, "--"), where,
               where.empty() ? "" : " ");
}

Result<Parsed> understand(const std::vector<Command>& commands, Split split) {
  std::vector<const char*> argv{"watchbill"};
  for (const auto& word : split.rest) argv.push_back(word.c_str());
  auto options = options_of(split.command);
  const auto read = options.parse(static_cast<int>(argv.size()), argv.data());

  Parsed parsed;
  parsed.command = split.command;
  if (auto good = Parser::options(global_options(), read, parsed.invocation); !good) return good.error();
  if (parsed.invocation.has("help")) {
    parsed.kind = Parsed::Kind::help;
    parsed.help_for = split.path;
    return parsed;
  }
  if (parsed.invocation.has("version")) {
    parsed.kind = Parsed::Kind::version;
    return parsed;
  }
  for (const auto& word : read.unmatched()) {
    if (is_option(word)) return unknown_option(split.command, word);
  }
  auto globals = Parser::globals(parsed.invocation);
  if (!globals) return globals.error();
  parsed.globals = *globals;
  if (!split.command) {
    const auto words = next_words(commands, split.path);
    return usage("{}a command is missing: {}; `watchbill {}{}--help` explains them",
                 split.path.empty() ? "" : split.path + ": ", fmt::join(words, ", "), split.path,
                 split.path.empty() ? "" : " ");
  }
  if (auto good = Parser::options(split.command->options, read, parsed.invocation); !good)
    return good.error().in("{}", split.command->path);
  auto given = read.count("arguments") > 0 ? read["arguments"].as<std::vector<std::string>>()
                                           : std::vector<std::string>{};
  // cxxopts puts what follows "--" and is more than it expects there.
  given.insert(given.end(), read.unmatched().begin(), read.unmatched().end());
  if (auto good = Parser::arguments(*split.command, given, parsed.invocation); !good) return good.error();
  return parsed;
}

}  // namespace

Result<Parsed> parse(const std::vector<Command>& commands, const std::vector<std::string>& args) {
  auto words = args;
  if (!words.empty() && words.front() == "help") {
    words.erase(words.begin());
    words.emplace_back("--help");
  }
  auto found = split(commands, words);
  if (!found) return found.error();
  try {
    return understand(commands, std::move(*found));
  } catch (const cxxopts::exceptions::exception& error) {
    // Such as an option at the end of the line without its value. cxxopts quotes names in typographic signs.
    return usage("{}", one_line(error.what()));
  }
}

}  // namespace watchbill::cli
