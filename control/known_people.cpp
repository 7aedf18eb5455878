#include "control/known_people.hpp"

namespace watchbill::control {

Result<StoredPeople> read_people(store::Store& store) {
  auto users = engine::StoredUsers(store).load();
  if (!users) return users.error().in("reading the people known");
  auto mappings = store.people().mappings();
  if (!mappings) return mappings.error();
  return StoredPeople{*std::move(users), *std::move(mappings)};
}

KnownPeople::KnownPeople(Context& context, StoredPeople stored)
    : memory_(std::move(stored.users)),
      directory_(context.loop, context.limiter, context.people, memory_),
      matcher_(directory_) {
  (void)directory_.load();  // from memory, which does not fail
  matcher_.set_mappings(stored.mappings);
}

}  // namespace watchbill::control
