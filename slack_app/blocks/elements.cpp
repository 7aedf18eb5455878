#include <algorithm>
#include <stdexcept>

#include "base/json.hpp"
#include "slack_app/blocks/blocks.hpp"

namespace watchbill::slack_app {

namespace {

constexpr std::size_t kMaxOptionText = 75;
constexpr std::size_t kMaxOptionValue = 150;
constexpr std::size_t kMaxButtonText = 75;
constexpr std::size_t kMaxButtonValue = 2000;
constexpr std::size_t kMaxUrl = 3000;
constexpr std::size_t kMaxPlaceholder = 150;
constexpr std::size_t kMaxMenu = 5;
constexpr std::size_t kMaxChoices = 10;
constexpr std::size_t kMaxConfirmTitle = 100;
constexpr std::size_t kMaxConfirmText = 300;
constexpr std::size_t kMaxConfirmButton = 30;

Option option_with(const Text& text, const std::string& value, std::string_view description) {
  if (value.empty() || value.size() > kMaxOptionValue)
    throw std::logic_error("the value of an option has 1 to 150 bytes");
  json::Writer w;
  w.begin_object().key("text").raw(text.json).field("value", value);
  if (!description.empty()) w.key("description").raw(plain(description, kMaxOptionText).json);
  w.end_object();
  return {w.take()};
}

void begin_element(json::Writer& w, std::string_view type, const std::string& action) {
  w.begin_object().field("type", type).field("action_id", action);
}

void put_placeholder(json::Writer& w, const std::string& text) {
  if (!text.empty()) w.key("placeholder").raw(plain(text, kMaxPlaceholder).json);
}

void put_options(json::Writer& w, std::string_view name, const std::vector<Option>& options,
                 std::size_t at_most) {
  if (options.empty()) return;
  w.key(name).begin_array();
  for (std::size_t i = 0; i < std::min(options.size(), at_most); ++i) w.raw(options[i].json);
  w.end_array();
}

void need_options(const std::vector<Option>& options) {
  if (options.empty()) throw std::logic_error("Slack refuses a choice without options");
}

/// A select of several things, as far as they are alike.
void begin_select(json::Writer& w, std::string_view type, const Select& select) {
  begin_element(w, type, select.action);
  put_placeholder(w, select.placeholder);
  if (select.max_items > 0) w.field("max_selected_items", select.max_items);
}

}  // namespace

Confirm confirm(std::string_view title, std::string_view mrkdwn_text, std::string_view yes, bool danger) {
  json::Writer w;
  w.begin_object().key("title").raw(plain(title, kMaxConfirmTitle).json);
  w.key("text").raw(mrkdwn(mrkdwn_text, kMaxConfirmText).json);
  w.key("confirm").raw(plain(yes, kMaxConfirmButton).json);
  w.key("deny").raw(plain("Cancel", kMaxConfirmButton).json);
  if (danger) w.field("style", "danger");
  w.end_object();
  return {w.take()};
}

Option option(std::string_view text, const std::string& value, std::string_view description) {
  return option_with(plain(text, kMaxOptionText), value, description);
}

Option option_mrkdwn(std::string_view text, const std::string& value, std::string_view description) {
  return option_with(mrkdwn(text, kMaxOptionText), value, description);
}

Element button(const Button& button) {
  if (button.value.size() > kMaxButtonValue || button.url.size() > kMaxUrl)
    throw std::logic_error("a button's value or address is longer than Slack allows");
  json::Writer w;
  begin_element(w, "button", button.action);
  w.key("text").raw(plain(button.text, kMaxButtonText).json);
  if (!button.value.empty()) w.field("value", button.value);
  if (!button.url.empty()) w.field("url", button.url);
  if (button.style != Style::normal) w.field("style", button.style == Style::primary ? "primary" : "danger");
  if (button.confirm) w.key("confirm").raw(button.confirm->json);
  w.end_object();
  return {w.take()};
}

Element overflow(const std::string& action, const std::vector<Option>& options) {
  need_options(options);
  json::Writer w;
  begin_element(w, "overflow", action);
  put_options(w, "options", options, kMaxMenu);
  w.end_object();
  return {w.take()};
}

Element text_input(const TextInput& input) {
  const auto longest = input.max_length == 0 ? kMaxText : std::min(input.max_length, kMaxText);
  json::Writer w;
  begin_element(w, "plain_text_input", input.action);
  if (!input.initial.empty()) w.field("initial_value", fit(input.initial, longest));
  put_placeholder(w, input.placeholder);
  if (input.multiline) w.field("multiline", true);
  w.field("max_length", longest);
  if (input.events != TextEvents::none) {
    w.key("dispatch_action_config").begin_object().key("trigger_actions_on").begin_array();
    w.value(input.events == TextEvents::on_enter ? "on_enter_pressed" : "on_character_entered");
    w.end_array().end_object();
  }
  w.end_object();
  return {w.take()};
}

Element external_select(const Select& select, const std::optional<Option>& initial) {
  json::Writer w;
  begin_select(w, "external_select", select);
  w.field("min_query_length", 0);
  if (initial) w.key("initial_option").raw(initial->json);
  w.end_object();
  return {w.take()};
}

Element multi_external_select(const Select& select, const std::vector<Option>& initial) {
  json::Writer w;
  begin_select(w, "multi_external_select", select);
  w.field("min_query_length", 0);
  put_options(w, "initial_options", initial, kMaxOptions);
  w.end_object();
  return {w.take()};
}

Element static_select(const Select& select, const std::vector<Option>& options,
                      const std::optional<Option>& initial) {
  need_options(options);
  json::Writer w;
  begin_select(w, "static_select", select);
  put_options(w, "options", options, kMaxOptions);
  if (initial) w.key("initial_option").raw(initial->json);
  w.end_object();
  return {w.take()};
}

Element users_select(const Select& select, const std::optional<std::string>& initial) {
  json::Writer w;
  begin_select(w, "users_select", select);
  if (initial) w.field("initial_user", *initial);
  w.end_object();
  return {w.take()};
}

Element multi_users_select(const Select& select, const std::vector<std::string>& initial) {
  json::Writer w;
  begin_select(w, "multi_users_select", select);
  if (!initial.empty()) w.field("initial_users", initial);
  w.end_object();
  return {w.take()};
}

Element multi_channels_select(const Select& select, const std::vector<std::string>& initial) {
  json::Writer w;
  begin_select(w, "multi_conversations_select", select);
  if (!initial.empty()) w.field("initial_conversations", initial);
  w.key("filter").begin_object().key("include").begin_array().value("public").value("private").end_array();
  w.field("exclude_bot_users", true).end_object().end_object();
  return {w.take()};
}

Element radio_buttons(const std::string& action, const std::vector<Option>& options,
                      const std::optional<Option>& initial) {
  need_options(options);
  json::Writer w;
  begin_element(w, "radio_buttons", action);
  put_options(w, "options", options, kMaxChoices);
  if (initial) w.key("initial_option").raw(initial->json);
  w.end_object();
  return {w.take()};
}

Element checkboxes(const std::string& action, const std::vector<Option>& options,
                   const std::vector<Option>& initial) {
  need_options(options);
  json::Writer w;
  begin_element(w, "checkboxes", action);
  put_options(w, "options", options, kMaxChoices);
  put_options(w, "initial_options", initial, kMaxChoices);
  w.end_object();
  return {w.take()};
}

}  // namespace watchbill::slack_app
