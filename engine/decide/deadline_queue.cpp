#include "engine/decide/deadline_queue.hpp"

#include <utility>

namespace watchbill::engine {

DeadlineQueue::DeadlineQueue(net::Loop& loop, std::function<void(std::vector<Deadline>)> on_due)
    : loop_(loop), on_due_(std::move(on_due)) {}

void DeadlineQueue::add(Deadline deadline) {
  queue_.insert(std::move(deadline));
  arm();
}

void DeadlineQueue::arm() {
  if (queue_.empty()) {
    alarm_.reset();
    armed_for_ = kNever;
    return;
  }
  const Instant earliest = queue_.begin()->at;
  if (earliest == armed_for_) return;
  armed_for_ = earliest;
  alarm_ = net::Timer{loop_, loop_.start_alarm(earliest, [this] {
                        armed_for_ = kNever;
                        const auto now = loop_.now();
                        std::vector<Deadline> due;
                        while (!queue_.empty() && queue_.begin()->at <= now) {
                          due.push_back(*queue_.begin());
                          queue_.erase(queue_.begin());
                        }
                        arm();
                        if (!due.empty()) on_due_(std::move(due));
                      })};
}

}  // namespace watchbill::engine
