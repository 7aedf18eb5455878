#include "engine/people_keeper.hpp"

#include <set>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "engine/steady_wait.hpp"

namespace watchbill::engine {

namespace {

/// People whom Slack did not know are asked for again (the directory spaces that out).
constexpr auto kAgain = 60s;
/// After a failure, and at least between two rounds of the same question.
constexpr auto kPause = 2s;
/// Every rotation is decided anew when somebody's match may have changed: not for each of a thousand answers.
constexpr auto kTogether = 50ms;

}  // namespace

PeopleKeeper::PeopleKeeper(net::Loop& loop, Model& model, slack::Directory& directory, Roster& roster,
                           std::function<void()> on_change)
    : loop_(loop),
      model_(model),
      directory_(directory),
      roster_(roster),
      on_change_(std::move(on_change)),
      kicked_(loop),
      changes_(loop) {}

void PeopleKeeper::start() {
  tasks_.spawn(run());
  tasks_.spawn(watch_changes());
  tasks_.spawn(tell_changes());
  tasks_.spawn(directory_.keep_fresh());
}

void PeopleKeeper::urgent() {
  urgent_ = true;
  kick();
}

void PeopleKeeper::kick() {
  all_ = true;
  wanted_ = true;
  kicked_.notify();
}

void PeopleKeeper::look_at(const ScheduleRef& schedule) {
  changed_.insert(schedule);
  wanted_ = true;
  kicked_.notify();
}

void PeopleKeeper::recheck(std::vector<UserId> users) {
  tasks_.spawn(refresh(std::move(users)));
}

net::Task<void> PeopleKeeper::refresh(std::vector<UserId> users) {
  // An error leaves the people as they were; the write that asked for this is retried by its own rule.
  if (auto done = co_await directory_.refresh(std::move(users), slack::Priority::edit); !done) co_return;
  note_change();
}

net::Task<void> PeopleKeeper::watch_changes() {
  while (true) {
    co_await directory_.changed().wait();
    note_change();
  }
}

void PeopleKeeper::note_change() {
  changed_somebody_ = true;
  changes_.notify();
}

net::Task<void> PeopleKeeper::tell_changes() {
  while (true) {
    while (!changed_somebody_) co_await changes_.wait();
    changed_somebody_ = false;
    on_change_();
    co_await net::sleep_for(loop_, kTogether);
  }
}

std::vector<std::string> PeopleKeeper::wanted_emails(bool of_all) const {
  // Two months of shifts share a handful of responders a schedule: each is looked at once.
  std::unordered_set<const Responder*> seen;
  std::unordered_set<std::string_view> emails;
  const auto add = [&](const ScheduleEntry& entry) {
    for (const auto& shift : entry.watch.timeline.shifts) {
      const Responder& responder = *shift.responder;
      if (seen.insert(&responder).second && responder.email) emails.insert(*responder.email);
    }
    for (const auto& responder : entry.watch.held) {
      if (responder.email) emails.insert(*responder.email);
    }
  };
  for (const auto& ref : changed_) {
    const auto entry = model_.schedules.find(ref);
    if (entry != model_.schedules.end()) add(entry->second);
  }
  if (of_all) {
    for (const auto& [ref, entry] : model_.schedules) add(entry);
  }
  return {emails.begin(), emails.end()};
}

std::vector<UserId> PeopleKeeper::wanted_users() const {
  std::set<UserId> users;
  for (const auto& [id, entry] : model_.rotations) {
    users.insert(entry.rotation.permanent_members.begin(), entry.rotation.permanent_members.end());
    users.insert(entry.rotation.fallback_members.begin(), entry.rotation.fallback_members.end());
  }
  const auto mapped = roster_.mapped_users();
  users.insert(mapped.begin(), mapped.end());
  return roster_.unknown_users({users.begin(), users.end()});
}

net::Task<void> PeopleKeeper::run() {
  while (true) {
    const auto priority = urgent_ ? slack::Priority::handoff : slack::Priority::background;
    urgent_ = false;
    wanted_ = false;
    auto emails = directory_.unasked(wanted_emails(std::exchange(all_, false)));
    changed_.clear();
    auto users = wanted_users();
    bool failed = false;
    const bool asked = !emails.empty() || !users.empty();
    if (!emails.empty()) {
      auto resolved = co_await directory_.resolve(std::move(emails), priority);
      failed = !resolved;
    }
    if (!users.empty()) {
      auto refreshed = co_await directory_.refresh(std::move(users), priority);
      failed = failed || !refreshed;
    }
    if (asked) note_change();
    if (failed) {
      all_ = true;
      co_await net::sleep_for(loop_, kPause);
    }
    const auto again = loop_.steady_now() + kAgain;
    while (!wanted_ && loop_.steady_now() < again) co_await wait_steady(loop_, kicked_, again);
    if (loop_.steady_now() >= again) all_ = true;
  }
}

}  // namespace watchbill::engine
