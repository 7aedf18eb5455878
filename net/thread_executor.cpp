#include "net/thread_executor.hpp"

#include <pthread.h>

#include <csignal>
#include <utility>

namespace watchbill::net {

namespace {

/// Signals are the loop's: a thread inherits the mask of the one that starts it.
std::thread without_signals(std::function<void()> body) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(body));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace

ThreadExecutor::ThreadExecutor(Loop& loop) : loop_(loop), thread_(without_signals([this] { serve(); })) {}

ThreadExecutor::~ThreadExecutor() {
  {
    const std::lock_guard held(lock_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void ThreadExecutor::submit(Work work, Work done) {
  {
    const std::lock_guard held(lock_);
    pieces_.push_back({std::move(work), std::move(done)});
  }
  changed_.notify_one();
}

void ThreadExecutor::serve() {
  std::unique_lock held(lock_);
  while (true) {
    changed_.wait(held, [this] { return ending_ || !pieces_.empty(); });
    if (pieces_.empty()) return;
    auto piece = std::move(pieces_.front());
    pieces_.pop_front();
    held.unlock();
    piece.work();
    // What the work owns goes here, and what waits is touched on the loop alone.
    piece.work = {};
    loop_.post(std::move(piece.done));
    held.lock();
  }
}

}  // namespace watchbill::net
