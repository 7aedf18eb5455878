#include "sandbox/slack/block_kit.hpp"

#include "tests/support/catch.hpp"

namespace watchbill::test {
namespace {

using sandbox::Complaints;
using sandbox::Surface;

std::string text_of(std::size_t length) {
  return std::string(length, 'x');
}
std::string plain(std::size_t length) {
  return fmt::format(R"({{"type":"plain_text","text":"{}"}})", text_of(length));
}
std::string mrkdwn(std::size_t length) {
  return fmt::format(R"({{"type":"mrkdwn","text":"{}"}})", text_of(length));
}
std::string repeat(const std::string& item, std::size_t count) {
  std::string list = "[";
  for (std::size_t i = 0; i < count; ++i) {
    auto one = item;
    if (const auto hash = one.find('#'); hash != std::string::npos) one.replace(hash, 1, std::to_string(i));
    list += (i == 0 ? "" : ",") + one;
  }
  return list + "]";
}
const std::string kOption = R"({"text":{"type":"plain_text","text":"one"},"value":"v#"})";

Complaints view(const std::string& text, Surface surface) {
  const auto document = json::parse(text);
  INFO(text.substr(0, 400));
  REQUIRE(document);
  return sandbox::view_complaints(document->root(), surface);
}
Complaints modal_of(const std::string& blocks) {
  return view(R"({"type":"modal","title":{"type":"plain_text","text":"T"},
    "submit":{"type":"plain_text","text":"S"},"blocks":)" +
                  blocks + "}",
              Surface::modal);
}
Complaints home_of(const std::string& blocks) {
  return view(R"({"type":"home","blocks":)" + blocks + "}", Surface::home);
}
Complaints message_of(const std::string& blocks) {
  const auto document = json::parse(blocks);
  REQUIRE(document);
  return sandbox::message_complaints(document->root());
}
std::string section_with(const std::string& accessory) {
  return R"([{"type":"section","text":{"type":"mrkdwn","text":"t"},"accessory":)" + accessory + "}]";
}
std::string input_with(const std::string& element) {
  return R"([{"type":"input","label":{"type":"plain_text","text":"L"},"element":)" + element + "}]";
}
std::string actions_with(const std::string& elements) {
  return R"([{"type":"actions","elements":)" + elements + "}]";
}

/// The rule is kept by `good` and broken by `bad`.
void limit(const std::string& what, const Complaints& good, const Complaints& bad) {
  INFO(what);
  CHECK(good == Complaints{});
  CHECK(bad.size() == 1);
}

}  // namespace

TEST_CASE("Block Kit: the vendor's own modal and home tab are taken") {
  CHECK(view(R"({"type": "modal", "callback_id": "rotation_edit", "notify_on_close": true,
   "private_metadata": "{\"rotation\":\"r17\",\"rev\":4}",
 "title": {"type": "plain_text", "text": "Edit rotation"}, "submit": {"type": "plain_text", "text": "Save"},
 "close": {"type": "plain_text", "text": "Cancel"},
 "blocks": [
  {"type": "input", "block_id": "name", "label": {"type": "plain_text", "text": "Name"}, "element":
     {"type": "plain_text_input", "action_id": "v", "max_length": 80, "initial_value": "Platform"}},
  {"type": "input", "block_id": "provider", "dispatch_action": true, "label": {"type": "plain_text", "text": "P"},
   "element": {"type": "static_select", "action_id": "v", "options":
     [{"text": {"type": "plain_text", "text": "PagerDuty"}, "value": "pagerduty"}]}},
  {"type": "input", "block_id": "schedule", "label": {"type": "plain_text", "text": "Schedule"}, "element":
     {"type": "external_select", "action_id": "v", "min_query_length": 0,
      "placeholder": {"type": "plain_text", "text": "Search schedules"}}},
  {"type": "input", "block_id": "extra", "optional": true, "label": {"type": "plain_text", "text": "More"},
   "element": {"type": "multi_external_select", "action_id": "v", "min_query_length": 0, "max_selected_items": 10,
      "initial_options": [{"text": {"type": "plain_text", "text": "Platform secondary"}, "value": "PSCHED2"}]}},
  {"type": "input", "block_id": "people", "optional": true, "label": {"type": "plain_text", "text": "Always"},
   "element": {"type": "multi_users_select", "action_id": "v", "initial_users": ["U05M8ALICE1"],
      "max_selected_items": 20}},
  {"type": "input", "block_id": "channels", "optional": true, "label": {"type": "plain_text", "text": "In"},
   "element": {"type": "multi_conversations_select", "action_id": "v", "max_selected_items": 5,
      "filter": {"include": ["public", "private"], "exclude_bot_users": true}}},
  {"type": "input", "block_id": "mode", "label": {"type": "plain_text", "text": "Membership"}, "element":
     {"type": "radio_buttons", "action_id": "v", "options":
     [{"text": {"type": "plain_text", "text": "Replace members"}, "value": "replace"}]}},
  {"type": "input", "block_id": "flags", "optional": true, "label": {"type": "plain_text", "text": "Options"},
   "element": {"type": "checkboxes", "action_id": "v", "options":
     [{"text": {"type": "mrkdwn", "text": "*Announce* handoffs"}, "value": "announce"}]}},
  {"type": "input", "block_id": "handoff", "optional": true, "label": {"type": "plain_text", "text": "At"},
   "element": {"type": "timepicker", "action_id": "v", "initial_time": "09:00", "timezone": "Europe/Berlin"}}
 ]})",
             Surface::modal) == Complaints{});
  CHECK(home_of(R"([
      {"type": "header", "text": {"type": "plain_text", "text": "On-call rotations"}},
      {"type": "actions", "block_id": "home_actions", "elements": [
        {"type": "button", "action_id": "rotation_new", "style": "primary",
         "text": {"type": "plain_text", "text": "New rotation"}},
        {"type": "button", "action_id": "provider_connect", "text": {"type": "plain_text", "text": "Connect"}}]},
      {"type": "divider"},
      {"type": "section", "block_id": "rot_r17", "text": {"type": "mrkdwn", "text": "*Platform*"},
       "accessory": {"type": "overflow", "action_id": "rotation_menu", "options": [
         {"text": {"type": "plain_text", "text": "Edit"}, "value": "edit:r17"},
         {"text": {"type": "plain_text", "text": "Delete"}, "value": "delete:r17"}]}}])") == Complaints{});
  CHECK(home_of("[]") == Complaints{});
}

