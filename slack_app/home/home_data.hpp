#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/duty.hpp"
#include "control/overview.hpp"
#include "control/people.hpp"
#include "engine/targets/write_forecast.hpp"
#include "slack_app/home/home.hpp"
#include "slack_app/phrases.hpp"
#include "slack_app/systems/browser_connect.hpp"

namespace watchbill::slack_app {

/// Everything that home tabs show, read from the store once for all readers.
struct HomeSnapshot {
  control::Overview overview{};
  std::vector<Attention> attention{};             ///< those of rotations name them in `attention_of`
  std::vector<RotationId> attention_of{};         ///< beside each; 0: of no rotation
  std::map<std::string, std::size_t> uses{};      ///< rotations by connection
  std::map<ScheduleRef, Instant> silent_since{};  ///< of the schedules of stale rotations
};
net::Task<Result<HomeSnapshot>> read_home(control::Context& context);

/// What last happened in rotations.
using LastChanges = std::map<RotationId, LastChange>;
/// Of those that somebody sees at this part.
net::Task<LastChanges> read_last_changes(control::Context& context,
                                         std::shared_ptr<const HomeSnapshot> snapshot, HomePosition position);

/// When a rotation's group will be written, if that is queued.
using Forecast = std::function<std::optional<engine::WriteForecast>(RotationId)>;

/// Who looks at it, and at which part.
struct HomeReader {
  SlackUser user;
  HomePosition position{};
  std::vector<control::DutyShift> shifts{};  ///< his own
  std::vector<WaitingAccount> accounts{};    ///< that wait for his word
  LastChanges last_changes{};                ///< of the rotations that he sees
};

/// What the reader sees: the page he is on (or the last one, if there are fewer by now), with the buttons
/// that `may` gives him.
HomeModel home_model(control::Context& context, const HomeSnapshot& snapshot, const HomeReader& reader,
                     const Forecast& forecast);

/// The same, without what changes all the time and alone is not worth sending: when a system that is well
/// last answered.
std::string home_fingerprint(HomeModel model);

/// What a problem's key says of how it is mended (docs/alerts.md lists the keys).
Attention attention_of(const Problem& problem, CredentialForms forms = CredentialForms::shown);

}  // namespace watchbill::slack_app
