#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "net/http.hpp"
#include "net/loop.hpp"
#include "providers/provider.hpp"
#include "tests/support/sim_loop.hpp"

namespace watchbill::providers::fakes {

/// A system on the other side of the wire: a function from request to answer. Answers take `latency`.
class Http final : public net::HttpClient {
 public:
  using Answer = std::function<Result<net::HttpResponse>(const net::HttpRequest&)>;
  Http(net::Loop& loop, Answer reply) : answer(std::move(reply)), loop_(loop) {}

  net::Task<Result<net::HttpResponse>> send(net::HttpRequest request) override {
    requests.push_back(request);
    ++in_flight;
    most_in_flight = std::max(most_in_flight, in_flight);
    struct Landing {
      int& count;
      ~Landing() { --count; }
    } landing{in_flight};
    co_await net::sleep_for(loop_, latency);
    co_return answer(request);
  }

  Answer answer;
  milliseconds latency = 10ms;
  std::vector<net::HttpRequest> requests;
  int in_flight = 0;
  int most_in_flight = 0;

 private:
  net::Loop& loop_;
};

/// Remembers what it was told to keep; refuses while `broken`.
class Keeper final : public TokenKeeper {
 public:
  net::Task<Result<void>> keep(std::string connection, std::map<std::string, std::string> settings,
                               std::map<std::string, Secret> secrets) override {
    ++calls;
    if (broken) co_return fail(ErrorKind::storage, "the disk is full");
    stored.name = connection;
    for (const auto& [key, value] : settings) stored.settings[key] = value;
    for (const auto& [key, value] : secrets) stored.secrets[key] = value;
    co_return Result<void>{};
  }
  Connection stored{};
  bool broken = false;
  int calls = 0;
};

inline net::HttpResponse answer(int status, std::string body, net::Headers headers = {}) {
  net::HttpResponse response;
  response.status = status;
  response.headers = std::move(headers);
  response.body = std::move(body);
  return response;
}

/// Everything an adapter needs, of fakes.
struct World {
  explicit World(Http::Answer reply) : http(loop, std::move(reply)) {}
  test::SimLoop loop;
  Http http;
  Keeper keeper;
  AdapterContext context{loop, http, keeper, {}};
};

}  // namespace watchbill::providers::fakes
