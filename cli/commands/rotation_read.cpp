// From YAML (or JSON, which is YAML too) to rotations, with every error located.

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "cli/commands/rotation_text.hpp"
#include "config/yaml.hpp"

namespace watchbill::cli {

namespace {

constexpr std::array<std::string_view, 16> kKeys{
    "name",     "group",    "schedules",         "mode",      "membership",       "drift",
    "paused",   "channels", "permanent_members", "empty",     "fallback_members", "empty_alert",
    "announce", "owners",   "alert_channel",     "managed_by"};
constexpr std::array<std::string_view, 4> kAnnounceKeys{"enabled", "template", "mention", "max_age"};
constexpr std::array<std::string_view, 3> kScheduleKeys{"ref", "label", "required"};
constexpr std::array<std::string_view, 2> kGroupKeys{"id", "handle"};
constexpr std::array<std::string_view, 2> kFileKeys{"version", "rotations"};

/// How a list is written that stands there as one text: ": write …".
std::string list_advice(const YAML::Node& node) {
  if (!node.IsScalar()) return {};
  return fmt::format(": write [\"{}\"]", one_line(utf8_prefix(node.Scalar(), 60)));
}

/// An id of Slack's user groups, as people see it: letters of one case and digits.
bool is_group_id(std::string_view text) {
  return text.size() > 1 && text.front() == 'S' && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
         });
}

/// Reads one file and remembers all that is wrong with it.
class Reader {
 public:
  Reader(std::string name, std::string content) : name_(std::move(name)), content_(std::move(content)) {}

  Result<std::vector<WrittenRotation>> read(const YAML::Node& root);

 private:
  [[nodiscard]] std::string place(const YAML::Mark& mark) const { return config::place_of(name_, mark); }
  void complain(const YAML::Node& node, std::string_view key, std::string_view what) {
    errors_ += fmt::format("{}{}: {}{}{}", errors_.empty() ? "" : "\n", place(node.Mark()), one_line(key),
                           key.empty() ? "" : ": ", one_line(what));
  }

  template <std::size_t count>
  bool keys(const YAML::Node& map, const std::array<std::string_view, count>& known, std::string_view what);
  void check_key(const YAML::Node& name, const YAML::Node& value, const std::vector<std::string_view>& known);
  WrittenRotation rotation(const YAML::Node& node);
  void group(const YAML::Node& node, Rotation& into);
  void schedules(const YAML::Node& node, Rotation& into);
  RotationSchedule schedule(const YAML::Node& node);
  void announce(const YAML::Node& node, Announce& into);

  std::string text(const YAML::Node& node, std::string_view key);
  bool flag(const YAML::Node& node, std::string_view key);
  std::vector<std::string> texts(const YAML::Node& node, std::string_view key);
  template <class Tag>
  void ids(const YAML::Node& node, std::string_view key, std::vector<Id<Tag>>& into) {
    into.clear();
    for (auto& one : texts(node, key)) into.emplace_back(std::move(one));
  }
  template <class Value, class Parse>
  void word(const YAML::Node& node, std::string_view key, Value& into, Parse parse) {
    auto value = parse(text(node, key));
    if (value) {
      into = *value;
    } else {
      complain(node, key, value.error().message);
    }
  }

  std::string name_;
  std::string content_;
  std::string errors_;
};

template <std::size_t count>
bool Reader::keys(const YAML::Node& map, const std::array<std::string_view, count>& known,
                  std::string_view what) {
  if (!map.IsMap()) {
    complain(map, what, "must consist of \"key: value\" pairs");
    return false;
  }
  std::set<std::string> seen;
  for (const auto& entry : map) {
    const auto key = entry.first.IsScalar() ? entry.first.Scalar() : std::string();
    if (!seen.insert(key).second) complain(entry.first, key, "stands there twice");
    check_key(entry.first, entry.second, {known.begin(), known.end()});
  }
  return true;
}

