#include "tests/support/block_kit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/json.hpp"

namespace watchbill::test {

namespace {

using json::View;

/// Slack does not say whether it counts characters or UTF-16 units: the larger number must fit.
std::size_t length_of(std::string_view text) {
  std::size_t units = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0U) != 0x80U) units += byte >= 0xF0U ? 2 : 1;
  }
  return units;
}

const std::set<std::string, std::less<>> kSectionElements{"button",
                                                          "overflow",
                                                          "static_select",
                                                          "multi_static_select",
                                                          "external_select",
                                                          "multi_external_select",
                                                          "users_select",
                                                          "multi_users_select",
                                                          "conversations_select",
                                                          "multi_conversations_select",
                                                          "channels_select",
                                                          "multi_channels_select",
                                                          "radio_buttons",
                                                          "checkboxes",
                                                          "datepicker",
                                                          "timepicker",
                                                          "image"};
const std::set<std::string, std::less<>> kActionElements{"button",
                                                         "overflow",
                                                         "static_select",
                                                         "external_select",
                                                         "users_select",
                                                         "conversations_select",
                                                         "channels_select",
                                                         "multi_static_select",
                                                         "multi_external_select",
                                                         "multi_users_select",
                                                         "multi_conversations_select",
                                                         "multi_channels_select",
                                                         "radio_buttons",
                                                         "checkboxes",
                                                         "datepicker",
                                                         "timepicker",
                                                         "datetimepicker"};
const std::set<std::string, std::less<>> kInputElements{"plain_text_input",
                                                        "static_select",
                                                        "multi_static_select",
                                                        "external_select",
                                                        "multi_external_select",
                                                        "users_select",
                                                        "multi_users_select",
                                                        "conversations_select",
                                                        "multi_conversations_select",
                                                        "channels_select",
                                                        "multi_channels_select",
                                                        "radio_buttons",
                                                        "checkboxes",
                                                        "datepicker",
                                                        "timepicker",
                                                        "datetimepicker",
                                                        "email_text_input",
                                                        "url_text_input",
                                                        "number_input"};

class Checker {
 public:
  std::vector<std::string> problems;
  bool has_input = false;

  void say(const std::string& place, const std::string& what) { problems.push_back(place + ": " + what); }

  /// Fields that the object may have; all others are a spelling mistake of ours.
  void only(const View& v, const std::string& at, std::set<std::string, std::less<>> known) {
    for (const auto& member : v.items()) {
      if (!known.contains(member.key())) say(at, "unknown field " + std::string(member.key()));
    }
  }

  void string_of(const View& v, const std::string& at, std::size_t least, std::size_t most) {
    const auto text = v.string();
    if (!text) return say(at, "must be a string");
    const auto length = length_of(*text);
    if (length < least) say(at, "is empty");
    if (length > most) say(at, fmt::format("{} characters, at most {}", length, most));
  }

  void text(const View& v, const std::string& at, std::size_t most, bool plain_only) {
    if (!v.is_object()) return say(at, "must be a text object");
    only(v, at, {"type", "text", "emoji", "verbatim"});
    const auto type = v["type"].string_or("");
    if (type != "plain_text" && type != "mrkdwn") say(at, "type " + type);
    if (plain_only && type != "plain_text") say(at, "must be plain_text");
    if (type == "plain_text" && v["verbatim"].exists()) say(at, "verbatim is for mrkdwn");
    if (type == "mrkdwn" && v["emoji"].exists()) say(at, "emoji is for plain_text");
    string_of(v["text"], at + "/text", 1, most);
    if (type == "mrkdwn") markup(v["text"].string_or(""), at + "/text");
  }

