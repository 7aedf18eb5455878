#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "net/event_loop.hpp"
#include "net/http_server.hpp"
#include "sandbox/clock.hpp"
#include "sandbox/world.hpp"

/// What stands before every server: faults, rate limits and the request log.
namespace watchbill::sandbox {

/// What a server says, and the vendor's own error code for the log.
struct Answer {
  int status = 200;
  net::Headers headers{};
  std::string body{};
  std::string error{};
};

/// "GET /oncalls" or a Slack method, and all that was sent, decoded: what faults are matched against.
struct Call {
  System system = System::slack;
  std::string label;
  std::string sent;
};

/// A disturbance that somebody asked for by {"do":"fault"}.
struct Fault {
  std::optional<System> system;  ///< nothing: all
  std::string kind;              ///< "429", "hang", ...: see control.hpp
  std::string match;             ///< part of the label and path; empty: any
  std::string with;              ///< part of what was sent; empty: any
  std::string code;              ///< Slack's error code for kind "error"
  std::int64_t times = -1;       ///< how often; -1: until cleared
  Instant until = kNever;
  bool after = false;  ///< the request takes effect, then its answer is lost
  bool bare = false;   ///< 429 without headers and body
  seconds retry_after{1};
  milliseconds slow{0};
  std::size_t megabytes = 50;
};

/// At most `calls` in any `span`, by key. With a scale of 60 both shrink: `calls` in any span/60.
class RateLimiter {
 public:
  bool off = false;
  double scale = 1;

  /// Takes one call. Nothing: it may go on; else how long until it may.
  std::optional<milliseconds> take(const std::string& key, std::size_t calls, milliseconds span, Instant now);
  /// How many calls are left in the window that ends now.
  [[nodiscard]] std::size_t left(const std::string& key, std::size_t calls) const;
  void clear() { windows_.clear(); }

 private:
  std::map<std::string, std::deque<Instant>> windows_;
};

struct LogEntry {
  std::uint64_t seq = 0;
  Instant at{};
  System system = System::slack;
  std::string method;
  std::string path;   ///< with the query; Slack: the method
  std::string fault;  ///< the kind of the fault that struck, or empty
  std::string error;
  int status = 0;  ///< 0: no answer was sent
  milliseconds took{0};
};

class Front {
 public:
  using Handler = std::function<Answer(const net::ServerRequest&)>;
  Front(net::Loop& loop, const WorldClock& clock) : loop_(loop), clock_(clock) {}

  net::Task<net::ServerResponse> serve(System system, net::ServerRequest request, const Handler& handler);

  std::deque<Fault> faults;
  RateLimiter rate;
  std::deque<LogEntry> log;
  /// Answers by system, label and status ("200", "429", "none").
  std::map<std::tuple<System, std::string, std::string>, std::uint64_t> counters;
  std::uint64_t next_seq = 1;
  std::map<System, milliseconds> skew;  ///< the servers' `Date` minus ours

 private:
  std::optional<Fault> strike(const Call& call, const std::string& path);
  void record(LogEntry entry, const Call& call);

  net::Loop& loop_;
  const WorldClock& clock_;
};

/// The same JSON with every leaf of another type: text becomes a number, numbers text, and so on. Slack's
/// `ok` stays, so that the rest is read at all.
std::string wrong_types(std::string_view json);

}  // namespace watchbill::sandbox
