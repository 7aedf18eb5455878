#pragma once

#include <vector>

#include "cli/session.hpp"
#include "core/connection.hpp"
#include "providers/pagerduty/oauth.hpp"

namespace watchbill::cli {

/// Options of `connection add` and `connection update` for signing in with a browser.
std::vector<OptionSpec> oauth_options();

/// A connection that was signed in, and what its tokens open; nothing if they were not tried.
struct SignedIn {
  Connection connection;
  std::optional<std::string> account{};
};

/// Has a person sign in to PagerDuty in a browser, which comes back to a listener on this host, and stores
/// the tokens: sealed before they are used for anything. The connection is a new one or, when it is signed in
/// again, the stored one; its rotations are not touched.
Result<SignedIn> sign_in(Session& session, const Invocation& in, const providers::pagerduty::OAuthApp& app,
                         Connection connection);
/// The app that the configuration names. To be read before the store is opened: root becomes the store's
/// owner then, who may not read its secret.
Result<providers::pagerduty::OAuthApp> app_of(Session& session);

}  // namespace watchbill::cli
