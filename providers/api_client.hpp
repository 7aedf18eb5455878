#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/json.hpp"
#include "base/secret.hpp"
#include "net/http.hpp"
#include "net/loop.hpp"
#include "net/redact.hpp"
#include "providers/provider.hpp"

namespace watchbill::providers {

/// A fixed number of places, handed out in the order in which they were asked for.
class Slots {
 public:
  Slots(net::Loop& loop, std::size_t places) : loop_(loop), free_(places) {}
  Slots(const Slots&) = delete;
  Slots& operator=(const Slots&) = delete;

  /// A place; it is given back when this goes.
  class [[nodiscard]] Place {
   public:
    explicit Place(Slots* slots) : slots_(slots) {}
    Place(Place&& other) noexcept : slots_(std::exchange(other.slots_, nullptr)) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (slots_) slots_->give_back();
    }

   private:
    Slots* slots_;
  };

  class [[nodiscard]] Awaiter {
   public:
    explicit Awaiter(Slots& slots) : slots_(slots) {}
    Awaiter(const Awaiter&) = delete;
    Awaiter& operator=(const Awaiter&) = delete;
    ~Awaiter();
    bool await_ready() noexcept;
    void await_suspend(std::coroutine_handle<> waiting);
    Place await_resume() noexcept;

   private:
    friend class Slots;
    enum class State { idle, queued, granted, taken };
    Slots& slots_;
    State state_ = State::idle;
    std::coroutine_handle<> waiting_;
    std::list<Awaiter*>::iterator position_;
    net::Timer wake_;
  };
  /// `auto place = co_await slots.take();`
  Awaiter take() { return Awaiter{*this}; }

 private:
  void give_back();

  net::Loop& loop_;
  std::size_t free_;
  std::list<Awaiter*> queue_;
};

/// One piece of work that several callers want at the same time: the first starts it, all wait for it and get
/// its result. It goes on when a caller goes; it ends when this object goes.
class SharedWork {
 public:
  explicit SharedWork(net::Loop& loop) : loop_(loop) {}
  /// `start` is only called if nothing is under way.
  net::Task<Result<void>> join(std::function<net::Task<Result<void>>()> start);
  [[nodiscard]] bool under_way() const { return round_ != nullptr; }

 private:
  struct Round {
    explicit Round(net::Loop& loop) : done(loop) {}
    std::optional<Result<void>> result;
    net::Signal done;
  };
  net::Task<void> run(std::shared_ptr<Round> round, net::Task<Result<void>> work);

  net::Loop& loop_;
  std::shared_ptr<Round> round_;
  net::TaskScope scope_;
};

/// How to talk to one system.
struct ApiOptions {
  std::string system;    ///< "PagerDuty": stands in errors
  std::string base_url;  ///< an origin (`check_base_url`); nothing is ever sent anywhere else
  /// Requests at the same time; the others queue in order.
  std::size_t concurrency = 1;
  milliseconds deadline{15s};
  std::size_t max_body = std::size_t{16} << 20U;
  /// Sent with every request.
  net::Headers headers{};
  /// The connection's: taken out of whatever the system answers, like those of the request itself.
  std::map<std::string, Secret> secrets{};
  /// What an answer means: nothing if it is a success. Pure, one per API. The body may be anything but a
  /// credential of ours.
  std::function<std::optional<Error>(const net::HttpResponse&)> explain;
  /// How long the API's own headers ask us to pause; consulted for every answer that has no `Retry-After`.
  std::function<std::optional<milliseconds>(const net::HttpResponse&)> pause{};
  /// Random numbers in [0, 1) for the backoff; by default a generator of its own.
  std::function<double()> jitter{};
};

struct ApiRequest {
  std::string method = "GET";
  /// "/path?query", or an absolute link that the system gave us: one to another origin is refused.
  std::string target;
  Secret authorization{};
  std::string body{};
  net::Headers headers{};
  bool body_is_secret = false;
};

/// Requests to the one origin of a connection: queued, throttled, counted, explained.
class ApiClient {
 public:
  ApiClient(net::Loop& loop, net::HttpClient& http, ApiOptions options);

  /// A successful answer, or why there is none. While the system wants us to pause, short waits (up to 2 s)
  /// are waited for and all others fail at once as `rate_limited`.
  net::Task<Result<net::HttpResponse>> send(ApiRequest request);
  /// A successful answer's JSON. Anything else than JSON is `unreadable`.
  net::Task<Result<json::Document>> get_json(std::string target, Secret authorization);

  [[nodiscard]] ConnectionHealth health() const;
  [[nodiscard]] const std::string& base_url() const { return options_.base_url; }

 private:
  [[nodiscard]] Result<std::string> resolve(const std::string& target) const;
  [[nodiscard]] std::optional<Error> throttled() const;
  [[nodiscard]] milliseconds pause_left() const;
  [[nodiscard]] std::shared_ptr<const net::Redactor> redactor_for(const net::HttpRequest& request);
  void note_answer(const net::HttpResponse& response);

  net::Loop& loop_;
  net::HttpClient& http_;
  ApiOptions options_;
  Slots slots_;
  net::Redactor redactor_;  ///< of the connection's secrets
  /// Of them and of the authorization that was used last: mostly that of the next request, too.
  std::shared_ptr<const net::Redactor> last_redactor_;
  Secret last_authorization_;
  std::optional<SteadyInstant> paused_until_;
  int refusals_ = 0;
  std::optional<seconds> clock_skew_;
  std::uint64_t requests_ = 0;
  std::uint64_t failures_ = 0;
};

/// How long to wait after the n-th refusal in a row (from 0) that did not say: 5 s, doubled each time, at
/// most 5 min, of which `jitter` (0 to 1) takes up to half away.
milliseconds backoff(int refusals, double jitter);
/// `Retry-After`: seconds or an HTTP date (RFC 9110, section 10.2.3). Negative is 0, and at most an hour.
std::optional<milliseconds> retry_after(const net::HttpResponse& response, Instant now);
/// What a status means in every API; nothing for 2xx. `detail` is the system's own words, may be empty.
std::optional<Error> explain_status(std::string_view system, const net::HttpResponse& response,
                                    std::string_view detail, std::string_view code);
/// Parses an answer's body; the error says what came instead.
Result<json::Document> parse_body(std::string_view system, const net::HttpResponse& response);

}  // namespace watchbill::providers
