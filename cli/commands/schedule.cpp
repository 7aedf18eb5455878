// watchbill schedule list

#include <algorithm>
#include <ostream>

#include "cli/commands/commands.hpp"
#include "cli/commands/seen_schedules.hpp"
#include "cli/session.hpp"
#include "cli/terminal/table.hpp"
#include "control/connections.hpp"
#include "core/oncall/rotation.hpp"

namespace watchbill::cli {

namespace {

struct FoundSchedule {
  std::string ref;
  providers::ScheduleInfo info;
};

bool matches(const FoundSchedule& found, const std::string& search) {
  const auto text = fold_name(search);
  return fold_name(found.info.name).find(text) != std::string::npos ||
         fold_name(found.ref).find(text) != std::string::npos;
}

void print(Session& session, const std::vector<FoundSchedule>& schedules) {
  if (session.json()) {
    json::Writer w;
    w.begin_array();
    for (const auto& [ref, info] : schedules) {
      w.begin_object().field("ref", ref).field("name", info.name).field("kind", info.kind);
      w.field("time_zone", info.time_zone).field("url", info.url).field("note", info.note).end_object();
    }
    w.end_array();
    return session.print_json(w.take());
  }
  Table table({"NAME", "SCHEDULE", "KIND", "TIME ZONE", "NOTE"});
  for (const auto& [ref, info] : schedules) table.add({info.name, ref, info.kind, info.time_zone, info.note});
  session.io().out << table.render(session.io().width);
}

Result<std::vector<Connection>> wanted_connections(Session& session, const Invocation& in) {
  auto store = session.store();
  if (!store) return store.error();
  if (const auto name = in.value("connection")) {
    auto one = (*store)->connections().get(*name);
    if (!one) return one.error();
    return std::vector<Connection>{*std::move(one)};
  }
  return (*store)->connections().list();
}

Result<int> list_schedules(Session& session, const Invocation& in) {
  auto connections = wanted_connections(session, in);
  if (!connections) return connections.error();
  auto context = session.context();
  if (!context) return context.error();
  auto answers = session.run(control::list_schedules(**context, *std::move(connections)));
  std::optional<Error> failure;
  std::vector<FoundSchedule> schedules;
  for (auto& [name, listed] : answers) {
    if (!listed) {
      if (failure) report(session.io(), *failure);
      failure = listed.error().in("schedules of connection {}", name);
      continue;
    }
    remember_schedules(**session.store(), name, *listed);
    for (auto& info : *listed) {
      FoundSchedule found{to_string(ScheduleRef{name, info.id}), std::move(info)};
      if (matches(found, in.value_or("search", ""))) schedules.push_back(std::move(found));
    }
  }
  std::sort(schedules.begin(), schedules.end(), [](const FoundSchedule& a, const FoundSchedule& b) {
    const auto left = fold_name(a.info.name);
    const auto right = fold_name(b.info.name);
    return left != right ? left < right : a.ref < b.ref;
  });
  if (!failure || !schedules.empty()) print(session, schedules);
  if (failure) return *failure;
  return kDone;
}

}  // namespace

std::vector<Command> schedule_commands() {
  return {{"schedule list",
           "List the schedules of the scheduling systems",
           "Asks all connections at the same time. The column SCHEDULE is what `rotation create --schedule` "
           "takes, and what completion offers there from now on. If a system does not answer, the others are "
           "listed and the exit code tells of the failure.",
           {},
           {{"connection", "NAME", "only this connection's"},
            {"search", "TEXT", "only those whose name or id contains this, regardless of case"}},
           {"schedule list", "schedule list --connection pd --search payments"},
           list_schedules}};
}

}  // namespace watchbill::cli
