#include "engine/event_log.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/json.hpp"

namespace watchbill::engine {

namespace {

std::string json_text(std::string_view text) {
  return json::Writer().value(text).take();
}

/// As it is if it is one word, else in quotes.
std::string one_value(std::string_view text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) > ' ' && c != '"' && c != '=' && c != '\\' && c != '\x7f';
  });
  return plain ? std::string(text) : json_text(text);
}

}  // namespace

bool Event::wanted(spdlog::level::level_enum level) {
  return spdlog::default_logger_raw()->should_log(level);
}

Event& Event::with(std::string_view key, std::string_view value) {
  if (!value.empty()) facts_.push_back({std::string(key), std::string(value)});
  return *this;
}

Event& Event::with(std::string_view key, std::int64_t number) {
  facts_.push_back({std::string(key), fmt::format("{}", number), true});
  return *this;
}

Event& Event::with(std::string_view key, const std::vector<UserId>& users) {
  std::string ids;
  for (const auto& user : users) ids += (ids.empty() ? "" : ",") + user.value;
  return with(key, ids);
}

Event& Event::with(std::string_view key, const std::vector<OnCallPerson>& people) {
  std::vector<std::string> names;
  for (const auto& person : people) {
    const auto& name = person.responder.name;
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return with(key, names.empty() ? std::string("nobody") : fmt::format("{}", fmt::join(names, ", ")));
}

std::string Event::text() const {
  std::string line = name_;
  for (const auto& fact : facts_) line += fmt::format(" {}={}", fact.key, one_value(fact.value));
  return line;
}

std::string Event::json_fields() const {
  std::string fields = "\"message\":" + json_text(name_);
  for (const auto& fact : facts_)
    fields += fmt::format(",{}:{}", json_text(fact.key), fact.number ? fact.value : json_text(fact.value));
  return fields;
}

void Event::log(spdlog::level::level_enum level) const {
  if (!wanted(level)) return;
  if (const auto json = spdlog::get(kEventLogger))
    json->log(level, json_fields());
  else
    spdlog::log(level, text());
}

}  // namespace watchbill::engine
