#include "core/oncall/on_call_person.hpp"

#include <fmt/ranges.h>

#include <algorithm>

namespace watchbill {

namespace {

bool contains(const std::vector<OnCallPerson>& people, const OnCallPerson& person) {
  return std::any_of(people.begin(), people.end(),
                     [&](const OnCallPerson& other) { return same_person(other, person); });
}

}  // namespace

bool same_person(const OnCallPerson& a, const OnCallPerson& b) {
  if (a.member && b.member && *a.member == *b.member) return true;
  if (a.responder == b.responder) return true;
  // Two responders who share a mailbox but were mapped to two Slack users are two people.
  if (a.member && b.member) return false;
  return a.responder.email && b.responder.email && *a.responder.email == *b.responder.email;
}

bool OnCallPerson::operator==(const OnCallPerson& other) const {
  return same_details(responder, other.responder) && schedule == other.schedule &&
         schedule_label == other.schedule_label && member == other.member && since == other.since &&
         until == other.until && last_known == other.last_known && member_pending == other.member_pending &&
         account == other.account;
}

bool same_facts(const std::vector<OnCallPerson>& a, const std::vector<OnCallPerson>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const OnCallPerson& x, const OnCallPerson& y) {
    return same_details(x.responder, y.responder) && x.schedule == y.schedule && x.member == y.member &&
           x.member_pending == y.member_pending && x.account == y.account;
  });
}

std::string_view slack_remark(const OnCallPerson& person) {
  if (person.member_pending) return " (Slack account not known yet)";
  if (person.account && !person.member) return " (cannot be in a Slack group)";
  return person.member ? "" : " (not in Slack)";
}

bool any_pending(const std::vector<OnCallPerson>& people) {
  return std::any_of(people.begin(), people.end(),
                     [](const OnCallPerson& person) { return person.member_pending; });
}

bool same_people(const std::vector<OnCallPerson>& a, const std::vector<OnCallPerson>& b) {
  const auto all_in = [](const std::vector<OnCallPerson>& some, const std::vector<OnCallPerson>& others) {
    return std::all_of(some.begin(), some.end(),
                       [&](const OnCallPerson& person) { return contains(others, person); });
  };
  return all_in(a, b) && all_in(b, a);
}

std::vector<OnCallPerson> people_without(const std::vector<OnCallPerson>& a,
                                         const std::vector<OnCallPerson>& b) {
  std::vector<OnCallPerson> left;
  for (const auto& person : a) {
    if (!contains(b, person) && !contains(left, person)) left.push_back(person);
  }
  return left;
}

std::vector<ScheduleRef> without_people(const std::vector<OnCallPerson>& people,
                                        const std::vector<ScheduleRef>& unknown) {
  std::vector<ScheduleRef> found;
  for (const auto& ref : unknown) {
    const bool has = std::any_of(people.begin(), people.end(),
                                 [&](const OnCallPerson& person) { return person.schedule == ref; });
    if (!has) found.push_back(ref);
  }
  return found;
}

std::string on_call_names(const std::vector<OnCallPerson>& people, const std::vector<ScheduleRef>& unknown,
                          std::size_t at_most) {
  if (people.empty()) return unknown.empty() ? "nobody" : "not known";
  std::vector<std::string> parts;
  for (const auto& person : people) {
    const auto& name = person.responder.name.empty() ? person.responder.id : person.responder.name;
    auto part = fmt::format("{}{}{}", name, slack_remark(person), person.last_known ? " (last known)" : "");
    if (std::find(parts.begin(), parts.end(), part) == parts.end()) parts.push_back(std::move(part));
  }
  for (const auto& ref : without_people(people, unknown))
    parts.push_back(fmt::format("not known in {}", ref));
  const auto shown = std::min(parts.size(), at_most);
  auto text =
      fmt::format("{}", fmt::join(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  return shown == parts.size() ? text : fmt::format("{} and {} more", text, parts.size() - shown);
}

}  // namespace watchbill
