#include "core/oncall/rotation.hpp"

#include <algorithm>
#include <array>

#include "base/enum_names.hpp"
#include "base/text.hpp"
#include "core/announce/announcement.hpp"

namespace watchbill {

namespace {

constexpr NameTable<Mode, 2> kModes{{{Mode::keep, "keep"}, {Mode::observe, "observe"}}};
constexpr NameTable<Membership, 2> kMemberships{{{Membership::exact, "exact"}, {Membership::merge, "merge"}}};
constexpr NameTable<Drift, 2> kDrifts{{{Drift::repair, "repair"}, {Drift::report, "report"}}};
constexpr NameTable<Empty, 3> kEmpties{
    {{Empty::keep, "keep"}, {Empty::fallback, "fallback"}, {Empty::disable, "disable"}}};
constexpr NameTable<Mention, 3> kMentions{
    {{Mention::incoming, "incoming"}, {Mention::all, "all"}, {Mention::none, "none"}}};

constexpr std::size_t kNameCharacters = 80;

/// An identity of Slack's: letters and digits. Which letter it starts with says nothing for users.
bool is_slack_id(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  });
}

const std::string& text_of(const std::string& text) {
  return text;
}
template <class Tag>
const std::string& text_of(const Id<Tag>& id) {
  return id.value;
}

/// Each entry is a Slack id and stands there once.
template <class Entry>
Result<void> check_ids(std::string_view field, const std::vector<Entry>& ids) {
  for (auto i = ids.begin(); i != ids.end(); ++i) {
    const auto& id = text_of(*i);
    if (!is_slack_id(id))
      return fail(ErrorKind::invalid, "{}: \"{}\" is not a Slack id", field, id.substr(0, 64));
    if (std::find(ids.begin(), i, *i) != i)
      return fail(ErrorKind::invalid, "{}: {} stands there twice", field, id);
  }
  return {};
}

/// Free text for people, in one line.
Result<void> check_text(std::string_view field, std::string_view text) {
  if (!is_utf8(text)) return fail(ErrorKind::invalid, "{}: not valid UTF-8", field);
  if (has_control(text))
    return fail(ErrorKind::invalid, "{}: line breaks and control characters are not allowed", field);
  const auto length = utf8_length(text);
  if (length > kNameCharacters) {
    return fail(ErrorKind::invalid, "{}: {} characters long; at most {} are allowed", field, length,
                kNameCharacters);
  }
  return {};
}

Result<void> check_name(std::string_view name) {
  if (name.empty()) return fail(ErrorKind::invalid, "name: a rotation needs a name of 1 to 80 characters");
  if (name.front() == ' ' || name.back() == ' ')
    return fail(ErrorKind::invalid, "name: \"{}\" starts or ends with a space", name.substr(0, 100));
  return check_text("name", name);
}

Result<void> check_schedules(const std::vector<RotationSchedule>& schedules) {
  if (schedules.empty()) return fail(ErrorKind::invalid, "schedules: a rotation needs at least one schedule");
  for (auto i = schedules.begin(); i != schedules.end(); ++i) {
    const auto same_ref = [&](const RotationSchedule& other) { return other.ref == i->ref; };
    if (std::find_if(schedules.begin(), i, same_ref) != i)
      return fail(ErrorKind::invalid, "schedules: {} stands there twice", to_string(i->ref));
    if (auto good = parse_schedule_ref(to_string(i->ref)); !good) return good.error().in("schedules");
    if (auto good = check_text("label", i->label); !good)
      return good.error().in("schedules: {}", to_string(i->ref));
  }
  return {};
}

Result<void> check_managed_by(std::string_view managed_by) {
  if (managed_by == "slack" || managed_by == "cli") return {};
  if (managed_by.starts_with("file:") && managed_by.size() > 5) return {};
  return fail(ErrorKind::invalid, "managed_by: \"{}\" does not exist; use slack, cli or file:NAME",
              managed_by.substr(0, 80));
}

Result<void> check_people_and_places(const Rotation& rotation) {
  if (auto good = check_ids("channels", rotation.channels); !good) return good;
  if (auto good = check_ids("permanent_members", rotation.permanent_members); !good) return good;
  if (auto good = check_ids("fallback_members", rotation.fallback_members); !good) return good;
  if (auto good = check_ids("owners", rotation.owners); !good) return good;
  if (rotation.alert_channel && !is_slack_id(rotation.alert_channel->value)) {
    return fail(ErrorKind::invalid, "alert_channel: \"{}\" is not a Slack id",
                rotation.alert_channel->value.substr(0, 64));
  }
  if (rotation.empty == Empty::fallback && rotation.fallback_members.empty()) {
    return fail(ErrorKind::invalid,
                "fallback_members: \"empty: fallback\" needs at least one fallback member");
  }
  return {};
}

bool is_handle(std::string_view text) {
  const auto letter_or_digit = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !text.empty() && letter_or_digit(text.front()) && std::all_of(text.begin(), text.end(), [&](char c) {
    return letter_or_digit(c) || c == '-' || c == '_';
  });
}

/// What was most likely meant by what is no handle; empty if that is no handle either.
std::string handle_near(std::string_view text) {
  auto near = fold_name(text);
  std::replace_if(
      near.begin(), near.end(), [](char c) { return c == ' ' || c == '.'; }, '-');
  return is_handle(near) && near.size() <= 64 ? near : std::string();
}

/// Letters that a fixed distance parts from their small forms, and those that stand in pairs with them.
struct CaseRange {
  char32_t first;
  char32_t last;
  char32_t distance;  ///< 0: in pairs, of which the first is the capital
};

