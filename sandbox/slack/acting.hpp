#pragma once

#include <optional>
#include <string>

#include "sandbox/control/ops.hpp"
#include "sandbox/slack/surface.hpp"

/// What people do to the app: clicks, typing, forms, commands. Slack's client and Slack's servers in one.
namespace watchbill::sandbox {

/// Actions that wait for the app's answer. What the arguments refer to outlives the task.
using SlowOp = net::Task<Result<void>> (*)(Desk&, Reader&, json::Writer&);

net::Task<Result<void>> do_open_home(Desk& desk, Reader& in, json::Writer& out);
net::Task<Result<void>> do_act(Desk& desk, Reader& in, json::Writer& out);
net::Task<Result<void>> do_fill(Desk& desk, Reader& in, json::Writer& out);
net::Task<Result<void>> do_suggest(Desk& desk, Reader& in, json::Writer& out);
net::Task<Result<void>> do_submit(Desk& desk, Reader& in, json::Writer& out);
net::Task<Result<void>> do_close(Desk& desk, Reader& in, json::Writer& out);
net::Task<Result<void>> do_command(Desk& desk, Reader& in, json::Writer& out);
net::Task<Result<void>> do_shortcut(Desk& desk, Reader& in, json::Writer& out);
net::Task<Result<void>> do_verify_url(Desk& desk, Reader& in, json::Writer& out);
net::Task<Result<void>> do_wait(Desk& desk, Reader& in, json::Writer& out);
net::Task<Result<void>> do_storm(Desk& desk, Reader& in, json::Writer& out);

/// The person that "person" names, or an error that the reader keeps.
Result<std::string> person_of(Desk& desk, Reader& in);
/// Begins a payload: type, user, team, app.
void begin_interaction(json::Writer& w, const World& world, const std::string& type, const std::string& user);
/// "sent", "acked", "ack_ms" and "shown" (what Slack shows of a failure, or null).
void write_delivery(json::Writer& out, const AppAnswer& answer, const std::string& shown);
/// {"type":"block_actions",...} to the app.
AppDelivery interaction(std::string type, std::string payload);

/// An element of a view, or one that somebody made up.
struct Touched {
  std::string view;  ///< id; empty: of a message
  Element element{};
  json::Document blocks{};  ///< `element` points into it
  json::Document own{};     ///< of a forged one
};
/// The view that "view" names: an id, "home", or nothing: the modal on top, else the home tab. With `any`
/// also one that the person does not see.
Result<SlackView*> view_of(Desk& desk, Reader& in, const std::string& user, bool any);
/// The element that "action_id" (and "block_id") names.
Result<void> find_element(Reader& in, const std::string& blocks, Touched& touched);
/// What `value`, `values` or `option` of the action mean for this element, as Slack sends it:
/// {"type":...,"selected_option":...}. `offered`: options that a search has brought.
Result<std::string> chosen_value(Desk& desk, Reader& in, const Element& element, const std::string& offered,
                                 const std::string& user);

}  // namespace watchbill::sandbox
