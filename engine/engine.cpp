#include "engine/engine.hpp"

#include <sodium.h>

#include <algorithm>
#include <utility>

#include "engine/engine_impl.hpp"
#include "engine/event_log.hpp"
#include "engine/stored.hpp"
#include "net/timeout.hpp"
#include "store/names.hpp"

namespace watchbill::engine {

namespace {

/// An alert is not kept waiting for names.
constexpr auto kNamesPatience = 1s;

/// 128 random bits in hexadecimal: the key of an announcement.
std::string random_key() {
  std::array<unsigned char, 16> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  std::string key;
  for (const auto byte : bytes) key += fmt::format("{:02x}", byte);
  return key;
}

}  // namespace

Engine::Impl::Impl(EnginePorts ports, EngineOptions options, ProviderFactory make_provider)
    : ports_(ports),
      options_(std::move(options)),
      make_provider_(std::move(make_provider)),
      tokens_(ports.store, known_connections_),
      directory_(ports.loop, ports.limiter, ports.people,
                 [this](const std::vector<slack::SeenUser>& users) {
                   store::Commit commit;
                   commit.users = cached_users(users);
                   journal_.append(std::move(commit), Pace::with_next);
                 }),
      matcher_(directory_, [this](const std::string& name) { return why_no_address(name); }),
      journal_(ports.loop, ports.store, this),
      decider_(model_, journal_, matcher_, *this, random_key),
      reader_(ports.loop, model_, ports.groups, ports.limiter, options_.poll_interval,
              [this](Result<std::vector<RotationId>> read) {
                const auto asked = read ? *reader_.last_success() : ports_.loop.now();
                const auto error = read ? std::nullopt : std::optional<Error>(read.error());
                note_slack(error);
                look_at_clock();
                hear_clock(clock_.slack, asked, error,
                           options_.slack_clock_skew ? options_.slack_clock_skew() : std::nullopt);
                if (!read) return;
                if (!std::exchange(open_changes_counted_, true)) count_open_changes();
                Event("groups_read").with("to_look_at", read->size()).log(spdlog::level::debug);
                for (const auto id : *read) mark(id);
                note_pass(ports_.loop.now());
              }),
      writer_(ports.loop, model_, journal_, decider_, ports.groups, ports.limiter, *this),
      announcer_(ports.loop, model_, journal_, decider_, ports.channels, ports.limiter,
                 options_.history_probe, [this](RotationId rotation) { status_writer_.mark(rotation); }),
      alerter_(ports.loop, journal_, ports.channels, ports.limiter, ports.http, options_.alerts,
               [this](std::set<std::string> texts) { return with_names(std::move(texts)); }),
      status_writer_(model_),
      keeper_(
          ports.loop, model_, directory_, matcher_, [this] { mark_all(); }, options_.events_arrive),
      job_runner_({ports.loop, ports.store, journal_, ports.groups, ports.limiter},
                  [this] { return sync_now(); }),
      after_restore_(journal_),
      deadlines_(ports.loop, [this](const std::vector<Deadline>& due) { on_due(due); }),
      edits_(ports.loop) {
  if (!make_provider_) {
    make_provider_ = [this](const Connection& connection) -> Result<std::unique_ptr<providers::Provider>> {
      const providers::AdapterContext context{ports_.loop, ports_.http, tokens_, options_.allowed_hosts};
      auto cleaned = connection;
      return providers::open_shifts(cleaned, context);
    };
  }
}

std::string Engine::Impl::why_no_address(const std::string& connection) const {
  const auto known = connections_.find(connection);
  if (known == connections_.end()) return {};
  const auto adapter = providers::find_adapter(known->second.kind);
  return adapter ? std::string((*adapter)->no_address) : std::string();
}

/// What the process before this one used of the budget of group writes still counts. Of other methods that is
/// not known: each may be told once that it was too much.
void Engine::Impl::count_used_budget(const std::string& group_writes) {
  for (const auto at : parse_group_writes(group_writes)) {
    // A clock that was set back since: as if it had been now.
    const auto ago = std::max<milliseconds>(started_at_ - at, 0ms);
    ports_.limiter.count_used(kGroupWrite, ago);
    // And it goes on being told to the next process.
    if (ago < ports_.limiter.window(kGroupWrite)) model_.group_writes.push_back(started_at_ - ago);
  }
}

/// At the first list: a write that the process before this one did not live to see carried out counts as
/// used, nobody knows since when; one that was not carried out used nothing.
void Engine::Impl::count_open_changes() {
  for (const auto& [id, entry] : model_.rotations) {
    if (entry.open_changes.empty() || !entry.group.now || !entry.record.target) continue;
    const bool carried_out = write_needed(*entry.record.target, *entry.group.now) == WriteNeeded::none;
    if (!carried_out || entry.record.target->disable) continue;
    ports_.limiter.count_used(kGroupWrite, 0ms);
    model_.group_writes.push_back(ports_.loop.now());
  }
}

net::Task<Result<void>> StoredTokens::keep(std::string connection,
                                           std::map<std::string, std::string> settings,
                                           std::map<std::string, Secret> secrets) {
  const auto write = [connection, settings, secrets](store::Store& store) {
    return store.connections().keep_tokens(connection, settings, secrets);
  };
  if (auto kept = co_await store_.run(write); !kept) co_return kept;
  Event("token_renewed").with("connection", connection).log(spdlog::level::info);
  const auto known = known_.find(connection);
  if (known == known_.end()) co_return Result<void>{};
  const auto renew = [](auto& values, const auto& renewed) {
    for (const auto& [name, value] : renewed) {
      if (value.empty())
        values.erase(name);
      else
        values.insert_or_assign(name, value);
    }
  };
  renew(known->second.settings, settings);
  renew(known->second.secrets, secrets);
  co_return Result<void>{};
}

net::Task<Result<void>> Engine::Impl::start() {
  auto remembered = co_await ports_.store.run(read_remembered);
  if (!remembered) co_return remembered.error();
  started_at_ = ports_.loop.now();
  last_tick_ = {started_at_, ports_.loop.steady_now()};
  doubt_clock(started_at_);
  load(*remembered);
  for (auto& [name, state] : connections_) {
    if (state.poller) state.poller->start();
  }
  running_ = true;
  reader_.start();
  count_used_budget(remembered->group_writes);
  writer_.start();
  announcer_.start();
  alerter_.start();
  keeper_.start();
  tasks_.spawn(follow_edits());
  tasks_.spawn(tick());
  tasks_.spawn(prune());
  mark_all();
  co_return Result<void>{};
}

net::Task<Alerter::Named> Engine::Impl::with_names(std::set<std::string> texts) {
  struct Ask {
    static net::Task<Alerter::Named> run(store::AsyncStore store, std::set<std::string> texts) {
      const auto name = [texts = std::move(texts)](store::Store& of) {
        Alerter::Named named;
        for (const auto& text : texts) named.emplace(text, store::with_names(of, text));
        return named;
      };
      co_return co_await store.run(name);
    }
  };
  auto named = co_await net::within(ports_.loop, Ask::run(ports_.store, std::move(texts)), kNamesPatience);
  co_return named ? std::move(*named) : Alerter::Named{};
}

net::Task<void> Engine::Impl::stop(milliseconds patience) {
  stopping_ = true;
  writer_.stop();
  announcer_.stop();
  alerter_.stop();
  const auto until = ports_.loop.steady_now() + patience;
  while (ports_.loop.steady_now() < until && work_in_flight()) co_await net::sleep_for(ports_.loop, 10ms);
  flush(ports_.loop.now());
  co_await journal_.drain(std::max<milliseconds>(until - ports_.loop.steady_now(), kStoreRetry));
}

bool Engine::Impl::work_in_flight() const {
  if (writer_.in_flight() + announcer_.in_flight() + job_runner_.in_flight() > 0) return true;
  return std::any_of(connections_.begin(), connections_.end(), [](const auto& item) {
    return item.second.poller && item.second.poller->health().renewing;
  });
}

net::Task<bool> Engine::Impl::wait_in_sync(milliseconds limit) {
  const auto until = ports_.loop.steady_now() + limit;
  while (!in_sync()) {
    if (ports_.loop.steady_now() >= until) co_return false;
    co_await net::sleep_for(ports_.loop, 20ms);
  }
  flush(ports_.loop.now());
  co_return co_await journal_.drain(until - ports_.loop.steady_now());
}

bool Engine::Impl::in_sync() const {
  const auto pass = complete_since();
  if (!pass || *pass < started_at_ || !marked_.empty() || keeper_.looking() || announcer_.pending() > 0)
    return false;
  for (const auto& [id, entry] : model_.rotations) {
    const auto state = state_of(entry, false);
    if (state != "in_sync" && state != "paused" && state != "observing") return false;
  }
  return silent_.empty();
}

std::optional<Instant> Engine::Impl::token_end_of(const std::string& connection) const {
  const auto known = known_connections_.find(connection);
  if (known == known_connections_.end()) return std::nullopt;
  const auto told = known->second.settings.find("token_expires_at");
  if (told == known->second.settings.end()) return std::nullopt;
  const auto end = parse_rfc3339(told->second);
  return end ? std::optional(*end) : std::nullopt;
}

EngineFigures Engine::Impl::figures() const {
  const auto now = ports_.loop.now();
  EngineFigures figures;
  for (const auto& [id, entry] : model_.rotations) {
    const auto out =
        entry.out_of_sync_since ? std::chrono::duration_cast<seconds>(now - *entry.out_of_sync_since) : 0s;
    figures.rotations.push_back({entry.rotation.name, state_of(entry, silent_.contains(id)), out});
    for (const auto& person : entry.plan.people)
      figures.unmatched += person.member || person.member_pending ? 0U : 1U;
  }
  for (const auto& [name, state] : connections_) {
    EngineFigures::ConnectionFigures one;
    one.name = name;
    one.kind = state.kind;
    one.last_success = state.last_success;
    one.interval = state.written.interval;
    if (state.poller) {
      const auto health = state.poller->health();
      one.requests = health.requests;
      one.failures = health.failures;
      one.clock_skew = health.clock_skew;
    }
    one.token_ends = token_end_of(name);
    figures.connections.push_back(std::move(one));
  }
  figures.last_pass = last_pass_;
  figures.queued_writes = writer_.queued();
  figures.writes_done_at = writer_.done_at();
  figures.outbox = announcer_.pending();
  figures.oldest_announcement = announcer_.oldest();
  for (const auto& [key, known] : alerter_.open()) figures.open_problems += known.ended_at ? 0U : 1U;
  figures.lag_counts = lag_counts_;
  figures.lag_sum = lag_sum_;
  figures.store_usable = !store_blocked();
  figures.slack_usable = !slack_error_ && reader_.last_success().has_value();
  return figures;
}

Engine::Engine(EnginePorts ports, EngineOptions options, ProviderFactory make_provider)
    : impl_(std::make_unique<Impl>(ports, std::move(options), std::move(make_provider))) {}
Engine::~Engine() = default;
net::Task<Result<void>> Engine::start() {
  return impl_->start();
}
net::Task<void> Engine::stop(milliseconds patience) {
  return impl_->stop(patience);
}
net::Task<bool> Engine::wait_in_sync(milliseconds limit) {
  return impl_->wait_in_sync(limit);
}
EngineFigures Engine::figures() const {
  return impl_->figures();
}
Result<void> Engine::check_store() const {
  return impl_->check_store();
}
std::optional<WriteForecast> Engine::forecast(RotationId rotation) const {
  return impl_->forecast(rotation);
}
void Engine::hear(const slack::ChangeEvent& news) {
  impl_->hear(news);
}
void Engine::look_anew() {
  impl_->look_anew();
}
void Engine::notice_changes() {
  impl_->notice_changes();
}

}  // namespace watchbill::engine
