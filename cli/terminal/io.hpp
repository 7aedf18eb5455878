#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>

#include "base/result.hpp"

/// Where the command line reads and writes, and how its programs end.
namespace watchbill::cli {

/// Exit codes, as docs/cli.md promises them.
enum Exit : int {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,
  kNotFound = 3,
  kConflict = 4,
  kNotAllowed = 5,
};

/// The exit code that tells a program what kind of failure it was.
int exit_code(ErrorKind kind);

/// The streams of one run. Tests give their own.
struct Io {
  std::ostream& out;
  std::ostream& err;
  std::istream& in;
  bool in_tty = false;
  bool out_tty = false;
  /// Columns of the terminal; 0: nothing is cut.
  std::size_t width = 0;
  bool err_tty = false;
};

/// Columns of standard output: COLUMNS, else what the terminal says, else 0.
std::size_t terminal_width();

/// `text` without what could steer a terminal or turn its direction (`layout_control_at`): names come from
/// other systems. Line breaks stay.
std::string printable(std::string_view text);

/// The same JSON, in which no character changes how what stands around it is shown (`layout_control_at`): in
/// strings they become escapes (`\u202e`).
std::string visible_json(std::string_view json);

/// Writes "watchbill: MESSAGE" to the error stream, further lines indented, and returns the exit code.
int report(Io& io, const Error& error);
/// Writes "watchbill: warning: MESSAGE".
void warn(Io& io, std::string_view message);

}  // namespace watchbill::cli
