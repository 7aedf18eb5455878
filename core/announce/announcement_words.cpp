#include "core/announce/announcement_words.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "base/phrase.hpp"
#include "base/text.hpp"

namespace watchbill {

namespace {

constexpr auto kWorthSaying = 2min;  // an announcement that is later than this says so
constexpr std::size_t kNamesInList = 20;
constexpr std::size_t kTurnsNamed = 5;
constexpr std::size_t kNoteCharacters = 500;

const std::string& plain_name(const OnCallPerson& person) {
  return person.responder.name.empty() ? person.responder.id : person.responder.name;
}

std::string mention_of(const std::optional<UserId>& member, const std::string& name) {
  auto mention = member ? slack_mention(*member) : std::string{};
  return mention.empty() ? slack_name(name) : mention;
}

std::string end_text(const std::optional<Instant>& end) {
  return !end || *end == kNever ? "further notice" : slack_date(*end);
}

}  // namespace

AnnouncementWords::AnnouncementWords(const AnnouncementFacts& facts, Mention policy,
                                     const AnnouncementContext& context)
    : facts_(facts), policy_(policy), context_(context) {
  const auto before = facts.first ? Humans{} : humans_of(facts.before);
  const auto interrupted = humans_of(facts.interrupted);
  on_call_ = humans_of(facts.after);
  for (const auto& human : on_call_) {
    const bool stays = is_in(before, human) && !is_in(interrupted, human);
    auto& part = human.last_known ? last_known_ : stays ? staying_ : incoming_;
    part.push_back(human);
  }
  for (const auto& human : before) {
    if (!is_in(on_call_, human)) outgoing_.push_back(human);
  }
  name_schedules_ = context.name_schedules || several_schedules();
}

std::string AnnouncementWords::default_text() const {
  auto text = fmt::format("*{}*: {}", slack_name(facts_.rotation), headline());
  if (on_call_.size() > 1) text += list();
  if (!facts_.group_note.empty()) text += "\n" + note();
  std::vector<std::string> sentences;
  if (on_call_.size() == 1 && last_known_.empty()) {
    const auto duties = duties_of(on_call_.front());
    if (!duties.empty()) {
      sentences.push_back(fmt::format("On call {}{}.", name_schedules_ ? "in " : "", duties));
    }
  }
  if (!facts_.next.empty()) sentences.push_back(next_sentence());
  if (!context_.group_pending) sentences.push_back(fmt::format("Slack group: {}.", group()));
  for (std::size_t i = 0; i < sentences.size(); ++i) text += (i == 0 ? "\n" : " ") + sentences[i];
  return text;
}

std::string AnnouncementWords::remarks(const std::function<bool(std::string_view)>& said) const {
  std::string text;
  if (!facts_.first && (!facts_.between.empty() || facts_.nobody_between)) text += "\n" + in_between();
  if (!facts_.group_note.empty() && !said("note")) text += "\n" + note();
  if (context_.group_pending && !said("group_pending"))
    text += fmt::format("\nThe Slack group {} is still being updated.", group());
  if (const auto late = lateness(); !late.empty() && !said("late"))
    text += fmt::format("\n_This is {} late: it happened {}._", late, slack_date(facts_.at));
  if (context_.possibly_repeated && !said("possibly_repeated"))
    text += "\n_Possibly repeated: an earlier attempt may have arrived already._";
  return text;
}

TemplateData AnnouncementWords::data() const {
  const auto flag = [](bool set) { return std::string(set ? "yes" : ""); };
  std::optional<Instant> first_end;
  for (const auto& human : on_call_) {
    const auto end = end_of(human);
    if (end && (!first_end || *end < *first_end)) first_end = end;
  }
  TemplateData data;
  data.values = {{"rotation", facts_.rotation},
                 {"group", group()},
                 {"at", slack_date(facts_.at)},
                 {"until", end_text(first_end)},
                 {"late", lateness()},
                 {"note", facts_.group_note},
                 {"first", flag(facts_.first)},
                 {"nobody", flag(on_call_.empty())},
                 {"group_pending", flag(context_.group_pending)},
                 {"possibly_repeated", flag(context_.possibly_repeated)}};
  add_people(data, "on_call", on_call_);
  add_people(data, "incoming", incoming_);
  add_people(data, "outgoing", outgoing_);
  add_people(data, "staying", staying_);
  add_next(data);
  return data;
}

AnnouncementWords::Humans AnnouncementWords::humans_of(const std::vector<OnCallPerson>& people) {
  Humans humans;
  for (const auto& person : people) {
    auto known = std::find_if(humans.begin(), humans.end(),
                              [&](const Human& human) { return same_person(*human.person, person); });
    if (known == humans.end()) known = humans.insert(humans.end(), Human{&person, {}, true});
    if (!known->person->member && person.member) known->person = &person;
    known->last_known = known->last_known && person.last_known;
    Duty duty{person.schedule_label.empty() ? person.schedule.id : person.schedule_label, person.until};
    if (std::find(known->duties.begin(), known->duties.end(), duty) == known->duties.end())
      known->duties.push_back(std::move(duty));
  }
  return humans;
}

/// "primary and secondary".
std::string AnnouncementWords::schedules_of(const Human& human) {
  std::vector<std::string> names;
  for (const auto& duty : human.duties) {
    if (std::find(names.begin(), names.end(), duty.schedule) == names.end()) names.push_back(duty.schedule);
  }
  return phrase(names);
}

/// True if all that he is on call for ends at the same moment.
bool AnnouncementWords::ends_at_once(const Human& human) {
  return std::all_of(human.duties.begin(), human.duties.end(),
                     [&](const Duty& duty) { return duty.until == human.duties.front().until; });
}

/// When he goes off call altogether; nothing if that is not known of all his schedules.
std::optional<Instant> AnnouncementWords::end_of(const Human& human) {
  auto end = human.duties.front().until;
  for (const auto& duty : human.duties) {
    if (!duty.until) return std::nullopt;
    end = std::max(end, duty.until);
  }
  return end;
}

bool AnnouncementWords::several_schedules() const {
  const ScheduleRef* seen = nullptr;
  for (const auto* people : {&facts_.before, &facts_.after}) {
    for (const auto& person : *people) {
      if (seen != nullptr && person.schedule != *seen) return true;
      seen = &person.schedule;
    }
  }
  return false;
}

bool AnnouncementWords::is_in(const Humans& humans, const Human& human) const {
  return std::any_of(humans.begin(), humans.end(),
                     [&](const Human& other) { return same_person(*other.person, *human.person); });
}

/// A person as the mention policy wants him.
std::string AnnouncementWords::shown(const Human& human) const {
  const auto& person = *human.person;
  const bool goes_off = is_in(outgoing_, human);
  const std::string remark = human.last_known && !goes_off ? " (last known)" : "";
  if (!person.member || person.member_pending) {
    const auto* const why = person.member_pending ? " (Slack account not known yet)"
                            : person.account      ? " (cannot be in a Slack group)"
                                                  : " (no Slack account found)";
    return slack_name(plain_name(person)) + (goes_off ? "" : why) + remark;
  }
  const bool mentioned = policy_ == Mention::all || (policy_ == Mention::incoming && is_in(incoming_, human));
  return mention_of(mentioned ? person.member : std::nullopt, plain_name(person)) + remark;
}

std::string AnnouncementWords::shown(const Humans& humans) const {
  std::vector<std::string> names;
  names.reserve(humans.size());
  for (const auto& human : humans) names.push_back(shown(human));
  return phrase(names);
}

/// The group by name: a mention would notify all of its members.
std::string AnnouncementWords::group() const {
  return fmt::format("`{}`", slack_name(facts_.handle.empty() ? facts_.group.value : facts_.handle));
}

std::string AnnouncementWords::note() const {
  return slack_name(facts_.group_note, kNoteCharacters);
}

std::string AnnouncementWords::headline() const {
  const auto clause = [&](const Humans& humans, std::string_view one, std::string_view many) {
    return fmt::format("{} {}", shown(humans), humans.size() == 1 ? one : many);
  };
  if (on_call_.empty()) {
    if (outgoing_.empty())
      return facts_.first ? "nobody is on call at the moment." : "nobody is on call now.";
    return clause(outgoing_, "goes", "go") + " off call. Nobody is on call now.";
  }
  std::vector<std::string> clauses;
  if (!incoming_.empty() && !outgoing_.empty()) {
    clauses.push_back(fmt::format("{} over from {}", clause(incoming_, "takes", "take"), shown(outgoing_)));
  } else if (!incoming_.empty()) {
    clauses.push_back(staying_.empty() ? clause(incoming_, "is", "are") + " now on call"
                                       : clause(incoming_, "goes", "go") + " on call");
  } else if (!outgoing_.empty()) {
    clauses.push_back(clause(outgoing_, "goes", "go") + " off call");
  }
  if (!staying_.empty()) clauses.push_back(clause(staying_, "stays", "stay") + " on call");
  if (!last_known_.empty()) clauses.push_back(not_known());
  return fmt::format("{}.", fmt::join(clauses, "; "));
}

/// "who is on call in secondary is not known, last was Cy".
std::string AnnouncementWords::not_known() const {
  std::vector<std::string> schedules;
  std::vector<std::string> names;
  for (const auto& human : last_known_) {
    names.push_back(slack_name(plain_name(*human.person)));
    for (const auto& duty : human.duties) {
      const auto name = slack_name(duty.schedule);
      if (std::find(schedules.begin(), schedules.end(), name) == schedules.end()) schedules.push_back(name);
    }
  }
  return fmt::format("who is on call{} is not known, last {} {}",
                     name_schedules_ ? " in " + phrase(schedules) : "", names.size() == 1 ? "was" : "were",
                     phrase(names));
}

/// "until X", "primary until X", "primary and secondary until X", "primary until X and secondary until Y";
/// empty if there is nothing to say.
std::string AnnouncementWords::duties_of(const Human& human) const {
  const auto ending = [](const std::optional<Instant>& end) {
    return end ? "until " + end_text(end) : std::string{};
  };
  if (!name_schedules_) return ending(end_of(human));
  const auto joined = [](const std::string& name, const std::string& end) {
    return slack_name(name) + (end.empty() ? "" : " ") + end;
  };
  if (ends_at_once(human)) return joined(schedules_of(human), ending(human.duties.front().until));
  std::vector<std::string> parts;
  parts.reserve(human.duties.size());
  for (const auto& duty : human.duties) parts.push_back(joined(duty.schedule, ending(duty.until)));
  return phrase(parts);
}

std::string AnnouncementWords::list() const {
  std::string text;
  const auto count = on_call_.size() > kNamesInList ? kNamesInList - 1 : on_call_.size();
  for (std::size_t i = 0; i < count; ++i) {
    const auto duties = duties_of(on_call_[i]);
    text += fmt::format("\n• {}{}{}", shown(on_call_[i]), duties.empty() ? "" : ": ", duties);
  }
  if (count < on_call_.size()) text += fmt::format("\n• {} more", on_call_.size() - count);
  return text;
}

/// "Next: Dan from X." The time is left out where "until X" has just said it.
std::string AnnouncementWords::next_sentence() const {
  std::vector<std::pair<Instant, std::vector<std::string>>> turns;
  for (const auto& next : facts_.next) {
    auto turn = std::find_if(turns.begin(), turns.end(), [&](const auto& t) { return t.first == next.from; });
    if (turn == turns.end()) turn = turns.insert(turns.end(), {next.from, {}});
    turn->second.push_back(slack_name(next.name));
  }
  std::stable_sort(turns.begin(), turns.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  const bool said = turns.size() == 1 && on_call_.size() == 1 && ends_at_once(on_call_.front()) &&
                    on_call_.front().duties.front().until == turns.front().first;
  std::vector<std::string> parts;
  parts.reserve(turns.size());
  for (const auto& [from, names] : turns)
    parts.push_back(phrase(names) + (said ? "" : " from " + slack_date(from)));
  return fmt::format("Next: {}.", phrase(parts, kTurnsNamed));
}

/// "In between, Bo and Cy were on call, and for a time nobody."
std::string AnnouncementWords::in_between() const {
  if (facts_.between.empty()) return "In between, nobody was on call.";
  std::vector<std::string> names;
  for (const auto& human : humans_of(facts_.between)) names.push_back(slack_name(plain_name(*human.person)));
  return fmt::format("In between, {} {} on call{}.", phrase(names, kNamesInList),
                     names.size() == 1 ? "was" : "were",
                     facts_.nobody_between ? ", and for a time nobody" : "");
}

std::string AnnouncementWords::lateness() const {
  const auto late = context_.now - facts_.at;
  return late > kWorthSaying ? spell_duration(std::chrono::floor<std::chrono::minutes>(late)) : "";
}

void AnnouncementWords::add_people(TemplateData& data, const std::string& name, const Humans& humans) const {
  auto& list = data.lists[name];
  for (const auto& human : humans) {
    const auto& person = *human.person;
    list.push_back({{"person", shown(human)},
                    {"name", plain_name(person)},
                    {"mention", mention_of(person.member, plain_name(person))},
                    {"schedule", schedules_of(human)},
                    {"until", end_text(end_of(human))}});
  }
  data.values[name] = shown(humans);
}

void AnnouncementWords::add_next(TemplateData& data) const {
  std::vector<std::string> names;
  auto& list = data.lists["next"];
  for (const auto& next : facts_.next) {
    names.push_back(slack_name(next.name));
    list.push_back({{"person", names.back()},
                    {"name", next.name},
                    {"mention", mention_of(next.member, next.name)},
                    {"from", slack_date(next.from)}});
  }
  data.values["next"] = phrase(names);
}

}  // namespace watchbill
