#pragma once

#include <string>

#include "control/context.hpp"
#include "providers/provider.hpp"

/// Systems that are signed in to with a browser: the app's settings, and tokens that wait for a word (see
/// providers/sign_in.hpp for the steps before).
namespace watchbill::control {

/// The app that the configuration names for a kind (its secret's file is read now). `not_found` if none is
/// configured: the message says what to set, and which other ways there are.
Result<providers::OAuthApp> oauth_app(const config::Config& config, const providers::Adapter& adapter);

/// Stores a connection's new tokens, sealed, where nothing uses them; whatever was held for that name before
/// is forgotten.
net::Task<Result<void>> hold_connection(Context& context, Caller caller, Connection connection);
/// Which account the held tokens open: the one thing that they are used for.
net::Task<Result<std::string>> held_account(Context& context, std::string name);
/// The held tokens become the connection: a new one, or the credentials of the one that has the name already
/// (its rotations are not touched). `not_found` if nothing is held.
net::Task<Result<void>> confirm_held(Context& context, Caller caller, std::string name);
/// Forgets the held tokens; success if there are none.
net::Task<Result<void>> forget_held(Context& context, Caller caller, std::string name);

}  // namespace watchbill::control
