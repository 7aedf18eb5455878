#include "providers/xmatters/provider.hpp"

#include "providers/adapters.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/providers/fakes.hpp"

using namespace watchbill;
using namespace watchbill::providers;

namespace {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;
using fakes::answer;

Connection xmatters_connection() {
  Connection connection;
  connection.name = "xm";
  connection.kind = "xmatters";
  connection.settings["host"] = "https://ACME.xmatters.com/";
  connection.secrets["api_key"] = Secret("x-api-key-EXAMPLE\n");
  connection.secrets["api_secret"] = Secret("secret\n");
  return connection;
}

/// An on-call reply with these items.
std::string items(const std::string& list, const std::string& more = "") {
  return R"({"data":[)" + list + "]" + more + "}";
}

std::string item(const std::string& group, const std::string& from, const std::string& to,
                 const std::string& members, const std::string& more = "") {
  return R"({"group":{"id":")" + group + R"(","targetName":"Group )" + group + R"("},"shift":{"id":"s-)" +
         group + R"("},"start":")" + from + R"(","end":")" + to + R"(","members":{"data":[)" + members + "]" +
         more + "}}";
}

std::string person(const std::string& id, int delay = 0) {
  return R"({"delay":)" + std::to_string(delay) + R"(,"member":{"id":")" + id +
         R"(","recipientType":"PERSON","firstName":")" + id + R"(","webLogin":")" + id +
         R"(@login.example"}})";
}

/// A provider in front of a function from path to reply. Devices are answered by themselves.
struct Desk {
  using Reply = std::function<net::HttpResponse(const std::string& path)>;
  explicit Desk(Reply given, Connection connection = xmatters_connection())
      : reply(std::move(given)), world([this](const net::HttpRequest& request) -> Result<net::HttpResponse> {
          const auto path = net::parse_url(request.url)->path;
          auto response = path.find("/devices") != std::string::npos ? devices(path) : reply(path);
          response.clock_skew = skew;
          return response;
        }) {
    const auto adapter = xmatters_adapter();
    auto prepared = adapter.prepare(std::move(connection), world.context);
    if (!prepared) FAIL(prepared.error().message);
    provider = adapter.shifts(*prepared, world.context);
  }

  Window window(milliseconds length = 2min) const { return {world.loop.now(), world.loop.now() + length}; }
  AnswerSink sink() {
    return [this](ScheduleAnswer one) { answers.push_back(std::move(one)); };
  }
  void poll(std::vector<std::string> ids, Window asked) {
    world.loop.run_until_done(provider->poll(std::move(ids), asked, sink()));
  }
  std::vector<std::string> paths(const std::string& part = "/on-call") const {
    std::vector<std::string> out;
    for (const auto& request : world.http.requests) {
      auto path = net::parse_url(request.url)->path;
      if (path.find(part) != std::string::npos) out.push_back(std::move(path));
    }
    return out;
  }

  Reply reply;
  std::function<net::HttpResponse(const std::string&)> devices = [](const std::string&) {
    return answer(
        200, R"({"data":[{"deviceType":"EMAIL","name":"Work Email","emailAddress":"work@example.com"}]})");
  };
  std::optional<seconds> skew = 0s;
  fakes::World world;
  std::unique_ptr<Provider> provider;
  std::vector<ScheduleAnswer> answers;
};

const std::string kQuery = "&embed=shift,members.owner&membersPerShift=100";
bool is_range(const std::string& path) {
  return path.find("&from=") != std::string::npos;
}

std::string value_in(const std::string& path, const std::string& name) {
  const auto at = path.find(name + "=");
  if (at == std::string::npos) return "";
  const auto begin = at + name.size() + 1;
  return net::percent_decode(path.substr(begin, path.find('&', begin) - begin));
}

