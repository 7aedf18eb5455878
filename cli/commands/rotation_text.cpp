#include "cli/commands/rotation_text.hpp"

#include <yaml-cpp/yaml.h>

#include "base/text.hpp"
#include "control/rotation_json.hpp"

namespace watchbill::cli {

namespace {

/// Text as a value; with escapes if some of it would change how what stands around it is shown.
YAML::Emitter& put(YAML::Emitter& out, const std::string& text) {
  auto others = text;
  std::erase(others, '\n');
  if (has_control(others)) out << YAML::DoubleQuoted << YAML::EscapeNonAscii;
  return out << text;
}

bool plain(const RotationSchedule& schedule) {
  return schedule.label.empty() && !schedule.required;
}

YAML::Emitter& list(YAML::Emitter& out, const char* key, const std::vector<std::string>& values) {
  if (values.empty()) return out;
  out << YAML::Key << key << YAML::Value << YAML::Flow << YAML::BeginSeq;
  for (const auto& value : values) put(out, value);
  return out << YAML::EndSeq;
}

void emit_schedules(YAML::Emitter& out, const Rotation& rotation) {
  out << YAML::Key << "schedules" << YAML::Value << YAML::BeginSeq;
  for (const auto& schedule : rotation.schedules) {
    const auto ref = to_string(schedule.ref);
    if (plain(schedule)) {
      put(out, ref);
      continue;
    }
    put(out << YAML::Flow << YAML::BeginMap << YAML::Key << "ref" << YAML::Value, ref);
    if (!schedule.label.empty()) put(out << YAML::Key << "label" << YAML::Value, schedule.label);
    if (schedule.required) out << YAML::Key << "required" << YAML::Value << true;
    out << YAML::EndMap;
  }
  out << YAML::EndSeq;
}

void emit_announce(YAML::Emitter& out, const Announce& announce) {
  const Announce usual;
  if (announce == usual) return;
  out << YAML::Key << "announce" << YAML::Value << YAML::BeginMap;
  if (!announce.enabled) out << YAML::Key << "enabled" << YAML::Value << false;
  if (announce.text_template) {
    // Literal blocks lose or change some texts (spaces at the end of a line); quotes lose none.
    put(out << YAML::Key << "template" << YAML::Value << YAML::DoubleQuoted, *announce.text_template);
  }
  if (announce.mention != usual.mention)
    out << YAML::Key << "mention" << YAML::Value << std::string(name_of(announce.mention));
  if (announce.max_age != usual.max_age)
    out << YAML::Key << "max_age" << YAML::Value << control::exact_duration(announce.max_age);
  out << YAML::EndMap;
}

template <class Value>
void emit_word(YAML::Emitter& out, const char* key, Value value, Value usual) {
  if (value != usual) out << YAML::Key << key << YAML::Value << std::string(name_of(value));
}

void emit(YAML::Emitter& out, const Rotation& r) {
  const Rotation usual;
  put(out << YAML::BeginMap << YAML::Key << "name" << YAML::Value, r.name);
  out << YAML::Key << "group" << YAML::Value << YAML::Flow << YAML::BeginMap;
  if (!r.group.empty()) put(out << YAML::Key << "id" << YAML::Value, r.group.value);
  if (!r.handle.empty()) put(out << YAML::Key << "handle" << YAML::Value, r.handle);
  out << YAML::EndMap;
  emit_schedules(out, r);
  emit_word(out, "mode", r.mode, usual.mode);
  emit_word(out, "membership", r.membership, usual.membership);
  emit_word(out, "drift", r.drift, usual.drift);
  if (r.paused) out << YAML::Key << "paused" << YAML::Value << true;
  list(out, "channels", texts(r.channels));
  list(out, "permanent_members", texts(r.permanent_members));
  emit_word(out, "empty", r.empty, usual.empty);
  list(out, "fallback_members", texts(r.fallback_members));
  if (r.empty_alert) out << YAML::Key << "empty_alert" << YAML::Value << *r.empty_alert;
  emit_announce(out, r.announce);
  list(out, "owners", r.owners);
  if (r.alert_channel) put(out << YAML::Key << "alert_channel" << YAML::Value, r.alert_channel->value);
  out << YAML::EndMap;
}

}  // namespace

std::string rotations_yaml(const std::vector<Rotation>& rotations) {
  YAML::Emitter out;
  out << YAML::BeginMap << YAML::Key << "version" << YAML::Value << 1;
  out << YAML::Key << "rotations" << YAML::Value;
  if (rotations.empty()) out << YAML::Flow;
  out << YAML::BeginSeq;
  for (const auto& rotation : rotations) emit(out, rotation);
  out << YAML::EndSeq << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

}  // namespace watchbill::cli
