#include "providers/xmatters/parse.hpp"

#include "tests/support/catch.hpp"

using namespace watchbill;
using namespace watchbill::providers::xmatters;

namespace {

Instant at(std::string_view text) {
  return *parse_rfc3339(text);
}

json::Document document(std::string_view text) {
  auto parsed = json::parse(text);
  if (!parsed) FAIL(parsed.error().message);
  return std::move(*parsed);
}

Page<Occurrence> on_call(std::string_view text) {
  const auto parsed = document(text);
  auto page = parse_on_call(parsed.root());
  if (!page) FAIL(page.error().message);
  return *page;
}

/// One member line of an occurrence, read.
Member member(const std::string& line) {
  const auto page = on_call(R"({"data":[{"group":{"id":"g"},"members":{"data":[)" + line + "]}}]}");
  if (page.items.at(0).error) FAIL(page.items[0].error->message);
  return page.items[0].members.at(0);
}

/// Shaped as recorded in splunk-soar-connectors/xmatters.
constexpr auto kReply = R"({"count":1,"total":1,"data":[{
  "group":{"id":"3c765cff","targetName":"Platform","recipientType":"GROUP","groupType":"ON_CALL"},
  "shift":{"id":"97fbe2ff","name":"Weekdays","group":{"id":"3c765cff"},
    "start":"2024-01-08T08:00:00.000Z","end":"2024-01-08T20:00:00.000Z","timezone":"Europe/Berlin",
    "recurrence":{"frequency":"DAILY","repeatEvery":1,"end":{"endBy":"NEVER"}}},
  "start":"2026-10-05T08:00:00Z","end":"2026-10-05T20:00:00.000Z",
  "members":{"count":2,"total":2,"data":[
    {"position":1,"delay":0,"escalationType":"NONE",
     "member":{"id":"828ef01a","targetName":"aexample","recipientType":"PERSON","firstName":"Ada","lastName":"Example",
       "status":"ACTIVE","webLogin":"aexample"}},
    {"position":2,"delay":15,"escalationType":"NONE",
     "member":{"id":"5d3c9d8f","targetName":"bsample|Work Email","recipientType":"DEVICE","deviceType":"EMAIL",
       "name":"Work Email","emailAddress":"Bo@Example.com",
       "owner":{"id":"3c4edf02","targetName":"bsample","firstName":"Bo","lastName":"Sample","recipientType":"PERSON"}}}],
   "links":{"self":"/api/xm/1/x"}}}],
 "links":{"self":"/api/xm/1/on-call?offset=0"}})";

}  // namespace

TEST_CASE("an xMatters occurrence has its own times, not those of the shift's first one") {
  const auto page = on_call(kReply);
  REQUIRE(page.items.size() == 1);
  const auto& occurrence = page.items[0];
  CHECK_FALSE(occurrence.error);
  CHECK(occurrence.group == "3c765cff");
  CHECK(occurrence.group_name == "Platform");
  CHECK(occurrence.shift == "97fbe2ff");
  CHECK(occurrence.start == at("2026-10-05T08:00:00Z"));
  CHECK(occurrence.end == at("2026-10-05T20:00:00Z"));
  CHECK(occurrence.members_next.empty());
  REQUIRE(occurrence.members.size() == 2);
  CHECK(occurrence.members[0].who.name == "Ada Example");
  CHECK_FALSE(occurrence.members[0].who.login);
  CHECK(occurrence.members[1].kind == Member::Kind::device);
  CHECK(occurrence.members[1].delay == 15);
  CHECK(occurrence.members[1].who.id == "3c4edf02");
  CHECK(occurrence.members[1].who.name == "Bo Sample");
  CHECK(occurrence.members[1].address == "bo@example.com");
  CHECK(occurrence.members[1].work_address);
}

TEST_CASE("an xMatters group without an active shift has nobody, however that is written") {
  for (const auto* item :
       {R"({"group":{"id":"g"}})", R"({"group":{"id":"g"},"shift":null,"members":null})",
        R"({"group":{"id":"g"},"shift":{"id":"s"},"members":{"count":0,"total":0,"data":[]}})"}) {
    INFO(item);
    const auto page = on_call(R"({"data":[)" + std::string(item) + "]}");
    REQUIRE(page.items.size() == 1);
    CHECK_FALSE(page.items[0].error);
    CHECK(page.items[0].members.empty());
  }
  CHECK(on_call(R"({"count":0,"total":0,"data":[]})").items.empty());
}

TEST_CASE("an xMatters occurrence without an end has none that is known") {
  CHECK(
      on_call(R"({"data":[{"group":{"id":"g"},"start":"2026-10-05T08:00:00Z","end":null}]})").items[0].end ==
      kNever);
  CHECK(on_call(R"({"data":[{"group":{"id":"g"},"start":"2026-10-05T08:00:00Z"}]})").items[0].end == kNever);
}

