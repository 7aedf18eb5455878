#include <algorithm>
#include <set>

#include "providers/provider.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/providers/fakes.hpp"

using namespace watchbill;
using namespace watchbill::providers;
using Catch::Matchers::ContainsSubstring;

namespace {

struct FakeSchedule {
  bool shift_based = false;
  bool attached = true;
  bool in_oncalls = true;
  std::vector<std::string> people{};
  int policies = 1;
  int status = 200;  ///< of the schedule itself
  /// Rotations of a shift-based one, each with one of `people`.
  std::vector<std::string> rotations{};
};

/// PagerDuty's read side, small: answers are made of `schedules`.
struct FakePagerDuty {
  std::map<std::string, FakeSchedule> schedules;
  std::set<std::string> deleted_users;
  int list_status = 200;
  int shift_list_status = 200;
  std::optional<net::HttpResponse> always{};  ///< instead of every answer
  std::optional<net::HttpResponse> oncalls_instead{};
  bool unknown_id_is_404 = false;  ///< in /oncalls, for the whole batch
  std::size_t cap = 10'000;
  bool cut_short = false;  ///< /oncalls has nothing after its first page
  std::map<std::string, int> calls;

  static std::string user(const std::string& id, bool whole) {
    return R"({"id":")" + id + R"(","type":"user_reference","summary":"The )" + id + "\"" +
           (whole ? R"(,"name":"The )" + id + R"(","email":")" + id + R"(@Example.com")" : "") + "}";
  }

  static std::string page(const std::vector<std::string>& rows, const net::Fields& query,
                          const std::string& name) {
    std::size_t offset = 0;
    for (const auto& [key, value] : query)
      if (key == "offset") offset = std::stoul(value);
    std::string body = "{\"" + name + "\":[";
    for (std::size_t i = offset; i < std::min(rows.size(), offset + 100); ++i)
      body += (i == offset ? "" : ",") + rows[i];
    return body + R"(],"limit":100,"more":)" + (rows.size() > offset + 100 ? "true}" : "false}");
  }

  net::HttpResponse list(bool shift_based, const net::Fields& query) {
    ++calls["list"];
    if (list_status != 200) return fakes::answer(list_status, "");
    if (shift_based && shift_list_status != 200) return fakes::answer(shift_list_status, "");
    std::vector<std::string> rows;
    for (const auto& [id, schedule] : schedules) {
      if (schedule.shift_based != shift_based || schedule.status == 404) continue;
      rows.push_back(R"({"id":")" + id + R"(","summary":"S )" + id + R"(","escalation_policies":[)" +
                     (schedule.attached ? R"({"id":"PEP"})" : "") + "]}");
    }
    return fakes::answer(200, page(rows, query, "schedules"));
  }

