// Slack: views.*
// docs.slack.dev/reference/methods/views.open, …push, …update, …publish

#include "sandbox/slack/call.hpp"
#include "sandbox/slack/surface.hpp"

namespace watchbill::sandbox {
namespace {

/// The argument `view`, read and checked.
struct ReadView {
  json::Document document{};
  std::optional<Answer> refusal{};
  [[nodiscard]] json::View root() const { return document.root(); }
};

ReadView read_view(const SlackCall& call, Surface surface) {
  ReadView read;
  if (!call.has("view")) {
    read.refusal = slack_missing("view");
    return read;
  }
  const auto text = call.arg("view");
  if (text.size() > kMaxViewBytes) {
    read.refusal = slack_fail("view_too_large");
    return read;
  }
  auto parsed = json::parse(text);
  if (!parsed) {
    read.refusal = slack_invalid({"[ERROR] failed to match all allowed schemas [json-pointer:/view]"});
    return read;
  }
  read.document = std::move(*parsed);
  const auto complaints = view_complaints(read.root(), surface);
  if (!complaints.empty()) read.refusal = slack_invalid(complaints);
  return read;
}

Answer view_answer(SlackCall& call, const SlackView& view) {
  return slack_ok([&](json::Writer& w) {
    w.key("view");
    write_slack_view(w, call.world(), view);
  });
}

/// The view that `view_id` or `external_id` names, or null.
SlackView* view_named(SlackCall& call) {
  auto& views = call.world().app.views;
  if (call.has("view_id")) {
    const auto found = views.find(call.arg("view_id"));
    return found == views.end() ? nullptr : &found->second;
  }
  const auto external = call.arg("external_id");
  for (auto& [id, view] : views) {
    if (!external.empty() && view.external_id == external) return &view;
  }
  return nullptr;
}

bool outdated(const SlackCall& call, const SlackView& view) {
  return call.has("hash") && !call.arg("hash").empty() && call.arg("hash") != view.hash;
}

/// views.open and views.push.
Answer show_modal(SlackCall& call, bool push) {
  if (!call.has("trigger_id")) return slack_missing("trigger_id");
  const auto read = read_view(call, Surface::modal);
  if (read.refusal) return *read.refusal;
  auto& world = call.world();
  if (external_id_taken(world, read.root()["external_id"].string_or(""), "")) {
    return slack_fail("duplicate_external_id");
  }
  std::string refusal;
  const auto user = use_trigger(world, call.arg("trigger_id"), call.context.wall, refusal);
  if (!user) return slack_fail(refusal);
  if (push) {
    if (!top_modal(world, *user)) return slack_fail("not_found");
    if (world.app.modals[*user].size() >= kMaxModals) return slack_fail("push_limit_reached");
  } else {
    clear_modals(world, *user);
  }
  return view_answer(call, push_modal(world, *user, read.root(), call.context.now));
}

}  // namespace

Answer views_open(SlackCall& call) {
  return show_modal(call, false);
}

Answer views_push(SlackCall& call) {
  return show_modal(call, true);
}

Answer views_update(SlackCall& call) {
  if (!call.has("view_id") && !call.has("external_id")) return slack_missing("view_id");
  auto* view = view_named(call);
  if (!view) return slack_fail("not_found");
  const auto read = read_view(call, view->modal ? Surface::modal : Surface::home);
  if (read.refusal) return *read.refusal;
  if (outdated(call, *view)) return slack_fail("hash_conflict");
  if (external_id_taken(call.world(), read.root()["external_id"].string_or(""), view->id)) {
    return slack_fail("duplicate_external_id");
  }
  change_view(call.world(), *view, read.root(), call.context.now);
  return view_answer(call, *view);
}

Answer views_publish(SlackCall& call) {
  if (!call.has("user_id")) return slack_missing("user_id");
  auto& world = call.world();
  if (!world.app.settings.home_enabled) return slack_fail("not_enabled");
  const auto* user = world.users.find(call.arg("user_id"));
  if (!user || user->deleted || user->bot) {
    return slack_invalid({"[ERROR] failed to match all allowed schemas [json-pointer:/user_id]"});
  }
  const auto read = read_view(call, Surface::home);
  if (read.refusal) return *read.refusal;
  const auto published = world.app.homes.find(user->id);
  const std::string id = published == world.app.homes.end() ? "" : published->second;
  if (!id.empty() && outdated(call, world.app.views.at(id))) return slack_fail("hash_conflict");
  if (external_id_taken(world, read.root()["external_id"].string_or(""), id)) {
    return slack_fail("duplicate_external_id");
  }
  auto& view = home_of(world, user->id);
  change_view(world, view, read.root(), call.context.now);
  return view_answer(call, view);
}

}  // namespace watchbill::sandbox
