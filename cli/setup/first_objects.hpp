#pragma once

#include <iosfwd>
#include <set>
#include <string>
#include <vector>

#include "cli/session.hpp"
#include "cli/setup/questions.hpp"
#include "cli/setup/rotation_answers.hpp"

namespace watchbill::cli {

/// The part of `watchbill setup` that needs the store: the first connection, the first rotation, the first
/// pass. Each is a command of its own process, as a person would type it.
class FirstObjects {
 public:
  FirstObjects(Session& session, const Invocation& in, Questions& person, std::ostream& out,
               const config::Config& config)
      : session_(session), in_(in), io_(session.io()), person_(person), out_(out), config_(config) {}

  /// From the options, or asked for; nothing if there is one.
  Result<void> connection();
  Result<void> rotation();
  /// Makes a pass and shows the state: the exit code.
  int show();

 private:
  void say(const std::string& line) { person_.say(line); }
  int command(std::vector<std::string> args) { return command(std::move(args), out_); }
  int command(std::vector<std::string> args, std::ostream& out);
  /// Names of what is in the store.
  struct Stored {
    std::set<std::string> connections;
    std::set<std::string> rotations;  ///< folded
  };
  Result<Stored> stored();
  Result<std::string> kind_of_connection();
  std::string name_of_connection(const std::string& kind, const std::set<std::string>& taken);
  /// The command that adds the connection of the options.
  std::vector<std::string> given_connection(const std::string& kind);
  /// Asks until one is added, or the person does not want to now.
  Result<void> ask_connection(const std::set<std::string>& taken);
  /// The command that creates the rotation of the options.
  std::vector<std::string> given_rotation();
  /// The same of the person's answers, each of which was tried; empty: not now.
  std::vector<std::string> asked_rotation();
  bool ask_until_good(const std::string& question, RotationAnswers& answers,
                      std::string RotationAnswers::*answer);

  Session& session_;
  const Invocation& in_;
  Io& io_;
  Questions& person_;
  std::ostream& out_;
  const config::Config& config_;
};

}  // namespace watchbill::cli
