#pragma once

#include <string>

#include "base/json.hpp"
#include "net/task.hpp"

/// What Slack delivers to us: events, clicks, submitted forms, commands. The same over Socket Mode and over
/// HTTP request URLs (docs.slack.dev/interactivity/handling-user-interaction, …/apis/events-api).
namespace watchbill::slack {

enum class DeliveryKind {
  event,       ///< `payload` is the whole `event_callback` object, its "event" inside
  actions,     ///< block_actions
  submission,  ///< view_submission
  closed,      ///< view_closed
  suggestion,  ///< block_suggestion: options for an external select
  command,     ///< slash command: its fields as a JSON object of strings
  shortcut,    ///< global shortcut
};

struct Delivery {
  DeliveryKind kind;
  json::Document payload;
};

/// Who handles deliveries: the Slack app. On the loop's thread.
class Receiver {
 public:
  virtual ~Receiver() = default;
  /// Returns what the acknowledgement carries: JSON, or empty for none. Slack waits 3 s for it: a receiver
  /// answers from what it has, and does what takes longer in tasks of its own. One that takes longer than
  /// 2.5 s is acknowledged without its answer and goes on.
  virtual net::Task<std::string> receive(Delivery delivery) = 0;
};

}  // namespace watchbill::slack
