#include "control/known_people.hpp"

namespace watchbill::control {

Result<StoredPeople> read_people(store::Store& store) {
  auto users = store.people().users();
  if (!users) return users.error().in("reading the people known");
  auto mappings = store.people().mappings();
  if (!mappings) return mappings.error();
  return StoredPeople{engine::seen_users(*users), *std::move(mappings)};
}

KnownPeople::KnownPeople(Context& context, const StoredPeople& stored)
    : directory_(context.loop, context.limiter, context.people), matcher_(directory_) {
  directory_.load(stored.users);
  matcher_.set_mappings(stored.mappings);
}

}  // namespace watchbill::control
