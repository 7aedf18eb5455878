#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "slack/api/api.hpp"
#include "slack/limits/rate_limiter.hpp"
#include "store/store.hpp"
#include "tests/support/sim_loop.hpp"
#include "tests/unit/engine/disk.hpp"

/// The engine in virtual time, between a workspace and a scheduling system that live in memory.
namespace watchbill::test {

/// A Slack workspace with memory and faults.
class FakeSlack final : public slack::Groups, public slack::Users, public slack::Channels {
 public:
  struct Message {
    ChannelId channel;
    std::string text;
    std::string key;
    Instant at;
  };
  enum class Fate {
    normal,
    lost,     ///< it takes effect, and the answer never comes
    dropped,  ///< it never arrives, and nobody knows
    refused,  ///< `error` is answered
    ignored,  ///< ok is answered, and nothing was done
  };
  /// A change of a group's members that took effect.
  struct Write {
    GroupId group;
    std::vector<UserId> members;
    Instant at;
  };

  explicit FakeSlack(net::Loop& loop) : loop_(loop) {}

  void add_user(const std::string& id, const std::string& email);
  void add_group(const std::string& id, const std::string& handle, std::vector<std::string> members,
                 bool disabled = false);
  [[nodiscard]] std::vector<std::string> members(const std::string& group) const;
  [[nodiscard]] std::vector<Message> messages(const std::string& channel) const;
  /// As a person does it in Slack. Who changes `groups` directly does so too, but nobody remembers what it
  /// was before.
  void edit_by_hand(const std::string& group, const std::vector<std::string>& members);
  void disable_by_hand(const std::string& group);

  std::map<UserId, slack::User> users;
  std::map<GroupId, slack::UserGroup> groups;
  std::vector<Message> posted;
  std::map<slack::Method, int> calls;
  /// Decides what becomes of a call; `what` is the group, channel or address.
  std::function<Fate(slack::Method, const std::string& what)> fate;
  Error error = fail(ErrorKind::forbidden, "the workspace lets only admins edit groups");
  bool history_readable = true;
  /// Channels that take no message.
  std::set<ChannelId> archived;
  /// Refuses lists with somebody who is deactivated, as Slack does (`invalid_users`), and may empty the group
  /// then.
  enum class Invalid { never, refused, emptied };
  Invalid invalid = Invalid::never;
  /// Leaves these people out of every list that is written, and says ok.
  std::set<UserId> left_out;
  /// Shows these people under another id.
  std::map<UserId, UserId> other_ids;
  /// Its list tells who changed a group last, and when.
  bool tells_editors = true;
  /// Answers a write with the members that were sent, whatever became of the group.
  bool echoes = false;
  /// Refuses the members of a disabled group.
  bool refuses_disabled = false;
  milliseconds latency{20ms};
  /// Calls of these methods take so much longer.
  std::map<slack::Method, milliseconds> slow;
  /// How many calls of a method it takes in any minute; beyond that it answers 429.
  std::map<slack::Method, std::size_t> limits;
  int too_many = 0;  ///< answers 429
  /// Its list shows groups as they were so long ago.
  milliseconds list_lag{0};
  /// How many people a page of its list has.
  std::size_t page_of_people = 500;
  /// Groups that its list leaves out.
  std::set<GroupId> hidden;
  std::vector<Write> writes;
  /// How far our wall clock is ahead of Slack's.
  milliseconds ahead{0};
  /// How much faster its limits run.
  int rate_scale = 1;
  /// Told about a 429, as the Web API client tells the gate.
  std::function<void(slack::Method, seconds)> on_too_many;
  /// Members that no list was ever allowed to contain turned up here.
  std::vector<std::string> violations;
  /// Told what it answers, for whoever judges what is said of it: whether somebody has an address, whether
  /// the list of groups was read, and every message that arrives.
  std::function<void(const std::string& email, bool found)> on_person;
  std::function<void(bool read)> on_list;
  std::function<void(const Message&)> on_message;

