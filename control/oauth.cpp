#include "control/oauth.hpp"

#include "base/phrase.hpp"
#include "control/connections.hpp"

namespace watchbill::control {

namespace {

Result<void> forget_tokens(store::Store& store, const std::string& name, const store::Actor& actor) {
  auto gone = store.connections().remove(held_name(name), actor);
  return gone || gone.error().kind == ErrorKind::not_found ? Result<void>{} : gone.error();
}

Result<void> take_tokens(store::Store& store, const std::string& name, const store::Actor& actor) {
  auto& connections = store.connections();
  auto connection = connections.get(held_name(name));
  if (!connection) {
    return connection.error().kind == ErrorKind::not_found
               ? fail(ErrorKind::not_found, "connection {}: nothing waits to be confirmed; connect again",
                      name)
               : connection.error();
  }
  if (auto gone = connections.remove(held_name(name), actor); !gone) return gone;
  connection->name = name;
  auto there = connections.get(name);
  if (there) return connections.update(*connection, actor);
  if (there.error().kind != ErrorKind::not_found) return there.error();
  return connections.add(*connection, actor);
}

}  // namespace

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

net::Task<Result<void>> hold_connection(Context& context, Caller caller, Connection connection) {
  if (auto ok = allowed(context, caller, Action::connect, {}); !ok) co_return ok;
  const auto name = connection.name;
  connection.name = held_name(name);
  connection.created_at = context.loop.now();
  const auto hold = [name, held = std::move(connection), actor = caller.actor](store::Store& store) {
    return store.transaction([&]() -> Result<void> {
      if (auto gone = forget_tokens(store, name, actor); !gone) return gone;
      return store.connections().add(held, actor);
    });
  };
  co_return co_await context.store.run(hold);
}

net::Task<Result<std::string>> held_account(Context& context, std::string name) {
  const auto read = [name = held_name(name)](store::Store& store) { return store.connections().get(name); };
  auto held = co_await context.store.run(read);
  if (!held) co_return held.error();
  auto open = open_stored(context, *std::move(held));
  if (!open) co_return open.error();
  co_return co_await (*open)->provider->verify();
}

net::Task<Result<void>> confirm_held(Context& context, Caller caller, std::string name) {
  if (auto ok = allowed(context, caller, Action::connect, {}); !ok) co_return ok;
  const auto take = [name = std::move(name), actor = caller.actor](store::Store& store) {
    return store.transaction([&] { return take_tokens(store, name, actor); });
  };
  co_return co_await context.store.run(take);
}

net::Task<Result<void>> forget_held(Context& context, Caller caller, std::string name) {
  if (auto ok = allowed(context, caller, Action::connect, {}); !ok) co_return ok;
  const auto drop = [name = std::move(name), actor = caller.actor](store::Store& store) {
    return forget_tokens(store, name, actor);
  };
  co_return co_await context.store.run(drop);
}

}  // namespace watchbill::control
