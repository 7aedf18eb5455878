// Control actions: what a person does to a view.

#include "sandbox/slack/acting.hpp"

#include <algorithm>

namespace watchbill::sandbox {
namespace {

/// Where an element's searched options are kept.
std::string offer_key(const Element& element) {
  return element.block_id + "\n" + element.action_id;
}

std::string offered_to(const SlackView& view, const Element& element) {
  const auto offered = view.offered.find(offer_key(element));
  return offered == view.offered.end() ? "[]" : offered->second;
}

/// An element that is nowhere: for actions that an honest client cannot send.
void forge(Reader& in, Touched& touched) {
  auto& element = touched.element;
  element.type = "button";
  in.text("type", element.type);
  element.action_id = in.required("action_id");
  element.block_id = "forged";
  in.text("block_id", element.block_id);
  json::Writer w;
  w.begin_object().field("type", element.type).field("action_id", element.action_id);
  if (const auto value = in.at("value"); value.exists()) w.key("value").raw(value.dump());
  w.key("text").raw(R"({"type":"plain_text","text":"Forged","emoji":true})").end_object();
  if (auto parsed = json::parse(w.take())) touched.own = std::move(*parsed);
  element.json = touched.own.root();
}

/// One entry of `actions`.
std::string action_entry(const Element& element, const std::string& value, Instant now) {
  json::Writer w;
  w.begin_object();
  const auto document = json::parse(value);
  if (document) {
    for (const auto member : document->root().items()) w.key(member.key()).raw(member.dump());
  }
  w.field("action_id", element.action_id).field("block_id", element.block_id);
  if (element.type == "button") w.key("text").raw(completed_text(element.json["text"]));
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  w.field("action_ts", fmt::format("{}.{:06}", micros / 1'000'000, micros % 1'000'000)).end_object();
  return w.take();
}

std::string actions_payload(Desk& desk, const SlackView& view, const std::string& user,
                            const std::string& entry) {
  json::Writer w;
  begin_interaction(w, desk.world, "block_actions", user);
  w.key("container").begin_object().field("type", "view").field("view_id", view.id).end_object();
  w.field("trigger_id", issue_trigger(desk.world, user, desk.loop.now())).key("view");
  write_slack_view(w, desk.world, view);
  w.key("actions").begin_array().raw(entry).end_array().end_object();
  return w.take();
}

/// The message that "channel" and "ts" name, as block_actions tells it.
Result<std::string> message_payload(Desk& desk, Reader& in, const std::string& user, Touched& touched) {
  const auto* channel = channel_named(desk.world, in.required("channel"));
  const auto ts = in.required("ts");
  if (!channel) return fail(ErrorKind::not_found, "no such channel");
  for (const auto& message : channel->messages) {
    if (message.ts != ts) continue;
    if (auto found = find_element(in, message.blocks.empty() ? "[]" : message.blocks, touched); !found)
      return found.error();
    auto value = chosen_value(desk, in, touched.element, "[]", user);
    if (!value) return value.error();
    const auto path = issue_response_url(desk.world, user, channel->id, desk.loop.now());
    json::Writer w;
    begin_interaction(w, desk.world, "block_actions", user);
    w.key("container").begin_object().field("type", "message").field("message_ts", ts);
    w.field("channel_id", channel->id).field("is_ephemeral", false).end_object();
    w.field("trigger_id", issue_trigger(desk.world, user, desk.loop.now()));
    w.key("channel").begin_object().field("id", channel->id).field("name", channel->name).end_object();
    w.key("message").begin_object().field("type", "message").field("ts", ts).field("user", message.user);
    w.field("text", message.text).key("blocks").raw(message.blocks).end_object();
    w.key("state").begin_object().key("values").begin_object().end_object().end_object();
    w.field("response_url", desk.slack_url + path).key("actions").begin_array();
    w.raw(action_entry(touched.element, *value, desk.loop.now())).end_array().end_object();
    return w.take();
  }
  return fail(ErrorKind::not_found, "no message {} in {}", ts, channel->name);
}

/// What is to be sent, after the view has taken the value; empty: nothing is.
struct Click {
  std::string payload{};
  std::string confirm{};
};

Result<Click> click(Desk& desk, Reader& in, const std::string& user, bool forged) {
  Touched touched;
  bool confirmed = false;
  in.flag("confirmed", confirmed);
  if (in.has("ts")) {
    auto payload = message_payload(desk, in, user, touched);
    if (!payload) return payload.error();
    if (auto done = in.done(); !done) return done.error();
    const auto confirm = touched.element.json["confirm"];
    if (confirm.exists() && !confirmed) return Click{{}, confirm.dump()};
    return Click{std::move(*payload), {}};
  }
  auto view = view_of(desk, in, user, forged);
  if (!view) return view.error();
  if (forged) {
    forge(in, touched);
  } else if (auto found = find_element(in, (*view)->blocks, touched); !found) {
    return found.error();
  }
  const auto& element = touched.element;
  auto value = chosen_value(desk, in, element, offered_to(**view, element), user);
  if (!value) return value.error();
  if (auto done = in.done(); !done) return done.error();
  if (const auto confirm = element.json["confirm"]; confirm.exists() && !confirmed)
    return Click{{}, confirm.dump()};
  auto& shown = **view;
  if (!forged && element.stateful()) {
    ++desk.world.app.revisions[shown.user];
    shown.state[element.block_id][element.action_id] = *value;
    shown.errors.erase(element.block_id);
  }
  if (!element.dispatches) return Click{};
  return Click{actions_payload(desk, shown, user, action_entry(element, *value, desk.loop.now())), {}};
}

}  // namespace

Result<std::string> person_of(Desk& desk, Reader& in) {
  const auto person = in.required("person");
  auto ids = slack_ids(desk.world, {person});
  if (!ids) return ids.error();
  const auto* user = desk.world.users.find(ids->front());
  if (!user || user->deleted) return fail(ErrorKind::not_found, "{} is not active in Slack", person);
  return ids->front();
}

void begin_interaction(json::Writer& w, const World& world, const std::string& type,
                       const std::string& user) {
  const auto* person = world.users.find(user);
  const auto name = person ? person->name : user;
  w.begin_object().field("type", type).key("user").begin_object().field("id", user).field("username", name);
  w.field("name", name).field("team_id", world.slack.team_id).end_object();
  w.field("api_app_id", world.app.settings.id).field("token", "legacy-ignored").key("team").begin_object();
  w.field("id", world.slack.team_id).field("domain", "northwind-ops").end_object();
  w.key("enterprise").null().field("is_enterprise_install", false);
}

AppDelivery interaction(std::string type, std::string payload) {
  return {"interactive", std::move(type), std::move(payload)};
}

void write_delivery(json::Writer& out, const AppAnswer& answer, const std::string& shown) {
  out.field("sent", true).field("acked", answer.acked);
  out.field("ack_ms", static_cast<std::int64_t>(answer.took.count())).key("shown");
  if (shown.empty()) {
    out.null();
  } else {
    out.value(shown);
  }
}

Result<SlackView*> view_of(Desk& desk, Reader& in, const std::string& user, bool any) {
  auto& app = desk.world.app;
  std::string name;
  in.text("view", name);
  auto* top = top_modal(desk.world, user);
  if (name.empty() && top) return top;
  if (name.empty() || name == "home") {
    const auto home = app.homes.find(user);
    if (home == app.homes.end())
      return fail(ErrorKind::not_found, "nothing is open, and no home tab is published");
    return &app.views.at(home->second);
  }
  const auto found = app.views.find(name);
  if (found == app.views.end()) return fail(ErrorKind::not_found, "no view \"{}\"", name);
  auto& view = found->second;
  if (!any && view.user != user) return fail(ErrorKind::not_found, "view {} is another person's", name);
  if (!any && view.modal && &view != top)
    return fail(ErrorKind::invalid, "view {} is covered by another", name);
  return &view;
}

Result<void> find_element(Reader& in, const std::string& blocks, Touched& touched) {
  const auto action = in.required("action_id");
  std::string block;
  in.text("block_id", block);
  auto parsed = json::parse(blocks);
  if (!parsed) return parsed.error();
  touched.blocks = std::move(*parsed);
  std::size_t found = 0;
  for (auto& element : elements_of(touched.blocks.root())) {
    if (element.action_id != action || (!block.empty() && element.block_id != block)) continue;
    touched.element = std::move(element);
    ++found;
  }
  if (found == 0) return fail(ErrorKind::not_found, "the view has no element \"{}\"", action);
  if (found > 1)
    return fail(ErrorKind::invalid, "there are {} elements \"{}\": name the block_id", found, action);
  return {};
}

net::Task<Result<void>> do_act(Desk& desk, Reader& in, json::Writer& out) {
  auto user = person_of(desk, in);
  if (!user) co_return user.error();
  bool forged = false;
  in.flag("forged", forged);
  auto clicked = click(desk, in, *user, forged);
  if (!clicked) co_return clicked.error();
  if (clicked->payload.empty()) {
    out.field("sent", false);
    if (!clicked->confirm.empty()) out.key("confirm").raw(clicked->confirm);
    co_return Result<void>{};
  }
  desk.changed.notify();
  auto delivery = interaction("block_actions", std::move(clicked->payload));
  const auto answer = co_await desk.link.deliver(std::move(delivery));
  write_delivery(out, answer, answer.acked ? "" : answer.trouble);
  co_return Result<void>{};
}

net::Task<Result<void>> do_fill(Desk& desk, Reader& in, json::Writer&) {
  auto user = person_of(desk, in);
  if (!user) co_return user.error();
  Touched touched;
  auto view = view_of(desk, in, *user, false);
  if (!view) co_return view.error();
  if (auto found = find_element(in, (*view)->blocks, touched); !found) co_return found.error();
  const auto& element = touched.element;
  if (!element.stateful()) co_return fail(ErrorKind::invalid, "a {} holds nothing", element.type);
  auto value = chosen_value(desk, in, element, offered_to(**view, element), *user);
  if (!value) co_return value.error();
  if (auto done = in.done(); !done) co_return done.error();
  ++desk.world.app.revisions[*user];
  (*view)->state[element.block_id][element.action_id] = *value;
  (*view)->errors.erase(element.block_id);
  co_return Result<void>{};
}

net::Task<Result<void>> do_suggest(Desk& desk, Reader& in, json::Writer& out) {
  auto user = person_of(desk, in);
  if (!user) co_return user.error();
  Touched touched;
  auto view = view_of(desk, in, *user, false);
  if (!view) co_return view.error();
  if (auto found = find_element(in, (*view)->blocks, touched); !found) co_return found.error();
  std::string typed;
  in.text("value", typed);
  if (auto done = in.done(); !done) co_return done.error();
  const auto& element = touched.element;
  if (element.type.find("external") == std::string::npos) {
    co_return fail(ErrorKind::invalid, "a {} searches nothing", element.type);
  }
  constexpr std::int64_t kDefaultMinimum = 3;
  const auto minimum = element.json["min_query_length"].integer_or(kDefaultMinimum);
  if (static_cast<std::int64_t>(utf16_length(typed)) < minimum) {
    out.field("sent", false).key("options").begin_array().end_array();
    co_return Result<void>{};
  }
  json::Writer w;
  begin_interaction(w, desk.world, "block_suggestion", *user);
  const std::string id = (*view)->id;
  w.key("container").begin_object().field("type", "view").field("view_id", id).end_object();
  w.field("action_id", element.action_id)
      .field("block_id", element.block_id)
      .field("value", typed)
      .key("view");
  write_slack_view(w, desk.world, **view);
  w.end_object();
  auto delivery = interaction("block_suggestion", w.take());
  const auto answer = co_await desk.link.deliver(std::move(delivery));

  const auto document = json::parse(answer.body.empty() ? "null" : answer.body);
  Complaints complaints;
  if (answer.acked) {
    complaints = document && answer.json ? suggestion_complaints(document->root())
                                         : Complaints{"[ERROR] the answer is not JSON"};
  }
  const bool good = answer.acked && complaints.empty();
  write_delivery(out, answer, good ? "" : answer.acked ? "invalid_options" : answer.trouble);
  out.field("complaints", complaints);
  if (!good) {
    out.key("options").begin_array().end_array();
    co_return Result<void>{};
  }
  const auto root = document->root();
  const char* name = root["options"].exists() ? "options" : "option_groups";
  out.key(name).raw(root[name].dump());
  // What was shown can be chosen.
  const auto still = desk.world.app.views.find(id);
  if (still != desk.world.app.views.end()) still->second.offered[offer_key(element)] = answer.body;
  co_return Result<void>{};
}

}  // namespace watchbill::sandbox
