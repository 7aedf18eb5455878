#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "control/context.hpp"
#include "control/validate.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/engine/world.hpp"
#include "tests/unit/providers/fakes.hpp"

/// What manage/ works with, in virtual time and in memory: a Slack workspace, a PagerDuty account, a store.
namespace watchbill::test {

/// Channels with names; only what manage/ asks.
class FakeChannels final : public slack::Channels {
 public:
  explicit FakeChannels(net::Loop& loop) : loop_(loop) {}
  void add(const std::string& id, const std::string& name, bool member = true, bool archived = false,
           bool is_private = false) {
    channels.push_back({ChannelId(id), name, is_private, archived, member});
  }
  net::Task<Result<slack::Posted>> post(slack::Permit, slack::OutgoingMessage) override;
  net::Task<Result<slack::HistoryPage>> history(slack::Permit, ChannelId, Instant, std::string) override;
  net::Task<Result<void>> join(slack::Permit, ChannelId) override;
  net::Task<Result<slack::Channel>> channel_info(slack::Permit permit, ChannelId channel) override;
  /// Two a page.
  net::Task<Result<slack::ChannelPage>> list_channels(slack::Permit permit, std::string cursor) override;
  net::Task<Result<ChannelId>> open_direct(slack::Permit, UserId) override;

  std::vector<slack::Channel> channels;

 private:
  net::Loop& loop_;
};

/// A PagerDuty account: schedules with one person on call each, all day.
struct FakePagerDuty {
  struct Schedule {
    std::string name;
    std::string person;  ///< "ada": PADA, Ada, ada@example.com; empty: nobody
  };
  std::map<std::string, Schedule> schedules;
  std::set<std::string> hidden;  ///< people whose address it does not tell
  std::string key = "good-key";
  bool down = false;
  bool silent = false;  ///< never answers
  int too_many = 0;     ///< so often it asks for a pause of 20 s
  int asked = 0;

  Result<net::HttpResponse> operator()(const net::HttpRequest& request);
};

class ManageWorld {
 public:
  ManageWorld();
  ~ManageWorld();
  ManageWorld(const ManageWorld&) = delete;
  ManageWorld& operator=(const ManageWorld&) = delete;

  template <class T>
  T run(net::Task<T> task) {
    return loop.run_until_done(std::move(task));
  }
  /// A connection "pd" to the account, stored; to the second one if so told.
  Connection connection(const std::string& name = "pd", bool to_second = false);
  /// A rotation that is stored: group `S` + NAME in capitals, schedule pd/`P` + NAME.
  Rotation stored(const std::string& name, const std::string& managed_by = "cli");
  /// The stored rotation of that name.
  Rotation now(const std::string& name);
  /// What a person wrote: "@handle" is looked up.
  control::RotationDraft wanted(const std::string& name, const std::string& handle,
                                const std::string& schedule);
  /// Settles (group and rest) and saves.
  Result<void> validate(control::RotationDraft& wanted, bool create_groups = false);

  SimLoop loop;
  SimExecutor executor{loop};
  FakeSlack slack{loop};
  FakeChannels channels{loop};
  FakePagerDuty pagerduty;
  /// Another account, which its key opens.
  FakePagerDuty second;
  providers::fakes::Http http{loop, [this](const net::HttpRequest& request) {
                                const bool of_second =
                                    request.authorization.reveal() == "Token token=" + second.key;
                                return of_second ? second(request) : pagerduty(request);
                              }};
  config::Config config;
  bool daemon = false;
  std::string folder;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<slack::RateLimiter> limiter;
  std::unique_ptr<control::Context> context;

  /// At the command line.
  control::Caller cli{LocalUser{"ada"}, "cli:ada"};
  /// An editor, an owner of rotations that name him, a person without rights, and a guest, in Slack.
  control::Caller editor{SlackUser{UserId("UEDITOR"), true}, "UEDITOR"};
  control::Caller owner{SlackUser{UserId("UOWNER")}, "UOWNER"};
  control::Caller reader{SlackUser{UserId("UREADER")}, "UREADER"};

 private:
  net::Task<Result<json::Document>> write_group(std::string kind, std::string payload);
};

/// The value, or a failed test that says why there is none.
template <class T>
T good(Result<T> result) {
  if (!result) FAIL(result.error().message);
  return std::move(*result);
}
inline void good(const Result<void>& result) {
  if (!result) FAIL(result.error().message);
}
template <class T>
Error bad(const Result<T>& result) {
  if (result.ok()) FAIL("an error was expected");
  return result.error();
}
inline bool says(const Error& error, const std::string& part) {
  return error.message.find(part) != std::string::npos;
}

}  // namespace watchbill::test
