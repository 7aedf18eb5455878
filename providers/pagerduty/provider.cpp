#include "providers/pagerduty/provider.hpp"

#include <algorithm>
#include <deque>
#include <map>

#include "providers/pagerduty/session.hpp"

namespace watchbill::providers::pagerduty {

namespace {

/// The length of a URL that PagerDuty takes is not documented; 50 ids stay under 2 kB.
constexpr std::size_t kBatch = 50;
constexpr milliseconds kListLife = 10min;
/// The lists are read again that soon when an id is in none of them, or when reading them failed.
constexpr milliseconds kListRetry = 60s;
/// 960 requests a minute are allowed; beyond a few, single questions are spread to at most 600 a minute.
constexpr std::size_t kUnpaced = 50;
constexpr milliseconds kPace = 100ms;
/// So many questions in a row that time out end a cycle: the rest would take minutes to fail as well.
constexpr int kSilences = 3;

/// In lists of schedules, for people.
constexpr const char* kShiftBased = "shift-based";

/// No other question of this cycle would fare better.
bool hopeless(const Error& error) {
  return error.kind == ErrorKind::unauthorized || error.kind == ErrorKind::rate_limited ||
         error.kind == ErrorKind::unreachable;
}

bool refused(const Error& error) {
  return error.kind == ErrorKind::not_found || error.kind == ErrorKind::invalid;
}

/// A schedule, or one rotation of a shift-based one: "PSCHED9#ROTATION".
struct Place {
  explicit Place(std::string_view id)
      : schedule(id.substr(0, id.find('#'))),
        rotation(schedule.size() < id.size() ? id.substr(schedule.size() + 1) : std::string_view{}) {}
  std::string schedule;
  std::string rotation;  ///< empty for the whole
};

bool is_rotation(const std::string& id) {
  return !Place(id).rotation.empty();
}

/// What is known of a schedule beyond who is on call.
struct Known {
  std::optional<Kind> kind{};
  bool listed = false;
  bool attached = false;                   ///< an escalation policy uses it (told of layer-based ones only)
  bool shown = false;                      ///< /oncalls has shown it
  bool hidden = false;                     ///< when it was last asked itself, it had people
  std::optional<SteadyInstant> gone_at{};  ///< when the lists last bore out that it is gone

  /// /oncalls may know it.
  [[nodiscard]] bool in_oncalls() const { return listed && (attached || kind == Kind::shift); }
  /// Its absence from /oncalls says nothing.
  [[nodiscard]] bool asked_singly() const {
    return !in_oncalls() || hidden || (kind == Kind::shift && !shown);
  }
  void set_kind(Kind now) {
    if (kind != now) shown = false;
    kind = now;
  }
};

/// When a question left, what it was, and of what its answer speaks.
struct Asked {
  Asked(Window wanted, Instant now) : at(now), window(wanted) {
    // Late in a long cycle "now" has moved on.
    if (now > wanted.from && now + 1s < wanted.to) window.from = now;
    range = range_of(window);
    window.to = std::min(window.to, range.until);
  }
  Instant at;
  Window window;
  Range range{};
};

/// The questions of one `poll` that are still open.
struct Cycle {
  Window window;
  AnswerSink sink;
  std::deque<std::vector<std::string>> batches{};
  std::deque<std::string> singles{};
  int silences = 0;
  bool probed = false;

  /// True if the rest of the cycle is not worth asking.
  bool ended_by(const Error& error) {
    silences = error.kind == ErrorKind::timeout ? silences + 1 : 0;
    return hopeless(error) || silences >= kSilences;
  }
};

class PagerDuty final : public Provider {
 public:
  PagerDuty(const Connection& connection, const AdapterContext& context)
      : loop_(context.loop), name_(connection.name), session_(connection, context), listing_(context.loop) {}

