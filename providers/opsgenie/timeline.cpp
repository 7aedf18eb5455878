#include "providers/opsgenie/timeline.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include "base/text.hpp"

namespace watchbill::providers::opsgenie {

namespace {

Result<Instant> time_at(json::View view) {
  auto text = view.string();
  if (!text) return text.error();
  auto t = parse_rfc3339(*text);
  if (!t) return fail(ErrorKind::unreadable, "{}: {}", view.path(), t.error().message);
  return t;
}

/// The people behind a recipient that is not a person, where the reply names them ("historical" periods).
Result<bool> parse_flattened(json::View view, std::vector<UserReference>& users) {
  if (view.is_null()) return false;
  auto items = view.array();
  if (!items) return items.error();
  if (items->size() == 0) return false;  // it names nobody, which is not the same as no one
  std::vector<UserReference> found;
  for (const auto item : *items) {
    const auto type = item["type"].string_or("");
    if (type == "none") continue;
    if (type != "user") return false;
    auto user = parse_user(item);
    if (!user) return user.error();
    found.push_back(std::move(*user));
  }
  users = std::move(found);
  return true;
}

Result<Period> parse_period(json::View view, Window window) {
  Period period{window.from, window.to};
  auto start = time_at(view["startDate"]);
  if (!start) return start.error();
  period.start = *start;
  if (const auto end = view["endDate"]; !end.is_null()) {
    auto t = time_at(end);
    if (!t) return t.error();
    period.end = *t;
  }
  const auto recipient = view["recipient"];
  if (recipient.is_null()) return period;
  if (auto object = recipient.object(); !object) return object.error();
  auto type = recipient["type"].string();
  if (!type) return type.error();
  if (*type == "none") return period;
  if (*type == "user") {
    auto user = parse_user(recipient);
    if (!user) return user.error();
    period.users.push_back(std::move(*user));
    return period;
  }
  auto flattened = parse_flattened(view["flattenedRecipients"], period.users);
  if (!flattened) return flattened.error();
  if (!*flattened) {
    period.unresolved_type = std::move(*type);
    period.unresolved_id = recipient["id"].string_or("");
    period.unresolved_name = one_line(recipient["name"].string_or(""));
  }
  return period;
}

/// Resolves nested schedules, one question long.
class Cover {
 public:
  Cover(const Timelines& timelines, Instant from) : timelines_(timelines), from_(from) {}

  Coverage of(const std::string& id, const ScheduleTimeline& timeline) {
    path_.push_back(id);
    Coverage out{{}, timeline.window.to, ""};
    std::map<std::string, Coverage> nested;  // each once, however many periods name it
    for (const auto& period : timeline.periods) {
      for (const auto& user : period.users) out.spans.push_back({user, period.start, period.end});
      if (!period.unresolved_type.empty() && period.end > from_) add_nested(period, nested, out);
    }
    path_.pop_back();
    out.spans = join(std::move(out.spans));
    return out;
  }

 private:
  void add_nested(const Period& period, std::map<std::string, Coverage>& nested, Coverage& out) {
    const auto& id = period.unresolved_id;
    if (std::find(path_.begin(), path_.end(), id) != path_.end()) return;
    const auto at = timelines_.find(id);
    const bool known = period.unresolved_type == "schedule" && at != timelines_.end();
    if (!known || steps_ > kMaxSteps) {
      stop(out, period.start,
           fmt::format("its timeline names the {} \"{}\" and does not tell the people behind it",
                       period.unresolved_type, period.unresolved_name.empty() ? id : period.unresolved_name));
      return;
    }
    auto inner = nested.find(id);
    if (inner == nested.end()) {
      ++steps_;
      inner = nested.emplace(id, of(id, at->second)).first;
    }
    for (const auto& span : inner->second.spans) {
      if (span.start >= period.end) break;
      const auto start = std::max(span.start, period.start);
      const auto end = std::min(span.end, period.end);
      if (start < end) out.spans.push_back({span.user, start, end});
    }
    if (inner->second.known_to < period.end) {
      auto why = inner->second.reason;
      if (why.empty())
        why = fmt::format("the timeline of the nested schedule \"{}\" ends earlier", at->second.name);
      stop(out, std::max(inner->second.known_to, period.start), std::move(why));
    }
  }