TEST_CASE("xMatters' pages tell where they go on, with or without links") {
  auto page = on_call(
      R"({"count":1,"total":7,"data":[{"group":{"id":"g"}}],"links":{"next":"/api/xm/1/on-call?offset=1"}})");
  CHECK(page.next == "/api/xm/1/on-call?offset=1");
  CHECK(page.rows == 1);
  CHECK(page.total == 7);
  CHECK(on_call(R"({"data":[]})").next.empty());

  const std::string head =
      R"({"data":[{"group":{"id":"g 1"},"shift":{"id":"s"},"start":"2026-10-05T08:00:00.000Z",
     "members":{"count":1,"total":2,"data":[{"member":{"id":"1","recipientType":"PERSON"}}])";
  page = on_call(head + R"(,"links":{"next":"/api/xm/1/more?offset=1"}}}]})");
  CHECK(page.items[0].members_next == "/api/xm/1/more?offset=1");
  page = on_call(head + "}}]}");
  CHECK(page.items[0].members_next.empty());
  CHECK(page.items[0].members_total == 2);
  CHECK(page.items[0].members_query ==
        "/api/xm/1/groups/g%201/shifts/s/occurrences/2026-10-05T08%3A00%3A00.000Z/members"
        "?embed=members.owner");
}

TEST_CASE("xMatters members that are not active are told from those that are") {
  const auto line = [](const std::string& more) {
    return R"({"member":{"id":"1","recipientType":"PERSON","firstName":"Ada")" + more + "}}";
  };
  CHECK(member(line(R"(,"status":"ACTIVE")")).active);
  CHECK(member(line("")).active);
  CHECK_FALSE(member(line(R"(,"status":"INACTIVE")")).active);
  const auto device = [](const std::string& own, const std::string& owners) {
    return R"({"member":{"id":"d","recipientType":"DEVICE","deviceType":"VOICE","status":")" + own +
           R"(","owner":{"id":"1","targetName":"ada","status":")" + owners + R"("}}})";
  };
  CHECK(member(device("ACTIVE", "ACTIVE")).active);
  CHECK_FALSE(member(device("INACTIVE", "ACTIVE")).active);
  CHECK_FALSE(member(device("ACTIVE", "INACTIVE")).active);
  CHECK_FALSE(member(device("ACTIVE", "ACTIVE")).address);
  CHECK_FALSE(member(R"({"position":1,"delay":0})").active);
}

TEST_CASE("xMatters names teams, groups and devices without owner") {
  const auto team =
      member(R"({"member":{"id":"t","recipientType":"DYNAMIC_TEAM","targetName":"Everyone in Berlin"}})");
  CHECK(team.kind == Member::Kind::team);
  CHECK(team.active);
  CHECK(team.who.name == "Everyone in Berlin");
  CHECK(member(R"({"member":{"recipientType":"DYNAMIC_TEAM"}})").who.name == "a dynamic team");
  const auto group = member(R"({"member":{"id":"g2","recipientType":"GROUP","targetName":"Second line"}})");
  CHECK(group.kind == Member::Kind::group);
  CHECK(group.who.id == "g2");
  const auto device = member(
      R"({"member":{"id":"d","recipientType":"DEVICE","deviceType":"EMAIL","targetName":"bsample|Home","name":"Home","emailAddress":"bo@home.example"}})");
  CHECK(device.who.id == "d");
  CHECK(device.who.name == "bsample");
  CHECK(device.address == "bo@home.example");
  CHECK_FALSE(device.work_address);
}

TEST_CASE("an xMatters login that is an e-mail address is kept as such") {
  CHECK(member(R"({"member":{"id":"1","recipientType":"PERSON","webLogin":"Ada@Example.com"}})").who.login ==
        "ada@example.com");
  CHECK(
      member(R"({"member":{"id":"1","recipientType":"PERSON","targetName":"ada@example.com"}})").who.login ==
      "ada@example.com");
}

TEST_CASE("xMatters absences are read under both names and in all places") {
  const std::string away =
      R"({"data":[{"absenceType":"REPLACEMENT","start":"2026-10-05T10:00:00Z","end":"2026-10-05T12:00:00Z",
      "replacement":{"id":"2","firstName":"Bo","lastName":"Sample","recipientType":"PERSON"}}]})";
  const std::string old =
      R"([{"start":"2026-10-05T10:00:00Z","end":"2026-10-05T12:00:00Z","replacement":{"id":"2","targetName":"bo"}}])";
  const std::string person = R"("id":"1","recipientType":"PERSON")";
  for (const auto& line :
       {R"({"absences":)" + away + R"(,"member":{)" + person + "}}",
        R"({"member":{)" + person + R"(,"absences":)" + away + "}}",
        R"({"replacements":)" + old + R"(,"member":{)" + person + "}}",
        R"({"member":{)" + person + R"(,"replacements":)" + old + "}}",
        R"({"member":{"id":"d","recipientType":"DEVICE","owner":{"id":"1","absences":)" + away + "}}}"}) {
    INFO(line);
    const auto read = member(line);
    CHECK(read.who.id == "1");
    REQUIRE(read.absences.size() == 1);
    CHECK(read.absences[0].from == at("2026-10-05T10:00:00Z"));
    CHECK(read.absences[0].to == at("2026-10-05T12:00:00Z"));
    REQUIRE(read.absences[0].replacement);
    CHECK(read.absences[0].replacement->id == "2");
  }
  const auto vacant = member(
      R"({"absences":{"data":[{"absenceType":"VACANCY","replacement":{"id":"2"}},{"absenceType":"REPLACEMENT"}]},"member":{)" +
      person + "}}");
  REQUIRE(vacant.absences.size() == 2);
  CHECK_FALSE(vacant.absences[0].replacement);
  CHECK(vacant.absences[0].from == kAlways);
  CHECK(vacant.absences[0].to == kNever);
  CHECK_FALSE(vacant.absences[1].replacement);
}