  net::Task<Result<std::string>> verify() override { return session_.prove(); }
  net::Task<Result<std::vector<ScheduleInfo>>> list_schedules() override;
  net::Task<void> poll(std::vector<std::string> ids, Window window, AnswerSink sink) override {
    return answer_all(std::move(ids), window, std::move(sink));
  }
  net::Task<void> look_ahead(std::vector<std::string> ids, Window window, AnswerSink sink) override {
    return answer_all(std::move(ids), window, std::move(sink));
  }
  net::Task<ScheduleAnswer> confirm(std::string id, Window window) override {
    return ask_schedule(std::move(id), window);
  }
  [[nodiscard]] ConnectionHealth health() const override { return session_.health(); }
  void forget_people() override { session_.forget_people(); }

 private:
  net::Task<Result<std::vector<ListedSchedule>>> fetch_lists();
  net::Task<Result<void>> refresh_lists();
  void apply_answer(const std::vector<ListedSchedule>& listed);
  [[nodiscard]] bool lists_due(milliseconds life) const;

  net::Task<void> answer_all(std::vector<std::string> ids, Window window, AnswerSink sink);
  void sort_out(const std::vector<std::string>& ids, Cycle& cycle);
  net::Task<std::optional<Error>> answer_batches(Cycle& cycle);
  void split(const std::vector<std::string>& ids, Cycle& cycle);
  net::Task<void> answer_found(std::vector<std::string> ids, std::map<std::string, Oncalls> found,
                               Asked asked, Cycle& cycle);
  void answer_absent(const std::string& id, const Asked& asked, Cycle& cycle);
  net::Task<std::optional<Error>> answer_singles(Cycle& cycle);
  net::Task<ScheduleAnswer> ask_schedule(std::string id, Window window);
  net::Task<Result<Oncalls>> fetch_place(Place place, Range range);
  net::Task<void> list_rotations(std::vector<ScheduleInfo>& infos);
  net::Task<std::string> who_is_on_call(Oncalls rotation);
  net::Task<Result<Oncalls>> fetch_schedule(std::string id, Range range);
  net::Task<Error> weigh(std::string id, Error refusal);
  net::Task<ScheduleAnswer> make_answer(std::string id, Oncalls duties, Asked asked, bool from_schedule);

