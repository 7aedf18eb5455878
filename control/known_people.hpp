#pragma once

#include <vector>

#include "control/context.hpp"
#include "engine/sources/responder_matcher.hpp"
#include "slack/people/directory.hpp"

namespace watchbill::control {

/// Who the store knows of Slack's users, and who was said to be whom.
struct StoredPeople {
  std::vector<slack::SeenUser> users;
  std::vector<store::Mapping> mappings;
};
Result<StoredPeople> read_people(store::Store& store);

/// Those people for one task, which may look up others in Slack: nothing of that is written.
class KnownPeople {
 public:
  KnownPeople(Context& context, const StoredPeople& stored);
  KnownPeople(const KnownPeople&) = delete;
  KnownPeople& operator=(const KnownPeople&) = delete;

  slack::Directory& directory() { return directory_; }
  [[nodiscard]] const engine::ResponderMatcher& matcher() const { return matcher_; }

 private:
  slack::Directory directory_;
  engine::ResponderMatcher matcher_;
};

}  // namespace watchbill::control
