#include "providers/xmatters/roster.hpp"

#include "tests/support/catch.hpp"

using namespace watchbill;
using namespace watchbill::providers::xmatters;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

namespace {

const Instant kEight = *parse_rfc3339("2026-10-05T08:00:00Z");

Instant hour(int h) {
  return kEight + std::chrono::hours{h - 8};
}

Member person(const std::string& id, std::int64_t delay = 0) {
  Member member;
  member.who = {id, id};
  member.delay = delay;
  return member;
}

Member group(const std::string& id, std::int64_t delay = 0) {
  auto member = person(id, delay);
  member.kind = Member::Kind::group;
  return member;
}

Member inactive(Member member) {
  member.active = false;
  return member;
}

Member away(Member member, int from, int to, std::optional<Person> replacement = {}) {
  member.absences.push_back({hour(from), hour(to), std::move(replacement)});
  return member;
}

Occurrence occurrence(const std::string& shift, int from, int to, std::vector<Member> members) {
  Occurrence one;
  one.shift = shift;
  one.start = hour(from);
  one.end = hour(to);
  one.members = std::move(members);
  return one;
}

/// "ada 8-20": who, from which hour to which.
std::vector<std::string> told(const Occurrences& occurrences, const std::string& id = "g") {
  const auto spans = spans_of(occurrences, id);
  if (!spans) return {"error: " + spans.error().message};
  std::vector<std::string> out;
  const auto in_hours = [](Instant t) {
    return t == kNever ? std::string("never")
                       : std::to_string(8 + std::chrono::floor<std::chrono::hours>(t - kEight).count());
  };
  for (const auto& span : *spans)
    out.push_back(span.who.name + " " + in_hours(span.start) + "-" + in_hours(span.end));
  return out;
}

std::vector<std::string> of_roster(std::vector<Member> members) {
  return told({{"g", {occurrence("s", 8, 20, std::move(members))}}});
}

using Told = std::vector<std::string>;

}  // namespace

TEST_CASE("on call in an xMatters shift are those with the smallest sum of delays") {
  CHECK(of_roster({person("ada"), person("bo", 15), person("cy")}) == Told{"ada 8-20"});
  CHECK(of_roster({person("ada"), person("bo"), person("cy", 15)}) == Told{"ada 8-20", "bo 8-20"});
  // A delay may stand before the first member, too.
  CHECK(of_roster({person("ada", 5), person("bo"), person("cy", 1)}) == Told{"ada 8-20", "bo 8-20"});
  CHECK(of_roster({}) == Told{});
}

TEST_CASE("the roster's order is its positions, not the order of the reply") {
  auto first = person("ada");
  auto second = person("bo", 10);
  first.position = 1;
  second.position = 2;
  CHECK(of_roster({second, first}) == Told{"ada 8-20"});
}

TEST_CASE("the delay before a skipped xMatters member counts, the one after him does not") {
  CHECK(of_roster({inactive(person("ada")), person("bo", 15), person("cy", 15)}) == Told{"bo 8-20"});
  CHECK(of_roster({inactive(person("ada", 5)), inactive(person("bo", 15)), person("cy", 20), person("di")}) ==
        Told{"cy 8-20", "di 8-20"});
  CHECK(of_roster({person("ada"), inactive(person("bo", 10)), person("cy", 5)}) == Told{"ada 8-20"});
  CHECK(of_roster({person("ada"), inactive(person("bo")), person("cy", 5)}) == Told{"ada 8-20", "cy 8-20"});
  CHECK(of_roster({inactive(person("ada"))}) == Told{});
}

TEST_CASE("an xMatters replacement is on call for the hours of the absence only") {
  CHECK(of_roster({away(person("ada"), 10, 12, Person{"bo", "bo"}), person("cy", 15)}) ==
        Told{"ada 8-10", "bo 10-12", "ada 12-20"});
  // Away from before the shift until after it.
  CHECK(of_roster({away(person("ada"), 1, 30, Person{"bo", "bo"})}) == Told{"bo 8-20"});
  // Over, or still to come.
  CHECK(of_roster({away(away(person("ada"), 1, 8, Person{"bo", "bo"}), 20, 30, Person{"bo", "bo"})}) ==
        Told{"ada 8-20"});
}

TEST_CASE("with an xMatters vacancy the next in line is on call meanwhile") {
  CHECK(of_roster({away(person("ada"), 10, 12), person("bo", 15)}) ==
        Told{"ada 8-10", "bo 10-12", "ada 12-20"});
  CHECK(of_roster({away(person("ada"), 10, 12)}) == Told{"ada 8-10", "ada 12-20"});
  auto gone = Person{"bo", "bo"};
  gone.active = false;
  CHECK(of_roster({away(person("ada"), 10, 12, gone), person("cy", 1)}) ==
        Told{"ada 8-10", "cy 10-12", "ada 12-20"});
}

