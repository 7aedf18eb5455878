#include "engine/decide/deadline_queue.hpp"

#include <utility>

namespace watchbill::engine {

Agenda::Agenda(net::Loop& loop, std::function<void(std::vector<Appointment>)> on_due)
    : loop_(loop), on_due_(std::move(on_due)) {}

void Agenda::add(Appointment appointment) {
  appointments_.insert(std::move(appointment));
  arm();
}

void Agenda::arm() {
  if (appointments_.empty()) {
    alarm_.reset();
    armed_for_ = kNever;
    return;
  }
  const Instant earliest = appointments_.begin()->at;
  if (earliest == armed_for_) return;
  armed_for_ = earliest;
  alarm_ = net::Timer{loop_, loop_.start_alarm(earliest, [this] {
                        armed_for_ = kNever;
                        const auto now = loop_.now();
                        std::vector<Appointment> due;
                        while (!appointments_.empty() && appointments_.begin()->at <= now) {
                          due.push_back(*appointments_.begin());
                          appointments_.erase(appointments_.begin());
                        }
                        arm();
                        if (!due.empty()) on_due_(std::move(due));
                      })};
}

}  // namespace watchbill::engine
