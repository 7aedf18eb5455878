#include "providers/xmatters/provider.hpp"

#include <algorithm>

#include "base/base64.hpp"
#include "providers/support.hpp"

namespace watchbill::providers::xmatters {

namespace {

/// The longest URL is not known: 20 ids are about 800 characters.
constexpr std::size_t kBatch = 20;
/// Slow or broken answers in a row after which the rest of a round waits for the next one.
constexpr int kMaxSlow = 2;
constexpr auto kSpoilerLife = 30min;
/// The `Date` header has whole seconds: the server's clock may be a good second ahead of what we know of it.
constexpr auto kAhead = 2s;
/// So far ahead begins the range of a long window: reading its pages may take minutes, and each repeats the
/// range. What comes before is asked separately, and is short.
constexpr auto kFarAhead = 15min;
/// A list that took longer is not read a second time at once.
constexpr auto kWorthAgain = 30s;
constexpr std::string_view kOnCallList = "xMatters' list of who is on call";

/// 60, 120, 240 s for refusals in a row that do not say how long ("a few minutes": support.xmatters.com,
/// article 13842704240411).
std::function<std::optional<milliseconds>(const net::HttpResponse&)> pauses() {
  auto refusals = std::make_shared<int>(0);
  return [refusals](const net::HttpResponse& response) -> std::optional<milliseconds> {
    if (response.status != 429) {
      if (response.status < 400) *refusals = 0;
      return std::nullopt;
    }
    const seconds pause{60 << std::min(*refusals, 2)};
    ++*refusals;
    return pause;
  };
}

ApiOptions options_of(const Connection& connection) {
  ApiOptions options;
  options.system = "xMatters";
  const auto base = setting(connection, "base_url");
  options.base_url = base.empty() ? "https://" + setting(connection, "host") : base;
  options.secrets = connection.secrets;
  options.headers = {{"Accept", "application/json"}};
  options.explain = explain;
  options.pause = pauses();
  return options;
}

/// True for failures that the next batch would meet as well.
bool stops_round(const Error& error) {
  return error.kind == ErrorKind::unauthorized || error.kind == ErrorKind::rate_limited ||
         error.kind == ErrorKind::unreachable;
}

/// True if one group of a batch may be to blame.
bool may_be_one_group(const Error& error) {
  return error.kind == ErrorKind::not_found || error.kind == ErrorKind::forbidden ||
         error.kind == ErrorKind::invalid;
}

std::string join_ids(const std::vector<std::string>& ids) {
  std::string out;
  for (const auto& id : ids) out += (out.empty() ? "" : ",") + net::percent_encode(id);
  return out;
}

}  // namespace

std::optional<Error> explain(const net::HttpResponse& response) {
  if (response.status >= 200 && response.status < 300) return std::nullopt;
  auto error = explain_status("xMatters", response, error_detail(response.body), "");
  if (!error) return error;
  if (error->kind == ErrorKind::unauthorized) {
    error->message +=
        "; check the host, the API key and its secret, and that their user is active and has a REST web "
        "service "
        "role";
  } else if (error->kind == ErrorKind::forbidden) {
    error->message += "; the key may do what its user may: give that user the right to see the group";
  }
  return error;
}

XmattersProvider::XmattersProvider(const Connection& connection, const AdapterContext& context)
    : loop_(context.loop),
      connection_(connection.name),
      host_(setting(connection, "host")),
      authorization_("Basic " + base64(secret(connection, "api_key").reveal() + ":" +
                                       secret(connection, "api_secret").reveal())),
      api_(context.loop, context.http, options_of(connection)),
      emails_(context.loop, api_, authorization_) {}

net::Task<Result<json::Document>> XmattersProvider::get(std::string target) {
  co_return co_await api_.get_json(std::move(target), authorization_);
}

net::Task<Result<std::size_t>> XmattersProvider::probe() {
  auto document = co_await get("/api/xm/1/groups?groupType=ON_CALL&offset=0&limit=1");
  if (!document) co_return document.error();
  auto page = parse_groups(document->root());
  if (!page) co_return page.error().in("xMatters' list of groups");
  co_return std::max(page->total.value_or(0), page->items.size());
}

net::Task<Result<std::string>> XmattersProvider::verify() {
  const auto total = co_await probe();
  if (!total) co_return total.error();
  co_return fmt::format("{}, {} group{}", host_, *total, *total == 1 ? "" : "s");
}

net::Task<Result<std::vector<ScheduleInfo>>> XmattersProvider::list_schedules() {
  PageCount pages("xMatters' list of groups", "/api/xm/1/groups?groupType=ON_CALL");
  std::vector<ScheduleInfo> groups;
  for (auto target = pages.first(); !target.empty();) {
    auto document = co_await get(std::move(target));
    if (!document) co_return document.error();
    auto page = parse_groups(document->root());
    if (!page) co_return page.error().in("xMatters' list of groups");
    for (auto& group : page->items) groups.push_back(std::move(group));
    auto next = pages.after(page->rows, page->total, std::move(page->next));
    if (!next) co_return next.error();
    target = std::move(*next);
  }
  std::sort(groups.begin(), groups.end(),
            [](const auto& a, const auto& b) { return std::tie(a.name, a.id) < std::tie(b.name, b.id); });
  co_return groups;
}

Instant XmattersProvider::latest_now() const {
  // A server that is behind us is asked from our now: that is ahead for it as well.
  return loop_.now() + std::max(health().clock_skew.value_or(0s), seconds{0});
}

Window XmattersProvider::range_of(const Window& window, milliseconds ahead) const {
  const auto from = std::chrono::ceil<seconds>(std::max<Instant>(window.from, latest_now() + ahead));
  return {from, std::max<Instant>(std::chrono::ceil<seconds>(window.to), from + 1s)};
}

std::vector<Window> XmattersProvider::ranges_of(const Window& window) const {
  const Instant cut = std::chrono::ceil<seconds>(latest_now() + kFarAhead);
  if (window.from >= cut || window.to <= cut + kFarAhead) return {window};
  return {{window.from, cut}, {cut, window.to}};
}

std::vector<std::vector<std::string>> XmattersProvider::batches(const std::vector<std::string>& ids) const {
  std::vector<std::vector<std::string>> out;
  std::vector<std::vector<std::string>> alone;  // last: the many do not wait for those that fail
  for (const auto& id : ids) {
    const auto spoiler = spoilers_.find(id);
    if (spoiler != spoilers_.end() && loop_.steady_now() < spoiler->second) {
      alone.push_back({id});
    } else {
      if (out.empty() || out.back().size() == kBatch) out.emplace_back();
      out.back().push_back(id);
    }
  }
  out.insert(out.end(), alone.begin(), alone.end());
  return out;
}

net::Task<void> XmattersProvider::fill_members(Occurrence& occurrence) {
  PageCount pages("its list of members", occurrence.members_query);
  auto next = pages.after(occurrence.members.size(), occurrence.members_total,
                          std::exchange(occurrence.members_next, {}));
  while (next && !next->empty()) {
    auto document = co_await get(std::move(*next));
    if (!document) {
      occurrence.error = document.error().in("its further members");
      co_return;
    }
    auto page = parse_members(document->root());
    if (!page) {
      occurrence.error = page.error().in("its further members");
      co_return;
    }
    for (auto& member : page->items) occurrence.members.push_back(std::move(member));
    next = pages.after(page->rows, page->total, std::move(page->next));
  }
  if (!next) occurrence.error = next.error();
}

net::Task<Result<std::vector<Occurrence>>> XmattersProvider::read_list(PageCount& pages, Instant until) {
  std::vector<Occurrence> found;
  for (auto target = pages.first(); !target.empty();) {
    auto document = co_await get(std::move(target));
    if (!document) co_return document.error();
    // Of a range that reaches into the past xMatters answers what it knew a day ago, or nothing at all.
    if (latest_now() + 1s > until) {
      pages.tear();
      co_return fail(ErrorKind::timeout, "{} took too long to be read", kOnCallList);
    }
    auto page = parse_on_call(document->root());
    if (!page) co_return page.error().in("{}", kOnCallList);
    for (auto& occurrence : page->items) {
      if (!occurrence.error) co_await fill_members(occurrence);
      found.push_back(std::move(occurrence));
    }
    auto next = pages.after(page->rows, page->total, std::move(page->next));
    if (!next) co_return next.error();
    target = std::move(*next);
  }
  co_return found;
}

net::Task<Result<std::vector<Occurrence>>> XmattersProvider::ask_list(std::string query,
                                                                      std::optional<Window> window) {
  milliseconds ahead = kAhead;
  for (bool again = false;; again = true) {
    const auto began = loop_.steady_now();
    auto until = kNever;
    auto target = query;
    if (window) {
      const auto range = range_of(*window, ahead);
      until = range.from;
      target +=
          "&" + net::encode_form({{"from", format_rfc3339(range.from)}, {"to", format_rfc3339(range.to)}});
    }
    PageCount pages(std::string(kOnCallList), std::move(target));
    auto found = co_await read_list(pages, until);
    const auto took = loop_.steady_now() - began;
    if (found || again || took > kWorthAgain || !pages.torn()) co_return std::move(found);
    ahead = kAhead + 2 * std::chrono::ceil<milliseconds>(took);
  }
}

net::Task<Result<std::vector<Occurrence>>> XmattersProvider::ask(std::vector<std::string> ids, Round& round) {
  // `at` would ask the historical data, which lag a day.
  const auto query =
      fmt::format("/api/xm/1/on-call?groups={}&embed=shift,members.owner&membersPerShift=100", join_ids(ids));
  std::vector<Occurrence> found;
  if (round.ask_now) {
    auto now = co_await ask_list(query, std::nullopt);
    if (!now) co_return now.error();
    found = std::move(*now);
  }
  for (const auto& range : ranges_of(round.window)) {
    auto later = co_await ask_list(query, range);
    if (!later) co_return later.error();
    add_occurrences(found, std::move(*later));
  }
  co_return found;
}

net::Task<void> XmattersProvider::gather_batch(std::vector<std::string> ids, Round& round) {
  auto found = co_await ask(ids, round);
  if (found) {
    round.slow = 0;
    for (const auto& id : ids) round.occurrences[id];
    for (auto& occurrence : *found) {
      const auto place = round.occurrences.find(occurrence.group);
      if (place != round.occurrences.end()) place->second.push_back(std::move(occurrence));
    }
    co_return;
  }
  auto error = found.error();
  if (may_be_one_group(error) && !std::exchange(round.probed, true)) {
    const auto alive = co_await probe();
    if (!alive) error = broken_system("xMatters", alive.error());
    if (!alive) round.stopped = error;
  }
  if (ids.size() > 1 && may_be_one_group(error)) {
    co_await gather_singly(std::move(ids), round);
    co_return;
  }
  if (ids.size() == 1 && may_be_one_group(error)) {
    round.alone.insert(ids.front());
    if (error.kind == ErrorKind::not_found) {
      round.occurrences[ids.front()];  // absent from a list: whether it is gone, the group itself tells
      co_return;
    }
  }
  const bool slow = error.kind == ErrorKind::timeout || error.kind == ErrorKind::server;
  round.slow = slow ? round.slow + 1 : 0;
  if (stops_round(error) || round.slow >= kMaxSlow) round.stopped = error;
  for (const auto& id : ids) round.failures.emplace(id, error);
}

net::Task<void> XmattersProvider::gather_singly(std::vector<std::string> ids, Round& round) {
  std::size_t refused = 0;
  for (const auto& id : ids) {
    if (round.stopped) {
      round.failures.emplace(id, *round.stopped);
      continue;
    }
    std::vector<std::string> one{id};
    co_await gather_batch(std::move(one), round);
    refused += round.alone.count(id);
  }
  // If the system refuses every one of them, the question is to blame and not a group.
  if (refused == ids.size()) co_return;
  for (const auto& id : ids) {
    if (round.alone.contains(id)) spoilers_[id] = loop_.steady_now() + kSpoilerLife;
  }
}

net::Task<void> XmattersProvider::gather(std::vector<std::string> ids, Round& round) {
  for (auto& batch : batches(ids)) {
    if (round.stopped) {
      for (const auto& id : batch) round.failures.emplace(id, *round.stopped);
    } else {
      co_await gather_batch(std::move(batch), round);
    }
  }
}

net::Task<void> XmattersProvider::run(std::vector<std::string> ids, Round& round) {
  std::vector<std::string> waiting;  // for nested groups
  std::vector<std::string> nested;
  const auto want = [&](const std::string& id) {
    const auto known = round.occurrences.find(id);
    if (known == round.occurrences.end()) return false;
    const auto inner = nested_groups(known->second);
    nested.insert(nested.end(), inner.begin(), inner.end());
    return !inner.empty();
  };
  for (auto& batch : batches(ids)) {
    const auto asked = batch;
    if (round.stopped) {
      for (const auto& id : batch) round.failures.emplace(id, *round.stopped);
    } else {
      co_await gather_batch(std::move(batch), round);
    }
    for (const auto& id : asked) {
      if (want(id)) {
        waiting.push_back(id);
      } else {
        co_await answer(id, round);
      }
    }
  }
  // One level at a time; a group that was asked once is not asked again, so cycles end.
  for (int level = 0; level < kMaxNesting && !nested.empty(); ++level) {
    std::vector<std::string> open;
    for (const auto& id : std::exchange(nested, {})) {
      const bool asked = round.occurrences.contains(id) || round.failures.contains(id);
      if (!asked && std::find(open.begin(), open.end(), id) == open.end()) open.push_back(id);
    }
    co_await gather(open, round);
    for (const auto& id : open) {
      if (const auto failed = round.failures.find(id); failed != round.failures.end()) {
        Occurrence broken;
        broken.error = failed->second.in("the nested group {}", id);
        round.occurrences[id].push_back(std::move(broken));
      }
      want(id);
    }
  }
  for (const auto& id : waiting) co_await answer(id, round);
}

net::Task<Result<Responder>> XmattersProvider::responder(MemberSpan span) {
  Responder out{connection_, span.who.id, span.who.name};
  if (span.team) co_return out;
  if (span.work_address) {
    out.email = span.address;
    co_return out;
  }
  auto email = co_await emails_.email_of(span.who);
  if (!email) co_return email.error();
  // Somebody may be reached through a private address, but Slack knows him by the one of his work.
  out.email = *email ? *email : span.address;
  co_return out;
}

net::Task<Result<std::vector<Shift>>> XmattersProvider::shifts(std::string id, Round& round) {
  auto spans = spans_of(round.occurrences, id);
  if (!spans) co_return spans.error();
  std::vector<Shift> shifts;
  for (auto& span : *spans) {
    if (span.end <= round.window.from || span.start >= round.window.to) continue;
    // A shift that runs all week ends with each of its occurrences: past the window the same people may go
    // on.
    const bool open = span.end >= round.window.to;
    Shift shift{{}, span.start, span.end == kNever ? round.window.to : span.end, open};
    auto who = co_await responder(std::move(span));
    if (!who) co_return who.error();
    shift.responder = std::move(*who);
    shifts.push_back(std::move(shift));
  }
  co_return shifts;
}

net::Task<void> XmattersProvider::answer(std::string id, Round& round) {
  const auto& window = round.window;
  if (const auto failed = round.failures.find(id); failed != round.failures.end()) {
    round.sink(failed_answer(connection_, id, window, round.asked, failed->second.in("xMatters group {}", id),
                             round.alone.contains(id)));
    co_return;
  }
  auto found = co_await shifts(id, round);
  if (!found) {
    round.sink(failed_answer(connection_, id, window, round.asked, found.error().in("xMatters group {}", id),
                             false));
    co_return;
  }
  auto good = blank_answer(connection_, id, window, round.asked);
  good.status = AnswerStatus::ok;
  good.shifts = std::move(*found);
  const auto& occurrences = round.occurrences.at(id);
  if (!occurrences.empty()) good.schedule_name = occurrences.front().group_name;
  round.sink(std::move(good));
}

net::Task<void> XmattersProvider::poll(std::vector<std::string> ids, Window window, AnswerSink sink) {
  Round round;
  round.window = window;
  round.asked = loop_.now();
  // A boundary ahead is a question about a range only.
  round.ask_now = window.from <= round.asked + kAhead;
  round.sink = std::move(sink);
  co_await run(std::move(ids), round);
}

net::Task<void> XmattersProvider::look_ahead(std::vector<std::string> ids, Window window, AnswerSink sink) {
  co_await poll(std::move(ids), window, std::move(sink));
}

net::Task<ScheduleAnswer> XmattersProvider::confirm(std::string id, Window window) {
  const auto asked = loop_.now();
  auto document = co_await get("/api/xm/1/groups/" + net::percent_encode(id));
  if (!document) {
    auto refusal = document.error();
    if (refusal.kind == ErrorKind::not_found || refusal.kind == ErrorKind::forbidden) {
      const auto all = co_await list_schedules();
      refusal = weigh_refusal("xMatters", refusal, is_listed(all, id));
    }
    co_return failed_answer(connection_, id, window, asked, refusal, true);
  }
  auto group = parse_group(document->root());
  if (!group) {
    co_return failed_answer(connection_, id, window, asked, group.error().in("xMatters group {}", id), true);
  }
  auto result = blank_answer(connection_, id, window, asked);
  if (!group->active) {
    result.status = AnswerStatus::ok;  // an inactive group notifies nobody
  } else {
    const AnswerSink keep = [&result](ScheduleAnswer answer) { result = std::move(answer); };
    std::vector<std::string> ids{id};
    co_await poll(std::move(ids), window, keep);
  }
  result.from_schedule = true;
  result.schedule_name = group->name;
  co_return result;
}

}  // namespace watchbill::providers::xmatters
