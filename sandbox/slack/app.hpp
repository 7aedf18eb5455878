#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "sandbox/slack/block_kit_state.hpp"

/// What the workspace remembers of the app's surfaces: views, triggers, ephemeral messages.
namespace watchbill::sandbox {

/// A home tab or a modal of one person. Empty JSON texts are absent.
struct SlackView {
  std::string id;
  std::string user;
  bool modal = false;
  std::string blocks;  ///< JSON, with ids
  std::string title;   ///< JSON text objects
  std::string submit;
  std::string close;
  std::string private_metadata;
  std::string callback_id;
  std::string external_id;
  bool clear_on_close = false;
  bool notify_on_close = false;
  std::string hash;
  std::string root;
  std::string previous;  ///< empty: the bottom of its stack
  ViewState state;
  /// What Slack's client shows: errors at blocks, and one of its own above all.
  std::map<std::string, std::string> errors;
  std::string trouble;
  bool loading = false;  ///< submitted, and not answered yet
  /// Options that searches brought, by block and action: the app's answers.
  std::map<std::string, std::string> offered;
};

struct SlackTrigger {
  std::string user;
  Instant expires{};
  bool used = false;
};

/// A message that one person sees.
struct SlackEphemeral {
  std::string channel;
  std::string user;
  std::string ts;
  std::string text;
  std::string blocks;  ///< JSON or empty
};

/// Where an app may post to after a command: five times in half an hour.
struct SlackResponseUrl {
  std::string user;
  std::string channel;
  Instant expires{};
  int posts = 0;
  std::string last_ts{};  ///< of the ephemeral message posted last
};

struct SlackAppSettings {
  std::string id = "A0SANDBOX";
  bool home_enabled = true;
  std::vector<std::string> commands{"/oncall"};
  /// What it subscribed to of what Slack sends by itself: "user_change", ...
  /// (sandbox/slack/change_events.hpp).
  std::vector<std::string> events;
};

struct SlackApp {
  SlackAppSettings settings;
  std::map<std::string, SlackView> views;
  std::map<std::string, std::string> homes;                ///< person -> view
  std::map<std::string, std::vector<std::string>> modals;  ///< person -> views, the lowest first
  std::map<std::string, SlackTrigger> triggers;
  std::map<std::string, SlackResponseUrl> response_urls;  ///< by path
  std::deque<SlackEphemeral> ephemerals;                  ///< oldest first, the last 1,000
  std::map<std::string, std::uint64_t> revisions;  ///< person -> how often what he sees of the app changed
};

}  // namespace watchbill::sandbox
