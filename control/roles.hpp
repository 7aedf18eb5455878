#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "control/context.hpp"
#include "core/history.hpp"

namespace watchbill::control {

/// Somebody that something depends on by his Slack user id.
struct Dependence {
  UserId user;
  std::string as;   ///< "a fallback member of rotation \"payments\""
  std::string fix;  ///< "choose another with `watchbill rotation edit …`"
  std::string key;  ///< of the problem, without the user
  std::optional<RotationId> rotation{};
  bool in_group = false;  ///< he is to be in a group, which takes no guests and bots
};

/// Editors, the user token's owner (`token_user`, if there is one), and each rotation's owners and fallback
/// members. (Who is always a member is looked after by the engine.)
std::vector<Dependence> dependences(const config::Config& config, const std::vector<Rotation>& rotations,
                                    const std::optional<UserId>& token_user);

struct LostRoles {
  std::vector<Problem> problems{};
  /// People of whom Slack gave no answer: nothing is said of them.
  std::set<UserId> unread{};
  bool asked = true;  ///< false if nobody could be asked for
};

/// Asks Slack for each of these people and says who cannot be what he is any more: deactivated, a guest, or
/// (the token's owner) no workspace admin any more although he was one. Each person is asked for once, at
/// `priority`.
net::Task<LostRoles> lost_roles(Context& context, std::optional<UserId> token_user, slack::Priority priority);

}  // namespace watchbill::control
