#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/terminal/command.hpp"

/// What may come next on a command line: the shells' completions ask `watchbill __complete WORDS…`, so that
/// one place knows the answer for all of them.
namespace watchbill::cli {

/// The first word of a command line that asks for completions instead.
inline constexpr std::string_view kCompleteWord = "__complete";

struct Candidate {
  std::string word;
  std::string help{};
};

/// Names that only the store knows.
enum class Names { rotation, connection, schedule, group };
using NameSource = std::function<std::vector<Candidate>(Names)>;

struct Completion {
  std::vector<Candidate> candidates{};
  /// The shell completes names of files.
  bool files = false;
};

/// What may stand for the last of `words` (which may be empty: nothing is typed of it yet); only what begins
/// with it. `names` is asked only where names can stand.
Completion complete(const std::vector<Command>& commands, const std::vector<std::string>& words,
                    const NameSource& names);

/// Prints what may come next: a line for each candidate, "WORD<tab>HELP", or ":files". Never an error: a
/// store that cannot be read has no names.
int run_completion(const std::vector<Command>& commands, const std::vector<std::string>& words, Io& io);

}  // namespace watchbill::cli