  net::HttpResponse oncalls(const net::Fields& query) {
    ++calls["oncalls"];
    if (oncalls_instead) return *oncalls_instead;
    if (cut_short && net::encode_form(query).find("offset=0") == std::string::npos)
      return fakes::answer(200, page({}, {}, "oncalls"));
    std::vector<std::string> rows;
    std::size_t ids = 0;
    for (const auto& [key, id] : query) {
      if (key != "schedule_ids[]") continue;
      ++ids;
      const auto found = schedules.find(id);
      if (found == schedules.end() && unknown_id_is_404) return fakes::answer(404, "");
      if (found == schedules.end() || !found->second.in_oncalls || !found->second.attached) continue;
      for (const auto& person : found->second.people)
        for (int policy = 0; policy < found->second.policies; ++policy)
          rows.push_back(R"({"user":)" + user(person, true) + R"(,"schedule":{"id":")" + id +
                         R"(","summary":"S"},"start":"2026-11-22T08:00:00Z","end":"2026-11-22T10:00:00Z"})");
    }
    CHECK(ids <= 50);
    calls["ids"] += static_cast<int>(ids);
    // So many that the API does not show them all.
    if (rows.size() > cap)
      return fakes::answer(400, R"({"error":{"message":"Invalid Input Provided","code":2001}})");
    return fakes::answer(200, page(rows, query, "oncalls"));
  }

  net::HttpResponse one(const std::string& id, bool shift_based) {
    ++calls["schedule"];
    const auto found = schedules.find(id);
    if (found == schedules.end()) return fakes::answer(404, "");
    if (found->second.status != 200) return fakes::answer(found->second.status, "<html>");
    if (found->second.shift_based != shift_based)
      return fakes::answer(400, R"({"error":{"message":"This is a shift-based schedule."}})");
    std::string rows;
    std::string rotations;
    for (const auto& rotation : found->second.rotations)
      rotations += (rotations.empty() ? "" : ",") + (R"({"id":")" + rotation + "\"}");
    std::size_t turn = 0;
    for (const auto& person : found->second.people) {
      const auto& rotation_ids = found->second.rotations;
      const auto source =
          turn < rotation_ids.size()
              ? R"(,"source":{"type":"schedule_rotation","rotation_id":")" + rotation_ids[turn++] + "\"}"
              : std::string();
      const std::string times =
          shift_based ? R"("start_time":"2026-11-22T08:00:00Z","end_time":"2026-11-22T10:00:00Z",)"
                      : R"("start":"2026-11-22T08:00:00Z","end":"2026-11-22T10:00:00Z",)";
      rows += (rows.empty() ? "{" : ",{") + times +
              (shift_based ? R"("member":{"type":"user_member","user_id":")" + person + "\"}" + source + "}"
                           : "\"user\":" + user(person, false) + "}");
    }
    return fakes::answer(200, std::string(R"({"schedule":{"id":")") + id + R"(","name":"S","rotations":[)" +
                                  rotations + R"(],"final_schedule":{")" +
                                  (shift_based ? "computed_shift_assignments" : "rendered_schedule_entries") +
                                  "\":[" + rows + "]}}}");
  }

  Result<net::HttpResponse> operator()(const net::HttpRequest& request) {
    if (always) return *always;
    const auto url = *net::parse_url(request.url);
    const auto mark = url.path.find('?');
    const auto path = url.path.substr(0, mark);
    const auto query =
        mark == std::string::npos ? net::Fields{} : net::decode_form(url.path.substr(mark + 1));
    if (path == "/schedules") return list(false, query);
    if (path == "/v3/schedules") return list(true, query);
    if (path == "/oncalls") return oncalls(query);
    if (path.starts_with("/v3/schedules/")) return one(path.substr(14), true);
    if (path.starts_with("/schedules/")) return one(path.substr(11), false);
    if (path.starts_with("/users/")) {
      ++calls["user"];
      if (deleted_users.contains(path.substr(7))) return fakes::answer(404, "");
      return fakes::answer(200, "{\"user\":" + user(path.substr(7), true) + "}");
    }
    return fakes::answer(404, "");
  }
};

struct Office {
  Office() {
    Connection connection;
    connection.name = "pd";
    connection.kind = "pagerduty";
    connection.secrets["api_key"] = Secret("k");
    const auto* adapter = *find_adapter("pagerduty");
    provider = adapter->shifts(*adapter->prepare(connection, world.context), world.context);
  }
  Window window() { return {world.loop.now(), world.loop.now() + 2min}; }
  std::vector<ScheduleAnswer> poll(const std::vector<std::string>& ids) {
    std::vector<ScheduleAnswer> answers;
    world.loop.run_until_done(
        provider->poll(ids, window(), [&](ScheduleAnswer a) { answers.push_back(std::move(a)); }));
    std::sort(answers.begin(), answers.end(),
              [](const auto& a, const auto& b) { return a.schedule < b.schedule; });
    REQUIRE(answers.size() == ids.size());
    return answers;
  }
  ScheduleAnswer poll_one(const std::string& id) { return poll({id}).at(0); }
  ScheduleAnswer confirm(const std::string& id) {
    return world.loop.run_until_done(provider->confirm(id, window()));
  }

  FakePagerDuty server;
  fakes::World world{[this](const net::HttpRequest& request) { return server(request); }};
  std::unique_ptr<Provider> provider;
};

std::string names(const ScheduleAnswer& answer) {
  std::string text;
  for (const auto& shift : answer.shifts) text += shift.responder->email.value_or(shift.responder->id) + " ";
  return text;
}

}  // namespace