/// A tenant whose groups change hands every eight hours, in pages of 100 of which no link tells. It says
/// nothing of a range that begins in the past.
struct Tenant {
  net::HttpResponse reply(const std::string& path, Instant now) {
    auto from = now;
    auto to = now + 1ms;
    if (is_range(path)) {
      from = *parse_rfc3339(value_in(path, "from"));
      to = *parse_rfc3339(value_in(path, "to"));
      if (from < now) {
        ++in_the_past;
        return answer(200, R"({"count":0,"total":0,"data":[]})");
      }
    }
    std::vector<std::string> rows;
    const std::string groups = value_in(path, "groups") + ",";
    for (std::size_t at = 0; at < groups.size(); at = groups.find(',', at) + 1) {
      const auto id = groups.substr(at, groups.find(',', at) - at);
      for (auto t = kMidnight; t < to; t += 8h) {
        if (t + 8h > from) rows.push_back(item(id, format_rfc3339(t), format_rfc3339(t + 8h), person("ada")));
      }
    }
    const auto offset = std::stoul(value_in(path, "offset"));
    std::string page;
    for (auto i = offset; i < std::min(rows.size(), offset + 100); ++i)
      page += (i > offset ? "," : "") + rows[i];
    return answer(200, items(page, R"(,"total":)" + std::to_string(rows.size())));
  }

  static inline const Instant kMidnight = *parse_rfc3339("2026-11-22T00:00:00Z");
  int in_the_past = 0;
};

std::vector<std::string> many_groups(int count) {
  std::vector<std::string> ids;
  for (int i = 0; i < count; ++i) ids.push_back("g" + std::to_string(i));
  return ids;
}

using Paths = std::vector<std::string>;

}  // namespace

TEST_CASE("xMatters is asked for now without times, and for what follows from ahead of its clock") {
  Desk desk([](const std::string&) { return answer(200, items("")); });
  desk.skew = 40s;
  const auto window = desk.window();
  desk.poll({"g1", "g 2"}, window);
  REQUIRE(desk.paths().size() == 2);
  CHECK(desk.paths()[0] == "/api/xm/1/on-call?groups=g1,g%202" + kQuery + "&offset=0&limit=100");
  // Our clock shows 09:00:00 and some milliseconds, the server's is 40 s ahead; 2 s more are sure to be
  // ahead.
  CHECK(desk.paths()[1] ==
        "/api/xm/1/on-call?groups=g1,g%202" + kQuery +
            "&from=2026-11-22T09%3A00%3A43Z&to=2026-11-22T09%3A02%3A00Z&offset=0&limit=100");
  const auto& request = desk.world.http.requests[0];
  CHECK(request.url.starts_with("https://acme.xmatters.com/"));
  CHECK(request.authorization.reveal() == "Basic eC1hcGkta2V5LUVYQU1QTEU6c2VjcmV0");
  REQUIRE(desk.answers.size() == 2);
  for (const auto& one : desk.answers) {
    CHECK(one.status == AnswerStatus::ok);
    CHECK(one.shifts.empty());
    CHECK_FALSE(one.moment);
    CHECK(one.window == window);
  }
}

TEST_CASE("xMatters with a clock behind ours is asked from our now on") {
  Desk desk([](const std::string&) { return answer(200, items("")); });
  desk.skew = -40s;
  desk.poll({"g"}, desk.window());
  CHECK_THAT(desk.paths().at(1), ContainsSubstring("&from=2026-11-22T09%3A00%3A03Z&"));
}

TEST_CASE("a boundary ahead is asked of xMatters as a range only") {
  Desk desk([](const std::string&) { return answer(200, items("")); });
  const auto at = desk.world.loop.now() + 5s;
  desk.poll({"g"}, {at, at + 2min});
  REQUIRE(desk.paths().size() == 1);
  CHECK_THAT(desk.paths()[0], ContainsSubstring("from=2026-11-22T09%3A00%3A05Z"));
}

TEST_CASE("an xMatters poll shows who is on call and who follows within its window") {
  Desk desk([](const std::string& path) {
    const auto now =
        item("g", "2026-11-22T08:00:00Z", "2026-11-22T09:01:00.000Z", person("ada") + "," + person("zoe", 5));
    const auto next = item("g", "2026-11-22T09:01:00Z", "2026-11-23T09:01:00Z", person("bo"));
    return answer(200, items(is_range(path) ? now + "," + next : now));
  });
  desk.poll({"g"}, desk.window());
  REQUIRE(desk.answers.size() == 1);
  CHECK(desk.answers[0].schedule_name == "Group g");
  const auto& shifts = desk.answers[0].shifts;
  REQUIRE(shifts.size() == 2);
  CHECK(shifts[0].responder->id == "ada");
  CHECK(shifts[0].start == *parse_rfc3339("2026-11-22T08:00:00Z"));
  CHECK(shifts[0].end == *parse_rfc3339("2026-11-22T09:01:00Z"));
  CHECK_FALSE(shifts[0].end_unknown);
  CHECK(shifts[1].responder->id == "bo");
  // It ends after the window: whether he goes on in the next occurrence is not told.
  CHECK(shifts[1].end == *parse_rfc3339("2026-11-23T09:01:00Z"));
  CHECK(shifts[1].end_unknown);
}

