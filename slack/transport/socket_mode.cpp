#include "slack/transport/socket_mode.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace watchbill::slack {

namespace {

constexpr auto* kSwitchedOff =
    "Socket Mode is switched off in the app's settings: switch it on (Settings > Socket Mode), or set "
    "slack.mode to http";
constexpr auto* kTooMany =
    "Slack allows 10 connections for one app, and there are more: stop other programs that use this "
    "app-level token";

/// Errors of apps.connections.open that waiting does not mend.
bool waits_for_person(ErrorKind kind) {
  return kind == ErrorKind::unauthorized || kind == ErrorKind::forbidden || kind == ErrorKind::invalid ||
         kind == ErrorKind::not_found;
}

}  // namespace

struct SocketMode::Link {
  std::unique_ptr<net::WebSocket> socket;
  SteadyInstant since;
  bool hello = false;
  bool too_slow = false;               ///< with its hello
  std::optional<std::string> leaving;  ///< the reason of Slack's `disconnect`
  std::optional<Error> ended;
  Instant ended_at;
  std::size_t open = 0;  ///< envelopes that are not acknowledged yet
};

net::Task<Result<std::string>> ConnectionAddresses::next() {
  // Nothing else of ours uses this budget.
  auto permit = co_await limiter_.acquire(Method::apps_connections_open, Priority::handoff);
  co_return co_await client_.open_connection(std::move(permit));
}

SocketMode::SocketMode(net::Loop& loop, net::WebSocketClient& sockets, SocketAddresses& addresses,
                       Dispatcher& dispatcher, SocketModeOptions options)
    : loop_(loop),
      sockets_(sockets),
      addresses_(addresses),
      dispatcher_(dispatcher),
      options_(options),
      random_(options.seed),
      changed_(loop) {}

SocketMode::~SocketMode() = default;

void SocketMode::start() {
  started_ = loop_.now();
  supervisor_.spawn(run());
}

net::Task<void> SocketMode::stop() {
  stopping_ = true;
  supervisor_.cancel();
  // A copy: whatever is closed already leaves the list at once.
  for (const auto& link : std::list(links_)) tasks_.spawn(retire(link, 0ms));
  while (!links_.empty()) co_await changed_.wait();
}

TransportState SocketMode::state() const {
  TransportState out{"socket", "up", up_since_, problem_};
  if (current_ && !current_->ended) return out;
  out.state = current_ || !problem_.empty() ? "down" : "connecting";
  out.since = current_ ? current_->ended_at : started_;
  return out;
}

bool SocketMode::needs_link() const {
  return current_->ended || current_->leaving;
}

net::Task<void> SocketMode::run() {
  milliseconds pause{0};
  while (true) {
    if (pause > 0ms) co_await net::sleep_for(loop_, pause);
    const auto attempt = co_await open_link();
    if (attempt.error) {
      pause = pause_after_failure(attempt);
      continue;
    }
    if (current_) tasks_.spawn(retire(current_, options_.linger));
    went_up(attempt.link);
    while (!needs_link()) co_await changed_.wait();
    pause = pause_after_loss();
    // Where Slack counts too many connections, or takes none, the old one goes first.
    if (current_->leaving != "too_many_websockets" && current_->leaving != "link_disabled") continue;
    tasks_.spawn(retire(current_, 0ms));
    while (!current_->ended) co_await changed_.wait();
  }
}

net::Task<SocketMode::Attempt> SocketMode::open_link() {
  Attempt out;
  auto address = co_await addresses_.next();
  if (!address) {
    out.error = address.error();
    out.needs_a_person = waits_for_person(address.error().kind);
    co_return out;
  }
  auto socket = co_await sockets_.connect(std::move(*address));
  if (!socket) {
    out.error = socket.error();
    co_return out;
  }
  auto link = std::make_shared<Link>();
  link->socket = std::move(*socket);
  link->since = loop_.steady_now();
  links_.push_back(link);
  tasks_.spawn(read(link));
  const net::Timer limit{loop_, loop_.start_timer(options_.hello_deadline, [this, link] {
                           link->too_slow = true;
                           changed_.notify();
                         })};
  while (!link->hello && !link->ended && !link->leaving && !link->too_slow) co_await changed_.wait();
  if (link->hello) {
    out.link = link;
    co_return out;
  }
  out.error = link->ended ? *link->ended : fail(ErrorKind::timeout, "Slack did not say hello");
  if (link->leaving == "link_disabled") {
    switched_off_ = true;
    out.error = fail(ErrorKind::forbidden, "{}", kSwitchedOff);
    out.needs_a_person = true;
  } else if (link->leaving == "too_many_websockets") {
    out.error = fail(ErrorKind::conflict, "{}", kTooMany);
  }
  tasks_.spawn(retire(link, 0ms));
  co_return out;
}

