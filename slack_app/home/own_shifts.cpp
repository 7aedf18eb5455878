#include "slack_app/home/own_shifts.hpp"

#include <algorithm>
#include <functional>

namespace watchbill::slack_app {

namespace {

constexpr auto kMostAge = 60s;
constexpr auto kLeastAge = 3s;
constexpr std::size_t kShifts = 20;

/// Differs when who is on call or next in any rotation does.
std::size_t duties_of(const control::Overview& overview) {
  std::size_t mixed = overview.rotations.size();
  const auto add = [&mixed](std::size_t more) { mixed = mixed * 31 + more; };
  const auto add_moment = [&add](Instant at) {
    add(static_cast<std::size_t>(at.time_since_epoch().count()));
  };
  const std::hash<std::string> hashed;
  for (const auto& view : overview.rotations) {
    add(static_cast<std::size_t>(view.rotation.id.value));
    add(hashed(view.rotation.name));
    for (const auto& person : view.on_call) {
      add(hashed(person.responder.id));
      if (person.member) add(hashed(person.member->value));
      add_moment(person.until.value_or(kAlways));
    }
    for (const auto& person : view.next) {
      add(hashed(person.name));
      add_moment(person.from);
    }
  }
  return mixed;
}

}  // namespace

OwnShifts::OwnShifts(control::Context& context)
    : context_(context),
      shifts_(context.loop, [&context] { return control::shifts_by_person(context, kShifts); }) {}

void OwnShifts::look(const control::Overview& overview) {
  const auto duties = duties_of(overview);
  if (duties == duties_) return;
  duties_ = duties;
  duties_since_ = context_.loop.steady_now();
}

net::Task<Result<std::vector<control::DutyShift>>> OwnShifts::of(UserId user) {
  const auto now = context_.loop.steady_now();
  const auto since = std::max(now - kMostAge, std::min(duties_since_, now - kLeastAge));
  auto shifts = co_await shifts_.begun_since(since);
  if (!shifts) co_return shifts.error();
  std::vector<control::DutyShift> own;
  const auto found = (*shifts)->find(user);
  if (found == (*shifts)->end()) co_return own;
  for (const auto& shift : found->second) {
    if (!shift.end || *shift.end > context_.loop.now()) own.push_back(shift);
  }
  co_return own;
}

}  // namespace watchbill::slack_app
