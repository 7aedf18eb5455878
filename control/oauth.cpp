#include "control/oauth.hpp"

#include "base/phrase.hpp"
#include "control/connections.hpp"

namespace watchbill::control {

Result<providers::OAuthApp> oauth_app(const config::Config& config, const providers::Adapter& adapter) {
  const auto settings = config.provider(std::string(adapter.kind));
  if (settings.oauth_client_id.empty()) {
    return fail(ErrorKind::not_found,
                "no {} app is configured: set {}.oauth_client_id and {}.oauth_client_secret_file, or give a "
                "connection {}",
                adapter.title, adapter.kind, adapter.kind, choice_phrase(adapter.sign_in->instead));
  }
  auto secret = config::find_secret(settings.oauth_client_secret);
  if (!secret) return secret.error();
  providers::OAuthApp app;
  app.client_id = settings.oauth_client_id;
  if (*secret) app.client_secret = **secret;
  app.identity_url = settings.identity_url;
  app.api_url = settings.api_url;
  return app;
}

Result<void> hold_connection(Context& context, const Caller& caller, const Connection& connection) {
  if (auto ok = allowed(context, caller, Action::connect, {}); !ok) return ok;
  Connection held = connection;
  held.name = held_name(connection.name);
  held.created_at = context.loop.now();
  return context.store.direct().transaction([&]() -> Result<void> {
    if (auto gone = forget_held(context, caller, connection.name); !gone) return gone;
    return context.store.direct().connections().add(held, caller.actor);
  });
}

net::Task<Result<std::string>> held_account(Context& context, std::string name) {
  auto held = context.store.direct().connections().get(held_name(name));
  if (!held) co_return held.error();
  auto open = open_stored(context, *std::move(held));
  if (!open) co_return open.error();
  co_return co_await (*open)->provider->verify();
}

Result<void> confirm_held(Context& context, const Caller& caller, const std::string& name) {
  if (auto ok = allowed(context, caller, Action::connect, {}); !ok) return ok;
  auto& connections = context.store.direct().connections();
  return context.store.direct().transaction([&]() -> Result<void> {
    auto connection = connections.get(held_name(name));
    if (!connection) {
      return connection.error().kind == ErrorKind::not_found
                 ? fail(ErrorKind::not_found, "connection {}: nothing waits to be confirmed; connect again",
                        name)
                 : connection.error();
    }
    if (auto gone = connections.remove(held_name(name), caller.actor); !gone) return gone;
    connection->name = name;
    auto there = connections.get(name);
    if (there) return connections.update(*connection, caller.actor);
    if (there.error().kind != ErrorKind::not_found) return there.error();
    return connections.add(*connection, caller.actor);
  });
}

Result<void> forget_held(Context& context, const Caller& caller, const std::string& name) {
  if (auto ok = allowed(context, caller, Action::connect, {}); !ok) return ok;
  auto gone = context.store.direct().connections().remove(held_name(name), caller.actor);
  return gone || gone.error().kind == ErrorKind::not_found ? Result<void>{} : gone.error();
}

}  // namespace watchbill::control
