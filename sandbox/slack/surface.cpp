#include "sandbox/slack/surface.hpp"

#include <algorithm>

namespace watchbill::sandbox {
namespace {

constexpr std::size_t kEphemeralsKept = 1000;

std::string new_hash(World& world, Instant now) {
  return fmt::format("{}.{:08x}", unix_seconds(now),
                     static_cast<std::uint32_t>(world.next_number++ * 0x9e3779b9U));
}

std::string text_or_empty(json::View text) {
  return text.exists() ? completed_text(text) : std::string{};
}

void write_text(json::Writer& w, std::string_view name, const std::string& json) {
  w.key(name).raw(json.empty() ? "null" : json);
}

}  // namespace

std::string issue_trigger(World& world, const std::string& user, Instant wall) {
  std::erase_if(world.app.triggers, [&](const auto& one) { return one.second.expires + 1min < wall; });
  const auto number = world.next_number++;
  auto id =
      fmt::format("{}.{}.{:032x}", 6'000'000'000'000 + number, 4'155'512'345, number * 0x9e3779b97f4a7c15U);
  world.app.triggers[id] = {user, wall + kTriggerLife, false};
  return id;
}

std::optional<std::string> use_trigger(World& world, const std::string& trigger, Instant wall,
                                       std::string& refusal) {
  const auto found = world.app.triggers.find(trigger);
  if (found == world.app.triggers.end()) {
    refusal = "invalid_trigger_id";
  } else if (found->second.used) {
    refusal = "exchanged_trigger_id";
  } else if (found->second.expires <= wall) {
    refusal = "expired_trigger_id";
  } else {
    found->second.used = true;
    return found->second.user;
  }
  return std::nullopt;
}

SlackView* top_modal(World& world, const std::string& user) {
  const auto stack = world.app.modals.find(user);
  if (stack == world.app.modals.end() || stack->second.empty()) return nullptr;
  return &world.app.views.at(stack->second.back());
}

void change_view(World& world, SlackView& view, json::View content, Instant now) {
  view.blocks = completed_blocks(content["blocks"], world.next_number);
  view.title = text_or_empty(content["title"]);
  view.submit = text_or_empty(content["submit"]);
  view.close = text_or_empty(content["close"]);
  view.private_metadata = content["private_metadata"].string_or("");
  view.callback_id = content["callback_id"].string_or("");
  view.external_id = content["external_id"].string_or("");
  view.clear_on_close = content["clear_on_close"].boolean_or(false);
  view.notify_on_close = content["notify_on_close"].boolean_or(false);
  view.hash = new_hash(world, now);
  view.errors.clear();
  view.trouble.clear();
  ++world.app.revisions[view.user];
  if (const auto blocks = json::parse(view.blocks)) view.state = carried_state(view.state, blocks->root());
}

SlackView& push_modal(World& world, const std::string& user, json::View content, Instant now) {
  const auto id = fmt::format("V0MODAL{}", world.next_number++);
  auto& view = world.app.views[id];
  auto& stack = world.app.modals[user];
  view.id = id;
  view.user = user;
  view.modal = true;
  view.previous = stack.empty() ? "" : stack.back();
  view.root = stack.empty() ? id : stack.front();
  change_view(world, view, content, now);
  stack.push_back(id);
  return view;
}

SlackView& home_of(World& world, const std::string& user) {
  auto& id = world.app.homes[user];
  if (id.empty()) id = fmt::format("V0HOME{}", world.next_number++);
  auto& view = world.app.views[id];
  view.id = view.root = id;
  view.user = user;
  return view;
}

bool pop_modal(World& world, const std::string& user) {
  const auto stack = world.app.modals.find(user);
  if (stack == world.app.modals.end()) return false;
  ++world.app.revisions[user];
  world.app.views.erase(stack->second.back());
  stack->second.pop_back();
  if (!stack->second.empty()) return true;
  world.app.modals.erase(stack);
  return false;
}

void clear_modals(World& world, const std::string& user) {
  while (top_modal(world, user)) pop_modal(world, user);
}

bool external_id_taken(const World& world, const std::string& external_id, const std::string& except) {
  if (external_id.empty()) return false;
  return std::any_of(world.app.views.begin(), world.app.views.end(), [&](const auto& one) {
    return one.second.external_id == external_id && one.first != except;
  });
}

void write_slack_view(json::Writer& w, const World& world, const SlackView& view) {
  w.begin_object().field("id", view.id).field("team_id", world.slack.team_id);
  w.field("type", view.modal ? "modal" : "home").key("blocks").raw(view.blocks);
  w.field("private_metadata", view.private_metadata).field("callback_id", view.callback_id);
  w.key("state").begin_object().key("values");
  write_state_values(w, view.state);
  w.end_object().field("hash", view.hash).key("title");
  w.raw(view.modal ? view.title : R"({"type":"plain_text","text":"View Title","emoji":true})");
  w.field("clear_on_close", view.clear_on_close).field("notify_on_close", view.notify_on_close);
  write_text(w, "close", view.close);
  write_text(w, "submit", view.submit);
  w.key("previous_view_id");
  if (view.previous.empty()) {
    w.null();
  } else {
    w.value(view.previous);
  }
  w.field("root_view_id", view.root).field("app_id", world.app.settings.id);
  w.field("external_id", view.external_id).field("app_installed_team_id", world.slack.team_id);
  w.field("bot_id", world.slack.bot_id).end_object();
}

CheckedBlocks checked_blocks(World& world, const std::string& blocks) {
  const auto document = json::parse(blocks);
  if (!document || !document->root().is_array()) {
    return {{}, "invalid_blocks_format", {"[ERROR] must provide an array [json-pointer:/blocks]"}};
  }
  auto complaints = message_complaints(document->root());
  if (!complaints.empty()) return {{}, "invalid_blocks", std::move(complaints)};
  return {completed_blocks(document->root(), world.next_number), {}, {}};
}

void add_ephemeral(World& world, SlackEphemeral message) {
  ++world.app.revisions[message.user];
  world.app.ephemerals.push_back(std::move(message));
  if (world.app.ephemerals.size() > kEphemeralsKept) world.app.ephemerals.pop_front();
}

}  // namespace watchbill::sandbox
