#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/connection.hpp"
#include "net/http.hpp"
#include "net/loop.hpp"

/// Signing in to a scheduling system with a browser: authorization code (RFC 6749) with PKCE (RFC 7636) and
/// `state`. Whoever starts it (the command line's loopback listener, the app's web pages) keeps the
/// `Authorization` in memory, sends the browser to the adapter's `authorize_url`, and gives what comes back
/// to `read_callback` and the adapter's `exchange_code`.
namespace watchbill::providers {

/// The app as it is registered at the vendor.
struct OAuthApp {
  std::string client_id;
  Secret client_secret{};      ///< empty: a client that has none (PKCE alone)
  std::string identity_url{};  ///< where people sign in; an origin
  std::string api_url{};       ///< REST API, if not the region's; an origin
};

/// How long a person may take between `begin_authorization` and coming back.
inline constexpr auto kAuthorizationLife = 10min;

/// One authorization that is under way. It is used up by its first callback, good or bad: forget it then.
struct Authorization {
  std::string state;         ///< 43 characters of [A-Za-z0-9_-]; find the authorization by it
  Secret verifier;           ///< the secret half of PKCE
  std::string redirect_uri;  ///< must be registered at the vendor, character by character
  Instant expires_at;
};
Authorization begin_authorization(std::string redirect_uri, Instant now);

/// The public half of PKCE: base64url of SHA-256 of the verifier.
std::string challenge_of(const Secret& verifier);

/// The code that the browser brought back, from the query of the redirect. Errors name `title`: `invalid` for
/// another state (compared in constant time), an expired authorization and a query that is none of the
/// vendor's; `cancelled` (code "access_denied") if the person said no.
Result<Secret> read_callback(std::string_view title, const Authorization& authorization,
                             const net::Fields& query, Instant now);

/// What an adapter brings for signing in with a browser.
struct BrowserSignIn {
  /// Where the browser goes. Holds no secret.
  std::function<std::string(const OAuthApp& app, const Authorization& authorization)> authorize_url;
  /// Exchanges the code for tokens: `connection` (its name and kind are set; when it is authorized again, all
  /// that it had) with the tokens in place of other credentials. Nothing is stored and the tokens are not
  /// used: seal them in the store first. Errors: `forbidden` if the scopes given are less than those asked;
  /// `unauthorized` for a code that was used or is too old, and for a client id or secret that the vendor
  /// does not know; and those of the network.
  std::function<net::Task<Result<Connection>>(net::Loop& loop, net::HttpClient& http, OAuthApp app,
                                              Authorization authorization, Secret code,
                                              Connection connection)>
      exchange_code;
  /// What a connection may be given instead, the best of them last: {"an API key", "an app token"}.
  std::vector<std::string> instead;
};

}  // namespace watchbill::providers