/// Latin-1, Latin Extended-A, Greek and Cyrillic: two bytes each in UTF-8, in both cases (The Unicode
/// Standard, CaseFolding.txt; without U+0130, which would need a third byte).
constexpr std::array<CaseRange, 24> kCases{{
    {0xc0, 0xd6, 32},   {0xd8, 0xde, 32},   {0x100, 0x12f, 0},  {0x132, 0x137, 0},  {0x139, 0x148, 0},
    {0x14a, 0x177, 0},  {0x179, 0x17e, 0},  {0x386, 0x386, 38}, {0x388, 0x38a, 37}, {0x38c, 0x38c, 64},
    {0x38e, 0x38f, 63}, {0x391, 0x3a1, 32}, {0x3a3, 0x3ab, 32}, {0x3c2, 0x3c2, 1},  {0x3d8, 0x3ef, 0},
    {0x400, 0x40f, 80}, {0x410, 0x42f, 32}, {0x460, 0x481, 0},  {0x48a, 0x4bf, 0},  {0x4c0, 0x4c0, 15},
    {0x4c1, 0x4ce, 0},  {0x4d0, 0x52f, 0},  {0x3f7, 0x3f8, 0},  {0x3fa, 0x3fb, 0},
}};

char32_t lower_of(char32_t letter) {
  if (letter == 0x178) return 0xff;
  for (const auto& [first, last, distance] : kCases) {
    if (letter < first || letter > last) continue;
    if (distance != 0) return letter + distance;
    return (letter - first) % 2 == 0 ? letter + 1 : letter;
  }
  return letter;
}

}  // namespace

std::string_view name_of(Mode value) {
  return name_in(kModes, value);
}
std::string_view name_of(Membership value) {
  return name_in(kMemberships, value);
}
std::string_view name_of(Drift value) {
  return name_in(kDrifts, value);
}
std::string_view name_of(Empty value) {
  return name_in(kEmpties, value);
}
std::string_view name_of(Mention value) {
  return name_in(kMentions, value);
}

Result<Mode> parse_mode(std::string_view text) {
  return value_in(kModes, "mode", text);
}
Result<Membership> parse_membership(std::string_view text) {
  return value_in(kMemberships, "membership", text);
}
Result<Drift> parse_drift(std::string_view text) {
  return value_in(kDrifts, "drift", text);
}
Result<Empty> parse_empty(std::string_view text) {
  return value_in(kEmpties, "empty", text);
}
Result<Mention> parse_mention(std::string_view text) {
  return value_in(kMentions, "mention", text);
}

Result<void> validate(const Rotation& rotation) {
  if (auto good = check_name(rotation.name); !good) return good;
  if (rotation.group.empty() && rotation.handle.empty())
    return fail(ErrorKind::invalid, "group: a rotation needs a Slack user group");
  if (!rotation.group.empty() && !is_slack_id(rotation.group.value)) {
    return fail(ErrorKind::invalid, "group: \"{}\" is not a Slack id; write S… or @handle",
                rotation.group.value.substr(0, 64));
  }
  if (auto good = check_schedules(rotation.schedules); !good) return good;
  if (auto good = check_people_and_places(rotation); !good) return good;
  if (rotation.announce.max_age <= 0ms)
    return fail(ErrorKind::invalid, "announce.max_age: must be longer than 0");
  if (rotation.announce.text_template) {
    if (auto good = check_announcement_template(*rotation.announce.text_template); !good)
      return good.error().in("announce.template");
  }
  return check_managed_by(rotation.managed_by);
}

Result<ScheduleRef> written_schedule(std::string_view text) {
  auto ref = parse_schedule_ref(text);
  if (ref || text.empty() || text.starts_with("rotation:")) return ref;
  const auto slash = text.find('/');
  if (slash != std::string_view::npos && check_connection_name(text.substr(0, slash))) return ref;
  if (slash != std::string_view::npos && text.substr(0, slash) == "local") return ref;
  return ScheduleRef{"", std::string(text)};
}

Result<std::string> check_handle(std::string_view handle) {
  const auto bare = handle.starts_with('@') ? handle.substr(1) : handle;
  // How long one may be no page of Slack's states: Slack decides ("bad_handle").
  if (!is_handle(bare)) {
    const auto near = handle_near(bare);
    return fail(
        ErrorKind::invalid,
        "handle \"{}\": use lower case letters, digits, '-' and '_', starting with a letter or digit{}",
        bare.substr(0, 64), near.empty() ? "" : fmt::format(": {}", near));
  }
  static constexpr std::array<std::string_view, 5> slack_words{"here", "channel", "everyone", "admins",
                                                               "owners"};
  if (std::find(slack_words.begin(), slack_words.end(), bare) != slack_words.end()) {
    return fail(ErrorKind::invalid, "handle \"{}\" is one of Slack's own words; choose another", bare);
  }
  return std::string(bare);
}

std::string fold_name(std::string_view name) {
  std::string folded(name);
  for (std::size_t i = 0; i < folded.size(); ++i) {
    const auto byte = static_cast<unsigned char>(folded[i]);
    if (byte >= 'A' && byte <= 'Z') folded[i] = static_cast<char>(byte - 'A' + 'a');
    if (byte < 0xc3 || byte > 0xd4 || i + 1 == folded.size()) continue;
    const auto second = static_cast<unsigned char>(folded[i + 1]);
    if ((second & 0xc0U) != 0x80U) continue;
    const char32_t lower = lower_of(((byte & 0x1fU) << 6U) | (second & 0x3fU));
    folded[i] = static_cast<char>(0xc0U | (lower >> 6U));
    folded[++i] = static_cast<char>(0x80U | (lower & 0x3fU));
  }
  return folded;
}

}  // namespace watchbill
