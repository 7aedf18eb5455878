#pragma once

#include <functional>
#include <memory>
#include <string>

#include "control/connections.hpp"
#include "slack_app/actions.hpp"
#include "slack_app/screen_context.hpp"
#include "slack_app/systems/connect_form.hpp"

namespace watchbill::slack_app {

/// Where somebody's browser signs in to a system: the address for them, or why there is none (mrkdwn).
struct BrowserWay {
  std::string url{};
  std::string ticket{};  ///< that the address carries
  std::string why_not{};
};
/// For an adapter that has a sign-in. `existing`: the connection of that name gets new tokens.
using MakeBrowserWay = std::function<BrowserWay(const UserId& user, const providers::Adapter& adapter,
                                                const std::string& name, bool existing)>;

/// Connecting scheduling systems, giving them new credentials, testing and disconnecting them.
class SystemScreens {
 public:
  SystemScreens(ScreenContext& screen, MakeBrowserWay browser_way);

  net::Task<void> open_connect(UserId user, std::string trigger, std::string kind);
  net::Task<void> open_renew(UserId user, std::string trigger, std::string connection);
  net::Task<void> open_test(UserId user, std::string trigger, std::string connection);
  net::Task<void> open_disconnect(UserId user, std::string trigger, std::string connection);
  /// Another way into the system was chosen.
  net::Task<void> choose_way(Interaction interaction, std::string way);

  /// The answer to a submission. The credentials are tried; what takes longer than a second goes on for
  /// at most two minutes, and the view is replaced when it is known. They are nowhere but in that task.
  net::Task<std::string> submit(Interaction interaction);
  net::Task<std::string> submit_disconnect(Interaction interaction);

 private:
  struct Outcome {
    std::vector<std::pair<std::string, std::string>> errors{};  ///< by field, as `Error` has them
    std::string opened{};                                       ///< what the credentials open
  };
  /// What `submit` answers: errors, or else the view that tells what came of it.
  struct Answered {
    std::vector<std::pair<std::string, std::string>> errors{};  ///< each at a field
    std::string view{};                                         ///< empty if there are errors
    Outcome outcome{};
  };
  struct Typed {
    UserId user;
    ConnectState state;
    ConnectInput input;
  };

  net::Task<std::string> connect_view_for(UserId user, ConnectState state);
  net::Task<std::string> test_view(UserId user, std::string connection);
  net::Task<std::string> disconnect_view(UserId user, std::string connection);
  /// What came of it: a view, empty if it just worked.
  net::Task<std::string> disconnect(UserId user, std::string connection);
  net::Task<void> finish_disconnect(std::string view, std::unique_ptr<DeferredAnswer<std::string>> work);
  net::Task<Result<ConnectModel>> model_of(UserId user, ConnectState state);
  net::Task<Outcome> connect(Typed typed);
  net::Task<void> finish(std::string view, Typed without_secrets,
                         std::unique_ptr<DeferredAnswer<Answered>> work);
  net::Task<std::string> outcome_view(Typed typed, Outcome outcome);
  /// What was typed, as a connection that can be tried. `stored`: the one that gets new credentials.
  Result<Connection> connection_of(const Typed& typed, const std::optional<Connection>& stored);
  net::Task<Answered> answered(Typed typed);

  ScreenContext& screen_;
  MakeBrowserWay browser_way_;
};

}  // namespace watchbill::slack_app
