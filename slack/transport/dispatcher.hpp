#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_set>

#include "net/loop.hpp"
#include "slack/transport/incoming.hpp"

namespace watchbill::slack {

/// Figures since the start, for metrics.
struct DeliveryFigures {
  std::array<std::uint64_t, kDeliveryKinds> by_kind{};  ///< handed on, by `DeliveryKind`
  std::uint64_t duplicates = 0;                         ///< sent again, and dropped
  std::uint64_t unhandled = 0;                          ///< of kinds that we do not handle
  std::uint64_t late = 0;     ///< acknowledged without the answer, which took too long
  std::uint64_t failed = 0;   ///< the receiver broke, or its answer was no JSON
  std::uint64_t refused = 0;  ///< too many were being handled already
  milliseconds slowest_ack{0};
};

/// Keys of the last ten minutes. Pure: `now` never goes back.
class SeenKeys {
 public:
  /// True if `key` is new; it is known from then on. At most 20,000 are remembered.
  bool add(const std::string& key, SteadyInstant now);

 private:
  std::unordered_set<std::string> known_;
  std::deque<std::pair<SteadyInstant, std::string>> order_;
};

/// What both transports hand their deliveries to: drops what was sent twice, keeps Slack's three seconds
/// whatever the receiver does, and counts.
class Dispatcher {
 public:
  Dispatcher(net::Loop& loop, Receiver& receiver);
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  /// Hands a delivery on and returns what the acknowledgement carries: a JSON object, or empty. Kinds whose
  /// acknowledgement carries nothing return before the receiver begins; the others after 2.5 s at the latest,
  /// and the receiver goes on. Nothing that the receiver throws comes out here.
  net::Task<std::string> dispatch(Incoming incoming);

  [[nodiscard]] const DeliveryFigures& figures() const { return figures_; }
  /// How many deliveries are being handled now.
  [[nodiscard]] std::size_t running() const { return tasks_.running(); }

 private:
  struct Work;
  net::Task<void> run(std::shared_ptr<Work> work, Delivery delivery);
  [[nodiscard]] std::string checked(std::string answer, const std::string& what);
  void acknowledged(SteadyInstant since);

  net::Loop& loop_;
  Receiver& receiver_;
  SeenKeys seen_;
  DeliveryFigures figures_;
  net::TaskScope tasks_;
};

}  // namespace watchbill::slack
