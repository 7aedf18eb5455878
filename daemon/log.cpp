#include "daemon/log.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <memory>

#include "base/json.hpp"
#include "base/text.hpp"
#include "engine/event_log.hpp"

namespace watchbill::daemon {

namespace {

/// The message as a JSON string; an event's fields are JSON already (engine/event_log.hpp).
class JsonText final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    if (std::string_view(message.logger_name.data(), message.logger_name.size()) == engine::kEventLogger) {
      out.append(message.payload.data(), message.payload.data() + message.payload.size());
      return;
    }
    const auto text =
        R"("message":)" +
        json::Writer().value(std::string_view(message.payload.data(), message.payload.size())).take();
    out.append(text.data(), text.data() + text.size());
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonText>();
  }
};

/// The message as one line: what others wrote can neither begin a line of its own nor turn the direction of
/// one.
class OneLine final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    const auto text = one_line(std::string_view(message.payload.data(), message.payload.size()));
    out.append(text.data(), text.data() + text.size());
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<OneLine>();
  }
};

/// journald's priority: "<4>" for a warning.
class Priority final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    const char* text = "<6>";
    if (message.level == spdlog::level::debug) text = "<7>";
    if (message.level == spdlog::level::warn) text = "<4>";
    if (message.level >= spdlog::level::err) text = "<3>";
    out.append(text, text + 3);
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<Priority>();
  }
};

spdlog::level::level_enum level_of(config::LogLevel level) {
  switch (level) {
    case config::LogLevel::debug:
      return spdlog::level::debug;
    case config::LogLevel::info:
      return spdlog::level::info;
    case config::LogLevel::warning:
      return spdlog::level::warn;
    case config::LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

void set_up_log(const config::Log& log) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  formatter->add_flag<JsonText>('*').add_flag<OneLine>('+').add_flag<Priority>('&');
  const bool journal = std::getenv("JOURNAL_STREAM") != nullptr;
  if (log.format == config::LogFormat::json) {
    formatter->set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%*})");
  } else {
    formatter->set_pattern(journal ? "%&%+" : "%Y-%m-%dT%H:%M:%S.%eZ %l: %+");
  }
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_st>();
  sink->set_formatter(std::move(formatter));
  const auto logger_of = [&](const std::string& name) {
    auto logger = std::make_shared<spdlog::logger>(name, sink);
    logger->set_level(level_of(log.level));
    logger->flush_on(spdlog::level::info);
    return logger;
  };
  spdlog::set_default_logger(logger_of("watchbilld"));
  spdlog::drop(engine::kEventLogger);
  if (log.format == config::LogFormat::json) spdlog::register_logger(logger_of(engine::kEventLogger));
}

}  // namespace watchbill::daemon