TEST_CASE("xMatters groups are asked for in batches of twenty") {
  Desk desk([](const std::string&) { return answer(200, items("")); });
  std::vector<std::string> ids;
  for (int i = 0; i < 45; ++i) ids.push_back("g" + std::to_string(i));
  desk.poll(ids, desk.window());
  CHECK(desk.paths().size() == 6);
  CHECK(desk.answers.size() == 45);
  CHECK(desk.world.http.most_in_flight == 1);
}

TEST_CASE("xMatters pages are followed by their relative links, or counted on without") {
  Desk desk([](const std::string& path) {
    if (is_range(path)) return answer(200, items(""));
    if (path.find("offset=0") != std::string::npos) {
      return answer(200, items(item("a", "2026-11-22T08:00:00Z", "2026-11-22T20:00:00Z", person("ada")),
                               R"(,"total":3,"links":{"next":"/api/xm/1/on-call?page=2"})"));
    }
    if (path.find("page=2") != std::string::npos) {
      return answer(200, items(item("b", "2026-11-22T08:00:00Z", "2026-11-22T20:00:00Z", person("bo")),
                               R"(,"total":3)"));
    }
    return answer(
        200, items(item("c", "2026-11-22T08:00:00Z", "2026-11-22T20:00:00Z", person("cy")), R"(,"total":3)"));
  });
  desk.poll({"a", "b", "c"}, desk.window());
  REQUIRE(desk.answers.size() == 3);
  for (const auto& one : desk.answers) CHECK(one.shifts.size() == 1);
  REQUIRE(desk.paths().size() == 4);
  CHECK(desk.paths()[1] == "/api/xm/1/on-call?page=2");
  CHECK_THAT(desk.paths()[2], EndsWith("&offset=2&limit=100"));
}

TEST_CASE("a long window of xMatters stays ahead of its clock on every page") {
  Tenant tenant;
  fakes::World* world = nullptr;
  Desk desk([&](const std::string& path) { return tenant.reply(path, world->loop.now()); });
  world = &desk.world;
  desk.world.http.latency = 350ms;
  const auto window = desk.window(days{60});
  desk.world.loop.run_until_done(desk.provider->look_ahead(many_groups(25), window, desk.sink()));
  CHECK(tenant.in_the_past == 0);
  REQUIRE(desk.answers.size() == 25);
  for (const auto& one : desk.answers) {
    REQUIRE(one.status == AnswerStatus::ok);
    CHECK(one.window == window);
    const auto timeline = merge(Timeline{}, one).timeline;
    CHECK(on_call_until(timeline, one.shifts.at(0).responder, window.from) == std::nullopt);
    for (const auto ahead : {0h, 2h, 10h, 240h, 1200h}) {
      CAPTURE(ahead.count());
      CHECK(std::holds_alternative<People>(on_call_at(timeline, window.from + ahead)));
    }
  }
}

TEST_CASE("a short question to a slow xMatters is asked again from further ahead, not believed") {
  Tenant tenant;
  fakes::World* world = nullptr;
  Desk desk([&](const std::string& path) { return tenant.reply(path, world->loop.now()); });
  world = &desk.world;
  desk.world.loop.advance(6h + 59min);  // a minute before the handoff
  desk.world.http.latency = 4s;
  desk.poll({"g"}, desk.window(10min));
  REQUIRE(desk.answers.at(0).status == AnswerStatus::ok);
  CHECK(desk.answers[0].shifts.at(0).end_unknown);  // who follows was told, too
  CHECK(tenant.in_the_past == 1);
}

