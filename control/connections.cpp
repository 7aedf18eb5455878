#include "control/connections.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "core/connection_address.hpp"
#include "net/timeout.hpp"

namespace watchbill::control {

namespace {

/// Renewed tokens of a connection that is not stored yet.
class TokensInHand final : public providers::TokenKeeper {
 public:
  explicit TokensInHand(Connection& connection) : connection_(connection) {}
  net::Task<Result<void>> keep(std::string /*name*/, std::map<std::string, std::string> settings,
                               std::map<std::string, Secret> secrets) override {
    for (const auto& [key, value] : settings) connection_.settings[key] = value;
    for (const auto& [key, value] : secrets) connection_.secrets[key] = value;
    co_return Result<void>{};
  }

 private:
  Connection& connection_;
};

class TokensInStore final : public providers::TokenKeeper {
 public:
  explicit TokensInStore(store::AsyncStore store) : store_(store) {}
  net::Task<Result<void>> keep(std::string name, std::map<std::string, std::string> settings,
                               std::map<std::string, Secret> secrets) override {
    const auto write = [name = std::move(name), settings = std::move(settings),
                        secrets = std::move(secrets)](store::Store& store) {
      return store.connections().keep_tokens(name, settings, secrets);
    };
    co_return co_await store_.run(write);
  }

