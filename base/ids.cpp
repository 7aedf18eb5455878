#include "base/ids.hpp"

#include <algorithm>

namespace watchbill {

namespace {

bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

}  // namespace

Result<void> check_connection_name(std::string_view name) {
  const bool good =
      !name.empty() && name.size() <= 63 && is_lower_or_digit(name.front()) &&
      std::all_of(name.begin(), name.end(), [](char c) { return is_lower_or_digit(c) || c == '-'; });
  if (!good) {
    return fail(ErrorKind::invalid,
                "connection name \"{}\": use 1 to 63 lower case letters, digits and '-', starting with a "
                "letter or digit",
                name);
  }
  if (name == "local")
    return fail(ErrorKind::invalid, "connection name \"local\" is reserved; choose another name");
  return {};
}

Result<ScheduleRef> parse_schedule_ref(std::string_view text) {
  if (text.starts_with("rotation:")) {
    return fail(ErrorKind::invalid, "schedule \"{}\": references to rotations are reserved and not built yet",
                text);
  }
  const auto slash = text.find('/');
  if (slash == std::string_view::npos || slash + 1 == text.size()) {
    return fail(ErrorKind::invalid,
                "schedule \"{}\": write it as CONNECTION/ID (see `watchbill schedule list`)", text);
  }
  ScheduleRef ref{std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
  if (ref.connection == "local") {
    return fail(ErrorKind::invalid, "schedule \"{}\": local schedules are reserved and not built yet", text);
  }
  if (auto good = check_connection_name(ref.connection); !good)
    return good.error().in("schedule \"{}\"", text);
  if (ref.id.starts_with("policy:")) {
    return fail(ErrorKind::invalid, "schedule \"{}\": escalation policies are reserved and not built yet",
                text);
  }
  const auto part = ref.id.find('#');
  const bool named = part == std::string::npos || (part > 0 && part + 1 < ref.id.size() &&
                                                   ref.id.find('#', part + 1) == std::string::npos);
  if (!named) {
    return fail(ErrorKind::invalid,
                "schedule \"{}\": write one of its rotations as CONNECTION/ID#ROTATION (see `watchbill "
                "schedule list`)",
                text);
  }
  return ref;
}

std::string to_string(const ScheduleRef& ref) {
  return ref.connection + "/" + ref.id;
}

}  // namespace watchbill