TEST_CASE("Block Kit: the message names the field and the limit") {
  const auto long_option = modal_of(input_with(R"({"type":"static_select","action_id":"v","options":[
    {"text":)" + plain(76) + R"(,"value":"a"}]})"));
  CHECK(long_option == Complaints{"[ERROR] must be less than 76 characters "
                                  "[json-pointer:/view/blocks/0/element/options/0/text/text]"});
  CHECK(view("{}", Surface::modal) ==
        Complaints{"[ERROR] missing required field: type [json-pointer:/view]",
                   "[ERROR] missing required field: blocks [json-pointer:/view]",
                   "[ERROR] missing required field: title [json-pointer:/view]"});
  CHECK(view(R"({"type":"home","blocks":[],"title":{"type":"plain_text","text":"T"}})", Surface::home) ==
        Complaints{"[ERROR] invalid additional property: title [json-pointer:/view]"});
}

TEST_CASE("Block Kit: how many, how long") {
  const std::string divider = R"({"type":"divider"})";
  limit("blocks of a view", modal_of(repeat(divider, 100)), modal_of(repeat(divider, 101)));
  limit("blocks of a home tab", home_of(repeat(divider, 100)), home_of(repeat(divider, 101)));
  limit("blocks of a message", message_of(repeat(divider, 50)), message_of(repeat(divider, 51)));
  const auto section = [](const std::string& text) { return R"([{"type":"section","text":)" + text + "}]"; };
  limit("section text", home_of(section(mrkdwn(3000))), home_of(section(mrkdwn(3001))));
  limit("empty text", home_of(section(mrkdwn(1))), home_of(section(mrkdwn(0))));
  const auto fields = [](const std::string& one, std::size_t count) {
    return R"([{"type":"section","fields":)" + repeat(one, count) + "}]";
  };
  limit("fields", home_of(fields(mrkdwn(1), 10)), home_of(fields(mrkdwn(1), 11)));
  limit("length of a field", home_of(fields(mrkdwn(2000), 1)), home_of(fields(mrkdwn(2001), 1)));
  const auto header = [](const std::string& text) { return R"([{"type":"header","text":)" + text + "}]"; };
  limit("header", home_of(header(plain(150))), home_of(header(plain(151))));
  limit("header is plain", home_of(header(plain(1))), home_of(header(mrkdwn(1))));
  const auto context = [](std::size_t count) {
    return R"([{"type":"context","elements":)" + repeat(mrkdwn(1), count) + "}]";
  };
  limit("context", home_of(context(10)), home_of(context(11)));
  const std::string button = R"({"type":"button","action_id":"a#","text":{"type":"plain_text","text":"b"}})";
  limit("actions", home_of(actions_with(repeat(button, 25))), home_of(actions_with(repeat(button, 26))));
  limit("no actions", home_of(actions_with(repeat(button, 1))), home_of(actions_with("[]")));
}