  void stop(Coverage& out, Instant at, std::string why) const {
    at = std::max(at, from_);
    if (at >= out.known_to) return;
    out.known_to = at;
    out.reason = std::move(why);
  }

  /// Nested schedules are few; a reply that multiplies them is a fault.
  static constexpr int kMaxSteps = 500;

  const Timelines& timelines_;
  Instant from_;
  std::vector<std::string> path_;
  int steps_ = 0;
};

}  // namespace

Result<ScheduleTimeline> parse_timeline(json::View data) {
  ScheduleTimeline out;
  out.id = data["_parent"]["id"].string_or("");
  out.name = one_line(data["_parent"]["name"].string_or(""));
  auto from = time_at(data["startDate"]);
  if (!from) return from.error();
  auto to = time_at(data["endDate"]);
  if (!to) return to.error();
  out.window = {*from, *to};
  auto rotations = data["finalTimeline"]["rotations"].array();
  if (!rotations) return rotations.error();
  for (const auto rotation : *rotations) {
    if (auto object = rotation.object(); !object) return object.error();
    if (rotation["periods"].is_null()) continue;  // a rotation that covers nothing
    auto periods = rotation["periods"].array();
    if (!periods) return periods.error();
    for (const auto view : *periods) {
      auto period = parse_period(view, out.window);
      if (!period) return period.error();
      if (period->start < period->end) out.periods.push_back(std::move(*period));
    }
  }
  return out;
}

std::vector<UserSpan> join(std::vector<UserSpan> spans) {
  std::sort(spans.begin(), spans.end(), [](const UserSpan& a, const UserSpan& b) {
    return std::tuple(key_of(a.user), a.start) < std::tuple(key_of(b.user), b.start);
  });
  std::vector<UserSpan> out;
  for (auto& span : spans) {
    if (!out.empty() && key_of(out.back().user) == key_of(span.user) && span.start <= out.back().end) {
      out.back().end = std::max(out.back().end, span.end);
    } else {
      out.push_back(std::move(span));
    }
  }
  std::sort(out.begin(), out.end(), [](const UserSpan& a, const UserSpan& b) {
    return std::tie(a.start, a.user.username) < std::tie(b.start, b.user.username);
  });
  return out;
}

std::vector<Shift> shifts_of(const std::string& connection, const std::vector<UserSpan>& spans,
                             Window window) {
  std::vector<Shift> shifts;
  for (const auto& span : spans) {
    if (span.end <= window.from || span.start >= window.to) continue;
    const bool cut = span.end >= window.to;
    shifts.push_back({responder_of(connection, span.user), span.start, cut ? window.to : span.end, cut});
  }
  return shifts;
}

int weeks_to_ask(Instant now, Instant to) {
  const auto ahead = std::max(to - now, milliseconds{0});
  return static_cast<int>(std::chrono::ceil<std::chrono::weeks>(ahead).count()) + 1;
}

std::vector<std::string> nested_schedules(const ScheduleTimeline& timeline, Instant from) {
  std::vector<std::string> ids;
  for (const auto& period : timeline.periods) {
    if (period.unresolved_type != "schedule" || period.unresolved_id.empty() || period.end <= from) continue;
    if (std::find(ids.begin(), ids.end(), period.unresolved_id) == ids.end()) {
      ids.push_back(period.unresolved_id);
    }
  }
  return ids;
}

Coverage cover(const Timelines& timelines, const std::string& id, Instant from) {
  const auto at = timelines.find(id);
  if (at == timelines.end()) return {{}, from, "its timeline was not answered"};
  return Cover(timelines, from).of(id, at->second);
}

}  // namespace watchbill::providers::opsgenie
