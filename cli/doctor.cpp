// watchbill doctor

#include <algorithm>
#include <array>
#include <ostream>

#include "cli/commands.hpp"
#include "cli/overview.hpp"
#include "cli/table.hpp"
#include "manage/connections.hpp"
#include "manage/workspace.hpp"

namespace watchbill::cli {

namespace {

/// Shown above, and a failure above, this difference between the clocks.
constexpr auto kSkewShown = 2s;
constexpr auto kSkewBad = 30s;

struct Check {
  std::string name;
  std::string state;  ///< ok, warn, fail
  std::string detail;
  std::string fix{};
};

using Checks = std::vector<Check>;

void ok(Checks& checks, std::string name, std::string detail) {
  checks.push_back({std::move(name), "ok", std::move(detail)});
}
void warned(Checks& checks, std::string name, std::string detail, std::string fix) {
  checks.push_back({std::move(name), "warn", std::move(detail), std::move(fix)});
}
void failed(Checks& checks, std::string name, std::string detail, std::string fix) {
  checks.push_back({std::move(name), "fail", std::move(detail), std::move(fix)});
}

void check_clock(Checks& checks, const std::string& system, std::optional<seconds> skew) {
  if (!skew) return;
  const auto size = *skew < 0s ? -*skew : *skew;
  const auto text = fmt::format("differs from this host's by {} s", skew->count());
  const std::string fix = "set this host's clock (NTP)";
  if (size > kSkewBad) return failed(checks, "clock of " + system, text, fix);
  if (size > kSkewShown) return warned(checks, "clock of " + system, text, fix);
  ok(checks, "clock of " + system, "agrees with this host's");
}

// docs.slack.dev/reference/methods/…: the scopes of the methods that we call.
constexpr std::array<std::string_view, 6> kNeeded{"chat:write", "channels:read",    "usergroups:read",
                                                  "users:read", "users:read.email", "usergroups:write"};

void check_scopes(Checks& checks, const std::string& token, const std::vector<std::string>& present,
                  const std::vector<std::string_view>& needed) {
  std::vector<std::string_view> missing;
  for (const auto scope : needed) {
    if (std::find(present.begin(), present.end(), scope) == present.end()) missing.push_back(scope);
  }
  if (missing.empty()) return ok(checks, token + " scopes", "all that are needed");
  failed(checks, token + " scopes", fmt::format("missing: {}", fmt::join(missing, ", ")),
         "add them to the app in Slack (OAuth & Permissions) and reinstall it");
}

net::Task<Result<slack::Identity>> ask_bot(SlackDesk& desk) {
  auto permit = co_await desk.gate.acquire(slack::Method::auth_test, slack::Priority::edit);
  co_return co_await desk.web.auth_test(std::move(permit));
}

net::Task<Result<slack::Identity>> ask_user(SlackDesk& desk) {
  auto permit = co_await desk.gate.acquire(slack::Method::auth_test, slack::Priority::edit);
  co_return co_await desk.web.user_auth_test(std::move(permit));
}

/// True if Slack can be used for the checks that follow.
bool check_tokens(Session& session, const config::Config& config, Checks& checks) {
  auto desk = session.slack();
  if (!desk) {
    failed(checks, "Slack bot token", desk.error().message, "name its file in slack.bot_token_file");
    return false;
  }
  auto bot = session.run(ask_bot(**desk));
  if (!bot) {
    failed(checks, "Slack bot token", bot.error().message, "see the app's page at api.slack.com/apps");
    return false;
  }
  ok(checks, "Slack bot token", fmt::format("{} in {} ({})", bot->user, bot->team, bot->team_id));
  std::vector<std::string_view> needed(kNeeded.begin(), kNeeded.end());
  if ((*desk)->has_user_token) needed.pop_back();
  if (config.slack.history_probe) needed.insert(needed.end(), {"channels:history", "channels:join"});
  check_scopes(checks, "bot token", bot->scopes, needed);
  if ((*desk)->has_user_token) {
    auto user = session.run(ask_user(**desk));
    if (user) {
      ok(checks, "Slack user token", fmt::format("{} in {}", user->user, user->team));
      check_scopes(checks, "user token", user->scopes, {"usergroups:write"});
    } else {
      failed(checks, "Slack user token", user.error().message,
             "put the token of somebody who may edit user groups into slack.user_token_file");
    }
  }
  check_clock(checks, "Slack", (*desk)->web.clock_skew());
  return true;
}

void check_group(Session& session, manage::Workspace& workspace, const Rotation& rotation, Checks& checks) {
  const auto name = fmt::format("group of \"{}\"", rotation.name);
  auto group = session.run(workspace.find_group(rotation.group, rotation.handle));
  if (!group) return;
  if (*group == nullptr) {
    return failed(checks, name, fmt::format("Slack has no group {} (@{})", rotation.group, rotation.handle),
                  fmt::format("watchbill rotation edit \"{}\" --group @…", rotation.name));
  }
  if ((*group)->unwritable) {
    return failed(checks, name, fmt::format("@{}: {}", (*group)->handle, *(*group)->unwritable),
                  fmt::format("watchbill rotation edit \"{}\" --group @…", rotation.name));
  }
  ok(checks, name,
     fmt::format("@{}, {} members{}", (*group)->handle, (*group)->members.size(),
                 (*group)->disabled ? ", disabled" : ""));
}

net::Task<Result<slack::Channel>> read_channel(SlackDesk& desk, ChannelId id) {
  auto permit = co_await desk.gate.acquire(slack::Method::conversations_info, slack::Priority::edit);
  co_return co_await desk.web.channel_info(std::move(permit), std::move(id));
}

void check_channel(Session& session, const config::Config& config, const ChannelId& id,
                   const std::string& used_by, Checks& checks) {
  auto desk = session.slack();
  if (!desk) return;
  const auto name = fmt::format("channel {} ({})", id, used_by);
  auto channel = session.run(read_channel(**desk, id));
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

void check_slack(Session& session, const config::Config& config, const std::vector<Rotation>& rotations,
                 Checks& checks) {
  if (!check_tokens(session, config, checks)) return;
  auto desk = session.desk();
  if (!desk) return;
  manage::Workspace workspace(**desk);
  auto groups = session.run(workspace.groups());
  if (!groups) {
    failed(checks, "Slack user groups", groups.error().message, "see the message");
  } else {
    ok(checks, "Slack user groups", fmt::format("{} can be read", (*groups)->size()));
    for (const auto& rotation : rotations) check_group(session, workspace, rotation, checks);
  }
  std::map<ChannelId, std::string> channels;
  if (config.slack.alert_channel) channels.emplace(*config.slack.alert_channel, "alerts");
  for (const auto& rotation : rotations) {
    for (const auto& channel : rotation.channels) channels.emplace(channel, rotation.name);
    if (rotation.alert_channel) channels.emplace(*rotation.alert_channel, rotation.name);
  }
  for (const auto& [id, used_by] : channels) check_channel(session, config, id, used_by, checks);
}

void check_connection(Session& session, Connection connection, Checks& checks) {
  const auto name = connection.name;
  const auto fix = fmt::format("watchbill connection update {}", name);
  auto desk = session.desk();
  if (!desk) return failed(checks, "connection " + name, desk.error().message, fix);
  auto open = manage::open_stored(**desk, std::move(connection));
  if (!open) return failed(checks, "connection " + name, open.error().message, fix);
  auto verified = session.run((*open)->provider->verify());
  if (verified) {
    ok(checks, "connection " + name, *verified);
  } else {
    failed(checks, "connection " + name, verified.error().message, fix);
  }
  check_clock(checks, "connection " + name, (*open)->provider->health().clock_skew);
}

void check_people(const manage::Overview& overview, Checks& checks) {
  std::size_t missing = 0;
  for (const auto& view : overview.rotations) {
    for (const auto& person : view.on_call) {
      if (person.member) continue;
      ++missing;
      const auto handle =
          person.responder.email.value_or(person.responder.connection + "/" + person.responder.id);
      warned(checks, fmt::format("person {}", person.responder.name),
             fmt::format("on call in \"{}\", and nobody in Slack matches", view.rotation.name),
             fmt::format("watchbill people map {} U…", handle));
    }
  }
  if (missing == 0) ok(checks, "people", "everybody on call is found in Slack");
}

void check_daemon(store::Store& store, const manage::Overview& overview, Checks& checks) {
  const auto pass = overview.last_pass ? "last complete pass " + format_rfc3339(*overview.last_pass)
                                       : std::string("no complete pass yet");
  if (overview.daemon_running) {
    ok(checks, "daemon", "running, " + pass);
  } else {
    warned(checks, "daemon", "not running, " + pass, "systemctl start watchbilld");
  }
  auto problems = store.problems().list();
  if (!problems) return failed(checks, "open problems", problems.error().message, "see the message");
  for (const auto& open : *problems) {
    if (open.ended_at) continue;
    failed(checks, "problem", fmt::format("{} (since {})", open.problem.text, format_rfc3339(open.since)),
           "as it says");
  }
}

void check_all(Session& session, Checks& checks) {
  auto config = session.config();
  if (!config) return failed(checks, "configuration", config.error().message, "correct the file");
  ok(checks, "configuration", "correct");
  auto store = session.store();
  if (!store) {
    std::vector<Rotation> none;
    failed(checks, "store", store.error().message, "see the message");
    return check_slack(session, **config, none, checks);
  }
  ok(checks, "store", fmt::format("{}, readable by its owner alone", (*config)->store));
  auto overview = read_overview(session);
  auto connections = (*store)->connections().list();
  if (!overview) return failed(checks, "store", overview.error().message, "see the message");
  if (!connections) return failed(checks, "store", connections.error().message, "see the message");
  check_daemon(**store, *overview, checks);
  std::vector<Rotation> rotations;
  for (const auto& view : overview->rotations) rotations.push_back(view.rotation);
  check_slack(session, **config, rotations, checks);
  for (auto& connection : *connections) check_connection(session, std::move(connection), checks);
  check_people(*overview, checks);
}

void print(Session& session, const Checks& checks, bool good) {
  if (session.json()) {
    json::Writer w;
    w.begin_object().field("ok", good).key("checks").begin_array();
    for (const auto& [name, state, detail, fix] : checks) {
      w.begin_object().field("check", name).field("state", state).field("detail", detail);
      w.field("fix", fix.empty() ? std::optional<std::string>() : fix).end_object();
    }
    w.end_array().end_object();
    return session.print_json(w.take());
  }
  for (const auto& [name, state, detail, fix] : checks) {
    session.io().out << printable(fmt::format("{:<4}  {}: {}\n", state, name, detail));
    if (!fix.empty()) session.io().out << printable(fmt::format("      fix: {}\n", fix));
  }
}

Result<int> doctor(Session& session, const Invocation& /*in*/) {
  Checks checks;
  check_all(session, checks);
  const bool good =
      std::none_of(checks.begin(), checks.end(), [](const Check& check) { return check.state == "fail"; });
  print(session, checks, good);
  return good ? kDone : kFailed;
}

}  // namespace

std::vector<Command> doctor_commands() {
  return {{"doctor",
           "Check tokens, scopes, groups, channels, connections and clocks, with fixes",
           "Really asks Slack and the scheduling systems; changes nothing. Each line is ok, warn or fail. "
           "Exits 1 "
           "if anything failed.",
           {},
           {},
           {"doctor", "doctor --format json"},
           doctor}};
}

}  // namespace watchbill::cli