TEST_CASE("an xMatters list that is not whole is no answer") {
  const auto row = item("a", "2026-11-22T08:00:00Z", "2026-11-22T20:00:00Z", person("ada"));
  const std::string linked = R"(,"links":{"next":"/api/xm/1/on-call?page=2"})";
  struct Case {
    std::string first, second, says;
  };
  const std::vector<Case> cases{
      {items(row, R"(,"total":2)"), items("", R"(,"total":2)"), "ended after 1 entries"},
      {items(row, R"(,"total":2)" + linked), items("", R"(,"total":2)"), "ended after 1 entries"},
      {items(row, R"(,"total":2)" + linked), items("", R"(,"total":0)"), "from 2 entries to 0"},
      {items(row, R"(,"total":2)" + linked), items(row, R"(,"total":3)"), "from 2 entries to 3"},
      {items(row, linked), items(""), "ended after 1 entries"},
      {items("", R"(,"total":1)"), "", "ended after 0 entries"},
  };
  for (const auto& [first, second, says] : cases) {
    CAPTURE(first, second);
    for (const bool range : {false, true}) {
      Desk desk([&, first = first, second = second](const std::string& path) {
        if (path.find("page=2") == std::string::npos && is_range(path) != range)
          return answer(200, items(""));
        const bool later = path.find("page=2") != std::string::npos || value_in(path, "offset") == "1";
        return answer(200, later ? second : first);
      });
      desk.poll({"a", "b"}, desk.window());
      REQUIRE(desk.answers.size() == 2);
      for (const auto& one : desk.answers) {
        CHECK(one.status == AnswerStatus::failed);
        REQUIRE(one.error);
        CHECK(one.error->kind == ErrorKind::unreadable);
        CHECK_THAT(one.error->message, ContainsSubstring(says));
      }
    }
  }
}

TEST_CASE("an xMatters list that changed while it was read is read again from its start") {
  int lists = 0;
  Desk desk([&](const std::string& path) {
    if (is_range(path)) return answer(200, items(""));
    const auto row = item("a", "2026-11-22T08:00:00Z", "2026-11-22T20:00:00Z", person("ada"));
    const bool first = value_in(path, "offset") == "0";
    lists += first ? 1 : 0;
    return answer(200, items(row, lists == 1 && first ? R"(,"total":3)" : R"(,"total":2)"));
  });
  desk.poll({"a"}, desk.window());
  CHECK(lists == 2);
  REQUIRE(desk.answers.at(0).status == AnswerStatus::ok);
  CHECK(desk.answers[0].shifts.size() == 1);
}

TEST_CASE("xMatters members that are missing from their list leave the group without an answer") {
  const std::vector<std::pair<std::string, std::string>> cases{
      {person("ada", 5), R"(,"total":2)"},
      {"", R"(,"total":2)"},
      {person("ada", 5), R"(,"links":{"next":"/api/xm/1/members?page=2"})"}};
  for (const auto& [first, more] : cases) {
    CAPTURE(first, more);
    Desk desk([&, first = first, more = more](const std::string& path) {
      if (path.find("/members?") != std::string::npos) return answer(200, items(""));
      if (is_range(path)) return answer(200, items(""));
      return answer(200, items(item("g", "2026-11-22T08:00:00Z", "2026-11-22T20:00:00Z", first, more)));
    });
    desk.poll({"g"}, desk.window());
    REQUIRE(desk.answers.at(0).status == AnswerStatus::failed);
    CHECK_THAT(desk.answers[0].error->message, ContainsSubstring("its list of members ended after"));
  }
}

TEST_CASE("xMatters members past the first page are followed, and count") {
  Desk desk([](const std::string& path) {
    if (path.find("/members?page=2") != std::string::npos) {
      return answer(200, items(person("bo"), R"(,"links":{"next":"/api/xm/1/members?page=3"})"));
    }
    if (path.find("/members?page=3") != std::string::npos) return answer(200, items(person("cy", 5)));
    if (is_range(path)) return answer(200, items(""));
    return answer(200, items(item("g", "2026-11-22T08:00:00Z", "2026-11-22T20:00:00Z", person("ada"),
                                  R"(,"links":{"next":"/api/xm/1/members?page=2"})")));
  });
  desk.poll({"g"}, desk.window());
  REQUIRE(desk.answers.at(0).shifts.size() == 2);
  CHECK(desk.answers[0].shifts[0].responder->id == "ada");
  CHECK(desk.answers[0].shifts[1].responder->id == "bo");
}