TEST_CASE("Block Kit: limits of elements") {
  const auto select = [](std::size_t options) {
    return section_with(R"({"type":"static_select","action_id":"a","options":)" + repeat(kOption, options) +
                        "}");
  };
  limit("options", home_of(select(100)), home_of(select(101)));
  limit("no options", home_of(select(1)), home_of(select(0)));
  const auto ticks = [](const std::string& type, std::size_t options) {
    return section_with(R"({"type":")" + type + R"(","action_id":"a","options":)" + repeat(kOption, options) +
                        "}");
  };
  limit("checkboxes", home_of(ticks("checkboxes", 10)), home_of(ticks("checkboxes", 11)));
  limit("radio buttons", home_of(ticks("radio_buttons", 10)), home_of(ticks("radio_buttons", 11)));
  limit("overflow", home_of(ticks("overflow", 5)), home_of(ticks("overflow", 6)));
  const auto button = [](const std::string& text, const std::string& more) {
    return section_with(R"({"type":"button","action_id":"a","text":)" + text + more + "}");
  };
  const auto value = [](std::size_t length) { return R"(,"value":")" + text_of(length) + R"(")"; };
  limit("button text", home_of(button(plain(75), "")), home_of(button(plain(76), "")));
  limit("button value", home_of(button(plain(1), value(2000))), home_of(button(plain(1), value(2001))));
  limit("style", home_of(button(plain(1), R"(,"style":"danger")")),
        home_of(button(plain(1), R"(,"style":"default")")));
  limit("url", home_of(button(plain(1), R"(,"url":"https://example.com")")),
        home_of(button(plain(1), R"(,"url":"javascript:alert")")));
  const auto confirm = [&](std::size_t title, std::size_t text, std::size_t yes) {
    return button(plain(1), R"(,"confirm":{"title":)" + plain(title) + R"(,"text":)" + mrkdwn(text) +
                                R"(,"confirm":)" + plain(yes) + R"(,"deny":)" + plain(1) + "}");
  };
  limit("confirm title", home_of(confirm(100, 300, 30)), home_of(confirm(101, 300, 30)));
  limit("confirm text", home_of(confirm(100, 300, 30)), home_of(confirm(100, 301, 30)));
  limit("confirm button", home_of(confirm(100, 300, 30)), home_of(confirm(100, 300, 31)));
  const auto option = [](std::size_t text, std::size_t worth, std::size_t more) {
    return section_with(R"({"type":"static_select","options":[{"text":)" + plain(text) + R"(,"value":")" +
                        text_of(worth) + R"(","description":)" + plain(more) + "}]}");
  };
  limit("option text", home_of(option(75, 150, 75)), home_of(option(76, 150, 75)));
  limit("option value", home_of(option(75, 150, 75)), home_of(option(75, 151, 75)));
  limit("option description", home_of(option(75, 150, 75)), home_of(option(75, 150, 76)));
  const auto typed = [](const std::string& more) {
    return input_with(R"({"type":"plain_text_input","action_id":"a")" + more + "}");
  };
  limit("placeholder", modal_of(typed(R"(,"placeholder":)" + plain(150))),
        modal_of(typed(R"(,"placeholder":)" + plain(151))));
  limit("max_length", modal_of(typed(R"(,"max_length":3000)")), modal_of(typed(R"(,"max_length":3001)")));
  limit("min_length", modal_of(typed(R"(,"min_length":0)")), modal_of(typed(R"(,"min_length":-1)")));
  limit("initial_value", modal_of(typed(R"(,"initial_value":"")")),
        modal_of(typed(R"(,"initial_value":")" + text_of(3001) + R"(")")));
}

TEST_CASE("Block Kit: what may stand where") {
  const std::string text_input = R"({"type":"plain_text_input","action_id":"a"})";
  const std::string button = R"({"type":"button","action_id":"a","text":{"type":"plain_text","text":"b"}})";
  const std::string image = R"({"type":"image","image_url":"https://example.com/a.png","alt_text":"a"})";
  const std::string many = R"({"type":"multi_users_select","action_id":"a"})";
  limit("text input only in input blocks", modal_of(input_with(text_input)),
        modal_of(section_with(text_input)));
  limit("no button in input blocks", modal_of(section_with(button)), modal_of(input_with(button)));
  limit("no image in actions", modal_of(section_with(image)), modal_of(actions_with("[" + image + "]")));
  limit("menus of several in section and input", modal_of(input_with(many)),
        modal_of(actions_with("[" + many + "]")));
  limit("input blocks need submit", modal_of(input_with(text_input)),
        view(R"({"type":"modal","title":{"type":"plain_text","text":"T"},"blocks":)" +
                 input_with(text_input) + "}",
             Surface::modal));
  CHECK(home_of(input_with(text_input)) == Complaints{});
  const auto answers = [](const char* flag) {
    return input_with(R"({"type":"conversations_select","action_id":"a","response_url_enabled":)" +
                      std::string(flag) + "}");
  };
  limit("response_url_enabled in modals", modal_of(answers("true")), home_of(answers("true")));
}

