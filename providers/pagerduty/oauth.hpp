#pragma once

#include <string>

#include "providers/sign_in.hpp"

/// Signing in to PagerDuty with a browser. Source of all facts: developer.pagerduty.com, OAuth Functionality.
namespace watchbill::providers::pagerduty {

/// One host for both regions: the region stands in the scope.
inline constexpr const char* kIdentityUrl = "https://identity.pagerduty.com";

/// Where the browser goes. Holds no secret.
std::string authorize_url(const OAuthApp& app, const Authorization& authorization);

/// See `BrowserSignIn`. The connection gets the region that the account is in, too. The code lives 30 s.
/// PagerDuty gives no error if the scopes given are less than those asked.
net::Task<Result<Connection>> exchange_code(net::Loop& loop, net::HttpClient& http, OAuthApp app,
                                            Authorization authorization, Secret code, Connection connection);

/// The region of an account, "us" or "eu", from the audience of an id_token (a JWT; it comes from PagerDuty
/// itself over TLS, so that its signature proves nothing more). `unreadable` if it is no such token or was
/// made for another client; empty if the audience names no region.
Result<std::string> region_of(const std::string& id_token, const std::string& client_id);

}  // namespace watchbill::providers::pagerduty
