#include "core/announce/sentence.hpp"

#include <algorithm>
#include <optional>

#include "base/text.hpp"
#include "core/announce/announcement.hpp"

namespace watchbill {

namespace {

bool is_id_of_slack(std::string_view id) {
  return !id.empty() && std::all_of(id.begin(), id.end(),
                                    [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); });
}

/// Length of the mention or entity that `text` begins with; 0 if it begins with none.
std::size_t kept_at(std::string_view text, bool notify_nobody) {
  for (const std::string_view entity : {"&amp;", "&lt;", "&gt;"}) {
    if (text.starts_with(entity)) return entity.size();
  }
  for (const std::string_view mention : {"<@", "<!subteam^"}) {
    if (notify_nobody || !text.starts_with(mention)) continue;
    const auto end = text.find('>');
    if (end != std::string_view::npos && is_id_of_slack(text.substr(mention.size(), end - mention.size())))
      return end + 1;
  }
  return 0;
}

/// Length of what stands in backticks at the beginning of `text`, these included; 0 if nothing does.
std::size_t command_at(std::string_view text) {
  const auto end = text.starts_with('`') ? text.find('`', 1) : std::string_view::npos;
  return end == std::string_view::npos ? 0 : end + 1;
}

/// The shape of `format_minutes`.
constexpr std::string_view kMoment = "dddd-dd-dd dd:dd UTC";

/// The moment that `text` begins with, if it begins with one.
std::optional<Instant> moment_at(std::string_view text) {
  if (text.size() < kMoment.size()) return std::nullopt;
  for (std::size_t i = 0; i < kMoment.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kMoment[i] == 'd' ? !digit : text[i] != kMoment[i]) return std::nullopt;
  }
  auto parsed = parse_rfc3339(fmt::format("{}T{}:00Z", text.substr(0, 10), text.substr(11, 5)));
  return parsed ? std::optional(*parsed) : std::nullopt;
}

}  // namespace

std::string foreign_text(std::string_view text, bool notify_nobody) {
  constexpr auto no_limit = std::string_view::npos;
  std::string out;
  std::size_t done = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (const auto command = command_at(text.substr(at)); command > 0) {
      out += slack_name(text.substr(done, at - done), no_limit) + escape_slack(text.substr(at, command));
      at += command;
      done = at;
      continue;
    }
    const auto moment = moment_at(text.substr(at));
    const auto kept = moment ? kMoment.size() : kept_at(text.substr(at), notify_nobody);
    if (kept == 0) {
      ++at;
      continue;
    }
    out += slack_name(text.substr(done, at - done), no_limit);
    out += moment ? slack_date(*moment) : std::string(text.substr(at, kept));
    at += kept;
    done = at;
  }
  return out + slack_name(text.substr(done), no_limit);
}

}  // namespace watchbill
