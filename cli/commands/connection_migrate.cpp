// watchbill connection migrate

#include "cli/commands/connection_migrate.hpp"

#include <algorithm>
#include <ostream>

#include "base/text.hpp"
#include "cli/commands/commands.hpp"
#include "cli/session.hpp"
#include "cli/terminal/interruption.hpp"
#include "cli/terminal/table.hpp"
#include "control/pair_comparison.hpp"

namespace watchbill::cli {

namespace {

using control::MigrationPlan;
using control::PairDifference;
using control::SchedulePair;

/// Of what is shorter the seconds are shown, or their parts.
constexpr milliseconds kShort = 2min;
constexpr milliseconds kVeryShort = 2s;
/// While it watches, both sides are not asked more often than this.
constexpr milliseconds kNoMoreOften = 1s;

std::string people_text(const std::vector<std::string>& people) {
  return people.empty() ? "nobody" : fmt::format("{}", fmt::join(people, ", "));
}

std::string difference_text(const SchedulePair& pair, const PairDifference& one) {
  const auto length = one.to - one.from;
  const auto shown = length < kVeryShort ? format_rfc3339_ms
                     : length < kShort   ? format_rfc3339
                                         : format_minutes;
  return fmt::format("{} to {}: {} says {}, {} says {}", shown(one.from), shown(one.to), pair.before,
                     people_text(one.before), pair.after, people_text(one.after));
}

/// What differs in the same way again and again is one line.
std::string differences_text(const SchedulePair& pair) {
  struct Kind {
    const PairDifference* first;
    const PairDifference* last;
    std::size_t count;
  };
  std::vector<Kind> kinds;
  for (const auto& one : pair.differences) {
    const auto same = std::find_if(kinds.begin(), kinds.end(), [&](const Kind& kind) {
      return kind.first->before == one.before && kind.first->after == one.after;
    });
    if (same == kinds.end()) {
      kinds.push_back({&one, &one, 1});
    } else {
      same->last = &one;
      ++same->count;
    }
  }
  std::string text;
  for (const auto& kind : kinds) {
    text += difference_text(pair, *kind.first);
    if (kind.count > 1)
      text += fmt::format("; and {} more time{} until {}", kind.count - 1, kind.count == 2 ? "" : "s",
                          format_minutes(kind.last->to));
    text += "\n";
  }
  return text;
}

std::vector<std::string> written(const std::vector<ScheduleRef>& refs) {
  std::vector<std::string> out;
  out.reserve(refs.size());
  for (const auto& ref : refs) out.push_back(to_string(ref));
  return out;
}

/// "og/1 has no partner in ops: …", and how to choose one.
std::string unpaired_text(const control::UnpairedSchedule& one, const std::string& to) {
  const auto choice = [&](const std::string& partner) {
    return fmt::format("`--pair {}={}`", one.ref, partner);
  };
  if (one.candidates.empty()) {
    return fmt::format("{} has no partner in {}: none has its id, its name, or its people. {} chooses one",
                       one.ref, to, choice(to + "/ID"));
  }
  const auto& first = one.candidates.front();
  const auto why = one.candidates.size() > 1
                       ? fmt::format("{} have its {}", fmt::join(written(one.candidates), ", "), one.by)
                       : fmt::format("{} has its {}, and that of {} as well", first, one.by,
                                     fmt::join(written(one.rivals), ", "));
  return fmt::format("{} has no partner in {} that is certain: {}. {} chooses one", one.ref, to, why,
                     choice(to_string(first)));
}

/// Each person of whom nobody can say who they are, once, with what says it.
void print_unknown_people(Session& session, const MigrationPlan& plan) {
  for (const auto& one : plan.unknown_people) {
    session.io().out << printable(
        fmt::format("connection {} shows no e-mail address of {}: say who that is with `watchbill people map "
                    "{}/{} U…`\n",
                    one.connection, control::name_and_account(one), one.connection, one.id));
  }
}

std::vector<std::string> names_of(const std::vector<control::RotationMove>& moving) {
  std::vector<std::string> names;
  names.reserve(moving.size());
  for (const auto& move : moving) names.push_back(move.rotation.name);
  return names;
}

void write_pairs(json::Writer& w, const MigrationPlan& plan) {
  w.key("pairs").begin_array();
  for (const auto& pair : plan.pairs) {
    w.begin_object().field("old", to_string(pair.before)).field("new", to_string(pair.after));
    w.field("by", pair.by).key("differences").begin_array();
    for (const auto& one : pair.differences) {
      w.begin_object().field("from", format_rfc3339(one.from)).field("to", format_rfc3339(one.to));
      w.field("old", one.before).field("new", one.after).end_object();
    }
    w.end_array();
    w.field("compared_until",
            pair.compared_until ? std::optional(format_rfc3339(*pair.compared_until)) : std::nullopt);
    w.field("not_compared",
            pair.not_compared.empty() ? std::optional<std::string>() : std::optional(pair.not_compared));
    w.end_object();
  }
  w.end_array().key("unpaired").begin_array();
  for (const auto& one : plan.unpaired) w.value(to_string(one.ref));
  w.end_array().key("candidates").begin_object();
  for (const auto& one : plan.unpaired) {
    if (!one.candidates.empty()) w.field(to_string(one.ref), written(one.candidates));
  }
  w.end_object().key("unknown_people").begin_array();
  for (const auto& one : plan.unknown_people) {
    w.begin_object().field("person", one.connection + "/" + one.id).field("name", one.name).end_object();
  }
  w.end_array();
}

void print_plan(Session& session, const MigrationPlan& plan) {
  auto& out = session.io().out;
  Table table({"OLD", "NEW", "BY", "DIFFERENCES"});
  for (const auto& pair : plan.pairs) {
    const auto count = pair.differences.size();
    auto compared = count == 0 ? std::string("none") : fmt::format("{}", count);
    if (pair.compared_until) compared += " until " + format_minutes(*pair.compared_until);
    table.add({to_string(pair.before), to_string(pair.after), pair.by,
               pair.not_compared.empty() ? compared : "not compared"});
  }
  if (!plan.pairs.empty()) out << table.render(session.io().width);
  for (const auto& pair : plan.pairs) {
    out << printable(differences_text(pair));
    if (!pair.not_compared.empty()) {
      out << printable(
          fmt::format("{} and {} could not be compared: {}\n", pair.before, pair.after, pair.not_compared));
    }
  }
  for (const auto& one : plan.unpaired) out << printable(unpaired_text(one, plan.to)) << "\n";
  print_unknown_people(session, plan);
}

void print_left(Session& session, const MigrationPlan& plan) {
  auto& out = session.io().out;
  for (const auto& one : plan.left)
    out << printable(fmt::format("rotation \"{}\" stays with {}: {}\n", one.name, plan.from, one.why));
  for (const auto& one : plan.lost)
    out << printable(fmt::format("rotation \"{}\" is not moved back: {}\n", one.name, one.why));
}

void write_left(json::Writer& w, const MigrationPlan& plan) {
  w.key("left").begin_array();
  for (const auto* some : {&plan.left, &plan.lost}) {
    for (const auto& one : *some)
      w.begin_object().field("rotation", one.name).field("why", one.why).end_object();
  }
  w.end_array();
}

/// What the person must agree to; empty if nothing.
std::string doubts_of(const MigrationPlan& plan) {
  std::vector<std::string> doubts;
  const auto differing = std::count_if(plan.pairs.begin(), plan.pairs.end(),
                                       [](const SchedulePair& pair) { return !pair.differences.empty(); });
  if (differing > 0)
    doubts.push_back(fmt::format("{} of {} schedules will differ", differing, plan.pairs.size()));
  if (!plan.left.empty()) {
    doubts.push_back(fmt::format("{} rotation{} with {}", plan.left.size(),
                                 plan.left.size() == 1 ? " stays" : "s stay", plan.from));
  }
  return fmt::format("{}", fmt::join(doubts, ", "));
}

net::Task<bool> nap(net::Loop& loop, milliseconds length) {
  co_await net::sleep_for(loop, length);
  co_return true;
}

/// What of a pair is told while it is watched; empty if both say the same.
std::string watched_text(const MigrationPlan& seen, std::size_t i) {
  const auto& pair = seen.pairs[i];
  for (const auto* side : {&seen.before[i], &seen.after[i]}) {
    if (!side->silence.empty()) return fmt::format("{} does not answer: {}", side->ref, side->silence);
  }
  if (!pair.not_compared.empty()) return pair.not_compared;
  const auto* now = control::difference_at(pair, seen.made_at);
  if (!now) return {};
  return fmt::format("{} says {}, {} says {}", pair.before, people_text(now->before), pair.after,
                     people_text(now->after));
}

/// When a difference that is known ahead begins or ends.
Instant next_edge(const MigrationPlan& seen) {
  auto next = kNever;
  for (const auto& pair : seen.pairs) {
    for (const auto& one : pair.differences) {
      for (const auto edge : {one.from, one.to}) {
        if (edge > seen.made_at) next = std::min(next, edge);
      }
    }
  }
  return next;
}

/// Tells every difference that begins and ends, until the time is over. How many there were.
Result<std::size_t> watch(Session& session, control::Context& context, MigrationPlan seen,
                          milliseconds length, milliseconds interval) {
  auto& out = session.io().out;
  std::size_t told = 0;
  std::vector<std::string> open(seen.pairs.size());
  const Interruption interruption;
  auto comparison = session.run(control::PairComparison::open(context, seen.from, seen.to));
  if (!comparison) return comparison.error();
  const auto until = context.loop.steady_now() + length;
  while (true) {
    for (auto* side : {&seen.before, &seen.after}) {
      for (auto& one : *side) one.timeline.reset();
    }
    auto looked = session.run(comparison->look(seen, control::Reach::minutes));
    if (!looked) return looked.error();
    for (std::size_t i = 0; i < seen.pairs.size(); ++i) {
      const auto text = watched_text(seen, i);
      auto& was = open[i];
      if (was == text) continue;
      if (!text.empty()) ++told;
      const auto at = format_rfc3339(seen.made_at);
      const auto& pair = seen.pairs[i];
      if (!session.json())
        out << printable(text.empty()
                             ? fmt::format("{}  {} and {} are equal again\n", at, pair.before, pair.after)
                             : fmt::format("{}  {}\n", at, text))
            << std::flush;
      was = text;
    }
    const auto left = until - context.loop.steady_now();
    if (left <= milliseconds{0}) break;
    if (auto go_on = Interruption::check(); !go_on) return go_on.error();
    auto pause = std::min<milliseconds>(interval, std::chrono::ceil<milliseconds>(left));
    if (const auto edge = next_edge(seen); edge < kNever)
      pause = std::clamp<milliseconds>(edge - context.loop.now(), std::min<milliseconds>(kNoMoreOften, pause),
                                       pause);
    session.run(nap(context.loop, pause));
  }
  if (!session.json())
    out << fmt::format("watched for {}: {} difference{}\n", format_duration(length), told,
                       told == 1 ? "" : "s");
  return told;
}

Result<int> tell_moved(Session& session, const MigrationPlan& plan) {
  const auto names = names_of(plan.moving);
  if (session.json()) {
    json::Writer w;
    w.begin_object().field("moved", names);
    write_left(w, plan);
    write_pairs(w, plan);
    w.end_object();
    session.print_json(w.take());
    return kDone;
  }
  auto text = fmt::format("moved from {} to {}: {}\n", plan.from, plan.to, fmt::join(names, ", "));
  if (plan.undo) {
    text += fmt::format("connection {} stays; nothing else was changed\n", plan.from);
  } else {
    text += fmt::format(
        "`watchbill connection migrate {} {} --undo` takes it back; once all is well, `watchbill "
        "connection remove {}`\n",
        plan.from, plan.to, plan.from);
  }
  session.io().out << printable(text);
  return kDone;
}

Result<int> tell_plan(Session& session, const MigrationPlan& plan) {
  if (session.json()) {
    json::Writer w;
    w.begin_object();
    write_pairs(w, plan);
    w.end_object();
    session.print_json(w.take());
    return kDone;
  }
  print_plan(session, plan);
  print_left(session, plan);
  const auto quiet = control::refuse_handoff(plan);
  session.io().out << printable(quiet
                                    ? fmt::format("{} rotation{} would move; nothing was changed\n",
                                                  plan.moving.size(), plan.moving.size() == 1 ? "" : "s")
                                    : fmt::format("no rotation would move now: {}\n", quiet.error().message));
  return kDone;
}

Result<int> move(Session& session, control::Context& context, MigrationPlan plan) {
  if (!session.json()) {
    print_plan(session, plan);
    print_left(session, plan);
  }
  if (plan.moving.empty()) {
    return fail(ErrorKind::conflict, "no rotation can be moved from {} to {}; nothing was changed", plan.from,
                plan.to);
  }
  if (auto quiet = control::refuse_handoff(plan); !quiet) return quiet.error();
  if (const auto doubts = doubts_of(plan); !doubts.empty()) {
    const auto question = fmt::format("{}. Move {} from {} to {} all the same?", doubts,
                                      fmt::join(names_of(plan.moving), ", "), plan.from, plan.to);
    if (auto agreed = session.confirm(question); !agreed) return agreed.error();
  }
  if (auto moved = session.run(control::migrate(context, session.caller(), plan)); !moved)
    return moved.error();
  return tell_moved(session, plan);
}

/// Reads "og/X=ops/Y".
Result<control::ChosenPartners> chosen_partners(const Invocation& in, const std::string& from,
                                                const std::string& to) {
  control::ChosenPartners chosen;
  for (const auto& text : in.values("pair")) {
    const auto at = text.find("=" + to + "/");
    const auto before = parse_schedule_ref(text.substr(0, at));
    const auto after = at == std::string::npos ? before : parse_schedule_ref(text.substr(at + 1));
    if (at == std::string::npos || !before || !after || before->connection != from)
      return fail(ErrorKind::invalid, "--pair: \"{}\" is not {}/ID={}/ID", text.substr(0, 200), from, to);
    if (!chosen.emplace(*before, *after).second)
      return fail(ErrorKind::invalid, "--pair: {} is given twice", *before);
  }
  return chosen;
}

Result<int> migrate(Session& session, const Invocation& in) {
  const auto from = in.argument("OLD");
  const auto to = in.argument("NEW");
  const bool dry = in.has("dry-run");
  const bool undo = in.has("undo");
  milliseconds length{0};
  if (const auto text = in.value("watch")) {
    auto read = parse_duration(*text);
    if (!read) return read.error().in("--watch");
    if (undo) return fail(ErrorKind::invalid, "--watch: not with --undo");
    length = *read;
  }
  auto chosen = chosen_partners(in, from, to);
  if (!chosen) return chosen.error();
  if (undo && !chosen->empty()) return fail(ErrorKind::invalid, "--pair: not with --undo");
  auto config = session.config();
  if (!config) return config.error();
  auto context = session.context();
  if (!context) return context.error();
  const auto plan_now = [&] {
    return session.run(undo ? control::plan_undo(**context, session.caller(), from, to)
                            : control::plan_migration(**context, session.caller(), from, to, *chosen));
  };
  auto plan = plan_now();
  if (!plan) return plan.error();
  if (length > milliseconds{0}) {
    if (!session.json()) print_plan(session, *plan);
    auto watched = watch(session, **context, *plan, length, (*config)->poll_interval);
    if (!watched) return watched.error();
    plan = plan_now();
    if (!plan) return plan.error();
  }
  if (dry) return tell_plan(session, *plan);
  return move(session, **context, *std::move(plan));
}

}  // namespace

Command connection_migrate_command() {
  return {
      "connection migrate",
      "Move rotations to another connection that has the same schedules",
      "Pairs the schedules that rotations of OLD use with those of NEW: by id, then by name, then by the "
      "people of the next two weeks; and shows where they differ. Then the rotations, and what is mapped of "
      "people, name NEW instead, all in one step. Who is on call stays the same, so nobody is told, and "
      "history goes on. Refused while a pair differs about who is on call now. Later differences, and "
      "rotations that cannot move (a schedule has no partner, or one of the two does not say who is on "
      "call), "
      "are shown and asked about. OLD stays, and --undo goes back to it.",
      {{"OLD", "the connection that its rotations leave"}, {"NEW", "the one that they go to"}},
      {{"dry-run", "", "only show pairs and differences"},
       {"watch", "DURATION", "first compare who is on call for so long, and tell every difference"},
       {"pair", "OLD/ID=NEW/ID", "choose the partner of a schedule", true},
       {"undo", "", "move everything that was moved from OLD to NEW back to OLD"}},
      {"connection migrate og ops --dry-run", "connection migrate og ops --watch 2d",
       "connection migrate og ops --pair og/9a1c=ops/77f1 --yes", "connection migrate og ops --undo"},
      migrate};
}

}  // namespace watchbill::cli
