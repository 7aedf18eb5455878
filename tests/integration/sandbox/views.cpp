#include "tests/integration/sandbox/room.hpp"

namespace watchbill::test {
namespace {

constexpr const char* kHome = R"({"type":"home","callback_id":"main","blocks":[
  {"type":"section","text":{"type":"mrkdwn","text":"hello"}},
  {"type":"input","block_id":"search","dispatch_action":true,"label":{"type":"plain_text","text":"Search"},
   "element":{"type":"plain_text_input","action_id":"v"}}]})";

std::string modal(const std::string& title, const std::string& more = {}) {
  return fmt::format(R"({{"type":"modal","title":{{"type":"plain_text","text":"{}"}},
    "submit":{{"type":"plain_text","text":"Save"}},"blocks":[{{"type":"input","block_id":"name",
    "label":{{"type":"plain_text","text":"Name"}},"element":{{"type":"plain_text_input","action_id":"v",
    "initial_value":"{}"}}}}]{}}})",
                     title, title, more);
}

struct Views : Room {
  Views() {
    people();
    control(R"({"do":"channel","name":"payments","people":["ada"]})");
  }
  std::string trigger(const std::string& person = "ada") {
    return control(fmt::format(R"({{"do":"trigger","person":"{}"}})", person))["trigger_id"].string_or("");
  }
  Reply open(const std::string& view) {
    return slack("views.open", {{"trigger_id", trigger()}, {"view", view}});
  }
  Reply push(const std::string& view) {
    return slack("views.push", {{"trigger_id", trigger()}, {"view", view}});
  }
  Reply publish(const std::string& view, const std::string& hash = {}) {
    return slack("views.publish", {{"user_id", "U0ADA"}, {"view", view}, {"hash", hash}});
  }
  std::string messages(const Reply& reply) { return reply["response_metadata"]["messages"].dump(); }
};

}  // namespace

TEST_CASE("Slack: a home tab is published for one person, and a stale hash is refused") {
  Views w;
  CHECK(w.control(R"({"do":"home","person":"ada"})")["home"].is_null());
  const auto first_answer = w.publish(kHome);
  REQUIRE(first_answer.slack() == "ok");
  const auto shown = w.control(R"({"do":"home","person":"ada"})");
  const auto view = shown["home"]["view"];
  CHECK(view["callback_id"].string_or("") == "main");
  CHECK(view["state"]["values"]["search"]["v"].dump() == R"({"type":"plain_text_input","value":null})");
  CHECK(first(view["blocks"])["block_id"].text());  // made up
  CHECK(w.control(R"({"do":"home","person":"bo"})")["home"].is_null());

  const auto hash = first_answer["view"]["hash"].string_or("");
  const auto second = w.publish(kHome, hash);
  REQUIRE(second.slack() == "ok");
  CHECK(second["view"]["id"].string_or("") == first_answer["view"]["id"].string_or("-"));
  CHECK(w.publish(kHome, hash).slack() == "hash_conflict");

  CHECK(w.publish(modal("x")).slack() == "invalid_arguments");
  CHECK(w.slack("views.publish", {{"user_id", "U0NOBODY"}, {"view", kHome}}).slack() == "invalid_arguments");
  CHECK(w.slack("views.publish", {{"view", kHome}}).slack() == "invalid_arguments");
  w.control(R"({"do":"app","home_enabled":false})");
  CHECK(w.publish(kHome).slack() == "not_enabled");
}

