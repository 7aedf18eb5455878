#pragma once

#include <string>

#include "core/connection.hpp"
#include "net/http.hpp"
#include "net/loop.hpp"

/// Connecting PagerDuty in a browser: authorization code with PKCE and `state`. Whoever starts it (the
/// command line's loopback listener, the app's web pages) keeps the `Authorization` in memory, sends the
/// browser to `authorize_url`, and gives what comes back to `read_callback` and `exchange_code`. Source of
/// all facts: developer.pagerduty.com, OAuth Functionality.
namespace watchbill::providers::pagerduty {

/// The app as it is registered at PagerDuty (Integrations > App Registration).
struct OAuthApp {
  std::string client_id;
  Secret client_secret{};  ///< empty: a client that has none (PKCE alone)
  std::string identity_url = "https://identity.pagerduty.com";  ///< an origin; one host for both regions
  std::string api_url{};                                        ///< REST API, if not the region's; an origin
};

/// How long a person may take between `begin_authorization` and coming back.
inline constexpr auto kAuthorizationLife = 10min;

/// One authorization that is under way. It is used up by its first callback, good or bad: forget it then.
struct Authorization {
  std::string state;         ///< 43 characters of [A-Za-z0-9_-]; find the authorization by it
  Secret verifier;           ///< the secret half of PKCE
  std::string redirect_uri;  ///< must be registered at PagerDuty, character by character
  Instant expires_at;
};
Authorization begin_authorization(std::string redirect_uri, Instant now);

/// Where the browser goes. Holds no secret.
std::string authorize_url(const OAuthApp& app, const Authorization& authorization);

/// The code that the browser brought back, from the query of the redirect. Errors: `invalid` for another
/// state (compared in constant time), an expired authorization and a query that is none of PagerDuty's;
/// `cancelled` (code "access_denied") if the person said no. The code lives 30 s.
Result<Secret> read_callback(const Authorization& authorization, const net::Fields& query, Instant now);

/// Exchanges the code for tokens: `connection` (its name and kind are set; when it is authorized again, all
/// that it had) with the tokens in place of other credentials, and the region that the account is in. Nothing
/// is stored and the tokens are not used: seal them in the store first. Errors: `forbidden` if the scopes
/// given are less than those asked (PagerDuty gives no error then); `unauthorized` for a code that was used
/// or is too old, and for a client id or secret that PagerDuty does not know; and those of the network.
net::Task<Result<Connection>> exchange_code(net::Loop& loop, net::HttpClient& http, OAuthApp app,
                                            Authorization authorization, Secret code, Connection connection);

/// The region of an account, "us" or "eu", from the audience of an id_token (a JWT; it comes from PagerDuty
/// itself over TLS, so that its signature proves nothing more). `unreadable` if it is no such token or was
/// made for another client; empty if the audience names no region.
Result<std::string> region_of(const std::string& id_token, const std::string& client_id);

}  // namespace watchbill::providers::pagerduty
