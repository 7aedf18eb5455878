#include "cli/commands/validate.hpp"

#include <algorithm>
#include <ostream>

namespace watchbill::cli {

namespace {

/// More members than this are counted, not named.
constexpr std::size_t kNamed = 20;

std::string people_line(Session& session, control::Workspace& workspace, std::string_view word,
                        const std::vector<UserId>& people) {
  std::string out;
  for (std::size_t i = 0; i < people.size() && i < kNamed; ++i)
    out += (i > 0 ? ", " : "") + session.run(workspace.name_of(people[i]));
  if (people.size() > kNamed) out += fmt::format(" and {} more", people.size() - kNamed);
  return fmt::format("  {}: {}\n", word, out.empty() ? "nobody" : out);
}

}  // namespace

Result<void> validate_for(Session& session, control::Workspace& workspace, const control::Caller& caller,
                          std::vector<control::RotationDraft>& wanted, control::ValidateOptions options) {
  auto valid = session.run(control::validate(workspace, caller, wanted, options));
  for (const auto& one : wanted) {
    for (const auto& channel : one.uninvited) {
      warn(session.io(),
           fmt::format("the bot is not in {} channel #{}: invite it with `/invite` there{}",
                       channel.is_private ? "the private" : "the", channel.name,
                       channel.is_private ? ""
                                          : ", or Slack may refuse announcements, and after a crash they may "
                                            "be repeated"));
    }
  }
  return valid;
}

Result<void> validate_here(Session& session, control::Workspace& workspace,
                           std::vector<control::RotationDraft>& wanted, control::ValidateOptions options) {
  return validate_for(session, workspace, session.caller(), wanted, options);
}

Result<void> agree_to_adopt(Session& session, const Invocation& in, control::Workspace& workspace,
                            const control::RotationDraft& wanted) {
  if (!wanted.adoption) return {};
  const auto& rotation = wanted.rotation;
  show_adoption(session, workspace, *wanted.adoption);
  if (wanted.adoption->kind == Takeover::again) {
    if (in.has("adopt"))
      return session.confirm(fmt::format("Let @{} become who is on call?", rotation.handle));
    return fail(
        ErrorKind::conflict,
        "rotation \"{}\": this takes members out of the group @{}, as shown: run it again with --adopt "
        "if they may go. Nothing was changed",
        rotation.name, rotation.handle);
  }
  if (in.has("adopt")) return session.confirm(fmt::format("Take over @{}?", rotation.handle));
  return fail(
      ErrorKind::conflict,
      "rotation \"{}\": the group @{} has other members: run it again with --adopt to take the group over; "
      "`watchbill rotation delete --restore` gives it back",
      rotation.name, rotation.handle);
}

void show_adoption(Session& session, control::Workspace& workspace, const control::Adoption& adoption) {
  auto text =
      fmt::format("@{} ({}) has other members than who is on call:\n", adoption.handle, adoption.group);
  text += people_line(session, workspace, "goes", adoption.change.goes);
  text += adoption.unsure.empty() ? people_line(session, workspace, "comes", adoption.change.comes)
                                  : "  comes: " + adoption.unsure + "\n";
  if (adoption.when_resumed) text += "  when: not before the rotation is resumed\n";
  if (!adoption.edited_by.empty()) {
    const bool told = adoption.edited_at > Instant{};
    text += fmt::format("  last edited by: {}{}\n", session.run(workspace.name_of(adoption.edited_by)),
                        told ? ", " + format_minutes(adoption.edited_at) : std::string{});
  }
  std::string channels;
  for (const auto& channel : adoption.default_channels)
    channels += (channels.empty() ? "" : ", ") + session.run(workspace.name_of(channel));
  text += fmt::format("  Slack adds new members to: {}\n",
                      channels.empty() ? "no channels (the group has no default channels)" : channels);
  session.io().out.flush();
  session.io().err << printable(text);
}

}  // namespace watchbill::cli
