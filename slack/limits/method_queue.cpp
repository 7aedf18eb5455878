#include "slack/limits/method_queue.hpp"

#include <algorithm>
#include <numeric>

namespace watchbill::slack {

namespace {

/// What lower priorities always leave to handoffs.
constexpr std::size_t kSpare = 5;
/// One in so many calls lower priorities may make whatever is reserved, once something has been reserved for
/// so many windows without a break: boundaries that follow each other without end would shut them out for
/// ever. A single boundary, however many hand off at it, reserves for one window.
constexpr std::size_t kShareOf = 10;
constexpr int kShareAfter = 2;

}  // namespace

QueuePlace::~QueuePlace() {
  if (queued_) queue_.leave(*this);
  if (granted_) queue_.give_back(*granted_);
}

void QueuePlace::await_suspend(std::coroutine_handle<> waiting) {
  waiting_ = waiting;
  since_ = queue_.loop_.steady_now();
  queue_.enter(*this);
  queue_.pump();
}

net::Yield MethodQueue::yield(std::size_t priority) const {
  if (priority == static_cast<std::size_t>(Priority::handoff)) return {};
  net::Yield yield{kSpare + reserved_};
  if (reserved_since_) {
    yield.share = std::max<std::size_t>(budget_.limit().calls / kShareOf, 1);
    yield.share_from = *reserved_since_ + kShareAfter * budget_.limit().window;
  }
  return yield;
}

std::optional<SteadyInstant> MethodQueue::earliest(std::size_t priority, SteadyInstant now) const {
  const auto yields = yield(priority);
  if (handoffs_elsewhere_ && yields.spare > 0) return std::nullopt;
  return budget_.earliest(now, yields);
}

std::optional<SteadyInstant> MethodQueue::try_take(Priority priority, const std::string& key) {
  pump();
  const auto p = static_cast<std::size_t>(priority);
  const auto now = loop_.steady_now();
  // Whoever still waits at this priority or above is held up by the budget or by a key, so it is enough to
  // ask these two.
  if (budget_.earliest_for(key) > now || earliest(p, now) != now) return std::nullopt;
  budget_.record(now, key, yield(p).spare > 0);
  return now;
}

void MethodQueue::pump() {
  const auto now = loop_.steady_now();
  while (!cooling_.empty() && cooling_.begin()->first <= now) warm(*cooling_.begin()->second);
  for (std::size_t p = 0; p < kPriorities; ++p) {
    while (!ready_[p].empty() && earliest(p, now) == now) grant_first(p, now);
  }
  arm(now);
}

void MethodQueue::reserve(std::size_t slots) {
  reserved_ = slots;
  if (slots == 0) {
    reserved_since_.reset();
  } else if (!reserved_since_) {
    reserved_since_ = loop_.steady_now();
  }
  pump();
}

void MethodQueue::handoffs_wait(bool elsewhere) {
  handoffs_elsewhere_ = elsewhere;
  pump();
}

void MethodQueue::count_used(milliseconds ago) {
  budget_.record(loop_.steady_now() - ago, {});
}

void MethodQueue::pause(SteadyInstant until) {
  budget_.pause(until);
  pump();
}

void MethodQueue::moved(SteadyInstant granted, SteadyInstant left, const std::string& key) {
  budget_.moved(granted, left, key);
  pump();
}

void MethodQueue::give_back(SteadyInstant granted) {
  budget_.give_back(granted);
  pump();
}

std::size_t MethodQueue::waiting() const {
  return std::accumulate(waiting_.begin(), waiting_.end(), std::size_t{0});
}

SteadyInstant MethodQueue::when(Priority priority, const CallCounts& further) const {
  std::vector<net::RateBudget::Demand> demands;
  for (std::size_t p = 0; p <= static_cast<std::size_t>(priority); ++p)
    demands.push_back({waiting_[p] + further[p], yield(p)});
  return budget_.forecast(loop_.steady_now(), demands, !keyed_ && budget_.limit().spacing > 0ms);
}

void MethodQueue::enter(QueuePlace& place) {
  const auto [line, added] = lines_.try_emplace(place.key_);
  auto& places = line->second.places[place.priority_];
  place.number_ = next_number_++;
  place.line_ = line;
  place.place_ = places.insert(places.end(), &place);
  place.queued_ = true;
  ++waiting_[place.priority_];
  const auto key_free = budget_.earliest_for(place.key_);
  if (added && key_free > loop_.steady_now()) {
    line->second.cooling_until = key_free;
    cooling_.emplace(key_free, &line->second);
  } else if (!line->second.cooling_until && places.size() == 1) {
    ready_[place.priority_].emplace(place.number_, &line->second);
  }
}

void MethodQueue::leave(QueuePlace& place) {
  auto& line = place.line_->second;
  auto& places = line.places[place.priority_];
  const bool first = place.place_ == places.begin();
  places.erase(place.place_);
  place.queued_ = false;
  --waiting_[place.priority_];
  if (first && !line.cooling_until) {
    ready_[place.priority_].erase({place.number_, &line});
    if (!places.empty()) ready_[place.priority_].emplace(places.front()->number_, &line);
  }
  const bool empty = std::all_of(line.places.begin(), line.places.end(), [](auto& t) { return t.empty(); });
  if (!empty) return;
  if (line.cooling_until) cooling_.erase({*line.cooling_until, &line});
  lines_.erase(place.line_);
}

void MethodQueue::cool(Line& line, SteadyInstant until) {
  for (std::size_t p = 0; p < kPriorities; ++p) {
    if (!line.places[p].empty()) ready_[p].erase({line.places[p].front()->number_, &line});
  }
  line.cooling_until = until;
  cooling_.emplace(until, &line);
}

void MethodQueue::warm(Line& line) {
  cooling_.erase({*line.cooling_until, &line});
  line.cooling_until.reset();
  for (std::size_t p = 0; p < kPriorities; ++p) {
    if (!line.places[p].empty()) ready_[p].emplace(line.places[p].front()->number_, &line);
  }
}

void MethodQueue::grant_first(std::size_t priority, SteadyInstant now) {
  Line& line = *ready_[priority].begin()->second;
  QueuePlace& place = *line.places[priority].front();
  const auto key_free = budget_.earliest_for(place.key_);
  if (key_free > now) return cool(line, key_free);  // used by `try_take`, or counted from later than thought
  budget_.record(now, place.key_, yield(priority).spare > 0);
  leave(place);
  place.granted_ = now;
  ++waits_.count;
  waits_.total += now - place.since_;
  place.wake_ = net::Timer{loop_, loop_.start_timer(0ms, [h = place.waiting_] { h.resume(); })};
}

void MethodQueue::arm(SteadyInstant now) {
  std::optional<SteadyInstant> next;
  const auto consider = [&next](SteadyInstant t) { next = next ? std::min(*next, t) : t; };
  if (!cooling_.empty()) consider(cooling_.begin()->first);
  for (std::size_t p = 0; p < kPriorities; ++p) {
    if (ready_[p].empty()) continue;
    if (const auto t = earliest(p, now)) consider(*t);
  }
  timer_.reset();
  if (next) timer_ = net::Timer{loop_, loop_.start_timer(*next - now, [this] { pump(); })};
}

}  // namespace watchbill::slack
