#include "slack_app/actions.hpp"

#include "slack_app/rotations/rotation_form.hpp"
#include "slack_app/systems/connect_form.hpp"
#include "tests/support/catch.hpp"

namespace watchbill::slack_app {

namespace {

/// A block_actions payload as Slack sends it, with one action.
std::string payload(const std::string& type, const std::string& action, const std::string& metadata = "") {
  json::Writer w;
  w.begin_object().field("type", "block_actions").key("user").begin_object().field("id", "U1").end_object();
  w.field("trigger_id", "T1").key("view").begin_object().field("id", "V1").field("type", type);
  w.field("hash", "h1").field("callback_id", "x").field("private_metadata", metadata).end_object();
  w.key("actions").begin_array().raw(action).end_array().end_object();
  return w.take();
}

std::vector<UserAction> read(const std::string& text) {
  auto document = json::parse(text);
  REQUIRE(document);
  return actions_of(interaction_of(*std::move(document)));
}

template <class T>
T only(const std::string& text) {
  auto user_actions = read(text);
  REQUIRE(user_actions.size() == 1);
  REQUIRE(std::holds_alternative<T>(user_actions.front()));
  return std::get<T>(user_actions.front());
}

std::string menu(const std::string& value) {
  return payload("home", R"({"action_id":"rotation_menu","selected_option":{"value":")" + value + "\"}}");
}

}  // namespace

TEST_CASE("each choice of a rotation's menu is what it says") {
  CHECK(only<EditRotation>(menu("edit:12")).rotation == RotationId{12});
  CHECK(only<SyncRotation>(menu("sync:12")).rotation == RotationId{12});
  CHECK(only<PauseRotation>(menu("pause:12")).paused);
  CHECK_FALSE(only<PauseRotation>(menu("resume:12")).paused);
  CHECK(only<ShowHistory>(menu("history:12")).rotation == RotationId{12});
  CHECK(only<DeleteRotation>(menu("delete:12")).rotation == RotationId{12});
}

TEST_CASE("what no honest client sends means nothing") {
  for (const auto* value : {"", "edit", "edit:", "edit:0", "edit:-3", "edit:12x", "edit:99999999999999999999",
                            "drop:12", "12", ":12"})
    CHECK(read(menu(value)).empty());
  CHECK(read(payload("home", R"({"action_id":7})")).empty());
  CHECK(read(payload("home", "null")).empty());
  CHECK(
      read(payload("home", R"({"action_id":"system_menu","selected_option":{"value":"update:"}})")).empty());
  // What belongs into a form does nothing on the home tab, and the other way round.
  CHECK(read(payload("home", R"({"action_id":"account_confirm","value":"pd"})")).empty());
  CHECK(read(payload("modal", R"({"action_id":"rotation_menu","selected_option":{"value":"delete:1"}})"))
            .empty());
  CHECK(read("{}").empty());
  CHECK(read("[]").empty());
}

TEST_CASE("systems are connected, given new credentials, tested and disconnected from the home tab") {
  CHECK(only<ConnectSystem>(payload("home", R"({"action_id":"connect:opsgenie","value":"opsgenie"})")).kind ==
        "opsgenie");
  const auto system = [](const std::string& value) {
    return payload("home", R"({"action_id":"system_menu","selected_option":{"value":")" + value + "\"}}");
  };
  CHECK(only<RenewSystem>(system("update:pd")).connection == "pd");
  CHECK(only<TestSystem>(system("test:pd")).connection == "pd");
  CHECK(only<DisconnectSystem>(system("remove:pd")).connection == "pd");
  CHECK(only<RenewSystem>(payload("home", R"({"action_id":"system_fix","value":"pd"})")).connection == "pd");
  CHECK(only<FixPerson>(payload("home", R"({"action_id":"person_fix","value":"pd/P1"})")).person == "pd/P1");
}

TEST_CASE("turning the page keeps the search, and searching begins on the first page") {
  const auto metadata = metadata_of(HomePosition{3, "pay"});
  const auto next =
      only<TurnPage>(payload("home", R"({"action_id":"home_page:next","value":"4"})", metadata));
  CHECK(next.position == HomePosition{4, "pay"});
  const auto search =
      only<TurnPage>(payload("home", R"({"action_id":"home_search","value":"data"})", metadata));
  CHECK(search.position == HomePosition{0, "data"});
  CHECK(only<TurnPage>(payload("home", R"({"action_id":"home_search","value":null})", metadata)).position ==
        HomePosition{});
  CHECK(only<TurnPage>(payload("home", R"({"action_id":"home_search_clear"})", metadata)).position ==
        HomePosition{});
  CHECK(read(payload("home", R"({"action_id":"home_page:next","value":"-1"})", metadata)).empty());
}

TEST_CASE("what happens within a form is told apart by the field") {
  const auto typed = [](const std::string& field) {
    return payload("modal",
                   R"({"action_id":"typed","block_id":")" + field_id(field, 2) + R"(","value":"x"})");
  };
  only<FormTouched>(typed(kFieldGroup));
  only<TextTouched>(typed(kFieldText));
  only<TextTouched>(typed(kFieldMention));
  CHECK(read(typed(kFieldName)).empty());
  only<ShowMore>(payload("modal", R"({"action_id":"form_more"})"));
  CHECK(only<BackToForm>(payload("modal", R"({"action_id":"form_back","value":"d1"})")).draft == "d1");
  CHECK(
      only<ChooseWay>(payload("modal", R"({"action_id":"way","selected_option":{"value":"api_key"}})")).way ==
      "api_key");
  CHECK(only<ConfirmAccount>(payload("modal", R"({"action_id":"account_confirm","value":"pd"})")).right);
  CHECK_FALSE(only<ConfirmAccount>(payload("modal", R"({"action_id":"account_refuse","value":"pd"})")).right);
}

TEST_CASE("where it happened comes with it") {
  const auto interaction = interaction_of(*json::parse(payload("modal", "null", "meta")));
  CHECK(interaction.user == UserId("U1"));
  CHECK(interaction.trigger == "T1");
  CHECK(interaction.view == "V1");
  CHECK(interaction.hash == "h1");
  CHECK(interaction.metadata == "meta");
}

}  // namespace watchbill::slack_app
