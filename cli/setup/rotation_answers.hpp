#pragma once

#include <string>

#include "cli/session.hpp"

namespace watchbill::cli {

/// The first rotation, as far as a person has answered for it, in the order of the questions. What is not
/// answered yet is empty.
struct RotationAnswers {
  std::string name;
  std::string group;     ///< "@handle", "handle" or an id
  std::string schedule;  ///< as `written_schedule` reads it
  std::string channel;   ///< "#name", "name" or an id
};

/// What was answered for the group, as `rotation create --group` takes it.
std::string group_option(const std::string& answer);

/// Whether the last answer can be used, as far as that is known without those to come: asks Slack and the
/// scheduling systems. The error is for the person.
Result<void> try_last_answer(Session& session, const RotationAnswers& answers);

}  // namespace watchbill::cli