  /// Every '<' begins a token that Slack knows, and every '&' an entity.
  void markup(const std::string& text, const std::string& at) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '&' && text.compare(i, 5, "&amp;") != 0 && text.compare(i, 4, "&lt;") != 0 &&
          text.compare(i, 4, "&gt;") != 0)
        say(at, "a bare & at " + std::to_string(i));
      if (text[i] == '>') {
        const auto line = text.rfind('\n', i);
        if ((line == std::string::npos ? 0 : line + 1) != i) say(at, "a bare > at " + std::to_string(i));
      }
      if (text[i] != '<') continue;
      const auto end = text.find('>', i);
      const auto token = end == std::string::npos ? "" : text.substr(i + 1, end - i - 1);
      const bool known = token.starts_with("@") || token.starts_with("!subteam^S") ||
                         token.starts_with("!date^") || token.starts_with("#") ||
                         token.starts_with("https://") || token.starts_with("http://");
      if (!known || token.find('<') != std::string::npos) say(at, "no token of Slack's: <" + token);
      if (token.starts_with("!date^") && token.find('|') == std::string::npos) say(at, "a date without text");
      if (end == std::string::npos) return;
      i = end;
    }
  }

  void option(const View& v, const std::string& at, bool plain_only) {
    only(v, at, {"text", "value", "description", "url"});
    text(v["text"], at + "/text", 75, plain_only);
    string_of(v["value"], at + "/value", 1, 150);
    if (v["description"].exists()) text(v["description"], at + "/description", 75, true);
  }

  /// The list is there, is not empty, and has no value twice.
  void options(const View& list, const std::string& at, std::size_t most, bool plain_only) {
    if (list.size() == 0) return say(at, "is empty");
    if (list.size() > most) say(at, fmt::format("{} options, at most {}", list.size(), most));
    std::set<std::string> values;
    std::size_t i = 0;
    for (const auto& one : list.items()) {
      option(one, fmt::format("{}/{}", at, i++), plain_only);
      if (!values.insert(one["value"].string_or("")).second) say(at, "two options with one value");
    }
  }

  /// Preselected options must be among those offered.
  void among(const View& initial, const View& offered, const std::string& at) {
    for (const auto& one : offered.items()) {
      if (one.dump() == initial.dump()) return;
    }
    say(at, "is not among the options");
  }

  void confirm(const View& v, const std::string& at) {
    only(v, at, {"title", "text", "confirm", "deny", "style"});
    text(v["title"], at + "/title", 100, true);
    text(v["text"], at + "/text", 300, false);
    text(v["confirm"], at + "/confirm", 30, true);
    text(v["deny"], at + "/deny", 30, true);
  }

  void strings(const View& list, const std::string& at) {
    if (!list.exists()) return;
    if (!list.is_array() || list.size() == 0) say(at, "must be a list that is not empty");
    for (const auto& one : list.items()) string_of(one, at, 1, 255);
  }

  void choice(const View& v, const std::string& at, const std::string& type) {
    const bool plain = type.ends_with("select") || type == "overflow";
    const std::size_t most = type == "overflow" ? 5 : plain ? 100 : 10;
    options(v["options"], at + "/options", most, plain);
    if (v["initial_option"].exists()) {
      option(v["initial_option"], at + "/initial_option", plain);
      among(v["initial_option"], v["options"], at + "/initial_option");
    }
    if (v["initial_options"].exists()) {
      options(v["initial_options"], at + "/initial_options", most, plain);
      for (const auto& one : v["initial_options"].items()) among(one, v["options"], at + "/initial_options");
    }
  }

  void element(const View& v, const std::string& at) {
    const auto type = v["type"].string_or("");
    string_of(v["action_id"], at + "/action_id", 1, 255);
    if (v["placeholder"].exists()) text(v["placeholder"], at + "/placeholder", 150, true);
    if (v["confirm"].exists()) confirm(v["confirm"], at + "/confirm");
    if (type == "button") {
      only(v, at, {"type", "action_id", "text", "value", "url", "style", "confirm"});
      text(v["text"], at + "/text", 75, true);
      if (v["value"].exists()) string_of(v["value"], at + "/value", 0, 2000);
      if (v["url"].exists()) string_of(v["url"], at + "/url", 1, 3000);
      const auto style = v["style"].string_or("primary");
      if (style != "primary" && style != "danger") say(at, "style " + style);
    } else if (type == "overflow") {
      only(v, at, {"type", "action_id", "options", "confirm"});
      choice(v, at, type);
    } else if (type == "plain_text_input") {
      text_input(v, at);
    } else if (type == "external_select" || type == "multi_external_select") {
      only(v, at,
           {"type", "action_id", "placeholder", "min_query_length", "initial_option", "initial_options",
            "max_selected_items"});
      if (v["initial_option"].exists()) option(v["initial_option"], at + "/initial_option", true);
      if (v["initial_options"].exists()) options(v["initial_options"], at + "/initial_options", 100, true);
    } else if (type == "static_select" || type == "multi_static_select") {
      only(v, at,
           {"type", "action_id", "placeholder", "options", "initial_option", "initial_options",
            "max_selected_items", "confirm"});
      choice(v, at, type);
    } else if (type == "radio_buttons" || type == "checkboxes") {
      only(v, at, {"type", "action_id", "options", "initial_option", "initial_options", "confirm"});
      choice(v, at, type);
    } else if (type == "users_select" || type == "multi_users_select") {
      only(v, at,
           {"type", "action_id", "placeholder", "initial_user", "initial_users", "max_selected_items"});
      strings(v["initial_users"], at + "/initial_users");
    } else if (type == "multi_conversations_select" || type == "conversations_select") {
      only(v, at,
           {"type", "action_id", "placeholder", "initial_conversations", "initial_conversation", "filter",
            "max_selected_items"});
      strings(v["initial_conversations"], at + "/initial_conversations");
      if (v["filter"].exists() && v["filter"].size() == 0) say(at, "an empty filter");
    } else {
      say(at, "unexpected element " + type);
    }
    const auto most = v["max_selected_items"];
    if (most.exists() && most.integer_or(0) < 1) say(at, "max_selected_items below 1");
    const auto chosen =
        std::max({v["initial_options"].size(), v["initial_users"].size(), v["initial_conversations"].size()});
    if (most.exists() && chosen > static_cast<std::size_t>(most.integer_or(0)))
      say(at, "more is preselected than may be selected");
  }

  void text_input(const View& v, const std::string& at) {
    only(v, at,
         {"type", "action_id", "placeholder", "initial_value", "multiline", "min_length", "max_length",
          "dispatch_action_config"});
    const auto most = v["max_length"].integer_or(3000);
    if (most < 1 || most > 3000) say(at, "max_length must be 1 to 3000");
    if (v["initial_value"].exists())
      string_of(v["initial_value"], at + "/initial_value", 1, static_cast<std::size_t>(most));
    for (const auto& event : v["dispatch_action_config"]["trigger_actions_on"].items()) {
      const auto name = event.string_or("");
      if (name != "on_enter_pressed" && name != "on_character_entered") say(at, "event " + name);
    }
  }

  void elements(const View& list, const std::string& at, std::size_t most,
                const std::set<std::string, std::less<>>& allowed) {
    if (list.size() == 0) return say(at, "is empty");
    if (list.size() > most) say(at, fmt::format("{} elements, at most {}", list.size(), most));
    std::set<std::string> ids;
    std::size_t i = 0;
    for (const auto& one : list.items()) {
      const auto place = fmt::format("{}/{}", at, i++);
      const auto type = one["type"].string_or("");
      if (!allowed.contains(type)) say(place, type + " may not stand here");
      element(one, place);
      if (!ids.insert(one["action_id"].string_or("")).second) say(at, "two elements with one action_id");
    }
  }

  void block(const View& v, const std::string& at) {
    const auto type = v["type"].string_or("");
    if (v["block_id"].exists()) string_of(v["block_id"], at + "/block_id", 1, 255);
    if (type == "section") {
      only(v, at, {"type", "block_id", "text", "fields", "accessory", "expand"});
      if (!v["text"].exists() && v["fields"].size() == 0) say(at, "needs a text or fields");
      if (v["text"].exists()) text(v["text"], at + "/text", 3000, false);
      if (v["fields"].size() > 10) say(at, "more than ten fields");
      for (const auto& field : v["fields"].items()) text(field, at + "/fields", 2000, false);
      if (v["accessory"].exists()) {
        if (!kSectionElements.contains(v["accessory"]["type"].string_or(""))) say(at, "wrong accessory");
        element(v["accessory"], at + "/accessory");
      }
    } else if (type == "header") {
      only(v, at, {"type", "block_id", "text"});
      text(v["text"], at + "/text", 150, true);
    } else if (type == "divider") {
      only(v, at, {"type", "block_id"});
    } else if (type == "context") {
      only(v, at, {"type", "block_id", "elements"});
      if (v["elements"].size() == 0 || v["elements"].size() > 10) say(at, "1 to 10 elements");
      for (const auto& one : v["elements"].items()) text(one, at + "/elements", 3000, false);
    } else if (type == "actions") {
      only(v, at, {"type", "block_id", "elements"});
      elements(v["elements"], at + "/elements", 25, kActionElements);
    } else if (type == "input") {
      only(v, at, {"type", "block_id", "label", "element", "hint", "optional", "dispatch_action"});
      has_input = true;
      text(v["label"], at + "/label", 2000, true);
      if (v["hint"].exists()) text(v["hint"], at + "/hint", 2000, true);
      if (!kInputElements.contains(v["element"]["type"].string_or(""))) say(at, "wrong element for an input");
      element(v["element"], at + "/element");
    } else {
      say(at, "unexpected block " + type);
    }
  }

  void blocks(const View& list, std::size_t most) {
    if (!list.is_array()) return say("/blocks", "must be a list");
    if (list.size() > most) say("/blocks", fmt::format("{} blocks, at most {}", list.size(), most));
    std::set<std::string> ids;
    std::size_t i = 0;
    for (const auto& one : list.items()) {
      block(one, fmt::format("/blocks/{}", i++));
      const auto id = one["block_id"].string_or("");
      if (!id.empty() && !ids.insert(id).second) say("/blocks", "two blocks with the id " + id);
    }
  }

  void view(const View& v) {
    const auto type = v["type"].string_or("");
    if (type == "home") {
      only(v, "", {"type", "blocks", "private_metadata", "callback_id", "external_id"});
    } else if (type == "modal") {
      only(v, "",
           {"type", "title", "submit", "close", "blocks", "private_metadata", "callback_id", "external_id",
            "clear_on_close", "notify_on_close"});
      text(v["title"], "/title", 24, true);
      for (const auto* name : {"submit", "close"})
        if (v[name].exists()) text(v[name], std::string("/") + name, 24, true);
    } else {
      say("/type", type);
    }
    if (v["private_metadata"].exists()) string_of(v["private_metadata"], "/private_metadata", 0, 3000);
    if (v["callback_id"].exists()) string_of(v["callback_id"], "/callback_id", 1, 255);
    blocks(v["blocks"], 100);
    if (type == "modal" && has_input && !v["submit"].exists()) say("/submit", "is needed with an input");
  }
};

