#include "providers/jsm/provider.hpp"

#include <set>

#include "providers/adapters.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/providers/fakes.hpp"

using namespace watchbill;
using namespace watchbill::providers;

namespace {

using fakes::answer;
using Texts = std::vector<std::string>;

Connection jsm_connection() {
  Connection connection{"ops", "jsm"};
  connection.settings = {{"site", "acme.atlassian.net"}, {"email", "w@example.com"}};
  connection.secrets["api_token"] = Secret("ATATT3\n");
  return connection;
}

/// Everybody is on call for ever in the schedule of that person's name ("ada" in schedule "ada").
struct Site {
  Site()
      : world(
            [this](const net::HttpRequest& request) -> Result<net::HttpResponse> { return reply(request); }) {
    const auto adapter = jsm_adapter();
    auto prepared = adapter.prepare(jsm_connection(), world.context);
    REQUIRE(prepared);
    provider = adapter.shifts(*prepared, world.context);
  }

  Result<net::HttpResponse> reply(const net::HttpRequest& request) {
    const auto path = net::parse_url(request.url)->path;
    for (const auto& [part, given] : faults) {
      if (path.find(part) != std::string::npos) return given;
    }
    if (path == "/_edge/tenant_info") return answer(200, R"({"cloudId":"cloud-1"})");
    if (path.find("/user/bulk") != std::string::npos) return answer(200, users(path));
    if (path.find("/timeline") != std::string::npos) return answer(200, timeline(path));
    return answer(200, R"({"values":[{"id":"ada","name":"Ada's"}]})");
  }
  /// Those whose ids are asked for, a page of them.
  std::string users(const std::string& path) const {
    Texts ids;
    std::size_t start = 0;
    for (const auto& [name, value] : net::decode_form(path.substr(path.find('?') + 1))) {
      if (name == "accountId") ids.push_back(value);
      if (name == "startAt") start = std::stoul(value);
    }
    const auto end = std::min(ids.size(), start + users_a_page);
    json::Writer w;
    w.begin_object().field("isLast", end == ids.size() && users_a_page > 0).key("values").begin_array();
    for (auto i = start; i < end; ++i) {
      w.begin_object().field("accountId", ids[i]).field("displayName", ids[i]);
      w.field("emailAddress", ids[i] + "@example.com").end_object();
    }
    w.end_array().end_object();
    return w.take();
  }
  std::string timeline(const std::string& path) {
    const std::string before = "/v1/schedules/";
    const auto from = path.find(before) + before.size();
    const auto id = path.substr(from, path.find('/', from) - from);
    const auto start = format_rfc3339(world.loop.now() - 24h);
    const auto end = format_rfc3339(world.loop.now() + days{70});
    return fmt::format(R"({{"startDate":"{0}","endDate":"{1}","finalTimeline":{{"rotations":[{{"periods":[
      {{"startDate":"{0}","endDate":"{1}","type":"base","responder":{{"id":"{2}","type":"user"}}}}]}}]}}}})",
                       start, end, id);
  }

  std::vector<ScheduleAnswer> poll(const Texts& ids) {
    std::vector<ScheduleAnswer> answers;
    const Window window{world.loop.now(), world.loop.now() + 10min};
    world.loop.run_until_done(
        provider->poll(ids, window, [&](ScheduleAnswer one) { answers.push_back(std::move(one)); }));
    CHECK(answers.size() == ids.size());
    return answers;
  }
  /// How many of the requests so far have this part.
  std::size_t asked(const std::string& part) const {
    const auto& all = world.http.requests;
    return static_cast<std::size_t>(std::count_if(
        all.begin(), all.end(),
        [&](const net::HttpRequest& request) { return request.url.find(part) != std::string::npos; }));
  }

  std::size_t users_a_page = 50;
  /// Answers to requests whose path has that part, instead of the good ones.
  std::map<std::string, net::HttpResponse> faults;
  fakes::World world;
  std::unique_ptr<Provider> provider;
};

Texts many(int count) {
  Texts ids;
  for (int i = 0; i < count; ++i) ids.push_back(fmt::format("p{:03}", i));
  return ids;
}

}  // namespace

TEST_CASE("JSM is asked with the account's token, and its site without any") {
  Site site;
  const auto answers = site.poll({"ada"});
  REQUIRE(answers[0].status == AnswerStatus::ok);
  CHECK(answers[0].shifts.at(0).responder->email == "ada@example.com");
  std::set<std::string> origins;
  for (const auto& request : site.world.http.requests) {
    const auto origin = net::parse_url(request.url)->origin();
    origins.insert(origin);
    const bool api = origin == "https://api.atlassian.com";
    // base64 of "w@example.com:ATATT3"
    CHECK(request.authorization.reveal() == (api ? "Basic d0BleGFtcGxlLmNvbTpBVEFUVDM=" : ""));
  }
  CHECK(origins == std::set<std::string>{"https://acme.atlassian.net", "https://api.atlassian.com"});
  CHECK(site.asked("https://api.atlassian.com/jsm/ops/api/cloud-1/v1/schedules/ada/timeline?") == 1);
  CHECK(site.asked("https://api.atlassian.com/ex/jira/cloud-1/rest/api/3/user/bulk?maxResults=50&") == 1);
}