TEST_CASE("an xMatters link to another host gets no credentials") {
  Desk desk([](const std::string&) {
    return answer(200, items(item("g", "2026-11-22T08:00:00Z", "2026-11-22T20:00:00Z", person("ada")),
                             R"(,"links":{"next":"https://evil.example/api/xm/1/on-call"})"));
  });
  desk.poll({"g"}, desk.window());
  CHECK(desk.answers.at(0).status == AnswerStatus::failed);
  for (const auto& request : desk.world.http.requests)
    CHECK(request.url.starts_with("https://acme.xmatters.com/"));
}

TEST_CASE("xMatters pages that lead in a circle end") {
  Desk desk([](const std::string&) {
    return answer(200, items(item("g", "2026-11-22T08:00:00Z", "2026-11-22T20:00:00Z", person("ada")),
                             R"(,"links":{"next":"/api/xm/1/on-call?again"})"));
  });
  desk.poll({"g"}, desk.window());
  CHECK(desk.answers.at(0).status == AnswerStatus::failed);
  CHECK_THAT(desk.answers[0].error->message, ContainsSubstring("does not end"));
}

TEST_CASE("nested xMatters groups are asked for a level at a time, each once") {
  Desk desk([](const std::string& path) {
    if (is_range(path)) return answer(200, items(""));
    const auto nested = [](const std::string& id) {
      return R"({"member":{"id":")" + id + R"(","recipientType":"GROUP"}})";
    };
    std::string list;
    const auto add = [&](const std::string& id, const std::string& members) {
      if (path.find(id) == std::string::npos) return;
      list += (list.empty() ? "" : ",") + item(id, "2026-11-22T08:00:00Z", "2026-11-22T20:00:00Z", members);
    };
    add("outer", nested("middle"));
    add("other", nested("middle") + "," + person("ada"));
    add("plain", person("bo"));
    add("middle", nested("inner"));
    add("inner", nested("outer") + "," + person("cy"));
    return answer(200, items(list));
  });
  desk.poll({"outer", "other", "plain"}, desk.window());
  CHECK(desk.paths().size() == 6);
  REQUIRE(desk.answers.size() == 3);
  CHECK(desk.answers[0].schedule.id == "plain");  // it does not wait for the others
  CHECK(desk.answers[1].schedule.id == "outer");
  REQUIRE(desk.answers[1].shifts.size() == 1);
  CHECK(desk.answers[1].shifts[0].responder->id == "cy");
  CHECK(desk.answers[2].shifts.size() == 2);
}

TEST_CASE("a nested xMatters group that fails leaves the outer one without an answer") {
  Desk desk([](const std::string& path) {
    if (path.find("groups=inner") != std::string::npos) return answer(500, "");
    return answer(200, items(item("outer", "2026-11-22T08:00:00Z", "2026-11-22T20:00:00Z",
                                  person("ada") + R"(,{"member":{"id":"inner","recipientType":"GROUP"}})")));
  });
  desk.poll({"outer"}, desk.window());
  CHECK(desk.answers.at(0).status == AnswerStatus::failed);
  CHECK(desk.answers[0].error->kind == ErrorKind::server);
}

TEST_CASE("e-mail addresses of xMatters people are asked for once a day") {
  Desk desk([](const std::string& path) {
    if (is_range(path)) return answer(200, items(""));
    return answer(200, items(item("g", "2026-11-22T08:00:00Z", "2026-12-22T20:00:00Z", person("ada"))));
  });
  desk.poll({"g"}, desk.window());
  desk.poll({"g"}, desk.window());
  CHECK(desk.paths("/devices") == Paths{"/api/xm/1/people/ada/devices?offset=0&limit=100"});
  CHECK(desk.answers[1].shifts.at(0).responder->email == "work@example.com");
  desk.world.loop.advance(24h);
  // Yesterday's address stays while today's cannot be had.
  desk.devices = [](const std::string&) { return answer(503, ""); };
  desk.poll({"g"}, desk.window());
  CHECK(desk.paths("/devices").size() == 2);
  CHECK(desk.answers.at(2).shifts.at(0).responder->email == "work@example.com");
}

TEST_CASE("an xMatters person without visible devices is known by his login, if that is an address") {
  for (const auto& devices : {answer(403, "<html>"), answer(404, ""), answer(200, R"({"data":[]})")}) {
    Desk desk([](const std::string&) {
      return answer(
          200,
          items(item("g", "2026-11-22T08:00:00Z", "2026-11-22T20:00:00Z",
                     person("ada") + R"(,{"member":{"id":"bo","recipientType":"PERSON","webLogin":"bo"}},)" +
                         R"({"member":{"id":"t","recipientType":"DYNAMIC_TEAM","targetName":"Berlin"}})")));
    });
    desk.devices = [&](const std::string&) { return devices; };
    desk.poll({"g"}, desk.window());
    const auto& shifts = desk.answers.at(0).shifts;
    REQUIRE(shifts.size() == 3);
    CHECK(shifts[0].responder->email == "ada@login.example");
    CHECK_FALSE(shifts[1].responder->email);
    CHECK(shifts[2].responder->name == "Berlin");
    CHECK_FALSE(shifts[2].responder->email);
    CHECK(desk.paths("/devices").size() == 2);
  }
}

TEST_CASE("an xMatters person whose devices cannot be had just now is not taken for one without") {
  Desk desk([](const std::string&) {
    return answer(200, items(item("g", "2026-11-22T08:00:00Z", "2026-11-22T20:00:00Z", person("ada"))));
  });
  desk.devices = [](const std::string&) { return answer(500, ""); };
  desk.poll({"g"}, desk.window());
  CHECK(desk.answers.at(0).status == AnswerStatus::failed);
}

TEST_CASE("the address of an xMatters work device needs no further question, a private one does") {
  const auto device = [](const std::string& name, const std::string& address) {
    return R"({"member":{"id":"d","recipientType":"DEVICE","deviceType":"EMAIL","name":")" + name +
           R"(","emailAddress":")" + address + R"(","owner":{"id":"ada","firstName":"Ada"}}})";
  };
  std::string line = device("Work Email", "Ada@Example.com");
  Desk desk([&](const std::string&) {
    return answer(200, items(item("g", "2026-11-22T08:00:00Z", "2026-11-22T20:00:00Z", line)));
  });
  desk.poll({"g"}, desk.window());
  CHECK(desk.answers.at(0).shifts.at(0).responder->email == "ada@example.com");
  CHECK(desk.answers[0].shifts[0].responder->id == "ada");
  CHECK(desk.paths("/devices").empty());
  line = device("Home", "ada@home.example");
  desk.poll({"g"}, desk.window());
  CHECK(desk.answers.at(1).shifts.at(0).responder->email == "work@example.com");
  desk.devices = [](const std::string&) { return answer(200, R"({"data":[]})"); };
  desk.world.loop.advance(24h);
  desk.poll({"g"}, {*parse_rfc3339("2026-11-22T10:00:00Z"), *parse_rfc3339("2026-11-22T10:02:00Z")});
  CHECK(desk.answers.at(2).shifts.at(0).responder->email == "ada@home.example");
}

