#include "providers/opsgenie/parse.hpp"

#include "tests/support/catch.hpp"

using namespace watchbill;
using namespace watchbill::providers::opsgenie;

namespace {

json::Document document(std::string_view text) {
  auto parsed = json::parse(text);
  REQUIRE(parsed);
  return std::move(*parsed);
}

std::vector<OnCallEntry> book_of(std::string_view text) {
  const auto parsed = document(text);
  auto book = parse_on_calls(parsed.root());
  REQUIRE(book);
  return *book;
}

std::vector<std::string> names(const std::vector<UserReference>& users) {
  std::vector<std::string> out;
  for (const auto& user : users) out.push_back(user.username);
  return out;
}

using Names = std::vector<std::string>;

constexpr auto kNested = R"({"_parent":{"id":"d875","name":"Platform primary","enabled":true},
  "onCallParticipants":[
   {"id":"b5b9","name":"ada@example.com","type":"user"},
   {"id":"56c2","name":"Platform_escalation","type":"escalation","onCallParticipants":[
     {"id":"e557","name":"bo@example.com","type":"user","escalationTime":0,"notifyType":"default"},
     {"id":"e1d9","name":"SRE secondary","type":"schedule","escalationTime":10,"notifyType":"default"}]},
   {"id":"c569","name":"cy@example.com","type":"user",
     "forwardedFrom":{"id":"14ee","name":"di@example.com","type":"user"}}]})";

}  // namespace

TEST_CASE("an Opsgenie escalation counts without those it reaches only after a delay") {
  const auto book = book_of(kNested);
  REQUIRE(book.size() == 1);
  CHECK(book[0].name == "Platform primary");
  const auto people = people_on_call(book, book[0]);
  CHECK(people.complete);
  CHECK(names(people.users) == Names{"ada@example.com", "bo@example.com", "cy@example.com"});
}

TEST_CASE("an Opsgenie on-call reply for one schedule and for all are read alike") {
  CHECK(book_of(kNested).size() == 1);
  CHECK(book_of("[" + std::string(kNested) + "]").size() == 1);
  CHECK(book_of("[]").empty());
}

TEST_CASE("an Opsgenie schedule nested in another is resolved through its own entry") {
  const auto book = book_of(R"([
    {"_parent":{"id":"inner","name":"Inner / Ünïcode"},"onCallParticipants":[
       {"id":"1","name":"ada@example.com","type":"user"},
       {"id":"t","name":"Team","type":"team","onCallParticipants":[{"id":"2","name":"bo@example.com","type":"user"}]}]},
    {"_parent":{"id":"by-id","name":"A"},"onCallParticipants":[{"id":"inner","name":"whatever","type":"schedule"}]},
    {"_parent":{"id":"by-name","name":"B"},"onCallParticipants":[{"name":"Inner / Ünïcode","type":"schedule"}]}])");
  for (const auto* id : {"by-id", "by-name"}) {
    const auto people = people_on_call(book, *find_entry(book, id));
    CHECK(people.complete);
    CHECK(names(people.users) == Names{"ada@example.com", "bo@example.com"});
  }
}

TEST_CASE("Opsgenie schedules nested in each other do not hang and find everybody") {
  const auto book = book_of(R"([
    {"_parent":{"id":"a"},"onCallParticipants":[{"id":"b","type":"schedule"},{"id":"1","name":"ada@example.com","type":"user"}]},
    {"_parent":{"id":"b"},"onCallParticipants":[{"id":"a","type":"schedule"},{"id":"2","name":"bo@example.com","type":"user"}]}])");
  const auto people = people_on_call(book, *find_entry(book, "a"));
  CHECK(people.complete);
  CHECK(names(people.users) == Names{"bo@example.com", "ada@example.com"});
}

TEST_CASE("an Opsgenie user who is reached both at once and after a delay is on call") {
  const auto book = book_of(R"([
    {"_parent":{"id":"a"},"onCallParticipants":[
      {"id":"e","type":"escalation","onCallParticipants":[
        {"id":"n","type":"schedule","escalationTime":5},
        {"id":"n","type":"schedule","escalationTime":0}]}]},
    {"_parent":{"id":"n"},"onCallParticipants":[{"id":"1","name":"Ada@Example.com","type":"user"}]}])");
  const auto people = people_on_call(book, *find_entry(book, "a"));
  CHECK(names(people.users) == Names{"Ada@Example.com"});
}

