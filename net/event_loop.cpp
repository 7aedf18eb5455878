#include "net/event_loop.hpp"

#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <deque>
#include <iterator>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "net/libevent.hpp"

namespace watchbill::net {

namespace {

using std::chrono::nanoseconds;

/// Longest delay that is kept apart from "never": the clocks count in 64-bit nanoseconds.
constexpr milliseconds kLongestDelay = days(36'500);

[[noreturn]] void broken(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd, const char* what) : fd_(fd) {
    if (fd < 0) broken(what);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() { ::close(fd_); }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

nanoseconds time_of(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return seconds(t.tv_sec) + nanoseconds(t.tv_nsec);
}

/// Callbacks of one clock in the order of their time, and the timerfd that says when the first is due. It is
/// absolute, so that the kernel moves it when the clock is set.
class ClockQueue {
 public:
  ClockQueue(clockid_t clock, int set_flags)
      : clock_(clock),
        set_flags_(TFD_TIMER_ABSTIME | set_flags),
        timer_(::timerfd_create(clock, TFD_NONBLOCK | TFD_CLOEXEC), "timerfd_create") {}

  [[nodiscard]] int fd() const { return timer_.get(); }

  void add(Loop::TimerId id, nanoseconds at, Loop::Callback callback) {
    due_.emplace(std::pair(at, id), std::move(callback));
    known_.emplace(id, at);
    arm();
  }

  void cancel(Loop::TimerId id) {
    const auto entry = known_.find(id);
    if (entry == known_.end()) return;
    due_.erase({entry->second, id});
    known_.erase(entry);
    // A timerfd that fires for nothing costs less than setting it anew at each cancel.
  }

  /// Forgets all. What the callbacks hold may itself cancel timers while it goes.
  void clear() {
    known_.clear();
    const auto gone = std::exchange(due_, {});
  }

  /// Runs what is due, but nothing that was started meanwhile: that has to wait for the next turn.
  void run_due(Loop::TimerId last_id) {
    std::uint64_t times = 0;
    // Fails when the clock was set (ECANCELED) or another event of the same turn has emptied the queue
    // (EAGAIN): the clock is asked in any case.
    if (::read(timer_.get(), &times, sizeof times) < 0 && errno != ECANCELED && errno != EAGAIN)
      broken("timerfd");
    armed_.reset();
    const auto now = time_of(clock_);
    try {
      auto next = due_.begin();
      while (next != due_.end() && next->first.first <= now) {
        if (next->first.second > last_id) {
          ++next;
          continue;
        }
        const auto key = next->first;
        const auto callback = std::move(next->second);
        due_.erase(next);
        known_.erase(key.second);
        callback();
        // The callback may have changed the queue anywhere.
        next = due_.upper_bound(key);
      }
    } catch (...) {
      arm();
      throw;
    }
    arm();
  }

 private:
  void arm() {
    if (due_.empty() || (armed_ && *armed_ <= due_.begin()->first.first)) return;
    const auto at = due_.begin()->first.first;
    // Zero would switch the timer off.
    const auto when = std::max(at, nanoseconds(1));
    itimerspec spec{};
    spec.it_value.tv_sec = when / 1s;
    spec.it_value.tv_nsec = (when % 1s).count();
    // ECANCELED: the clock was set since; the timer is armed all the same.
    if (::timerfd_settime(timer_.get(), set_flags_, &spec, nullptr) < 0 && errno != ECANCELED) {
      broken("timerfd_settime");
    }
    armed_ = at;
  }

  clockid_t clock_;
  int set_flags_;
  FileDescriptor timer_;
  std::map<std::pair<nanoseconds, Loop::TimerId>, Loop::Callback> due_;
  std::unordered_map<Loop::TimerId, nanoseconds> known_;
  /// What the timerfd is set to.
  std::optional<nanoseconds> armed_;
};

}  // namespace

struct EventLoop::Impl {
  struct SignalWatch {
    Impl& loop;
    Callback callback;
    EventPtr arrival{};
  };

  // Reversed at the end: events go before what they watch.
  ClockQueue timers{CLOCK_MONOTONIC, 0};
  ClockQueue alarms{CLOCK_REALTIME, TFD_TIMER_CANCEL_ON_SET};
  FileDescriptor wake{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd"};
  EventBasePtr base{event_base_new()};
  std::list<SignalWatch> signals;
  EventPtr timer_event;
  EventPtr alarm_event;
  EventPtr wake_event;
  TimerId last_id = 0;
  std::atomic<bool> stop_asked{false};
  std::exception_ptr thrown;
  std::mutex posted_lock;
  std::deque<Callback> posted;

  Impl() {
    if (!base) broken("event_base_new");
    timer_event = watch(timers.fd(), [](int, short, void* self) {
      guarded(self, [](Impl& loop) { loop.timers.run_due(loop.last_id); });
    });
    alarm_event = watch(alarms.fd(), [](int, short, void* self) {
      guarded(self, [](Impl& loop) { loop.alarms.run_due(loop.last_id); });
    });
    wake_event =
        watch(wake.get(), [](int, short, void* self) { guarded(self, [](Impl& loop) { loop.woken(); }); });
  }

  EventPtr watch(int fd, event_callback_fn callback) {
    EventPtr e(event_new(base.get(), fd, EV_READ | EV_PERSIST, callback, this));
    if (!e || event_add(e.get(), nullptr) != 0) broken("event_add");
    return e;
  }

  /// An exception must not cross libevent, which is C: it is kept and ends the run.
  template <class Run>
  static void guarded(void* self, Run run) noexcept {
    auto& loop = *static_cast<Impl*>(self);
    // Nothing more runs in a turn that is ending by an exception.
    if (loop.thrown) return;
    try {
      run(loop);
    } catch (...) {
      loop.thrown = std::current_exception();
      event_base_loopbreak(loop.base.get());
    }
  }

  void ring() {
    const std::uint64_t one = 1;
    // Fails only when the counter is full, and then the loop is woken anyway.
    [[maybe_unused]] const auto written = ::write(wake.get(), &one, sizeof one);
  }

  void woken() {
    std::uint64_t times = 0;
    [[maybe_unused]] const auto got = ::read(wake.get(), &times, sizeof times);
    std::deque<Callback> now;
    {
      const std::lock_guard lock(posted_lock);
      now.swap(posted);
    }
    try {
      while (!now.empty()) {
        const auto callback = std::move(now.front());
        now.pop_front();
        callback();
      }
    } catch (...) {
      const std::lock_guard lock(posted_lock);
      posted.insert(posted.begin(), std::make_move_iterator(now.begin()), std::make_move_iterator(now.end()));
      ring();
      throw;
    }
    if (stop_asked) event_base_loopbreak(base.get());
  }
};

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {
  // A peer that closes while we write is an error value, never the end of the process: libevent leaves the
  // signal as it is.
  std::signal(SIGPIPE, SIG_IGN);
}

EventLoop::~EventLoop() {
  // While everything still stands: what callbacks hold may come back here as it goes.
  impl_->timers.clear();
  impl_->alarms.clear();
  const auto gone = std::exchange(impl_->posted, {});
}

Instant EventLoop::now() const {
  return Instant(std::chrono::floor<milliseconds>(time_of(CLOCK_REALTIME)));
}

SteadyInstant EventLoop::steady_now() const {
  return SteadyInstant(std::chrono::floor<milliseconds>(time_of(CLOCK_MONOTONIC)));
}

EventLoop::TimerId EventLoop::start_timer(milliseconds delay, Callback callback) {
  const auto at = time_of(CLOCK_MONOTONIC) + std::clamp<milliseconds>(delay, 0ms, kLongestDelay);
  impl_->timers.add(++impl_->last_id, at, std::move(callback));
  return impl_->last_id;
}

EventLoop::TimerId EventLoop::start_alarm(Instant at, Callback callback) {
  const Instant earliest{};
  const auto when = std::clamp(at, earliest, earliest + 2 * kLongestDelay);
  impl_->alarms.add(++impl_->last_id, when.time_since_epoch(), std::move(callback));
  return impl_->last_id;
}

void EventLoop::cancel(TimerId id) {
  impl_->timers.cancel(id);
  impl_->alarms.cancel(id);
}

void EventLoop::post(Callback callback) {
  {
    const std::lock_guard lock(impl_->posted_lock);
    impl_->posted.push_back(std::move(callback));
  }
  impl_->ring();
}

void EventLoop::run() {
  if (!impl_->stop_asked && event_base_loop(impl_->base.get(), EVLOOP_NO_EXIT_ON_EMPTY) < 0) {
    broken("event_base_loop");
  }
  if (auto thrown = std::exchange(impl_->thrown, nullptr)) std::rethrow_exception(thrown);
  impl_->stop_asked = false;
}

void EventLoop::stop() {
  impl_->stop_asked = true;
  impl_->ring();
}

void EventLoop::on_signal(int signal_number, Callback callback) {
  auto& watch = impl_->signals.emplace_back(Impl::SignalWatch{*impl_, std::move(callback)});
  const auto arrived = [](int, short, void* self) {
    auto& mine = *static_cast<Impl::SignalWatch*>(self);
    Impl::guarded(&mine.loop, [&mine](Impl&) { mine.callback(); });
  };
  watch.arrival.reset(evsignal_new(impl_->base.get(), signal_number, arrived, &watch));
  if (!watch.arrival || event_add(watch.arrival.get(), nullptr) != 0) broken("on_signal");
}

event_base* EventLoop::base() const {
  return impl_->base.get();
}

}  // namespace watchbill::net
