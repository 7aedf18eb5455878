// watchbill slack manifest

#include "cli/commands/slack_manifest.hpp"

#include <ostream>

#include "cli/commands/commands.hpp"
#include "cli/session.hpp"
#include "slack/people/change_event.hpp"

namespace watchbill::cli {

namespace {

constexpr std::string_view kAppName = "Watchbill";
constexpr std::string_view kAppDescription = "Keeps user groups equal to who is on call";
constexpr std::string_view kAppColor = "#1d3557";
constexpr std::string_view kCommandDescription = "Show who is on call";
constexpr std::string_view kCommandHint = "[NAME | @group | next NAME | me | help]";

bool over_http(const ManifestPlan& plan) {
  return plan.mode == config::SlackMode::http;
}

std::string scope_lines(const std::vector<slack::ScopeNeed>& needs) {
  std::string out;
  for (const auto& [scope, why] : needs) out += fmt::format("      - {:<18} # {}\n", scope, why);
  return out;
}

/// "    request_url: …" at that depth, only over HTTP.
std::string url_line(const ManifestPlan& plan, std::string_view indent, std::string_view key,
                     std::string_view path) {
  return over_http(plan) ? fmt::format("{}{}: \"{}{}\"\n", indent, key, plan.public_url, path)
                         : std::string();
}

void write_scopes(json::Writer& w, std::string_view key, const std::vector<slack::ScopeNeed>& needs) {
  w.key(key).begin_array();
  for (const auto& need : needs) w.value(need.scope);
  w.end_array();
}

}  // namespace

std::string manifest_yaml(const ManifestPlan& plan) {
  std::string out = "_metadata:\n  major_version: 1\n";
  out += fmt::format("display_information:\n  name: {}\n  description: {}\n  background_color: \"{}\"\n",
                     kAppName, kAppDescription, kAppColor);
  out +=
      "features:\n"
      "  app_home:\n"
      "    home_tab_enabled: true\n"
      "    messages_tab_enabled: false\n"
      "    messages_tab_read_only_enabled: true\n"
      "  bot_user:\n"
      "    display_name: watchbill\n"
      "    always_online: true\n"
      "  slash_commands:\n";
  out +=
      "    # The app that was installed last takes a name: choose another (slack.command) if it is used.\n";
  out += fmt::format("    - command: {}\n", plan.command);
  out += url_line(plan, "      ", "url", "/slack/commands");
  out += fmt::format("      description: {}\n      usage_hint: \"{}\"\n      should_escape: true\n",
                     kCommandDescription, kCommandHint);
  out += "oauth_config:\n  scopes:\n    bot:\n" + scope_lines(slack::bot_scopes(plan.features));
  if (const auto user = slack::user_scopes(plan.features); !user.empty())
    out += "    user:\n" + scope_lines(user);
  out += "settings:\n  event_subscriptions:\n";
  out += url_line(plan, "    ", "request_url", "/slack/events");
  out += fmt::format("    bot_events:\n      - {:<24} # to show the home tab; needs no scope\n",
                     "app_home_opened");
  for (const auto& [type, why] : slack::change_event_types())
    out += fmt::format("      - {:<24} # {}\n", type, why);
  out += "  interactivity:\n    is_enabled: true\n";
  out += url_line(plan, "    ", "request_url", "/slack/interactions");
  out += url_line(plan, "    ", "message_menu_options_url", "/slack/options");
  out += "  org_deploy_enabled: false\n";
  out += fmt::format("  socket_mode_enabled: {}\n", !over_http(plan));
  out += "  token_rotation_enabled: false   # cannot be undone once it is on\n";
  return out;
}

std::string manifest_json(const ManifestPlan& plan) {
  json::Writer w;
  const auto url = [&](std::string_view key, std::string_view path) {
    if (over_http(plan)) w.field(key, plan.public_url + std::string(path));
  };
  w.begin_object().key("_metadata").begin_object().field("major_version", 1).end_object();
  w.key("display_information").begin_object().field("name", kAppName).field("description", kAppDescription);
  w.field("background_color", kAppColor).end_object();
  w.key("features").begin_object().key("app_home").begin_object().field("home_tab_enabled", true);
  w.field("messages_tab_enabled", false).field("messages_tab_read_only_enabled", true).end_object();
  w.key("bot_user").begin_object().field("display_name", "watchbill").field("always_online", true);
  w.end_object().key("slash_commands").begin_array().begin_object().field("command", plan.command);
  url("url", "/slack/commands");
  w.field("description", kCommandDescription).field("usage_hint", kCommandHint).field("should_escape", true);
  w.end_object().end_array().end_object();
  w.key("oauth_config").begin_object().key("scopes").begin_object();
  write_scopes(w, "bot", slack::bot_scopes(plan.features));
  if (const auto user = slack::user_scopes(plan.features); !user.empty()) write_scopes(w, "user", user);
  w.end_object().end_object().key("settings").begin_object().key("event_subscriptions").begin_object();
  url("request_url", "/slack/events");
  w.key("bot_events").begin_array().value("app_home_opened");
  for (const auto& event : slack::change_event_types()) w.value(event.type);
  w.end_array().end_object();
  w.key("interactivity").begin_object().field("is_enabled", true);
  url("request_url", "/slack/interactions");
  url("message_menu_options_url", "/slack/options");
  w.end_object().field("org_deploy_enabled", false).field("socket_mode_enabled", !over_http(plan));
  w.field("token_rotation_enabled", false).end_object().end_object();
  return w.take();
}

namespace {

Result<int> manifest(Session& session, const Invocation& in) {
  auto config = session.config();
  if (!config) return config.error();
  const auto& slack = (*config)->slack;
  ManifestPlan plan{slack.mode,
                    slack.command,
                    (*config)->public_url,
                    {slack.history_probe, in.has("user-token") || slack.user_token.file.has_value()}};
  if (const auto mode = in.value("mode")) {
    if (*mode != "socket" && *mode != "http")
      return fail(ErrorKind::invalid, "--mode \"{}\": use socket or http", *mode);
    plan.mode = *mode == "http" ? config::SlackMode::http : config::SlackMode::socket;
  }
  if (over_http(plan) && plan.public_url.empty()) {
    return fail(ErrorKind::invalid,
                "slack manifest: over HTTP Slack needs an address to send to: set public_url "
                "(https://watchbill.example.com) in the configuration, or use --mode socket");
  }
  if (session.json()) {
    session.print_json(manifest_json(plan));
  } else {
    session.io().out << manifest_yaml(plan);
  }
  return kDone;
}

}  // namespace

std::vector<Command> slack_commands() {
  return {
      {"slack manifest",
       "Print the app's manifest, to be pasted into Slack",
       "What the configuration asks for decides which scopes are in it: no more than its features need, each "
       "with the reason. At api.slack.com/apps choose \"Create New App\", \"From a manifest\", and paste it; "
       "of "
       "an existing app replace the manifest and install it again. Nothing is asked of Slack.",
       {},
       {{"mode", "socket|http", "how Slack reaches Watchbill (default: slack.mode of the configuration)"},
        {"user-token", "",
         "user groups are written with a person's token (default: if slack.user_token_file is set)"}},
       {"slack manifest > manifest.yaml", "slack manifest --mode http --format json"},
       manifest}};
}

}  // namespace watchbill::cli