TEST_CASE("nobody and duplicates in an Opsgenie answer do not become people") {
  const auto book = book_of(R"([{"_parent":{"id":"a"},"onCallParticipants":[
      {"type":"none"},
      {"id":"1","name":"ada@example.com","type":"user"},
      {"id":"1","name":"ada@example.com","type":"user","forwardedFrom":[{"id":"2","name":"bo@example.com","type":"user"}]},
      {"id":"e","type":"escalation","onCallParticipants":[{"id":"1","name":"ada@example.com","type":"user"}]}]},
    {"_parent":{"id":"empty"},"onCallParticipants":[]}])");
  CHECK(names(people_on_call(book, *find_entry(book, "a")).users) == Names{"ada@example.com"});
  const auto empty = people_on_call(book, *find_entry(book, "empty"));
  CHECK(empty.users.empty());
  CHECK(empty.complete);
}

TEST_CASE("an Opsgenie team that does not say who is in it leaves the answer open") {
  const auto book = book_of(R"([{"_parent":{"id":"a"},"onCallParticipants":[
      {"id":"t","name":"Team","type":"team"},
      {"id":"e","type":"escalation","onCallParticipants":[
        {"id":"3","name":"Cy@example.com","type":"user","escalationTime":10}]}]},
    {"_parent":{"id":"hidden"},"onCallParticipants":[{"id":"gone","name":"Not in the list","type":"schedule"}]},
    {"_parent":{"id":"later"},"onCallParticipants":[{"id":"t","name":"Team","type":"team","escalationTime":5}]}])");
  const auto people = people_on_call(book, *find_entry(book, "a"));
  CHECK_FALSE(people.complete);
  CHECK(names(flat_users({"bo@example.com", "cy@example.com", "BO@example.com"})) ==
        Names{"bo@example.com", "cy@example.com"});
  CHECK_FALSE(people_on_call(book, *find_entry(book, "hidden")).complete);
  // Who is reached later does not matter now.
  CHECK(people_on_call(book, *find_entry(book, "later")).complete);
}

TEST_CASE("an Opsgenie team that is on call and stands again behind a delay is on call with all its people") {
  // The documented sample of "Get On Calls": who is in the team is told only behind the delay.
  const auto book = book_of(R"([
    {"_parent":{"id":"d875","name":"ScheduleName","enabled":true},"onCallParticipants":[
      {"id":"c569","name":"TeamName","type":"team"},
      {"id":"1544","name":"TeamName_escalation","type":"escalation","onCallParticipants":[
        {"id":"e557","name":"TeamName_schedule","type":"schedule","escalationTime":0,"notifyType":"default"},
        {"id":"e557","name":"TeamName_schedule","type":"schedule","escalationTime":5,"notifyType":"next"},
        {"id":"c569","name":"TeamName","type":"team","escalationTime":10,"notifyType":"all","onCallParticipants":[
          {"id":"ba1p","name":"user5@example.com","type":"user"},{"id":"4fa1","name":"user4@example.com","type":"user"}]}]}]},
    {"_parent":{"id":"e557","name":"TeamName_schedule","enabled":true},
     "onCallParticipants":[{"id":"oa","name":"ada@example.com","type":"user"}]}])");
  const auto people = people_on_call(book, *find_entry(book, "d875"));
  CHECK(people.complete);
  CHECK(names(people.users) == Names{"user5@example.com", "user4@example.com", "ada@example.com"});
}

TEST_CASE("who is behind an Opsgenie participant is also found in another schedule's part, and cycles end") {
  const auto book = book_of(R"([
    {"_parent":{"id":"a"},"onCallParticipants":[{"id":"t","type":"team"},{"id":"t","type":"escalation"}]},
    {"_parent":{"id":"b"},"onCallParticipants":[
      {"id":"t","type":"team","escalationTime":15,"onCallParticipants":[
        {"id":"1","name":"ada@example.com","type":"user"},{"id":"e","type":"escalation"}]},
      {"id":"e","type":"escalation","onCallParticipants":[
        {"id":"t","type":"team","escalationTime":0},
        {"id":"2","name":"bo@example.com","type":"user","escalationTime":0},
        {"id":"3","name":"cy@example.com","type":"user","escalationTime":5}]}]},
    {"_parent":{"id":"c"},"onCallParticipants":[{"id":"t","type":"team"}]}])");
  const auto people = people_on_call(book, *find_entry(book, "c"));
  CHECK(people.complete);
  CHECK(names(people.users) == Names{"ada@example.com", "bo@example.com"});
  // A team and an escalation of one id are two things.
  CHECK_FALSE(people_on_call(book, *find_entry(book, "a")).complete);
}

