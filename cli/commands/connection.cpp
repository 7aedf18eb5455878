// watchbill connection add|update|list|test|remove

#include <algorithm>
#include <ostream>
#include <set>

#include "cli/commands/commands.hpp"
#include "cli/commands/connection_migrate.hpp"
#include "cli/commands/connection_oauth.hpp"
#include "cli/session.hpp"
#include "cli/terminal/table.hpp"
#include "control/connections.hpp"

namespace watchbill::cli {

namespace {

/// One option for each flag that some adapter has, saying whose it is.
std::vector<OptionSpec> adapter_options() {
  std::vector<OptionSpec> specs;
  for (const auto& adapter : providers::adapters()) {
    for (const auto& option : adapter.options) {
      const auto help = fmt::format("{}: {}", adapter.title, option.description);
      const auto same = [&](const OptionSpec& spec) { return spec.name == option.flag; };
      const auto known = std::find_if(specs.begin(), specs.end(), same);
      if (known == specs.end()) {
        specs.push_back({option.flag, option.value_name, help});
      } else {
        known->help += "; " + help;
      }
    }
  }
  return specs;
}

std::vector<OptionSpec> connection_options() {
  auto specs = adapter_options();
  for (auto& spec : oauth_options()) specs.push_back(std::move(spec));
  specs.push_back({"no-verify", "", "save without trying the credentials"});
  return specs;
}

std::vector<std::string> examples_of_adding() {
  std::vector<std::string> examples;
  for (const auto& adapter : providers::adapters())
    examples.insert(examples.end(), adapter.examples.begin(), adapter.examples.end());
  return examples;
}

bool is_secret(const std::string& flag) {
  return std::any_of(providers::adapters().begin(), providers::adapters().end(), [&](const auto& adapter) {
    return std::any_of(adapter.options.begin(), adapter.options.end(),
                       [&](const providers::Option& option) { return option.secret && option.flag == flag; });
  });
}

/// Reads the files, before the store is opened: root becomes the store's owner then, who may not read them.
Result<control::ConnectionInput> read_given(Session& session, const Invocation& in) {
  control::ConnectionInput given;
  for (const auto& spec : adapter_options()) {
    const auto value = in.value(spec.name);
    if (!value) continue;
    if (!is_secret(spec.name)) {
      given.texts.emplace(spec.name, *value);
      continue;
    }
    auto secret = session.read_secret(*value, "--" + spec.name, config::SecretKind::system_key);
    if (!secret) return secret.error();
    given.secrets.emplace(spec.name, *std::move(secret));
  }
  return given;
}

/// Tries the credentials, unless --no-verify is given.
Result<control::Tried> try_out(Session& session, const Invocation& in, Connection connection,
                               std::optional<control::Replaced> replaces = std::nullopt) {
  auto http = session.http();
  if (!http) return http.error();
  auto config = session.config();
  if (!config) return config.error();
  const auto name = connection.name;
  control::TryOptions options;
  options.verify = !in.has("no-verify");
  options.replaces = std::move(replaces);
  auto tried = session.run(control::try_connection({session.loop(), **http, **config}, session.caller(),
                                                   std::move(connection), options));
  if (tried && tried->refused) {
    return tried->refused->in(
        "connection {}: nothing was saved, since the credentials did not work "
        "(--no-verify saves them untried)",
        name);
  }
  return tried;
}

void tell(Session& session, const control::Tried& tried, std::string_view what) {
  const auto& connection = tried.connection;
  if (session.json()) {
    json::Writer w;
    w.begin_object().field("name", connection.name).field("kind", connection.kind);
    w.field("verified", tried.opened.has_value()).field("account", tried.opened).end_object();
    return session.print_json(w.take());
  }
  session.io().out << printable(fmt::format("connection {} {}{}\n", connection.name, what,
                                            tried.opened ? ": it opens " + *tried.opened : ", untried"));
}

/// Without making a database for a connection that may not come to be.
Result<void> refuse_taken(Session& session, const std::string& name) {
  auto store = session.store();
  if (!store) return store.error().kind == ErrorKind::not_found ? Result<void>{} : store.error();
  return control::refuse_taken_name(**store, name);
}

/// Signing in gives the credentials: none may be given besides.
Result<void> refuse_credentials(const control::ConnectionInput& given) {
  if (given.texts.empty() && given.secrets.empty()) return {};
  const auto& flag = given.texts.empty() ? given.secrets.begin()->first : given.texts.begin()->first;
  return fail(ErrorKind::invalid, "--{}: not with --oauth: address and credentials come from signing in",
              flag);
}

Result<int> tell_signed_in(Session& session, const Result<SignedIn>& signed_in, std::string_view what) {
  if (!signed_in) return signed_in.error();
  tell(session, {signed_in->connection, signed_in->account}, what);
  return kDone;
}

Result<int> add(Session& session, const Invocation& in) {
  Connection connection{in.argument("NAME"), in.argument("KIND")};
  auto adapter = providers::find_adapter(connection.kind);
  if (!adapter) return adapter.error();
  if (auto good = check_connection_name(connection.name); !good) return good.error();
  auto given = read_given(session, in);
  if (!given) return given.error();
  if (in.has("oauth")) {
    if (auto none = refuse_credentials(*given); !none) return none.error();
    auto apps = read_apps(session);
    if (!apps) return apps.error();
    if (auto free = refuse_taken(session, connection.name); !free) return free.error();
    return tell_signed_in(session, sign_in(session, in, *apps, std::move(connection)), "added");
  }
  auto filled = control::with_input(std::move(connection), *given);
  if (!filled) return filled.error();
  if (auto free = refuse_taken(session, filled->name); !free) return free.error();
  auto tried = try_out(session, in, *std::move(filled));
  if (!tried) return tried.error();
  if (auto store = session.store_or_new(); !store) return store.error();
  auto context = session.context();
  if (!context) return context.error();
  if (auto added = session.run(control::add_connection(**context, session.caller(), tried->connection));
      !added)
    return added.error();
  tell(session, *tried, "added");
  return kDone;
}

Result<int> update_by_oauth(Session& session, const Invocation& in, const control::ConnectionInput& given) {
  if (auto none = refuse_credentials(given); !none) return none.error();
  auto apps = read_apps(session);
  if (!apps) return apps.error();
  auto store = session.store();
  if (!store) return store.error();
  auto connection = (*store)->connections().get(in.argument("NAME"));
  if (!connection) return connection.error();
  return tell_signed_in(session, sign_in(session, in, *apps, *std::move(connection)), "updated");
}

Result<int> update(Session& session, const Invocation& in) {
  auto given = read_given(session, in);
  if (!given) return given.error();
  if (in.has("oauth")) return update_by_oauth(session, in, *given);
  if (given->texts.empty() && given->secrets.empty())
    return fail(ErrorKind::invalid, "connection update: nothing to change was given; see --help");
  auto context = session.context();
  if (!context) return context.error();
  auto connection = (*session.store())->connections().get(in.argument("NAME"));
  if (!connection) return connection.error();
  auto filled = control::with_input(*connection, *given);
  if (!filled) return filled.error();
  auto tried = try_out(session, in, *std::move(filled), control::Replaced{*connection, *given});
  if (!tried) return tried.error();
  if (auto saved = session.run(control::update_connection(**context, session.caller(), tried->connection));
      !saved)
    return saved.error();
  tell(session, *tried, "updated");
  return kDone;
}

Result<int> test(Session& session, const Invocation& in) {
  auto context = session.context();
  if (!context) return context.error();
  auto connection = (*session.store())->connections().get(in.argument("NAME"));
  if (!connection) return connection.error();
  const auto name = connection->name;
  auto open = control::open_stored(**context, *std::move(connection));
  if (!open) return open.error();
  auto verified = session.run((*open)->provider->verify());
  if (!verified) {
    return verified.error().in(
        "connection {} does not work (`watchbill connection update {}` gives it new "
        "credentials)",
        name, name);
  }
  tell(session, {(*open)->connection, *verified}, "works");
  return kDone;
}

Result<int> remove(Session& session, const Invocation& in) {
  auto context = session.context();
  if (!context) return context.error();
  auto connection = (*session.store())->connections().get(in.argument("NAME"));
  if (!connection) return connection.error();
  const auto question = fmt::format("Remove connection {} and its credentials?", connection->name);
  if (auto agreed = session.confirm(question); !agreed) return agreed.error();
  if (auto removed = session.run(control::remove_connection(**context, session.caller(), connection->name));
      !removed)
    return removed.error();
  if (session.json()) {
    json::Writer w;
    w.begin_object().field("name", connection->name).field("removed", true).end_object();
    session.print_json(w.take());
  } else {
    session.io().out << "connection " << connection->name << " removed\n";
  }
  return kDone;
}

std::optional<std::string> when(const std::optional<Instant>& at) {
  return at ? std::optional(format_rfc3339(*at)) : std::nullopt;
}

void print_list(Session& session, const std::vector<Connection>& connections,
                const std::map<std::string, store::ConnectionStatus>& statuses) {
  const auto status_of = [&](const std::string& name) {
    const auto found = statuses.find(name);
    return found == statuses.end() ? store::ConnectionStatus{} : found->second;
  };
  if (session.json()) {
    json::Writer w;
    w.begin_array();
    for (const auto& connection : connections) {
      const auto status = status_of(connection.name);
      std::vector<std::string> secrets;
      for (const auto& [name, value] : connection.secrets) secrets.push_back(name);
      w.begin_object().field("name", connection.name).field("kind", connection.kind);
      w.key("settings").begin_object();
      for (const auto& [key, value] : connection.settings) w.field(key, value);
      w.end_object().field("secrets", secrets).field("created_at", format_rfc3339(connection.created_at));
      w.field("state", status.state).field("last_success", when(status.last_success));
      w.field("problem", status.problem).field("ends", providers::end_day_of(connection.kind)).end_object();
    }
    w.end_array();
    return session.print_json(w.take());
  }
  Table table({"NAME", "KIND", "STATE", "LAST ANSWER", "ADDRESS", "PROBLEM"});
  for (const auto& connection : connections) {
    const auto status = status_of(connection.name);
    const auto setting = [&](const char* key) {
      const auto found = connection.settings.find(key);
      return found == connection.settings.end() ? std::string() : found->second;
    };
    std::string address;
    for (const auto* key : {"base_url", "host", "site", "region"}) {
      if (address.empty()) address = setting(key);
    }
    table.add({connection.name, connection.kind, status.state, when(status.last_success).value_or("never"),
               address, status.problem.value_or("")});
  }
  session.io().out << table.render(session.io().width);
  for (const auto& connection : connections) {
    const auto notice = providers::end_notice(connection.name, connection.kind, session.now());
    if (!notice) continue;
    const auto line = printable(fmt::format("{}: {}", connection.name, *notice));
    const auto width = session.io().width;
    session.io().out << (width == 0 ? line : wrapped(line, width, 2)) << "\n";
  }
}

Result<int> list_connections(Session& session, const Invocation& /*in*/) {
  auto store = session.store();
  if (!store) return store.error();
  auto connections = (*store)->connections().list();
  if (!connections) return connections.error();
  auto statuses = (*store)->connections().statuses();
  if (!statuses) return statuses.error();
  std::sort(connections->begin(), connections->end(),
            [](const Connection& a, const Connection& b) { return a.name < b.name; });
  print_list(session, *connections, {statuses->begin(), statuses->end()});
  return kDone;
}

}  // namespace

std::vector<Command> connection_commands() {
  const ArgumentSpec name{"NAME", "name of the connection: lower case letters, digits and '-'"};
  return {
      {"connection add",
       "Add a scheduling system",
       fmt::format(
           "Tries the credentials and saves them, sealed with the store's key. Secrets are read from "
           "files, or from standard input for '-'; they never stand on the command line. With --oauth "
           "a person signs in to {} in a browser instead.",
           providers::titles_with_sign_in()),
       {{"KIND", providers::kinds_to_choose_from()}, name},
       connection_options(),
       examples_of_adding(),
       add},
      {"connection update",
       "Change address or credentials of a scheduling system",
       "What is given replaces what was; the rest stays. The new credentials are tried first and then "
       "swapped in "
       "one step: rotations that use the connection are not touched. An empty value removes a setting. Who "
       "changes the address (host, site, region, subdomain or base URL) gives the credentials again: those "
       "of "
       "before "
       "are not sent to another address.",
       {name},
       connection_options(),
       {"connection update pd --api-key-file new.key",
        "connection update pd --region eu --api-key-file eu.key", "connection update pd --oauth"},
       update},
      {"connection list",
       "List scheduling systems and how they are doing",
       "Names of secrets are shown with --format json, their values never.",
       {},
       {},
       {"connection list", "connection list --format json"},
       list_connections},
      {"connection test",
       "Try the credentials of a scheduling system",
       "Asks the system now, whether the daemon runs or not. Nothing is changed.",
       {name},
       {},
       {"connection test pd"},
       test},
      connection_migrate_command(),
      {"connection remove",
       "Remove a scheduling system",
       "Refused while rotations use it; the error names them. Asks first, unless --yes is given.",
       {name},
       {},
       {"connection remove pd --yes"},
       remove},
  };
}

}  // namespace watchbill::cli
