#include "core/oncall/rotation.hpp"

#include "core/announce/outbox.hpp"
#include "core/history.hpp"
#include "core/oncall/on_call_person.hpp"
#include "core/oncall/schedule_state.hpp"
#include "tests/support/catch.hpp"

using namespace watchbill;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

namespace {

Rotation good() {
  Rotation r;
  r.name = "Payments";
  r.group = GroupId("S1");
  r.schedules = {{{"pagerduty", "P1"}}};
  return r;
}

std::string error_of(const Rotation& rotation) {
  const auto answer = validate(rotation);
  REQUIRE(!answer);
  CHECK(answer.error().kind == ErrorKind::invalid);
  return answer.error().message;
}

OnCallPerson person(const std::string& id, const std::string& member = "", const std::string& email = "",
                    const std::string& connection = "pd") {
  OnCallPerson p;
  p.responder = {connection, id, id, email.empty() ? std::nullopt : std::optional(email)};
  if (!member.empty()) p.member = UserId(member);
  return p;
}

template <class Value, class Parse>
void same_both_ways(std::initializer_list<Value> values, Parse parse) {
  for (const auto value : values) {
    const auto back = parse(name_of(value));
    REQUIRE(back);
    CHECK(*back == value);
  }
  REQUIRE(!parse("nonsense"));
  CHECK_THAT(parse("nonsense").error().message,
             ContainsSubstring("\"nonsense\" does not exist; use ") && ContainsSubstring(" or "));
  CHECK_THAT(parse("nonsense").error().message, ContainsSubstring(std::string(name_of(*values.begin()))));
}

}  // namespace

TEST_CASE("every word is read as it is written") {
  same_both_ways({Mode::keep, Mode::observe}, parse_mode);
  same_both_ways({Membership::exact, Membership::merge}, parse_membership);
  same_both_ways({Drift::repair, Drift::report}, parse_drift);
  same_both_ways({Empty::keep, Empty::fallback, Empty::disable}, parse_empty);
  same_both_ways({Mention::incoming, Mention::all, Mention::none}, parse_mention);
  same_both_ways({Cause::handoff, Cause::drift, Cause::edit, Cause::adoption, Cause::restore, Cause::config},
                 parse_cause);
  same_both_ways({Presence::never_asked, Presence::ok, Presence::gone, Presence::forbidden}, parse_presence);
  same_both_ways({OutboxState::waiting, OutboxState::ready, OutboxState::sending, OutboxState::sent,
                  OutboxState::unknown, OutboxState::blocked, OutboxState::superseded, OutboxState::expired},
                 parse_outbox_state);
  CHECK(parse_empty("off").error().message == "empty \"off\" does not exist; use keep, fallback or disable");
}

TEST_CASE("a plain rotation is valid") {
  CHECK(validate(good()));
  auto r = good();
  r.name = std::string(79, 'x') + "€";
  r.managed_by = "file:rotations.yaml";
  r.announce.text_template = "{{incoming}} is on call";
  r.empty = Empty::fallback;
  r.fallback_members = {UserId("W1")};
  r.owners = {"U1", "S1"};
  CHECK(validate(r));
}

TEST_CASE("what is wrong with a rotation is said by field") {
  auto r = good();
  SECTION("name") {
    r.name = "";
    CHECK_THAT(error_of(r), StartsWith("name: "));
    r.name = std::string(81, 'x');
    CHECK_THAT(error_of(r), StartsWith("name: 81 characters long; at most 80"));
    r.name = " x";
    CHECK_THAT(error_of(r), StartsWith("name: "));
    r.name = "a\nb";
    CHECK_THAT(error_of(r), StartsWith("name: "));
    r.name = "a\xff";
    CHECK_THAT(error_of(r), StartsWith("name: not valid UTF-8"));
  }
  SECTION("group") {
    r.group = {};
    CHECK_THAT(error_of(r), StartsWith("group: "));
    r.group = GroupId("S1> <!channel");
    CHECK_THAT(error_of(r), StartsWith("group: "));
  }
  SECTION("schedules") {
    r.schedules.clear();
    CHECK_THAT(error_of(r), StartsWith("schedules: a rotation needs at least one"));
    r.schedules = {{{"pd", "1"}}, {{"pd", "2"}}, {{"pd", "1"}, "again"}};
    CHECK_THAT(error_of(r), StartsWith("schedules: pd/1 stands there twice"));
    r.schedules = {{{"pd", "policy:1"}}};
    CHECK_THAT(error_of(r), StartsWith("schedules: "));
    r.schedules = {{{"pd", "1"}, "a\nb"}};
    CHECK_THAT(error_of(r), StartsWith("schedules: pd/1: label: "));
  }
  SECTION("lists of people and places") {
    r.channels = {ChannelId("C1"), ChannelId("C1")};
    CHECK_THAT(error_of(r), StartsWith("channels: C1 stands there twice"));
    r.channels = {ChannelId("#general")};
    CHECK_THAT(error_of(r), StartsWith("channels: \"#general\" is not a Slack id"));
    r.channels = {};
    r.permanent_members = {UserId("ada@example.com")};
    CHECK_THAT(error_of(r), StartsWith("permanent_members: "));
    r.permanent_members = {};
    r.owners = {"U1", "U1"};
    CHECK_THAT(error_of(r), StartsWith("owners: "));
    r.owners = {};
    r.alert_channel = ChannelId("");
    CHECK_THAT(error_of(r), StartsWith("alert_channel: "));
  }
  SECTION("the fallback policy needs somebody") {
    r.empty = Empty::fallback;
    CHECK_THAT(error_of(r), StartsWith("fallback_members: "));
  }
  SECTION("the template, with the place") {
    r.announce.text_template = "hi\n{{incomming}}";
    CHECK_THAT(error_of(r),
               StartsWith("announce.template: line 2, column 1: ") && ContainsSubstring("\"incoming\"?"));
  }
  SECTION("the rest") {
    r.managed_by = "file:";
    CHECK_THAT(error_of(r), StartsWith("managed_by: "));
    r.managed_by = "cli";
    r.announce.max_age = 0ms;
    CHECK_THAT(error_of(r), StartsWith("announce.max_age: "));
  }
}

