#include "engine/sources/people_refresher.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "engine/steady_wait.hpp"

namespace watchbill::engine {

namespace {

/// People whom Slack did not know are asked for again (the directory spaces that out).
constexpr auto kAgain = 60s;
/// After a failure, and at least between two rounds of the same question; doubled up to the longest.
constexpr auto kPause = 2s;
constexpr auto kLongestRetryPause = 30s;
/// Those on call are looked at in rounds of so many steps: 55 s, so that a change is seen within 60 s. All of
/// them at once would leave nothing of Slack's limit to others.
constexpr auto kRound = 55s;
constexpr std::size_t kStepsARound = 5;
constexpr auto kStep = 11s;
/// Where events tell of changes a look at everybody takes so many rounds: nine minutes.
constexpr std::size_t kRoundsIfTold = 10;
/// A list of so many pages may be read each round: two readings within a minute are 14 of the 15 calls that
/// handoffs leave of `users.list` (tier 2: 20 a minute).
constexpr std::size_t kShortList = 7;
/// Events arrive as long as one about a person came within this time: an app that was installed before they
/// were in its manifest gets none.
constexpr auto kEventsProven = 1h;
/// Whoever is next within this time counts as on call.
constexpr auto kSoon = 2min;
/// Events come in bursts.
constexpr auto kBetweenEvents = 1s;
/// Every rotation is decided anew when somebody's match may have changed: not for each of a thousand answers.
constexpr auto kTogether = 50ms;

std::size_t turns(std::size_t people, std::size_t at_once) {
  return (people + at_once - 1) / at_once;
}

/// Leaves those whose turn it is: everybody has one of so many steps, whoever else is on call.
template <class Key>
void keep_share(std::vector<Key>& all, std::size_t step, std::size_t steps) {
  std::erase_if(all, [&](const Key& key) { return std::hash<Key>{}(key) % steps != step % steps; });
}

}  // namespace

PeopleRefresher::PeopleRefresher(net::Loop& loop, Model& model, slack::Directory& directory,
                                 ResponderMatcher& matcher, std::function<void()> on_change,
                                 std::function<bool()> events_arrive)
    : loop_(loop),
      model_(model),
      directory_(directory),
      matcher_(matcher),
      on_change_(std::move(on_change)),
      events_arrive_(std::move(events_arrive)),
      kicked_(loop),
      needed_(loop),
      heard_(loop),
      changes_(loop) {}

void PeopleRefresher::start() {
  tasks_.spawn(run());
  tasks_.spawn(look_up_urgent());
  tasks_.spawn(watch_on_call());
  tasks_.spawn(follow_events());
  tasks_.spawn(watch_changes());
  tasks_.spawn(tell_changes());
  tasks_.spawn(directory_.keep_fresh());
}

void PeopleRefresher::urgent() {
  urgent_ = true;
  needed_.notify();
}

void PeopleRefresher::kick() {
  all_ = true;
  wanted_ = true;
  kicked_.notify();
}

void PeopleRefresher::look_at(const ScheduleRef& schedule) {
  changed_.insert(schedule);
  wanted_ = true;
  kicked_.notify();
}

void PeopleRefresher::recheck(std::vector<UserId> users) {
  tasks_.spawn(refresh(std::move(users)));
}

net::Task<void> PeopleRefresher::refresh(std::vector<UserId> users) {
  // An error leaves the people as they were; the write that asked for this is retried by its own rule.
  if (auto done = co_await directory_.refresh(std::move(users), slack::Priority::edit); !done) co_return;
  note_change();
}

net::Task<void> PeopleRefresher::watch_changes() {
  while (true) {
    co_await directory_.changed().wait();
    note_change();
  }
}

void PeopleRefresher::note_change() {
  changed_somebody_ = true;
  changes_.notify();
}

net::Task<void> PeopleRefresher::tell_changes() {
  while (true) {
    while (!changed_somebody_) co_await changes_.wait();
    changed_somebody_ = false;
    on_change_();
    co_await net::sleep_for(loop_, kTogether);
  }
}

std::vector<std::string> PeopleRefresher::wanted_emails(bool of_all) const {
  // Two months of shifts share a handful of responders a schedule: each is looked at once.
  std::unordered_set<const Responder*> seen;
  std::unordered_set<std::string_view> emails;
  const auto add = [&](const ScheduleEntry& entry) {
    for (const auto& shift : entry.state.timeline.shifts) {
      const Responder& responder = *shift.responder;
      if (seen.insert(&responder).second && responder.email) emails.insert(*responder.email);
    }
    for (const auto& responder : entry.state.held) {
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

std::vector<UserId> PeopleRefresher::wanted_users() const {
  std::set<UserId> users;
  for (const auto& [id, entry] : model_.rotations) {
    users.insert(entry.rotation.permanent_members.begin(), entry.rotation.permanent_members.end());
    // Who is told to edit a group is told by name.
    if (!entry.group.drifts.empty() && !entry.group.changed_by.empty()) users.insert(entry.group.changed_by);
    users.insert(entry.rotation.fallback_members.begin(), entry.rotation.fallback_members.end());
  }
  const auto mapped = matcher_.mapped_users();
  users.insert(mapped.begin(), mapped.end());
  return matcher_.unknown_users({users.begin(), users.end()});
}

net::Task<Result<void>> PeopleRefresher::look_up(std::vector<std::string> emails, std::vector<UserId> users,
                                                 slack::Priority priority) {
  Result<void> done;
  if (!emails.empty()) done = co_await directory_.resolve(std::move(emails), priority);
  if (!users.empty()) {
    auto refreshed = co_await directory_.refresh(std::move(users), priority);
    if (done) done = std::move(refreshed);
  }
  note_change();
  co_return done;
}

net::Task<void> PeopleRefresher::run() {
  while (true) {
    wanted_ = false;
    auto emails = directory_.unasked(wanted_emails(std::exchange(all_, false)));
    changed_.clear();
    auto users = wanted_users();
    if (!emails.empty() || !users.empty()) {
      const auto done = co_await look_up(std::move(emails), std::move(users), slack::Priority::background);
      if (!done) {
        all_ = true;
        co_await net::sleep_for(loop_, kPause);
      }
    }
    const auto again = loop_.steady_now() + kAgain;
    while (!wanted_ && loop_.steady_now() < again) co_await wait_steady(loop_, kicked_, again);
    if (loop_.steady_now() >= again) all_ = true;
  }
}

std::vector<std::string> PeopleRefresher::pending_emails() const {
  std::set<std::string> emails;
  for (const auto& [id, entry] : model_.rotations) {
    for (const auto& person : entry.plan.people) {
      if (person.member_pending && person.responder.email) emails.insert(*person.responder.email);
    }
  }
  return directory_.unasked({emails.begin(), emails.end()});
}

/// A handoff waits for these: they wait for nobody else's look-up.
net::Task<void> PeopleRefresher::look_up_urgent() {
  milliseconds pause = kPause;
  std::set<std::string> failed;
  auto not_before = loop_.steady_now();
  while (true) {
    while (!urgent_) co_await needed_.wait();
    urgent_ = false;
    auto emails = pending_emails();
    const bool tried = std::all_of(emails.begin(), emails.end(),
                                   [&](const std::string& email) { return failed.contains(email); });
    if (emails.empty()) continue;
    if (tried && loop_.steady_now() < not_before) {
      urgent_ = true;
      co_await wait_steady(loop_, needed_, not_before);
      continue;
    }
    std::set<std::string> asked(emails.begin(), emails.end());
    std::vector<UserId> nobody;
    const auto done = co_await look_up(std::move(emails), std::move(nobody), slack::Priority::handoff);
    pause = done || !tried ? milliseconds{kPause} : std::min<milliseconds>(pause * 2, kLongestRetryPause);
    not_before = loop_.steady_now() + pause;
    failed = done ? std::set<std::string>{} : std::move(asked);
  }
}

PeopleRefresher::OnCallNow PeopleRefresher::on_call_now() const {
  std::set<UserId> users;
  std::set<std::string> emails;
  const auto soon = loop_.now() + kSoon;
  for (const auto& [id, entry] : model_.rotations) {
    if (entry.rotation.paused) continue;
    for (const auto& person : entry.plan.decided ? entry.plan.people : entry.record.people) {
      const auto account = matcher_.account_of(person.responder);
      if (account) users.insert(*account);
      const bool may_be_member = account && !matcher_.unfit(*account);
      if (!may_be_member && person.responder.email) emails.insert(*person.responder.email);
    }
    for (const auto& next : entry.plan.next) {
      if (next.member && next.from <= soon) users.insert(*next.member);
    }
  }
  return {{users.begin(), users.end()}, {emails.begin(), emails.end()}};
}

net::Task<Result<void>> PeopleRefresher::look_again(std::vector<UserId> users,
                                                    std::vector<std::string> emails,
                                                    slack::Priority priority) {
  co_return co_await directory_.look_again(std::move(users), std::move(emails), priority);
}

bool PeopleRefresher::told() {
  if (!events_arrive_ || !events_arrive_()) told_at_.reset();
  return told_at_ && loop_.steady_now() - *told_at_ < kEventsProven;
}

bool PeopleRefresher::by_list(const OnCallNow& on_call, std::size_t rounds) const {
  const bool many = on_call.users.size() > slack::kFewUsers * rounds ||
                    on_call.emails.size() > slack::kFewAddresses * rounds;
  const auto pages = directory_.list_pages();
  return many && pages && *pages <= kShortList * rounds;
}

/// Whether the list is short is known when it was read once.
net::Task<void> PeopleRefresher::learn_list() {
  learning_list_ = true;
  (void)co_await directory_.refresh_all(slack::Priority::background);
  learning_list_ = false;
}

net::Task<void> PeopleRefresher::watch_on_call() {
  bool list_read = true;
  // The list tells of all at once: nobody is to be found before the next round.
  bool listed = false;
  auto at = loop_.steady_now();
  for (std::size_t step = 1;; ++step) {
    at = std::max(at + kStep, loop_.steady_now() - kRound);
    co_await net::sleep_for(loop_, std::max<milliseconds>(at - loop_.steady_now(), 0ms));
    std::size_t rounds = told() ? kRoundsIfTold : 1;
    if (listed && list_read && step % (kStepsARound * rounds) != 0) continue;
    auto on_call = on_call_now();
    listed = by_list(on_call, rounds);
    if (listed) {
      if (step % (kStepsARound * rounds) == 0) {
        auto all = on_call;
        list_read =
            (co_await look_again(std::move(all.users), std::move(all.emails), slack::Priority::background))
                .ok();
      }
      if (list_read) continue;
    }
    const auto needed = std::max(turns(on_call.users.size(), slack::kFewUsers),
                                 turns(on_call.emails.size(), slack::kFewAddresses));
    if (needed > rounds && !directory_.list_pages() && !learning_list_) tasks_.spawn(learn_list());
    rounds = std::max(rounds, needed);
    keep_share(on_call.users, step, kStepsARound * rounds);
    keep_share(on_call.emails, step, kStepsARound * rounds);
    co_await look_again(std::move(on_call.users), std::move(on_call.emails), slack::Priority::background);
  }
}

void PeopleRefresher::hear(const slack::User& person) {
  told_at_ = loop_.steady_now();
  auto shown = person;
  if (const auto* known = directory_.by_id(person.id)) {
    if (!shown.email) shown.email = known->email;
    if (shown != *known) told_users_.insert(person.id);
  }
  if (person.email && directory_.absent(*person.email)) told_emails_.insert(*person.email);
  if (!told_users_.empty() || !told_emails_.empty()) heard_.notify();
}

net::Task<void> PeopleRefresher::follow_events() {
  while (true) {
    while (told_users_.empty() && told_emails_.empty()) co_await heard_.wait();
    std::vector<UserId> users(told_users_.begin(), told_users_.end());
    std::vector<std::string> emails(told_emails_.begin(), told_emails_.end());
    told_users_.clear();
    told_emails_.clear();
    co_await look_again(std::move(users), std::move(emails), slack::Priority::edit);
    co_await net::sleep_for(loop_, kBetweenEvents);
  }
}

void PeopleRefresher::look_at_everybody() {
  tasks_.spawn(look_at_all());
}

net::Task<void> PeopleRefresher::look_at_all() {
  ++looking_;
  auto on_call = on_call_now();
  std::set<UserId> users;
  std::set<std::string> emails;
  for (const auto& email : wanted_emails(true)) {
    const auto* user = directory_.by_email(email);
    if (user) users.insert(user->id);
    if (!user || !user->assignable()) emails.insert(email);
  }
  const auto mapped = matcher_.mapped_users();
  users.insert(mapped.begin(), mapped.end());
  for (const auto& user : on_call.users) users.erase(user);
  for (const auto& email : on_call.emails) emails.erase(email);
  co_await look_again(std::move(on_call.users), std::move(on_call.emails), slack::Priority::edit);
  note_change();
  --looking_;
  std::vector<UserId> others(users.begin(), users.end());
  std::vector<std::string> other_emails(emails.begin(), emails.end());
  co_await look_again(std::move(others), std::move(other_emails), slack::Priority::edit);
}

}  // namespace watchbill::engine
