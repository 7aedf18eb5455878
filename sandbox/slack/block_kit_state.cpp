#include "sandbox/slack/block_kit_state.hpp"

#include <array>
#include <utility>

namespace watchbill::sandbox {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 20> kValueFields{{
    {"button", "value"},
    {"overflow", "selected_option"},
    {"static_select", "selected_option"},
    {"external_select", "selected_option"},
    {"radio_buttons", "selected_option"},
    {"multi_static_select", "selected_options"},
    {"multi_external_select", "selected_options"},
    {"checkboxes", "selected_options"},
    {"users_select", "selected_user"},
    {"multi_users_select", "selected_users"},
    {"conversations_select", "selected_conversation"},
    {"multi_conversations_select", "selected_conversations"},
    {"channels_select", "selected_channel"},
    {"multi_channels_select", "selected_channels"},
    {"datepicker", "selected_date"},
    {"timepicker", "selected_time"},
    {"datetimepicker", "selected_date_time"},
    {"plain_text_input", "value"},
    {"email_text_input", "value"},
    {"url_text_input", "value"},
}};

bool is_interactive(std::string_view type) {
  return !value_field(type).empty();
}

/// "initial_option" of "selected_option", "initial_value" of "value".
std::string initial_field(std::string_view field) {
  constexpr std::string_view kSelected = "selected_";
  return "initial_" +
         std::string(field.substr(0, kSelected.size()) == kSelected ? field.substr(kSelected.size()) : field);
}

Element element_of(json::View block, json::View json) {
  Element element;
  element.block_id = block["block_id"].string_or("");
  element.action_id = json["action_id"].string_or("");
  element.type = json["type"].string_or("");
  element.json = json;
  if (block["type"].string_or("") == "input") {
    element.input = true;
    element.optional = block["optional"].boolean_or(false);
    element.dispatches = block["dispatch_action"].boolean_or(false);
    element.label = block["label"]["text"].string_or("");
  }
  return element;
}

std::string initial_value(const Element& element) {
  const auto field = value_field(element.type);
  const bool list = field.ends_with("s");
  const auto initial = element.json[initial_field(field)];
  json::Writer w;
  w.begin_object().field("type", element.type).key(field);
  if (initial.exists()) {
    w.raw(initial.dump());
  } else if (list) {
    w.begin_array().end_array();
  } else {
    w.null();
  }
  if (const auto zone = element.json["timezone"].text()) w.field("timezone", *zone);
  w.end_object();
  return w.take();
}

/// False if the value names an option that the element does not offer any more.
bool still_offered(const Element& element, const std::string& value) {
  if (!element.json["options"].exists() && !element.json["option_groups"].exists()) return true;
  const auto document = json::parse(value);
  if (!document) return false;
  const auto one = document->root()["selected_option"];
  if (one.is_object()) return option_with(element.json, one["value"].string_or("")).exists();
  for (const auto option : document->root()["selected_options"].items()) {
    if (!option_with(element.json, option["value"].string_or("")).exists()) return false;
  }
  return true;
}

std::string made_up_id(std::uint64_t& next_number) {
  constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  // Spread out, so that nobody takes them for something that stays.
  std::uint64_t number = next_number++ * 0x9e3779b97f4a7c15U;
  std::string id;
  for (int i = 0; i < 5; ++i, number /= kDigits.size()) id += kDigits[number % kDigits.size()];
  return id;
}

void complete(json::View value, json::Writer& w, std::uint64_t& next_number, bool block) {
  if (value.is_array()) {
    w.begin_array();
    for (const auto item : value.items()) complete(item, w, next_number, block);
    w.end_array();
    return;
  }
  if (!value.is_object()) {
    w.raw(value.dump());
    return;
  }
  const auto type = value["type"].string_or("");
  w.begin_object();
  for (const auto member : value.items()) {
    w.key(member.key());
    complete(member, w, next_number, false);
  }
  if (block && !value["block_id"].exists()) w.field("block_id", made_up_id(next_number));
  if (!block && is_interactive(type) && !value["action_id"].exists())
    w.field("action_id", made_up_id(next_number));
  if (type == "plain_text" && !value["emoji"].exists()) w.field("emoji", true);
  if (type == "mrkdwn" && !value["verbatim"].exists()) w.field("verbatim", false);
  w.end_object();
}

}  // namespace

std::string_view value_field(std::string_view type) {
  if (type == "number_input") return "value";
  for (const auto& [name, field] : kValueFields) {
    if (name == type) return field;
  }
  return {};
}

json::View option_with(json::View element, std::string_view value) {
  for (const auto option : element["options"].items()) {
    if (option["value"].string_or("") == value) return option;
  }
  for (const auto group : element["option_groups"].items()) {
    for (const auto option : group["options"].items()) {
      if (option["value"].string_or("") == value) return option;
    }
  }
  return {};
}

std::vector<Element> elements_of(json::View blocks) {
  std::vector<Element> found;
  const auto add = [&](json::View block, json::View json) {
    if (is_interactive(json["type"].string_or(""))) found.push_back(element_of(block, json));
  };
  for (const auto block : blocks.items()) {
    add(block, block["accessory"]);
    add(block, block["element"]);
    if (block["type"].string_or("") != "actions") continue;
    for (const auto json : block["elements"].items()) add(block, json);
  }
  return found;
}

ViewState initial_state(json::View blocks) {
  return carried_state({}, blocks);
}

ViewState carried_state(const ViewState& before, json::View blocks) {
  ViewState state;
  for (const auto& element : elements_of(blocks)) {
    if (!element.stateful()) continue;
    auto value = initial_value(element);
    const auto block = before.find(element.block_id);
    if (block != before.end()) {
      const auto old = block->second.find(element.action_id);
      const bool same = old != block->second.end() &&
                        old->second.starts_with(fmt::format(R"({{"type":"{}")", element.type));
      if (same && still_offered(element, old->second)) value = old->second;
    }
    state[element.block_id][element.action_id] = std::move(value);
  }
  return state;
}

void write_state_values(json::Writer& w, const ViewState& state) {
  w.begin_object();
  for (const auto& [block, actions] : state) {
    w.key(block).begin_object();
    for (const auto& [action, value] : actions) w.key(action).raw(value);
    w.end_object();
  }
  w.end_object();
}

std::string completed_blocks(json::View blocks, std::uint64_t& next_number) {
  json::Writer w;
  complete(blocks, w, next_number, true);
  return w.take();
}

std::string completed_text(json::View text) {
  if (!text.exists()) return "null";
  json::Writer w;
  std::uint64_t unused = 0;
  complete(text, w, unused, false);
  return w.take();
}

}  // namespace watchbill::sandbox
