#include "slack_app/phrases.hpp"

#include <algorithm>
#include <array>

#include "base/phrase.hpp"
#include "base/text.hpp"
#include "core/announce/announcement.hpp"

namespace watchbill::slack_app {

namespace {

constexpr std::size_t kNameCharacters = 60;
constexpr std::size_t kNextNamed = 4;

bool is_slack_id(std::string_view id) {
  return !id.empty() && std::all_of(id.begin(), id.end(),
                                    [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); });
}

std::string mention_or_name(const std::optional<UserId>& member, const std::string& name, Naming naming) {
  if (member && naming == Naming::mention) {
    if (auto mention = slack_mention(*member); !mention.empty()) return mention;
  }
  return slack_name(name, kNameCharacters);
}

/// What a command of the host is in Slack.
struct Counterpart {
  std::string_view command;  ///< as it begins
  std::string_view button;
  bool credentials = false;  ///< there only with the forms for credentials
};
constexpr std::array<Counterpart, 13> kCounterparts{{
    {"watchbill rotation edit", "\"Edit\""},
    {"watchbill rotation resume", "\"Resume\" in its menu"},
    {"watchbill rotation delete", "\"Delete\" in its menu"},
    {"watchbill people map", "\"Fix\""},
    {"watchbill connection update", "\"New credentials\"", true},
    {"watchbill connection test", "\"Test\" in its menu", true},
    {"watchbill connection list", "the home tab"},
    {"watchbill people list", "the home tab"},
    {"watchbill rotation list", "the home tab"},
    {"watchbill rotation show", "the home tab"},
    {"watchbill schedule list", "the home tab"},
    {"watchbill status", "the home tab"},
    {"--empty fallback", "\"Put others in the group\" with \"Edit\""},
}};

/// What stands in Slack for a command (without its backticks); empty if it is the host's alone.
std::string counterpart_of(std::string_view command, CredentialForms forms) {
  // The form has no owners.
  if (command.find("--owner") != std::string_view::npos) return "";
  for (const auto& one : kCounterparts) {
    if (!command.starts_with(one.command)) continue;
    if (!one.credentials || forms == CredentialForms::shown) return std::string(one.button);
    return forms == CredentialForms::hidden ? ""
                                            : fmt::format("{} or, on the host, `{}`", one.button, command);
  }
  return "";
}

/// A human being with all his duties.
struct OnDuty {
  const OnCallPerson* person;
  std::vector<std::string> duties;
};

std::string duty_text(const OnCallPerson& person) {
  const auto& label = person.schedule_label.empty() ? person.schedule.id : person.schedule_label;
  auto text = slack_name(label, kNameCharacters);
  if (person.last_known) text += ", last known";
  if (const auto until = until_text(person.until); !until.empty()) text += " " + until;
  return text;
}

std::vector<OnDuty> humans_of(const std::vector<OnCallPerson>& people) {
  std::vector<OnDuty> humans;
  for (const auto& person : people) {
    auto known = std::find_if(humans.begin(), humans.end(),
                              [&](const OnDuty& human) { return same_person(*human.person, person); });
    if (known == humans.end()) known = humans.insert(humans.end(), OnDuty{&person, {}});
    if (!known->person->member && person.member) known->person = &person;
    auto duty = duty_text(person);
    if (std::find(known->duties.begin(), known->duties.end(), duty) == known->duties.end())
      known->duties.push_back(std::move(duty));
  }
  return humans;
}

/// The largest unit that fits, rounded.
std::string rough(milliseconds span) {
  const auto s = std::max<long long>(0, (span.count() + 500) / 1000);
  if (s < 100) return fmt::format("{} s", s);
  if (s < 6'000) return fmt::format("{} min", (s + 30) / 60);
  if (s < 172'800) return fmt::format("{} h", (s + 1800) / 3600);
  return fmt::format("{} d", (s + 43200) / 86400);
}

}  // namespace

std::string counted(std::size_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string code_text(std::string_view text, std::size_t max_characters) {
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; };
  const bool cut = utf8_length(text) > max_characters;
  for (auto length = utf8_length(text); length >= max_characters && cut && !text.empty(); --length) {
    text.remove_prefix(1);
    while (!text.empty() && continues(text.front())) text.remove_prefix(1);
  }
  std::string kept = cut ? "\xE2\x80\xA6" : "";
  for (const char c : text) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    kept += c == '`' ? '\'' : control ? ' ' : c;
  }
  return "`" + escape_slack(kept) + "`";
}

std::string group_text(const GroupId& group, const std::string& handle) {
  if (is_slack_id(group.value)) return fmt::format("<!subteam^{}>", group);
  return code_text(handle.empty() ? group.value : handle, kNameCharacters);
}

std::string person_text(const OnCallPerson& person, Naming naming) {
  const auto& name = person.responder.name.empty() ? person.responder.id : person.responder.name;
  const auto known = person.member_pending ? std::nullopt : person.member;
  return mention_or_name(known, name, naming) + std::string(slack_remark(person));
}

std::string owner_text(const std::string& owner) {
  if (owner.starts_with('S') && is_slack_id(owner)) return fmt::format("<!subteam^{}>", owner);
  const auto mention = slack_mention(UserId(owner));
  return mention.empty() ? slack_name(owner, kNameCharacters) : mention;
}

std::string actor_text(const std::string& actor) {
  constexpr std::string_view cli = "cli:";
  constexpr std::string_view file = "file:";
  if (actor.starts_with(cli)) return slack_name(actor.substr(cli.size()), kNameCharacters) + " on the host";
  if (actor.starts_with(file)) return "the file " + code_text(actor.substr(file.size()), kNameCharacters);
  return owner_text(actor);
}

std::string until_text(const std::optional<Instant>& until) {
  if (!until) return "";
  return *until == kNever ? "with no end" : "until " + slack_date(*until);
}

std::string on_call_text(const std::vector<OnCallPerson>& people, Naming naming, std::size_t at_most) {
  std::vector<std::string> parts;
  for (const auto& human : humans_of(people))
    parts.push_back(fmt::format("{} ({})", person_text(*human.person, naming), phrase(human.duties, 4)));
  return parts.empty() ? "nobody" : phrase(parts, at_most);
}

std::string who_text(const std::vector<OnCallPerson>& people, const std::vector<ScheduleRef>& unknown,
                     Naming naming, std::size_t at_most) {
  if (people.empty()) return unknown.empty() ? "nobody" : "not known";
  auto text = on_call_text(people, naming, at_most);
  std::vector<std::string> rest;
  for (const auto& ref : without_people(people, unknown))
    rest.push_back(slack_name(to_string(ref), kNameCharacters));
  if (!rest.empty()) text += "; not known in " + phrase(rest, 4);
  return text;
}

std::string members_text(const std::vector<UserId>& members, bool disabled, std::size_t at_most) {
  std::vector<std::string> parts;
  for (const auto& member : members) parts.push_back(owner_text(member.value));
  return phrase(parts, at_most) + (disabled ? " (the group is disabled)" : "");
}

std::string next_text(const std::vector<NextPerson>& next, Naming naming) {
  std::vector<std::string> parts;
  parts.reserve(next.size());
  for (const auto& person : next) {
    parts.push_back(fmt::format("{} from {}", mention_or_name(person.member, person.name, naming),
                                slack_date(person.from)));
  }
  return phrase(parts, kNextNamed);
}

std::string with_buttons(std::string_view text, CredentialForms forms) {
  std::string out;
  while (true) {
    const auto open = text.find('`');
    const auto close = open == std::string_view::npos ? open : text.find('`', open + 1);
    if (close == std::string_view::npos) return out + std::string(text);
    const auto button = counterpart_of(text.substr(open + 1, close - open - 1), forms);
    out += text.substr(0, open);
    out += button.empty() ? std::string(text.substr(open, close + 1 - open)) : button;
    text.remove_prefix(close + 1);
  }
}

std::string as_sentence(std::string_view text, CredentialForms forms) {
  auto out = with_buttons(text, forms);
  for (auto at = out.find(" (--"); at != std::string::npos; at = out.find(" (--", at)) {
    const auto end = out.find(')', at);
    if (end == std::string::npos) break;
    out.erase(at, end + 1 - at);
  }
  if (!out.empty() && out.front() >= 'a' && out.front() <= 'z')
    out.front() = static_cast<char>(out.front() - 'a' + 'A');
  return out;
}

std::string shift_text(const std::string& rotation, const std::string& schedule, std::optional<Instant> from,
                       std::optional<Instant> until) {
  auto text = fmt::format("\xE2\x80\xA2 *{}*", slack_name(rotation, 80));
  if (!schedule.empty()) text += fmt::format(" ({})", slack_name(schedule, kNameCharacters));
  text += from ? ": from " + slack_date(*from) : ": on call now";
  const auto end = until_text(until);
  return end.empty() ? text : text + (from ? " " : ", ") + end;
}

std::string about(milliseconds span) {
  return "about " + rough(span);
}

std::string ago(milliseconds span) {
  return rough(span) + " ago";
}

}  // namespace watchbill::slack_app
