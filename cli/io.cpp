#include "cli/io.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <ostream>

#include "core/text.hpp"

namespace watchbill::cli {

int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid:
      return kUsage;
    case ErrorKind::not_found:
      return kNotFound;
    case ErrorKind::conflict:
      return kConflict;
    case ErrorKind::forbidden:
      return kNotAllowed;
    default:
      return kFailed;
  }
}

std::size_t terminal_width() {
  if (const char* columns = std::getenv("COLUMNS")) {
    const std::string_view text(columns);
    std::size_t width = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), width);
    if (error == std::errc{} && rest == text.data() + text.size()) return width;
  }
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto control = text[at] == '\n' ? 0 : layout_control_at(text, at);
    out += control > 0 ? '?' : text[at];
    if (control > 1) at += control - 1;
  }
  return out;
}

int report(Io& io, const Error& error) {
  io.out.flush();
  io.err << "watchbill: " << printable(error.message) << '\n';
  return exit_code(error.kind);
}

void warn(Io& io, std::string_view message) {
  io.out.flush();
  io.err << "watchbill: warning: " << printable(message) << '\n';
}

}  // namespace watchbill::cli
