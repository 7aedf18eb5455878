#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "slack_app/home/home_data.hpp"
#include "slack_app/home/own_shifts.hpp"
#include "slack_app/screen_context.hpp"
#include "slack_app/shared_reading.hpp"

namespace watchbill::slack_app {

/// How many of the latest readers see a change within 5 s; other recent ones within a minute.
inline constexpr std::size_t kLatestReaders = 8;

/// Shows everybody his home tab, and keeps it true while he looks at it.
class HomePublisher {
 public:
  /// What it shows besides what is in the store.
  struct Sources {
    Forecast forecast;
    std::function<std::vector<WaitingAccount>(const UserId&)> accounts;
  };
  HomePublisher(ScreenContext& screen, OwnShifts& shifts, Sources sources);
  /// Takes up those who were reading before a restart, and begins.
  void start();

  /// Somebody entered his home tab, whose view carries `metadata` (empty if there was none).
  net::Task<void> opened(UserId user, std::string metadata);
  /// Somebody turned to another page or searched.
  net::Task<void> turn(UserId user, HomePosition position);
  /// Something changed: readers need not wait for the next look.
  void kick();

 private:
  struct Reader {
    HomeReader who;
    bool known = false;  ///< Slack has described him
    Instant identity_at{};
    Instant seen{};    ///< last opened it, or did something there
    Instant looked{};  ///< last compared with what he sees
    Instant published{};
    std::string fingerprint{};  ///< of what he sees
    bool publishing = false;
    bool again = false;
  };

  Reader& reader_of(const UserId& user, Instant now);
  /// Takes up whom the store knows to have been reading, and what they may see.
  net::Task<void> take_up();
  /// What they may see as far as it was known before, of those whom Slack has not described yet.
  void recall(const std::vector<store::CachedUser>& known);
  [[nodiscard]] bool is_known(const UserId& user) const;
  net::Task<void> identify(UserId user);
  /// Publishes if he would see something else than he does.
  net::Task<void> show(UserId user, slack::Priority priority);
  net::Task<void> show_once(UserId user, slack::Priority priority);
  /// What he sees now, from the store.
  net::Task<Result<HomeModel>> model_of(HomeReader who);
  net::Task<Result<HomeSnapshot>> read_snapshot();
  [[nodiscard]] std::vector<UserId> recent(Instant now) const;
  net::Task<void> keep_latest();
  net::Task<void> keep_others();
  void remember_readers(Instant now);
  net::Task<void> write_readers(std::string text);

  ScreenContext& screen_;
  OwnShifts& shifts_;
  Sources sources_;
  net::Signal kicked_;
  std::map<UserId, Reader> readers_;
  SharedReading<HomeSnapshot> snapshot_;
  std::uint64_t kicks_ = 0;
  bool taken_up_ = false;  ///< before, those who were reading are in the store alone
  Instant remembered_{};
  net::TaskScope tasks_;
};

}  // namespace watchbill::slack_app
