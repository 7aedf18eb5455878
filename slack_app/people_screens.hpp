#pragma once

#include <string>

#include "slack_app/actions.hpp"
#include "slack_app/screen_context.hpp"

namespace watchbill::slack_app {

/// Says which Slack user somebody in a scheduling system is.
class PeopleScreens {
 public:
  explicit PeopleScreens(ScreenContext& screen) : screen_(screen) {}
  net::Task<void> open(UserId user, std::string trigger, std::string person);
  net::Task<std::string> submit(Interaction interaction);
  /// What was said is taken back, in the view that told that it was saved.
  net::Task<void> take_back(Interaction interaction, std::string person);

 private:
  struct Outcome {
    std::string wrong{};  ///< an error at the field; empty: it was saved
    std::string saved{};  ///< the view that says so
  };
  net::Task<std::string> view_of(UserId user, std::string person);
  net::Task<Outcome> map(UserId user, std::string person, std::string slack_user);
  net::Task<void> finish(std::string view, std::unique_ptr<DeferredAnswer<Outcome>> work);

  ScreenContext& screen_;
};

}  // namespace watchbill::slack_app
