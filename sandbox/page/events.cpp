#include <algorithm>

#include "sandbox/page/page.hpp"
#include "sandbox/page/rows.hpp"

namespace watchbill::sandbox {
namespace {

/// What one action changes comes together; many changes come at most so often.
constexpr milliseconds kCollect = 4ms;
constexpr milliseconds kApart = 40ms;
constexpr seconds kTimeEvery = 10s;
/// A listener that takes nothing for so long gets a new start when it comes back.
constexpr std::size_t kMaxWaiting = std::size_t{8} << 20U;

}  // namespace

struct PageEvents::State {
  PageState told;
  std::uint64_t epoch = 0;  ///< of the world that was told
};

PageEvents::PageEvents(Desk& desk) : desk_(desk), state_(std::make_unique<State>()) {
  tasks_.spawn(follow(*this));
}
PageEvents::~PageEvents() = default;

net::Task<void> PageEvents::follow(PageEvents& self) {
  auto& loop = self.desk_.loop;
  auto told = loop.steady_now() - kApart;
  for (;;) {
    co_await self.desk_.changed.wait();
    const auto early = std::chrono::ceil<milliseconds>(told + kApart - loop.steady_now());
    co_await net::sleep_for(loop, std::max(early, kCollect));
    told = loop.steady_now();
    self.tell_what_changed();
  }
}

std::shared_ptr<net::BodyStream> PageEvents::connect() {
  tell_what_changed();
  auto fresh = std::make_unique<State>();
  fresh->epoch = desk_.epoch;
  std::string out = "retry: 500\n\n" + time_event(desk_);
  tell_first(desk_, fresh->told, out);
  add_event(out, "ready", "{}");
  tell_rest(desk_, fresh->told, out);
  auto stream = std::make_shared<net::BodyStream>();
  stream->send(out);
  listeners_.push_back(stream);
  state_ = std::move(fresh);
  arm();
  if (listeners_.size() == 1) tell_time();
  return stream;
}

void PageEvents::tell_what_changed() {
  listeners_.remove_if([](const auto& stream) {
    if (stream->waiting() > kMaxWaiting) stream->end();
    return !stream->open();
  });
  if (listeners_.empty()) {
    due_.reset();
    return;
  }
  if (state_->epoch != desk_.epoch) {
    state_ = std::make_unique<State>();
    state_->epoch = desk_.epoch;
  }
  std::string out;
  tell_first(desk_, state_->told, out);
  tell_rest(desk_, state_->told, out);
  if (!out.empty()) {
    for (const auto& stream : listeners_) stream->send(out);
  }
  arm();
}

void PageEvents::arm() {
  const auto wait = desk_.clock.until(state_->told.plans_due);
  if (!wait) return due_.reset();
  due_ = net::Timer{
      desk_.loop, desk_.loop.start_timer(std::max(*wait, milliseconds(1)), [this] { tell_what_changed(); })};
}

void PageEvents::tell_time() {
  if (listeners_.empty()) return;
  const auto out = time_event(desk_);
  for (const auto& stream : listeners_) stream->send(out);
  time_ = net::Timer{desk_.loop, desk_.loop.start_timer(kTimeEvery, [this] { tell_time(); })};
}

}  // namespace watchbill::sandbox