TEST_CASE("JSM schedules are asked four at a time, the cloud ID once, and people by fifty") {
  Site site;
  const auto answers = site.poll(many(120));
  for (const auto& one : answers) CHECK(one.status == AnswerStatus::ok);
  CHECK(site.world.http.most_in_flight == 4);
  CHECK(site.asked("tenant_info") == 1);
  CHECK(site.asked("/timeline") == 120);
  CHECK(site.asked("/user/bulk") <= 4);
  // The next pass asks for nobody again, and a day later for everybody once.
  site.world.http.requests.clear();
  site.poll(many(120));
  CHECK(site.world.http.requests.size() == 120);
  site.world.loop.advance(24h);
  site.world.http.requests.clear();
  site.poll(many(120));
  CHECK(site.asked("/user/bulk") >= 3);
}

TEST_CASE("Jira's users are read page by page, however few a page has") {
  Site site;
  site.users_a_page = 20;
  for (const auto& one : site.poll(many(50))) {
    REQUIRE(one.status == AnswerStatus::ok);
    CHECK(one.shifts.at(0).responder->email == one.schedule.id + "@example.com");
  }
  CHECK(site.asked("/user/bulk") == 3);
  CHECK(site.asked("&startAt=40") == 1);
}

TEST_CASE("a list of Jira's users that does not end is a failure") {
  Site site;
  site.users_a_page = 0;
  for (const auto& one : site.poll(many(3))) {
    CHECK(one.status == AnswerStatus::failed);
    CHECK_THAT(one.error->message, Catch::Matchers::ContainsSubstring("a page is empty"));
  }
  CHECK(site.asked("/user/bulk") == 1);
}

TEST_CASE("what every JSM schedule would meet ends the round, and a slow one does after three") {
  Site site;
  site.poll({"ada"});
  const auto requests_at = [&](int status) {
    site.faults = {{"/timeline", answer(status, "{}")}};
    site.world.http.requests.clear();
    for (const auto& one : site.poll(many(50))) CHECK(one.status == AnswerStatus::failed);
    return site.world.http.requests.size();
  };
  CHECK(requests_at(401) <= 4);
  CHECK(requests_at(500) <= 6);
  CHECK(requests_at(400) == 50);
}

TEST_CASE("a JSM site that is not there, or does not tell its cloud ID, is named") {
  Site site;
  const auto said = [&](net::HttpResponse given) {
    site.faults = {{"tenant_info", std::move(given)}};
    const auto error = site.poll({"ada"}).at(0).error;
    REQUIRE(error);
    CHECK_THAT(error->message, Catch::Matchers::ContainsSubstring("the cloud ID of acme.atlassian.net"));
    return error->message;
  };
  CHECK_THAT(said(answer(404, "<html>")), Catch::Matchers::ContainsSubstring("no Jira site of this name"));
  said(answer(200, R"({"cloudId":""})"));
  said(answer(200, R"({"cloudId":7})"));
  said(answer(503, ""));
  site.faults.clear();
  CHECK(site.poll({"ada"}).at(0).status == AnswerStatus::ok);
}

TEST_CASE("a JSM list whose pages never end, or contradict each other, is no list") {
  Site site;
  const auto listed = [&](const std::string& body) {
    site.faults = {{"/v1/schedules?", answer(200, body)}};
    return site.world.loop.run_until_done(site.provider->list_schedules());
  };
  CHECK_FALSE(listed(R"({"values":[{"id":"a"}],"links":{"next":"/v1/schedules?offset=0"}})").ok());
  CHECK_FALSE(listed(R"({"values":[],"links":{"next":"/v1/schedules?offset=50"}})").ok());
  CHECK(listed(R"({"values":[{"id":"a"},{"id":"a"}],"links":{}})").value().size() == 1);
}

TEST_CASE("a JSM connection says which of its settings is wrong before anything is sent") {
  fakes::World world([](const net::HttpRequest&) { return answer(200, "{}"); });
  const auto refused = [&](const std::string& key, const std::string& value) {
    auto connection = jsm_connection();
    if (key == "api_token") {
      connection.secrets[key] = Secret(value);
    } else {
      connection.settings[key] = value;
    }
    const auto prepared = jsm_adapter().prepare(connection, world.context);
    return prepared ? "" : prepared.error().message.substr(0, prepared.error().message.find(':'));
  };
  CHECK(refused("site", "acme.example.com") == "--site");
  CHECK(refused("email", "") == "--email");
  CHECK(refused("email", "nobody") == "--email");
  CHECK(refused("email", "a:b@example.com") == "--email");
  CHECK(refused("api_token", "") == "--api-token-file");
  CHECK(refused("cloud_id", "../other") == "--cloud-id");
  CHECK(refused("base_url", "http://acme.example.com") == "--base-url");
  CHECK(refused("cloud_id", "11111111-2222-4333-8444-555555555555").empty());
  CHECK(world.http.requests.empty());
}
