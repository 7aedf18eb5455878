#include "cli/rotation_text.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>

namespace watchbill::cli {

namespace {

bool plain(const RotationSchedule& schedule) {
  return schedule.label.empty() && !schedule.required;
}

/// A duration that `parse_duration` reads back exactly.
std::string exact_duration(milliseconds d) {
  const auto ms = d.count();
  if (ms % 3'600'000 == 0) return fmt::format("{}h", ms / 3'600'000);
  if (ms % 60'000 == 0) return fmt::format("{}m", ms / 60'000);
  return ms % 1000 == 0 ? fmt::format("{}s", ms / 1000) : fmt::format("{}ms", ms);
}

void write_schedules(json::Writer& w, const Rotation& rotation) {
  w.key("schedules").begin_array();
  for (const auto& schedule : rotation.schedules) {
    const auto ref = to_string(schedule.ref);
    if (plain(schedule)) {
      w.value(ref);
      continue;
    }
    w.begin_object().field("ref", ref).key("label");
    if (schedule.label.empty()) {
      w.null();
    } else {
      w.value(schedule.label);
    }
    w.field("required", schedule.required).end_object();
  }
  w.end_array();
}

YAML::Emitter& list(YAML::Emitter& out, const char* key, const std::vector<std::string>& values) {
  if (values.empty()) return out;
  out << YAML::Key << key << YAML::Value << YAML::Flow << YAML::BeginSeq;
  for (const auto& value : values) out << value;
  return out << YAML::EndSeq;
}

void emit_schedules(YAML::Emitter& out, const Rotation& rotation) {
  out << YAML::Key << "schedules" << YAML::Value << YAML::BeginSeq;
  for (const auto& schedule : rotation.schedules) {
    const auto ref = to_string(schedule.ref);
    if (plain(schedule)) {
      out << ref;
      continue;
    }
    out << YAML::Flow << YAML::BeginMap << YAML::Key << "ref" << YAML::Value << ref;
    if (!schedule.label.empty()) out << YAML::Key << "label" << YAML::Value << schedule.label;
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
    out << YAML::Key << "template" << YAML::Value << YAML::DoubleQuoted << *announce.text_template;
  }
  if (announce.mention != usual.mention)
    out << YAML::Key << "mention" << YAML::Value << std::string(name_of(announce.mention));
  if (announce.max_age != usual.max_age)
    out << YAML::Key << "max_age" << YAML::Value << exact_duration(announce.max_age);
  out << YAML::EndMap;
}

template <class Value>
void emit_word(YAML::Emitter& out, const char* key, Value value, Value usual) {
  if (value != usual) out << YAML::Key << key << YAML::Value << std::string(name_of(value));
}

void emit(YAML::Emitter& out, const Rotation& r) {
  const Rotation usual;
  out << YAML::BeginMap << YAML::Key << "name" << YAML::Value << r.name;
  out << YAML::Key << "group" << YAML::Value << YAML::Flow << YAML::BeginMap;
  if (!r.group.empty()) out << YAML::Key << "id" << YAML::Value << r.group.value;
  if (!r.handle.empty()) out << YAML::Key << "handle" << YAML::Value << r.handle;
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
  if (r.alert_channel) out << YAML::Key << "alert_channel" << YAML::Value << r.alert_channel->value;
  out << YAML::EndMap;
}

std::string shown(const json::View& value) {
  if (value.is_null()) return "none";
  if (value.is_string()) return value.string_or("");
  if (!value.is_array()) return value.dump();
  std::string out;
  for (const auto item : value.items())
    out += (out.empty() ? "" : ", ") + (item.is_string() ? item.string_or("") : item.dump());
  return out.empty() ? "none" : out;
}

void compare_members(const json::View& before, const json::View& after, const std::string& prefix,
                     std::vector<FieldChange>& changes) {
  for (const auto now : after.items()) {
    const auto name = prefix + std::string(now.key());
    const auto was = before[now.key()];
    if (was.dump() == now.dump()) continue;
    if (name == "group") {
      const auto handle = [](const json::View& group) {
        return fmt::format("@{} ({})", group["handle"].string_or(""), group["id"].string_or(""));
      };
      changes.push_back({name, handle(was), handle(now)});
    } else if (now.is_object()) {
      compare_members(was, now, name + ".", changes);
    } else {
      changes.push_back({name, shown(was), shown(now)});
    }
  }
}

}  // namespace

void write_rotation(json::Writer& w, const Rotation& r) {
  w.begin_object().field("name", r.name).key("group").begin_object();
  w.field("id", r.group.value).field("handle", r.handle).end_object();
  write_schedules(w, r);
  w.field("mode", name_of(r.mode)).field("membership", name_of(r.membership));
  w.field("drift", name_of(r.drift)).field("paused", r.paused);
  w.field("channels", texts(r.channels)).field("permanent_members", texts(r.permanent_members));
  w.field("empty", name_of(r.empty)).field("fallback_members", texts(r.fallback_members));
  w.field("empty_alert", r.alerts_when_empty());
  w.key("announce").begin_object().field("enabled", r.announce.enabled);
  w.field("template", r.announce.text_template).field("mention", name_of(r.announce.mention));
  w.field("max_age", exact_duration(r.announce.max_age)).end_object();
  w.field("owners", r.owners).key("alert_channel");
  if (r.alert_channel) {
    w.value(r.alert_channel->value);
  } else {
    w.null();
  }
  w.field("managed_by", r.managed_by).end_object();
}

std::string rotation_json(const Rotation& rotation) {
  json::Writer writer;
  write_rotation(writer, rotation);
  return writer.take();
}

std::string rotations_json(const std::vector<Rotation>& rotations) {
  json::Writer writer;
  writer.begin_object().field("version", 1).key("rotations").begin_array();
  for (const auto& rotation : rotations) write_rotation(writer, rotation);
  writer.end_array().end_object();
  return writer.take();
}

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

std::vector<FieldChange> compare(const Rotation& before, const Rotation& after) {
  const auto was = json::parse(rotation_json(before));
  const auto now = json::parse(rotation_json(after));
  std::vector<FieldChange> changes;
  compare_members(was->root(), now->root(), "", changes);
  return changes;
}

}  // namespace watchbill::cli