  net::Task<Result<std::vector<slack::UserGroup>>> list_groups(slack::Permit permit) override;
  net::Task<Result<std::vector<UserId>>> set_members(slack::Permit permit, GroupId group,
                                                     std::vector<UserId> members) override;
  net::Task<Result<void>> enable_group(slack::Permit permit, GroupId group) override;
  net::Task<Result<void>> disable_group(slack::Permit permit, GroupId group) override;
  net::Task<Result<slack::UserGroup>> create_group(slack::Permit permit, std::string name, std::string handle,
                                                   std::string description) override;
  net::Task<Result<slack::User>> lookup_by_email(slack::Permit permit, std::string email) override;
  net::Task<Result<slack::User>> user_info(slack::Permit permit, UserId user) override;
  net::Task<Result<slack::UserPage>> list_users(slack::Permit permit, std::string cursor) override;
  net::Task<Result<slack::Posted>> post(slack::Permit permit, slack::OutgoingMessage message) override;
  net::Task<Result<slack::HistoryPage>> history(slack::Permit permit, ChannelId channel, Instant oldest,
                                                std::string cursor) override;
  net::Task<Result<void>> join(slack::Permit permit, ChannelId channel) override;
  net::Task<Result<slack::Channel>> channel_info(slack::Permit permit, ChannelId channel) override;
  net::Task<Result<slack::ChannelPage>> list_channels(slack::Permit permit, std::string cursor) override;
  net::Task<Result<ChannelId>> open_direct(slack::Permit permit, UserId user) override;

 private:
  /// What becomes of a call: whether it takes effect, and the error that is answered.
  struct Outcome {
    bool effect = true;
    std::optional<Error> error{};
  };
  net::Task<Outcome> arrive(slack::Method method, std::string what);
  /// How long a call of this method must wait; nothing if it may go on.
  std::optional<seconds> over_limit(slack::Method method);
  /// What a write makes of these members.
  [[nodiscard]] std::vector<UserId> taken(std::vector<UserId> members) const;
  /// The group, about to be changed.
  slack::UserGroup& changing(const GroupId& group);
  [[nodiscard]] bool changed_by_us(const slack::UserGroup& group) const;

  /// What a group was before a change.
  struct Past {
    SteadyInstant until;
    slack::UserGroup group;
  };

  net::Loop& loop_;
  std::deque<Past> past_;
  /// What our writes left behind.
  std::map<GroupId, slack::UserGroup> written_;
  std::map<slack::Method, std::deque<SteadyInstant>> recent_;
};

/// Addresses outside Slack and the scheduling systems: the webhook and the heartbeat.
class FakeWeb final : public net::HttpClient {
 public:
  struct Sent {
    std::string url;
    std::string body;
    Instant at;
  };
  explicit FakeWeb(net::Loop& loop) : loop_(loop) {}
  net::Task<Result<net::HttpResponse>> send(net::HttpRequest request) override;
  [[nodiscard]] std::vector<Sent> sent_to(const std::string& url) const;

  std::vector<Sent> sent;  ///< what was answered with 200
  std::function<void(const Sent&)> on_sent;
  bool down = false;  ///< nothing answers
  milliseconds latency{10ms};

 private:
  net::Loop& loop_;
};

/// A scheduling system that tells the truth, or what it is told to.
class FakeSystem {
 public:
  std::string connection = "pd";
  /// What is really planned, by schedule.
  std::map<std::string, std::vector<Shift>> truth;
  std::map<std::string, AnswerStatus> presence;
  bool down = false;
  /// What it answers while it is down.
  ErrorKind refusal = ErrorKind::unreachable;
  /// Answers show how things were this long ago.
  milliseconds lag{0};
  /// Like Opsgenie: the frequent question tells who is on call now and nothing else.
  bool moments = false;
  /// The frequent question shows nobody anywhere, whatever the truth is.
  bool shows_nobody = false;
  /// What a schedule answers when it is asked itself, instead of the truth.
  std::optional<Error> itself_fails{};
  /// How long that takes, if not as long as everything else.
  std::optional<milliseconds> confirm_latency{};
  /// How far our wall clock is ahead of its.
  milliseconds ahead{0};
  /// Windows that are longer than this are not answered.
  milliseconds reach{days{365}};
  /// Called before each answer to the frequent question.
  std::function<void(FakeSystem&)> before_poll;
  /// Told every answer when it arrives.
  std::function<void(const ScheduleAnswer&)> on_answer;
  /// Its credentials are being renewed.
  bool renewing = false;
  /// Questions about these schedules fail.
  std::set<std::string> failing;
  milliseconds latency{30ms};
  /// Long windows are read page by page: what they tell was so this long before it arrives.
  milliseconds paging{0};
  /// Requests, one for each call of the provider.
  int polls = 0;
  int look_aheads = 0;
  int confirms = 0;

