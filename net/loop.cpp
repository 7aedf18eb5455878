#include "net/loop.hpp"

namespace watchbill::net {

void Signal::notify() {
  for (auto* awaiter : waiting_) {
    awaiter->listed_ = false;
    awaiter->notified_ = true;
    awaiter->wake_ = Timer{loop_, loop_.start_timer(0ms, [h = awaiter->waiting_] { h.resume(); })};
  }
  waiting_.clear();
}

Signal::~Signal() {
  for (auto* awaiter : waiting_) awaiter->listed_ = false;
}

Signal::Awaiter::~Awaiter() {
  unlist();
}

void Signal::Awaiter::unlist() noexcept {
  if (listed_) signal_->waiting_.erase(place_);
  listed_ = false;
}

// The awaiter may live on in its expression: a later `notify` must not resume a task that waits elsewhere.
bool Signal::Awaiter::await_resume() noexcept {
  unlist();
  return notified_;
}

void Signal::Awaiter::await_suspend(std::coroutine_handle<> waiting) {
  waiting_ = waiting;
  place_ = signal_->waiting_.insert(signal_->waiting_.end(), this);
  listed_ = true;
  if (deadline_)
    wake_ = Timer{signal_->loop_, signal_->loop_.start_alarm(*deadline_, [waiting] { waiting.resume(); })};
}

}  // namespace watchbill::net
