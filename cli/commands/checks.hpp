#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "cli/session.hpp"
#include "core/oncall/rotation.hpp"

/// What `doctor` looks at.
namespace watchbill::cli {

/// One finding.
struct Check {
  std::string name;
  std::string state;  ///< ok, warn, fail
  std::string detail;
  std::string fix{};
};

/// The findings so far. Each is told as soon as it is known.
class Checks {
 public:
  explicit Checks(std::function<void(const Check&)> told) : told_(std::move(told)) {}
  void add(Check check) {
    if (told_) told_(check);
    all_.push_back(std::move(check));
  }
  [[nodiscard]] const std::vector<Check>& all() const { return all_; }

 private:
  std::function<void(const Check&)> told_;
  std::vector<Check> all_;
};

void ok(Checks& checks, std::string name, std::string detail);
void warned(Checks& checks, std::string name, std::string detail, std::string fix);
void failed(Checks& checks, std::string name, std::string detail, std::string fix);

/// Difference of clocks: shown above 2 s, a failure above 30 s.
void check_clock(Checks& checks, const std::string& system, std::optional<seconds> skew);

/// Tokens, scopes, the way Slack reaches us, the right to edit groups, groups and channels of the rotations.
/// `fast`: without the channels.
void check_slack(Session& session, const config::Config& config, const std::vector<Rotation>& rotations,
                 bool fast, Checks& checks);

/// The library that reads what strangers send: has it Debian's security fixes, and does the daemon run it?
void check_libraries(Session& session, Checks& checks);

/// The people behind the user token, editors, owners and fallback members (control/roles.hpp).
void check_roles(Session& session, const std::vector<Rotation>& rotations, Checks& checks);

}  // namespace watchbill::cli