TEST_CASE("a steady poll costs one call for fifty schedules") {
  Office office;
  std::vector<std::string> ids;
  for (int i = 100; i < 220; ++i) {
    ids.push_back("P" + std::to_string(i));
    office.server.schedules[ids.back()].people = {"ada"};
  }
  const auto answers = office.poll(ids);
  CHECK(std::all_of(answers.begin(), answers.end(),
                    [](const auto& a) { return a.status == AnswerStatus::ok; }));
  CHECK(names(answers[0]) == "ada@example.com ");
  CHECK(answers[0].shifts[0].end == *parse_rfc3339("2026-11-22T10:00:00Z"));
  CHECK(office.server.calls["list"] == 3);
  office.server.calls.clear();
  office.poll(ids);
  CHECK(office.server.calls == std::map<std::string, int>{{"oncalls", 3}, {"ids", 120}});
}

TEST_CASE("on-calls past one page are all read, and duplicates count once") {
  Office office;
  std::vector<std::string> ids;
  for (int i = 100; i < 150; ++i) {
    ids.push_back("P" + std::to_string(i));
    office.server.schedules[ids.back()] = {false, true, true, {"ada", "bo"}, 3};
  }
  for (const auto& answer : office.poll(ids)) CHECK(names(answer) == "ada@example.com bo@example.com ");
  CHECK(office.server.calls["oncalls"] == 3);
}

TEST_CASE("more entries than PagerDuty shows: the batch is split") {
  Office office;
  office.server.cap = 40;
  std::vector<std::string> ids;
  for (int i = 100; i < 150; ++i) {
    ids.push_back("P" + std::to_string(i));
    office.server.schedules[ids.back()].people = {"ada", "bo"};
  }
  for (const auto& answer : office.poll(ids)) CHECK(names(answer) == "ada@example.com bo@example.com ");
}

TEST_CASE("a schedule that no escalation policy uses is asked itself") {
  Office office;
  office.server.schedules["P1"].people = {"ada"};
  office.server.schedules["P2"] = {false, false, true, {"bo"}};
  const auto answers = office.poll({"P1", "P2"});
  CHECK(names(answers[0]) == "ada@example.com ");
  CHECK(names(answers[1]) == "bo@example.com ");
  CHECK(answers[1].from_schedule);
  CHECK(office.server.calls["ids"] == 1);
  CHECK(office.server.calls["user"] == 1);
  office.poll({"P1", "P2"});
  CHECK(office.server.calls["user"] == 1);
}

TEST_CASE("an attached schedule without entries is answered empty, and the schedule itself decides") {
  Office office;
  office.server.schedules["P1"].people = {"ada"};
  office.poll_one("P1");
  // Taken out of its last escalation policy: /oncalls does not show it any more.
  office.server.schedules["P1"].in_oncalls = false;
  const auto absent = office.poll_one("P1");
  CHECK(absent.status == AnswerStatus::ok);
  CHECK(absent.shifts.empty());
  CHECK_FALSE(absent.from_schedule);
  const auto confirmed = office.confirm("P1");
  CHECK(confirmed.from_schedule);
  CHECK(names(confirmed) == "ada@example.com ");
  // From then on it is asked itself, so that it does not seem empty at every poll.
  CHECK(names(office.poll_one("P1")) == "ada@example.com ");
  office.server.schedules["P1"].in_oncalls = true;
  CHECK_FALSE(office.poll_one("P1").from_schedule);
}

TEST_CASE("a shift-based schedule that on-calls do not show is asked itself") {
  Office office;
  office.server.schedules["P9"] = {true, true, false, {"ada", "bo"}};
  const auto answer = office.poll_one("P9");
  CHECK(answer.from_schedule);
  CHECK(names(answer) == "ada@example.com bo@example.com ");
  // Shown once, its absence is an answer like any other's.
  office.server.schedules["P9"].in_oncalls = true;
  CHECK_FALSE(office.poll_one("P9").from_schedule);
  office.server.schedules["P9"].people.clear();
  office.server.calls.clear();
  CHECK_FALSE(office.poll_one("P9").from_schedule);
  CHECK(office.server.calls["schedule"] == 0);
}

