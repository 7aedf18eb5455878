#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "providers/provider.hpp"
#include "slack_app/actions.hpp"
#include "slack_app/screen_context.hpp"
#include "slack_app/systems/browser_page.hpp"
#include "slack_app/systems/system_screens.hpp"

namespace watchbill::slack_app {

/// Why a system that is signed in to with a browser cannot be connected so here, and the two other ways,
/// mrkdwn; empty if it can.
std::string no_browser_text(const config::Config& config, const providers::Adapter& adapter);
/// The same for all that cannot, a line each.
std::string no_browser_text(const config::Config& config);

/// Tokens that came from a system and wait for the asker's word.
struct WaitingAccount {
  std::string connection;
  UserId asker;
  std::string system;     ///< "PagerDuty"
  std::string account;    ///< what they open: "acme.pagerduty.com, as Ada Example"
  bool existing = false;  ///< the connection is there already and gets new tokens
  Instant at;
};

/// Connects a system by signing in to it with a browser, in these steps:
///
///     GET  /oauth/start?ticket=…   says who asked; sets the cookie of this browser
///     POST /oauth/start            to its pages, with a fresh state and PKCE
///     GET  /oauth/callback         the state once, and only in that browser: tokens, sealed and held
///     in Slack                     the asker looks at the account and says yes
///
/// Tickets and states live in memory for ten minutes; held tokens are forgotten after an hour without a word.
class BrowserConnect {
 public:
  explicit BrowserConnect(ScreenContext& screen);
  /// Takes up what waited before a restart.
  void start();

  BrowserWay way_for(const UserId& user, const providers::Adapter& adapter, const std::string& name,
                     bool existing);
  /// The button that leads to the browser was clicked in this view: it tells how it goes on.
  void opened(const Interaction& interaction, const std::string& ticket);
  net::Task<net::ServerResponse> page(net::ServerRequest request);
  static std::vector<std::string> posts();

  [[nodiscard]] std::vector<WaitingAccount> waiting_for(const UserId& user) const;
  /// The question about the account in a modal.
  net::Task<void> open_account(UserId user, std::string trigger, std::string connection);
  net::Task<void> confirm(Interaction interaction, std::string connection, bool right);

 private:
  struct Ticket {
    UserId user;
    const providers::Adapter* adapter;
    std::string connection;
    bool existing = false;
    Instant expires;
    std::string view{};  ///< where the button was clicked
  };
  /// A browser that opened a ticket's page, by its cookie.
  struct Browser {
    std::string ticket;
    Instant expires;
  };
  /// An authorization under way, by its state.
  struct UnderWay {
    providers::Authorization authorization;
    std::string cookie;
    Ticket ticket;
  };

  /// Takes up what waited before a restart.
  net::Task<void> take_up();
  net::Task<net::ServerResponse> show_start(net::ServerRequest request);
  net::ServerResponse go(const net::ServerRequest& request);
  net::Task<net::ServerResponse> come_back(net::ServerRequest request);
  net::Task<Result<WaitingAccount>> take_tokens(UnderWay under_way, Secret code);
  void tell_asker(const Ticket& ticket, const WaitingAccount& account);
  net::Task<std::string> account_view(UserId user, std::string connection);
  void forget_old();
  /// The connection that the tokens are for: the stored one, or a new one with a name that is free.
  net::Task<Result<Connection>> connection_for(Ticket ticket);
  /// Writes what waits now.
  net::Task<Result<void>> keep_waiting();
  net::Task<void> keep_tidy();
  net::Task<void> forget_unanswered();

  ScreenContext& screen_;
  std::map<std::string, Ticket> tickets_;
  std::map<std::string, Browser> browsers_;
  std::map<std::string, UnderWay> under_way_;
  std::map<std::string, WaitingAccount> waiting_;  ///< by connection
  std::set<std::string> deciding_;                 ///< of those: a word was said, and is carried out
  net::TaskScope tasks_;
};

}  // namespace watchbill::slack_app
