// Scenarios: YAML that is played through the control vocabulary.

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "sandbox/control/control.hpp"

namespace watchbill::sandbox {
namespace {

/// Six people who are in Slack and in all three systems, three schedules that hand off every 20 s in turn,
/// three groups that hold an outsider until somebody takes care of them, and a guest who sees one channel.
constexpr const char* kDemo = R"(
people:
  - {key: ada, name: Ada Lindqvist, email: ada@example.com}
  - {key: bo, name: Bo Tanaka, email: bo@example.com}
  - {key: cleo, name: Cleo Martins, email: cleo@example.com}
  - {key: dev, name: Dev Anand, email: dev@example.com}
  - {key: eva, name: Eva Novak, email: eva@example.com}
  - {key: finn, name: Finn Okafor, email: finn@example.com}
  - {key: otto, name: Otto Outsider, email: otto@example.com, pagerduty: false, opsgenie: false, xmatters: false}
  - {key: gina, name: Gina Guest, email: gina@example.com, slack: {guest: multi}, pagerduty: false, opsgenie: false,
     xmatters: false}
channels:
  - {name: payments, people: [gina]}
  - {name: platform}
  - {name: database}
  - {name: ops-alerts}
groups:
  - {handle: payments-oncall, name: Payments on-call, people: [otto]}
  - {handle: platform-oncall, name: Platform on-call, people: [otto]}
  - {handle: database-oncall, name: Database on-call, people: [otto]}
schedules:
  - {system: pagerduty, id: PSCHED1, name: Payments primary, kind: layer, escalation_policies: 2,
     people: [ada, bo, cleo], shift_seconds: 60, start: -45}
  - {system: opsgenie, id: d875e654-9b4e-4219-a803-0c26936870de, name: Platform,
     people: [cleo, dev, eva], shift_seconds: 60, start: -25}
  - {system: xmatters, id: 3c765cff-3fe3-4229-8dc4-6b41c3d701a2, name: Database,
     people: [[eva, finn], [finn, ada], [ada, eva]], delays: [0, 15], shift_seconds: 60, start: -5}
rotations:
  - {name: payments, group: "@payments-oncall", schedule: pagerduty/PSCHED1, channel: "#payments"}
  - {name: platform, group: "@platform-oncall", schedule: opsgenie/d875e654-9b4e-4219-a803-0c26936870de,
     channel: "#platform"}
  - {name: database, group: "@database-oncall", schedule: xmatters/3c765cff-3fe3-4229-8dc4-6b41c3d701a2,
     channel: "#database"}
)";

Error located(const YAML::Node& node, Error error) {
  error.kind = ErrorKind::invalid;
  return node.Mark().is_null() ? error.in("scenario") : error.in("scenario line {}", node.Mark().line + 1);
}

void write_scalar(const YAML::Node& node, json::Writer& w) {
  const auto& text = node.Scalar();
  const bool quoted = node.Tag() == "!";
  if (quoted) {
    w.value(text);
    return;
  }
  std::int64_t whole = 0;
  double number = 0;
  const auto* end = text.data() + text.size();
  const auto [whole_rest, whole_error] = std::from_chars(text.data(), end, whole);
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (text == "true" || text == "false") {
    w.value(text == "true");
  } else if (whole_error == std::errc{} && whole_rest == end) {
    w.value(whole);
  } else if (error == std::errc{} && rest == end) {
    w.value(number);
  } else {
    w.value(text);
  }
}

void write_json(const YAML::Node& node, json::Writer& w) {
  if (node.IsMap()) {
    w.begin_object();
    for (const auto& member : node) {
      w.key(member.first.Scalar());
      write_json(member.second, w);
    }
    w.end_object();
  } else if (node.IsSequence()) {
    w.begin_array();
    for (const auto& item : node) write_json(item, w);
    w.end_array();
  } else if (node.IsScalar()) {
    write_scalar(node, w);
  } else {
    w.null();
  }
}

/// The action that `node` holds, as JSON; `name` is its "do" unless it has one itself.
std::string action_of(const YAML::Node& node, const char* name) {
  json::Writer w;
  w.begin_object();
  if (name) w.field("do", name);
  for (const auto& member : node) {
    w.key(member.first.Scalar());
    write_json(member.second, w);
  }
  w.end_object();
  return w.take();
}

Result<void> play_list(Desk& desk, const YAML::Node& list, const char* name) {
  if (!list) return {};
  if (!list.IsSequence()) return located(list, fail(ErrorKind::invalid, "this is not a list"));
  for (const auto& item : list) {
    if (!item.IsMap()) return located(item, fail(ErrorKind::invalid, "this is not an action"));
    if (auto done = control(desk, action_of(item, name)); !done) return located(item, done.error());
  }
  return {};
}

Result<void> plan_later(const YAML::Node& list, const std::function<void(milliseconds, std::string)>& later) {
  if (!list) return {};
  for (const auto& item : list) {
    if (!item.IsMap() || !item["after"] || !item["do"]) {
      return located(item, fail(ErrorKind::invalid, "an entry of \"at\" has \"after\" and \"do\""));
    }
    auto delay = parse_duration(item["after"].Scalar());
    if (!delay) return located(item, delay.error());
    const auto what = item["do"];
    if (what.IsMap()) later(*delay, action_of(what, nullptr));
    if (what.IsSequence()) {
      for (const auto& action : what) later(*delay, action_of(action, nullptr));
    }
  }
  return {};
}

Result<void> play(Desk& desk, const YAML::Node& root,
                  const std::function<void(milliseconds, std::string)>& later) {
  static constexpr std::array<std::pair<const char*, const char*>, 7> kSections{
      {{"people", "person"},
       {"channels", "channel"},
       {"groups", "group"},
       {"teams", "team"},
       {"escalations", "escalation"},
       {"schedules", "schedule"},
       {"do", nullptr}}};
  if (!root.IsMap()) return located(root, fail(ErrorKind::invalid, "a scenario is a map"));
  for (const auto& member : root) {
    const auto& name = member.first.Scalar();
    const bool known = name == "at" || name == "rotations" ||
                       std::any_of(kSections.begin(), kSections.end(),
                                   [&](const auto& section) { return name == section.first; });
    if (!known) return located(member.first, fail(ErrorKind::invalid, "unknown section \"{}\"", name));
  }
  for (const auto& [section, action] : kSections) {
    if (auto done = play_list(desk, root[section], action); !done) return done;
  }
  for (const auto& rotation : root["rotations"]) {
    if (!rotation.IsMap() || !rotation["name"]) {
      return located(rotation, fail(ErrorKind::invalid, "a rotation is a map with \"name\""));
    }
  }
  return plan_later(root["at"], later);
}

/// "--key value" for every member but the name; several times for a list, alone for `true`.
std::vector<std::string> rotation_options(const YAML::Node& rotation) {
  std::vector<std::string> words{rotation["name"].Scalar()};
  const auto add = [&words](const std::string& key, const YAML::Node& value) {
    words.push_back("--" + key);
    if (value.Scalar() != "true" || value.Tag() == "!") words.push_back(value.Scalar());
  };
  for (const auto& member : rotation) {
    const auto& key = member.first.Scalar();
    if (key == "name") continue;
    if (!member.second.IsSequence()) add(key, member.second);
    for (const auto& item : member.second.IsSequence() ? member.second : YAML::Node(YAML::NodeType::Sequence))
      add(key, item);
  }
  return words;
}

}  // namespace

Result<void> play_scenario(Desk& desk, const std::string& yaml,
                           const std::function<void(milliseconds, std::string)>& later) {
  try {
    return play(desk, YAML::Load(yaml.empty() ? kDemo : yaml), later);
  } catch (const YAML::Exception& error) {
    return fail(ErrorKind::invalid, "scenario: {}", error.what());
  }
}

std::vector<std::vector<std::string>> scenario_rotations(const std::string& yaml) {
  std::vector<std::vector<std::string>> rotations;
  for (const auto& rotation : YAML::Load(yaml.empty() ? kDemo : yaml)["rotations"]) {
    rotations.push_back(rotation_options(rotation));
  }
  return rotations;
}

}  // namespace watchbill::sandbox