TEST_CASE("a schedule that is upgraded while we run keeps answering") {
  Office office;
  office.server.schedules["P1"] = {false, true, true, {"ada"}};
  office.poll_one("P1");
  office.server.schedules["P1"] = {true, true, false, {"ada"}};
  CHECK(names(office.confirm("P1")) == "ada@example.com ");
  CHECK(office.server.calls["schedule"] == 2);
  // Remembered: the right path is asked first.
  CHECK(names(office.confirm("P1")) == "ada@example.com ");
  CHECK(office.server.calls["schedule"] == 3);
  CHECK(names(office.poll_one("P1")) == "ada@example.com ");
}

TEST_CASE("a schedule is gone only when both kinds' paths refuse it") {
  Office office;
  office.server.schedules["P1"].people = {"ada"};
  CHECK(office.confirm("PX").status == AnswerStatus::gone);
  CHECK(office.poll_one("PX").status == AnswerStatus::gone);
  office.server.schedules["P1"].status = 403;
  CHECK(office.confirm("P1").status == AnswerStatus::forbidden);
  office.server.schedules["P1"].status = 500;
  const auto failed = office.confirm("P1");
  CHECK(failed.status == AnswerStatus::failed);
  CHECK(failed.error->kind == ErrorKind::server);
}

TEST_CASE("PagerDuty that refuses every question is a broken connection, not a deleted schedule") {
  const auto refusal = GENERATE(fakes::answer(400, R"({"error":{"message":"Invalid","code":2001}})"),
                                fakes::answer(404, R"({"error":{"message":"Not Found","code":2100}})"),
                                fakes::answer(404, "<html>Not Found</html>"), fakes::answer(410, ""),
                                fakes::answer(403, R"({"error":{"message":"Forbidden","code":2010}})"));
  const bool known = GENERATE(true, false);
  INFO(refusal.status << " " << refusal.body << " known " << known);
  Office office;
  office.server.schedules["P1"].people = {"ada"};
  office.server.schedules["P2"] = {true, true, false, {"bo"}};
  if (known) office.poll({"P1", "P2"});
  office.server.always = refusal;
  for (const auto& answer : office.poll({"P1", "P2", "P2#R1"})) {
    CHECK(answer.status == AnswerStatus::failed);
    CHECK(answer.error);
  }
  for (const auto* id : {"P1", "P2", "P2#R1"}) CHECK(office.confirm(id).status == AnswerStatus::failed);
  office.server.always.reset();
  CHECK(names(office.poll_one("P1")) == "ada@example.com ");
}

TEST_CASE(
    "a PagerDuty schedule that is refused but listed is not gone, and one that is shift-based asks its own "
    "list") {
  Office office;
  office.server.schedules["P1"].people = {"ada"};
  office.server.schedules["P2"] = {true, true, false, {"bo"}};
  office.poll({"P1", "P2"});
  office.server.schedules["P1"].status = 410;
  CHECK(office.confirm("P1").status == AnswerStatus::failed);
  office.server.shift_list_status = 404;
  office.server.schedules.erase("P2");
  CHECK(office.confirm("P2").status == AnswerStatus::failed);
  office.server.shift_list_status = 200;
  office.world.loop.advance(2min);
  CHECK(office.confirm("P2").status == AnswerStatus::gone);
}

TEST_CASE("a PagerDuty schedule that is gone does not cost the lists with every question") {
  Office office;
  office.server.schedules["P1"].people = {"ada"};
  office.poll({"P1", "PX"});
  const auto before = office.server.calls["list"];
  for (int i = 0; i < 10; ++i) CHECK(office.poll({"P1", "PX"})[1].status == AnswerStatus::gone);
  CHECK(office.server.calls["list"] == before);
}

TEST_CASE("an id that nobody knows does not cost its neighbours their answer") {
  Office office;
  office.server.unknown_id_is_404 = true;
  office.server.schedules["P1"].people = {"ada"};
  office.server.schedules["P2"].people = {"bo"};
  CHECK(office.poll({"P1", "P2"}).size() == 2);
  // Deleted, but the lists of a minute ago still have it.
  office.server.schedules.erase("P2");
  const auto answers = office.poll({"P1", "P2"});
  CHECK(names(answers[0]) == "ada@example.com ");
  CHECK(answers[1].status == AnswerStatus::gone);
}