TEST_CASE("an unknown group does not spoil an xMatters batch, and is asked alone from then on") {
  Desk desk([](const std::string& path) {
    if (path.find("bad") != std::string::npos)
      return answer(404, R"({"code":404,"message":"no such group"})");
    return answer(200,
                  items(path.find("good") == std::string::npos
                            ? ""
                            : item("good", "2026-11-22T08:00:00Z", "2026-11-22T20:00:00Z", person("ada"))));
  });
  desk.poll({"good", "bad"}, desk.window());
  REQUIRE(desk.answers.size() == 2);
  CHECK(desk.answers[0].shifts.size() == 1);
  CHECK(desk.answers[1].status == AnswerStatus::ok);  // absent: the engine asks the group itself
  CHECK(desk.answers[1].shifts.empty());
  const auto before = desk.paths().size();
  desk.poll({"good", "bad"}, desk.window());
  CHECK(desk.paths().size() == before + 3);
}

TEST_CASE("an xMatters group that the key may not see is forbidden, not empty") {
  Desk desk([](const std::string& path) {
    if (path.find("secret") != std::string::npos) return answer(403, R"({"code":403,"message":"no"})");
    return answer(200, items(""));
  });
  desk.poll({"open", "secret"}, desk.window());
  REQUIRE(desk.answers.size() == 2);
  CHECK(desk.answers[0].status == AnswerStatus::ok);
  CHECK(desk.answers[1].status == AnswerStatus::forbidden);
}

TEST_CASE("a refused xMatters question stops the round and answers every group") {
  Desk desk([](const std::string&) { return answer(401, "<html>401</html>"); });
  std::vector<std::string> ids;
  for (int i = 0; i < 45; ++i) ids.push_back("g" + std::to_string(i));
  desk.poll(ids, desk.window());
  CHECK(desk.paths().size() == 1);
  REQUIRE(desk.answers.size() == 45);
  for (const auto& one : desk.answers) CHECK(one.error->kind == ErrorKind::unauthorized);
  CHECK_THAT(desk.answers[0].error->message, ContainsSubstring("REST web service role"));
}