  /// A round robin of `people` with `shifts` shifts of `length`, the first from `start`.
  void rotate(const std::string& schedule, const std::vector<std::string>& people, Instant start,
              milliseconds length, std::size_t shifts = 100);
  static Responder person(const std::string& name, const std::string& connection = "pd");
  [[nodiscard]] std::unique_ptr<providers::Provider> provider(net::Loop& loop);
};

/// One engine, its store on disk, and what is around it.
class EngineWorld {
 public:
  explicit EngineWorld(engine::EngineOptions options = {});
  ~EngineWorld();

  /// Another scheduling system, as a connection of that name and kind.
  FakeSystem& connect(const std::string& name, const std::string& kind = "fake");
  /// A rotation of schedules ("P1" of connection "pd", or "CONNECTION/ID"); its group is `S` + name with
  /// handle name, announced in `C` + name.
  Rotation rotation(const std::string& name, const std::vector<std::string>& schedules);
  RotationId create(const Rotation& rotation, bool quiet = false);
  void start();
  /// Another process's view of the store, as the command line opens it.
  [[nodiscard]] std::unique_ptr<store::Store> as_cli();
  /// Changes a rotation as the command line does.
  void edit(const std::string& name, const std::function<void(Rotation&)>& change);
  /// Holds the store's write lock for `span`, as a transaction of another process that takes so long.
  void lock_store(milliseconds span);
  /// As `kill -9`: nothing is finished, nothing is said.
  void kill();
  /// The same, and what was committed without waiting for the disk is lost.
  void fail_power();
  /// Lets time pass. If the engine dies at a commit meanwhile (`disk.fate`), `on_death` says how, and it is
  /// started again at once.
  void advance(milliseconds span);
  [[nodiscard]] store::RotationStatus status(RotationId id);
  [[nodiscard]] std::vector<Change> history();

  SimLoop loop;
  FakeSlack slack{loop};
  FakeWeb web{loop};
  std::map<std::string, FakeSystem> systems;
  FakeSystem& system = systems["pd"];
  engine::EngineOptions options;
  std::string folder;
  Disk disk;
  std::function<void()> on_death = [this] { kill(); };
  std::unique_ptr<store::Store> store;
  SimExecutor executor{loop};
  std::optional<store::HostLease> lease;
  std::unique_ptr<slack::RateLimiter> limiter;
  std::unique_ptr<engine::Engine> engine;

 private:
  void open_store();
  void revive();
};

/// Ada and Bo take turns of an hour in schedule P1; the first handoff is half an hour ahead. The rotation
/// "payments" is in sync when this has been made.
struct Payments {
  EngineWorld world;
  RotationId id;
  Instant boundary;

  explicit Payments(const std::function<void(Rotation&)>& adjust = {}, engine::EngineOptions options = {});
  std::vector<std::string> members() { return world.slack.members("Spayments"); }
  std::vector<FakeSlack::Message> messages() { return world.slack.messages("Cpayments"); }
  /// As a person does it in Slack.
  void edit_group(const std::vector<std::string>& members);
  /// The status that is shown two seconds from now.
  store::RotationStatus status();
  std::string state() { return status().state; }
  /// All that `status` says is wrong, joined.
  std::string problems();
};

}  // namespace watchbill::test