  net::Loop& loop_;
  std::string name_;
  ApiSession session_;
  SharedWork listing_;
  std::map<std::string, Known> known_;
  bool lists_known_ = false;
  std::optional<SteadyInstant> listed_at_;
  std::optional<Error> list_error_;
  /// Why the last lists have no shift-based schedules.
  std::optional<Error> shift_list_error_;
};

net::Task<Result<std::vector<ListedSchedule>>> PagerDuty::fetch_lists() {
  auto listed = co_await session_.list(Kind::layer);
  if (!listed) co_return listed.error().in("list of schedules");
  const auto shifted = co_await session_.list(Kind::shift);
  shift_list_error_.reset();
  if (!shifted) shift_list_error_ = shifted.error();
  if (shifted) {
    listed->insert(listed->end(), shifted->begin(), shifted->end());
  } else if (!refused(shifted.error())) {
    // An account without shift-based schedules may not know the path.
    co_return shifted.error().in("list of shift-based schedules");
  }
  apply_answer(*listed);
  co_return std::move(listed);
}

net::Task<Result<void>> PagerDuty::refresh_lists() {
  const auto listed = co_await fetch_lists();
  listed_at_ = loop_.steady_now();
  list_error_.reset();
  if (!listed) list_error_ = listed.error();
  co_return listed ? Result<void>() : Result<void>(listed.error());
}

void PagerDuty::apply_answer(const std::vector<ListedSchedule>& listed) {
  for (auto& [id, known] : known_) known.listed = false;
  for (const auto& schedule : listed) {
    auto& known = known_[schedule.id];
    known.set_kind(schedule.kind);
    known.listed = true;
    known.attached = schedule.attached.value_or(false);
  }
  lists_known_ = true;
}

bool PagerDuty::lists_due(milliseconds life) const {
  return !listed_at_ || loop_.steady_now() - *listed_at_ >= life;
}

net::Task<Result<std::vector<ScheduleInfo>>> PagerDuty::list_schedules() {
  const auto listed = co_await fetch_lists();
  if (!listed) co_return listed.error();
  std::vector<ScheduleInfo> infos;
  for (const auto& schedule : *listed) {
    ScheduleInfo info;
    info.id = schedule.id;
    info.name = schedule.name;
    info.kind = schedule.kind == Kind::layer ? "layer-based" : kShiftBased;
    info.time_zone = schedule.time_zone;
    info.url = schedule.url;
    if (schedule.attached == false) info.note = "no escalation policy uses it";
    infos.push_back(std::move(info));
  }
  co_await list_rotations(infos);
  std::sort(infos.begin(), infos.end(),
            [](const auto& a, const auto& b) { return std::tie(a.name, a.id) < std::tie(b.name, b.id); });
  co_return infos;
}

/// Each shift-based schedule has to be asked for its rotations. One that does not answer is listed without
/// them.
net::Task<void> PagerDuty::list_rotations(std::vector<ScheduleInfo>& infos) {
  std::vector<ScheduleInfo> shift_based;
  std::copy_if(infos.begin(), infos.end(), std::back_inserter(shift_based),
               [](const ScheduleInfo& info) { return info.kind == kShiftBased; });
  if (shift_based.size() > kUnpaced) {
    for (auto& info : infos) {
      if (info.kind == kShiftBased)
        info.note = fmt::format("rotations are listed of at most {} shift-based schedules", kUnpaced);
    }
    co_return;
  }
  for (const auto& schedule : shift_based) {
    const auto now = loop_.now();
    const auto found = co_await session_.schedule(schedule.id, Kind::shift, range_of({now, now + 1s}));
    if (!found && hopeless(found.error())) co_return;
    if (!found) continue;
    for (const auto& rotation : found->rotations) {
      auto part = only_rotation(*found, rotation);
      ScheduleInfo info = schedule;
      info.id = fmt::format("{}#{}", schedule.id, rotation);
      info.name = part->name;
      info.kind = "rotation";
      info.note = co_await who_is_on_call(std::move(*part));
      infos.push_back(std::move(info));
    }
  }
}

/// A rotation has no name: its people tell people which one it is.
net::Task<std::string> PagerDuty::who_is_on_call(Oncalls rotation) {
  const auto now = loop_.now();
  std::erase_if(rotation.duties, [&](const Oncall& duty) { return duty.start > now || duty.end <= now; });
  const auto shifts = co_await session_.shifts_of(std::move(rotation.duties));
  if (!shifts) co_return std::string{};
  std::vector<std::string> names;
  for (const auto& shift : *shifts) names.push_back(shift.responder->name);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  co_return names.empty() ? std::string("nobody now") : fmt::format("now {}", fmt::join(names, ", "));
}

net::Task<void> PagerDuty::answer_all(std::vector<std::string> ids, Window window, AnswerSink sink) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  const bool news = std::any_of(ids.begin(), ids.end(),
                                [this](const auto& id) { return !known_.contains(Place(id).schedule); });
  if (!lists_known_ || (news && lists_due(kListRetry))) {
    const auto listed = co_await listing_.join([this] { return refresh_lists(); });
    if (!listed && (hopeless(listed.error()) || listed.error().kind == ErrorKind::timeout)) {
      fail_all(sink, name_, ids, window, loop_.now(), listed.error());
      co_return;
    }
  }
  Cycle cycle{window, std::move(sink)};
  sort_out(ids, cycle);
  auto error = co_await answer_batches(cycle);
  if (!error) error = co_await answer_singles(cycle);
  if (error) {
    for (const auto& batch : cycle.batches) fail_all(cycle.sink, name_, batch, window, loop_.now(), *error);
    const std::vector<std::string> rest(cycle.singles.begin(), cycle.singles.end());
    fail_all(cycle.sink, name_, rest, window, loop_.now(), *error);
    co_return;
  }
  // After the answers, so that a handoff never waits for it. Old lists serve until the next attempt.
  if (lists_due(list_error_ ? kListRetry : kListLife))
    (void)co_await listing_.join([this] { return refresh_lists(); });
}

void PagerDuty::sort_out(const std::vector<std::string>& ids, Cycle& cycle) {
  for (const auto& id : ids) {
    // As long as there are no lists, /oncalls is all there is to go by. It does not tell rotations apart.
    if (is_rotation(id) || (lists_known_ && !known_[id].in_oncalls())) {
      cycle.singles.push_back(id);
      continue;
    }
    if (cycle.batches.empty() || cycle.batches.back().size() >= kBatch) cycle.batches.emplace_back();
    cycle.batches.back().push_back(id);
  }
}

net::Task<std::optional<Error>> PagerDuty::answer_batches(Cycle& cycle) {
  while (!cycle.batches.empty()) {
    const auto ids = cycle.batches.front();
    const Asked asked(cycle.window, loop_.now());
    auto found = co_await session_.oncalls(ids, asked.range);
    if (!found && cycle.ended_by(found.error())) co_return found.error();
    cycle.batches.pop_front();
    if (found) {
      cycle.silences = 0;
      co_await answer_found(ids, std::move(*found), asked, cycle);
    } else if (refused(found.error())) {
      // A PagerDuty that refuses everything is not asked for each schedule.
      if (!std::exchange(cycle.probed, true)) {
        const auto alive = co_await session_.probe();
        if (!alive) {
          fail_all(cycle.sink, name_, ids, asked.window, asked.at, broken_system("PagerDuty", alive.error()));
          co_return broken_system("PagerDuty", alive.error());
        }
      }
      split(ids, cycle);
    } else {
      fail_all(cycle.sink, name_, ids, asked.window, asked.at, found.error());
    }
  }
  co_return std::nullopt;
}

/// Too many entries, or one id that PagerDuty does not like: halves, down to the one.
void PagerDuty::split(const std::vector<std::string>& ids, Cycle& cycle) {
  if (ids.size() == 1) {
    cycle.singles.push_back(ids.front());
    return;
  }
  const auto middle = ids.begin() + static_cast<std::ptrdiff_t>(ids.size() / 2);
  cycle.batches.emplace_front(middle, ids.end());
  cycle.batches.emplace_front(ids.begin(), middle);
}

net::Task<void> PagerDuty::answer_found(std::vector<std::string> ids, std::map<std::string, Oncalls> found,
                                        Asked asked, Cycle& cycle) {
  for (const auto& id : ids) {
    const auto entry = found.find(id);
    if (entry == found.end()) {
      answer_absent(id, asked, cycle);
    } else if (entry->second.error) {
      cycle.sink(failed_answer(name_, id, asked.window, asked.at, *entry->second.error, false));
    } else {
      known_[id].shown = true;
      known_[id].hidden = false;
      auto answer = co_await make_answer(id, std::move(entry->second), asked, false);
      cycle.sink(std::move(answer));
    }
  }
}

void PagerDuty::answer_absent(const std::string& id, const Asked& asked, Cycle& cycle) {
  if (!lists_known_) {
    const auto error =
        list_error_.value_or(fail(ErrorKind::unreadable, "PagerDuty did not list its schedules"));
    cycle.sink(failed_answer(name_, id, asked.window, asked.at, error, false));
  } else if (known_[id].asked_singly()) {
    cycle.singles.push_back(id);
  } else {
    auto answer = blank_answer(name_, id, asked.window, asked.at);
    answer.status = AnswerStatus::ok;
    cycle.sink(std::move(answer));
  }
}

net::Task<std::optional<Error>> PagerDuty::answer_singles(Cycle& cycle) {
  const auto total = cycle.singles.size();
  for (std::size_t asked = 0; !cycle.singles.empty(); ++asked) {
    if (asked >= kUnpaced && total > kUnpaced) co_await net::sleep_for(loop_, kPace);
    auto answer = co_await ask_schedule(cycle.singles.front(), cycle.window);
    cycle.singles.pop_front();
    const auto error = answer.error;
    cycle.sink(std::move(answer));
    if (!error) cycle.silences = 0;
    if (error && cycle.ended_by(*error)) co_return error;
  }
  co_return std::nullopt;
}

net::Task<ScheduleAnswer> PagerDuty::ask_schedule(std::string id, Window window) {
  const Asked asked(window, loop_.now());
  auto found = co_await fetch_place(Place(id), asked.range);
  if (!found) {
    const auto error = found.error().in("schedule {}", id);
    co_return failed_answer(name_, id, asked.window, asked.at, error, true);
  }
  if (!is_rotation(id)) known_[id].hidden = !found->duties.empty();
  auto answer = co_await make_answer(id, std::move(*found), asked, true);
  co_return answer;
}

net::Task<Result<Oncalls>> PagerDuty::fetch_place(Place place, Range range) {
  auto found = co_await fetch_schedule(place.schedule, range);
  if (!found || place.rotation.empty()) co_return std::move(found);
  if (known_[place.schedule].kind == Kind::layer) {
    co_return fail(ErrorKind::not_found,
                   "PagerDuty says that it is layer-based, and such a schedule has no rotations to choose");
  }
  co_return only_rotation(std::move(*found), place.rotation);
}

net::Task<Result<Oncalls>> PagerDuty::fetch_schedule(std::string id, Range range) {
  auto kind = known_[id].kind.value_or(Kind::layer);
  auto found = co_await session_.schedule(id, kind, range);
  if (!found && refused(found.error())) {
    // The wrong kind's path answers 400, in earlier days 404: the schedule may have been upgraded.
    kind = other(kind);
    found = co_await session_.schedule(id, kind, range);
    if (!found && refused(found.error())) {
      const auto absent =
          fail(ErrorKind::not_found, "PagerDuty knows no schedule of this id, of neither kind");
      co_return co_await weigh(id, absent);
    }
  }
  if (!found && found.error().kind == ErrorKind::forbidden) co_return co_await weigh(id, found.error());
  if (found) {
    known_[id].set_kind(kind);
    known_[id].gone_at.reset();
  }
  co_return std::move(found);
}

/// A refusal that was borne out a moment ago is believed again, and lists that failed a moment ago are not
/// asked for again: neither is worth the lists with every question.
net::Task<Error> PagerDuty::weigh(std::string id, Error refusal) {
  auto& known = known_[id];
  if (known.gone_at && loop_.steady_now() - *known.gone_at < kListRetry) co_return refusal;
  Result<void> lists;
  if (list_error_ && !lists_due(kListRetry))
    lists = *list_error_;
  else
    lists = co_await refresh_lists();
  // An account that does not know the path of shift-based schedules has never had one.
  if (lists && known.kind == Kind::shift && shift_list_error_) lists = *shift_list_error_;
  const auto listed = lists ? Result<bool>(known.listed) : Result<bool>(lists.error());
  auto weighed = weigh_refusal("PagerDuty", refusal, listed);
  known.gone_at.reset();
  if (weighed.kind == ErrorKind::not_found) known.gone_at = loop_.steady_now();
  co_return weighed;
}

net::Task<ScheduleAnswer> PagerDuty::make_answer(std::string id, Oncalls duties, Asked asked,
                                                 bool from_schedule) {
  auto answer = blank_answer(name_, id, asked.window, asked.at);
  auto shifts = co_await session_.shifts_of(std::move(duties.duties));
  if (!shifts) {
    // It is the person, not the schedule, that could not be read.
    const auto error = shifts.error().in("schedule {}", id);
    co_return failed_answer(name_, id, asked.window, asked.at, error, false);
  }
  answer.status = AnswerStatus::ok;
  answer.from_schedule = from_schedule;
  answer.schedule_name = std::move(duties.name);
  answer.shifts = std::move(*shifts);
  co_return answer;
}

}  // namespace

std::unique_ptr<Provider> make_provider(const Connection& connection, const AdapterContext& context) {
  return std::make_unique<PagerDuty>(connection, context);
}

}  // namespace watchbill::providers::pagerduty