net::Task<void> SocketMode::read(LinkPtr link) {
  while (true) {
    const auto frame = co_await link->socket->receive();
    if (!frame) {
      link->ended = frame.error();
      link->ended_at = loop_.now();
      if (link == current_ && problem_.empty() && !stopping_) {
        note(fmt::format("the connection to Slack ended ({}); a new one is opened", frame.error().message));
      }
      changed_.notify();
      co_return;
    }
    take(link, *frame);
  }
}

void SocketMode::take(const LinkPtr& link, const std::string& frame) {
  auto envelope = decode_envelope(frame);
  if (!envelope) {
    spdlog::debug("Socket Mode: a frame that cannot be read: {}", envelope.error().message);
    return;
  }
  switch (envelope->kind) {
    case Envelope::Kind::hello:
      link->hello = true;
      changed_.notify();
      break;
    case Envelope::Kind::disconnect:
      link->leaving = envelope->reason;
      changed_.notify();
      break;
    case Envelope::Kind::delivery:
      if (!envelope->id.empty()) tasks_.spawn(answer(link, std::move(*envelope)));
      break;
  }
}

net::Task<void> SocketMode::answer(LinkPtr link, Envelope envelope) {
  ++link->open;
  const auto carried = co_await dispatcher_.dispatch(std::move(envelope.incoming));
  const auto sent = link->socket->send(acknowledgement(envelope.id, carried));
  if (!sent) spdlog::debug("Socket Mode: an acknowledgement was not sent: {}", sent.error().message);
  --link->open;
  changed_.notify();
}

net::Task<void> SocketMode::retire(LinkPtr link, milliseconds linger) {
  bool over = linger == 0ms;
  const net::Timer limit{loop_, loop_.start_timer(linger, [this, &over] {
                           over = true;
                           changed_.notify();
                         })};
  while (!link->ended && !(over && link->open == 0)) co_await changed_.wait();
  co_await link->socket->close();
  links_.remove(link);
  changed_.notify();
}

milliseconds SocketMode::backoff() {
  const auto doublings = std::clamp(failed_in_row_ - 1, 0, 20);
  const auto most = std::min<milliseconds>(options_.first_pause * (1LL << doublings), options_.longest_pause);
  std::uniform_real_distribution<double> part(0.5, 1);
  return milliseconds(static_cast<milliseconds::rep>(static_cast<double>(most.count()) * part(random_)));
}

milliseconds SocketMode::pause_after_loss() {
  const bool settled = loop_.steady_now() - current_->since >= options_.settled_after;
  if (settled) failed_in_row_ = 0;
  if (current_->leaving == "link_disabled") {
    switched_off_ = true;
    note(kSwitchedOff);
    return options_.slow_pause;
  }
  if (current_->leaving == "too_many_websockets") note(kTooMany);
  // Slack renews connections now and then: that is no failure.
  if (settled && !current_->ended && current_->leaving != "too_many_websockets") return 0ms;
  ++failed_in_row_;
  ++failures_;
  return backoff();
}

milliseconds SocketMode::pause_after_failure(const Attempt& attempt) {
  ++failed_in_row_;
  ++failures_;
  // What Slack then answers to an attempt does not say why.
  const bool explained = switched_off_ && attempt.needs_a_person;
  note(explained ? kSwitchedOff : attempt.error->message);
  if (attempt.needs_a_person) return options_.slow_pause;
  return std::max<milliseconds>(backoff(), attempt.error->retry_after.value_or(0s));
}

void SocketMode::went_up(const LinkPtr& link) {
  current_ = link;
  ++connections_;
  up_since_ = loop_.now();
  problem_.clear();
  switched_off_ = false;
  spdlog::info("Socket Mode: connected to Slack");
}

void SocketMode::note(const std::string& problem) {
  if (problem != problem_) spdlog::warn("Socket Mode: {}", problem);
  problem_ = problem;
}

}  // namespace watchbill::slack
