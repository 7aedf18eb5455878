#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/connection.hpp"
#include "providers/api_client.hpp"
#include "providers/provider.hpp"

/// How a PagerDuty connection proves who it is: an API key, an app token (client credentials) or a user's
/// tokens (refresh). Source of all facts: developer.pagerduty.com, OAuth Functionality and Private Apps.
namespace watchbill::providers::pagerduty {

enum class Grant { api_key, app, user };

/// The scopes that we need of a scoped app.
inline constexpr std::string_view kScopes = "oncalls.read schedules.read users.read";

/// Which of the three a connection has; an error that names the options unless it is exactly one, complete.
Result<Grant> grant_of(const Connection& connection);

/// What the token endpoint gave.
struct Tokens {
  Secret access;
  Secret refresh{};  ///< empty for an app token
  seconds life{0};
  std::string excess{};  ///< scopes that were given and are not needed ("write"), by spaces; empty: none
};
/// Reads a token answer. `forbidden` if the scopes given are less than `kScopes` (the classic scopes "read"
/// and "write" cover them all).
Result<Tokens> parse_tokens(const json::View& root, Grant grant);
/// What a refusal of the token endpoint means, and how it is mended; nothing for 2xx.
std::optional<Error> explain_token(const net::HttpResponse& response, const std::string& connection);

class Auth {
 public:
  Auth(const Connection& connection, const AdapterContext& context);

  /// The value of the `Authorization` header, with tokens renewed if that is due. However many ask, one
  /// renewal runs. A user's rotated tokens are on disk before they are given out.
  net::Task<Result<Secret>> authorization();
  /// PagerDuty accepted what `authorization()` gave.
  void accepted() { worked_ = true; }
  /// PagerDuty answered 401 to `used`. True if it is worth asking again with a new `authorization()`: a new
  /// token that is refused at its first use would not be better if asked for again, for some minutes.
  bool rejected(const Secret& used);
  /// Forgets an app token that was kept by an earlier run, so that the client secret itself is tried.
  void try_credentials_anew();
  /// What the token may do beyond what is needed (`Tokens::excess`).
  [[nodiscard]] const std::string& excess() const { return excess_; }
  /// The tokens are those of a person who logged in.
  [[nodiscard]] bool of_a_person() const { return grant_ == Grant::user; }
  /// Such a person's refresh token may be spent, and its successor is not on disk yet.
  [[nodiscard]] bool renewing() const { return of_a_person() && (unkept_ || renewal_.under_way()); }
  /// "; replace the key with …": what mends a refusal.
  [[nodiscard]] std::string remedy() const;

 private:
  net::Task<Result<void>> renew();
  net::Task<Result<Tokens>> request_tokens();
  net::Task<Result<void>> keep();
  [[nodiscard]] bool usable() const;
  [[nodiscard]] std::string account_scope() const;

  net::Loop& loop_;
  TokenKeeper& keeper_;
  Connection connection_;
  Grant grant_;
  ApiClient identity_;
  SharedWork renewal_;

  Secret access_;
  Secret refresh_;
  std::string excess_;
  Instant expires_at_ = kNever;
  Instant renew_at_ = kNever;
  /// The tokens are newer than those on disk.
  bool unkept_ = false;
  bool from_store_ = false;
  bool worked_ = true;
  SteadyInstant minted_{};
  /// The endpoint said no; it is not asked again before that.
  std::optional<Error> refusal_;
  SteadyInstant refused_until_{};
};

}  // namespace watchbill::providers::pagerduty
