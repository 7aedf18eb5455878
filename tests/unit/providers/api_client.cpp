#include "providers/api_client.hpp"

#include <algorithm>
#include <set>

#include "core/connection_address.hpp"
#include "providers/support.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/providers/fakes.hpp"

using namespace watchbill;
using namespace watchbill::providers;
using Catch::Matchers::ContainsSubstring;
using fakes::answer;

namespace {

struct Bench {
  explicit Bench(fakes::Http::Answer reply, std::size_t concurrency = 1) : world(std::move(reply)) {
    options.system = "Acme";
    options.base_url = "https://api.acme.example";
    options.concurrency = concurrency;
    options.explain = [](const net::HttpResponse& response) {
      return explain_status("Acme", response, "", "");
    };
    options.jitter = [] { return 0.0; };
    client.emplace(world.loop, world.http, options);
  }
  Result<json::Document> get(const std::string& target) {
    return world.loop.run_until_done(client->get_json(target, Secret("key")));
  }
  fakes::World world;
  ApiOptions options;
  std::optional<ApiClient> client;
};

net::Task<void> get_into(ApiClient& client, std::string target, std::vector<std::string>& out) {
  auto document = co_await client.get_json(target, Secret("key"));
  out.push_back(target + (document ? " ok" : " " + std::string(name_of(document.error().kind))));
}

}  // namespace

TEST_CASE("credentials go to the connection's own origin and nowhere else") {
  Bench bench([](const net::HttpRequest&) { return answer(200, "{}"); });
  CHECK(bench.get("/a?b=1").ok());
  CHECK(bench.get("https://api.acme.example/next").ok());
  CHECK(bench.get("https://API.acme.example:443/next").ok());
  for (const auto& link :
       {"https://evil.example/next", "https://api.acme.example.evil.example/", "//evil.example/x",
        "http://api.acme.example/next", "https://api.acme.example:8443/next", "https://key@api.acme.example/",
        "next", "", "ftp://api.acme.example/"}) {
    CAPTURE(link);
    const auto before = bench.world.http.requests.size();
    const auto got = bench.get(link);
    if (got) {
      CHECK(bench.world.http.requests.back().url.starts_with("https://api.acme.example/"));
    } else {
      CHECK(got.error().kind == ErrorKind::unreadable);
      CHECK(bench.world.http.requests.size() == before);
    }
  }
}

TEST_CASE("requests of one connection go one after another, in order") {
  Bench bench([](const net::HttpRequest&) { return answer(200, "{}"); });
  std::vector<std::string> done;
  net::TaskScope scope;
  for (const auto* target : {"/a", "/b", "/c"}) scope.spawn(get_into(*bench.client, target, done));
  bench.world.loop.advance(1s);
  CHECK(done == std::vector<std::string>{"/a ok", "/b ok", "/c ok"});
  CHECK(bench.world.http.most_in_flight == 1);
}

TEST_CASE("a task that goes while it waits gives its place to the next") {
  Bench bench([](const net::HttpRequest&) { return answer(200, "{}"); });
  std::vector<std::string> done;
  net::TaskScope keep;
  {
    net::TaskScope go;
    go.spawn(get_into(*bench.client, "/a", done));
    go.spawn(get_into(*bench.client, "/b", done));
    keep.spawn(get_into(*bench.client, "/c", done));
  }
  bench.world.loop.advance(1s);
  CHECK(done == std::vector<std::string>{"/c ok"});
  // The place was granted, but its taker had not run yet.
  {
    net::TaskScope go;
    go.spawn(get_into(*bench.client, "/d", done));
    go.spawn(get_into(*bench.client, "/e", done));
    bench.world.loop.advance(10ms);
  }
  keep.spawn(get_into(*bench.client, "/f", done));
  bench.world.loop.advance(1s);
  CHECK(done.back() == "/f ok");
}

TEST_CASE("concurrency is a number") {
  Bench bench([](const net::HttpRequest&) { return answer(200, "{}"); }, 2);
  std::vector<std::string> done;
  net::TaskScope scope;
  for (int i = 0; i < 5; ++i) scope.spawn(get_into(*bench.client, "/x", done));
  bench.world.loop.advance(1s);
  CHECK(done.size() == 5);
  CHECK(bench.world.http.most_in_flight == 2);
}

