#include "tests/unit/engine/judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/json.hpp"

namespace watchbill::test {

namespace {

/// Decisions, their writing and the source's confirmation take so long.
constexpr auto kPatience = 3min;
/// An answer about a moment still tells who is on call this much later.
constexpr auto kFresh = 15s;
/// Who was on call for all of this time by what was heard has not gone off.
constexpr auto kSettled = 20s;

std::vector<std::string> split(const std::string& text, const std::string& by) {
  std::vector<std::string> parts;
  std::size_t from = 0;
  for (auto at = text.find(by); at != std::string::npos; at = text.find(by, from)) {
    parts.push_back(text.substr(from, at - from));
    from = at + by.size();
  }
  parts.push_back(text.substr(from));
  return parts;
}

/// "a, b and c"
std::vector<std::string> people_of(const std::string& phrase) {
  std::vector<std::string> people;
  for (const auto& part : split(phrase, ", ")) {
    for (auto& one : split(part, " and ")) people.push_back(std::move(one));
  }
  return people;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::vector<ScheduleRef> refs_of(const Rotation& rotation) {
  std::vector<ScheduleRef> refs;
  for (const auto& schedule : rotation.schedules) refs.push_back(schedule.ref);
  return refs;
}

/// When it happened, as a text that is late says: "it happened <!date^1795424400^…".
std::optional<Instant> said_moment(const std::string& text) {
  constexpr std::string_view words = "it happened <!date^";
  const auto at = text.find(words);
  if (at == std::string::npos) return std::nullopt;
  std::int64_t moment = 0;
  std::from_chars(text.data() + at + words.size(), text.data() + text.size(), moment);
  return Instant{seconds{moment}};
}

}  // namespace

Judge::Judge(EngineWorld& world) : world_(world) {
  for (auto& [name, system] : world.systems) {
    system.on_answer = [this](const ScheduleAnswer& answer) {
      heard_[answer.schedule].push_back({answer, now()});
    };
  }
  world.slack.on_person = [this](const std::string& email, bool found) {
    if (found)
      absent_.erase(email);
    else
      absent_.insert(email);
  };
  world.slack.on_list = [this](bool read) {
    list_read_ = read;
    remember_members();
  };
  world.slack.on_message = [this](const FakeSlack::Message& message) { hear_message(message); };
  world.web.on_sent = [this](const FakeWeb::Sent& sent) { hear_webhook(sent.body); };
  remember_members();
}

void Judge::expect(bool so, const std::string& said, const std::string& why) {
  ++judged;
  if (!so) wrong.push_back(format_rfc3339(now()) + ": \"" + said + "\", but " + why);
}

std::vector<Rotation> Judge::rotations() const {
  auto all = world_.store->rotations().list();
  return all ? *all : std::vector<Rotation>{};
}

std::string Judge::name_of(std::string person) const {
  if (const auto at = person.find(" ("); at != std::string::npos) person.resize(at);
  if (!person.starts_with("<@")) return person;
  const auto user = world_.slack.users.find(UserId{person.substr(2, person.size() - 3)});
  if (user == world_.slack.users.end() || !user->second.email) return person;
  return user->second.email->substr(0, user->second.email->find('@'));
}

std::optional<std::set<std::string>> Judge::people_in(const ScheduleAnswer& answer, Instant t) {
  if (answer.status != AnswerStatus::ok) return std::nullopt;
  const Instant to = answer.moment ? answer.window.from + kFresh : answer.window.to;
  if (t < answer.window.from || t >= to) return std::nullopt;
  std::set<std::string> people;
  for (const auto& shift : answer.shifts) {
    if (shift.start <= t && t < shift.end) people.insert(shift.responder->name);
  }
  return people;
}

std::optional<std::set<std::string>> Judge::people_at(const ScheduleRef& ref, Instant t,
                                                      Instant heard_by) const {
  const auto found = heard_.find(ref);
  if (found == heard_.end()) return std::nullopt;
  std::optional<std::set<std::string>> people;
  Instant last = kAlways;
  for (const auto& [answer, at] : found->second) {
    if (at > heard_by || answer.asked_at < last) continue;
    auto said = people_in(answer, t);
    if (!said) continue;
    people = std::move(said);
    last = answer.asked_at;
  }
  return people;
}

bool Judge::was_on_call(const Rotation& rotation, const std::string& name, Instant since) const {
  for (const auto& ref : refs_of(rotation)) {
    const auto found = heard_.find(ref);
    if (found == heard_.end()) continue;
    for (const auto& [answer, at] : found->second) {
      for (Instant t = std::max(since, answer.window.from); t <= now() && t < answer.window.to; t += 1s) {
        const auto people = people_in(answer, t);
        if (people && people->contains(name)) return true;
      }
    }
  }
  return false;
}

bool Judge::is_on_call(const Rotation& rotation, const std::string& name, Instant t) const {
  const auto refs = refs_of(rotation);
  return std::any_of(refs.begin(), refs.end(), [&](const ScheduleRef& ref) {
    const auto people = people_at(ref, t, t);
    return people && people->contains(name);
  });
}

bool Judge::nobody_was(const std::vector<ScheduleRef>& schedules, Instant since) const {
  const auto said_nobody = [&](const ScheduleRef& ref, Instant t) {
    const auto found = heard_.find(ref);
    return found != heard_.end() &&
           std::any_of(found->second.begin(), found->second.end(), [&](const Heard& heard) {
             const auto people = people_in(heard.answer, t);
             return people && people->empty();
           });
  };
  for (Instant t = since; t <= now(); t += 1s) {
    const auto nobody = [&](const ScheduleRef& ref) { return said_nobody(ref, t); };
    if (std::all_of(schedules.begin(), schedules.end(), nobody)) return true;
  }
  return false;
}

bool Judge::absent(const std::string& name) const {
  const auto email = name + "@example.com";
  if (absent_.contains(email)) return true;
  const auto& users = world_.slack.users;
  return std::any_of(users.begin(), users.end(), [&](const auto& item) {
    return item.second.email == email && !item.second.assignable();
  });
}

bool Judge::group_was(const Rotation& rotation, const std::set<std::string>& users) const {
  const auto all_in = [&](const std::vector<UserId>& members) {
    return std::all_of(users.begin(), users.end(), [&](const std::string& user) {
      return std::find(members.begin(), members.end(), UserId{user}) != members.end();
    });
  };
  if (all_in(world_.slack.groups.at(rotation.group).members)) return true;
  const auto& writes = world_.slack.writes;
  return std::any_of(writes.begin(), writes.end(), [&](const FakeSlack::Write& write) {
    return write.group == rotation.group && now() - write.at < kPatience && all_in(write.members);
  });
}

std::set<std::string> Judge::users_on_call(const Rotation& rotation, Instant t) const {
  std::set<std::string> users;
  for (const auto& ref : refs_of(rotation)) {
    for (const auto& name : people_at(ref, t, now()).value_or(std::set<std::string>{})) {
      for (const auto& [id, user] : world_.slack.users) {
        if (user.email == name + "@example.com" && user.assignable()) users.insert(id.value);
      }
    }
  }
  return users;
}

void Judge::hear_message(const FakeSlack::Message& message) {
  for (const auto& rotation : rotations()) {
    const auto& channels = rotation.channels;
    if (std::find(channels.begin(), channels.end(), message.channel) != channels.end() &&
        message.text.starts_with("*" + rotation.name + "*: "))
      judge_announcement(rotation, message.text);
  }
}

void Judge::judge_announcement(const Rotation& rotation, const std::string& text) {
  const auto begin = std::string("*" + rotation.name + "*: ").size();
  auto headline = text.substr(begin, text.find('\n') - begin);
  if (headline.ends_with('.')) headline.pop_back();
  const Instant since = said_moment(text).value_or(now()) - kPatience;
  for (const auto& sentence : split(headline, ". ")) {
    for (const auto& clause : split(sentence, "; ")) judge_clause(rotation, clause, since);
  }
  judge_group(rotation, text);
}

void Judge::judge_clause(const Rotation& rotation, const std::string& clause, Instant since) {
  if (clause == "Nobody is on call now" || clause.starts_with("nobody is on call")) {
    expect(nobody_was(refs_of(rotation), since), clause, "not every system of " + rotation.name + " said so");
    return;
  }
  if (clause.starts_with("who is on call")) return;  // claims nothing
  for (const std::string verb : {" takes over from ", " take over from "}) {
    if (!has(clause, verb)) continue;
    const auto sides = split(clause, verb);
    judge_people(rotation, sides[0], Claim::on_call, since);
    judge_people(rotation, sides[1], Claim::off_call, since);
    return;
  }
  for (const std::string verb : {" goes off call", " go off call"}) {
    if (clause.ends_with(verb))
      return judge_people(rotation, clause.substr(0, clause.size() - verb.size()), Claim::off_call, since);
  }
  for (const std::string verb : {" is now on call", " are now on call", " goes on call", " go on call",
                                 " stays on call", " stay on call"}) {
    if (clause.ends_with(verb))
      return judge_people(rotation, clause.substr(0, clause.size() - verb.size()), Claim::on_call, since);
  }
  expect(false, clause, "that is no sentence that is known here");
}

void Judge::judge_people(const Rotation& rotation, const std::string& people, Claim claim, Instant since) {
  for (const auto& person : people_of(people)) {
    const auto name = name_of(person);
    if (has(person, "(no Slack account found)")) expect(absent(name), person, "Slack has not said that");
    if (has(person, "(last known)")) continue;
    if (claim == Claim::on_call) {
      expect(was_on_call(rotation, name, since), person + " on call", "no system said so");
    } else {
      const bool stays = is_on_call(rotation, name, now()) && is_on_call(rotation, name, now() - kSettled);
      expect(!stays, person + " off call", "that is on call by what was answered last");
    }
  }
}

void Judge::judge_group(const Rotation& rotation, const std::string& text) {
  if (has(text, "still being updated")) return;
  const auto& group = world_.slack.groups.at(rotation.group);
  std::set<std::string> mentioned;
  for (const auto& part : split(text.substr(0, text.find('\n')), "<@")) {
    const auto end = part.find('>');
    if (end != std::string::npos) mentioned.insert(part.substr(0, end));
  }
  expect(group_was(rotation, mentioned), text, "they are not in the group");
  if (has(text, "The group is disabled")) expect(group.disabled, text, "the group is not disabled");
  if (has(text, "keeps its last members"))
    expect(!group.members.empty() && !group.disabled, text, "it has none");
  if (has(text, "has its fallback members")) {
    std::set<std::string> fallback;
    for (const auto& user : rotation.fallback_members) fallback.insert(user.value);
    expect(group_was(rotation, fallback), text, "it has others");
  }
}

void Judge::hear_webhook(const std::string& body) {
  const auto parsed = json::parse(body);
  if (!parsed) return;
  for (const auto& problem : parsed->root()["problems"].items()) {
    const auto since = parse_rfc3339(problem["since"].string_or(""));
    const auto key = problem["key"].string_or("");
    if (problem["state"].string_or("") == "resolved")
      judge_end(key, *since);
    else
      judge_begin(key, *since);
  }
}

std::optional<Responder> Judge::heard_of(const std::string& responder) const {
  std::optional<Responder> last;
  for (const auto& [ref, all] : heard_) {
    for (const auto& heard : all) {
      for (const auto& shift : heard.answer.shifts) {
        if (shift.responder->connection + "/" + shift.responder->id == responder) last = *shift.responder;
      }
    }
  }
  return last;
}

bool Judge::answered(const ScheduleRef& ref, AnswerStatus status, Instant since) const {
  const auto found = heard_.find(ref);
  return found != heard_.end() &&
         std::any_of(found->second.begin(), found->second.end(),
                     [&](const Heard& heard) { return heard.at >= since && heard.answer.status == status; });
}

bool Judge::group_is_right(const Rotation& rotation) const {
  std::set<std::string> members;
  for (const auto& user : world_.slack.groups.at(rotation.group).members) members.insert(user.value);
  return members == users_on_call(rotation, now());
}

void Judge::judge_begin(const std::string& key, Instant since) {
  const auto parts = split(key, ":");
  const auto said = "Problem: " + key;
  if (key == "slack:groups")
    return expect(list_read_ != true || !world_.slack.hidden.empty(), said, "the whole list was read");
  if (parts[0] == "connection" && (parts[2] == "failing" || parts[2] == "unauthorized")) {
    const bool fails = std::any_of(heard_.begin(), heard_.end(), [&](const auto& item) {
      return item.first.connection == parts[1] &&
             answered(item.first, AnswerStatus::failed, since - kPatience);
    });
    return expect(fails, said, "it answers");
  }
  if (parts[0] != "rotation") return;
  for (const auto& rotation : rotations()) {
    if (std::to_string(rotation.id.value) != parts[1] || rotation.paused) continue;
    const auto object =
        parts.size() > 3 ? key.substr(key.find(parts[2]) + parts[2].size() + 1) : std::string();
    judge_begin_of_rotation(rotation, parts[2], object, since);
    judge_begin_of_person(rotation, parts[2], object, since);
  }
}

void Judge::judge_begin_of_rotation(const Rotation& rotation, const std::string& kind,
                                    const std::string& object, Instant since) {
  const auto said = "Problem: " + kind + " " + object;
  const auto refs = refs_of(rotation);
  const Instant from = since - kPatience;
  for (const auto& ref : refs) {
    if (to_string(ref) != object) continue;
    if (kind == "gone") expect(answered(ref, AnswerStatus::gone, from), said, "it was not said to be gone");
    if (kind == "forbidden") expect(answered(ref, AnswerStatus::forbidden, from), said, "it was not refused");
    if (kind == "required") expect(nobody_was({ref}, from), said, "it has somebody");
    if (kind == "unknown") expect(!people_at(ref, now(), now()), said, "it is known who is on call there");
  }
  if (kind == "empty") expect(nobody_was(refs, from), said, "somebody is on call");
  if (kind == "refused" || kind == "differs") expect(!group_is_right(rotation), said, "the group is right");
  if (kind == "missing") expect(world_.slack.hidden.contains(rotation.group), said, "Slack lists it");
  if (kind == "unwritable")
    expect(world_.slack.groups.at(rotation.group).unwritable.has_value(), said, "Slack does not say so");
  if (kind == "channel") {
    const auto& posted = world_.slack.posted;
    const bool taken = std::any_of(posted.begin(), posted.end(), [&](const FakeSlack::Message& message) {
      return message.channel.value == object && message.at >= since;
    });
    expect(!taken, said, "something has arrived there since");
  }
}

void Judge::judge_begin_of_person(const Rotation& rotation, const std::string& kind,
                                  const std::string& object, Instant since) {
  const auto said = "Problem: " + kind + " " + object;
  if (kind == "unfit") {
    const auto user = world_.slack.users.find(UserId{object});
    return expect(user == world_.slack.users.end() || !user->second.assignable(), said, "they may be");
  }
  if (kind != "unmatched" && kind != "deleted") return;
  const auto responder = heard_of(object);
  if (!responder) return expect(false, said, "nobody has heard of that person");
  expect(was_on_call(rotation, responder->name, since - kPatience), said, "they are not on call");
  if (kind == "deleted")
    expect(responder->deleted, said, "the system does not say so");
  else
    expect(absent(responder->name), said, "Slack has not said that");
}

void Judge::judge_end(const std::string& key, Instant since) {
  const auto parts = split(key, ":");
  if (key == "slack:groups") return expect(list_read_ == true, "Resolved: " + key, "the list was not read");
  if (parts[0] == "connection" && (parts[2] == "failing" || parts[2] == "unauthorized")) {
    Instant last = kAlways;
    bool answered = false;
    for (const auto& [ref, all] : heard_) {
      if (ref.connection != parts[1] || all.back().at < last) continue;
      last = all.back().at;
      answered = all.back().answer.status != AnswerStatus::failed && last > since;
    }
    return expect(answered, "Resolved: " + key, "it has not answered");
  }
  if (parts[0] != "rotation") return;
  for (const auto& rotation : rotations()) {
    if (std::to_string(rotation.id.value) != parts[1] || rotation.paused) continue;
    const auto object =
        parts.size() > 3 ? key.substr(key.find(parts[2]) + parts[2].size() + 1) : std::string();
    judge_end_of_rotation(rotation, parts[2], object, since);
  }
}

void Judge::judge_end_of_rotation(const Rotation& rotation, const std::string& kind,
                                  const std::string& object, Instant since) {
  const auto said = "Resolved: " + kind + " " + object;
  const auto refs = refs_of(rotation);
  const auto known = [&](const ScheduleRef& ref) { return people_at(ref, now(), now()).has_value(); };
  if (kind == "unknown" || kind == "gone" || kind == "forbidden" || kind == "required") {
    const auto ref =
        std::find_if(refs.begin(), refs.end(), [&](const auto& r) { return to_string(r) == object; });
    if (ref == refs.end()) return;
    expect(known(*ref), said, "who is on call there is not known");
    const auto people = people_at(*ref, now(), now());
    if (kind == "required") expect(people && !people->empty(), said, "nobody is on call there");
  }
  if (kind == "empty") {
    const bool somebody = std::any_of(refs.begin(), refs.end(), [&](const ScheduleRef& ref) {
      const auto people = people_at(ref, now(), now());
      return people && !people->empty();
    });
    expect(somebody, said, "no system names anybody");
  }
  const auto& group = world_.slack.groups.at(rotation.group);
  if (kind == "refused" || kind == "differs") {
    const bool right = group_was(rotation, users_on_call(rotation, now())) ||
                       group_was(rotation, users_on_call(rotation, now() - 70s));
    expect(right, said, "the group is not right");
  }
  if (kind == "missing")
    expect(!world_.slack.hidden.contains(rotation.group), said, "Slack does not list it");
  if (kind == "unwritable") expect(!group.unwritable, said, "Slack says the same");
  if (kind == "channel") {
    const auto& posted = world_.slack.posted;
    const bool taken = std::any_of(posted.begin(), posted.end(), [&](const FakeSlack::Message& message) {
      return message.channel.value == object && message.at >= since;
    });
    const auto& channels = rotation.channels;
    const bool used = std::find(channels.begin(), channels.end(), ChannelId{object}) != channels.end();
    expect(taken || !used, said, "nothing has arrived there");
  }
}

void Judge::remember_members() {
  for (const auto& [id, group] : world_.slack.groups) {
    members_[id].insert(group.members.begin(), group.members.end());
  }
  for (const auto& write : world_.slack.writes) {
    members_[write.group].insert(write.members.begin(), write.members.end());
  }
}

/// Both truths of a change: who was on call, and who was in the group and should be.
void Judge::judge_history(const Rotation& rotation, const Change& change) {
  const auto said = fmt::format("history: {} of {}", watchbill::name_of(change.cause), rotation.name);
  const Instant since = change.held_since.value_or(change.at) - kPatience;
  std::set<UserId> may(rotation.permanent_members.begin(), rotation.permanent_members.end());
  may.insert(rotation.fallback_members.begin(), rotation.fallback_members.end());
  may.insert(change.before.begin(), change.before.end());
  for (const auto& person : change.said) {
    if (!person.last_known)
      expect(was_on_call(rotation, person.responder.name, since), said,
             "no system said that " + person.responder.name + " is on call");
    if (person.member) may.insert(*person.member);
  }
  for (const auto& user : change.before)
    expect(members_[change.group].contains(user), said, user.value + " was never in the group");
  for (const auto& user : change.after)
    expect(may.contains(user), said, user.value + " is not on call, and was not in the group");
  const bool handoff = change.cause == Cause::handoff && change.result == "ok" && !change.disabled;
  for (const auto& person : change.said) {
    if (!handoff || !person.member) continue;
    const auto& after = change.after;
    expect(std::find(after.begin(), after.end(), *person.member) != after.end(), said,
           person.responder.name + " is on call, and not among those who came");
  }
}

void Judge::look() {
  remember_members();
  store::HistoryFilter all;
  const auto changes = world_.store->history().list(all);
  for (const auto& rotation : rotations()) {
    for (const auto& change : changes ? *changes : std::vector<Change>{}) {
      const bool fresh = change.rotation == rotation.id && last_change_.value < change.id.value;
      if (fresh && change.cause != Cause::config) judge_history(rotation, change);
    }
  }
  if (changes && !changes->empty())
    last_change_ =
        std::max(last_change_, changes->front().id, [](ChangeId a, ChangeId b) { return a.value < b.value; });
  auto statuses = world_.store->engine().statuses();
  if (!statuses) return;
  for (const auto& rotation : rotations()) {
    for (const auto& status : *statuses) {
      if (status.rotation == rotation.id && !rotation.paused) judge_status(rotation, status);
    }
  }
}

void Judge::judge_status(const Rotation& rotation, const store::RotationStatus& status) {
  // What is shown is a second old.
  const Instant since = now() - 70s;
  if (status.on_call.empty() && status.unknown.empty() && status.state != "pending")
    expect(nobody_was(refs_of(rotation), since), "status: nobody",
           "not every system of " + rotation.name + " said so");
  for (const auto& person : status.on_call) {
    const auto name = person.responder.name;
    if (!person.last_known)
      expect(was_on_call(rotation, name, since), "status: " + name, "no system said so");
  }
  if (status.state != "in_sync") return;
  bool right = false;
  for (Instant t = since; t <= now() && !right; t += 1s)
    right = group_was(rotation, users_on_call(rotation, t));
  expect(right, "status: in_sync", "the group of " + rotation.name + " is not right");
  for (const auto& ref : refs_of(rotation)) {
    const auto found = heard_.find(ref);
    const bool answers = found != heard_.end() &&
                         std::any_of(found->second.begin(), found->second.end(), [&](const Heard& heard) {
                           return heard.answer.status == AnswerStatus::ok && now() - heard.at < 4 * 60s;
                         });
    expect(answers, "status: in_sync", to_string(ref) + " has not answered");
  }
}

}  // namespace watchbill::test
