#include "sandbox/control/control.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "sandbox/control/ops.hpp"
#include "sandbox/slack/acting.hpp"

namespace watchbill::sandbox {
namespace {

const std::map<std::string_view, Op>& ops() {
  static const std::map<std::string_view, Op> table{
      {"person", do_person},
      {"remove", do_remove},
      {"channel", do_channel},
      {"group", do_group},
      {"message", do_message},
      {"token", do_token},
      {"slack", do_slack},
      {"schedule", do_schedule},
      {"delete", do_delete},
      {"override", do_override},
      {"nobody", do_nobody},
      {"end_shift", do_end_shift},
      {"cancel_override", do_cancel_override},
      {"team", do_team},
      {"escalation", do_escalation},
      {"forward", do_forward},
      {"pagerduty", do_pagerduty},
      {"opsgenie", do_opsgenie},
      {"jsm", do_jsm},
      {"xmatters", do_xmatters},
      {"lag", do_lag},
      {"fault", do_fault},
      {"clear_faults", do_clear_faults},
      {"faults", do_faults},
      {"rate", do_rate},
      {"skew", do_skew},
      {"state", do_state},
      {"messages", do_messages},
      {"on_call", do_on_call},
      {"log", do_log},
      {"bulk", do_bulk},
      {"reset", do_reset},
      {"app", do_app},
      {"trigger", do_trigger},
      {"home", do_home},
      {"modals", do_modals},
      {"ephemerals", do_ephemerals},
      {"transport", do_transport},
      {"socket", do_socket},
      {"event", do_event},
      {"deliveries", do_deliveries},
      {"daemon", do_daemon},
      {"speed", do_speed},
      {"clock", do_clock},
  };
  return table;
}

const std::map<std::string_view, SlowOp>& slow_ops() {
  static const std::map<std::string_view, SlowOp> table{
      {"open_home", do_open_home},   {"act", do_act},     {"fill", do_fill},       {"suggest", do_suggest},
      {"submit", do_submit},         {"close", do_close}, {"command", do_command}, {"shortcut", do_shortcut},
      {"verify_url", do_verify_url}, {"wait", do_wait},   {"storm", do_storm},
  };
  return table;
}

Error not_json(Error error) {
  error.kind = ErrorKind::invalid;
  return error;
}

}  // namespace

json::View Reader::at(std::string_view name) {
  if (std::find(known_.begin(), known_.end(), name) == known_.end()) known_.emplace_back(name);
  return view_[name];
}

void Reader::wrong(Error error) {
  if (!error_) error_ = std::move(error);
}

void Reader::text(std::string_view name, std::string& out) {
  const auto value = at(name);
  if (!value.exists()) return;
  if (value.is_null()) {
    out.clear();
  } else if (auto read = value.string()) {
    out = *read;
  } else {
    wrong(read.error());
  }
}

void Reader::flag(std::string_view name, bool& out) {
  if (!has(name)) return;
  if (auto read = at(name).boolean()) {
    out = *read;
  } else {
    wrong(read.error());
  }
}

bool Reader::real(std::string_view name, double& out) {
  if (!has(name)) return false;
  auto read = at(name).number();
  if (!read) {
    wrong(read.error());
    return false;
  }
  out = *read;
  return true;
}

void Reader::texts(std::string_view name, std::vector<std::string>& out) {
  const auto value = at(name);
  if (!value.exists()) return;
  out.clear();
  if (!value.is_array()) return wrong(fail(ErrorKind::invalid, "{} is not a list", name));
  for (const auto item : value.items()) {
    if (auto read = item.string()) {
      out.push_back(*read);
    } else {
      wrong(read.error());
    }
  }
}

void Reader::moment(std::string_view name, Instant& out) {
  const auto value = at(name);
  if (!value.exists()) return;
  if (value.is_null()) {
    out = kNever;
  } else if (value.is_number()) {
    out = now_ + milliseconds(std::llround(value.number().value_or(0) * 1000));
  } else if (auto read = parse_rfc3339(value.string_or(""))) {
    out = *read;
  } else {
    wrong(read.error().in("{}", name));
  }
}

void Reader::span(Instant& start, Instant& end) {
  start = now_;
  end = kNever;
  moment("start", start);
  moment("end", end);
  double seconds = 0;
  if (real("seconds", seconds)) end = start + milliseconds(std::llround(seconds * 1000));
  if (end <= start) wrong(fail(ErrorKind::invalid, "the end is not after the start"));
}

std::string Reader::required(std::string_view name) {
  std::string value;
  text(name, value);
  if (value.empty()) wrong(fail(ErrorKind::invalid, "\"{}\" is missing", name));
  return value;
}

Result<void> Reader::done() {
  if (error_) return *error_;
  for (const auto field : view_.items()) {
    if (std::find(known_.begin(), known_.end(), field.key()) == known_.end()) {
      return fail(ErrorKind::invalid, "unknown field \"{}\"", field.key());
    }
  }
  return {};
}

Result<std::string> control(Desk& desk, json::View action) {
  if (!action.is_object()) return fail(ErrorKind::invalid, "an action is a JSON object with \"do\"");
  const auto name = action["do"].string_or("");
  const auto op = ops().find(name);
  if (op == ops().end()) {
    const char* why = slow_ops().count(name) != 0 ? "this action takes time" : "unknown action";
    return fail(ErrorKind::invalid, "{} \"{}\"", why, name);
  }
  Reader in(action, desk.now());
  json::Writer out;
  out.begin_object().field("ok", true);
  if (auto done = op->second(desk, in, out); !done) return done.error().in("{}", name);
  ++desk.world.plans;
  out.end_object();
  return out.take();
}

Result<std::string> control(Desk& desk, std::string_view action_json) {
  auto document = json::parse(action_json);
  if (!document) return not_json(document.error());
  return control(desk, document->root());
}

net::Task<Result<std::string>> control_slowly(Desk& desk, std::string action_json) {
  auto document = json::parse(action_json);
  if (!document) co_return not_json(document.error());
  const auto action = document->root();
  const auto name = action["do"].string_or("");
  const auto op = slow_ops().find(name);
  if (op == slow_ops().end()) {
    auto done = control(desk, action);
    desk.changed.notify();
    co_return done;
  }
  Reader in(action, desk.now());
  json::Writer out;
  out.begin_object().field("ok", true);
  const auto done = co_await op->second(desk, in, out);
  desk.changed.notify();
  if (!done) co_return done.error().in("{}", name);
  out.end_object();
  co_return out.take();
}

}  // namespace watchbill::sandbox
