// Control actions: submitting and closing modals.
// docs.slack.dev/surfaces/modals

#include "sandbox/slack/acting.hpp"

namespace watchbill::sandbox {
namespace {

/// What Slack's client shows when a submission fails for reasons of the app; the exact text is not
/// documented.
constexpr const char* kTrouble = "We had some trouble connecting. Try again?";

std::string value_of(const SlackView& view, const Element& element) {
  const auto block = view.state.find(element.block_id);
  if (block == view.state.end()) return "{}";
  const auto value = block->second.find(element.action_id);
  return value == block->second.end() ? "{}" : value->second;
}

/// Why the client would not send this value, or nothing.
std::string client_error(const Element& element, const std::string& value) {
  const auto document = json::parse(value);
  if (!document) return {};
  const auto held = document->root()[value_field(element.type)];
  const bool nothing = held.is_null() || (held.is_array() && held.size() == 0);
  if (nothing) return element.optional ? "" : "Please complete this required field.";
  const auto text = held.string_or("");
  const auto length = static_cast<std::int64_t>(utf16_length(text));
  if (element.type == "plain_text_input") {
    const auto least = element.json["min_length"].integer_or(0);
    const auto most = element.json["max_length"].integer_or(3000);
    if (length < least) return fmt::format("Please enter at least {} characters.", least);
    if (length > most) return fmt::format("Please enter at most {} characters.", most);
  }
  if (element.type == "url_text_input" && text.find("://") == std::string::npos)
    return "Please enter a valid URL.";
  if (element.type == "email_text_input" && text.find('@') == std::string::npos) {
    return "Please enter a valid email address.";
  }
  return {};
}

std::map<std::string, std::string> client_errors(const SlackView& view) {
  std::map<std::string, std::string> errors;
  const auto blocks = json::parse(view.blocks);
  if (!blocks) return errors;
  for (const auto& element : elements_of(blocks->root())) {
    if (!element.input) continue;
    if (auto error = client_error(element, value_of(view, element)); !error.empty()) {
      errors[element.block_id] = std::move(error);
    }
  }
  return errors;
}

/// `response_urls`: one for each input that chose a conversation to answer into.
void write_response_urls(json::Writer& w, Desk& desk, const SlackView& view) {
  w.key("response_urls").begin_array();
  const auto blocks = json::parse(view.blocks);
  for (const auto& element : blocks ? elements_of(blocks->root()) : std::vector<Element>{}) {
    if (!element.input || !element.json["response_url_enabled"].boolean_or(false)) continue;
    const auto value = json::parse(value_of(view, element));
    const auto channel = value ? value->root()[value_field(element.type)].string_or("") : "";
    if (channel.empty()) continue;
    w.begin_object().field("block_id", element.block_id).field("action_id", element.action_id);
    w.field("channel_id", channel);
    w.field("response_url",
            desk.slack_url + issue_response_url(desk.world, view.user, channel, desk.loop.now()));
    w.end_object();
  }
  w.end_array();
}

std::string submission_payload(Desk& desk, const SlackView& view) {
  json::Writer w;
  begin_interaction(w, desk.world, "view_submission", view.user);
  w.field("trigger_id", issue_trigger(desk.world, view.user, desk.loop.now())).key("view");
  write_slack_view(w, desk.world, view);
  write_response_urls(w, desk, view);
  w.end_object();
  return w.take();
}

/// What became of a submission.
struct Outcome {
  std::string result;
  Complaints complaints{};
};

Outcome failed(SlackView& view, Complaints complaints) {
  view.trouble = kTrouble;
  return {"failed", std::move(complaints)};
}

Outcome show_errors(SlackView& view, json::View errors) {
  const auto blocks = json::parse(view.blocks);
  std::map<std::string, std::string> shown;
  Complaints complaints;
  if (!errors.is_object() || errors.size() == 0)
    complaints.emplace_back("[ERROR] errors must be an object with texts");
  for (const auto error : errors.items()) {
    const auto of_input = [&](const Element& e) { return e.input && e.block_id == error.key(); };
    const auto elements = blocks ? elements_of(blocks->root()) : std::vector<Element>{};
    if (std::none_of(elements.begin(), elements.end(), of_input)) {
      complaints.push_back(fmt::format("[ERROR] {} is the block_id of no input block", error.key()));
    } else if (!error.text()) {
      complaints.push_back(fmt::format("[ERROR] the error of {} is no text", error.key()));
    } else {
      shown[std::string(error.key())] = *error.text();
    }
  }
  if (!complaints.empty()) return failed(view, std::move(complaints));
  view.errors = std::move(shown);
  return {"errors"};
}

/// response_action update and push.
Outcome show_view(Desk& desk, SlackView& view, json::View content, bool push) {
  auto complaints = view_complaints(content, Surface::modal);
  if (content.dump().size() > kMaxViewBytes) complaints.emplace_back("[ERROR] view_too_large");
  if (push && desk.world.app.modals[view.user].size() >= kMaxModals)
    complaints.emplace_back("[ERROR] push_limit_reached");
  if (external_id_taken(desk.world, content["external_id"].string_or(""), push ? "" : view.id)) {
    complaints.emplace_back("[ERROR] duplicate_external_id");
  }
  if (!complaints.empty()) return failed(view, std::move(complaints));
  const auto now = desk.now();
  if (push) {
    push_modal(desk.world, std::string(view.user), content, now);
    return {"pushed"};
  }
  change_view(desk.world, view, content, now);
  return {"updated"};
}

Outcome obey(Desk& desk, SlackView& view, const AppAnswer& answer) {
  if (!answer.acked) return failed(view, {"[ERROR] " + answer.trouble});
  const std::string user = view.user;
  if (answer.body.empty()) {
    pop_modal(desk.world, user);
    return {"closed"};
  }
  const auto document = json::parse(answer.body);
  if (!document || !answer.json || !document->root().is_object()) {
    return failed(view, {"[ERROR] the answer has a body that is no JSON object"});
  }
  const auto root = document->root();
  const auto action = root["response_action"].string_or("");
  if (action == "clear") {
    clear_modals(desk.world, user);
    return {"cleared"};
  }
  if (action == "errors") return show_errors(view, root["errors"]);
  if (action == "update" || action == "push") return show_view(desk, view, root["view"], action == "push");
  // {} over HTTP says as little as an empty body.
  if (root.size() == 0) {
    pop_modal(desk.world, user);
    return {"closed"};
  }
  return failed(view, {fmt::format("[ERROR] unknown response_action \"{}\"", action)});
}

void write_texts(json::Writer& out, std::string_view name, const std::map<std::string, std::string>& texts) {
  out.key(name).begin_object();
  for (const auto& [key, text] : texts) out.field(key, text);
  out.end_object();
}

void write_outcome(json::Writer& out, Desk& desk, const std::string& user, const Outcome& outcome) {
  const auto* top = top_modal(desk.world, user);
  out.field("result", outcome.result).field("complaints", outcome.complaints);
  write_texts(out, "errors", top ? top->errors : std::map<std::string, std::string>{});
  write_modals(out, desk.world, user);
}

/// view_closed, if the view wants to know.
net::Task<void> tell_closed(Desk& desk, SlackView view, bool cleared) {
  if (!view.notify_on_close) co_return;
  json::Writer w;
  begin_interaction(w, desk.world, "view_closed", view.user);
  w.key("view");
  write_slack_view(w, desk.world, view);
  w.field("is_cleared", cleared).end_object();
  auto delivery = interaction("view_closed", w.take());
  (void)co_await desk.link.deliver(std::move(delivery));
}

}  // namespace

void write_modals(json::Writer& out, const World& world, const std::string& user) {
  out.key("modals").begin_array();
  if (const auto stack = world.app.modals.find(user); stack != world.app.modals.end()) {
    for (const auto& id : stack->second) write_shown_view(out, world, world.app.views.at(id));
  }
  out.end_array();
}

net::Task<Result<void>> do_submit(Desk& desk, Reader& in, json::Writer& out) {
  auto user = person_of(desk, in);
  if (!user) co_return user.error();
  auto named = view_of(desk, in, *user, false);
  if (!named) co_return named.error();
  if (auto done = in.done(); !done) co_return done.error();
  auto& view = **named;
  if (!view.modal) co_return fail(ErrorKind::invalid, "a home tab has no submit button");
  if (view.submit.empty()) co_return fail(ErrorKind::invalid, "this modal has no submit button");
  if (view.loading) co_return fail(ErrorKind::invalid, "it is submitted already");
  ++desk.world.app.revisions[*user];
  view.trouble.clear();
  view.errors = client_errors(view);
  if (!view.errors.empty()) {
    out.field("sent", false);
    write_outcome(out, desk, *user, {"errors"});
    co_return Result<void>{};
  }
  const std::string id = view.id;
  view.loading = true;
  desk.changed.notify();
  auto delivery = interaction("view_submission", submission_payload(desk, view));
  const auto answer = co_await desk.link.deliver(std::move(delivery));

  const auto still = desk.world.app.views.find(id);
  Outcome outcome{"gone"};
  if (still != desk.world.app.views.end()) {
    ++desk.world.app.revisions[*user];
    still->second.loading = false;
    outcome = obey(desk, still->second, answer);
  }
  write_delivery(out, answer, outcome.result == "failed" ? kTrouble : "");
  write_outcome(out, desk, *user, outcome);
  co_return Result<void>{};
}

net::Task<Result<void>> do_close(Desk& desk, Reader& in, json::Writer& out) {
  auto user = person_of(desk, in);
  if (!user) co_return user.error();
  bool all = false;
  in.flag("all", all);
  auto named = view_of(desk, in, *user, false);
  if (!named) co_return named.error();
  if (auto done = in.done(); !done) co_return done.error();
  if (!(*named)->modal) co_return fail(ErrorKind::invalid, "a home tab is not closed");
  // The cross closes the whole stack, in the name of the lowest view.
  const bool cleared = all || (*named)->clear_on_close;
  const SlackView told = all ? desk.world.app.views.at((*named)->root) : **named;
  if (cleared) {
    clear_modals(desk.world, *user);
  } else {
    pop_modal(desk.world, *user);
  }
  desk.changed.notify();
  co_await tell_closed(desk, told, cleared);
  write_modals(out, desk.world, *user);
  co_return Result<void>{};
}

}  // namespace watchbill::sandbox
