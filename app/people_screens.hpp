#pragma once

#include <string>

#include "app/intents.hpp"
#include "app/surface.hpp"

namespace watchbill::app {

/// Says which Slack user somebody in a scheduling system is.
class PeopleScreens {
 public:
  explicit PeopleScreens(Surface& surface) : surface_(surface) {}
  net::Task<void> open(UserId user, std::string trigger, std::string person);
  net::Task<std::string> submit(Place place);

 private:
  net::Task<std::string> view_of(UserId user, std::string person);
  /// An error at the field, or empty.
  net::Task<std::string> map(UserId user, std::string person, std::string slack_user);
  net::Task<void> finish(std::string view, std::unique_ptr<Later<std::string>> work);

  Surface& surface_;
};

}  // namespace watchbill::app