 private:
  store::AsyncStore store_;
};

/// A refresh token works once: two processes that renew it would lock each other out.
Result<void> refuse_to_renew(Context& context, const Connection& connection) {
  if (!connection.secrets.contains("refresh_token")) return {};
  const auto expiry = connection.settings.find("token_expires_at");
  const auto until =
      expiry == connection.settings.end() ? fail(ErrorKind::invalid, "none") : parse_rfc3339(expiry->second);
  if (until && *until > context.loop.now() + 2min) return {};
  auto running = context.daemon_runs();
  if (!running) return running.error();
  if (!*running) return {};
  return fail(ErrorKind::conflict,
              "connection {}: its token is being renewed by the daemon: try again in a minute",
              connection.name);
}

Result<void> open_with(const ConnectionContext& reach, OpenProvider& open) {
  const providers::AdapterContext context{reach.loop, reach.http, *open.tokens, reach.config.allowed_hosts()};
  auto provider = providers::open_shifts(open.connection, context);
  if (!provider) return provider.error().in("connection {}", open.connection.name);
  open.provider = *std::move(provider);
  return {};
}

void drop_replaced(const ConnectionInput& input, const providers::Adapter& adapter, Connection& connection) {
  const bool key = input.has("api-key-file");
  const bool app = input.has("client-id") || input.has("client-secret-file");
  if (key) {
    connection.settings.erase("client_id");
    connection.settings.erase("subdomain");
    connection.secrets.erase("client_secret");
  } else if (app) {
    connection.secrets.erase("api_key");
  }
  if (key || app) {
    std::erase_if(connection.secrets, [&](const auto& secret) {
      return std::none_of(adapter.options.begin(), adapter.options.end(),
                          [&](const providers::Option& option) { return option.key == secret.first; });
    });
    std::erase_if(connection.settings, [](const auto& item) { return item.first.starts_with("token_"); });
  }
  if (input.has("region")) connection.settings.erase("base_url");
}

Error no_schedule(const ScheduleRef& ref, const std::vector<providers::ScheduleInfo>& listed) {
  std::vector<std::string_view> known;
  known.reserve(listed.size());
  for (const auto& info : listed) known.push_back(info.id);
  const auto near = closest(ref.id, known);
  return fail(ErrorKind::not_found,
              "schedule {}: connection {} has no such schedule{}; `watchbill schedule "
              "list --connection {}` shows what there is",
              ref, ref.connection,
              near.empty() ? "" : fmt::format("; did you mean {}/{}?", ref.connection, near), ref.connection);
}

/// "--api-key-file, --api-secret-file": what must be given for the secrets that were not.
std::string not_given(const Connection& connection, const ConnectionInput& given,
                      const providers::Adapter& adapter) {
  std::vector<std::string> flags;
  bool signed_in = false;
  for (const auto& [key, secret] : connection.secrets) {
    const auto option =
        std::find_if(adapter.options.begin(), adapter.options.end(),
                     [&wanted = key](const providers::Option& one) { return one.key == wanted; });
    if (option == adapter.options.end()) {
      signed_in = true;
    } else if (!given.secrets.contains(option->flag)) {
      flags.push_back("--" + option->flag);
    }
  }
  // Tokens were got with a secret, or by signing in.
  if (flags.empty() && signed_in && given.secrets.empty()) flags.emplace_back("--oauth");
  return fmt::format("{}", fmt::join(flags, ", "));
}

/// `changed` is cleaned already.
Result<void> check_given_anew(const ConnectionContext& reach, const Replaced& replaced,
                              const Connection& changed) {
  auto adapter = providers::find_adapter(changed.kind);
  if (!adapter) return adapter.error();
  auto stored = replaced.stored;
  // With today's defaults, so that one that is new is no change.
  if (auto open = open_new(reach, stored)) stored = (*open)->connection;
  const auto before = addresses_of(stored);
  const auto after = addresses_of(changed);
  if (before == after) return {};
  const auto missing = not_given(changed, replaced.given, **adapter);
  if (missing.empty()) return {};
  for (const auto& option : (*adapter)->options) {
    const auto was = before.find(option.key);
    const auto is = after.find(option.key);
    const auto old = was == before.end() ? std::string("not set") : was->second;
    if (old == (is == after.end() ? "not set" : is->second)) continue;
    return fail(
        ErrorKind::invalid,
        "--{}: the credentials of connection {} were given for another address ({}: {}), and are not sent to "
        "a new one: give them again, with {}",
        option.flag, changed.name, option.flag, old, missing);
  }
  return fail(ErrorKind::invalid, "connection {}: its address changes: give its credentials again, with {}",
              changed.name, missing);
}

using Listed = Result<std::vector<providers::ScheduleInfo>>;

net::Task<Listed> list_one(Context& context, Connection connection) {
  auto open = open_stored(context, std::move(connection));
  if (!open) co_return open.error();
  co_return co_await (*open)->provider->list_schedules();
}

}  // namespace

Result<Connection> with_input(Connection connection, const ConnectionInput& input) {
  auto found = providers::find_adapter(connection.kind);
  if (!found) return found.error();
  const auto& adapter = **found;
  drop_replaced(input, adapter, connection);
  const auto key_of = [&](const std::string& flag) -> Result<std::string> {
    for (const auto& option : adapter.options) {
      if (option.flag == flag) return option.key;
    }
    std::vector<std::string> names;
    for (const auto& option : adapter.options) names.push_back("--" + option.flag);
    return fail(ErrorKind::invalid, "--{}: a connection to {} has no such option; it has {}", flag,
                adapter.title, fmt::join(names, ", "));
  };
  for (const auto& [flag, secret] : input.secrets) {
    auto key = key_of(flag);
    if (!key) return key.error();
    connection.secrets.insert_or_assign(*key, secret);
  }
  for (const auto& [flag, text] : input.texts) {
    auto key = key_of(flag);
    if (!key) return key.error();
    if (text.empty()) {
      connection.settings.erase(*key);
    } else {
      connection.settings.insert_or_assign(*key, text);
    }
  }
  return connection;
}

std::string option_of(const Error& error) {
  std::string found;
  auto first = std::string::npos;
  for (const auto& adapter : providers::adapters()) {
    for (const auto& option : adapter.options) {
      const auto place = error.message.find("--" + option.flag + ":");
      if (place >= first) continue;
      first = place;
      found = option.flag;
    }
  }
  return found;
}

Result<std::unique_ptr<OpenProvider>> open_new(const ConnectionContext& reach, Connection connection) {
  auto open = std::make_unique<OpenProvider>();
  open->connection = std::move(connection);
  open->tokens = std::make_unique<TokensInHand>(open->connection);
  if (auto opened = open_with(reach, *open); !opened) return opened.error();
  return open;
}

Result<std::unique_ptr<OpenProvider>> open_stored(Context& context, Connection connection) {
  if (auto free = refuse_to_renew(context, connection); !free) return free.error();
  auto open = std::make_unique<OpenProvider>();
  open->connection = std::move(connection);
  open->tokens = std::make_unique<TokensInStore>(context.store);
  if (auto opened = open_with(connection_context(context), *open); !opened) return opened.error();
  return open;
}

net::Task<Result<Tried>> try_connection(ConnectionContext reach, Caller caller, Connection connection,
                                        TryOptions options) {
  auto allowed_to = may(caller.principal, Action::connect, {}, reach.config.permissions());
  if (!allowed_to) co_return allowed_to.error();
  if (auto good = check_connection_name(connection.name); !good) co_return good.error();
  auto open = open_new(reach, std::move(connection));
  if (!open) co_return open.error();
  if (options.replaces) {
    auto anew = check_given_anew(reach, *options.replaces, (*open)->connection);
    if (!anew) co_return anew.error();
  }
  if (!options.verify) co_return Tried{(*open)->connection};
  std::optional<Result<std::string>> verified;
  if (options.deadline) {
    verified = co_await net::within(reach.loop, (*open)->provider->verify(), *options.deadline);
  } else {
    verified.emplace(co_await (*open)->provider->verify());
  }
  Tried tried{(*open)->connection};
  if (!verified) {
    tried.refused =
        fail(ErrorKind::timeout, "no answer within {}: try again", format_duration(*options.deadline));
  } else if (*verified) {
    tried.opened = **verified;
  } else {
    tried.refused = verified->error();
  }
  co_return tried;
}

Result<void> refuse_taken_name(store::Store& store, const std::string& name) {
  auto taken = store.connections().get(name);
  if (!taken) return taken.error().kind == ErrorKind::not_found ? Result<void>{} : taken.error();
  return fail(ErrorKind::conflict,
              "connection {} exists already (kind {}): choose another name, or change it with `watchbill "
              "connection update {}`",
              name, taken->kind, name);
}

Result<std::string> free_name(store::Store& store, const std::string& kind) {
  auto connections = store.connections().list();
  if (!connections) return connections.error();
  std::set<std::string> taken;
  for (const auto& connection : *connections) taken.insert(connection.name);
  for (int number = 1;; ++number) {
    auto name = number == 1 ? kind : fmt::format("{}-{}", kind, number);
    if (!taken.contains(name)) return name;
  }
}

net::Task<Result<void>> add_connection(Context& context, Caller caller, Connection connection) {
  if (auto ok = allowed(context, caller, Action::connect, {}); !ok) co_return ok;
  const auto add = [connection = std::move(connection), actor = caller.actor](store::Store& store) {
    return store.connections().add(connection, actor);
  };
  co_return co_await context.store.run(add);
}

net::Task<Result<void>> update_connection(Context& context, Caller caller, Connection connection) {
  if (auto ok = allowed(context, caller, Action::connect, {}); !ok) co_return ok;
  const auto update = [connection = std::move(connection), actor = caller.actor](store::Store& store) {
    return store.connections().update(connection, actor);
  };
  co_return co_await context.store.run(update);
}

net::Task<Result<void>> remove_connection(Context& context, Caller caller, std::string name) {
  if (auto ok = allowed(context, caller, Action::connect, {}); !ok) co_return ok;
  const auto remove = [name = std::move(name), actor = caller.actor](store::Store& store) {
    return store.connections().remove(name, actor);
  };
  co_return co_await context.store.run(remove);
}

net::Task<std::vector<ConnectionSchedules>> list_schedules(Context& context,
                                                           std::vector<Connection> connections) {
  std::vector<net::Task<Listed>> tasks;
  tasks.reserve(connections.size());
  std::vector<std::string> names;
  for (auto& connection : connections) {
    names.push_back(connection.name);
    tasks.push_back(list_one(context, std::move(connection)));
  }
  auto answers = co_await net::all(context.loop, std::move(tasks));
  std::vector<ConnectionSchedules> listed;
  listed.reserve(answers.size());
  for (std::size_t i = 0; i < answers.size(); ++i) listed.push_back({names[i], std::move(answers[i])});
  co_return listed;
}

namespace {

/// The connections that these are of; all of them for one that has only a name.
Result<std::vector<Connection>> connections_of(store::Store& store,
                                               const std::vector<ScheduleRef>& schedules) {
  std::map<std::string, Connection> found;
  for (const auto& ref : schedules) {
    if (ref.connection.empty()) {
      auto all = store.connections().list();
      if (!all) return all.error();
      for (auto& connection : *all) found.insert_or_assign(connection.name, connection);
    } else if (!found.contains(ref.connection)) {
      auto connection = store.connections().get(ref.connection);
      if (!connection) return connection.error().in("schedule {}", ref);
      found.insert_or_assign(ref.connection, *std::move(connection));
    }
  }
  std::vector<Connection> connections;
  for (auto& [name, connection] : found) connections.push_back(std::move(connection));
  return connections;
}

std::string as_written(const ScheduleRef& ref) {
  return ref.connection.empty() ? ref.id : to_string(ref);
}

/// By id, else by a name that only one has.
Result<ScheduleRef> find_schedule(const ScheduleRef& written,
                                  const std::vector<ConnectionSchedules>& answers) {
  std::vector<ScheduleRef> named;
  const std::vector<providers::ScheduleInfo>* listed = nullptr;
  const auto name = fold_name(written.id);
  for (const auto& answer : answers) {
    if (!written.connection.empty() && answer.connection != written.connection) continue;
    listed = &*answer.listed;
    for (const auto& info : *listed) {
      if (info.id == written.id && !written.connection.empty()) return written;
      if (fold_name(info.name) == name) named.push_back({answer.connection, info.id});
    }
  }
  if (named.size() == 1) return named.front();
  if (named.size() > 1) {
    return fail(ErrorKind::invalid, "schedule \"{}\": {} have this name: write one of them as {}",
                as_written(written), named.size(), fmt::join(named, " or "));
  }
  if (!written.connection.empty()) return no_schedule(written, *listed);
  return fail(
      ErrorKind::not_found,
      "schedule \"{}\": no scheduling system has one of this name; `watchbill schedule list` shows what "
      "there is",
      written.id);
}

}  // namespace

net::Task<Result<std::vector<ScheduleRef>>> find_schedules(Context& context,
                                                           std::vector<ScheduleRef> schedules, bool verify) {
  const auto read = [schedules](store::Store& store) { return connections_of(store, schedules); };
  auto connections = co_await context.store.run(read);
  if (!connections) co_return connections.error();
  for (const auto& ref : schedules) {
    if (verify || !ref.connection.empty()) continue;
    co_return fail(ErrorKind::invalid,
                   "schedule \"{}\": with --no-verify nobody is asked for names: write CONNECTION/ID",
                   ref.id);
  }
  if (!verify) co_return schedules;
  auto answers = co_await list_schedules(context, *std::move(connections));
  for (const auto& [name, listed] : answers) {
    if (!listed) {
      co_return listed.error().in("the schedules of connection {} cannot be checked (--no-verify skips that)",
                                  name);
    }
  }
  for (auto& ref : schedules) {
    auto found = find_schedule(ref, answers);
    if (!found) co_return found.error();
    ref = *std::move(found);
  }
  co_return schedules;
}

}  // namespace watchbill::control
