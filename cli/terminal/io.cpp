#include "cli/terminal/io.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <ostream>

#include "base/text.hpp"

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

std::string visible_json(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (std::size_t at = 0; at < json.size(); ++at) {
    const auto length = layout_control_at(json, at);
    // JSON's own blanks are all that is below U+0020 in it. A character of two or three bytes: RFC 3629.
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(json[at + i]); };
    if (length == 0 || byte(0) < 0x20) {
      out += json[at];
      continue;
    }
    const unsigned code = length == 1 ? byte(0)
                          : length == 2
                              ? (byte(0) & 0x1FU) << 6U | (byte(1) & 0x3FU)
                              : (byte(0) & 0x0FU) << 12U | (byte(1) & 0x3FU) << 6U | (byte(2) & 0x3FU);
    out += fmt::format("\\u{:04x}", code);
    at += length - 1;
  }
  return out;
}

namespace {

/// Lines after the first begin with blanks: none that somebody else wrote looks like one of ours.
std::string message_text(std::string_view message) {
  std::string out;
  for (const char c : printable(message)) {
    out += c;
    if (c == '\n') out += "  ";
  }
  return out;
}

}  // namespace

int report(Io& io, const Error& error) {
  io.out.flush();
  io.err << "watchbill: " << message_text(error.message) << '\n';
  return exit_code(error.kind);
}

void warn(Io& io, std::string_view message) {
  io.out.flush();
  io.err << "watchbill: warning: " << message_text(message) << '\n';
}

}  // namespace watchbill::cli
