#include "slack_app/actions.hpp"

#include <algorithm>
#include <charconv>

#include "slack_app/dialogs.hpp"
#include "slack_app/rotations/rotation_form.hpp"
#include "slack_app/systems/connect_form.hpp"

namespace watchbill::app {

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

std::optional<Intent> rotation_intent(const std::string& value) {
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

std::optional<Intent> system_intent(const std::string& value) {
  const auto [verb, name] = split_value(value);
  if (name.empty()) return std::nullopt;
  if (verb == "update") return RenewSystem{name};
  if (verb == "test") return TestSystem{name};
  if (verb == "remove") return DisconnectSystem{name};
  return std::nullopt;
}

std::optional<Intent> page_intent(const std::string& value, const Place& place) {
  auto where = home_place(place.metadata);
  const auto page = number_of(value);
  if (!page || *page < 0) return std::nullopt;
  where.page = static_cast<std::size_t>(*page);
  return TurnPage{std::move(where)};
}

std::optional<Intent> home_intent(const std::string& action, const std::string& value, const Place& place) {
  if (action == kNewRotation) return NewRotation{};
  if (action == kRotationMenu) return rotation_intent(value);
  if (action == kSystemMenu) return system_intent(value);
  if (action.starts_with(kConnectPrefix)) return ConnectSystem{value};
  if (action == kFixSystem && !value.empty()) return RenewSystem{value};
  if (action == kFixPerson && !value.empty()) return FixPerson{value};
  if (action == kLookAtAccount && !value.empty()) return LookAtAccount{value};
  if (action == kFixRotation) {
    const auto id = rotation_id(value);
    return id ? std::optional<Intent>(EditRotation{*id}) : std::nullopt;
  }
  if (action == kHomeSearch) return TurnPage{HomePlace{0, value}};
  if (action == kHomeSearchClear) return TurnPage{HomePlace{}};
  if (action.starts_with(kHomePage)) return page_intent(value, place);
  return std::nullopt;
}

std::optional<Intent> form_intent(const std::string& action, const std::string& field,
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

Place place_of(json::View payload) {
  const auto view = payload["view"];
  Place place;
  place.user = UserId(payload["user"]["id"].string_or(""));
  place.trigger = payload["trigger_id"].string_or("");
  place.view = view["id"].string_or("");
  place.hash = view["hash"].string_or("");
  place.callback = view["callback_id"].string_or("");
  place.metadata = view["private_metadata"].string_or("");
  place.values = view["state"]["values"];
  return place;
}

std::vector<Intent> intents_of(json::View payload, const Place& place) {
  std::vector<Intent> intents;
  const bool home = payload["view"]["type"].string_or("") == "home";
  for (const auto& action : payload["actions"].items()) {
    const auto id = action["action_id"].string_or("");
    const auto field = field_of(action["block_id"].string_or(""));
    auto intent = home ? home_intent(id, value_of(action), place) : form_intent(id, field, value_of(action));
    if (intent) intents.push_back(*std::move(intent));
  }
  return intents;
}

}  // namespace watchbill::app
