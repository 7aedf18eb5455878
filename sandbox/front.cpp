#include "sandbox/front.hpp"

#include <cmath>

#include "base/json.hpp"
#include "sandbox/faults.hpp"

namespace watchbill::sandbox {
namespace {

/// The log's length; the counters go on.
constexpr std::size_t kLogKept = 50'000;
/// Longer than any client waits.
constexpr milliseconds kForEver = 10min;

Call describe(System system, const net::ServerRequest& request) {
  Call call{system, {}, {}};
  if (system == System::slack) {
    constexpr std::string_view kApi = "/api/";
    // Other paths hold a secret: the addresses that an app answers commands to.
    call.label = request.path.starts_with(kApi) ? request.path.substr(kApi.size()) : "response_url";
  } else {
    call.label = request.method + " " + request.path;
  }
  for (const auto& [name, value] : request.query) call.sent += fmt::format("{}={}\n", name, value);
  call.sent += net::percent_decode(request.body, true);
  return call;
}

std::string path_and_query(const net::ServerRequest& request) {
  if (request.query.empty()) return request.path;
  return request.path + "?" + net::encode_form(request.query);
}

}  // namespace

std::optional<milliseconds> RateLimiter::take(const std::string& key, std::size_t calls, milliseconds span,
                                              Instant now) {
  if (off) return std::nullopt;
  auto& window = windows_[key];
  const milliseconds width(static_cast<std::int64_t>(std::ceil(static_cast<double>(span.count()) / scale)));
  while (!window.empty() && window.front() + width <= now) window.pop_front();
  if (window.size() >= calls) return window.front() + width - now;
  window.push_back(now);
  return std::nullopt;
}

std::size_t RateLimiter::left(const std::string& key, std::size_t calls) const {
  const auto found = windows_.find(key);
  const auto used = found == windows_.end() ? 0 : found->second.size();
  return used >= calls ? 0 : calls - used;
}

std::optional<Fault> Front::strike(const Call& call, const std::string& path) {
  const auto now = clock_.now();
  std::erase_if(faults, [&](const Fault& f) { return f.times == 0 || f.until <= now; });
  for (auto& fault : faults) {
    if (fault.system && *fault.system != call.system) continue;
    if (call.label.find(fault.match) == std::string::npos && path.find(fault.match) == std::string::npos)
      continue;
    if (call.sent.find(fault.with) == std::string::npos && path.find(fault.with) == std::string::npos)
      continue;
    if (fault.times > 0) --fault.times;
    return fault;
  }
  return std::nullopt;
}

void Front::record(LogEntry entry, const Call& call) {
  const auto outcome = entry.status == 0 ? std::string("none") : fmt::format("{}", entry.status);
  ++counters[{entry.system, call.label, outcome}];
  entry.seq = next_seq++;
  log.push_back(std::move(entry));
  if (log.size() > kLogKept) log.pop_front();
}

net::Task<net::ServerResponse> Front::serve(System system, net::ServerRequest request,
                                            const Handler& handler) {
  const auto arrived = loop_.steady_now();
  const auto call = describe(system, request);
  LogEntry entry;
  entry.at = clock_.now();
  entry.system = system;
  entry.method = request.method;
  entry.path = system == System::slack ? call.label : path_and_query(request);

  const auto fault = strike(call, path_and_query(request));
  Disturbed out;
  if (fault) {
    entry.fault = fault->kind;
    if (!fault->after && fault->slow > milliseconds(0)) co_await net::sleep_for(loop_, fault->slow);
    out = disturb(*fault, system, request, handler);
    if (fault->after && fault->slow > milliseconds(0)) co_await net::sleep_for(loop_, fault->slow);
  } else {
    out.answer = handler(request);
  }
  entry.status = out.lost ? 0 : out.answer.status;
  entry.error = out.answer.error;
  entry.took = loop_.steady_now() - arrived;
  record(std::move(entry), call);
  if (out.hang) co_await net::sleep_for(loop_, kForEver);

  net::ServerResponse response;
  response.status = out.answer.status;
  response.headers = std::move(out.answer.headers);
  response.body = std::move(out.answer.body);
  response.reset_after = out.reset_after;
  const auto skewed = skew.find(system);
  if (skewed != skew.end() || !clock_.real()) {
    const auto off = skewed == skew.end() ? milliseconds(0) : skewed->second;
    response.headers.emplace_back("Date", net::format_http_date(clock_.now() + off));
  }
  co_return response;
}

}  // namespace watchbill::sandbox
