#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/oncall/host_clock.hpp"
#include "engine/decide/after_restore.hpp"
#include "engine/decide/deadline_queue.hpp"
#include "engine/decide/decider.hpp"
#include "engine/decide/status_writer.hpp"
#include "engine/engine.hpp"
#include "engine/jobs/job_runner.hpp"
#include "engine/sources/people_refresher.hpp"
#include "engine/sources/poller.hpp"
#include "engine/sources/responder_matcher.hpp"
#include "engine/targets/announcer.hpp"
#include "engine/targets/group_reader.hpp"
#include "engine/targets/group_writer.hpp"
#include "store/async_store.hpp"

/// Inside of the engine, shared by its own files alone.
namespace watchbill::engine {

struct Configured;
struct Remembered;

/// How a scheduling system is doing.
struct ConnectionState {
  std::unique_ptr<Poller> poller;  ///< none if the connection's settings are refused
  std::string kind;
  std::optional<Instant> last_success;  ///< the last usable answer about any schedule
  std::optional<Instant> completed;     ///< when the last cycle began in which every schedule was answered
  std::optional<Instant> failing_since;
  std::optional<Error> error;
  store::ConnectionStatus written;
  store::ConnectionStatus recalled;  ///< what was shown before this run, or these settings, heard of it
  bool asked = false;                ///< some rotation uses one of its schedules
  bool emptied = false;              ///< many schedules emptied together, and that is not confirmed
  ClockWitness clock;
};

/// Whether this host's clock is right, as far as that is known.
struct ClockState {
  /// What others told before this moment is of another clock: ours was set since.
  Instant valid_from = kAlways;
  /// When that was.
  SteadyInstant open_since{};
  ClockWitness slack;
  ClockVerdict verdict = ClockVerdict::open;
  /// What came due while the clock was not trusted.
  std::vector<Deadline> due{};
};

/// Renewed tokens go straight to the store, and into what is known of the connections: they are no edit.
class StoredTokens final : public providers::TokenKeeper {
 public:
  StoredTokens(store::AsyncStore store, std::map<std::string, Connection>& known)
      : store_(store), known_(known) {}
  net::Task<Result<void>> keep(std::string connection, std::map<std::string, std::string> settings,
                               std::map<std::string, Secret> secrets) override;

