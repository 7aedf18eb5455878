#include "slack_app/actions.hpp"

#include <algorithm>
#include <charconv>

#include "slack_app/dialogs.hpp"
#include "slack_app/rotations/rotation_form.hpp"
#include "slack_app/systems/connect_form.hpp"

namespace watchbill::slack_app {

namespace {

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<RotationId> rotation_id(std::string_view text) {
  const auto number = number_of(text);
  if (!number || *number <= 0) return std::nullopt;
  return RotationId{*number};
}

/// "edit:12" -> "edit" and "12".
std::pair<std::string, std::string> split_value(const std::string& value) {
  const auto colon = value.find(':');
  if (colon == std::string::npos) return {value, {}};
  return {value.substr(0, colon), value.substr(colon + 1)};
}

std::optional<UserAction> rotation_action(const std::string& value) {
  const auto [verb, number] = split_value(value);
  const auto id = rotation_id(number);
  if (!id) return std::nullopt;
  if (verb == "edit") return EditRotation{*id};
  if (verb == "sync") return SyncRotation{*id};
  if (verb == "pause") return PauseRotation{*id, true};
  if (verb == "resume") return PauseRotation{*id, false};
  if (verb == "history") return ShowHistory{*id};
  if (verb == "delete") return DeleteRotation{*id};
  return std::nullopt;
}

std::optional<UserAction> system_action(const std::string& value) {
  const auto [verb, name] = split_value(value);
  if (name.empty()) return std::nullopt;
  if (verb == "update") return RenewSystem{name};
  if (verb == "test") return TestSystem{name};
  if (verb == "remove") return DisconnectSystem{name};
  return std::nullopt;
}

std::optional<UserAction> page_action(const std::string& value, const Interaction& interaction) {
  auto where = home_position(interaction.metadata);
  const auto page = number_of(value);
  if (!page || *page < 0) return std::nullopt;
  where.page = static_cast<std::size_t>(*page);
  return TurnPage{std::move(where)};
}

std::optional<UserAction> home_action(const std::string& action, const std::string& value,
                                      const Interaction& interaction) {
  if (action == kNewRotation) return NewRotation{};
  if (action == kRotationMenu) return rotation_action(value);
  if (action == kSystemMenu) return system_action(value);
  if (action.starts_with(kConnectPrefix)) return ConnectSystem{value};
  if (action == kFixSystem && !value.empty()) return RenewSystem{value};
  if (action == kFixPerson && !value.empty()) return FixPerson{value};
  if (action == kLookAtAccount && !value.empty()) return LookAtAccount{value};
  if (action == kFixRotation) {
    const auto id = rotation_id(value);
    return id ? std::optional<UserAction>(EditRotation{*id}) : std::nullopt;
  }
  if (action == kHomeSearch) return TurnPage{HomePosition{0, value}};
  if (action == kHomeSearchClear) return TurnPage{HomePosition{}};
  if (action.starts_with(kHomePage)) return page_action(value, interaction);
  return std::nullopt;
}

std::optional<UserAction> form_action(const std::string& action, const std::string& field,
                                      const std::string& value) {
  if (action == kFormMore) return ShowMore{};
  if (action == kFormBack && !value.empty()) return BackToForm{value};
  if (action == kPersonBack && !value.empty()) return TakeBackPerson{value};
  if (action == kFieldWay && !value.empty()) return ChooseWay{value};
  if (action == kConfirmAccount && !value.empty()) return ConfirmAccount{value, true};
  if (action == kRefuseAccount && !value.empty()) return ConfirmAccount{value, false};
  if (action == kOpenBrowser) return BrowserOpened{value};
  if (action != kTyped) return std::nullopt;
  if (field == kFieldGroup) return FormTouched{};
  if (field == kFieldText || field == kFieldMention) return TextTouched{};
  return std::nullopt;
}

/// What was chosen or typed, whatever the element.
std::string value_of(const json::View& action) {
  const auto option = action["selected_option"]["value"];
  return option.is_string() ? option.string_or("") : action["value"].string_or("");
}

}  // namespace

Interaction interaction_of(json::Document document) {
  Interaction interaction;
  interaction.payload = std::make_shared<const json::Document>(std::move(document));
  const auto payload = interaction.payload->root();
  const auto view = payload["view"];
  interaction.user = UserId(payload["user"]["id"].string_or(""));
  interaction.trigger = payload["trigger_id"].string_or("");
  interaction.view = view["id"].string_or("");
  interaction.hash = view["hash"].string_or("");
  interaction.callback = view["callback_id"].string_or("");
  interaction.metadata = view["private_metadata"].string_or("");
  interaction.values = view["state"]["values"];
  return interaction;
}

std::vector<UserAction> actions_of(const Interaction& interaction) {
  const auto payload = interaction.payload->root();
  std::vector<UserAction> user_actions;
  const bool home = payload["view"]["type"].string_or("") == "home";
  for (const auto& action : payload["actions"].items()) {
    const auto id = action["action_id"].string_or("");
    const auto field = field_of(action["block_id"].string_or(""));
    auto user_action =
        home ? home_action(id, value_of(action), interaction) : form_action(id, field, value_of(action));
    if (user_action) user_actions.push_back(*std::move(user_action));
  }
  return user_actions;
}

}  // namespace watchbill::slack_app