TEST_CASE("an Opsgenie schedule that names people and says that there are none is not known") {
  const auto book = book_of(R"([
    {"_parent":{"id":"a"},"onCallParticipants":[],"onCallRecipients":["ada@example.com"]},
    {"_parent":{"id":"b"},"onCallParticipants":[{"type":"none"}],"onCallRecipients":["ada@example.com"]},
    {"_parent":{"id":"c"},"onCallParticipants":[],"onCallRecipients":[]},
    {"_parent":{"id":"d"},"onCallParticipants":[],"onCallRecipients":null}])");
  for (const auto* id : {"a", "b"}) {
    REQUIRE(find_entry(book, id)->error);
    CHECK(find_entry(book, id)->error->kind == ErrorKind::unreadable);
  }
  for (const auto* id : {"c", "d"}) {
    CHECK_FALSE(find_entry(book, id)->error);
    CHECK(people_on_call(book, *find_entry(book, id)).users.empty());
  }
}

TEST_CASE("flat names of an Opsgenie answer are people without ids") {
  const auto book = book_of(
      R"([{"_parent":{"id":"a"},"onCallRecipients":["ada@example.com","bo@example.com","ada@example.com"]}])");
  const auto people = people_on_call(book, book[0]);
  CHECK(people.complete);
  CHECK(names(people.users) == Names{"ada@example.com", "bo@example.com"});
  CHECK(people.users[0].id.empty());
}

TEST_CASE("one broken schedule in an Opsgenie answer spoils no other") {
  const auto book = book_of(R"([
    {"_parent":{"id":"a"},"onCallParticipants":{"id":"1"}},
    {"_parent":{"id":"b"},"onCallParticipants":[{"id":"1","name":7,"type":"user"}]},
    {"_parent":{"id":"c"}},
    {"_parent":{"id":"d"},"onCallParticipants":[{"type":"user"}]},
    {"_parent":{"id":"e"},"onCallParticipants":[{"id":"1","name":"ada@example.com","type":"user"}]},
    {"_parent":{"id":"f"},"onCallParticipants":[{"id":"a","type":"schedule"}]}])");
  for (const auto* id : {"a", "b", "c", "d"}) {
    INFO(id);
    REQUIRE(find_entry(book, id)->error);
    CHECK(find_entry(book, id)->error->kind == ErrorKind::unreadable);
  }
  CHECK_FALSE(find_entry(book, "e")->error);
  // What is nested in a broken one cannot be told.
  CHECK_FALSE(people_on_call(book, *find_entry(book, "f")).complete);
}

TEST_CASE("an Opsgenie answer that does not say whose it is, is refused as a whole") {
  for (const auto* text :
       {R"([{"onCallParticipants":[]}])", R"([{"_parent":{"id":7}}])", R"("text")", "null"}) {
    INFO(text);
    const auto parsed = document(text);
    CHECK_FALSE(parse_on_calls(parsed.root()));
  }
}

TEST_CASE("an Opsgenie user name is the e-mail address") {
  const auto ada = responder_of("og", {"b5b9", "Ada@Example.com"});
  CHECK(ada.connection == "og");
  CHECK(ada.id == "b5b9");
  CHECK(ada.name == "Ada@Example.com");
  CHECK(ada.email == "ada@example.com");
  CHECK(responder_of("og", {"", "Ada@Example.com"}).id == "ada@example.com");
  CHECK_FALSE(responder_of("og", {"x", "no address"}).email);
}

TEST_CASE("Opsgenie's list of schedules is sorted and names disabled ones") {
  const auto parsed = document(R"([{"id":"2","name":"Zeta","timezone":"Europe/Berlin","enabled":false},
      {"id":"1","name":"Alpha","timezone":"UTC","enabled":true,"rotations":[]},{"id":"3"}])");
  const auto list = parse_schedules(parsed.root());
  REQUIRE(list);
  REQUIRE(list->size() == 3);
  CHECK((*list)[0].name == "3");
  CHECK((*list)[1].name == "Alpha");
  CHECK((*list)[1].note.empty());
  CHECK((*list)[2].note == "disabled");
  CHECK((*list)[2].time_zone == "Europe/Berlin");
}

TEST_CASE("Opsgenie's date parameter has whole seconds and an offset") {
  const auto t = *parse_rfc3339("2027-01-15T08:00:00.001Z");
  CHECK(format_date(t) == "2027-01-15T08:00:01+00:00");
  CHECK(format_date(*parse_rfc3339("2027-01-15T08:00:00Z")) == "2027-01-15T08:00:00+00:00");
}
