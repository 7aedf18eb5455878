#include "engine/journal/journal.hpp"

#include <algorithm>

namespace watchbill::engine {

Result<JournalStart> read_journal_start(store::Store& store) {
  auto last = store::last_commit(store);
  if (!last) return last.error();
  auto change = store.history().last_id();
  if (!change) return change.error();
  auto row = store.outbox().last_id();
  if (!row) return row.error();
  return JournalStart{*last, *change, *row};
}

Journal::Journal(net::Loop& loop, store::AsyncStore store, JournalListener* listener)
    : loop_(loop), store_(store), listener_(listener), appended_(loop), recorded_signal_(loop) {}

void Journal::start(const store::Lease& lease, const JournalStart& from) {
  epoch_ = lease.epoch();
  // The same holder goes on.
  if (from.last.epoch == epoch_) last_ = recorded_ = durable_ = from.last.seq;
  last_change_ = from.last_change;
  last_row_ = from.last_row;
  tasks_.spawn(run());
}

Seq Journal::append(store::Commit commit, Pace pace) {
  waiting_.push_back({std::move(commit), pace, loop_.steady_now()});
  if (pace == Pace::now) {
    ++asked_;
    appended_.notify();
  }
  return ++last_;
}

void Journal::hurry() {
  hurried_ = true;
  appended_.notify();
}

net::Task<void> Journal::durable(Seq seq) {
  while (!is_durable(seq)) co_await recorded_signal_.wait();
}

net::Task<bool> Journal::drain(milliseconds patience) {
  const auto until = loop_.steady_now() + patience;
  hurry();
  while (!idle() && loop_.steady_now() < until) co_await net::sleep_for(loop_, 10ms);
  co_return idle();
}

std::optional<SteadyInstant> Journal::waiting_since() const {
  const auto first = std::find_if(waiting_.begin(), waiting_.end(),
                                  [](const Waiting& one) { return one.pace == Pace::now; });
  return first == waiting_.end() ? std::nullopt : std::optional(first->since);
}

bool Journal::overdue() const {
  const auto since = waiting_since();
  return since && loop_.steady_now() - *since >= kStorePatience;
}

net::Task<bool> Journal::record_waiting(bool again) {
  if (listener_ && !again) {
    store::Commit along;
    listener_->add_to_commit(along);
    if (!along.empty()) append(std::move(along), Pace::with_next);
  }
  if (waiting_.empty()) co_return true;
  auto commits = std::make_shared<std::vector<store::Commit>>();
  for (const auto& waiting : waiting_) commits->push_back(waiting.commit);
  const auto count = commits->size();
  const bool on_disk = asked_ > 0;
  const auto durability = on_disk ? store::Durability::disk : store::Durability::process;
  const store::CommitPlace first{epoch_, recorded_ + 1};
  const auto work = [commits, first, durability](store::Store& store) {
    return store::record(store, first, *commits, durability);
  };
  in_flight_ = true;
  auto done = co_await store_.run(work);
  in_flight_ = false;
  if (!done) {
    if (listener_) listener_->on_not_recorded(done.error());
    co_return false;
  }
  recorded(count, on_disk);
  if (listener_ && !done->empty()) listener_->on_refused(*done);
  if (listener_) listener_->on_recorded();
  recorded_signal_.notify();
  co_return true;
}

void Journal::recorded(std::size_t count, bool on_disk) {
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
  asked_ -= static_cast<std::size_t>(
      std::count_if(waiting_.begin(), end, [](const Waiting& one) { return one.pace == Pace::now; }));
  waiting_.erase(waiting_.begin(), end);
  recorded_ += static_cast<Seq>(count);
  if (on_disk) durable_ = recorded_;
}

net::Task<void> Journal::run() {
  bool again = false;
  while (true) {
    if (asked_ == 0 && !hurried_ && !again) {
      co_await appended_.wait();
      continue;
    }
    hurried_ = false;
    again = !co_await record_waiting(again);
    if (!again) continue;
    co_await net::sleep_for(loop_, overdue() ? milliseconds{kStoreRetryLater} : milliseconds{kStoreRetry});
  }
}

}  // namespace watchbill::engine
