#include "cli/commands/seen_schedules.hpp"

#include "base/json.hpp"

namespace watchbill::cli {

namespace {

constexpr std::size_t kMostNoted = 1000;

std::string noted_key(const std::string& connection) {
  return "schedules_seen:" + connection;
}

}  // namespace

void remember_schedules(store::Store& store, const std::string& connection,
                        const std::vector<providers::ScheduleInfo>& schedules) {
  json::Writer w;
  w.begin_object();
  for (std::size_t i = 0; i < schedules.size() && i < kMostNoted; ++i)
    w.field(schedules[i].id, schedules[i].name);
  w.end_object();
  const auto text = w.take();
  const auto known = store.meta(noted_key(connection));
  if (known && *known == text) return;
  (void)store.set_meta(noted_key(connection), text);
}

std::map<std::string, std::string> seen_schedules(store::Store& store) {
  std::map<std::string, std::string> found;
  if (auto connections = store.connections().list()) {
    for (const auto& connection : *connections) {
      const auto noted = store.meta(noted_key(connection.name));
      if (!noted || !*noted) continue;
      const auto document = json::parse(**noted);
      if (!document) continue;
      for (const auto schedule : document->root().items())
        found[to_string(ScheduleRef{connection.name, std::string(schedule.key())})] = schedule.string_or("");
    }
  }
  if (auto states = store.engine().states()) {
    for (const auto& state : *states) found[to_string(state.schedule)] = state.name;
  }
  return found;
}

}  // namespace watchbill::cli
