// Block Kit: elements, options, confirmation dialogs.
// docs.slack.dev/reference/block-kit/block-elements, …/composition-objects

#include <algorithm>
#include <map>

#include "sandbox/slack/block_kit_check.hpp"

namespace watchbill::sandbox {
namespace {

constexpr std::size_t kSelectOptions = 100;
constexpr std::size_t kTickOptions = 10;
constexpr std::size_t kOverflowOptions = 5;
constexpr std::int64_t kMany = 1'000'000'000'000;

void is_flag(BlockCheck& check, json::View value) {
  check_flag(check, value);
}
void is_style(BlockCheck& check, json::View value) {
  check_one_of(check, value, {"primary", "danger"});
}

void is_action_id(BlockCheck& check, json::View value) {
  check_length(check, value, 1, 255);
  if (!check.action_ids.insert(value.string_or("")).second) {
    check.wrong("`action_id` must be unique within its block");
  }
}

void is_focus(BlockCheck& check, json::View value) {
  check_flag(check, value);
  if (value.boolean_or(false) && ++check.focused > 1) check.wrong("only one element may have focus_on_load");
}

void is_confirm(BlockCheck& check, json::View value) {
  static const BlockFields fields{{"title", is_plain<100>, true},
                                  {"text", is_text<300>, true},
                                  {"confirm", is_plain<30>, true},
                                  {"deny", is_plain<30>, true},
                                  {"style", is_style}};
  check_object(check, value, fields);
}

void is_select_option(BlockCheck& check, json::View value) {
  static const BlockFields fields{
      {"text", is_plain<75>, true}, {"value", is_string<150>, true}, {"description", is_plain<75>}};
  check_object(check, value, fields);
}
void is_tick_option(BlockCheck& check, json::View value) {
  static const BlockFields fields{
      {"text", is_text<75>, true}, {"value", is_string<150>, true}, {"description", is_text<75>}};
  check_object(check, value, fields);
}
void is_overflow_option(BlockCheck& check, json::View value) {
  static const BlockFields fields{{"text", is_plain<75>, true},
                                  {"value", is_string<150>, true},
                                  {"description", is_plain<75>},
                                  {"url", check_url}};
  check_object(check, value, fields);
}

void unique_values(BlockCheck& check, json::View list, std::set<std::string>& seen) {
  std::size_t index = 0;
  for (const auto option : list.items()) {
    const BlockCheck::Step step(check, index++);
    const auto value = option["value"].text();
    if (value && !seen.insert(*value).second) check.wrong("duplicate option value");
  }
}

void is_select_options(BlockCheck& check, json::View value) {
  check_options(check, value, kSelectOptions, false, false);
}
void is_tick_options(BlockCheck& check, json::View value) {
  check_options(check, value, kTickOptions, true, false);
}
void is_overflow_options(BlockCheck& check, json::View value) {
  check_options(check, value, kOverflowOptions, false, true);
}

void is_option_group(BlockCheck& check, json::View value) {
  static const BlockFields fields{{"label", is_plain<75>, true}, {"options", is_select_options, true}};
  check_object(check, value, fields);
}

void is_id(BlockCheck& check, json::View value) {
  check_length(check, value, 1, 255);
}
void is_ids(BlockCheck& check, json::View value) {
  check_list(check, value, 1, kSelectOptions, is_id);
}
void is_initial_options(BlockCheck& check, json::View value) {
  check_list(check, value, 1, kSelectOptions, is_select_option);
}
void is_initial_ticks(BlockCheck& check, json::View value) {
  check_list(check, value, 1, kTickOptions, is_tick_option);
}

void is_number_text(BlockCheck& check, json::View value) {
  const auto text = value.text();
  const bool good = text && std::all_of(text->begin(), text->end(), [](char c) {
                      return (c >= '0' && c <= '9') || c == '.' || c == '-';
                    });
  if (!good) check.wrong("must be a number in a string");
}

/// "2026-03-01" against "dddd-dd-dd", "09:30" against "dd:dd".
bool has_form(std::string_view text, std::string_view form) {
  return std::equal(text.begin(), text.end(), form.begin(), form.end(),
                    [](char c, char f) { return f == 'd' ? c >= '0' && c <= '9' : c == f; });
}
void is_date(BlockCheck& check, json::View value) {
  if (!has_form(value.string_or(""), "dddd-dd-dd")) check.wrong("must be a date like 2026-03-01");
}
void is_time(BlockCheck& check, json::View value) {
  const auto text = value.string_or("");
  const bool good = has_form(text, "dd:dd") && text.substr(0, 2) < "24" && text.substr(3) < "60";
  if (!good) check.wrong("must be a time like 09:30");
}

void is_trigger(BlockCheck& check, json::View value) {
  check_one_of(check, value, {"on_enter_pressed", "on_character_entered"});
}
void is_triggers(BlockCheck& check, json::View value) {
  check_list(check, value, 1, 2, is_trigger);
}
void is_dispatch_config(BlockCheck& check, json::View value) {
  static const BlockFields fields{{"trigger_actions_on", is_triggers, true}};
  check_object(check, value, fields);
}

void is_kind(BlockCheck& check, json::View value) {
  check_one_of(check, value, {"public", "private", "im", "mpim"});
}
void is_kinds(BlockCheck& check, json::View value) {
  check_list(check, value, 1, 4, is_kind);
}
void is_filter(BlockCheck& check, json::View value) {
  static const BlockFields fields{
      {"include", is_kinds}, {"exclude_external_shared_channels", is_flag}, {"exclude_bot_users", is_flag}};
  check_object(check, value, fields);
  if (value.is_object() && value.size() == 0) check.wrong("must have at least one key");
}

void is_response_url_flag(BlockCheck& check, json::View value) {
  check_flag(check, value);
  if (value.boolean_or(false) && (!check.in_input || check.surface() != Surface::modal)) {
    check.wrong("response_url_enabled works only in input blocks of modals");
  }
}

struct ElementRule {
  unsigned places = 0;
  BlockFields fields{};
  bool options = false;  ///< `options`, or else `option_groups`
};

BlockFields with(BlockFields fields, const BlockFields& more) {
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

std::map<std::string, ElementRule> select_rules() {
  constexpr unsigned kOne = kAccessory | kActions | kInput;
  // The pages name section and input blocks for menus with several choices.
  constexpr unsigned kSeveral = kAccessory | kInput;
  const BlockFields common{{"action_id", is_action_id},
                           {"placeholder", is_plain<150>},
                           {"confirm", is_confirm},
                           {"focus_on_load", is_focus}};
  const BlockFields several = with(common, {{"max_selected_items", is_whole<1, kMany>}});
  const BlockFields fixed{{"options", is_select_options}, {"option_groups", check_option_groups}};
  const BlockFields searched{{"min_query_length", is_whole<0, 300>}};
  const BlockFields talk{{"default_to_current_conversation", is_flag}, {"filter", is_filter}};
  const BlockFields answer{{"response_url_enabled", is_response_url_flag}};
  return {
      {"static_select", {kOne, with(with(common, fixed), {{"initial_option", is_select_option}}), true}},
      {"multi_static_select",
       {kSeveral, with(with(several, fixed), {{"initial_options", is_initial_options}}), true}},
      {"external_select", {kOne, with(with(common, searched), {{"initial_option", is_select_option}})}},
      {"multi_external_select",
       {kSeveral, with(with(several, searched), {{"initial_options", is_initial_options}})}},
      {"users_select", {kOne, with(common, {{"initial_user", is_id}})}},
      {"multi_users_select", {kSeveral, with(several, {{"initial_users", is_ids}})}},
      {"conversations_select",
       {kOne, with(with(common, with(talk, answer)), {{"initial_conversation", is_id}})}},
      {"multi_conversations_select",
       {kSeveral, with(with(several, talk), {{"initial_conversations", is_ids}})}},
      {"channels_select", {kOne, with(with(common, answer), {{"initial_channel", is_id}})}},
      {"multi_channels_select", {kSeveral, with(several, {{"initial_channels", is_ids}})}},
  };
}

std::map<std::string, ElementRule> other_rules() {
  const BlockFields common{{"action_id", is_action_id}, {"confirm", is_confirm}, {"focus_on_load", is_focus}};
  const BlockFields typed{{"action_id", is_action_id},
                          {"placeholder", is_plain<150>},
                          {"dispatch_action_config", is_dispatch_config},
                          {"focus_on_load", is_focus}};
  const BlockFields ticks = with(common, {{"options", is_tick_options, true}});
  const BlockFields picked = with(common, {{"placeholder", is_plain<150>}});
  return {
      {"button",
       {kAccessory | kActions,
        {{"action_id", is_action_id},
         {"text", is_plain<75>, true},
         {"value", is_string<2000>},
         {"url", check_url},
         {"style", is_style},
         {"confirm", is_confirm},
         {"accessibility_label", is_string<75>}}}},
      {"checkboxes", {kAccessory | kActions | kInput, with(ticks, {{"initial_options", is_initial_ticks}})}},
      {"radio_buttons", {kAccessory | kActions | kInput, with(ticks, {{"initial_option", is_tick_option}})}},
      {"overflow",
       {kAccessory | kActions,
        {{"action_id", is_action_id}, {"options", is_overflow_options, true}, {"confirm", is_confirm}}}},
      {"datepicker", {kAccessory | kActions | kInput, with(picked, {{"initial_date", is_date}})}},
      {"timepicker",
       {kAccessory | kActions | kInput,
        with(picked, {{"initial_time", is_time}, {"timezone", is_string<64>}})}},
      {"datetimepicker", {kActions | kInput, with(common, {{"initial_date_time", is_whole<0, kMany>}})}},
      {"plain_text_input",
       {kInput, with(typed, {{"initial_value", is_string<3000, 0>},
                             {"multiline", is_flag},
                             {"min_length", is_whole<0, 3000>},
                             {"max_length", is_whole<1, 3000>}})}},
      {"email_text_input", {kInput, with(typed, {{"initial_value", is_string<3000>}})}},
      {"url_text_input", {kInput, with(typed, {{"initial_value", is_string<3000>}})}},
      {"number_input",
       {kInput, with(typed, {{"is_decimal_allowed", is_flag, true},
                             {"initial_value", is_number_text},
                             {"min_value", is_number_text},
                             {"max_value", is_number_text}})}},
      {"image",
       {kAccessory | kContext, {{"image_url", check_url, true}, {"alt_text", is_string<2000>, true}}}},
  };
}

const std::map<std::string, ElementRule>& element_rules() {
  static const std::map<std::string, ElementRule> table = [] {
    auto all = select_rules();
    all.merge(other_rules());
    return all;
  }();
  return table;
}

/// True if `option` is one of the element's own, to the letter.
bool offered(json::View element, json::View option) {
  const auto text = option["text"]["text"].string_or("");
  const auto value = option["value"].string_or("");
  const auto among = [&](json::View list) {
    for (const auto one : list.items()) {
      if (one["value"].string_or("") == value && one["text"]["text"].string_or("") == text) return true;
    }
    return false;
  };
  if (among(element["options"])) return true;
  for (const auto group : element["option_groups"].items()) {
    if (among(group["options"])) return true;
  }
  return false;
}

void check_choices(BlockCheck& check, json::View element, const ElementRule& rule) {
  if (rule.options && element["options"].exists() == element["option_groups"].exists()) {
    check.wrong("must have either options or option_groups");
  }
  if (element["type"].string_or("").find("external") != std::string::npos) return;
  if (const auto one = element["initial_option"]; one.exists() && !offered(element, one)) {
    const BlockCheck::Step step(check, "initial_option");
    check.wrong("must be one of the options");
  }
  for (const auto one : element["initial_options"].items()) {
    const BlockCheck::Step step(check, "initial_options");
    if (!offered(element, one)) check.wrong("must be among the options");
  }
}

void check_numbers(BlockCheck& check, json::View element) {
  const auto most = element["max_selected_items"].integer_or(kMany);
  for (const auto* name : {"initial_options", "initial_users", "initial_conversations", "initial_channels"}) {
    if (static_cast<std::int64_t>(element[name].size()) <= most) continue;
    const BlockCheck::Step step(check, name);
    check.wrong("more than max_selected_items");
  }
  if (element["min_length"].integer_or(0) > element["max_length"].integer_or(kMany)) {
    check.wrong("min_length is above max_length");
  }
}

}  // namespace

void check_options(BlockCheck& check, json::View list, std::size_t most, bool mrkdwn, bool urls) {
  check_list(check, list, 1, most, urls ? is_overflow_option : mrkdwn ? is_tick_option : is_select_option);
  std::set<std::string> seen;
  unique_values(check, list, seen);
}

void check_option_groups(BlockCheck& check, json::View list) {
  check_list(check, list, 1, kSelectOptions, is_option_group);
  std::set<std::string> seen;
  for (const auto group : list.items()) unique_values(check, group["options"], seen);
}

void check_element(BlockCheck& check, json::View element, BlockPlace place) {
  if (!element.is_object()) return check.wrong("must provide an object");
  const auto type = element["type"].string_or("");
  const auto rule = element_rules().find(type);
  if (rule == element_rules().end() || (rule->second.places & place) == 0) {
    const BlockCheck::Step step(check, "type");
    return check.wrong(fmt::format("unsupported type: {}", type));
  }
  check_object(check, element, rule->second.fields);
  check_choices(check, element, rule->second);
  check_numbers(check, element);
}

}  // namespace watchbill::sandbox
