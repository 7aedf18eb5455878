#include "cli/setup/rotation_answers.hpp"

#include "control/validate.hpp"

namespace watchbill::cli {

namespace {

/// The field of a rotation that was asked for last, as `RotationDraft::wrong_field` calls it.
std::string_view last_field(const RotationAnswers& answers) {
  if (!answers.channel.empty()) return "channels";
  if (!answers.schedule.empty()) return "schedules";
  return answers.group.empty() ? "name" : "group";
}

bool is_group_id(const std::string& text) {
  return text.size() > 1 && text[0] == 'S' && fold_name(text) != text && text.find(' ') == std::string::npos;
}

Result<void> check(Session& session, control::Workspace& workspace, const RotationAnswers& answers,
                   std::vector<control::RotationDraft>& all) {
  auto& draft = all.front();
  if (!answers.group.empty()) {
    const auto group = group_option(answers.group);
    if (group.starts_with('@')) {
      draft.rotation.handle = group.substr(1);
    } else {
      draft.rotation.group = GroupId(group);
    }
    auto found = session.run(control::resolve_group(workspace, draft, true));
    if (!found) return found;
  }
  if (!answers.schedule.empty()) {
    auto schedule = written_schedule(answers.schedule);
    if (!schedule) return schedule.error();
    draft.rotation.schedules.push_back({*schedule});
  }
  if (!answers.channel.empty()) draft.rotation.channels.emplace_back(answers.channel);
  return session.run(control::validate(workspace, session.caller(), all, {}));
}

}  // namespace

std::string group_option(const std::string& answer) {
  return answer.starts_with('@') || is_group_id(answer) ? answer : "@" + answer;
}

Result<void> try_last_answer(Session& session, const RotationAnswers& answers) {
  auto context = session.context();
  if (!context) return context.error();
  control::Workspace workspace(**context);
  std::vector<control::RotationDraft> all(1);
  auto& draft = all.front();
  draft.rotation.name = answers.name;
  auto good = check(session, workspace, answers, all);
  // What is asked for later is missing still.
  if (good || (!draft.wrong_field.empty() && draft.wrong_field != last_field(answers))) return {};
  Error error = good.error();
  const auto place = control::place_of(draft) + ": ";
  if (error.message.starts_with(place)) error.message.erase(0, place.size());
  return error;
}

}  // namespace watchbill::cli
