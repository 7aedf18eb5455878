#include "cli/terminal/progress.hpp"

#include <ostream>

#include "cli/terminal/table.hpp"

namespace watchbill::cli {

namespace {

/// Where the terminal does not say how wide it is.
constexpr std::size_t kUsualWidth = 80;
/// ECMA-48, 8.3.41: what stands in the line goes.
constexpr const char* kEraseLine = "\r\x1b[K";

}  // namespace

void Progress::show(const std::string& line) {
  if (!io_.err_tty || line == shown_) return;
  if (line.empty()) return clear();
  io_.out.flush();
  const auto width = io_.width == 0 ? kUsualWidth : io_.width;
  io_.err << kEraseLine << fit(printable(line), width - 1) << std::flush;
  shown_ = line;
}

void Progress::clear() {
  if (shown_.empty()) return;
  io_.err << kEraseLine << std::flush;
  shown_.clear();
}

}  // namespace watchbill::cli
