#include "engine/targets/announcer.hpp"

#include <algorithm>
#include <array>

#include "core/announce/announcement.hpp"
#include "engine/decide/open_problems.hpp"
#include "engine/event_log.hpp"

namespace watchbill::engine {

namespace {

/// A channel in trouble in which nothing is to be announced is looked at this often.
constexpr auto kLookAgain = 15min;

/// History is read from this long before the attempt: clocks differ.
constexpr auto kProbeMargin = 5min;
constexpr std::string_view kNotInChannel = "not_in_channel";

std::string problem_key(const ChannelId& channel) {
  return std::string(kChannelProblem) + channel.value;
}

/// True if the channel itself tells when what it was refused for is over: of other refusals only an
/// announcement does.
bool shown_by_channel(const std::string& problem) {
  static constexpr std::array<std::string_view, 3> codes{"is_archived", kNotInChannel, "channel_not_found"};
  return std::any_of(codes.begin(), codes.end(),
                     [&](std::string_view code) { return problem.find(code) != std::string::npos; });
}

std::vector<ChannelId> channels_in_trouble(const RotationEntry& entry) {
  std::vector<ChannelId> channels;
  for (const auto& [kind, text] : entry.problems) {
    if (kind.starts_with(kChannelProblem)) channels.emplace_back(kind.substr(kChannelProblem.size()));
  }
  return channels;
}

}  // namespace

Announcer::Announcer(net::Loop& loop, Model& model, Journal& journal, Decider& decider,
                     slack::Channels& channels, slack::RateLimiter& limiter, bool history_probe,
                     std::function<void(RotationId)> on_change)
    : loop_(loop),
      model_(model),
      journal_(journal),
      decider_(decider),
      channels_(channels),
      limiter_(limiter),
      history_probe_(history_probe),
      on_change_(std::move(on_change)),
      kicked_(loop) {}

void Announcer::start() {
  tasks_.spawn(run());
}

void Announcer::kick() {
  kicked_.notify();
}

void Announcer::hold(bool held) {
  held_ = held;
  if (!held) kick();
}

std::size_t Announcer::pending() const {
  return decider_.outbox().size();
}

std::optional<Instant> Announcer::oldest() const {
  std::optional<Instant> oldest;
  for (const auto& [id, row] : decider_.outbox()) {
    if (!oldest || row.facts.at < *oldest) oldest = row.facts.at;
  }
  return oldest;
}

bool Announcer::behind(const OutboxRow& row) const {
  const auto& rows = decider_.outbox();
  return std::any_of(rows.begin(), rows.end(), [&](const auto& item) {
    const auto& other = item.second;
    return other.id < row.id && other.rotation == row.rotation && other.channel == row.channel &&
           (other.state == OutboxState::sending || other.state == OutboxState::unknown);
  });
}

net::Task<void> Announcer::run() {
  while (!stopping_) {
    const auto now = loop_.now();
    const auto steady = loop_.steady_now();
    Instant next = kNever;
    if (held_) {
      co_await wait_steady(loop_, kicked_, kSteadyNever);
      continue;
    }
    // Steps change the map: take the ids first.
    std::vector<OutboxId> ids;
    for (const auto& [id, row] : decider_.outbox()) ids.push_back(id);
    for (const auto id : ids) {
      const auto found = decider_.outbox().find(id);
      if (found == decider_.outbox().end() || busy_.contains(id)) continue;
      auto row = found->second;
      if (release(row, now)) decider_.put(row, Pace::with_next);
      const auto* entry = model_.find(row.rotation);
      if (entry && entry->paused()) continue;
      if (entry && !announces_in(entry->rotation, row.channel) && is_untold(row.state)) {
        expire(row, "not sent: the rotation does not announce in this channel any more");
        continue;
      }
      const auto max_age = entry ? entry->rotation.announce.max_age : milliseconds{6h};
      const auto step = next_step(row, behind(row), now, max_age);
      if (step.at) next = std::min(next, *step.at);
      if (step.action == OutboxAction::expire) {
        expire(row, fmt::format("not sent: older than {} ({})", "announce.max_age",
                                row.error.empty() ? "late" : row.error));
      }
      if (step.action == OutboxAction::send) {
        busy_.insert(id);
        tasks_.spawn(send(id));
      }
      if (step.action == OutboxAction::probe) {
        busy_.insert(id);
        tasks_.spawn(probe(id));
      }
    }
    auto wake = look_at_channels(steady);
    if (next != kNever) wake = std::min(wake, steady + std::max<milliseconds>(next - now, 1ms));
    co_await wait_steady(loop_, kicked_, wake);
  }
}

void Announcer::log_outcome(const OutboxRow& row, OutboxState before) const {
  if (row.state == before) return;
  std::string_view name;
  if (row.state == OutboxState::sent) name = "announcement_sent";
  if (row.state == OutboxState::blocked) name = "announcement_blocked";
  if (row.state == OutboxState::unknown) name = "announcement_unknown";
  if (row.state == OutboxState::expired) name = "announcement_expired";
  if (name.empty()) return;
  Event(name)
      .with("rotation", row.facts.rotation)
      .with("channel", row.channel.value)
      .with("error", row.state == OutboxState::sent ? std::string() : row.error)
      .log(row.state == OutboxState::sent ? spdlog::level::info : spdlog::level::warn);
}

void Announcer::expire(OutboxRow row, std::string why) {
  const auto before = row.state;
  row.state = OutboxState::expired;
  row.error = std::move(why);
  decider_.put(row, Pace::with_next);
  log_outcome(row, before);
  note_problem(row);
  on_change_(row.rotation);
}

slack::OutgoingMessage Announcer::message_of(const OutboxRow& row, Instant now) const {
  const auto* entry = model_.find(row.rotation);
  Announce announce;
  AnnouncementContext context{now};
  if (entry) {
    const auto& schedules = entry->rotation.schedules;
    announce = entry->rotation.announce;
    context.name_schedules =
        schedules.size() > 1 ||
        std::any_of(schedules.begin(), schedules.end(), [](const auto& s) { return !s.label.empty(); });
  }
  context.group_pending = !row.group_confirmed;
  context.possibly_repeated = row.possibly_repeated;
  auto text = render(row.facts, announce, context);
  return {row.channel, std::move(text.text), std::move(text.blocks), row.key};
}

net::Task<void> Announcer::send(OutboxId id) {
  const auto first = decider_.outbox().find(id);
  const auto channel = first->second.channel;
  if (history_probe_ && !joined_.contains(channel)) co_await join(channel);
  auto permit =
      co_await limiter_.acquire(slack::Method::chat_post_message, slack::Priority::handoff, channel.value);
  // While it waited it may have been merged into a later one.
  const auto found = decider_.outbox().find(id);
  const bool wanted =
      !stopping_ && !held_ && found != decider_.outbox().end() &&
      (found->second.state == OutboxState::ready || found->second.state == OutboxState::blocked) &&
      !behind(found->second);
  if (!wanted) {
    busy_.erase(id);
    kick();
    co_return;
  }
  auto begun = found->second;
  begin_attempt(begun, loop_.now());
  co_await journal_.durable(decider_.put(std::move(begun), Pace::now));
  if (still_wanted(id)) {
    auto message = message_of(decider_.outbox().at(id), loop_.now());
    ++posting_;
    auto posted = co_await channels_.post(std::move(permit), std::move(message));
    --posting_;
    complete(id, posted);
  }
  busy_.erase(id);
  kick();
}

bool Announcer::still_wanted(OutboxId id) {
  const auto found = decider_.outbox().find(id);
  if (found == decider_.outbox().end()) return false;  // its rotation was deleted meanwhile
  const auto& row = found->second;
  const auto* entry = model_.find(row.rotation);
  const bool wanted = !stopping_ && !held_ && !(entry && entry->paused()) &&
                      (!entry || announces_in(entry->rotation, row.channel));
  if (wanted) return true;
  auto back = row;
  take_back_attempt(back, loop_.now());
  decider_.put(std::move(back), Pace::with_next);
  return false;
}

void Announcer::complete(OutboxId id, const Result<slack::Posted>& posted) {
  const auto sent = decider_.outbox().find(id);
  if (sent == decider_.outbox().end()) return;  // its rotation was deleted meanwhile
  auto row = sent->second;
  const auto before = row.state;
  complete_attempt(row, posted ? Result<std::string>(posted->ts) : Result<std::string>(posted.error()),
                   loop_.now());
  log_outcome(row, before);
  // A restart reads the channel's history for what it does not know; where it may not it would repeat it.
  decider_.put(row, history_probe_ && joined_.contains(row.channel) ? Pace::with_next : Pace::now);
  journal_.hurry();
  busy_.erase(id);
  fold(row);
  note_problem(row);
  on_change_(row.rotation);
}

net::Task<Probe> Announcer::look_for(ChannelId channel, std::string key, Instant since) {
  std::string cursor;
  do {
    auto permit = co_await limiter_.acquire(slack::Method::conversations_history, slack::Priority::handoff);
    auto page = co_await channels_.history(std::move(permit), channel, since, cursor);
    if (!page) {
      const auto kind = page.error().kind;
      const bool unreadable =
          kind == ErrorKind::forbidden || kind == ErrorKind::not_found || kind == ErrorKind::invalid;
      co_return Probe{unreadable ? Probe::Kind::unreadable : Probe::Kind::failed, {}};
    }
    for (const auto& [found, ts] : page->keys) {
      if (found == key) co_return Probe{Probe::Kind::found, ts};
    }
    cursor = page->next_cursor;
  } while (!cursor.empty());
  co_return Probe{Probe::Kind::absent, {}};
}

net::Task<void> Announcer::probe(OutboxId id) {
  const auto before = decider_.outbox().at(id);
  auto seen =
      co_await look_for(before.channel, before.key, before.attempt_at.value_or(loop_.now()) - kProbeMargin);
  const auto found = decider_.outbox().find(id);
  if (found != decider_.outbox().end() && found->second.state == OutboxState::unknown) {
    auto row = found->second;
    complete_probe(row, seen, loop_.now());
    log_outcome(row, before.state);
    decider_.put(row, Pace::with_next);
    fold(row);
    note_problem(row);
    on_change_(row.rotation);
  }
  busy_.erase(id);
  kick();
}

void Announcer::fold(const OutboxRow& row) {
  std::vector<OutboxRow> later;
  for (const auto& [id, other] : decider_.outbox()) {
    if (row.id < id && other.rotation == row.rotation && other.channel == row.channel &&
        !busy_.contains(id)) {
      later.push_back(other);
    }
  }
  for (auto& changed : fold_into_later(row, later)) decider_.put(std::move(changed), Pace::with_next);
}

net::Task<void> Announcer::join(ChannelId channel) {
  auto info_permit = co_await limiter_.acquire(slack::Method::conversations_info, slack::Priority::handoff);
  auto info = co_await channels_.channel_info(std::move(info_permit), channel);
  if (info && !info->member && !info->is_private && !info->archived) {
    auto permit = co_await limiter_.acquire(slack::Method::conversations_join, slack::Priority::handoff);
    auto joined = co_await channels_.join(std::move(permit), channel);
    if (!joined) co_return;
  }
  if (info) joined_.insert(channel);
}

bool Announcer::has_open_row(RotationId rotation, const ChannelId& channel) const {
  const auto& rows = decider_.outbox();
  return std::any_of(rows.begin(), rows.end(), [&](const auto& item) {
    return item.second.rotation == rotation && item.second.channel == channel;
  });
}

SteadyInstant Announcer::look_at_channels(SteadyInstant now) {
  auto next = kSteadyNever;
  std::map<ChannelOf, SteadyInstant> due;
  for (auto& [id, entry] : model_.rotations) {
    for (const auto& channel : channels_in_trouble(entry)) {
      if (entry.paused() || has_open_row(id, channel)) continue;
      if (!announces_in(entry.rotation, channel)) {
        entry.problems.erase(problem_key(channel));
        on_change_(id);
        continue;
      }
      if (!shown_by_channel(entry.problems.at(problem_key(channel)))) continue;
      const ChannelOf key{id, channel};
      const auto known = look_due_.find(key);
      auto at = known == look_due_.end() ? now + kLookAgain : known->second;
      if (at <= now) {
        at = now + kLookAgain;
        if (looking_.insert(key).second) tasks_.spawn(look_at(id, channel));
      }
      due.emplace(key, at);
      next = std::min(next, at);
    }
  }
  look_due_ = std::move(due);
  return next;
}

net::Task<void> Announcer::look_at(RotationId rotation, ChannelId channel) {
  auto permit = co_await limiter_.acquire(slack::Method::conversations_info, slack::Priority::background);
  auto info = co_await channels_.channel_info(std::move(permit), channel);
  looking_.erase({rotation, channel});
  auto* entry = model_.find(rotation);
  // An announcement that came meanwhile tells it itself.
  if (!entry || !info || info->archived || has_open_row(rotation, channel)) co_return;
  const auto problem = entry->problems.find(problem_key(channel));
  if (problem == entry->problems.end()) co_return;
  // Whether Slack takes a post of who is not in a public channel depends on a scope: it told, if not.
  const bool must_be_in = problem->second.find(kNotInChannel) != std::string::npos;
  const bool gets_in = !info->is_private && (history_probe_ || !must_be_in);
  if (!info->member && !gets_in) co_return;
  entry->problems.erase(problem);
  on_change_(rotation);
  kick();
}

void Announcer::try_channels() {
  for (auto& [channel, at] : look_due_) at = loop_.steady_now();
  std::vector<OutboxRow> blocked;
  for (const auto& [id, row] : decider_.outbox()) {
    if (row.state == OutboxState::blocked) blocked.push_back(row);
  }
  for (auto& row : blocked) {
    row.next_try = loop_.now();
    decider_.put(std::move(row), Pace::with_next);
  }
  kick();
}

bool Announcer::trying_channels() const {
  if (held_) return false;
  const auto now = loop_.now();
  const auto steady = loop_.steady_now();
  const auto& rows = decider_.outbox();
  return !looking_.empty() || std::any_of(look_due_.begin(), look_due_.end(), [&](const auto& look) {
    return look.second <= steady;
  }) || std::any_of(rows.begin(), rows.end(), [&](const auto& item) {
    const auto& row = item.second;
    const auto* entry = model_.find(row.rotation);
    if (!entry || entry->paused() || !entry->problems.contains(problem_key(row.channel))) return false;
    return busy_.contains(row.id) || (row.state == OutboxState::blocked && row.next_try <= now);
  });
}

void Announcer::note_problem(const OutboxRow& row) {
  auto* entry = model_.find(row.rotation);
  if (!entry) return;
  const auto key = problem_key(row.channel);
  const auto known = entry->problems.find(key);
  if (row.state == OutboxState::blocked) {
    entry->problems[key] =
        fmt::format("the announcement for channel {} was refused: {}", row.channel, row.error);
  } else if (row.state == OutboxState::sent || !announces_in(entry->rotation, row.channel)) {
    entry->problems.erase(key);
  } else if (row.state == OutboxState::expired && known != entry->problems.end()) {
    known->second = fmt::format("the announcement for channel {} was {}", row.channel, row.error);
  }
}

void Announcer::note_loaded() {
  for (const auto& [id, row] : decider_.outbox()) {
    if (row.state == OutboxState::blocked) note_problem(row);
  }
}

}  // namespace watchbill::engine
