#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/history.hpp"
#include "engine/journal/journal.hpp"
#include "net/http.hpp"
#include "net/loop.hpp"
#include "slack/limits/rate_limiter.hpp"

namespace watchbill::engine {

struct AlertOptions {
  std::optional<ChannelId> channel{};  ///< `slack.alert_channel`
  Secret webhook{};    ///< POST of JSON: a path that does not need Slack's API; empty for none
  Secret heartbeat{};  ///< GET after each complete pass; empty for none
};

/// Tells people about problems: once when one begins, once when it ends, by two paths that do not depend on
/// each other. What was told survives a restart.
class Alerter {
 public:
  /// Sentences with the names of channels and people in them (store/names.hpp), by the sentence without. What
  /// is not answered soon is left out.
  using Named = std::map<std::string, std::string>;
  using WithNames = std::function<net::Task<Named>(std::set<std::string> texts)>;
  Alerter(net::Loop& loop, Journal& journal, slack::Channels& channels, slack::RateLimiter& limiter,
          net::HttpClient& http, AlertOptions options, WithNames with_names);
  /// What was open before.
  void load(std::vector<store::OpenProblem> problems);
  void start();
  void stop() { stopping_ = true; }

  /// What is told when a problem is over.
  using SayEnd = std::function<std::string(const store::OpenProblem& open)>;
  /// The problems that there are now: all of them. `channel_of` a rotation: its own alert channel, which
  /// hears of its problems besides the common one.
  void report(const std::vector<Problem>& problems, const std::map<RotationId, ChannelId>& channel_of,
              const SayEnd& say_end, Instant now);
  /// A pass is complete: fetches the heartbeat address.
  void heartbeat();

  /// The clock was set back to `now`: nothing began later.
  void set_back(Instant now);

  [[nodiscard]] const std::map<std::string, store::OpenProblem>& open() const { return open_; }

 private:
  /// One for each way, so that neither waits for the other.
  net::Task<void> run(net::Task<bool> (Alerter::*tell)());
  net::Task<bool> tell_channels();
  net::Task<bool> tell_webhook();
  net::Task<void> beat();
  [[nodiscard]] std::set<ChannelId> channels_for(const store::OpenProblem& problem) const;
  [[nodiscard]] bool too_fresh() const;
  net::Task<Named> name_all();
  void forget_told();
  void save_changed(Pace pace);

  net::Loop& loop_;
  Journal& journal_;
  slack::Channels& channels_;
  slack::RateLimiter& limiter_;
  net::HttpClient& http_;
  AlertOptions options_;
  WithNames with_names_;
  std::map<std::string, store::OpenProblem> open_;
  /// The open ones that stand in the log.
  std::set<std::string> logged_;
  std::set<std::string> unsaved_;  ///< keys of problems that were not appended as they are
  std::map<RotationId, ChannelId> channel_of_;
  /// Where each problem was told, and its end was not yet: that belongs there.
  std::map<std::string, std::set<ChannelId>> told_in_;
  std::uint64_t revision_ = 0;  ///< goes up with every problem that begins or ends
  int telling_ = 0;             ///< ways that tell right now: what they tell is not forgotten meanwhile
  net::Signal changed_;
  bool beating_ = false;
  bool stopping_ = false;
  net::TaskScope tasks_;
};

}  // namespace watchbill::engine
