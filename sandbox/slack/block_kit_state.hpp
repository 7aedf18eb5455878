#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/json.hpp"

/// What people can do with blocks, and what they have filled in. Pure.
namespace watchbill::sandbox {

/// Something that can be clicked, chosen or typed into. Valid while the document of its blocks lives.
struct Element {
  std::string block_id;
  std::string action_id;
  std::string type;
  json::View json{};
  /// Of an input block: its value is part of a submission.
  bool input = false;
  bool optional = false;
  /// A change of it is told to the app at once.
  bool dispatches = true;
  std::string label;  ///< of its input block

  /// Has a value that is part of `state` (buttons and overflow menus have none).
  [[nodiscard]] bool stateful() const { return type != "button" && type != "overflow"; }
};

std::vector<Element> elements_of(json::View blocks);

/// block_id -> action_id -> the value as Slack sends it, {"type":"plain_text_input","value":null}.
using ViewState = std::map<std::string, std::map<std::string, std::string>>;

/// What the elements hold at first: their `initial_...`, or nothing.
ViewState initial_state(json::View blocks);
/// The state after an update: whoever keeps block_id, action_id and type keeps what was filled in, unless it
/// is an option that is gone.
ViewState carried_state(const ViewState& before, json::View blocks);
/// {"block":{"action":{...}}}
void write_state_values(json::Writer& w, const ViewState& state);

/// The blocks as Slack gives them back: missing ids made up (from `next_number`), defaults of texts filled
/// in.
std::string completed_blocks(json::View blocks, std::uint64_t& next_number);
/// The same for one text object; "null" for none.
std::string completed_text(json::View text);

/// "selected_option", "value", ...: the field of `type` that holds its value.
std::string_view value_field(std::string_view type);
/// The option of a menu, radio buttons, checkboxes or an overflow menu that has this value; nothing if none.
json::View option_with(json::View element, std::string_view value);

}  // namespace watchbill::sandbox