void Reader::check_key(const YAML::Node& name, const YAML::Node& value,
                       const std::vector<std::string_view>& known) {
  const auto key = name.IsScalar() ? name.Scalar() : std::string();
  const auto lost = value.IsNull() ? config::commented_value(content_, name.Mark()) : std::string();
  if (!lost.empty()) complain(name, key, config::quoting_advice(lost));
  if (std::find(known.begin(), known.end(), key) != known.end()) return;
  if (key == "<<") {
    return complain(
        name, key,
        "merge keys are not read: write the keys themselves (anchors and aliases of values, &name and "
        "*name, are read)");
  }
  const auto guess = closest(key, known);
  complain(name, utf8_prefix(key, 60),
           guess.empty() ? fmt::format("unknown key; known here: {}", fmt::join(known, ", "))
                         : fmt::format("unknown key; did you mean \"{}\"?", guess));
}

std::string Reader::text(const YAML::Node& node, std::string_view key) {
  if (node.IsScalar()) return node.Scalar();
  const auto lost = node.IsNull() ? config::commented_value(content_, node.Mark()) : std::string();
  if (!lost.empty()) {
    complain(node, key, config::quoting_advice(lost));
  } else {
    complain(node, key, "must be text");
  }
  return {};
}

bool Reader::flag(const YAML::Node& node, std::string_view key) {
  if (node.IsScalar() && (node.Scalar() == "true" || node.Scalar() == "false"))
    return node.Scalar() == "true";
  const auto word = node.IsScalar() ? fold_name(node.Scalar()) : std::string();
  const bool yes = word == "yes" || word == "on" || word == "true";
  const bool no = word == "no" || word == "off" || word == "false";
  complain(node, key,
           yes || no ? fmt::format("must be true or false: write {}", yes ? "true" : "false")
                     : std::string("must be true or false"));
  return false;
}

std::vector<std::string> Reader::texts(const YAML::Node& node, std::string_view key) {
  std::vector<std::string> out;
  if (node.IsNull()) return out;
  if (!node.IsSequence()) {
    complain(node, key, fmt::format("must be a list{}", list_advice(node)));
    return out;
  }
  for (const auto& item : node) out.push_back(text(item, key));
  return out;
}

void Reader::group(const YAML::Node& node, Rotation& into) {
  if (node.IsScalar()) {
    const auto& written = node.Scalar();
    if (written.starts_with('@')) {
      into.handle = written.substr(1);
    } else if (is_group_id(written)) {
      into.group = GroupId(written);
    } else {
      const auto shown = one_line(utf8_prefix(written, 60));
      complain(node, "group", fmt::format("\"{0}\" is no id (S…): write \"@{0}\" with the quotes", shown));
    }
    return;
  }
  if (!keys(node, kGroupKeys, "group")) return;
  if (const auto id = node["id"]; id && !id.IsNull()) into.group = GroupId(text(id, "group.id"));
  if (const auto handle = node["handle"]; handle && !handle.IsNull()) {
    into.handle = text(handle, "group.handle");
    if (into.handle.starts_with('@')) into.handle.erase(0, 1);
  }
}

RotationSchedule Reader::schedule(const YAML::Node& node) {
  RotationSchedule out;
  if (!node.IsScalar() && !keys(node, kScheduleKeys, "schedules")) return out;
  const YAML::Node ref = node.IsScalar() ? node : node["ref"];
  if (!ref) {
    complain(node, "schedules", "\"ref\" is missing");
    return out;
  }
  if (node.IsMap()) {
    if (const auto label = node["label"]; label && !label.IsNull()) out.label = text(label, "label");
    if (const auto required = node["required"]) out.required = flag(required, "required");
  }
  auto parsed = written_schedule(text(ref, "schedules"));
  if (parsed) {
    out.ref = *parsed;
  } else {
    complain(ref, "schedules", parsed.error().message);
  }
  return out;
}

void Reader::schedules(const YAML::Node& node, Rotation& into) {
  if (!node.IsSequence())
    return complain(node, "schedules", fmt::format("must be a list{}", list_advice(node)));
  for (const auto& item : node) into.schedules.push_back(schedule(item));
}

