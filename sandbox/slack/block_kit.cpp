// Block Kit: views and blocks.
// docs.slack.dev/reference/block-kit/blocks, docs.slack.dev/surfaces/modals, …/reference/views

#include "sandbox/slack/block_kit.hpp"

#include <map>

#include "sandbox/slack/block_kit_check.hpp"

namespace watchbill::sandbox {
namespace {

void is_block_flag(BlockCheck& check, json::View value) {
  check_flag(check, value);
}

void is_block_id(BlockCheck& check, json::View value) {
  check_length(check, value, 1, 255);
  if (!check.block_ids.insert(value.string_or("")).second) check.wrong("`block_id` already exists");
}

void is_accessory(BlockCheck& check, json::View value) {
  check_element(check, value, kAccessory);
}
void is_action_element(BlockCheck& check, json::View value) {
  check_element(check, value, kActions);
}
void is_action_elements(BlockCheck& check, json::View value) {
  check_list(check, value, 1, 25, is_action_element);
}
void is_input_element(BlockCheck& check, json::View value) {
  check.in_input = true;
  check_element(check, value, kInput);
  check.in_input = false;
}
void is_context_element(BlockCheck& check, json::View value) {
  if (value["type"].string_or("") == "image") return check_element(check, value, kContext);
  check_text(check, value, true, 3000);
}
void is_context_elements(BlockCheck& check, json::View value) {
  check_list(check, value, 1, 10, is_context_element);
}
void is_section_fields(BlockCheck& check, json::View value) {
  check_list(check, value, 1, 10, is_text<2000>);
}
/// Rich text is what people type; its inside is not looked at.
void is_rich_text(BlockCheck& check, json::View value) {
  check_list(check, value, 0, 1000, [](BlockCheck& inner, json::View one) {
    if (!one.is_object()) inner.wrong("must provide an object");
  });
}

const std::map<std::string, BlockFields>& block_rules() {
  static const BlockField id{"block_id", is_block_id};
  static const std::map<std::string, BlockFields> table{
      {"section",
       {id,
        {"text", is_text<3000>},
        {"fields", is_section_fields},
        {"accessory", is_accessory},
        {"expand", is_block_flag}}},
      {"header", {id, {"text", is_plain<150>, true}}},
      {"divider", {id}},
      {"context", {id, {"elements", is_context_elements, true}}},
      {"actions", {id, {"elements", is_action_elements, true}}},
      {"input",
       {id,
        {"label", is_plain<2000>, true},
        {"element", is_input_element, true},
        {"hint", is_plain<2000>},
        {"optional", is_block_flag},
        {"dispatch_action", is_block_flag}}},
      {"image",
       {id, {"image_url", check_url, true}, {"alt_text", is_string<2000>, true}, {"title", is_plain<2000>}}},
      {"rich_text", {id, {"elements", is_rich_text, true}}},
  };
  return table;
}

void is_block(BlockCheck& check, json::View block) {
  if (!block.is_object()) return check.wrong("must provide an object");
  const auto type = block["type"].string_or("");
  const auto rule = block_rules().find(type);
  if (rule == block_rules().end()) {
    const BlockCheck::Step step(check, "type");
    return check.wrong(fmt::format("unsupported type: {}", type));
  }
  check.action_ids.clear();
  check_object(check, block, rule->second);
  if (type == "section" && !block["text"].exists() && !block["fields"].exists()) {
    check.wrong("missing required field: text");
  }
  if (type == "input") check.input_seen = true;
}

void is_view_blocks(BlockCheck& check, json::View value) {
  check_list(check, value, 0, kMaxViewBlocks, is_block);
}

const BlockFields& view_rules(Surface surface) {
  static const BlockFields home{{"blocks", is_view_blocks, true},
                                {"private_metadata", is_string<3000, 0>},
                                {"callback_id", is_string<255, 0>},
                                {"external_id", is_string<255, 0>}};
  static const BlockFields modal = [] {
    auto fields = home;
    fields.insert(fields.end(), {{"title", is_plain<24>, true},
                                 {"submit", is_plain<24>},
                                 {"close", is_plain<24>},
                                 {"clear_on_close", is_block_flag},
                                 {"notify_on_close", is_block_flag}});
    return fields;
  }();
  return surface == Surface::home ? home : modal;
}

}  // namespace

Complaints view_complaints(json::View view, Surface surface, std::string_view pointer) {
  BlockCheck check(surface, pointer);
  const std::string_view type = surface == Surface::home ? "home" : "modal";
  if (!view.is_object()) {
    check.wrong("must provide an object");
    return check.take();
  }
  if (!view["type"].exists()) {
    check.wrong("missing required field: type");
  } else if (view["type"].string_or("") != type) {
    const BlockCheck::Step step(check, "type");
    check.wrong(fmt::format("must be one of: {}", type));
  }
  check_object(check, view, view_rules(surface));
  if (surface == Surface::modal && check.input_seen && !view["submit"].exists()) {
    check.wrong("missing required field: submit");
  }
  return check.take();
}

Complaints message_complaints(json::View blocks, std::string_view pointer) {
  BlockCheck check(Surface::message, pointer);
  check_list(check, blocks, 0, kMaxMessageBlocks, is_block);
  return check.take();
}

Complaints suggestion_complaints(json::View answer) {
  BlockCheck check(Surface::modal, "");
  const bool options = answer["options"].exists();
  const bool groups = answer["option_groups"].exists();
  if (!answer.is_object() || options == groups) {
    check.wrong("must have either options or option_groups");
    return check.take();
  }
  const BlockCheck::Step step(check, options ? "options" : "option_groups");
  // "No match" is an answer, unlike a menu without options.
  if (answer[options ? "options" : "option_groups"].is_array() &&
      answer[options ? "options" : "option_groups"].size() == 0)
    return {};
  if (options) {
    check_options(check, answer["options"], 100, false, false);
  } else {
    check_option_groups(check, answer["option_groups"]);
  }
  return check.take();
}

}  // namespace watchbill::sandbox
