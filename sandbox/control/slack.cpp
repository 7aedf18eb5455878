// Control actions on user groups, tokens and settings of the Slack workspace.

#include "sandbox/control/ops.hpp"

namespace watchbill::sandbox {
namespace {

Group* group_named(World& world, const std::string& id, const std::string& handle) {
  if (!id.empty()) return world.groups.find(id);
  for (auto& group : world.groups) {
    if (group.handle == handle) return &group;
  }
  return nullptr;
}

Result<std::vector<std::string>> channel_ids(World& world, const std::vector<std::string>& names) {
  std::vector<std::string> ids;
  for (const auto& name : names) {
    const auto* channel = channel_named(world, name);
    if (!channel) return fail(ErrorKind::not_found, "no channel \"{}\"", name);
    ids.push_back(channel->id);
  }
  return ids;
}

void read_group_flags(Reader& in, Group& group, bool& disabled) {
  in.text("name", group.name);
  in.text("description", group.description);
  in.flag("disabled", disabled);
  in.text("auto_type", group.auto_type);
  in.flag("idp", group.idp);
  in.flag("membership_locked", group.membership_locked);
  in.flag("editing_restricted", group.editing_restricted);
  in.flag("external", group.external);
}

}  // namespace

Result<void> do_group(Desk& desk, Reader& in, json::Writer& out) {
  auto& world = desk.world;
  const auto now = desk.now();
  std::string id;
  std::string handle;
  in.text("id", id);
  in.text("handle", handle);
  if (id.empty() && handle.empty()) return fail(ErrorKind::invalid, "\"handle\" is missing");
  const auto* known = group_named(world, id, handle);
  Group group = known ? *known : Group{};
  if (!known) {
    group.id = id.empty() ? "S0" + id_text(handle) : id;
    group.name = handle.empty() ? group.id : handle;
    group.created = unix_seconds(now);
    group.created_by = "U0ADMIN";
  }
  if (!handle.empty()) group.handle = handle;
  bool disabled = group.disabled_at != 0;
  read_group_flags(in, group, disabled);
  std::string by = "U0ADMIN";
  in.text("by", by);
  std::vector<std::string> people;
  std::vector<std::string> channels;
  const bool members = in.has("people");
  const bool defaults = in.has("default_channels");
  in.texts("people", people);
  in.texts("default_channels", channels);
  if (auto done = in.done(); !done) return done;
  auto editor = slack_ids(world, {by});
  if (!editor) return editor.error();
  if (members) {
    auto ids = slack_ids(world, people);
    if (!ids) return ids.error();
    group.users = std::move(*ids);
  }
  if (defaults) {
    auto ids = channel_ids(world, channels);
    if (!ids) return ids.error();
    group.default_channels = std::move(*ids);
  }
  auto& row = world.groups.make(group.id);
  group_changes(row, now, editor->front());
  group.past = std::move(row.past);
  group.changes = row.changes;
  group.updated = row.updated;
  group.updated_by = row.updated_by;
  group.disabled_at = !disabled ? 0 : group.disabled_at != 0 ? group.disabled_at : unix_seconds(now);
  group.written.clear();
  row = std::move(group);
  out.field("id", row.id);
  return {};
}

Result<void> do_token(Desk& desk, Reader& in, json::Writer&) {
  auto& world = desk.world;
  const auto id = in.required("token");
  const auto* known = world.tokens.find(id);
  SlackToken token = known ? *known : SlackToken{id, "bot", world.slack.bot_user, {}, {}};
  in.text("kind", token.kind);
  in.text("error", token.error);
  std::string person;
  in.text("person", person);
  std::vector<std::string> scopes(token.scopes.begin(), token.scopes.end());
  std::vector<std::string> add;
  std::vector<std::string> drop;
  in.texts("scopes", scopes);
  in.texts("add", add);
  in.texts("drop", drop);
  if (auto done = in.done(); !done) return done;
  if (token.kind != "bot" && token.kind != "user" && token.kind != "app") {
    return fail(ErrorKind::invalid, "kind is \"bot\", \"user\" or \"app\"");
  }
  token.scopes = {scopes.begin(), scopes.end()};
  token.scopes.insert(add.begin(), add.end());
  for (const auto& scope : drop) token.scopes.erase(scope);
  if (!person.empty()) {
    auto ids = slack_ids(world, {person});
    if (!ids) return ids.error();
    token.user = ids->front();
  }
  world.tokens.make(id) = std::move(token);
  return {};
}

Result<void> do_slack(Desk& desk, Reader& in, json::Writer&) {
  auto settings = desk.world.slack;
  in.flag("admins_only", settings.admins_only);
  in.flag("paid", settings.paid);
  in.flag("refuse_disabled", settings.refuse_disabled);
  in.text("disabled_error", settings.disabled_error);
  in.number("max_group_members", settings.max_group_members);
  in.flag("says_already", settings.says_already);
  std::vector<std::string> left_out;
  std::vector<std::string> other_ids;
  const bool leaves_out = in.has("left_out");
  const bool renames = in.has("other_ids");
  in.texts("left_out", left_out);
  in.texts("other_ids", other_ids);
  in.real("list_share", settings.list_share);
  double stale = 0;
  if (in.real("stale_seconds", stale)) settings.stale = milliseconds(static_cast<std::int64_t>(stale * 1000));
  if (auto done = in.done(); !done) return done;
  auto out_ids = slack_ids(desk.world, left_out);
  if (!out_ids) return out_ids.error();
  auto renamed_ids = slack_ids(desk.world, other_ids);
  if (!renamed_ids) return renamed_ids.error();
  if (leaves_out) settings.left_out = std::move(*out_ids);
  if (renames) settings.other_ids = std::move(*renamed_ids);
  desk.world.slack = std::move(settings);
  return {};
}

}  // namespace watchbill::sandbox