void collect(const View& v, std::string& out) {
  if (v.is_object() && v["type"].is_string() && v["text"].is_string()) {
    out += v["text"].string_or("") + "\n";
    return;
  }
  if (v.is_object() || v.is_array()) {
    for (const auto& child : v.items()) collect(child, out);
  }
}

}  // namespace

std::vector<std::string> view_problems(std::string_view view_json) {
  constexpr std::size_t largest = 250'000;
  const auto document = json::parse(view_json);
  if (!document) return {document.error().message};
  Checker checker;
  checker.view(document->root());
  if (view_json.size() > largest)
    checker.say("", fmt::format("{} bytes, at most {}", view_json.size(), largest));
  return checker.problems;
}

std::vector<std::string> message_problems(std::string_view blocks_json) {
  const auto document = json::parse(blocks_json);
  if (!document) return {document.error().message};
  Checker checker;
  checker.blocks(document->root(), 50);
  return checker.problems;
}

std::vector<std::string> suggestion_problems(std::string_view answer_json) {
  const auto document = json::parse(answer_json);
  if (!document) return {document.error().message};
  Checker checker;
  const auto root = document->root();
  checker.only(root, "", {"options", "option_groups"});
  if (root["options"].exists() == root["option_groups"].exists()) checker.say("", "options or option_groups");
  if (root["options"].size() > 0) checker.options(root["options"], "/options", 100, true);
  const auto groups = root["option_groups"];
  if (groups.exists() && (groups.size() == 0 || groups.size() > 100)) checker.say("", "1 to 100 groups");
  for (const auto& group : groups.items()) {
    checker.text(group["label"], "/option_groups/label", 75, true);
    checker.options(group["options"], "/option_groups/options", 100, true);
  }
  return checker.problems;
}

std::string view_texts(std::string_view view_json) {
  std::string out;
  if (const auto document = json::parse(view_json)) collect(document->root(), out);
  return out;
}

}  // namespace watchbill::test
