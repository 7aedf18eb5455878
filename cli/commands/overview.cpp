#include "cli/commands/overview.hpp"

namespace watchbill::cli {

Result<control::Overview> read_overview(Session& session) {
  auto context = session.context();
  if (!context) return context.error();
  return session.run(control::read_overview(**context));
}

std::map<UserId, std::string> known_names(Session& session) {
  auto store = session.store();
  return store ? control::known_names(**store) : std::map<UserId, std::string>{};
}

namespace {

std::optional<std::string> text_of(const std::optional<Instant>& at) {
  return at && *at != kNever ? std::optional(format_rfc3339(*at)) : std::nullopt;
}

std::optional<std::string> text_of(const std::optional<UserId>& user) {
  return user ? std::optional(user->value) : std::nullopt;
}

}  // namespace

void write_view_fields(json::Writer& w, const control::RotationView& view) {
  std::vector<std::string> members;
  for (const auto& member : view.members) members.push_back(member.value);
  w.field("state", view.state).field("members", members).field("disabled", view.disabled);
  w.key("on_call").begin_array();
  for (const auto& person : view.on_call) {
    w.begin_object().field("name", person.responder.name).field("email", person.responder.email);
    w.field("member", text_of(person.member)).field("member_pending", person.member_pending);
    w.field("schedule", to_string(person.schedule));
    w.field("until", text_of(person.until)).field("last_known", person.last_known).end_object();
  }
  std::vector<std::string> unknown;
  for (const auto& schedule : view.unknown) unknown.push_back(to_string(schedule));
  w.end_array().field("unknown", unknown);
  w.field("next_boundary", text_of(view.next_boundary)).key("next").begin_array();
  for (const auto& person : view.next) {
    w.begin_object().field("name", person.name).field("member", text_of(person.member));
    w.field("from", format_rfc3339(person.from)).end_object();
  }
  w.end_array().field("problems", view.problems);
}

std::string overview_json(const control::Overview& overview) {
  json::Writer w;
  w.begin_object().key("rotations").begin_array();
  for (const auto& view : overview.rotations) {
    w.begin_object().field("name", view.rotation.name).key("group").begin_object();
    w.field("id", view.rotation.group.value).field("handle", view.rotation.handle).end_object();
    write_view_fields(w, view);
    w.end_object();
  }
  w.end_array().key("connections").begin_array();
  for (const auto& [name, kind, status] : overview.connections) {
    w.begin_object().field("name", name).field("kind", kind).field("state", status.state);
    w.field("last_success", text_of(status.last_success));
    w.field("interval_seconds", static_cast<std::int64_t>(status.interval.count()));
    w.field("problem", status.problem).end_object();
  }
  w.end_array().key("outbox").begin_object().field("pending", overview.outbox_pending);
  w.field("oldest_seconds", static_cast<std::int64_t>(overview.outbox_oldest.count())).end_object();
  w.key("queue").begin_object().field("writes", overview.queued_writes);
  w.field("done_in_seconds", static_cast<std::int64_t>(overview.queue_done_in.count())).end_object();
  w.key("daemon").begin_object().field("running", overview.daemon_running);
  w.field("last_pass", text_of(overview.last_pass)).end_object();
  w.field("clock_problem", overview.clock_problem).field("store_problem", overview.store_problem);
  w.field("other_problems", overview.other_problems).key("slack_app");
  if (const auto& app = overview.slack_app) {
    w.begin_object().field("mode", app->mode).field("state", app->state);
    w.field("since", text_of(app->since)).field("problem", app->problem).end_object();
  } else {
    w.null();
  }
  w.end_object();
  return w.take();
}

}  // namespace watchbill::cli
