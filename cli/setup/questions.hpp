#pragma once

#include <string>

#include "base/secret.hpp"
#include "cli/terminal/io.hpp"

namespace watchbill::cli {

/// Questions to the person at the terminal.
class Questions {
 public:
  /// `on`: there is somebody to ask. If not, every answer is empty, or the proposed one.
  Questions(Io& io, std::ostream& out, bool on) : io_(io), out_(out), on_(on) {}
  [[nodiscard]] bool on() const { return on_; }
  /// The answer without spaces around it; `proposed` for an empty one.
  std::string ask(const std::string& question, const std::string& proposed = "");
  /// The same, and what is typed is not shown. A secret is understood however it was pasted
  /// (config/secret_text.hpp).
  Secret ask_secret(const std::string& question);
  void say(const std::string& line);

 private:
  std::string line();

  Io& io_;
  std::ostream& out_;
  bool on_;
};

}  // namespace watchbill::cli
