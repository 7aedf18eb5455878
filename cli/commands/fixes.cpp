#include "cli/commands/fixes.hpp"

#include <algorithm>
#include <array>

namespace watchbill::cli {

namespace {

constexpr std::string_view kAgain = "nothing: it is tried again by itself";
constexpr std::string_view kNetwork =
    "check the network, DNS, the firewall and `http.proxy`; it is tried again by itself";
constexpr std::string_view kSlackNetwork =
    "check the network, DNS, the firewall, `http.proxy` and `slack.api_url`; it is tried again by itself";
constexpr std::string_view kManifest =
    "replace the app's manifest by what `watchbill slack manifest` prints, and install the app again";

/// The first part of `text` up to a ':', which it loses.
std::string_view take_part(std::string_view& text) {
  const auto colon = text.find(':');
  const auto part = text.substr(0, colon);
  text = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  return part;
}

/// What Slack's refusals end in: "…: what [code]: fix" (slack/api/answer.hpp). Empty if there is none.
std::string refusal_fix(std::string_view message) {
  constexpr std::string_view mark = "]: ";
  const auto at = message.rfind(mark);
  if (at == std::string_view::npos) return {};
  auto fix = message.substr(at + mark.size());
  // What the engine says after it (engine/decide/open_problems.cpp).
  fix = fix.substr(0, fix.find(". On call is "));
  return std::string(fix);
}

std::string told_by_slack(std::string_view message, std::string_view otherwise) {
  auto fix = refusal_fix(message);
  return fix.empty() ? std::string(otherwise) : fix;
}

/// The last part of a message of ours, if that says what to do.
std::string told_fix(std::string_view message) {
  constexpr auto verbs =
      std::to_array<std::string_view>({"install ", "name ", "put ", "restore ", "run ", "start ", "use "});
  for (const std::string_view mark : {": ", "; "}) {
    const auto found = message.rfind(mark);
    if (found == std::string_view::npos) continue;
    const auto rest = message.substr(found + mark.size());
    if (std::any_of(verbs.begin(), verbs.end(), [&](auto verb) { return rest.starts_with(verb); }))
      return std::string(rest);
  }
  return {};
}

/// How a rotation is changed: by the command line, or in the file that made it.
std::string edit(const Rotation* rotation, std::string_view options) {
  if (rotation == nullptr) return fmt::format("watchbill rotation edit ROTATION {}", options);
  constexpr std::string_view file = "file:";
  if (rotation->managed_by.starts_with(file)) {
    const auto path = rotation->managed_by.substr(file.size());
    return fmt::format("change it in {0}, then `watchbill apply -f {0}`", path);
  }
  return fmt::format("watchbill rotation edit \"{}\" {}", rotation->name, options);
}

std::string rotation_fix(std::string_view kind, std::string_view rest, std::string_view text,
                         const Rotation* rotation, std::string_view credentials) {
  const auto connection = rest.substr(0, rest.find('/'));
  if (kind == "unmatched") return fmt::format("watchbill people map {} U…", rest);
  if (kind == "deleted") return fmt::format("take {} out of the schedule, or delete its shifts", rest);
  if (kind == "lookup") return std::string(kSlackNetwork);
  if (kind == "unfit") {
    const bool fallback = text.find("fallback member") != std::string_view::npos;
    return edit(rotation, fallback ? "--fallback …" : "--member …");
  }
  if (kind == "empty")
    return "fill the gap in the schedule; or " + edit(rotation, "--empty fallback --fallback …");
  if (kind == "required") return fmt::format("fill the gap in {}", rest);
  if (kind == "gone") return edit(rotation, "--schedule CONNECTION/ID");
  if (kind == "forbidden") {
    return fmt::format("watchbill connection update {} {} (of somebody who may read {})", connection,
                       credentials, rest);
  }
  if (kind == "unknown") return fmt::format("watchbill connection test {}", connection);
  if (kind == "missing" || kind == "unwritable") return edit(rotation, "--group @…");
  if (kind == "drift")
    return "find out who else edits the group, and stop that; or " + edit(rotation, "--drift report");
  if (kind == "differs") return "edit the group in Slack; or " + edit(rotation, "--drift repair");
  if (kind == "channel") return "invite the bot there (`/invite`); or " + edit(rotation, "--channel …");
  if (kind == "store") return "make room for the database, and see who has it open (`fuser -v`)";
  return {};
}

std::string role_fix(std::string_view role, std::string_view rest, const Rotation* rotation) {
  if (role == "user_token")
    return "put the token of somebody who may edit user groups into slack.user_token_file";
  if (role == "editor") return fmt::format("take {} out of slack.editors.users, or name another", rest);
  return edit(rotation, role == "owner" ? "--owner …" : "--fallback …");
}

}  // namespace

std::string fix_of(const Problem& problem, const Rotation* rotation, std::string_view credentials) {
  std::string_view rest = problem.key;
  const auto about = take_part(rest);
  const auto who = take_part(rest);
  if (about == "rotation") {
    const auto kind = take_part(rest);
    auto fix = rotation_fix(kind, rest, problem.text, rotation, credentials);
    return fix.empty() ? told_by_slack(problem.text, kAgain) : fix;
  }
  if (about == "clock" || problem.key == "slack:clock")
    return "set this host's clock: `timedatectl set-ntp true`";
  if (about == "role") return role_fix(who, rest, rotation);
  if (about == "connection") {
    if (rest == "unauthorized") return fmt::format("watchbill connection update {} {}", who, credentials);
    if (rest == "clock") return "set this host's clock (NTP)";
    if (rest == "emptied")
      return fmt::format("if it is not true: look what changed there, and what the key of {} may see", who);
    return fmt::format("watchbill connection test {}", who);
  }
  if (problem.key == "store:restored") return "look through the channels for that time, if it matters";
  if (about == "store") return "make room for the database, and see who has it open (`fuser -v`)";
  return told_by_slack(problem.text, who == "app" ? kManifest : kSlackNetwork);
}

std::string slack_fix(const Error& error) {
  if (auto told = refusal_fix(error.message); !told.empty()) return told;
  switch (error.kind) {
    case ErrorKind::unreachable:
    case ErrorKind::timeout:
      return std::string(kSlackNetwork);
    case ErrorKind::rate_limited:
      return "nothing: it is asked again when Slack allows it; if it goes on, which other program has this "
             "token?";
    case ErrorKind::server:
      return std::string(kAgain) + "; slack-status.com says whether Slack has trouble";
    case ErrorKind::unreadable:
      return "see what answers at slack.api_url: Slack, or a proxy between?";
    default:
      return std::string(kManifest);
  }
}

std::string connection_fix(const Error& error, std::string_view connection, std::string_view credentials) {
  switch (error.kind) {
    case ErrorKind::unreachable:
    case ErrorKind::timeout:
      return std::string(kNetwork);
    case ErrorKind::rate_limited:
      return "a key that only Watchbill uses, or a longer `poll_interval`";
    case ErrorKind::server:
      return std::string(kAgain) + "; the vendor's status page says whether there is trouble";
    case ErrorKind::forbidden:
      return fmt::format(
          "give the key the right to read schedules and users, or another key: `watchbill connection "
          "update {} {}`",
          connection, credentials);
    case ErrorKind::unreadable:
    case ErrorKind::not_found:
      return fmt::format("watchbill connection update {} (is its address right?)", connection);
    default:
      return fmt::format("watchbill connection update {} {}", connection, credentials);
  }
}

std::string store_fix(const Error& error, std::string_view path) {
  if (auto told = told_fix(error.message); !told.empty()) return told;
  if (error.code == "busy") return fmt::format("see who has it open: `fuser -v {}`", path);
  if (error.code == "full") return fmt::format("make room on the disk of {}", path);
  if (error.code == "readonly")
    return fmt::format("make the file system of {} writable; its files belong to watchbill", path);
  if (error.code == "io") return "see what the disk says: `journalctl -k`";
  if (error.kind == ErrorKind::forbidden)
    return fmt::format("move away what is at {}, or name another `store`", path);
  return "systemctl stop watchbilld, then `watchbill restore FILE` of a backup";
}

}  // namespace watchbill::cli