 private:
  store::AsyncStore store_;
  std::map<std::string, Connection>& known_;
};

class Engine::Impl final : public DecisionListener,
                           public PollListener,
                           public WriteListener,
                           public JournalListener {
 public:
  Impl(EnginePorts ports, EngineOptions options, ProviderFactory make_provider);

  net::Task<Result<void>> start();
  net::Task<void> stop(milliseconds patience);
  net::Task<bool> wait_in_sync(milliseconds limit);
  [[nodiscard]] Result<void> check_store() const;
  [[nodiscard]] EngineFigures figures() const;
  [[nodiscard]] std::optional<WriteForecast> forecast(RotationId rotation) const {
    return writer_.forecast(rotation);
  }
  void notice_changes() {
    edited_ = true;
    edits_.notify();
  }
  void hear(const slack::ChangeEvent& news);
  void look_anew();

 private:
  // DecisionListener
  void on_writes_queued() override { writer_.kick(); }
  void on_outbox_changed() override { announcer_.kick(); }
  void on_people_pending() override { keeper_.urgent(); }
  void decide_again_at(std::vector<RotationId> rotations, Instant at) override;
  // JournalListener
  void add_to_commit(store::Commit& commit) override;
  void on_recorded() override;
  void on_not_recorded(const Error& error) override;
  void on_refused(const std::set<RotationId>& rotations) override;
  // PollListener
  std::vector<std::string> watched(const std::string& connection) override;
  std::vector<std::string> look_ahead_due(const std::string& connection, bool far, Instant now,
                                          std::size_t limit) override;
  void on_answer(ScheduleAnswer answer) override;
  void on_looked_ahead(const ScheduleRef& schedule, bool far, bool answered, Instant now) override;
  void on_cycle(const std::string& connection, Instant began, const std::optional<Error>& error) override;
  // WriteListener
  void on_written(RotationId rotation, bool read_again, const std::string& failure) override;
  void on_invalid_members(RotationId rotation, const std::vector<UserId>& members) override;
  void on_write_lag(milliseconds lag) override;

  void count_used_budget(const std::string& group_writes);
  [[nodiscard]] std::optional<Instant> token_end_of(const std::string& connection) const;
  net::Task<Alerter::Named> with_names(std::set<std::string> texts);
  void count_open_changes();
  /// Something that would be lost, or left in doubt, if the process ended now.
  [[nodiscard]] bool work_in_flight() const;

  // engine_load.cpp: the model from the store, at the start and after edits by other processes
  void load(Remembered& remembered);
  /// Looks every second whether somebody else changed something, and when somebody in this process did.
  net::Task<void> follow_edits();
  net::Task<Result<void>> reload();
  net::Task<Result<void>> load_edits();
  /// Who made the edits that are taken over, by object.
  using Editors = std::map<std::string, store::Actor>;
  void take(Configured& configured, const Editors& editors);
  /// What differs from what is known: names of rotations, people who are mapped.
  [[nodiscard]] std::set<std::string> edited_objects(const Configured& configured) const;
  void load_rotations(Configured& configured, const Editors& editors);
  void load_connections(Configured& configured);
  /// What the store remembers, which whoever needs it takes out.
  using Records = std::map<RotationId, RotationRecord*>;
  using ScheduleStates = std::map<ScheduleRef, ScheduleState*>;
  void adopt_rotation(Rotation rotation, const Records& records);
  void replace_rotation(RotationEntry& entry, Rotation rotation, const Records& records,
                        const std::string& by);
  void drop_rotation(RotationId id);
  /// Which rotations are being deleted. One whose deletion was given up or taken back is kept again.
  void load_deletions(const std::vector<Deletion>& deletions, Instant now);
  /// Looks whether deletions are given up by now.
  void give_up_deletions(Instant now);
  void give_up_deletion(RotationEntry& entry);
  void end_deletion(RotationEntry& entry);
  /// Problems that were open when the last run ended stay until they are looked at.
  void recall_problems();
  /// Ends those of channels that took an announcement since, or that are none of the rotation's any more.
  void forget_reached_channels(RotationEntry& entry);
  void rebuild_schedules(const ScheduleStates& states);
  /// What an earlier run remembered of a schedule was taken over.
  void note_recalled(ScheduleEntry& entry, Instant now);
  void note_mapped(const std::vector<std::string>& changed, const Editors& editors);

  // engine_decide.cpp: what is decided when
  void mark(RotationId rotation);
  void mark_all();
  void decide_marked();
  void add_sharers(std::set<RotationId>& rotations, Instant now) const;
  void plan_boundary(ScheduleEntry& entry, Instant now);
  void on_due(const std::vector<Deadline>& due);
  void meet_deadline(const Deadline& deadline, std::map<std::string, std::vector<std::string>>& polls,
                     std::map<std::pair<std::string, Instant>, std::vector<std::string>>& previews);
  void weigh_evidence(ScheduleEntry& entry, const AnswerEffect& effect, Instant now);
  void confirm_boundary(const ScheduleEntry& entry, Instant asked_at);
  void release_confirmed();
  [[nodiscard]] std::pair<std::size_t, std::size_t> doubtful_of(const std::string& connection) const;
  void reserve_budget(Instant now);
  [[nodiscard]] Instant decision_time();
  [[nodiscard]] bool store_blocked() const;

  // engine_log.cpp: what is told of decisions and writes
  /// What had been decided before, to see what a decision changed.
  struct Decided {
    bool decided = false;
    std::vector<OnCallPerson> people{};
    std::optional<SteadyInstant> last_drift{};
    std::optional<GroupNow> reported{};
    int times_not_done = 0;
  };
  static Decided decided_so_far(const RotationEntry& entry);
  void log_decision(const RotationEntry& entry, const Decided& before, Instant now);
  void log_write(const RotationEntry& entry, const std::string& failure);
  void log_failure(const RotationEntry& entry, const std::string& why);
  /// No `before` means that it is new, no `after` that it is gone.
  static void log_edit(const Rotation* before, const Rotation* after, const std::string& by);

  // engine_clock.cpp: the wall clock was set, or the host slept, or others contradict it
  void look_at_clock();
  void set_back(Instant now);
  /// Forgets what others told of the time: nothing is decided before it is known again, or patience ends.
  void doubt_clock(Instant now);
  /// Slack, or a system, was asked at `asked` and answered so; its last answer told `skew` of the time.
  void hear_clock(ClockWitness& witness, Instant asked, const std::optional<Error>& error,
                  std::optional<seconds> skew);
  void weigh_clock();
  [[nodiscard]] bool clock_trusted() const { return clock_.verdict == ClockVerdict::trusted; }
  [[nodiscard]] std::vector<ClockWitness> clocks_of_systems() const;
  /// Goes on with what waited for the clock.
  void catch_up();
  /// What is to be told while the clock is wrong; nothing if it is not.
  [[nodiscard]] std::optional<std::string> wrong_clock() const;
  void hold_announcements();

  // engine_silence.cpp: who does not answer, and since when
  /// How the last reading of Slack's user groups ended.
  void note_slack(std::optional<Error> error);
  void note_silence(Instant now);
  [[nodiscard]] std::vector<std::string> why_silent(const RotationEntry& entry) const;
  [[nodiscard]] std::string silence_of(const ScheduleRef& schedule) const;
  /// `at_once`: after the first failure, for who has nothing else to go by.
  [[nodiscard]] std::optional<std::string> silence_of_slack(bool at_once) const;
  [[nodiscard]] std::vector<ScheduleRef> silent_schedules_of(const std::string& connection) const;
  /// True if lists leave out a schedule of this connection, and it does not say itself whether that is so.
  [[nodiscard]] bool absence_unconfirmed_of(const std::string& connection, Instant now) const;
  [[nodiscard]] std::optional<std::string> problem_of(const std::string& connection,
                                                      const ConnectionState& state) const;

  // engine_watch.cpp: the second hand
  net::Task<void> tick();
  net::Task<void> prune();
  void flush(Instant now);
  void add_schedule_states(store::Commit& commit);
  void report_problems(Instant now);
  /// What is told when that problem is over.
  [[nodiscard]] std::string say_end(const store::OpenProblem& open, Instant now) const;
  /// Rotations that use a connection and have changed since then long after their people did; nothing while
  /// that is not known of all of them.
  [[nodiscard]] std::optional<std::vector<std::string>> found_late(const std::string& connection,
                                                                   Instant since) const;
  /// Adds the open problems of which nobody can tell yet whether they are over.
  void keep_unheard(std::vector<Problem>& problems) const;
  [[nodiscard]] bool unheard(const Problem& problem) const;
  [[nodiscard]] bool is_used(const std::string& connection) const;
  void add_connections(store::Commit& commit, Instant now);
  void note_pass(Instant now);
  void add_figures(store::Commit& commit);
  net::Task<bool> sync_now();
  [[nodiscard]] bool waits_for_people() const;
  /// That a system which rotations use will be switched off, if that is so soon that it is told.
  void report_end(const std::string& name, const ConnectionState& state, Instant now,
                  std::vector<Problem>& problems) const;
  /// What its adapter says of people without an e-mail address; empty: nothing.
  [[nodiscard]] std::string why_no_address(const std::string& connection) const;
  void add_unmatched(store::Commit& commit, Instant now);
  [[nodiscard]] milliseconds interval_of(const ConnectionState& state, Instant now) const;
  [[nodiscard]] std::optional<Instant> complete_since() const;
  [[nodiscard]] bool in_sync() const;

  EnginePorts ports_;
  EngineOptions options_;
  ProviderFactory make_provider_;
  std::map<std::string, Connection> known_connections_;
  StoredTokens tokens_;
  slack::Directory directory_;
  ResponderMatcher matcher_;
  Model model_;
  Journal journal_;
  Decider decider_;
  GroupReader reader_;
  GroupWriter writer_;
  Announcer announcer_;
  Alerter alerter_;
  StatusWriter status_writer_;
  PeopleRefresher keeper_;
  JobRunner job_runner_;
  AfterRestore after_restore_;
  DeadlineQueue deadlines_;
  std::map<std::string, ConnectionState> connections_;

  std::set<RotationId> marked_;
  net::Timer decide_soon_;
  std::set<RotationId> confirmed_;
  net::Timer confirm_soon_;
  /// Groups that were disabled when they were last looked at.
  std::set<RotationId> disabled_;
  std::optional<milliseconds> last_lag_;
  /// When the last write that stands in the log ended.
  std::map<RotationId, std::optional<SteadyInstant>> told_writes_;
  std::set<RotationId> silent_;
  std::set<ScheduleRef> silent_schedules_;
  bool slack_silent_ = false;
  std::map<Responder, std::string> unmatched_;
  std::optional<Moment> store_blocked_since_;
  bool store_block_told_ = false;
  bool store_moved_ = false;   ///< what is written is in no file any more
  bool store_worked_ = false;  ///< something was written in this run
  std::string store_error_;
  std::optional<Error> slack_error_;
  std::optional<Instant> slack_failing_since_;
  std::optional<Instant> last_pass_;
  Instant started_at_;
  Instant last_decision_ = kAlways;
  Moment last_tick_{};
  ClockState clock_;
  /// Deletions that are given up, as long as the store has them.
  std::map<RotationId, Deletion> given_up_;
  bool edited_ = true;  ///< somebody in this process changed something
  net::Signal edits_;
  std::int64_t data_version_ = -1;
  std::int64_t generation_ = -1;
  /// Small values that `status` shows, and as they were recorded.
  std::map<std::string, std::string> figures_;
  std::map<std::string, std::string> written_meta_;
  std::array<std::uint64_t, kLagBounds.size() + 1> lag_counts_{};
  milliseconds lag_sum_{0};
  bool open_changes_counted_ = false;
  bool running_ = false;
  bool stopping_ = false;
  net::TaskScope tasks_;
};

/// A source is silent after this many intervals without a complete cycle.
inline constexpr int kSilentIntervals = 3;
/// What is told while a system that shows nobody anywhere is not believed.
inline constexpr std::string_view kEmptiedText =
    "more than half of its schedules show nobody on call at once; that is not believed before they have said "
    "so for 3 minutes";
/// What most calls to Slack that change something are for; the tightest of its limits.
inline constexpr auto kGroupWrite = slack::Method::usergroups_users_update;

}  // namespace watchbill::engine
