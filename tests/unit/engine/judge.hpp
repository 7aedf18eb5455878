#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/engine/world.hpp"

namespace watchbill::test {

/// Reads every sentence that is posted or shown as a person would, and compares it with what the systems and
/// Slack have answered by then. It knows nothing of how the engine decides or makes its texts.
class Judge {
 public:
  /// Listens to the world from now on; of it, and of its systems, which must be connected already.
  explicit Judge(EngineWorld& world);
  /// Compares what `status` shows now, and what was added to history.
  void look();

  /// What was said and was not so (or could not be known), each with the moment and the reason.
  std::vector<std::string> wrong;
  /// Sentences that were compared.
  int judged = 0;

 private:
  struct Heard {
    ScheduleAnswer answer;
    Instant at;
  };
  /// What is said of somebody in an announcement.
  enum class Claim { on_call, off_call };

  void hear_message(const FakeSlack::Message& message);
  void hear_webhook(const std::string& body);
  void judge_announcement(const Rotation& rotation, const std::string& text);
  void judge_clause(const Rotation& rotation, const std::string& clause, Instant since);
  void judge_people(const Rotation& rotation, const std::string& people, Claim claim, Instant since);
  void judge_group(const Rotation& rotation, const std::string& text);
  void judge_begin(const std::string& key, Instant since);
  void judge_begin_of_rotation(const Rotation& rotation, const std::string& kind, const std::string& object,
                               Instant since);
  void judge_begin_of_person(const Rotation& rotation, const std::string& kind, const std::string& object,
                             Instant since);
  void judge_end(const std::string& key, Instant since);
  void judge_end_of_rotation(const Rotation& rotation, const std::string& kind, const std::string& object,
                             Instant since);
  void judge_history(const Rotation& rotation, const Change& change);
  void judge_status(const Rotation& rotation, const store::RotationStatus& status);
  void expect(bool so, const std::string& said, const std::string& why);

  [[nodiscard]] std::vector<Rotation> rotations() const;
  [[nodiscard]] Instant now() const { return world_.loop.now(); }
  /// The name that the scheduling systems use for a person of a text: "<@Uada>", "ada (no Slack account
  /// found)".
  [[nodiscard]] std::string name_of(std::string person) const;
  /// Who is on call at `t` by that answer; nothing if it does not tell.
  static std::optional<std::set<std::string>> people_in(const ScheduleAnswer& answer, Instant t);
  /// The same by the last question that was answered before `heard_by` and tells of `t`.
  [[nodiscard]] std::optional<std::set<std::string>> people_at(const ScheduleRef& ref, Instant t,
                                                               Instant heard_by) const;
  [[nodiscard]] bool was_on_call(const Rotation& rotation, const std::string& name, Instant since) const;
  [[nodiscard]] bool is_on_call(const Rotation& rotation, const std::string& name, Instant t) const;
  /// True if at one moment every schedule has nobody by some answer.
  [[nodiscard]] bool nobody_was(const std::vector<ScheduleRef>& schedules, Instant since) const;
  /// The last the system said of that person, "pd/Pada".
  [[nodiscard]] std::optional<Responder> heard_of(const std::string& responder) const;
  /// Some answer after `since` was of that kind.
  [[nodiscard]] bool answered(const ScheduleRef& ref, AnswerStatus status, Instant since) const;
  /// Exactly whoever should be in the group by what was heard is in it now.
  [[nodiscard]] bool group_is_right(const Rotation& rotation) const;
  void remember_members();
  [[nodiscard]] bool absent(const std::string& name) const;
  [[nodiscard]] bool group_was(const Rotation& rotation, const std::set<std::string>& users) const;
  [[nodiscard]] std::set<std::string> users_on_call(const Rotation& rotation, Instant t) const;

  EngineWorld& world_;
  std::map<ScheduleRef, std::vector<Heard>> heard_;
  std::set<std::string> absent_;  ///< addresses that nobody has, as Slack said
  std::optional<bool> list_read_;
  std::map<GroupId, std::set<UserId>> members_;  ///< whoever was seen in each group
  ChangeId last_change_{};
};

}  // namespace watchbill::test
