// What `doctor` looks at in Slack.

#include <algorithm>
#include <map>
#include <set>

#include "cli/commands/checks.hpp"
#include "cli/commands/fixes.hpp"
#include "control/roles.hpp"
#include "slack/api/scopes.hpp"

namespace watchbill::cli {

namespace {

constexpr auto kDoctorPriority = slack::Priority::edit;
/// Where Slack asks for more, that is what is wrong.
constexpr seconds kPatience{60};

/// Where a workspace says who may edit user groups: both places, since plans differ in which they have.
constexpr std::string_view kGroupSettings =
    "let everyone edit user groups in Slack (Tools & settings > Workspace settings > Permissions > User "
    "Groups; elsewhere Roles & permissions > Account types, \"Create and edit user groups\"), or put the "
    "token of somebody who may into slack.user_token_file";

std::string scope_list(const std::vector<slack::ScopeNeed>& needs) {
  std::string out;
  for (const auto& [scope, why] : needs) out += fmt::format("{}{} ({})", out.empty() ? "" : ", ", scope, why);
  return out;
}

/// `offered`: what a manifest asks for, of which no more than `needed` is used here.
void check_scopes(Checks& checks, const std::string& token, const std::vector<slack::ScopeNeed>& needed,
                  const std::vector<slack::ScopeNeed>& offered, const std::vector<std::string>& present) {
  const auto name = token + " token scopes";
  if (const auto missing = slack::missing_scopes(needed, present); !missing.empty()) {
    return failed(checks, name, "missing: " + scope_list(missing),
                  "replace the app's manifest by what `watchbill slack manifest` prints, and install the app "
                  "again");
  }
  const auto more = slack::needless_scopes(offered, present);
  if (more.empty()) return ok(checks, name, "all that are needed, and no more");
  ok(checks, name, fmt::format("all that are needed; nothing here needs {}", fmt::join(more, ", ")));
}

/// `fix`, unless Slack was not reached or has trouble itself: then nobody need change a token.
std::string unless_network(const Error& error, std::string_view fix) {
  const bool ours = error.kind == ErrorKind::unauthorized || error.kind == ErrorKind::forbidden ||
                    error.kind == ErrorKind::invalid || error.kind == ErrorKind::not_found ||
                    error.kind == ErrorKind::conflict;
  return ours ? std::string(fix) : slack_fix(error);
}

net::Task<Result<slack::Identity>> ask_bot(SlackAccess& context) {
  auto permit = co_await context.limiter.acquire(slack::Method::auth_test, kDoctorPriority);
  co_return co_await context.web.auth_test(std::move(permit));
}

net::Task<Result<slack::Identity>> ask_user(SlackAccess& context) {
  auto permit = co_await context.limiter.acquire(slack::Method::auth_test, kDoctorPriority);
  co_return co_await context.web.user_auth_test(std::move(permit));
}

net::Task<Result<std::string>> ask_app(SlackAccess& context) {
  auto permit = co_await context.limiter.acquire(slack::Method::apps_connections_open, kDoctorPriority);
  co_return co_await context.web.open_connection(std::move(permit));
}

net::Task<Result<slack::UserGroup>> rename_to_itself(SlackAccess& context, slack::UserGroup group) {
  auto permit = co_await context.limiter.acquire(slack::Method::usergroups_update, kDoctorPriority);
  slack::GroupChanges changes;
  changes.name = group.name;
  co_return co_await context.web.update_group(std::move(permit), group.id, std::move(changes));
}

net::Task<Result<std::vector<slack::UserGroup>>> list_groups(SlackAccess& context) {
  auto permit = co_await context.limiter.acquire(slack::Method::usergroups_list, kDoctorPriority);
  co_return co_await context.web.list_groups(std::move(permit));
}

/// How many pages of all channels are read before the rest is asked one by one.
constexpr int kMostChannelPages = 5;

/// Those of `wanted` that the first pages of all channels have: a call for each of them would take minutes.
net::Task<std::map<ChannelId, slack::Channel>> find_channels(SlackAccess& context,
                                                             std::set<ChannelId> wanted) {
  std::map<ChannelId, slack::Channel> found;
  std::string cursor;
  for (int page = 0; page < kMostChannelPages && found.size() < wanted.size(); ++page) {
    auto permit = co_await context.limiter.acquire(slack::Method::conversations_list, kDoctorPriority);
    auto listed = co_await context.web.list_channels(std::move(permit), cursor);
    // What the list does not tell is asked for each channel.
    if (!listed) break;
    for (auto& channel : listed->channels) {
      if (wanted.contains(channel.id)) found.insert_or_assign(channel.id, std::move(channel));
    }
    cursor = listed->next_cursor;
    if (cursor.empty()) break;
  }
  co_return found;
}

net::Task<Result<slack::Channel>> ask_channel(SlackAccess& context, ChannelId id) {
  auto permit = co_await context.limiter.acquire(slack::Method::conversations_info, kDoctorPriority);
  co_return co_await context.web.channel_info(std::move(permit), std::move(id));
}

/// True if Slack can be used for the checks that follow.
bool check_tokens(Session& session, const config::Config& config, Checks& checks) {
  auto context = session.slack();
  if (!context) {
    failed(checks, "Slack bot token", context.error().message, "name its file in slack.bot_token_file");
    return false;
  }
  (*context)->web.set_patience(kPatience);
  session.doing("asking Slack");
  auto bot = session.run(ask_bot(**context));
  if (!bot) {
    failed(checks, "Slack bot token", bot.error().message, slack_fix(bot.error()));
    return false;
  }
  if (bot->organization) {
    failed(
        checks, "Slack bot token",
        fmt::format("it is for a whole organization ({}), and user groups belong to a workspace", bot->team),
        "install the app in the workspace whose groups are to be kept (on the app's page, Install App, "
        "choose the workspace and not the organization), and put that bot token into slack.bot_token_file");
    return false;
  }
  ok(checks, "Slack bot token", fmt::format("{} in {} ({})", bot->user, bot->team, bot->team_id));
  slack::Features features{config.slack.history_probe, (*context)->has_user_token};
  const auto offered = slack::bot_scopes(features);
  // What is wrong with a secret that is named stands in a line of its own (check_app): it shall be used.
  const auto secret = session.app_secret();
  features.app = !secret || secret->has_value();
  check_scopes(checks, "bot", slack::bot_scopes(features), offered, bot->scopes);
  if (features.user_token) {
    auto user = session.run(ask_user(**context));
    if (user) {
      ok(checks, "Slack user token", fmt::format("{} in {}", user->user, user->team));
      check_scopes(checks, "user", slack::user_scopes(features), slack::user_scopes(features), user->scopes);
    } else {
      failed(checks, "Slack user token", user.error().message,
             unless_network(user.error(),
                            "put the token of somebody who may edit user groups into slack.user_token_file"));
    }
  }
  check_clock(checks, "Slack", (*context)->web.clock_skew());
  return true;
}

/// How Slack reaches the home tab and the command.
void check_app(Session& session, const config::Config& config, Checks& checks) {
  const std::string name = "Slack app";
  const bool over_http = config.slack.mode == config::SlackMode::http;
  const auto key = over_http ? "slack.signing_secret_file" : "slack.app_token_file";
  auto secret = session.app_secret();
  if (!secret) return failed(checks, name, secret.error().message, fmt::format("correct {}", key));
  if (!*secret) {
    return warned(checks, name, "there is no home tab and no command in Slack; groups are kept all the same",
                  over_http ? "put the signing secret (Basic Information) into the file of "
                              "slack.signing_secret_file"
                            : "make an app-level token with the scope connections:write (Basic Information) "
                              "and put it into the file of slack.app_token_file");
  }
  if (over_http) {
    if (config.public_url.empty()) {
      return failed(checks, name, "over HTTP Slack needs an address to send to",
                    "set public_url, and the URLs in the app (`watchbill slack manifest --mode http`)");
    }
    return ok(checks, name,
              fmt::format("over HTTP; Slack must know {}/slack/events, /slack/interactions, /slack/commands "
                          "and /slack/options",
                          config.public_url));
  }
  auto context = session.slack();
  if (!context) return;
  auto opened = session.run(ask_app(**context));
  if (opened) return ok(checks, name, "over Socket Mode; the app-level token works");
  failed(checks, name, opened.error().message,
         unless_network(opened.error(),
                        "turn Socket Mode on in the app, and put an app-level token with the scope "
                        "connections:write into slack.app_token_file"));
}

/// Changes nothing, but Slack must allow it: a group gets the name that it has.
void check_group_rights(Session& session, const std::vector<slack::UserGroup>& groups,
                        const std::vector<Rotation>& rotations, Checks& checks) {
  const std::string name = "right to edit user groups";
  const auto kept = [&](const slack::UserGroup& group) {
    return std::any_of(rotations.begin(), rotations.end(),
                       [&](const Rotation& rotation) { return rotation.group == group.id; });
  };
  const auto writable = [](const slack::UserGroup& group) { return !group.unwritable && !group.disabled; };
  auto tried = std::find_if(groups.begin(), groups.end(),
                            [&](const auto& group) { return kept(group) && writable(group); });
  if (tried == groups.end()) tried = std::find_if(groups.begin(), groups.end(), writable);
  if (tried == groups.end()) {
    return warned(checks, name, "not tried: there is no user group yet",
                  "run doctor again when there is a rotation");
  }
  auto context = session.slack();
  if (!context) return;
  auto changed = session.run(rename_to_itself(**context, *tried));
  if (changed) return ok(checks, name, fmt::format("@{} took its own name again", tried->handle));
  // That was told above.
  if (changed.error().code == "missing_scope") return;
  const bool refused = changed.error().code == "permission_denied";
  failed(checks, name, changed.error().message,
         refused ? std::string(kGroupSettings) : slack_fix(changed.error()));
}

void check_group(const std::vector<slack::UserGroup>& groups, const Rotation& rotation, Checks& checks) {
  const auto name = fmt::format("group of \"{}\"", rotation.name);
  const auto group = std::find_if(groups.begin(), groups.end(),
                                  [&](const slack::UserGroup& one) { return one.id == rotation.group; });
  if (group == groups.end()) {
    return failed(checks, name, fmt::format("Slack has no group {} (@{})", rotation.group, rotation.handle),
                  fmt::format("watchbill rotation edit \"{}\" --group @…", rotation.name));
  }
  if (group->unwritable) {
    return failed(checks, name, fmt::format("@{}: {}", group->handle, *group->unwritable),
                  fmt::format("watchbill rotation edit \"{}\" --group @…", rotation.name));
  }
  ok(checks, name,
     fmt::format("@{}, {} members{}", group->handle, group->members.size(),
                 group->disabled ? ", disabled" : ""));
}

void check_channel(const config::Config& config, const ChannelId& id, const std::string& used_by,
                   const Result<slack::Channel>& channel, Checks& checks) {
  const auto name = fmt::format("channel {} ({})", id, used_by);
  if (!channel)
    return failed(checks, name, channel.error().message, "invite the bot there, or choose another");
  if (channel->archived)
    return failed(checks, name, fmt::format("#{} is archived", channel->name),
                  "unarchive it, or choose another");
  const bool joins = config.slack.history_probe && !channel->is_private;
  if (!channel->member && !joins) {
    return warned(checks, name,
                  fmt::format("the bot is not in #{}: Slack may refuse to post there", channel->name),
                  fmt::format("type `/invite @watchbill` in #{}", channel->name));
  }
  if (!config.slack.history_probe) {
    return ok(checks, name,
              fmt::format("#{} (after a crash a message may be repeated: slack.history_probe is "
                          "off)",
                          channel->name));
  }
  ok(checks, name, "#" + channel->name);
}

void check_channels(Session& session, SlackAccess& context, const config::Config& config,
                    const std::vector<Rotation>& rotations, Checks& checks) {
  std::map<ChannelId, std::string> used_by;
  if (config.slack.alert_channel) used_by.emplace(*config.slack.alert_channel, "alerts");
  for (const auto& rotation : rotations) {
    for (const auto& channel : rotation.channels) used_by.emplace(channel, rotation.name);
    if (rotation.alert_channel) used_by.emplace(*rotation.alert_channel, rotation.name);
  }
  session.doing("looking at channels");
  std::set<ChannelId> wanted;
  for (const auto& [id, user] : used_by) wanted.insert(id);
  const auto found = session.run(find_channels(context, std::move(wanted)));
  for (const auto& [id, user] : used_by) {
    const auto listed = found.find(id);
    auto channel = listed == found.end() ? session.run(ask_channel(context, id)) : listed->second;
    check_channel(config, id, user, channel, checks);
  }
}

}  // namespace

void check_slack(Session& session, const config::Config& config, const std::vector<Rotation>& rotations,
                 bool fast, Checks& checks) {
  if (!check_tokens(session, config, checks)) return;
  check_app(session, config, checks);
  auto context = session.slack();
  if (!context) return;
  auto groups = session.run(list_groups(**context));
  if (!groups) {
    failed(checks, "Slack user groups", groups.error().message, slack_fix(groups.error()));
  } else {
    ok(checks, "Slack user groups", fmt::format("{} can be read", groups->size()));
    check_group_rights(session, *groups, rotations, checks);
    for (const auto& rotation : rotations) check_group(*groups, rotation, checks);
  }
  if (!fast) check_channels(session, **context, config, rotations, checks);
}

void check_roles(Session& session, const std::vector<Rotation>& rotations, Checks& checks) {
  auto context = session.context();
  auto slack = session.slack();
  if (!context || !slack) return;
  session.doing("asking Slack about people");
  std::optional<UserId> token_user;
  if ((*slack)->has_user_token) {
    auto user = session.run(ask_user(**slack));
    if (user) token_user = user->user_id;
  }
  const auto lost = session.run(control::lost_roles(**context, token_user, kDoctorPriority)).problems;
  for (const auto& problem : lost) {
    const auto rotation = std::find_if(rotations.begin(), rotations.end(),
                                       [&](const Rotation& one) { return one.id == problem.rotation; });
    failed(checks, "people", problem.text,
           fix_of(problem, rotation == rotations.end() ? nullptr : &*rotation));
  }
  if (lost.empty())
    ok(checks, "people behind tokens, editors, owners and fallbacks", "all of them are active");
}

}  // namespace watchbill::cli
