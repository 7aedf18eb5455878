#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "sandbox/schedules.hpp"
#include "sandbox/servers.hpp"
#include "sandbox/timeline.hpp"

/// Opsgenie's API v2 (opsgenie-oas, docs.opsgenie.com).
namespace watchbill::sandbox {

struct OpsgenieCall {
  Context context;
  const net::ServerRequest& request;
  std::vector<std::string> path;

  [[nodiscard]] const Roster& roster() const { return context.world.roster(System::opsgenie); }
  [[nodiscard]] TimelineView view() const { return {context.world, System::opsgenie, context.now}; }
  [[nodiscard]] Asked asked() const { return view().asked(); }
  [[nodiscard]] std::optional<std::string> query(std::string_view name) const {
    return request.query_value(name);
  }
};

/// {"data":..., "expandable", "took", "requestId"}: `fill` writes the value of data. `expandable`: what the
/// caller may ask to be shown in full.
template <class Fill>
Answer opsgenie_ok(Fill fill, const std::vector<std::string>& expandable = {}) {
  json::Writer w;
  w.begin_object().key("data");
  fill(w);
  if (!expandable.empty()) w.field("expandable", expandable);
  w.field("took", 0.021).field("requestId", "sandbox").end_object();
  return {200, {{"Content-Type", "application/json"}, {"X-RateLimit-State", "OK"}}, w.take(), {}};
}
Answer opsgenie_error(int status, std::string_view message, int code = 0);

/// "_parent": {"id","name","enabled"}
void write_parent(json::Writer& w, const Schedule& schedule);
/// {"id","name","type"} without the closing brace: a person's name is his e-mail address.
void begin_recipient(json::Writer& w, const OpsgenieCall& call, const std::string& who);

Answer opsgenie_timeline(const OpsgenieCall& call, const Schedule& schedule);
/// on-calls of one schedule: {"_parent", "onCallParticipants" or "onCallRecipients"}.
void write_on_calls(json::Writer& w, const OpsgenieCall& call, const Schedule& schedule, Instant t);
Answer opsgenie_next_on_calls(const OpsgenieCall& call, const Schedule& schedule, Instant t);

}  // namespace watchbill::sandbox
