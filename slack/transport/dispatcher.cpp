#include "slack/transport/dispatcher.hpp"

#include <spdlog/spdlog.h>

namespace watchbill::slack {

namespace {

/// Slack waits 3 s; the way back takes its share.
constexpr milliseconds kAckWithin = 2500ms;
constexpr milliseconds kRemembered = 10min;
constexpr std::size_t kMostRemembered = 20'000;
/// Far beyond what people click; keeps a receiver that hangs from filling the memory.
constexpr std::size_t kMostRunning = 4096;

}  // namespace

bool SeenKeys::add(const std::string& key, SteadyInstant now) {
  while (!order_.empty() && (order_.front().first + kRemembered < now || order_.size() >= kMostRemembered)) {
    known_.erase(order_.front().second);
    order_.pop_front();
  }
  if (!known_.insert(key).second) return false;
  order_.emplace_back(now, key);
  return true;
}

struct Dispatcher::Work {
  Work(net::Loop& loop, std::string name, bool wanted)
      : what(std::move(name)), answer_wanted(wanted), changed(loop) {}
  std::string what;
  bool answer_wanted;
  bool done = false;
  bool late = false;
  std::string answer;
  net::Signal changed;
};

Dispatcher::Dispatcher(net::Loop& loop, Receiver& receiver) : loop_(loop), receiver_(receiver) {}

net::Task<std::string> Dispatcher::dispatch(Incoming incoming) {
  const auto since = loop_.steady_now();
  if (!incoming.delivery) {
    ++figures_.unhandled;
    spdlog::debug("Slack sent {}, which is not for us", incoming.what);
    co_return std::string();
  }
  if (!incoming.key.empty() && !seen_.add(incoming.key, since)) {
    ++figures_.duplicates;
    co_return std::string();
  }
  if (tasks_.running() >= kMostRunning) {
    if (figures_.refused++ == 0) spdlog::error("too many deliveries of Slack's at once: some are dropped");
    co_return std::string();
  }
  const auto kind = incoming.delivery->kind;
  ++figures_.by_kind.at(static_cast<std::size_t>(kind));
  auto work =
      std::make_shared<Work>(loop_, std::move(incoming.what), incoming.answerable && takes_answer(kind));
  tasks_.spawn(run(work, std::move(*incoming.delivery)));
  if (!work->answer_wanted) {
    acknowledged(since);
    co_return std::string();
  }
  const net::Timer limit{loop_, loop_.start_timer(kAckWithin, [work] {
                           work->late = true;
                           work->changed.notify();
                         })};
  while (!work->done && !work->late) co_await work->changed.wait();
  if (!work->done) {
    ++figures_.late;
    spdlog::warn("Slack's {} takes too long: acknowledged without its answer", work->what);
  }
  acknowledged(since);
  co_return work->answer;
}

net::Task<void> Dispatcher::run(std::shared_ptr<Work> work, Delivery delivery) {
  // The acknowledgement of what takes no answer leaves first.
  if (!work->answer_wanted) co_await net::sleep_for(loop_, 0ms);
  try {
    auto answer = co_await receiver_.receive(std::move(delivery));
    work->answer = checked(std::move(answer), work->what);
  } catch (const std::exception& error) {
    ++figures_.failed;
    spdlog::error("a broken invariant while handling Slack's {}: {}", work->what, error.what());
  }
  work->done = true;
  work->changed.notify();
}

std::string Dispatcher::checked(std::string answer, const std::string& what) {
  if (answer.empty()) return answer;
  const auto parsed = json::parse(answer);
  if (parsed && parsed->root().is_object()) return answer;
  ++figures_.failed;
  spdlog::error("the answer to Slack's {} is no JSON object", what);
  return {};
}

void Dispatcher::acknowledged(SteadyInstant since) {
  figures_.slowest_ack = std::max(figures_.slowest_ack, loop_.steady_now() - since);
}

}  // namespace watchbill::slack
