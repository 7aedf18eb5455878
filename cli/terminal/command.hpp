#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "cli/terminal/io.hpp"

/// The table of commands: parsing, `--help`, shell completion and the test of docs/cli.md follow it.
namespace watchbill::cli {

class Session;
class Invocation;

struct OptionSpec {
  std::string name;   ///< "api-key-file"
  std::string value;  ///< "FILE"; empty: a flag without a value
  std::string help;
  bool many = false;  ///< may be given several times
  char letter = 0;    ///< its short form: 'f' for "-f"
};

struct ArgumentSpec {
  std::string name;  ///< "ROTATION"
  std::string help;
  bool optional = false;
};

/// What runs a command: its exit code, or an error, whose kind gives the exit code.
using Handler = Result<int> (*)(Session& session, const Invocation& invocation);

struct Command {
  std::string path;     ///< "rotation create"
  std::string summary;  ///< one line
  std::string text;     ///< what it does, for `--help`
  std::vector<ArgumentSpec> arguments{};
  std::vector<OptionSpec> options{};
  std::vector<std::string> examples{};  ///< without "watchbill"
  Handler run = nullptr;
};

/// One command line, understood.
class Invocation {
 public:
  /// The argument of that name; empty if it was optional and is missing.
  [[nodiscard]] std::string argument(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view option) const { return options_.contains(std::string(option)); }
  /// The last value given.
  [[nodiscard]] std::optional<std::string> value(std::string_view option) const;
  [[nodiscard]] std::string value_or(std::string_view option, std::string_view fallback) const;
  [[nodiscard]] std::vector<std::string> values(std::string_view option) const;

 private:
  friend struct Parser;
  std::map<std::string, std::string, std::less<>> arguments_;
  std::map<std::string, std::vector<std::string>, std::less<>> options_;
};

/// Options of every command.
const std::vector<OptionSpec>& global_options();

struct Globals {
  std::optional<std::string> config;
  std::optional<std::string> store;
  bool json = false;
  bool yes = false;
};

/// What a command line asks for.
struct Parsed {
  enum class Kind { run, help, version };
  Kind kind = Kind::run;
  const Command* command = nullptr;  ///< none for the help of all commands or of a group
  std::string help_for{};            ///< "rotation": the group whose help is wanted; empty for all
  Globals globals{};
  Invocation invocation{};
};

/// Reads a command line (without the program's name). Errors are `invalid`; they name what was most likely
/// meant.
Result<Parsed> parse(const std::vector<Command>& commands, const std::vector<std::string>& args);

/// `text` broken into lines of at most `columns`, each after the first begun with `indent` blanks.
std::string wrapped(std::string_view text, std::size_t columns, std::size_t indent);

/// The page of one command.
std::string help_of(const Command& command);
/// The list of all commands, or of those of one group.
std::string help_of_all(const std::vector<Command>& commands, const std::string& group);

/// Parses, runs, and reports: the exit code.
int run(const std::vector<Command>& commands, const std::vector<std::string>& args, Io& io);

/// "1.2.3"
std::string_view version();

}  // namespace watchbill::cli