TEST_CASE("after a 429 the next calls fail at once until the pause is over") {
  bool limited = true;
  Bench bench([&](const net::HttpRequest&) {
    return limited ? answer(429, "", {{"Retry-After", "30"}}) : answer(200, "{}");
  });
  const auto first = bench.get("/a");
  CHECK(first.error().kind == ErrorKind::rate_limited);
  CHECK(first.error().retry_after == 30s);
  CHECK(bench.client->health().throttled_until == bench.world.loop.now() + 30s);
  limited = false;
  bench.world.loop.advance(10s);
  const auto second = bench.get("/b");
  CHECK(second.error().kind == ErrorKind::rate_limited);
  CHECK(second.error().retry_after == 20s);
  CHECK(bench.world.http.requests.size() == 1);
  // The last two seconds are worth waiting for.
  bench.world.loop.advance(18s);
  CHECK(bench.get("/c").ok());
  CHECK_FALSE(bench.client->health().throttled_until);
}

TEST_CASE("those that queue behind a 429 are not sent") {
  Bench bench([&](const net::HttpRequest&) { return answer(429, "", {{"Retry-After", "30"}}); });
  std::vector<std::string> done;
  net::TaskScope scope;
  for (int i = 0; i < 4; ++i) scope.spawn(get_into(*bench.client, "/x", done));
  bench.world.loop.advance(1s);
  CHECK(done == std::vector<std::string>(4, "/x rate_limited"));
  CHECK(bench.world.http.requests.size() == 1);
}

TEST_CASE("without a word about how long, pauses double from 5 s to 5 min") {
  CHECK(backoff(0, 0.0) == 5s);
  CHECK(backoff(1, 0.0) == 10s);
  CHECK(backoff(1, 1.0) == 5s);
  CHECK(backoff(6, 0.0) == 5min);
  CHECK(backoff(1000000, 0.0) == 5min);

  Bench bench([&](const net::HttpRequest&) { return answer(429, ""); });
  CHECK(bench.get("/a").error().retry_after == 5s);
  bench.world.loop.advance(5s);
  CHECK(bench.get("/b").error().retry_after == 10s);
}

TEST_CASE("an API's own header can ask for a pause on a good answer") {
  Bench bench([](const net::HttpRequest&) { return answer(200, "{}", {{"left", "0"}}); });
  bench.options.pause = [](const net::HttpResponse& response) -> std::optional<milliseconds> {
    if (response.header("left") == "0") return 20s;
    return std::nullopt;
  };
  bench.client.emplace(bench.world.loop, bench.world.http, bench.options);
  CHECK(bench.get("/a").ok());
  CHECK(bench.get("/b").error().kind == ErrorKind::rate_limited);
}

TEST_CASE("Retry-After is seconds or a date of the server's clock") {
  const auto now = *parse_rfc3339("2026-10-05T07:00:00Z");
  const auto of = [&](const std::string& value, std::optional<seconds> skew = std::nullopt) {
    auto response = answer(503, "", {{"retry-after", value}});
    response.clock_skew = skew;
    return retry_after(response, now);
  };
  CHECK(of("30") == 30s);
  CHECK(of("-5") == 0s);
  CHECK(of("99999999999") == 1h);
  CHECK(of("Mon, 05 Oct 2026 07:01:00 GMT") == 60s);
  CHECK(of("Mon, 05 Oct 2026 07:01:00 GMT", 20s) == 40s);
  CHECK_FALSE(of("soon"));
  CHECK_FALSE(of(""));
  CHECK_FALSE(retry_after(answer(503, ""), now));
}

TEST_CASE("health counts requests and failures and remembers the clock") {
  int number = 0;
  Bench bench([&](const net::HttpRequest&) -> Result<net::HttpResponse> {
    auto response = answer(200, "{}");
    response.clock_skew = 3s;
    if (++number == 2) return fail(ErrorKind::timeout, "no answer");
    if (number == 3) response.status = 500;
    if (number == 4) response.body = "<html>";
    return response;
  });
  CHECK(bench.get("/1").ok());
  CHECK(bench.get("/2").error().kind == ErrorKind::timeout);
  CHECK(bench.get("/3").error().kind == ErrorKind::server);
  CHECK(bench.get("/4").error().kind == ErrorKind::unreadable);
  CHECK(bench.client->health().requests == 4);
  CHECK(bench.client->health().failures == 3);
  CHECK(bench.client->health().clock_skew == 3s);
}

