#pragma once

#include <string>

#include "slack_app/actions.hpp"
#include "slack_app/screen_context.hpp"

namespace watchbill::app {

/// Says which Slack user somebody in a scheduling system is.
class PeopleScreens {
 public:
  explicit PeopleScreens(Surface& surface) : surface_(surface) {}
  net::Task<void> open(UserId user, std::string trigger, std::string person);
  net::Task<std::string> submit(Place place);
  /// What was said is taken back, in the view that told that it was saved.
  net::Task<void> take_back(Place place, std::string person);

 private:
  struct Outcome {
    std::string wrong{};  ///< an error at the field; empty: it was saved
    std::string saved{};  ///< the view that says so
  };
  net::Task<std::string> view_of(UserId user, std::string person);
  net::Task<Outcome> map(UserId user, std::string person, std::string slack_user);
  net::Task<void> finish(std::string view, std::unique_ptr<Later<Outcome>> work);

  Surface& surface_;
};

}  // namespace watchbill::app
