#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/secret.hpp"
#include "providers/provider.hpp"
#include "slack_app/blocks/blocks.hpp"

/// The forms in which a scheduling system is connected. What is secret goes from the submission into a
/// `Secret` and never back into a view.
namespace watchbill::slack_app {

/// What a form carries along while it is open.
struct ConnectState {
  std::string kind;        ///< "pagerduty"
  std::string existing{};  ///< the connection that gets new credentials; empty: a new one
  std::string way{};       ///< the name of the `CredentialWay`
  int round = 0;           ///< see `FormState`
  bool operator==(const ConnectState&) const = default;
};
std::string metadata_of(const ConnectState& state);
/// Nothing if it is none of ours.
std::optional<ConnectState> connect_state(const std::string& metadata);
/// Null if the adapter, or its way, is unknown.
const providers::CredentialWay* way_in(const ConnectState& state);

struct ConnectModel {
  ConnectState state{};
  std::string name{};  ///< proposed
  /// What was typed before, by the option's key; never a secret.
  std::map<std::string, std::string> typed{};
  std::string browser_url{};  ///< where the browser goes; empty: not possible
  std::string ticket{};       ///< that it carries; comes back when it is clicked
  std::string no_browser{};   ///< why not, mrkdwn
  std::vector<std::pair<std::string, std::string>> errors{};  ///< by field (empty: all of it), mrkdwn
};
std::string connect_view(const ConnectModel& model);

/// What was typed into the form.
struct ConnectInput {
  std::string name{};
  std::map<std::string, std::string> texts{};  ///< by flag, as in `watchbill connection add` ("host")
  std::map<std::string, Secret> secrets{};     ///< by flag ("api-key-file")
};
ConnectInput typed_connection(json::View values, const ConnectState& state);

inline constexpr const char* kConnectForm = "connection_form";  ///< callback
inline constexpr const char* kFieldConnection = "connection";
inline constexpr const char* kFieldWay = "way";
inline constexpr const char* kOpenBrowser = "open_browser";

}  // namespace watchbill::slack_app
