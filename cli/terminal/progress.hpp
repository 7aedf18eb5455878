#pragma once

#include <string>

#include "cli/terminal/io.hpp"

namespace watchbill::cli {

/// A line of the error stream that says what is waited for: written anew as long as it lasts, and taken away
/// before anything else is written. Nothing where no terminal shows it.
class Progress {
 public:
  explicit Progress(Io& io) : io_(io) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }

  /// Replaces the line; it is cut to the terminal's width.
  void show(const std::string& line);
  void clear();

 private:
  Io& io_;
  std::string shown_{};
};

}  // namespace watchbill::cli