TEST_CASE("one broken group in an xMatters answer spoils no other") {
  const auto page = on_call(R"({"data":[
    {"group":{"id":"a"},"start":"soon"},
    {"group":{"id":"b"},"members":{"data":{}}},
    {"group":{"id":"c"},"members":{"data":[{"member":{"recipientType":"PERSON"}}]}},
    {"group":{"id":"d"},"members":{"data":[{"delay":"long","member":{"id":"1","recipientType":"PERSON"}}]}},
    {"group":{"id":"e"},"start":"2026-10-05T08:00:00Z","end":"2026-10-05T20:00:00Z"}]})");
  REQUIRE(page.items.size() == 5);
  for (std::size_t i = 0; i < 4; ++i) {
    INFO(page.items[i].group);
    REQUIRE(page.items[i].error);
    CHECK(page.items[i].error->kind == ErrorKind::unreadable);
  }
  CHECK_FALSE(page.items[4].error);
  for (const auto* text : {"{}", "[]", R"({"data":7})", R"({"data":[{"group":{}}]})", R"({"data":[7]})"}) {
    const auto parsed = document(text);
    CHECK_FALSE(parse_on_call(parsed.root()));
  }
}

TEST_CASE("the e-mail address of an xMatters person is that of the work device") {
  const auto devices = [](const std::string& list) {
    const auto parsed = document(R"({"count":1,"total":1,"data":[)" + list + "]}");
    auto page = parse_devices(parsed.root());
    REQUIRE(page);
    return choose_email(page->items);
  };
  const auto device = [](const std::string& name, const std::string& address, int sequence,
                         const std::string& status) {
    return R"({"deviceType":"EMAIL","name":")" + name + R"(","emailAddress":")" + address +
           R"(","sequence":)" + std::to_string(sequence) + R"(,"status":")" + status + R"("})";
  };
  const std::string phone =
      R"({"deviceType":"VOICE","name":"Work Phone","phoneNumber":"+4930","sequence":0,"status":"ACTIVE"})";
  CHECK(devices(phone + "," + device("Home", "ada@home.example", 1, "ACTIVE") + "," +
                device("Work Email", "Ada@Example.com", 5, "ACTIVE")) == "ada@example.com");
  CHECK(devices(device("B", "b@example.com", 3, "ACTIVE") + "," +
                device("A", "a@example.com", 2, "ACTIVE")) == "a@example.com");
  CHECK(devices(device("Work Email", "old@example.com", 1, "INACTIVE") + "," +
                device("Other", "new@example.com", 2, "ACTIVE")) == "new@example.com");
  CHECK_FALSE(devices(phone));
  CHECK_FALSE(devices(""));
}

TEST_CASE("only xMatters groups with shifts are schedules") {
  const auto parsed = document(R"({"count":4,"total":4,"data":[
    {"id":"1","targetName":"Platform","groupType":"ON_CALL","status":"ACTIVE","timezone":"Europe/Berlin"},
    {"id":"2","targetName":"Everybody","groupType":"BROADCAST","status":"ACTIVE"},
    {"id":"3","targetName":"Old","groupType":"ON_CALL","status":"INACTIVE"},{"id":"4"}]})");
  const auto page = parse_groups(parsed.root());
  REQUIRE(page);
  CHECK(page->rows == 4);
  REQUIRE(page->items.size() == 3);
  CHECK(page->items[0].name == "Platform");
  CHECK(page->items[0].time_zone == "Europe/Berlin");
  CHECK(page->items[1].note == "inactive");
  CHECK(page->items[2].name == "4");
}

TEST_CASE("xMatters' words about an error are found, and HTML is none") {
  CHECK(error_detail(R"({"code":401,"reason":"Unauthorized","message":"Invalid credentials"})") ==
        "Invalid credentials");
  CHECK(error_detail(R"({"code":401,"reason":"Unauthorized"})") == "Unauthorized");
  CHECK(error_detail(R"({"error":"invalid_token"})") == "invalid_token");
  CHECK(error_detail("<html>no</html>").empty());
  CHECK(error_detail("").empty());
}
