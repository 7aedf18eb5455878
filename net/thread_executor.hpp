#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "net/executor.hpp"
#include "net/loop.hpp"

namespace watchbill::net {

/// An executor with a thread of its own. The loop outlives it.
class ThreadExecutor final : public Executor {
 public:
  explicit ThreadExecutor(Loop& loop);
  /// Runs what it was given to its end, on its thread; nobody is told of it any more but by the loop's next
  /// turns.
  ~ThreadExecutor() override;
  ThreadExecutor(const ThreadExecutor&) = delete;
  ThreadExecutor& operator=(const ThreadExecutor&) = delete;

  void submit(Work work, Work done) override;

 private:
  struct Piece {
    Work work;
    Work done;
  };
  void serve();

  Loop& loop_;
  std::mutex lock_;
  std::condition_variable changed_;
  std::deque<Piece> pieces_;
  bool ending_ = false;
  std::thread thread_;  // the last: it begins when all else is there
};

}  // namespace watchbill::net
