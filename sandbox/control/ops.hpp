#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "sandbox/control/control.hpp"

namespace watchbill::sandbox {

/// Reads the fields of one action. Each call remembers the name; `done` refuses what nobody asked for.
class Reader {
 public:
  Reader(json::View view, Instant now) : view_(view), now_(now) { known_.emplace_back("do"); }

  [[nodiscard]] bool has(std::string_view name) { return at(name).exists(); }
  [[nodiscard]] bool null(std::string_view name) { return at(name).exists() && at(name).is_null(); }
  json::View at(std::string_view name);
  /// Each leaves `out` alone if the field is not there. Text: null makes it empty.
  void text(std::string_view name, std::string& out);
  void flag(std::string_view name, bool& out);
  template <class Int>
  void number(std::string_view name, Int& out) {
    double value = 0;
    if (real(name, value)) out = static_cast<Int>(value);
  }
  bool real(std::string_view name, double& out);
  void texts(std::string_view name, std::vector<std::string>& out);
  /// RFC 3339, or seconds from now; null: never.
  void moment(std::string_view name, Instant& out);
  /// `start`, and `end` or `seconds`: from now on by default.
  void span(Instant& start, Instant& end);
  std::string required(std::string_view name);
  void wrong(Error error);
  Result<void> done();

 private:
  json::View view_;
  Instant now_;
  std::vector<std::string> known_;
  std::optional<Error> error_;
};

using Op = Result<void> (*)(Desk&, Reader&, json::Writer&);

Result<void> do_person(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_remove(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_channel(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_group(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_message(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_token(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_slack(Desk& desk, Reader& in, json::Writer& out);

Result<void> do_schedule(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_delete(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_override(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_nobody(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_end_shift(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_cancel_override(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_team(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_escalation(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_forward(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_pagerduty(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_opsgenie(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_jsm(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_xmatters(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_lag(Desk& desk, Reader& in, json::Writer& out);

Result<void> do_fault(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_clear_faults(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_faults(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_rate(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_skew(Desk& desk, Reader& in, json::Writer& out);

Result<void> do_state(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_messages(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_on_call(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_log(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_bulk(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_reset(Desk& desk, Reader& in, json::Writer& out);

Result<void> do_app(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_trigger(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_home(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_modals(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_ephemerals(Desk& desk, Reader& in, json::Writer& out);
void write_message(json::Writer& out, const Message& message);
void write_log_entry(json::Writer& out, const LogEntry& entry);
void write_fault(json::Writer& out, const Fault& fault);
void write_record(json::Writer& out, const AppRecord& record);
/// "enabled", "connections":[...]
void write_connections(json::Writer& out, SocketMode& socket);
std::string_view name_of(AppTransport mode);

/// {"view":{...},"errors":{"block":"text"},"trouble":null}: a view as its reader sees it.
void write_shown_view(json::Writer& out, const World& world, const SlackView& view);
void write_ephemeral(json::Writer& out, const SlackEphemeral& message);
/// "modals":[...]
void write_modals(json::Writer& out, const World& world, const std::string& user);

Result<void> do_transport(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_socket(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_event(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_deliveries(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_daemon(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_speed(Desk& desk, Reader& in, json::Writer& out);
Result<void> do_clock(Desk& desk, Reader& in, json::Writer& out);

/// The scheduling system that the action names.
Result<System> scheduling_system(Reader& in);
/// A channel by id or name.
Channel* channel_named(World& world, std::string_view text);
/// Slack ids of people given by key or by id.
Result<std::vector<std::string>> slack_ids(const World& world, const std::vector<std::string>& people);

}  // namespace watchbill::sandbox
