#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.hpp"
#include "base/json.hpp"
#include "slack_app/home/home.hpp"

/// What somebody wants, read from what Slack delivered. Pure: who may do it is asked where it is done.
namespace watchbill::slack_app {

// On the home tab.
struct NewRotation {};
struct EditRotation {
  RotationId rotation;
};
struct DeleteRotation {
  RotationId rotation;
};
struct SyncRotation {
  RotationId rotation;
};
struct PauseRotation {
  RotationId rotation;
  bool paused;
};
struct ShowHistory {
  RotationId rotation;
};
struct ConnectSystem {
  std::string kind;
};
struct RenewSystem {
  std::string connection;
};
struct TestSystem {
  std::string connection;
};
struct DisconnectSystem {
  std::string connection;
};
struct FixPerson {
  std::string person;  ///< "pd/PUSER1"
};
/// Somebody wants to see which account a system let us into.
struct LookAtAccount {
  std::string connection;
};
struct TurnPage {
  HomePosition position;
};
// Within a form.
struct ShowMore {};
struct FormTouched {};  ///< a field that others depend on
struct TextTouched {};  ///< what the preview depends on
struct BackToForm {
  std::string draft;
};
/// Who somebody is was said wrongly.
struct TakeBackPerson {
  std::string person;  ///< "pd/PUSER1"
};
struct ChooseWay {
  std::string way;
};
/// The account that a system let us into is the right one, or not.
struct ConfirmAccount {
  std::string connection;
  bool right;
};
/// The button that leads to the system's sign-in was clicked.
struct BrowserOpened {
  std::string ticket;
};

using UserAction = std::variant<NewRotation, EditRotation, DeleteRotation, SyncRotation, PauseRotation,
                                ShowHistory, ConnectSystem, RenewSystem, TestSystem, DisconnectSystem,
                                FixPerson, LookAtAccount, TurnPage, ShowMore, FormTouched, TextTouched,
                                BackToForm, TakeBackPerson, ChooseWay, ConfirmAccount, BrowserOpened>;

/// Where something was clicked or submitted. `values` points into the payload, which lives as long as it.
struct Interaction {
  std::shared_ptr<const json::Document> payload{};
  UserId user;
  std::string trigger;
  std::string view;  ///< its id
  std::string hash;
  std::string callback;
  std::string metadata;
  json::View values{};  ///< `state.values`
};
Interaction interaction_of(json::Document payload);

/// What the clicks of an interaction (`block_actions`) mean; those that mean nothing to us (a button that
/// only leads somewhere) are left out.
std::vector<UserAction> actions_of(const Interaction& interaction);

inline constexpr const char* kConfirmAccount = "account_confirm";
inline constexpr const char* kRefuseAccount = "account_refuse";

}  // namespace watchbill::slack_app
