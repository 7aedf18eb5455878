// watchbill connection migrate

#include "cli/commands/connection_migrate.hpp"

#include <algorithm>
#include <map>
#include <ostream>

#include "base/text.hpp"
#include "cli/commands/commands.hpp"
#include "cli/session.hpp"
#include "cli/terminal/interruption.hpp"
#include "cli/terminal/table.hpp"
#include "control/migrate.hpp"

namespace watchbill::cli {

namespace {

using control::MigrationPlan;
using control::PairDifference;
using control::SchedulePair;

std::string people_text(const std::vector<std::string>& people) {
  return people.empty() ? "nobody" : fmt::format("{}", fmt::join(people, ", "));
}

std::string difference_text(const SchedulePair& pair, const PairDifference& one) {
  return fmt::format("{} to {}: {} says {}, {} says {}", format_minutes(one.from), format_minutes(one.to),
                     pair.before, people_text(one.before), pair.after, people_text(one.after));
}

std::vector<std::string> names_of(const std::vector<Rotation>& rotations) {
  std::vector<std::string> names;
  names.reserve(rotations.size());
  for (const auto& rotation : rotations) names.push_back(rotation.name);
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
    w.end_array().field("not_compared", pair.not_compared.empty() ? std::optional<std::string>()
                                                                  : std::optional(pair.not_compared));
    w.end_object();
  }
  w.end_array().key("unpaired").begin_array();
  for (const auto& ref : plan.unpaired) w.value(to_string(ref));
  w.end_array();
}

void print_plan(Session& session, const MigrationPlan& plan) {
  auto& out = session.io().out;
  Table table({"OLD", "NEW", "BY", "DIFFERENCES"});
  for (const auto& pair : plan.pairs) {
    const auto count = pair.differences.size();
    const auto compared = count == 0 ? std::string("none") : fmt::format("{}", count);
    table.add({to_string(pair.before), to_string(pair.after), pair.by,
               pair.not_compared.empty() ? compared : "not compared"});
  }
  if (!plan.pairs.empty()) out << table.render(session.io().width);
  for (const auto& pair : plan.pairs) {
    for (const auto& one : pair.differences) out << printable(difference_text(pair, one)) << "\n";
    if (!pair.not_compared.empty()) {
      out << printable(
          fmt::format("{} and {} could not be compared: {}\n", pair.before, pair.after, pair.not_compared));
    }
  }
  for (const auto& ref : plan.unpaired) {
    out << printable(
        fmt::format("{} has no partner in {}: none has its id, its name, or its people\n", ref, plan.to));
  }
}

void print_left(Session& session, const MigrationPlan& plan) {
  for (const auto& rotation : plan.left) {
    session.io().out << printable(
        fmt::format("rotation \"{}\" stays with {}: {}\n", rotation.name, plan.from, rotation.why));
  }
}

/// What the person must agree to; empty if nothing.
std::string doubts_of(const MigrationPlan& plan) {
  std::vector<std::string> doubts;
  const auto differing = std::count_if(plan.pairs.begin(), plan.pairs.end(),
                                       [](const SchedulePair& pair) { return !pair.differences.empty(); });
  const auto unknown = std::count_if(plan.pairs.begin(), plan.pairs.end(),
                                     [](const SchedulePair& pair) { return !pair.not_compared.empty(); });
  if (differing > 0)
    doubts.push_back(fmt::format("{} of {} schedules will differ", differing, plan.pairs.size()));
  if (unknown > 0) doubts.push_back(fmt::format("{} could not be compared", unknown));
  if (!plan.left.empty()) {
    doubts.push_back(fmt::format("{} rotation{} with {}", plan.left.size(),
                                 plan.left.size() == 1 ? " stays" : "s stay", plan.from));
  }
  return fmt::format("{}", fmt::join(doubts, ", "));
}

/// Whoever is on call now must be the same on both sides: else groups would change, and be announced.
Result<void> refuse_handoff(const MigrationPlan& plan) {
  const auto* pair = control::differing_now(plan);
  if (pair == nullptr) return {};
  const auto now = std::find_if(pair->differences.begin(), pair->differences.end(), [&](const auto& one) {
    return one.from <= plan.made_at && plan.made_at < one.to;
  });
  return fail(
      ErrorKind::conflict,
      "{} says that {} is on call now, and {} says {}: nothing was changed, since that would be a handoff. "
      "Make them equal (for people whose address is hidden: `watchbill people map`), and run it again",
      pair->before, people_text(now->before), pair->after, people_text(now->after));
}

net::Task<bool> nap(net::Loop& loop, milliseconds length) {
  co_await net::sleep_for(loop, length);
  co_return true;
}

/// Tells every difference that begins and ends, until the time is over. How many there were.
Result<std::size_t> watch(Session& session, control::Context& context, const MigrationPlan& plan,
                          milliseconds length, milliseconds interval) {
  auto& out = session.io().out;
  std::size_t seen = 0;
  std::map<ScheduleRef, std::string> open;
  const Interruption interruption;
  auto comparison = control::PairComparison::open(context, plan.pairs);
  if (!comparison) return comparison.error();
  const auto until = context.loop.steady_now() + length;
  while (true) {
    auto looked = session.run(comparison->look());
    if (!looked) return looked.error();
    for (const auto& pair : *looked) {
      std::string text;
      if (!pair.not_compared.empty()) text = pair.not_compared;
      if (!pair.differences.empty() && control::differs_at(pair, pair.differences.front().from))
        text =
            fmt::format("{} says {}, {} says {}", pair.before, people_text(pair.differences.front().before),
                        pair.after, people_text(pair.differences.front().after));
      auto& was = open[pair.before];
      if (was == text) continue;
      if (!text.empty()) ++seen;
      const auto at = format_rfc3339(context.loop.now());
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
    session.run(nap(context.loop, std::min<milliseconds>(interval, std::chrono::ceil<milliseconds>(left))));
  }
  if (!session.json())
    out << fmt::format("watched for {}: {} difference{}\n", format_duration(length), seen,
                       seen == 1 ? "" : "s");
  return seen;
}

Result<int> tell_moved(Session& session, const MigrationPlan& plan) {
  const auto names = names_of(plan.moving);
  if (session.json()) {
    json::Writer w;
    w.begin_object().field("moved", names).key("left").begin_array();
    for (const auto& rotation : plan.left)
      w.begin_object().field("rotation", rotation.name).field("why", rotation.why).end_object();
    w.end_array();
    write_pairs(w, plan);
    w.end_object();
    session.print_json(w.take());
    return kDone;
  }
  print_left(session, plan);
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
  session.io().out << printable(fmt::format("{} rotation{} would move; nothing was changed\n",
                                            plan.moving.size(), plan.moving.size() == 1 ? "" : "s"));
  return kDone;
}

Result<int> move(Session& session, control::Context& context, MigrationPlan plan) {
  if (!session.json()) print_plan(session, plan);
  if (plan.moving.empty()) {
    print_left(session, plan);
    return fail(ErrorKind::conflict, "no rotation can be moved from {} to {}; nothing was changed", plan.from,
                plan.to);
  }
  if (auto quiet = refuse_handoff(plan); !quiet) return quiet.error();
  if (const auto doubts = doubts_of(plan); !doubts.empty()) {
    if (!session.json()) print_left(session, plan);
    const auto question = fmt::format("{}. Move {} from {} to {} all the same?", doubts,
                                      fmt::join(names_of(plan.moving), ", "), plan.from, plan.to);
    if (auto agreed = session.confirm(question); !agreed) return agreed.error();
  }
  if (auto moved = session.run(control::migrate(context, session.caller(), plan)); !moved)
    return moved.error();
  return tell_moved(session, plan);
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
  auto config = session.config();
  if (!config) return config.error();
  auto context = session.context();
  if (!context) return context.error();
  const auto plan_now = [&] {
    return session.run(undo ? control::plan_undo(**context, session.caller(), from, to)
                            : control::plan_migration(**context, session.caller(), from, to));
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
      "rotations that cannot move, are shown and asked about. OLD stays, and --undo goes back to it.",
      {{"OLD", "the connection that its rotations leave"}, {"NEW", "the one that they go to"}},
      {{"dry-run", "", "only show pairs and differences"},
       {"watch", "DURATION", "first compare who is on call for so long, and tell every difference"},
       {"undo", "", "move what was moved from OLD to NEW back to OLD"}},
      {"connection migrate og ops --dry-run", "connection migrate og ops --watch 2d",
       "connection migrate og ops --yes", "connection migrate og ops --undo"},
      migrate};
}

}  // namespace watchbill::cli