TEST_CASE("xMatters' 429 without Retry-After makes the connection pause 60, 120 and 240 s") {
  Desk desk([](const std::string&) { return answer(429, "<html>"); });
  for (const auto pause : {60s, 120s, 240s, 240s}) {
    desk.poll({"g"}, desk.window());
    CHECK(desk.answers.back().error->kind == ErrorKind::rate_limited);
    REQUIRE(desk.provider->health().throttled_until);
    CHECK(*desk.provider->health().throttled_until == desk.world.loop.now() + pause);
    const auto before = desk.paths().size();
    desk.poll({"g"}, desk.window());
    CHECK(desk.paths().size() == before);
    desk.world.loop.advance(pause);
  }
  desk.reply = [](const std::string&) { return answer(200, items("")); };
  desk.poll({"g"}, desk.window());
  CHECK(desk.answers.back().status == AnswerStatus::ok);
  desk.reply = [](const std::string&) { return answer(429, "", {{"Retry-After", "7"}}); };
  desk.poll({"g"}, desk.window());
  CHECK(*desk.provider->health().throttled_until == desk.world.loop.now() + 7s);
}

TEST_CASE("an xMatters look-ahead joins the pieces of a shift, and does not vouch for the last") {
  Desk desk([](const std::string& path) {
    const auto today = item("g", "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z", person("ada"));
    if (!is_range(path)) return answer(200, items(today));
    return answer(
        200, items(today + "," + item("g", "2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z", person("ada")) +
                   "," + item("g", "2026-11-24T00:00:00Z", "2026-12-24T00:00:00Z", person("bo"))));
  });
  const auto window = desk.window(days{8});
  desk.world.loop.run_until_done(desk.provider->look_ahead({"g"}, window, desk.sink()));
  // Now, until its pages have surely been read, and from there on.
  REQUIRE(desk.paths().size() == 3);
  CHECK_THAT(desk.paths()[1], ContainsSubstring("&to=2026-11-22T09%3A15%3A01Z&"));
  CHECK_THAT(desk.paths()[2], ContainsSubstring("&from=2026-11-22T09%3A15%3A01Z&"));
  const auto& one = desk.answers.at(0);
  CHECK(one.window == window);
  REQUIRE(one.shifts.size() == 2);
  CHECK(one.shifts[0].end == *parse_rfc3339("2026-11-24T00:00:00Z"));
  CHECK_FALSE(one.shifts[0].end_unknown);
  CHECK(one.shifts[1].end_unknown);
}

TEST_CASE("xMatters groups are confirmed by themselves") {
  std::string group = R"({"id":"g","targetName":"Platform","status":"ACTIVE"})";
  int status = 200;
  Desk desk([&](const std::string& path) {
    if (path == "/api/xm/1/groups/g") return answer(status, group);
    if (path.starts_with("/api/xm/1/groups?")) return answer(200, items(""));
    return answer(200, items(item("g", "2026-11-22T08:00:00Z", "2026-11-22T20:00:00Z", person("ada"))));
  });
  const auto confirm = [&] {
    return desk.world.loop.run_until_done(desk.provider->confirm("g", desk.window()));
  };
  auto one = confirm();
  CHECK(one.status == AnswerStatus::ok);
  CHECK(one.from_schedule);
  CHECK(one.schedule_name == "Platform");
  CHECK(one.shifts.size() == 1);
  group = R"({"id":"g","targetName":"Platform","status":"INACTIVE"})";
  one = confirm();
  CHECK(one.status == AnswerStatus::ok);
  CHECK(one.from_schedule);
  CHECK(one.shifts.empty());
  status = 404;
  CHECK(confirm().status == AnswerStatus::gone);
  status = 403;
  CHECK(confirm().status == AnswerStatus::forbidden);
  status = 502;
  CHECK(confirm().status == AnswerStatus::failed);
  status = 200;
  group = "<html>";
  CHECK(confirm().status == AnswerStatus::failed);
}