TEST_CASE("all shifts of an xMatters group count at once, each with those it reaches first") {
  CHECK(told({{"g",
               {occurrence("s", 8, 20, {person("ada"), person("bo", 5)}),
                occurrence("t", 10, 30, {person("cy", 5)})}}}) == Told{"ada 8-20", "cy 10-30"});
}

TEST_CASE("an xMatters shift that runs all week is one, though it comes in pieces of a day") {
  CHECK(told({{"g",
               {occurrence("s", 8, 32, {person("ada")}), occurrence("s", 32, 56, {person("ada")}),
                occurrence("s", 56, 80, {person("bo")})}}}) == Told{"ada 8-56", "bo 56-80"});
}

TEST_CASE("an xMatters shift without a known end does not end") {
  auto open = occurrence("s", 8, 20, {away(person("ada"), 10, 12)});
  open.end = kNever;
  CHECK(told({{"g", {open}}}) == Told{"ada 8-10", "ada 12-never"});
}

TEST_CASE("a group nested in an xMatters roster gives the people it has at each moment") {
  Occurrences world{
      {"g", {occurrence("s", 8, 20, {group("inner"), person("cy", 15)})}},
      {"inner",
       {occurrence("i", 6, 12, {person("ada"), person("x", 1)}), occurrence("j", 12, 16, {person("bo")})}}};
  CHECK(told(world) == Told{"ada 8-12", "bo 12-16", "cy 16-20"});
  world["inner"].clear();
  CHECK(told(world) == Told{"cy 8-20"});
  world["g"] = {occurrence("s", 8, 20, {inactive(group("elsewhere")), person("cy", 15)})};
  CHECK(told(world) == Told{"cy 8-20"});
}

TEST_CASE("xMatters groups nested in each other add nobody twice and end") {
  const Occurrences world{{"g", {occurrence("s", 8, 20, {group("h"), group("g"), person("ada")})}},
                          {"h", {occurrence("t", 8, 20, {group("g"), group("h"), person("bo")})}}};
  CHECK(told(world, "g") == Told{"ada 8-20", "bo 8-20"});
  CHECK(told(world, "h") == Told{"ada 8-20", "bo 8-20"});
}

TEST_CASE("an xMatters group that was cut in a circle is whole where it stands outside of it") {
  const Occurrences world{
      {"g", {occurrence("s", 8, 12, {group("h")}), occurrence("t", 12, 20, {group("i")})}},
      {"h", {occurrence("u", 8, 20, {person("bo"), group("i", 5)})}},
      {"i", {occurrence("v", 8, 20, {group("h")})}}};
  CHECK(told(world) == Told{"bo 8-20"});
}

TEST_CASE("what a nested xMatters group could not answer is no answer for the outer one") {
  CHECK_THAT(told({{"g", {occurrence("s", 8, 20, {group("missing")})}}}).at(0), ContainsSubstring("missing"));
  auto broken = occurrence("t", 8, 20, {});
  broken.error = fail(ErrorKind::server, "it broke");
  CHECK(told({{"g", {occurrence("s", 8, 20, {group("h")})}}, {"h", {broken}}}) == Told{"error: it broke"});
}

TEST_CASE("xMatters groups nested too deep, or multiplied without end, are refused") {
  Occurrences deep;
  for (int i = 0; i < 20; ++i) {
    deep["g" + std::to_string(i)] = {occurrence("s", 8, 20, {group("g" + std::to_string(i + 1))})};
  }
  CHECK_THAT(told(deep, "g0").at(0), ContainsSubstring("deep"));

  // Everybody nests everybody: no end without a limit.
  Occurrences knot;
  for (int i = 0; i < 12; ++i) {
    std::vector<Member> members;
    for (int j = 0; j < 12; ++j) members.push_back(group("g" + std::to_string(j)));
    knot["g" + std::to_string(i)] = {occurrence("s", 8, 20, members)};
  }
  CHECK_THAT(told(knot, "g0").at(0), StartsWith("error"));
}

TEST_CASE("the same xMatters occurrence answered twice counts once") {
  std::vector<Occurrence> known{occurrence("s", 8, 20, {person("ada")})};
  // The range begins later, and cuts what it shows.
  add_occurrences(known, {occurrence("s", 9, 20, {person("ada")}), occurrence("s", 20, 32, {person("bo")}),
                          occurrence("t", 8, 20, {person("cy")})});
  CHECK(told({{"g", known}}) == Told{"ada 8-20", "cy 8-20", "bo 20-32"});
  CHECK(known.size() == 3);
  // Without ids of shifts the members tell them apart.
  std::vector<Occurrence> nameless{occurrence("", 8, 20, {person("ada")})};
  add_occurrences(nameless, {occurrence("", 8, 20, {person("bo")}), occurrence("", 8, 20, {person("ada")})});
  CHECK(nameless.size() == 2);
}

TEST_CASE("nested xMatters groups are listed once") {
  CHECK(nested_groups({occurrence("s", 8, 20, {group("a"), person("x"), group("b"), inactive(group("c"))}),
                       occurrence("t", 8, 20, {group("a")})}) == Told{"a", "b"});
}
