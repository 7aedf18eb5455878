#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "core/announce/outbox.hpp"
#include "core/announce/sentence.hpp"
#include "core/oncall/on_call_person.hpp"

/// Phrases that several screens and answers share. All of them mrkdwn, with what people wrote made harmless.
namespace watchbill::slack_app {

/// Which form of a person a text wants.
enum class Naming {
  mention,  ///< "<@U1>": in views and in answers to one person, where it notifies nobody
  name,
};

/// "1 rotation", "2 rotations"
std::string counted(std::size_t count, std::string_view one, std::string_view many);
/// Text between backticks, where nothing is formatted; of a long one the end, since paths differ there.
std::string code_text(std::string_view text, std::size_t max_characters = 120);
/// "@payments-oncall" as a link to the group; its name if the id is none.
std::string group_text(const GroupId& group, const std::string& handle);
/// The person in Slack, or "Bo Ito (not in Slack)".
std::string person_text(const OnCallPerson& person, Naming naming);
/// "<@U1>" or "<!subteam^S1>", as an owner is written down.
std::string owner_text(const std::string& owner);
/// Who did something, as history has it: "<@U1>", "ada on the host", "the file teams.yaml".
std::string actor_text(const std::string& actor);
/// "until <date>", "with no end", or nothing if the end is not known.
std::string until_text(const std::optional<Instant>& until);
/// Everybody on call, each with his schedules and until when; "nobody".
std::string on_call_text(const std::vector<OnCallPerson>& people, Naming naming, std::size_t at_most = 8);
/// The same where it is not known of every schedule: nobody known is not yet nobody.
std::string who_text(const std::vector<OnCallPerson>& people, const std::vector<ScheduleRef>& unknown,
                     Naming naming, std::size_t at_most = 8);
/// "<@U1> and <@U2>": who is in a group; of a disabled one that it is.
std::string members_text(const std::vector<UserId>& members, bool disabled, std::size_t at_most = 8);
/// Those who come next, with the moment; empty if nothing is known.
std::string next_text(const std::vector<NextPerson>& next, Naming naming);
/// "• *Payments* (Primary): on call now, until …" (no `from`), or "from … until …".
std::string shift_text(const std::string& rotation, const std::string& schedule, std::optional<Instant> from,
                       std::optional<Instant> until);
/// Whether Slack has buttons for credentials here (`slack.credentials_in_modals`): then texts name these,
/// else what to do on the host; where it is not known, both.
enum class CredentialForms { unknown, shown, hidden };
/// A message of the rules with the names of Slack's buttons where it names commands of the host that do the
/// same ("`watchbill rotation edit`").
std::string with_buttons(std::string_view text, CredentialForms forms = CredentialForms::unknown);
/// The same as people read it in Slack: it begins like a sentence, and options of the command line
/// ("(--region us|eu)") are left out.
std::string as_sentence(std::string_view text, CredentialForms forms = CredentialForms::unknown);
/// "about 40 s", "about 3 min": for forecasts.
std::string about(milliseconds span);
/// "12 s ago", "5 min ago", "2 d ago".
std::string ago(milliseconds span);

}  // namespace watchbill::slack_app
