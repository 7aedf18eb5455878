#include "store/codec.hpp"

#include <array>
#include <functional>
#include <random>

#include "tests/unit/store/support.hpp"

using namespace watchbill;
using namespace watchbill::store;

namespace {

/// Random values of the types that are stored as JSON; the same on every run.
class Any {
 public:
  explicit Any(unsigned seed) : random_(seed) {}

  bool flag() { return number(0, 1) == 1; }
  int number(int least, int most) { return std::uniform_int_distribution<int>(least, most)(random_); }

  std::string text() {
    static const std::array<std::string, 10> kPieces{"a",  "Z",    "\"", "\\",         "\n",
                                                     "\t", "\x01", "ü",  "\U0001F600", std::string(1, '\0')};
    std::string out;
    for (int i = number(0, 6); i > 0; --i) out += kPieces[static_cast<std::size_t>(number(0, 9))];
    return out;
  }

  Instant instant() {
    switch (number(0, 4)) {
      case 0:
        return kNever;
      case 1:
        return kAlways;
      case 2:
        return Instant{};
      default:
        // The years that calendars know (`stored_moment`).
        return Instant(
            milliseconds(std::uniform_int_distribution<std::int64_t>(0, 253'402'300'799'999)(random_)));
    }
  }

  template <class Make>
  auto maybe(Make make) -> std::optional<decltype(make())> {
    if (flag()) return std::nullopt;
    return make();
  }
  template <class Make>
  auto list(Make make) -> std::vector<decltype(make())> {
    std::vector<decltype(make())> out;
    for (int i = number(0, 4); i > 0; --i) out.push_back(make());
    return out;
  }

  UserId user() { return UserId(text()); }
  Responder responder() {
    return {text(), text(), text(), maybe([this] { return text(); })};
  }
  Shift shift() { return {responder(), instant(), instant(), flag()}; }
  std::vector<Responder> responders() {
    return list([this] { return responder(); });
  }
  std::vector<UserId> users() {
    return list([this] { return user(); });
  }
  OnCallPerson on_call() {
    const auto moment = [this] { return instant(); };
    return {responder(),   {text(), text()}, text(), maybe([this] { return user(); }),
            maybe(moment), maybe(moment)};
  }
  std::vector<OnCallPerson> people() {
    return list([this] { return on_call(); });
  }
  NextPerson next() {
    return {text(), maybe([this] { return user(); }), instant()};
  }
  Timeline timeline() {
    return {list([this] { return shift(); }), instant(), instant(), instant()};
  }
  Doubt doubt() {
    static constexpr std::array kKinds{Doubt::Kind::empty, Doubt::Kind::lag, Doubt::Kind::flap};
    return {kKinds[static_cast<std::size_t>(number(0, 2))],
            instant(),
            instant(),
            number(0, 1000000),
            flag(),
            responders()};
  }
  AnnouncementFacts facts() {
    return {text(),    GroupId(text()), text(),   flag(),
            instant(), people(),        people(), list([this] { return next(); }),
            text()};
  }

 private:
  std::mt19937 random_;
};

// `==` of a Responder looks at its identity only; the store must keep all of it.
bool whole(const Responder& a, const Responder& b) {
  return a == b && a.name == b.name && a.email == b.email;
}
template <class T, class Get>
bool whole_lists(const std::vector<T>& a, const std::vector<T>& b, Get responder_of) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](const T& x, const T& y) { return whole(responder_of(x), responder_of(y)); });
}
const Responder& of_person(const OnCallPerson& person) {
  return person.responder;
}
const Responder& of_shift(const Shift& shift) {
  return shift.responder;
}
const Responder& itself(const Responder& responder) {
  return responder;
}

template <class T>
T again(const T& value) {
  return must(decode<T>(encode(value)));
}

}  // namespace

TEST_CASE("whatever is written as JSON is read back the same") {
  Any any(20261122);
  for (int round = 0; round < 500; ++round) {
    const auto people = any.people();
    CHECK(again(people) == people);
    CHECK(whole_lists(again(people), people, of_person));
    const auto timeline = any.timeline();
    CHECK(again(timeline) == timeline);
    CHECK(whole_lists(again(timeline).shifts, timeline.shifts, of_shift));
    const auto facts = any.facts();
    CHECK(again(facts) == facts);
    CHECK(whole_lists(again(facts).after, facts.after, of_person));
    const auto doubt = any.doubt();
    CHECK(again(doubt) == doubt);
    CHECK(whole_lists(again(doubt).people, doubt.people, itself));
    const SuddenChange sudden_change{any.instant(), any.responders()};
    CHECK(again(sudden_change) == sudden_change);
    const auto next = any.list([&any] { return any.next(); });
    CHECK(again(next) == next);
    const auto texts = any.list([&any] { return any.text(); });
    CHECK(again(texts) == texts);
    const GroupTarget target{any.flag(), any.users()};
    CHECK(again(target) == target);
    const FormerGroup former{any.users(), any.flag(), any.instant()};
    CHECK(again(former) == former);
    const std::map<std::string, std::string> settings{{any.text(), any.text()}, {any.text(), any.text()}};
    CHECK(again(settings) == settings);
  }
}