TEST_CASE("Block Kit: ids, choices and unknown things") {
  const auto two = [](const char* first, const char* second) {
    return fmt::format(R"([{{"type":"divider","block_id":"{}"}},{{"type":"divider","block_id":"{}"}}])",
                       first, second);
  };
  limit("block ids", home_of(two("a", "b")), home_of(two("a", "a")));
  const auto buttons = [](const char* first, const char* second) {
    const std::string button =
        R"({{"type":"button","action_id":"{}","text":{{"type":"plain_text","text":"b"}}}})";
    return actions_with("[" + fmt::format(fmt::runtime(button), first) + "," +
                        fmt::format(fmt::runtime(button), second) + "]");
  };
  limit("action ids of one block", home_of(buttons("a", "b")), home_of(buttons("a", "a")));
  CHECK(home_of(R"([{"type":"actions","elements":[{"type":"button","action_id":"a",
      "text":{"type":"plain_text","text":"b"}}]},{"type":"actions","elements":[{"type":"button","action_id":"a",
      "text":{"type":"plain_text","text":"b"}}]}])") == Complaints{});
  const auto chosen = [](const char* text, const char* value) {
    return section_with(fmt::format(R"({{"type":"static_select","options":{},"initial_option":
      {{"text":{{"type":"plain_text","text":"{}"}},"value":"{}"}}}})",
                                    repeat(kOption, 2), text, value));
  };
  limit("the initial option is one of them", home_of(chosen("one", "v1")), home_of(chosen("one", "v2")));
  limit("to the letter", home_of(chosen("one", "v1")), home_of(chosen("One", "v1")));
  const auto preset = [](const char* users) {
    return section_with(
        fmt::format(R"({{"type":"multi_users_select","max_selected_items":1,"initial_users":{}}})", users));
  };
  limit("max_selected_items", home_of(preset(R"(["U1"])")), home_of(preset(R"(["U1","U2"])")));
  limit("an empty preset", home_of(preset(R"(["U1"])")), home_of(preset("[]")));
  limit("unknown block", home_of("[]"), home_of(R"([{"type":"blink"}])"));
  limit("unknown field", home_of(R"([{"type":"divider"}])"), home_of(R"([{"type":"divider","text":"x"}])"));
  limit("null is a value", home_of(R"([{"type":"divider","block_id":"a"}])"),
        home_of(R"([{"type":"divider","block_id":null}])"));
  limit("wrong type", home_of("[]"), home_of("{}"));
  limit("emoji only in plain text",
        home_of(R"([{"type":"section","text":{"type":"plain_text","text":"a","emoji":true}}])"),
        home_of(R"([{"type":"section","text":{"type":"mrkdwn","text":"a","emoji":true}}])"));
  limit("either options or groups",
        home_of(section_with(R"({"type":"static_select","options":[)" + kOption + "]}")),
        home_of(section_with(R"({"type":"static_select"})")));
}

TEST_CASE("Block Kit: lengths count as a browser counts them") {
  std::string emoji;
  for (int i = 0; i < 76; ++i) emoji += "\xf0\x9f\x93\x9f";
  const auto titled = [](const std::string& text) {
    return home_of(R"([{"type":"header","text":{"type":"plain_text","text":")" + text + R"("}}])");
  };
  limit("75 pagers are 150 units", titled(emoji.substr(0, 4 * 75)), titled(emoji));
}

TEST_CASE("Block Kit: answers to a search") {
  const auto answer = [](const std::string& text) {
    const auto document = json::parse(text);
    REQUIRE(document);
    return sandbox::suggestion_complaints(document->root());
  };
  CHECK(answer(R"({"options":[]})") == Complaints{});
  limit("options", answer(R"({"options":)" + repeat(kOption, 100) + "}"),
        answer(R"({"options":)" + repeat(kOption, 101) + "}"));
  CHECK(answer(R"({"option_groups":[{"label":{"type":"plain_text","text":"PagerDuty"},"options":)" +
               repeat(kOption, 2) + "}]}") == Complaints{});
  CHECK(answer("{}").size() == 1);
  CHECK(answer(R"([])").size() == 1);
}

}  // namespace watchbill::test
