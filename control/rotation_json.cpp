#include "control/rotation_json.hpp"

namespace watchbill::control {

namespace {

bool needs_no_object(const RotationSchedule& schedule) {
  return schedule.label.empty() && !schedule.required;
}

void write_schedules(json::Writer& w, const Rotation& rotation) {
  w.key("schedules").begin_array();
  for (const auto& schedule : rotation.schedules) {
    const auto ref = to_string(schedule.ref);
    if (needs_no_object(schedule)) {
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

std::string exact_duration(milliseconds d) {
  const auto ms = d.count();
  if (ms % 3'600'000 == 0) return fmt::format("{}h", ms / 3'600'000);
  if (ms % 60'000 == 0) return fmt::format("{}m", ms / 60'000);
  return ms % 1000 == 0 ? fmt::format("{}s", ms / 1000) : fmt::format("{}ms", ms);
}

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

std::vector<FieldChange> compare(const Rotation& before, const Rotation& after) {
  const auto was = json::parse(rotation_json(before));
  const auto now = json::parse(rotation_json(after));
  std::vector<FieldChange> changes;
  compare_members(was->root(), now->root(), "", changes);
  return changes;
}

std::string version_of(const Rotation& rotation) {
  // The handle is Slack's matter: a group that is renamed there changes nothing of the rule.
  Rotation rule = rotation;
  rule.handle.clear();
  // FNV-1a: a fingerprint that is the same after a restart. Nobody gains from a collision.
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : rotation_json(rule)) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return fmt::format("{:016x}", hash);
}

}  // namespace watchbill::control