TEST_CASE("a deleted user who still stands on a schedule has no address") {
  Office office;
  office.server.schedules["P1"] = {true, true, false, {"ghost"}};
  office.server.deleted_users = {"ghost"};
  const auto answer = office.poll_one("P1");
  CHECK(answer.status == AnswerStatus::ok);
  REQUIRE(answer.shifts.size() == 1);
  CHECK_FALSE(answer.shifts[0].responder->email);
  office.poll_one("P1");
  CHECK(office.server.calls["user"] == 1);
}

TEST_CASE("a broken /oncalls fails every id once, with the reason") {
  Office office;
  office.server.schedules["P1"].people = {"ada"};
  office.server.schedules["P2"].people = {"bo"};
  office.poll({"P1", "P2"});
  const std::vector<std::pair<int, ErrorKind>> cases{{500, ErrorKind::server},
                                                     {401, ErrorKind::unauthorized},
                                                     {403, ErrorKind::forbidden},
                                                     {200, ErrorKind::unreadable}};
  for (const auto& [status, kind] : cases) {
    CAPTURE(status);
    office.server.oncalls_instead = fakes::answer(status, "<html>");
    for (const auto& answer : office.poll({"P1", "P2"})) {
      CHECK(answer.status == AnswerStatus::failed);
      CHECK(answer.shifts.empty());
      REQUIRE(answer.error);
      CHECK(answer.error->kind == kind);
    }
  }
}

TEST_CASE("/oncalls that ends before what it announced is a failure, not a gap") {
  Office office;
  office.server.schedules["P1"].people = {"ada"};
  office.server.schedules["P1"].policies = 150;
  office.server.schedules["P2"].people = {"bo"};
  CHECK(names(office.poll({"P1", "P2"})[1]) == "bo@example.com ");
  office.server.cut_short = true;
  for (const auto& answer : office.poll({"P1", "P2"})) {
    CHECK(answer.status == AnswerStatus::failed);
    CHECK(answer.shifts.empty());
  }
}

TEST_CASE("without the lists of schedules an absent one is a failure, not a gap") {
  Office office;
  office.server.list_status = 500;
  office.server.schedules["P1"].people = {"ada"};
  office.server.schedules["P2"] = {false, false, true, {"bo"}};
  auto answers = office.poll({"P1", "P2"});
  CHECK(names(answers[0]) == "ada@example.com ");
  CHECK(answers[1].status == AnswerStatus::failed);
  office.server.list_status = 200;
  answers = office.poll({"P1", "P2"});
  CHECK(names(answers[1]) == "bo@example.com ");
}

TEST_CASE("the lists are read again every ten minutes, after the answers") {
  Office office;
  office.server.schedules["P1"].people = {"ada"};
  office.poll_one("P1");
  office.server.schedules["P1"].attached = false;
  office.world.loop.advance(9min);
  CHECK(office.poll_one("P1").shifts.empty());
  office.world.loop.advance(2min);
  office.poll_one("P1");
  const auto answer = office.poll_one("P1");
  CHECK(answer.from_schedule);
  CHECK(names(answer) == "ada@example.com ");
}

TEST_CASE("many single questions are spread below the rate limit") {
  Office office;
  std::vector<std::string> ids;
  for (int i = 100; i < 400; ++i) {
    ids.push_back("P" + std::to_string(i));
    office.server.schedules[ids.back()] = {false, false, true, {"ada"}};
  }
  const auto before = office.world.loop.now();
  const auto answers = office.poll(ids);
  CHECK(office.world.loop.now() - before >= 25s);
  CHECK(office.world.loop.now() - before <= 40s);
  // A late answer speaks of the moment at which it was asked.
  CHECK(answers.back().window.from == answers.back().asked_at);
}

TEST_CASE("the list of schedules names kind and what makes one special") {
  Office office;
  office.server.schedules["P1"].people = {"ada"};
  office.server.schedules["P2"].attached = false;
  office.server.schedules["P3"].shift_based = true;
  const auto listed = office.world.loop.run_until_done(office.provider->list_schedules());
  REQUIRE(listed.ok());
  REQUIRE(listed->size() == 3);
  CHECK((*listed)[0].kind == "layer-based");
  CHECK((*listed)[0].note.empty());
  CHECK((*listed)[1].note == "no escalation policy uses it");
  CHECK((*listed)[2].kind == "shift-based");
}

