#include "slack_app/systems/system_screens.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "slack_app/dialogs.hpp"
#include "slack_app/phrases.hpp"
#include "slack_app/rotations/rotation_form.hpp"
#include "slack_app/systems/browser_connect.hpp"

namespace watchbill::slack_app {

namespace {

/// Secrets are kept no longer than this, whatever happens.
constexpr milliseconds kTryFor{120'000};

std::string modal_title(const ConnectState& state) {
  return state.existing.empty() ? "Connect " + providers::title_of(state.kind) : "New credentials";
}

/// The way in which the connection's present credentials were given.
std::string way_of(const Connection& connection) {
  const auto adapter = providers::find_adapter(connection.kind);
  if (!adapter) return {};
  return (*adapter)->way_of ? (*adapter)->way_of(connection) : (*adapter)->ways.front().name;
}

/// The first way that is open here.
std::string open_way(const config::Config& config, const providers::Adapter& adapter) {
  const auto found =
      std::find_if(adapter.ways.begin(), adapter.ways.end(), [&](const providers::CredentialWay& way) {
        return !way.in_browser() || no_browser_text(config, adapter).empty();
      });
  return found == adapter.ways.end() ? std::string() : found->name;
}

/// An error without the command that gives new credentials: that is what the form is for.
std::string without_remedy(std::string text) {
  const auto command = text.find("`watchbill connection update");
  if (command == std::string::npos) return text;
  // The sentence that names it, or the last part of it.
  auto end = std::max(text.rfind("? ", command) + 1, text.rfind(". ", command) + 1);
  if (end == 0) end = std::min(text.find_last_of(";:(", command), text.size());
  text.erase(end);
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

/// A message of the rules as a form says it: without the names that the command line uses.
std::string for_form(std::string text, const std::string& connection, const std::string& flag) {
  for (const auto& prefix : {"connection " + connection + ": ", "--" + flag + ": "}) {
    if (!flag.empty() || prefix.front() != '-') {
      if (text.starts_with(prefix)) text.erase(0, prefix.size());
    }
  }
  return without_remedy(std::move(text));
}

bool nobody_answered(const Error& error) {
  return error.kind == ErrorKind::unreachable || error.kind == ErrorKind::timeout;
}

/// Where a refusal of the credentials stands: at the secret, or at the address if nobody answered there.
std::string field_of_refusal(const ConnectState& state, const Error& error) {
  const auto* way = way_in(state);
  if (!way) return {};
  return nobody_answered(error) && !way->unreachable_at.empty() ? way->unreachable_at : way->refused_at;
}

/// What a form for credentials begins with: a free name, or the stored connection's name and settings.
struct FormStart {
  std::string name;
  std::map<std::string, std::string> settings{};
};

Result<FormStart> start_of(store::Store& store, const ConnectState& state) {
  if (state.existing.empty()) {
    auto name = control::free_name(store, state.kind);
    if (!name) return name.error();
    return FormStart{*std::move(name)};
  }
  auto stored = store.connections().get(state.existing);
  if (!stored) return stored.error();
  return FormStart{state.existing, std::move(stored->settings)};
}

/// The stored connection of that name; for a `fresh` one, none: an error if there is.
Result<std::optional<Connection>> find_connection(store::Store& store, const std::string& name, bool fresh) {
  if (fresh) {
    if (auto free = control::refuse_taken_name(store, name); !free) return free.error();
    return std::optional<Connection>{};
  }
  auto stored = store.connections().get(name);
  if (!stored) return stored.error();
  return std::optional(*std::move(stored));
}

/// A connection that somebody wants to remove, and the rotations that use it.
Result<DisconnectModel> use_of(store::Store& store, const std::string& name) {
  auto stored = store.connections().get(name);
  if (!stored) return stored.error();
  auto rotations = store.rotations().list();
  if (!rotations) return rotations.error();
  DisconnectModel model{name, providers::title_of(stored->kind)};
  for (const auto& rotation : *rotations) {
    const bool uses = std::any_of(rotation.schedules.begin(), rotation.schedules.end(),
                                  [&](const RotationSchedule& s) { return s.ref.connection == name; });
    if (uses) model.rotations.push_back(rotation.name);
  }
  return model;
}

}  // namespace

SystemScreens::SystemScreens(ScreenContext& screen, MakeBrowserWay browser_way)
    : screen_(screen), browser_way_(std::move(browser_way)) {}

net::Task<void> SystemScreens::open_connect(UserId user, std::string trigger, std::string kind) {
  ConnectState state{std::move(kind)};
  auto title = modal_title(state);
  co_await screen_.open(std::move(trigger), std::move(title),
                        connect_view_for(std::move(user), std::move(state)));
}

net::Task<void> SystemScreens::open_renew(UserId user, std::string trigger, std::string connection) {
  ConnectState state;
  state.existing = std::move(connection);
  co_await screen_.open(std::move(trigger), "New credentials",
                        connect_view_for(std::move(user), std::move(state)));
}

net::Task<std::string> SystemScreens::connect_view_for(UserId user, ConnectState state) {
  auto& context = screen_.context();
  auto title = state.existing.empty() ? "Connect" : "New credentials";
  auto caller = co_await who_is(screen_, user);
  if (!caller) co_return notice_modal(title, error_text(caller.error()));
  if (auto ok = control::allowed(context, *caller, Action::connect, {}); !ok)
    co_return notice_modal(title, error_text(ok.error()));
  if (!state.existing.empty()) {
    const auto read = [name = state.existing](store::Store& store) { return store.connections().get(name); };
    auto stored = co_await context.store.run(read);
    if (!stored) co_return notice_modal(title, error_text(stored.error()));
    state.kind = stored->kind;
    state.way = way_of(*stored);
  } else if (auto known = providers::find_adapter(state.kind); !known) {
    co_return notice_modal(title, error_text(known.error()));
  } else {
    state.way = open_way(context.config, **known);
  }
  auto model = co_await model_of(user, state);
  co_return model ? connect_view(*model) : notice_modal(title, error_text(model.error()));
}

net::Task<Result<ConnectModel>> SystemScreens::model_of(UserId user, ConnectState state) {
  const auto read = [state](store::Store& store) { return start_of(store, state); };
  auto start = co_await screen_.context().store.run(read);
  if (!start) co_return start.error();
  ConnectModel model;
  model.state = state;
  model.name = std::move(start->name);
  for (const auto& [key, value] : start->settings) {
    auto flag = key;
    std::replace(flag.begin(), flag.end(), '_', '-');
    model.typed[flag] = value;
  }
  if (const auto adapter = providers::find_adapter(state.kind); adapter && (*adapter)->sign_in) {
    auto way = browser_way_(user, **adapter, model.name, !state.existing.empty());
    model.browser_url = std::move(way.url);
    model.ticket = std::move(way.ticket);
    model.no_browser = std::move(way.why_not);
  }
  co_return model;
}

net::Task<void> SystemScreens::choose_way(Interaction interaction, std::string way) {
  auto state = connect_state(interaction.metadata);
  if (!state) co_return;
  auto chosen = *state;
  chosen.way = std::move(way);
  if (const auto* known = way_in(chosen)) state->way = known->name;
  auto caller = co_await who_is(screen_, interaction.user);
  const bool may_connect = caller && control::allowed(screen_.context(), *caller, Action::connect, {}).ok();
  if (!may_connect) co_return;
  auto model = co_await model_of(interaction.user, *state);
  if (!model) co_return;
  co_await screen_.update(interaction.view, connect_view(*model), interaction.hash);
}

net::Task<void> SystemScreens::open_test(UserId user, std::string trigger, std::string connection) {
  co_await screen_.open(std::move(trigger), "Test", test_view(std::move(user), std::move(connection)));
}

net::Task<std::string> SystemScreens::test_view(UserId user, std::string name) {
  auto& context = screen_.context();
  const auto refuse = [](const Error& error) { return notice_modal("Test", error_text(error)); };
  auto caller = co_await who_is(screen_, std::move(user));
  if (!caller) co_return refuse(caller.error());
  if (auto ok = control::allowed(context, *caller, Action::connect, {}); !ok) co_return refuse(ok.error());
  const auto read = [name](store::Store& store) { return store.connections().get(name); };
  auto stored = co_await context.store.run(read);
  if (!stored) co_return refuse(stored.error());
  auto open = control::open_stored(context, *std::move(stored));
  if (!open) co_return refuse(open.error());
  auto verified = co_await (*open)->provider->verify();
  if (!verified) {
    co_return notice_modal(
        "Test", fmt::format("*{}* does not work: {}", slack_name(name), error_text(verified.error())));
  }
  co_return notice_modal("Test",
                         fmt::format("*{}* works: it opens {}.", slack_name(name), slack_name(*verified)));
}

net::Task<void> SystemScreens::open_disconnect(UserId user, std::string trigger, std::string connection) {
  co_await screen_.open(std::move(trigger), "Disconnect",
                        disconnect_view(std::move(user), std::move(connection)));
}

net::Task<std::string> SystemScreens::disconnect_view(UserId user, std::string name) {
  auto& context = screen_.context();
  const auto refuse = [](const Error& error) { return notice_modal("Disconnect", error_text(error)); };
  auto caller = co_await who_is(screen_, std::move(user));
  if (!caller) co_return refuse(caller.error());
  if (auto ok = control::allowed(context, *caller, Action::connect, {}); !ok) co_return refuse(ok.error());
  const auto read = [name](store::Store& store) { return use_of(store, name); };
  auto model = co_await context.store.run(read);
  if (!model) co_return refuse(model.error());
  co_return disconnect_modal(*model);
}

net::Task<std::string> SystemScreens::submit_disconnect(Interaction interaction) {
  const auto document = json::parse(interaction.metadata);
  const auto name = document ? document->root()["connection"].string_or("") : std::string();
  auto work =
      std::make_unique<DeferredAnswer<std::string>>(screen_.loop(), disconnect(interaction.user, name));
  if (co_await work->ready_within(kAnswerWithin)) {
    auto view = co_await work->result();
    co_return view.empty() ? answer_clear() : answer_update(view);
  }
  screen_.spawn(finish_disconnect(interaction.view, std::move(work)));
  co_return answer_update(loading_modal("Disconnect"));
}

net::Task<void> SystemScreens::finish_disconnect(std::string view,
                                                 std::unique_ptr<DeferredAnswer<std::string>> work) {
  auto told = co_await work->result();
  if (told.empty()) told = notice_modal("Disconnected", "Its credentials are deleted here.");
  co_await screen_.update(std::move(view), std::move(told), {});
}

net::Task<std::string> SystemScreens::disconnect(UserId user, std::string name) {
  auto caller = co_await who_is(screen_, std::move(user));
  if (!caller) co_return notice_modal("Not disconnected", error_text(caller.error()));
  auto removed = co_await control::remove_connection(screen_.context(), *caller, name);
  screen_.changed();
  co_return removed ? std::string() : notice_modal("Not disconnected", error_text(removed.error()));
}

net::Task<std::string> SystemScreens::submit(Interaction interaction) {
  auto state = connect_state(interaction.metadata);
  if (!state) {
    co_return answer_update(
        notice_modal("Not connected", "This form is of another version of Watchbill. Please begin again."));
  }
  Typed typed{interaction.user, *state, typed_connection(interaction.values, *state)};
  Typed without_secrets = typed;
  without_secrets.input.secrets.clear();
  auto work = std::make_unique<DeferredAnswer<Answered>>(screen_.loop(), answered(std::move(typed)));
  if (!co_await work->ready_within(kAnswerWithin)) {
    auto view = modal_view(
        {.callback = "loading", .title = modal_title(*state), .close = "Close"},
        {section(plain("\xE2\x8F\xB3 Checking\xE2\x80\xA6 The credentials are being tried; this view "
                       "tells what came of it."))});
    screen_.spawn(finish(interaction.view, std::move(without_secrets), std::move(work)));
    co_return answer_update(view);
  }
  auto told = co_await work->result();
  if (told.errors.empty()) co_return answer_update(told.view);
  for (auto& [field, text] : told.errors) field = field_id(field, state->round);
  co_return answer_errors(told.errors);
}

net::Task<SystemScreens::Answered> SystemScreens::answered(Typed typed) {
  auto without_secrets = typed;
  without_secrets.input.secrets.clear();
  Answered told;
  told.outcome = co_await connect(std::move(typed));
  const auto& errors = told.outcome.errors;
  const bool at_fields =
      std::none_of(errors.begin(), errors.end(), [](const auto& error) { return error.first.empty(); });
  if (at_fields) told.errors = errors;
  if (told.errors.empty()) told.view = co_await outcome_view(std::move(without_secrets), told.outcome);
  co_return told;
}

net::Task<void> SystemScreens::finish(std::string view, Typed without_secrets,
                                      std::unique_ptr<DeferredAnswer<Answered>> work) {
  auto told = co_await work->result();
  work.reset();
  auto drawn = std::move(told.view);
  if (drawn.empty()) drawn = co_await outcome_view(std::move(without_secrets), std::move(told.outcome));
  co_await screen_.update(std::move(view), std::move(drawn), {});
}

net::Task<std::string> SystemScreens::outcome_view(Typed typed, Outcome outcome) {
  const auto& name = typed.state.existing.empty() ? typed.input.name : typed.state.existing;
  if (outcome.errors.empty()) {
    co_return notice_modal(
        "Connected", fmt::format("*{}* works: it opens {}.{}", slack_name(name), slack_name(outcome.opened),
                                 typed.state.existing.empty() ? " Its schedules can be used in rotations now."
                                                              : " Its rotations stay as they are."));
  }
  auto state = typed.state;
  ++state.round;
  auto model = co_await model_of(typed.user, state);
  if (!model) co_return notice_modal("Not connected", error_text(model.error()));
  if (state.existing.empty() && !typed.input.name.empty()) model->name = typed.input.name;
  for (const auto& [flag, text] : typed.input.texts) model->typed[flag] = text;
  for (const auto& [field, text] : outcome.errors)
    model->errors.emplace_back(field, foreign_text(as_sentence(text)));
  co_return connect_view(*model);
}

Result<Connection> SystemScreens::connection_of(const Typed& typed, const std::optional<Connection>& stored) {
  Connection connection{typed.input.name, typed.state.kind};
  control::ConnectionInput input{typed.input.texts, typed.input.secrets};
  if (stored) {
    connection = *stored;
    // A region that stays the same must not take away the address that somebody set on the host.
    const auto region = connection.settings.find("region");
    const auto before = region == connection.settings.end() ? "us" : region->second;
    if (const auto now = input.texts.find("region"); now != input.texts.end() && now->second == before)
      input.texts.erase(now);
    return control::with_input(std::move(connection), input);
  }
  auto made = control::with_input(std::move(connection), input);
  if (!made) return made;
  // Never from the form: it must not become a way to reach other hosts.
  const auto settings = screen_.context().config.provider(typed.state.kind);
  if (!settings.api_url.empty()) made->settings["base_url"] = settings.api_url;
  if (const auto* way = way_in(typed.state); way && way->takes_identity_url)
    made->settings["identity_url"] = settings.identity_url;
  return made;
}

net::Task<SystemScreens::Outcome> SystemScreens::connect(Typed typed) {
  auto& context = screen_.context();
  const auto wrong = [](std::string field, std::string text) {
    Outcome outcome;
    outcome.errors.emplace_back(std::move(field), std::move(text));
    return outcome;
  };
  auto caller = co_await who_is(screen_, typed.user);
  if (!caller) co_return wrong("", caller.error().message);
  if (auto ok = control::allowed(context, *caller, Action::connect, {}); !ok)
    co_return wrong("", ok.error().message);
  const bool fresh = typed.state.existing.empty();
  if (fresh) {
    if (auto good = check_connection_name(typed.input.name); !good)
      co_return wrong(kFieldConnection, good.error().message);
  }
  const auto read = [fresh, name = fresh ? typed.input.name : typed.state.existing](store::Store& store) {
    return find_connection(store, name, fresh);
  };
  auto stored = co_await context.store.run(read);
  if (!stored && fresh)
    co_return wrong(kFieldConnection, "There is a connection of this name already: choose another.");
  if (!stored) co_return wrong("", stored.error().message);
  auto connection = connection_of(typed, *stored);
  if (!connection) co_return wrong("", connection.error().message);
  const auto name = connection->name;
  control::TryOptions options;
  options.deadline = kTryFor;
  if (*stored) options.replaces = control::Replaced{**stored, {typed.input.texts, typed.input.secrets}};
  auto tried = co_await control::try_connection(control::connection_context(context), *caller,
                                                *std::move(connection), options);
  if (!tried) {
    const auto flag = control::option_of(tried.error());
    co_return wrong(flag, for_form(tried.error().message, name, flag));
  }
  if (tried->refused) {
    auto why = for_form(tried->refused->message, name, "");
    if (nobody_answered(*tried->refused)) why = "It could not be tried, nobody answered: " + why;
    co_return wrong(field_of_refusal(typed.state, *tried->refused), why);
  }
  auto keeping = fresh ? control::add_connection(context, *caller, tried->connection)
                       : control::update_connection(context, *caller, tried->connection);
  auto kept = co_await std::move(keeping);
  if (!kept) co_return wrong("", kept.error().message);
  screen_.changed();
  screen_.choices().warm();
  Outcome outcome;
  outcome.opened = tried->opened.value_or("");
  co_return outcome;
}

}  // namespace watchbill::slack_app
