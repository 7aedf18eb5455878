#include "control/migration_people.hpp"

#include <set>

namespace watchbill::control {

std::map<std::string, UserId> moved_mappings(const StoredPeople& people,
                                             const std::vector<ShownSchedule>& before,
                                             const std::vector<ShownSchedule>& after) {
  std::map<std::string, UserId> known;
  for (const auto& mapping : people.mappings) known.insert_or_assign(mapping.person, mapping.user);
  std::map<std::string, UserId> by_email;
  const auto each = [](const std::vector<ShownSchedule>& schedules, const auto& visit) {
    for (const auto& schedule : schedules) {
      if (!schedule.timeline) continue;
      for (const auto& shift : schedule.timeline->shifts) visit(*shift.responder);
    }
  };
  each(before, [&](const Responder& responder) {
    const auto mapped = known.find(responder.connection + "/" + responder.id);
    if (mapped != known.end() && responder.email) by_email.insert_or_assign(*responder.email, mapped->second);
  });
  std::map<std::string, UserId> moved;
  each(after, [&](const Responder& responder) {
    const auto person = responder.connection + "/" + responder.id;
    const auto mapped = responder.email ? by_email.find(*responder.email) : by_email.end();
    if (mapped != by_email.end() && !known.contains(person)) moved.insert_or_assign(person, mapped->second);
  });
  return moved;
}

PersonKey person_key(const StoredPeople& people, const std::vector<ShownSchedule>& before,
                     const std::vector<ShownSchedule>& after) {
  std::map<std::string, std::string> slack;
  for (const auto& [user, seen_at] : people.users) {
    if (user.email) slack[*user.email] = user.id.value;
  }
  for (const auto& mapping : people.mappings) slack[mapping.person] = mapping.user.value;
  for (const auto& [person, user] : moved_mappings(people, before, after)) slack[person] = user.value;
  return [slack = std::move(slack)](const Responder& responder) {
    const auto by_id = slack.find(responder.connection + "/" + responder.id);
    if (by_id != slack.end()) return by_id->second;
    if (!responder.email) return responder.connection + "/" + responder.id;
    const auto by_email = slack.find(*responder.email);
    return by_email == slack.end() ? *responder.email : by_email->second;
  };
}

std::vector<Responder> unknown_people(const StoredPeople& people, const std::vector<ShownSchedule>& before,
                                      const std::vector<ShownSchedule>& after) {
  std::set<std::string> known;
  for (const auto& mapping : people.mappings) known.insert(mapping.person);
  for (const auto& [person, user] : moved_mappings(people, before, after)) known.insert(person);
  std::set<Responder> unknown;
  for (const auto* side : {&before, &after}) {
    for (const auto& schedule : *side) {
      if (!schedule.timeline) continue;
      for (const auto& shift : schedule.timeline->shifts) {
        const auto& who = *shift.responder;
        if (!who.email && !known.contains(who.connection + "/" + who.id)) unknown.insert(who);
      }
    }
  }
  return {unknown.begin(), unknown.end()};
}

}  // namespace watchbill::control
