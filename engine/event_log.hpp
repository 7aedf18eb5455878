#pragma once

#include <spdlog/common.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "core/oncall/on_call_person.hpp"

namespace watchbill::engine {

/// The logger that takes events as the inside of a JSON object. The daemon registers it when its log is JSON;
/// without it an event is a line of text.
inline constexpr const char* kEventLogger = "watchbilld-events";

/// One thing that happened, as one line for who reads the log: a name and its facts, without secrets.
/// `handoff rotation=payments on="Ada Example"`, or in JSON `"message":"handoff","rotation":"payments",…`.
class Event {
 public:
  /// False if the log leaves this level out: then nothing need be gathered.
  static bool wanted(spdlog::level::level_enum level);

  explicit Event(std::string_view name) : name_(name) {}
  /// A fact. An empty one is left out.
  Event& with(std::string_view key, std::string_view value);
  Event& with(std::string_view key, const std::string& value) { return with(key, std::string_view(value)); }
  Event& with(std::string_view key, const char* value) { return with(key, std::string_view(value)); }
  Event& with(std::string_view key, std::int64_t number);
  Event& with(std::string_view key, std::size_t number) {
    return with(key, static_cast<std::int64_t>(number));
  }
  Event& with(std::string_view key, bool flag) { return with(key, flag ? "yes" : "no"); }
  Event& with(std::string_view key, const std::vector<UserId>& users);
  /// Their names, each once; "nobody" if there are none.
  Event& with(std::string_view key, const std::vector<OnCallPerson>& people);

  [[nodiscard]] std::string text() const;
  /// What stands between the braces of a JSON object.
  [[nodiscard]] std::string json_fields() const;
  void log(spdlog::level::level_enum level) const;

 private:
  struct Fact {
    std::string key;
    std::string value;
    bool number = false;
  };
  std::string name_;
  std::vector<Fact> facts_;
};

}  // namespace watchbill::engine