TEST_CASE("addresses are compared in lower case, and only addresses are addresses") {
  CHECK(clean_email(" Ada@Example.COM\n") == "ada@example.com");
  CHECK_FALSE(clean_email("ada"));
  CHECK_FALSE(clean_email(""));
}

TEST_CASE("known users are asked for again after a day") {
  UserCache cache;
  const SteadyInstant start{};
  cache.put("U1", {"Ada", "ada@example.com"}, start);
  REQUIRE(cache.find("U1", start + 23h));
  CHECK(cache.find("U1", start + 23h)->email == "ada@example.com");
  CHECK_FALSE(cache.find("U1", start + 24h));
  CHECK_FALSE(cache.find("U2", start));
}

TEST_CASE("an unknown kind of system lists those there are") {
  CHECK(find_adapter("pagerduty").ok());
  CHECK_THAT(find_adapter("zoom").error().message, ContainsSubstring("pagerduty, opsgenie, jsm, xmatters"));
}

TEST_CASE("a system that repeats the credentials in what it answers gives them to nobody") {
  const std::string key = "u+Ab/9xQ-7kLm&2";
  net::HttpResponse reply;
  fakes::World world([&](const net::HttpRequest&) { return reply; });
  ApiOptions options;
  options.system = "Acme";
  options.base_url = "https://api.acme.example";
  options.secrets["old_key"] = Secret("the-other-credential");
  options.explain = [](const net::HttpResponse& response) {
    return explain_status("Acme", response, response.body.substr(0, 12),
                          response.header("X-Code").value_or(""));
  };
  ApiClient client(world.loop, world.http, options);
  const auto get = [&] { return world.loop.run_until_done(client.get_json("/a", Secret("Key " + key))); };

  // Cut in the middle of the credential, and as a code.
  reply = answer(401, "no " + key, {{"X-Code", key}});
  auto got = get();
  REQUIRE_FALSE(got);
  CHECK(got.error().message == "Acme refuses the credentials (status 401, no …)");
  CHECK(got.error().code == "…");
  // As a name.
  reply = answer(200, R"({"name":")" + key + R"( and the-other-credential"})");
  got = get();
  REQUIRE(got);
  CHECK(got->root()["name"].string_or("") == "… and …");
  // Where it asked for no JSON at all.
  reply = answer(200, key, {{"Content-Type", key}});
  got = get();
  REQUIRE_FALSE(got);
  CHECK(got.error().message.find(key) == std::string::npos);
}

TEST_CASE("a token that is given is taken as it is, though it may be the one that was sent") {
  net::HttpResponse reply = answer(200, R"({"refresh_token":"refresh-1"})");
  fakes::World world([&](const net::HttpRequest&) { return reply; });
  ApiOptions options;
  options.system = "Acme";
  options.base_url = "https://api.acme.example";
  options.explain = [](const net::HttpResponse& response) {
    return explain_status("Acme", response, response.body, "");
  };
  ApiClient client(world.loop, world.http, options);
  const auto ask = [&] {
    ApiRequest request;
    request.method = "POST";
    request.target = "/oauth/token";
    request.body = "grant_type=refresh_token&refresh_token=refresh-1";
    request.body_is_secret = true;
    return world.loop.run_until_done(client.send(std::move(request)));
  };
  CHECK(ask().value().body == R"({"refresh_token":"refresh-1"})");
  reply = answer(400, "refresh-1 is unknown");
  const auto refused = ask();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "Acme refuses the request (status 400, … is unknown)");
}

TEST_CASE("every option of an adapter is a secret, an address that secrets are sealed for, or a name") {
  // Neither secret, nor does it change where secrets go.
  const std::set<std::string> names{"client_id", "email"};
  for (const auto& adapter : adapters()) {
    for (const auto& option : adapter.options) {
      INFO(adapter.kind << ": --" << option.flag);
      const bool address =
          std::find(kAddressSettings.begin(), kAddressSettings.end(), option.key) != kAddressSettings.end();
      CHECK(int{option.secret} + int{address} + int{names.contains(option.key)} == 1);
    }
  }
}