TEST_CASE("Slack: what is wrong with a view is named") {
  Views w;
  const auto refused = w.open(modal("A title that is longer than that"));
  CHECK(refused.slack() == "invalid_arguments");
  CHECK(w.messages(refused) ==
        R"(["[ERROR] must be less than 25 characters [json-pointer:/view/title/text]"])");
  CHECK(w.open("{").slack() == "invalid_arguments");
  CHECK(w.open(std::string(250'001, ' ')).slack() == "view_too_large");
  const auto missing = w.slack("views.open", {{"trigger_id", w.trigger()}});
  CHECK(w.messages(missing) == R"(["[ERROR] missing required field: view"])");
}

TEST_CASE("Slack: a trigger opens one modal, within three seconds") {
  Views w;
  const auto trigger = w.trigger();
  const auto opened = w.slack("views.open", {{"trigger_id", trigger}, {"view", modal("one")}});
  REQUIRE(opened.slack() == "ok");
  CHECK(opened["view"]["previous_view_id"].is_null());
  CHECK(w.slack("views.open", {{"trigger_id", trigger}, {"view", modal("one")}}).slack() ==
        "exchanged_trigger_id");
  CHECK(w.slack("views.open", {{"trigger_id", "1.2.3"}, {"view", modal("one")}}).slack() ==
        "invalid_trigger_id");
  const auto late = w.trigger();
  w.wait(3050ms);
  CHECK(w.slack("views.open", {{"trigger_id", late}, {"view", modal("one")}}).slack() ==
        "expired_trigger_id");
}

TEST_CASE("Slack: three modals on top of each other, and no fourth") {
  Views w;
  CHECK(w.push(modal("none below")).slack() == "not_found");
  const auto lowest = w.open(modal("one"));
  const auto second = w.push(modal("two"));
  CHECK(second["view"]["previous_view_id"].string_or("") == lowest["view"]["id"].string_or("-"));
  CHECK(second["view"]["root_view_id"].string_or("") == lowest["view"]["id"].string_or("-"));
  CHECK(w.push(modal("three")).slack() == "ok");
  CHECK(w.push(modal("four")).slack() == "push_limit_reached");
  CHECK(w.control(R"({"do":"modals","person":"ada"})")["modals"].size() == 3);
  CHECK(w.open(modal("again")).slack() == "ok");
  CHECK(w.control(R"({"do":"modals","person":"ada"})")["modals"].size() == 1);
  CHECK(w.control(R"({"do":"modals","person":"bo"})")["modals"].size() == 0);
}

TEST_CASE("Slack: a modal is updated by id or external id") {
  Views w;
  const auto opened = w.open(modal("one", R"(,"external_id":"e1")"));
  REQUIRE(opened.slack() == "ok");
  const auto id = opened["view"]["id"].string_or("");
  const auto hash = opened["view"]["hash"].string_or("");
  CHECK(w.push(modal("two", R"(,"external_id":"e1")")).slack() == "duplicate_external_id");
  const auto changed =
      w.slack("views.update", {{"external_id", "e1"}, {"hash", hash}, {"view", modal("new")}});
  REQUIRE(changed.slack() == "ok");
  CHECK(changed["view"]["id"].string_or("") == id);
  CHECK(changed["view"]["hash"].string_or("") != hash);
  // What stands in a field stays there as long as the ids stay the same.
  CHECK(changed["view"]["state"]["values"]["name"]["v"]["value"].string_or("") == "one");
  CHECK(w.slack("views.update", {{"view_id", id}, {"hash", hash}, {"view", modal("x")}}).slack() ==
        "hash_conflict");
  CHECK(w.slack("views.update", {{"external_id", "e1"}, {"view", modal("x")}}).slack() == "not_found");
  CHECK(w.slack("views.update", {{"view_id", "V0NONE"}, {"view", modal("x")}}).slack() == "not_found");
  CHECK(w.slack("views.update", {{"view_id", id}, {"view", kHome}}).slack() == "invalid_arguments");
}

TEST_CASE("Slack: blocks of messages are checked, and say what is wrong") {
  Views w;
  const auto post = [&](const char* blocks) {
    return w.slack("chat.postMessage", {{"channel", "C0PAYMENTS"}, {"text", "t"}, {"blocks", blocks}});
  };
  const auto refused = post(R"([{"type":"header","text":{"type":"mrkdwn","text":"*x*"}}])");
  CHECK(refused.slack() == "invalid_blocks");
  CHECK(w.messages(refused) ==
        R"(["[ERROR] must be one of: plain_text [json-pointer:/blocks/0/text/type]"])");
  CHECK(post(R"({"type":"divider"})").slack() == "invalid_blocks_format");
  const auto sent = post(R"([{"type":"divider"}])");
  CHECK(first(sent["message"]["blocks"])["block_id"].text());
}

TEST_CASE("Slack: own messages are changed and deleted, others not") {
  Views w;
  const auto sent = w.slack("chat.postMessage", {{"channel", "C0PAYMENTS"}, {"text", "first"}});
  const auto ts = sent["ts"].string_or("");
  CHECK(w.slack("chat.update", {{"channel", "C0PAYMENTS"}, {"ts", ts}, {"text", "second"}}).slack() == "ok");
  const auto listed = w.control(R"({"do":"messages","channel":"payments"})");
  CHECK(first(listed["messages"])["text"].string_or("") == "second");
  const auto human =
      w.control(R"({"do":"message","channel":"payments","person":"ada","text":"hi"})")["ts"].string_or("");
  CHECK(w.slack("chat.update", {{"channel", "C0PAYMENTS"}, {"ts", human}, {"text", "x"}}).slack() ==
        "cant_update_message");
  CHECK(w.slack("chat.delete", {{"channel", "C0PAYMENTS"}, {"ts", human}}).slack() == "cant_delete_message");
  CHECK(w.slack("chat.delete", {{"channel", "C0PAYMENTS"}, {"ts", ts}}).slack() == "ok");
  CHECK(w.slack("chat.delete", {{"channel", "C0PAYMENTS"}, {"ts", ts}}).slack() == "message_not_found");
}

TEST_CASE("Slack: an ephemeral message is for one person in the channel") {
  Views w;
  const auto say = [&](const char* user) {
    return w.slack("chat.postEphemeral", {{"channel", "C0PAYMENTS"}, {"user", user}, {"text", "psst"}})
        .slack();
  };
  CHECK(say("U0ADA") == "ok");
  CHECK(say("U0BO") == "user_not_in_channel");
  const auto seen = w.control(R"({"do":"ephemerals","person":"ada"})");
  CHECK(first(seen["messages"])["text"].string_or("") == "psst");
  CHECK(w.control(R"({"do":"ephemerals","person":"bo"})")["messages"].size() == 0);
  CHECK(w.control(R"({"do":"messages","channel":"payments"})")["messages"].size() == 0);
}

}  // namespace watchbill::test