TEST_CASE("an xMatters group is gone only if the list of groups goes without it") {
  auto list = answer(404, "<html>");
  Desk desk([&](const std::string& path) {
    if (path.starts_with("/api/xm/1/groups?")) return list;
    return answer(404, R"({"code":404,"message":"not found"})");
  });
  const auto confirm = [&] {
    return desk.world.loop.run_until_done(desk.provider->confirm("g", desk.window())).status;
  };
  CHECK(confirm() == AnswerStatus::failed);  // every path is refused
  list = answer(200, items(R"({"id":"g","targetName":"Platform"})"));
  CHECK(confirm() == AnswerStatus::failed);
  list = answer(200, items(R"({"id":"other","targetName":"Other"})"));
  CHECK(confirm() == AnswerStatus::gone);
}

TEST_CASE("xMatters that does not know any group is a broken connection, not one without people") {
  Desk desk([](const std::string&) { return answer(404, "<html>"); });
  const std::vector<std::string> ids =
      GENERATE(std::vector<std::string>{"a"}, std::vector<std::string>{"a", "b"});
  desk.poll(ids, desk.window());
  REQUIRE(desk.answers.size() == ids.size());
  for (const auto& one : desk.answers) CHECK(one.status == AnswerStatus::failed);
}

TEST_CASE("xMatters' groups are listed over all pages, sorted") {
  Desk desk([](const std::string& path) {
    if (path.find("offset=0") != std::string::npos) {
      return answer(
          200, items(R"({"id":"2","targetName":"Zeta"},{"id":"b","targetName":"B","groupType":"BROADCAST"})",
                     R"(,"total":3)"));
    }
    return answer(200, items(R"({"id":"1","targetName":"Alpha"})", R"(,"total":3)"));
  });
  const auto groups = desk.world.loop.run_until_done(desk.provider->list_schedules());
  REQUIRE(groups);
  REQUIRE(groups->size() == 2);
  CHECK((*groups)[0].name == "Alpha");
  CHECK((*groups)[1].name == "Zeta");
  CHECK(desk.paths("/groups").at(1) == "/api/xm/1/groups?groupType=ON_CALL&offset=2&limit=100");
  const auto verified = desk.world.loop.run_until_done(desk.provider->verify());
  REQUIRE(verified);
  CHECK(*verified == "acme.xmatters.com, 3 groups");
}

TEST_CASE("an xMatters connection is checked before anything is sent") {
  fakes::World world([](const net::HttpRequest&) { return answer(200, ""); });
  world.context.allowed_hosts["xmatters"] = {"acme.xmatters.com.au"};
  const auto adapter = xmatters_adapter();
  const auto prepare = [&](const std::function<void(Connection&)>& change) {
    auto connection = xmatters_connection();
    change(connection);
    return adapter.prepare(std::move(connection), world.context);
  };
  CHECK(prepare([](Connection&) {})->settings.at("host") == "acme.xmatters.com");
  CHECK(prepare([](Connection& c) { c.settings["host"] = "acme.xmatters.com.au"; }));
  CHECK(prepare([](Connection& c) { c.settings["base_url"] = "http://127.0.0.1:8080"; }));
  struct Row {
    std::function<void(Connection&)> change;
    std::string says;
  };
  const std::vector<Row> rows{
      {[](Connection& c) { c.settings.erase("host"); }, "--host"},
      {[](Connection& c) { c.settings["host"] = "acme.example.com"; }, "--host"},
      // Another base URL does not excuse a wrong host.
      {[](Connection& c) {
         c.settings["base_url"] = "http://127.0.0.1:8080";
         c.settings["host"] = "127.0.0.1";
       },
       "--host"},
      {[](Connection& c) { c.settings["base_url"] = "http://example.com"; }, "--base-url"},
      {[](Connection& c) { c.settings["base_url"] = "https://example.com/api"; }, "--base-url"},
      {[](Connection& c) { c.secrets.erase("api_key"); }, "--api-key-file"},
      {[](Connection& c) { c.secrets["api_key"] = Secret("key:secret"); }, "--api-key-file"},
      {[](Connection& c) { c.secrets["api_secret"] = Secret(" \n"); }, "--api-secret-file"},
      {[](Connection& c) { c.settings["region"] = "eu"; }, "region"},
  };
  for (const auto& row : rows) {
    const auto refused = prepare(row.change);
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().message, ContainsSubstring(row.says));
  }
  CHECK(world.http.requests.empty());
}