void Reader::announce(const YAML::Node& node, Announce& into) {
  if (node.IsScalar())
    return complain(node, "announce",
                    "must consist of \"key: value\" pairs: write {enabled: false} for none");
  if (!keys(node, kAnnounceKeys, "announce")) return;
  if (const auto enabled = node["enabled"]) into.enabled = flag(enabled, "announce.enabled");
  if (const auto own = node["template"]; own && !own.IsNull())
    into.text_template = text(own, "announce.template");
  if (const auto mention = node["mention"]) word(mention, "announce.mention", into.mention, parse_mention);
  if (const auto age = node["max_age"]) word(age, "announce.max_age", into.max_age, parse_duration);
}

WrittenRotation Reader::rotation(const YAML::Node& node) {
  WrittenRotation out;
  out.place = place(node.Mark());
  const auto before = errors_.size();
  if (!keys(node, kKeys, "rotations")) return out;
  auto& r = out.rotation;
  for (const auto& entry : node) {
    const auto key = entry.first.IsScalar() ? entry.first.Scalar() : std::string();
    const auto& value = entry.second;
    out.keys.insert(key);
    // Said already.
    if (value.IsNull() && !config::commented_value(content_, entry.first.Mark()).empty()) continue;
    if (key == "name") r.name = text(value, key);
    if (key == "group") group(value, r);
    if (key == "schedules") schedules(value, r);
    if (key == "mode") word(value, key, r.mode, parse_mode);
    if (key == "membership") word(value, key, r.membership, parse_membership);
    if (key == "drift") word(value, key, r.drift, parse_drift);
    if (key == "paused") r.paused = flag(value, key);
    if (key == "channels") ids(value, key, r.channels);
    if (key == "permanent_members") ids(value, key, r.permanent_members);
    if (key == "empty") word(value, key, r.empty, parse_empty);
    if (key == "fallback_members") ids(value, key, r.fallback_members);
    if (key == "empty_alert" && !value.IsNull()) r.empty_alert = flag(value, key);
    if (key == "announce" && !value.IsNull()) announce(value, r.announce);
    if (key == "owners") r.owners = texts(value, key);
    if (key == "alert_channel" && !value.IsNull()) r.alert_channel = ChannelId(text(value, key));
    if (key == "managed_by") r.managed_by = text(value, key);
  }
  // "yes for `keep` only" is the default: written or not, it is the same rotation.
  if (r.empty_alert && *r.empty_alert == (r.empty == Empty::keep)) r.empty_alert.reset();
  if (errors_.size() != before) return out;
  for (const char* key : {"name", "group", "schedules"}) {
    if (!out.keys.contains(key)) complain(node, key, "is missing");
  }
  return out;
}

Result<std::vector<WrittenRotation>> Reader::read(const YAML::Node& root) {
  std::vector<WrittenRotation> out;
  if (root.IsNull()) return fail(ErrorKind::invalid, "{}: is empty; it starts with \"version: 1\"", name_);
  if (!keys(root, kFileKeys, "")) return Error{ErrorKind::invalid, errors_};
  const auto number = root["version"];
  if (!number) {
    complain(root, "version", "is missing; the file starts with \"version: 1\"");
  } else if (!number.IsScalar() || number.Scalar() != "1") {
    complain(number, "version", "only version 1 is known; a newer Watchbill may know others");
  }
  const auto rotations = root["rotations"];
  if (rotations && !rotations.IsNull() && !rotations.IsSequence())
    complain(rotations, "rotations", "must be a list: begin each rotation with \"- name: …\"");
  if (!rotations) complain(root, "rotations", "is missing");
  if (rotations && rotations.IsSequence()) {
    for (const auto& node : rotations) out.push_back(rotation(node));
  }
  if (!errors_.empty()) return Error{ErrorKind::invalid, errors_};
  return out;
}

}  // namespace

Result<std::vector<WrittenRotation>> read_rotations(std::string_view text, const std::string& name) {
  const auto root = config::read_yaml(std::string(text), name);
  if (!root) return root.error();
  return Reader(name, std::string(text)).read(*root);
}

}  // namespace watchbill::cli