TEST_CASE("handles are checked before Slack is asked") {
  CHECK(check_handle("@payments-oncall").value() == "payments-oncall");
  CHECK(check_handle("a").value() == "a");
  CHECK(check_handle("0_-").value() == "0_-");
  // No page of Slack's says how long one may be: Slack decides.
  CHECK(check_handle("@platform-engineering-primary-oncall").value() ==
        "platform-engineering-primary-oncall");
  for (const auto& bad : {std::string(), std::string("@"), std::string("-a"), std::string("Pay"),
                          std::string("a b"), std::string("ä"), std::string("@@a")})
    CHECK(!check_handle(bad));
  CHECK_THAT(check_handle("OnCall Pay").error().message, EndsWith(": oncall-pay"));
  CHECK_THAT(check_handle("ä").error().message, EndsWith("letter or digit"));
  for (const auto* word : {"here", "channel", "everyone", "admins", "@owners"})
    CHECK_THAT(check_handle(word).error().message, ContainsSubstring("Slack's own words"));
}

TEST_CASE("names are folded for comparison, in the scripts of Europe") {
  CHECK(fold_name("PayMents-Ä") == "payments-ä");
  CHECK(fold_name("GÉNIE ÀÖØÞ×÷ß") == "génie àöøþ×÷ß");
  CHECK(fold_name("ĀĮĲĹŇŊŶŸŹŽ") == "āįĳĺňŋŷÿźž");
  CHECK(fold_name("āįĳĺňŋŷÿźž") == "āįĳĺňŋŷÿźž");
  CHECK(fold_name("ΆΈΌΎΏΑΩΟΔΟΣ οδος") == "άέόύώαωοδοσ οδοσ");
  CHECK(fold_name("ЁЖЯ Дежурство Ґ Ӂ") == "ёжя дежурство ґ ӂ");
  CHECK(fold_name("東京 🙂 İ") == "東京 🙂 İ");
  // Broken bytes stay as they are.
  CHECK(fold_name("A\xc3") == "a\xc3");
  CHECK(fold_name("\xc3"
                  "B\xff\xc3\x89") ==
        "\xc3"
        "b\xff\xc3\xa9");
}

TEST_CASE("empty groups alert by default only where the last people are kept") {
  auto r = good();
  CHECK(r.alerts_when_empty());
  r.empty = Empty::disable;
  CHECK(!r.alerts_when_empty());
  r.empty_alert = true;
  CHECK(r.alerts_when_empty());
}

TEST_CASE("the same human being is known by member, responder or e-mail") {
  CHECK(same_person(person("1", "U1"), person("2", "U1", "", "og")));
  CHECK(same_person(person("1"), person("1", "U1")));
  CHECK(same_person(person("1", "", "a@x.io"), person("9", "U1", "a@x.io", "og")));
  CHECK(!same_person(person("1"), person("2")));
  CHECK(!same_person(person("1"), person("1", "", "", "og")));
  CHECK(!same_person(person("1", "U1", "team@x.io"), person("2", "U2", "team@x.io")));
}

TEST_CASE("people are compared as sets of human beings") {
  const auto ada = person("1", "U1");
  const auto ada_elsewhere = person("x", "U1", "", "og");
  const auto bob = person("2", "U2");
  CHECK(same_people({ada, bob}, {bob, ada_elsewhere, ada}));
  CHECK(!same_people({ada, bob}, {ada}));
  CHECK(!same_people({ada}, {ada, bob}));
  CHECK(same_people({}, {}));
  CHECK(!same_people({}, {ada}));
  CHECK(people_without({ada, bob, ada_elsewhere}, {bob}) == std::vector{ada});
  CHECK(people_without({ada}, {ada_elsewhere}).empty());
}