TEST_CASE("a timeline names each responder once, however many shifts he has") {
  Timeline timeline;
  for (int i = 0; i < 50; ++i) {
    const Responder ada{"pd", "R1", "Ada",
                        i % 2 == 0 ? std::nullopt : std::optional<std::string>("ada@example.com")};
    timeline.shifts.push_back({ada, at(i), at(i + 1), i == 49});
  }
  const auto json = encode(timeline);
  std::size_t names = 0;
  for (auto found = json.find("Ada"); found != std::string::npos; found = json.find("Ada", found + 1))
    ++names;
  CHECK(names == 2);  // with and without the address
  CHECK(again(timeline) == timeline);
  CHECK(whole_lists(again(timeline).shifts, timeline.shifts, of_shift));
  for (const char* who : {"1", "-1", "99999"}) {
    const auto error = error_of(decode<Timeline>(
        fmt::format(R"({{"responders":[{{"connection":"pd","id":"R"}}],"known_from":0,"horizon":1,)"
                    R"("shifts":[{{"who":{},"start":0,"end":1}}]}})",
                    who)));
    CHECK(mentions(error.message, "$.shifts[0].who"));
  }
}

TEST_CASE("fields of a later version are ignored, and those that are absent keep their default") {
  const auto people = must(decode<std::vector<OnCallPerson>>(
      R"([{"responder":{"connection":"pd","id":"R1","pronouns":"she","email":null},"level":3,
           "schedule":{"connection":"pd","id":"P1"}}])"));
  REQUIRE(people.size() == 1);
  CHECK(people[0].responder == Responder{"pd", "R1", ""});
  CHECK(people[0].responder.email == std::nullopt);
  CHECK(people[0].until == std::nullopt);
  CHECK(people[0].member == std::nullopt);
}

TEST_CASE("what cannot be read is named by its place") {
  const auto message = [](const std::string& json) {
    return error_of(decode<std::vector<OnCallPerson>>(json)).message;
  };
  CHECK(mentions(message(R"([{"responder":{"connection":"pd"},"schedule":{"connection":"pd","id":"P"}}])"),
                 "$[0].responder.id"));
  CHECK(mentions(message(R"([{"responder":{"connection":"pd","id":"R"},
                              "schedule":{"connection":"pd","id":"P"},"since":"soon"}])"),
                 "$[0].since"));
  CHECK(mentions(message(R"([7])"), "$[0]"));
  CHECK_FALSE(message("{}").empty());
  CHECK_FALSE(message("[").empty());
  CHECK_FALSE(message("").empty());
  CHECK(mentions(error_of(decode<Doubt>(R"({"kind":"bored","since":1,"last":1,"answers":1})")).message,
                 "bored"));
  CHECK(
      mentions(error_of(decode<Doubt>(R"({"kind":"lag","since":1,"last":1,"answers":99999999999})")).message,
               "$.answers"));
}

TEST_CASE("the audit shows a connection's secrets by name only") {
  const auto json = audit_json(pagerduty(), {"api_key"});
  CHECK(json == R"({"name":"pd","kind":"pagerduty","settings":{"region":"eu"},"secrets":["api_key"],)"
                R"("changed_secrets":["api_key"]})");
}

TEST_CASE("the audit shows all of a rotation") {
  CHECK(
      audit_json(full_rotation()) ==
      R"({"name":"Payments","group":{"id":"S1","handle":"payments-oncall"},)"
      R"("schedules":[{"ref":"pd/P2","label":"secondary","required":true},)"
      R"({"ref":"pd/P1","label":"","required":false}],)"
      R"("mode":"observe","membership":"merge","drift":"report","paused":true,"channels":["C2","C1"],)"
      R"("permanent_members":["U9","U3"],"empty":"fallback","fallback_members":["U7"],"empty_alert":false,)"
      R"("announce":{"enabled":false,"template":"{{rotation}} \"quoted\" \n ünïcode","mention":"all",)"
      R"("max_age":"5400000ms"},"owners":["U1","S5"],"alert_channel":"C7","managed_by":"file:rotations.yaml"})");
}
