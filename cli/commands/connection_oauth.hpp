#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/session.hpp"
#include "core/connection.hpp"
#include "providers/provider.hpp"

namespace watchbill::cli {

/// Options of `connection add` and `connection update` for signing in with a browser.
std::vector<OptionSpec> oauth_options();

/// A connection that was signed in, and what its tokens open; nothing if they were not tried.
struct SignedIn {
  Connection connection;
  std::optional<std::string> account{};
};

/// For each kind that has a sign-in: the app that the configuration names, or why there is none.
using OAuthApps = std::map<std::string, Result<providers::OAuthApp>>;

/// Has a person sign in to a system in a browser, which comes back to a listener on this host, and stores
/// the tokens: sealed before they are used for anything. The connection is a new one or, when it is signed in
/// again, the stored one; its rotations are not touched.
Result<SignedIn> sign_in(Session& session, const Invocation& in, const OAuthApps& apps,
                         Connection connection);
/// To be read before the store is opened: root becomes the store's owner then, who may not read their
/// secrets. An error if there is no app at all.
Result<OAuthApps> read_apps(Session& session);

}  // namespace watchbill::cli
