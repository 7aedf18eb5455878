#include "engine/targets/alerter.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "core/announce/sentence.hpp"
#include "engine/event_log.hpp"
#include "engine/steady_wait.hpp"

namespace watchbill::engine {

namespace {

/// A problem that ends within this time is not worth an alert: the next answer mended it.
constexpr auto kShortest = 2s;
constexpr auto kRetry = 30s;
/// Lines in one message; the rest are counted.
constexpr std::size_t kLines = 20;

struct Lines {
  std::vector<std::string> began;
  std::vector<std::string> ended;
  std::vector<std::pair<std::string, bool>> keys;  ///< and whether it is told as open
};

std::string message_of(const Lines& lines) {
  std::string text;
  const auto add = [&](const std::vector<std::string>& from, std::string_view mark) {
    for (std::size_t i = 0; i < from.size() && i < kLines; ++i) text += fmt::format("{} {}\n", mark, from[i]);
    if (from.size() > kLines)
      text += fmt::format("{} and {} more: see `watchbill status`\n", mark, from.size() - kLines);
  };
  add(lines.began, ":rotating_light:");
  add(lines.ended, ":white_check_mark:");
  if (!text.empty()) text.pop_back();
  return text;
}

const std::string& text_with_names(const Alerter::Named& named, const std::string& text) {
  const auto known = named.find(text);
  return known == named.end() ? text : known->second;
}

}  // namespace

Alerter::Alerter(net::Loop& loop, Journal& journal, slack::Channels& channels, slack::RateLimiter& limiter,
                 net::HttpClient& http, AlertOptions options, WithNames with_names)
    : loop_(loop),
      journal_(journal),
      channels_(channels),
      limiter_(limiter),
      http_(http),
      options_(std::move(options)),
      with_names_(std::move(with_names)),
      changed_(loop) {}

void Alerter::load(std::vector<store::OpenProblem> problems) {
  for (auto& problem : problems) {
    if (!problem.ended_at) logged_.insert(problem.problem.key);
    open_.insert_or_assign(problem.problem.key, std::move(problem));
  }
}

void Alerter::start() {
  tasks_.spawn(run(&Alerter::tell_channels));
  tasks_.spawn(run(&Alerter::tell_webhook));
}

/// A store that cannot be written is a problem of its own, told all the same.
void Alerter::save_changed(Pace pace) {
  store::Commit commit;
  for (const auto& key : unsaved_) {
    const auto known = open_.find(key);
    if (known != open_.end()) commit.problems.push_back(known->second);
  }
  unsaved_.clear();
  if (!commit.empty()) journal_.append(std::move(commit), pace);
}

void Alerter::report(const std::vector<Problem>& problems, const std::map<RotationId, ChannelId>& channel_of,
                     const SayEnd& say_end, Instant now) {
  channel_of_ = channel_of;
  std::map<std::string, const Problem*> current;
  for (const auto& problem : problems) current.emplace(problem.key, &problem);
  bool changed = false;
  for (const auto& [key, problem] : current) {
    auto [it, fresh] = open_.try_emplace(key, store::OpenProblem{*problem, now});
    auto& known = it->second;
    const bool again = known.ended_at.has_value();
    if (!fresh && !again && known.problem == *problem) continue;
    known.problem = *problem;
    known.ended_at.reset();
    unsaved_.insert(key);
    changed = true;
  }
  for (auto& [key, known] : open_) {
    if (known.ended_at) continue;
    if (current.contains(key)) {
      if (now - known.since >= kShortest && logged_.insert(key).second)
        Event("problem").with("key", key).with("text", known.problem.text).log(spdlog::level::warn);
      continue;
    }
    known.ended_at = now;
    known.problem.text = say_end(known);
    if (logged_.erase(key) > 0)
      Event("problem_resolved").with("key", key).with("text", known.problem.text).log(spdlog::level::info);
    unsaved_.insert(key);
    changed = true;
  }
  save_changed(Pace::with_next);
  if (!changed) return;
  ++revision_;
  changed_.notify();
}

void Alerter::set_back(Instant now) {
  for (auto& [key, known] : open_) {
    known.since = std::min(known.since, now);
    if (known.ended_at) known.ended_at = std::min(*known.ended_at, now);
  }
}

std::set<ChannelId> Alerter::channels_for(const store::OpenProblem& problem) const {
  std::set<ChannelId> channels;
  if (options_.channel) channels.insert(*options_.channel);
  if (problem.problem.rotation) {
    const auto own = channel_of_.find(*problem.problem.rotation);
    if (own != channel_of_.end()) channels.insert(own->second);
  }
  return channels;
}

/// True if a problem is so young that it has not been told yet.
bool Alerter::too_fresh() const {
  const auto now = loop_.now();
  return std::any_of(open_.begin(), open_.end(),
                     [&](const auto& item) { return now - item.second.since < kShortest; });
}

net::Task<void> Alerter::run(net::Task<bool> (Alerter::*tell)()) {
  while (!stopping_) {
    co_await net::sleep_for(loop_, kShortest);
    const auto seen = revision_;
    ++telling_;
    const bool told = co_await (this->*tell)();
    --telling_;
    forget_told();
    // What began or ended while it was telling has woken nobody.
    if (revision_ != seen || too_fresh()) continue;
    co_await wait_steady(loop_, changed_, told ? kSteadyNever : loop_.steady_now() + kRetry);
  }
}

net::Task<Alerter::Named> Alerter::name_all() {
  std::set<std::string> texts;
  for (const auto& [key, known] : open_) {
    if (known.problem.alert) texts.insert(known.problem.text);
  }
  if (texts.empty()) co_return Named{};
  co_return co_await with_names_(std::move(texts));
}

net::Task<bool> Alerter::tell_channels() {
  const auto named = co_await name_all();
  std::map<ChannelId, Lines> messages;
  const auto now = loop_.now();
  for (const auto& [key, known] : open_) {
    if (!known.problem.alert) continue;
    const auto channels = channels_for(known);
    auto& told = told_in_[key];
    // An earlier run told it.
    if (known.alerted_channel && told.empty()) told = channels;
    const auto line = foreign_text(text_with_names(named, known.problem.text), true);
    if (!known.ended_at && !known.alerted_channel && now - known.since >= kShortest) {
      for (const auto& channel : channels) {
        if (told.contains(channel)) continue;
        messages[channel].began.push_back(line);
        messages[channel].keys.emplace_back(key, true);
      }
    }
    if (!known.ended_at) continue;
    for (const auto& channel : told) {
      messages[channel].ended.push_back(line);
      messages[channel].keys.emplace_back(key, false);
    }
  }
  bool all_told = true;
  for (auto& [channel, lines] : messages) {
    auto permit =
        co_await limiter_.acquire(slack::Method::chat_post_message, slack::Priority::edit, channel.value);
    slack::OutgoingMessage message{channel, message_of(lines), {}, {}};
    auto posted = co_await channels_.post(std::move(permit), std::move(message));
    // An answer that was lost may have arrived: an alert that comes twice is worse than none only by a line.
    all_told = all_told && posted.ok();
    if (!posted) continue;
    for (const auto& [key, began] : lines.keys) {
      const auto known = open_.find(key);
      if (known == open_.end()) continue;
      auto& told = told_in_[key];
      if (began) {
        told.insert(channel);
      } else {
        told.erase(channel);
      }
      const auto wanted = channels_for(known->second);
      known->second.alerted_channel =
          began ? std::includes(told.begin(), told.end(), wanted.begin(), wanted.end()) : !told.empty();
      unsaved_.insert(key);
    }
    save_changed(Pace::now);
  }
  co_return all_told;
}

net::Task<bool> Alerter::tell_webhook() {
  if (options_.webhook.empty()) co_return true;
  const auto named = co_await name_all();
  Lines lines;
  json::Writer writer;
  const auto now = loop_.now();
  writer.begin_object().key("problems").begin_array();
  for (const auto& [key, known] : open_) {
    if (!known.problem.alert) continue;
    const bool begin = !known.ended_at && !known.alerted_webhook && now - known.since >= kShortest;
    const bool end = known.ended_at && known.alerted_webhook;
    if (!begin && !end) continue;
    const auto text = text_with_names(named, known.problem.text);
    (begin ? lines.began : lines.ended).push_back(text);
    lines.keys.emplace_back(key, begin);
    writer.begin_object().field("key", key).field("state", begin ? "open" : "resolved");
    writer.field("text", text).field("since", format_rfc3339(known.since)).end_object();
  }
  writer.end_array().field("text", message_of(lines)).end_object();
  if (lines.keys.empty()) co_return true;
  net::HttpRequest request;
  request.method = "POST";
  request.url = options_.webhook.reveal();
  request.headers = {{"Content-Type", "application/json"}};
  request.body = writer.take();
  auto answer = co_await http_.send(std::move(request));
  if (!answer || answer->status < 200 || answer->status > 299) co_return false;
  for (const auto& [key, began] : lines.keys) {
    const auto known = open_.find(key);
    if (known == open_.end()) continue;
    known->second.alerted_webhook = began;
    unsaved_.insert(key);
  }
  save_changed(Pace::now);
  co_return true;
}

void Alerter::forget_told() {
  if (telling_ > 0) return;
  std::vector<std::string> over;
  for (const auto& [key, known] : open_) {
    const auto told = told_in_.find(key);
    const bool untold = told == told_in_.end() || told->second.empty();
    const bool channel_waits = !untold || (known.alerted_channel && !channels_for(known).empty());
    const bool webhook_waits = known.alerted_webhook && !options_.webhook.empty();
    if (known.ended_at && !channel_waits && !webhook_waits) over.push_back(key);
  }
  if (over.empty()) return;
  store::Commit commit;
  commit.told_problems = over;
  journal_.append(std::move(commit), Pace::with_next);
  for (const auto& key : over) {
    told_in_.erase(key);
    open_.erase(key);
  }
}

void Alerter::heartbeat() {
  if (options_.heartbeat.empty() || beating_ || stopping_) return;
  beating_ = true;
  tasks_.spawn(beat());
}

net::Task<void> Alerter::beat() {
  net::HttpRequest request;
  request.url = options_.heartbeat.reveal();
  auto answer = co_await http_.send(std::move(request));
  // A heartbeat that fails is noticed by the dead man's switch: that is what it is for.
  (void)answer;
  beating_ = false;
}

}  // namespace watchbill::engine
