#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/jobs/job_runner.hpp"
#include "slack_app/app.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/control/world.hpp"

/// The Slack app in virtual time, between a person's screen and everything that it works with in memory.
namespace watchbill::test {

/// What Slack's client shows. Every view that is sent is held against Block Kit's limits.
class FakeScreens final : public slack::Views, public slack::Account {
 public:
  struct Shown {
    std::string json;
    std::string hash;
    int versions = 0;  ///< how often it was sent
    Instant at;
  };
  explicit FakeScreens(net::Loop& loop) : loop_(loop) {}

  net::Task<Result<slack::ViewRef>> open_view(slack::Permit permit, std::string trigger,
                                              std::string view) override;
  net::Task<Result<slack::ViewRef>> push_view(slack::Permit, std::string, std::string) override;
  net::Task<Result<slack::ViewRef>> update_view(slack::Permit permit, std::string id, std::string view,
                                                std::string hash) override;
  net::Task<Result<slack::ViewRef>> publish_home(slack::Permit permit, UserId user,
                                                 std::string view) override;
  net::Task<Result<void>> respond(std::string url, std::string message) override;
  net::Task<Result<slack::Identity>> auth_test(slack::Permit) override;

  std::map<std::string, Shown> modals;  ///< by view id
  std::map<UserId, Shown> homes;
  std::string last_modal;  ///< the id of the one that was opened last
  std::map<std::string, Instant> triggers;
  milliseconds latency{20};
  std::map<std::string, std::string> responses;  ///< by address
  /// Everything that was ever sent.
  std::vector<std::string> sent;

 private:
  void check(const std::string& view);
  net::Loop& loop_;
  int number_ = 0;
};

class AppRoom {
 public:
  AppRoom();
  AppRoom(const AppRoom&) = delete;
  AppRoom& operator=(const AppRoom&) = delete;

  /// Somebody enters his home tab; returns at once, as Slack does.
  void open_home(const std::string& user);
  /// Clicks an element of the home tab, or of the modal that was opened last (`modal`); what it leads to
  /// happens as time goes by.
  void click_home(const std::string& user, const std::string& action_json);
  void click(const std::string& user, const std::string& action_json, const std::string& values = "{}");
  /// Submits a modal with these `state.values`; the acknowledgement, and how long it took.
  struct Answer {
    std::string ack;
    milliseconds took{0};
  };
  Answer submit(const std::string& user, const std::string& values);
  /// The same, as a double click sends it: two deliveries at once.
  std::vector<Answer> submit_twice(const std::string& user, const std::string& values);
  std::string command_ack(const std::string& user, const std::string& text,
                          const std::string& channel = "C1");
  std::string command(const std::string& user, const std::string& text, const std::string& channel = "C1");
  std::string suggest(const std::string& user, const std::string& block, const std::string& query);
  /// Takes over an acknowledgement as Slack's client does: an update replaces the modal, "clear" closes it.
  void obey(const std::string& ack);

  void advance(milliseconds span) { world.loop.advance(span); }
  /// What can be read on a home tab, or in the modal that was opened last; empty if there is none.
  [[nodiscard]] std::string home(const std::string& user) const;
  [[nodiscard]] std::string modal() const;
  [[nodiscard]] std::string modal_json() const;
  /// The rotation's number.
  std::string number(const std::string& name) { return std::to_string(world.now(name).id.value); }
  net::ServerResponse page(const std::string& method, const std::string& url, const std::string& cookie = "",
                           const std::string& body = "");
  /// A restart: everything in memory is gone.
  void restart();

  ManageWorld world;
  FakeScreens screens{world.loop};
  std::map<RotationId, engine::WriteForecast> forecasts;
  std::unique_ptr<slack_app::App> app;
  int noticed = 0;

 private:
  std::string payload(const std::string& type, const std::string& user, const std::string& view_type,
                      const std::string& view, const std::string& values, const std::string& actions);
  void deliver(slack::DeliveryKind kind, const std::string& payload);
  net::Task<Answer> answered(std::string payload);
  std::string trigger();

  net::InlineExecutor executor_;
  engine::Journal journal_{world.loop, {*world.store, executor_}, nullptr};
  engine::JobRunner requests_;
  int triggers_ = 0;
  std::unique_ptr<net::TaskScope> tasks_ = std::make_unique<net::TaskScope>();
};

}  // namespace watchbill::test
