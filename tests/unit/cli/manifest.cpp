#include <yaml-cpp/yaml.h>

#include "base/json.hpp"
#include "cli/commands/slack_manifest.hpp"
#include "tests/support/catch.hpp"

using namespace watchbill;
using namespace watchbill::cli;

namespace {

ManifestPlan over_http() {
  ManifestPlan plan;
  plan.mode = config::SlackMode::http;
  plan.public_url = "https://watchbill.example.com";
  return plan;
}

std::vector<std::string> texts(const YAML::Node& list) {
  std::vector<std::string> out;
  for (const auto& item : list) out.push_back(item.Scalar());
  return out;
}

/// YAML as JSON would show it: scalars as text.
std::string flat(const YAML::Node& node) {
  std::string out;
  if (node.IsScalar()) return node.Scalar();
  for (const auto& item : node) {
    if (node.IsMap()) {
      out += item.first.Scalar() + "=" + flat(item.second) + ";";
    } else {
      out += flat(item) + ",";
    }
  }
  return (node.IsMap() ? "{" : "[") + out + (node.IsMap() ? "}" : "]");
}

}  // namespace

TEST_CASE("a manifest for Socket Mode has what the app needs and no addresses") {
  const auto manifest = YAML::Load(manifest_yaml({}));
  CHECK(manifest["display_information"]["name"].Scalar().size() <= 35);
  CHECK(manifest["display_information"]["description"].Scalar().size() <= 140);
  CHECK(manifest["features"]["app_home"]["home_tab_enabled"].as<bool>());
  CHECK(manifest["features"]["bot_user"]["display_name"].Scalar() == "watchbill");
  const auto command = manifest["features"]["slash_commands"][0];
  CHECK(command["command"].Scalar() == "/oncall");
  CHECK(command["should_escape"].as<bool>());
  CHECK_FALSE(command["url"]);
  CHECK(texts(manifest["settings"]["event_subscriptions"]["bot_events"]) ==
        std::vector<std::string>{"app_home_opened", "user_change", "team_join", "subteam_created",
                                 "subteam_updated", "subteam_members_changed"});
  CHECK(manifest["settings"]["interactivity"]["is_enabled"].as<bool>());
  CHECK(manifest["settings"]["socket_mode_enabled"].as<bool>());
  CHECK_FALSE(manifest["settings"]["token_rotation_enabled"].as<bool>());
  CHECK(manifest_yaml({}).find("https://") == std::string::npos);
}

TEST_CASE("over HTTP Slack is told all four addresses") {
  const auto manifest = YAML::Load(manifest_yaml(over_http()));
  const std::string base = "https://watchbill.example.com/slack/";
  CHECK(manifest["features"]["slash_commands"][0]["url"].Scalar() == base + "commands");
  CHECK(manifest["settings"]["event_subscriptions"]["request_url"].Scalar() == base + "events");
  CHECK(manifest["settings"]["interactivity"]["request_url"].Scalar() == base + "interactions");
  CHECK(manifest["settings"]["interactivity"]["message_menu_options_url"].Scalar() == base + "options");
  CHECK_FALSE(manifest["settings"]["socket_mode_enabled"].as<bool>());
}

TEST_CASE("the command is called as the configuration says, and scopes follow the features") {
  ManifestPlan plan;
  plan.command = "/duty";
  plan.features = {true, true};
  const auto manifest = YAML::Load(manifest_yaml(plan));
  CHECK(manifest["features"]["slash_commands"][0]["command"].Scalar() == "/duty");
  const auto bot = texts(manifest["oauth_config"]["scopes"]["bot"]);
  CHECK(bot.size() == slack::bot_scopes(plan.features).size());
  CHECK(std::count(bot.begin(), bot.end(), "channels:history") == 1);
  CHECK(texts(manifest["oauth_config"]["scopes"]["user"]) == std::vector<std::string>{"usergroups:write"});
  CHECK_FALSE(YAML::Load(manifest_yaml({}))["oauth_config"]["scopes"]["user"]);
}

TEST_CASE("every scope in the manifest says why it is asked for") {
  ManifestPlan plan;
  plan.features = {true, true};
  const auto text = manifest_yaml(plan);
  for (const auto& needs : {slack::bot_scopes(plan.features), slack::user_scopes(plan.features)}) {
    for (const auto& [scope, why] : needs) CHECK(text.find("# " + std::string(why)) != std::string::npos);
  }
}

TEST_CASE("the manifest is the same in YAML and in JSON") {
  for (auto plan : {ManifestPlan{}, over_http()}) {
    for (const bool features : {false, true}) {
      plan.features = {features, features};
      CHECK(flat(YAML::Load(manifest_yaml(plan))) == flat(YAML::Load(manifest_json(plan))));
      CHECK(json::parse(manifest_json(plan)));
    }
  }
}
