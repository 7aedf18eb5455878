#include "providers/adapters.hpp"

#include <algorithm>
#include <array>

#include "base/phrase.hpp"

namespace watchbill::providers {

std::span<const Adapter> adapters() {
  static const std::array<Adapter, 4> list{pagerduty_adapter(), opsgenie_adapter(), jsm_adapter(),
                                           xmatters_adapter()};
  return list;
}

Result<const Adapter*> find_adapter(std::string_view kind) {
  std::string known;
  for (const auto& adapter : adapters()) {
    if (adapter.kind == kind) return &adapter;
    known += (known.empty() ? "" : ", ") + std::string(adapter.kind);
  }
  return fail(ErrorKind::invalid, "\"{}\" is no kind of scheduling system; there are {}", kind, known);
}

const CredentialWay* find_way(const Adapter& adapter, std::string_view name) {
  if (adapter.ways.size() == 1) return &adapter.ways.front();
  const auto found = std::find_if(adapter.ways.begin(), adapter.ways.end(),
                                  [&](const CredentialWay& way) { return way.name == name; });
  return found == adapter.ways.end() ? nullptr : &*found;
}

std::vector<std::string> capabilities_of(const Adapter& adapter) {
  std::vector<std::string> names;
  if (adapter.shifts) names.emplace_back("shifts");
  return names;
}

Result<std::unique_ptr<Provider>> open_shifts(Connection& connection, const AdapterContext& context) {
  auto adapter = find_adapter(connection.kind);
  if (!adapter) return adapter.error();
  if (!(*adapter)->shifts) return fail(ErrorKind::invalid, "{} has no schedules", (*adapter)->title);
  auto prepared = (*adapter)->prepare(connection, context);
  if (!prepared) return prepared.error();
  connection = *std::move(prepared);
  return (*adapter)->shifts(connection, context);
}

std::string credential_options(const std::string& kind) {
  std::string text;
  if (const auto adapter = find_adapter(kind)) {
    for (const auto& option : (*adapter)->options) {
      if (option.secret && option.usual)
        text += fmt::format("{}--{} {}", text.empty() ? "" : " ", option.flag, option.value_name);
    }
  }
  return text.empty() ? "--api-key-file FILE" : text;
}

std::optional<std::string> end_day_of(const std::string& kind) {
  const auto adapter = find_adapter(kind);
  if (!adapter || !(*adapter)->ends) return std::nullopt;
  return format_rfc3339((*adapter)->ends->at).substr(0, 10);
}

std::optional<std::string> end_notice(const std::string& name, const std::string& kind, Instant now) {
  const auto day = end_day_of(kind);
  if (!day) return std::nullopt;
  const auto& adapter = **find_adapter(kind);
  return fmt::format("{} {} on {}; `watchbill connection migrate {} NEW` moves its rotations to {} ({})",
                     adapter.title, now < adapter.ends->at ? "ends" : "ended", *day, name,
                     title_of(std::string(adapter.ends->successor)), adapter.ends->page);
}

std::string title_of(const std::string& kind) {
  const auto adapter = find_adapter(kind);
  return adapter ? std::string((*adapter)->title) : kind;
}

std::string kinds_to_choose_from() {
  std::vector<std::string> kinds;
  for (const auto& adapter : adapters()) kinds.emplace_back(adapter.kind);
  return choice_phrase(kinds);
}

std::string titles_with_sign_in() {
  std::vector<std::string> titles;
  for (const auto& adapter : adapters()) {
    if (adapter.sign_in) titles.emplace_back(adapter.title);
  }
  return choice_phrase(titles);
}

}  // namespace watchbill::providers
