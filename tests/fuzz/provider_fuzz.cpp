#include <array>
#include <cstdlib>
#include <set>

#include "providers/provider.hpp"
#include "tests/support/sim_loop.hpp"

// libFuzzer target: any bytes are what a scheduling system answers to whatever it is asked. The first byte
// picks the adapter; the rest, cut at each 0xff, is the row of answers: a byte for the status and the body.
// However broken they are, every schedule gets exactly one answer, and one that says ok has no error.

namespace {

using namespace watchbill;
using namespace watchbill::providers;

/// Answers after which even endless paging has to end.
constexpr std::size_t kMostRequests = 300;

class Http final : public net::HttpClient {
 public:
  Http(net::Loop& loop, std::string_view script) : loop_(loop) {
    while (!script.empty()) {
      const auto cut = std::min(script.find('\xff'), script.size());
      answers_.push_back(script.substr(0, cut));
      script.remove_prefix(std::min(cut + 1, script.size()));
    }
  }
  net::Task<Result<net::HttpResponse>> send(net::HttpRequest request) override {
    if (!request.url.starts_with("http://127.0.0.1:1/")) std::abort();
    co_await net::sleep_for(loop_, 1ms);
    const auto number = sent_++;
    if (number >= kMostRequests || answers_.empty()) co_return fail(ErrorKind::unreachable, "that is enough");
    const auto answer = answers_[number % answers_.size()];
    net::HttpResponse response;
    static constexpr std::array kStatus{200, 200, 200, 200, 201, 400, 401, 403, 404, 429, 500, 302};
    const auto first = answer.empty() ? 0U : static_cast<unsigned char>(answer[0]);
    response.status = kStatus[first % kStatus.size()];
    response.body = std::string(answer.empty() ? answer : answer.substr(1));
    co_return response;
  }

 private:
  net::Loop& loop_;
  std::vector<std::string_view> answers_;
  std::size_t sent_ = 0;
};

class Keeper final : public TokenKeeper {
 public:
  net::Task<Result<void>> keep(std::string, std::map<std::string, std::string>,
                               std::map<std::string, Secret>) override {
    co_return Result<void>{};
  }
};

Connection connection(std::string_view kind) {
  Connection made;
  made.name = "conn";
  made.kind = kind;
  made.settings["base_url"] = "http://127.0.0.1:1";
  if (kind == "xmatters") made.settings["host"] = "acme.xmatters.com";
  if (kind == "pagerduty") {
    made.settings["identity_url"] = "http://127.0.0.1:1";
    made.settings["client_id"] = "id";
    made.settings["subdomain"] = "acme";
    made.secrets["client_secret"] = Secret("s");
    return made;
  }
  if (kind == "jsm") {
    made.settings["site"] = "acme.atlassian.net";
    made.settings["email"] = "a@example.com";
    made.secrets["api_token"] = Secret("t");
    return made;
  }
  made.secrets["api_key"] = Secret("k");
  if (kind == "xmatters") made.secrets["api_secret"] = Secret("s");
  return made;
}

void check(const ScheduleAnswer& answer) {
  if ((answer.status == AnswerStatus::ok) == answer.error.has_value()) std::abort();
  if (answer.status != AnswerStatus::ok && !answer.shifts.empty()) std::abort();
  for (const auto& shift : answer.shifts) {
    if (shift.responder->id.empty() || shift.responder->connection != "conn") std::abort();
  }
}

void ask(Provider& provider, test::SimLoop& loop) {
  const std::vector<std::string> ids{"S1", "S2", "S3"};
  const Window window{loop.now(), loop.now() + 2min};
  for (const bool ahead : {false, true}) {
    std::multiset<std::string> answered;
    const AnswerSink sink = [&](ScheduleAnswer answer) {
      check(answer);
      answered.insert(answer.schedule.id);
    };
    loop.run_until_done(ahead ? provider.look_ahead(ids, window, sink) : provider.poll(ids, window, sink));
    if (answered != std::multiset<std::string>(ids.begin(), ids.end())) std::abort();
  }
  check(loop.run_until_done(provider.confirm("S1", window)));
  (void)loop.run_until_done(provider.list_schedules());
  (void)loop.run_until_done(provider.verify());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Errors name the path of a value by a walk from the root, so long texts are quadratic.
  if (size == 0 || size > 4000) return 0;
  const std::string_view script(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto& adapter = adapters()[data[0] % adapters().size()];
  test::SimLoop loop;
  Http http(loop, script);
  Keeper keeper;
  const AdapterContext context{loop, http, keeper, {}};
  const auto prepared = adapter.prepare(connection(adapter.kind), context);
  if (!prepared) std::abort();
  ask(*adapter.shifts(*prepared, context), loop);
  return 0;
}
