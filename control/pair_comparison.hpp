#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "control/connections.hpp"
#include "control/migrate.hpp"
#include "control/migration_people.hpp"

/// Asking the two sides of a migration.
namespace watchbill::control {

/// "The next weeks".
inline constexpr auto kWeeks = days{14};

/// How far a side is asked.
enum class Reach { minutes, weeks };

/// One of the two sides.
struct OpenSide {
  std::string name;
  std::unique_ptr<OpenProvider> open{};
  /// Why it cannot be asked.
  std::optional<Error> error{};
};

/// `not_found` if there is no such connection.
net::Task<Result<std::shared_ptr<OpenSide>>> open_side(Context& context, std::string name);
/// Puts what the side says of these schedules beside what it said before; what is said of now counts. A limit
/// of the system's is waited for, for some minutes.
net::Task<void> ask(net::Loop& loop, OpenSide& side, std::vector<ShownSchedule>& schedules, Reach reach);

/// What the store knows, read in one piece.
struct Recalled {
  StoredPeople people;
  std::map<ScheduleRef, ScheduleState> states;
};
/// The people whom the store knows, and what it remembers of those that are not named, or do not say who is
/// on call at `now`.
net::Task<Result<Recalled>> remembered_of(Context& context, const std::vector<ShownSchedule>& schedules,
                                          Instant now);
/// What is remembered takes the place of what is not said at `now`.
void recall(const std::map<ScheduleRef, ScheduleState>& remembered, std::vector<ShownSchedule>& schedules,
            Instant now);

/// Asks both sides of a plan's pairs.
class PairComparison {
 public:
  /// `not_found` if a connection is gone. One that cannot be opened answers nothing.
  static net::Task<Result<PairComparison>> open(Context& context, std::string from, std::string to);
  /// Puts what they say into the plan, beside what they said before.
  net::Task<Result<void>> look(MigrationPlan& plan, Reach reach);

 private:
  explicit PairComparison(Context& context) : context_(&context) {}

  Context* context_;
  std::shared_ptr<OpenSide> before_;
  std::shared_ptr<OpenSide> after_;
};

}  // namespace watchbill::control