TEST_CASE("a rotation of a shift-based schedule can be chosen: polled, looked ahead and confirmed") {
  Office office;
  auto& schedule = office.server.schedules["P9"];
  schedule.shift_based = true;
  schedule.people = {"ada", "bo"};
  schedule.rotations = {"R1", "R2"};
  const auto answers = office.poll({"P9", "P9#R1", "P9#R2"});
  CHECK(names(answers[0]) == "ada@example.com bo@example.com ");
  CHECK(names(answers[1]) == "ada@example.com ");
  CHECK(names(answers[2]) == "bo@example.com ");
  CHECK(answers[2].schedule == ScheduleRef{"pd", "P9#R2"});
  CHECK(answers[2].schedule_name == "S, rotation 2");
  CHECK(answers[2].from_schedule);
  CHECK(names(office.confirm("P9#R2")) == "bo@example.com ");
  std::vector<ScheduleAnswer> ahead;
  office.world.loop.run_until_done(
      office.provider->look_ahead({"P9#R2"}, {office.world.loop.now(), office.world.loop.now() + days{8}},
                                  [&](ScheduleAnswer a) { ahead.push_back(std::move(a)); }));
  REQUIRE(ahead.size() == 1);
  CHECK(names(ahead[0]) == "bo@example.com ");

  // The lists are not read again because of it.
  office.server.calls.clear();
  office.world.loop.advance(2min);
  office.poll({"P9#R1"});
  CHECK(office.server.calls["list"] == 0);
  CHECK(office.server.calls["oncalls"] == 0);
}

TEST_CASE("a rotation that was deleted, or whose schedule has none, is gone; one that breaks is not") {
  Office office;
  office.server.schedules["P9"] = {true, true, true, {"ada", "bo"}};
  office.server.schedules["P9"].rotations = {"R1", "R2"};
  office.server.schedules["P1"].people = {"ada"};
  for (const auto* id : {"P9#R3", "P1#R1", "P7#R1"}) {
    INFO(id);
    const auto answer = office.confirm(id);
    CHECK(answer.status == AnswerStatus::gone);
    CHECK(answer.from_schedule);
    CHECK(office.poll_one(id).status == AnswerStatus::gone);
  }
  CHECK(office.poll_one("P9").status == AnswerStatus::ok);
  CHECK(office.poll_one("P1").status == AnswerStatus::ok);
  office.server.schedules["P9"].rotations.clear();
  CHECK(office.confirm("P9#R1").status == AnswerStatus::failed);
  office.server.schedules["P9"].status = 500;
  CHECK(office.confirm("P9#R1").status == AnswerStatus::failed);
}

TEST_CASE("the list of schedules shows the rotations of shift-based ones, with who is on call in each") {
  Office office;
  office.server.schedules["P1"].people = {"ada"};
  office.server.schedules["P9"] = {true, true, true, {"ada", "bo"}};
  office.server.schedules["P9"].rotations = {"R1", "R2", "R3"};
  office.server.schedules["P8"] = {true, true, true, {"cy"}};
  office.server.schedules["P8"].status = 500;
  const auto listed = office.world.loop.run_until_done(office.provider->list_schedules());
  REQUIRE(listed.ok());
  std::vector<std::string> told;
  for (const auto& info : *listed) told.push_back(info.id + " " + info.kind + ": " + info.note);
  CHECK(told == std::vector<std::string>{
                    "P1 layer-based: ", "P8 shift-based: ", "P9 shift-based: ", "P9#R1 rotation: now The ada",
                    "P9#R2 rotation: now The bo", "P9#R3 rotation: nobody now"});
}

TEST_CASE("a refused key says how to replace it") {
  Office office;
  office.server.list_status = 401;
  const auto verified = office.world.loop.run_until_done(office.provider->verify());
  REQUIRE_FALSE(verified.ok());
  CHECK(verified.error().kind == ErrorKind::unauthorized);
  CHECK_THAT(verified.error().message, ContainsSubstring("watchbill connection update pd --api-key-file"));
}
