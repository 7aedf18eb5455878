#include "slack_app/app.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>

#include "control/save.hpp"
#include "slack_app/command.hpp"
#include "slack_app/dialogs.hpp"
#include "slack_app/home/home_publisher.hpp"
#include "slack_app/people_screens.hpp"
#include "slack_app/phrases.hpp"
#include "slack_app/rotations/rotation_actions.hpp"
#include "slack_app/rotations/rotation_editor.hpp"
#include "slack_app/suggestions.hpp"
#include "slack_app/systems/browser_connect.hpp"
#include "slack_app/systems/system_screens.hpp"

namespace watchbill::slack_app {

namespace {

control::Context context_of(AppPorts& ports) {
  return {ports.loop,
          ports.store,
          ports.http,
          ports.groups,
          ports.people,
          ports.channels,
          ports.limiter,
          ports.config,
          control::group_requests_of_daemon(ports.loop, ports.store, ports.notice_changes),
          [] { return Result<bool>(true); },
          {},
          {},
          ports.check_store,
          ports.notice_changes};
}

constexpr std::size_t kShiftsAnswered = 12;
constexpr std::size_t kHistoryAnswered = 10;
constexpr const char* kNoOptions = R"({"options":[]})";
/// Of Slack's 3 s; the lists themselves are waited for at most 2 s (`control::Choices`).
constexpr milliseconds kOptionsWithin{2500};
/// A command is answered within half a second, so it does not wait for Slack as long as a click does.
constexpr milliseconds kAskerWithin{400};

std::string ephemeral(const std::string& mrkdwn_text) {
  json::Writer w;
  w.begin_object().field("response_type", "ephemeral").field("text", mrkdwn_text).end_object();
  return w.take();
}

}  // namespace

struct App::Impl {
  /// A submission, and whoever waits for the same answer.
  struct Submission {
    explicit Submission(net::Loop& loop) : answered(loop) {}
    std::optional<std::string> answer{};
    net::Signal answered;
  };
  /// While it lives the submission is being answered.
  struct Answering {
    Answering(Impl& of, std::string view)
        : app(of), which(std::move(view)), submission(std::make_shared<Submission>(of.ports.loop)) {
      app.submissions.emplace(which, submission);
    }
    ~Answering() {
      app.submissions.erase(which);
      if (!submission->answer) submission->answer.emplace();
      submission->answered.notify();
    }
    Answering(const Answering&) = delete;
    Answering& operator=(const Answering&) = delete;
    Impl& app;
    std::string which;
    std::shared_ptr<Submission> submission;
  };

  explicit Impl(AppPorts the_ports)
      : ports(std::move(the_ports)),
        context(context_of(ports)),
        choices(context),
        screen(context, choices, ports.views),
        shifts(context),
        home(screen, shifts,
             {ports.forecast, [this](const UserId& user) { return browser.waiting_for(user); }}),
        editor(screen),
        actions(screen),
        browser(screen),
        systems(screen, [this](const UserId& user, const providers::Adapter& adapter, const std::string& name,
                               bool existing) { return browser.way_for(user, adapter, name, existing); }),
        people(screen) {
    screen.on_change = [this] {
      if (ports.notice_changes) ports.notice_changes();
      home.kick();
    };
  }

  net::Task<void> learn_name();
  net::Task<void> event(json::Document payload);
  net::Task<void> clicked(json::Document payload);
  net::Task<void> carry_out(Interaction interaction, UserAction user_action);
  net::Task<std::string> submitted(json::Document payload);
  net::Task<std::string> submit(Interaction interaction);
  net::Task<std::string> suggest(json::Document payload);
  net::Task<std::string> options_for(json::Document payload);
  net::Task<std::string> command(json::Document payload);
  net::Task<std::string> answer(CommandQuestion question, CommandAsker asker);
  net::Task<void> answer_later(std::string url, std::unique_ptr<DeferredAnswer<std::string>> work);
  net::Task<Result<void>> may_view(UserId user);

  AppPorts ports;
  control::Context context;
  control::Choices choices;
  ScreenContext screen;
  OwnShifts shifts;
  HomePublisher home;
  RotationEditor editor;
  RotationActions actions;
  BrowserConnect browser;
  SystemScreens systems;
  PeopleScreens people;
  /// Submissions that are not answered yet, by view: what a double click sends gets the same answer.
  std::map<std::string, std::shared_ptr<Submission>> submissions;
};

/// "/invite @name" should name it as people know it.
net::Task<void> App::Impl::learn_name() {
  auto permit = co_await ports.limiter.acquire(slack::Method::auth_test, slack::Priority::background);
  auto identity = co_await ports.account.auth_test(std::move(permit));
  if (identity && !identity->user.empty()) screen.bot_name = identity->user;
}

net::Task<void> App::Impl::event(json::Document payload) {
  const auto inner = payload.root()["event"];
  if (const auto news = slack::change_event_of(inner)) {
    if (ports.hear) ports.hear(*news);
    co_return;
  }
  const bool opened =
      inner["type"].string_or("") == "app_home_opened" && inner["tab"].string_or("home") == "home";
  if (!opened) co_return;
  UserId user(inner["user"].string_or(""));
  auto metadata = inner["view"]["private_metadata"].string_or("");
  if (!user.empty()) co_await home.opened(std::move(user), std::move(metadata));
}

net::Task<void> App::Impl::clicked(json::Document payload) {
  const auto interaction = interaction_of(std::move(payload));
  if (interaction.user.empty()) co_return;
  const auto user_actions = actions_of(interaction);
  for (const auto& user_action : user_actions) co_await carry_out(interaction, user_action);
}

net::Task<void> App::Impl::carry_out(Interaction interaction, UserAction user_action) {
  const auto& user = interaction.user;
  const auto& trigger = interaction.trigger;
  struct Visit {
    App::Impl& app;
    const Interaction& interaction;
    const UserId& user;
    const std::string& trigger;
    net::Task<void> operator()(const NewRotation&) const { return app.editor.open_new(user, trigger); }
    net::Task<void> operator()(const EditRotation& i) const {
      return app.editor.open_edit(user, trigger, i.rotation);
    }
    net::Task<void> operator()(const DeleteRotation& i) const {
      return app.actions.open_delete(user, trigger, i.rotation);
    }
    net::Task<void> operator()(const SyncRotation& i) const {
      return app.actions.sync(user, trigger, i.rotation);
    }
    net::Task<void> operator()(const PauseRotation& i) const {
      return app.actions.pause(user, trigger, i.rotation, i.paused);
    }
    net::Task<void> operator()(const ShowHistory& i) const {
      return app.actions.open_history(user, trigger, i.rotation);
    }
    net::Task<void> operator()(const ConnectSystem& i) const {
      return app.systems.open_connect(user, trigger, i.kind);
    }
    net::Task<void> operator()(const RenewSystem& i) const {
      return app.systems.open_renew(user, trigger, i.connection);
    }
    net::Task<void> operator()(const TestSystem& i) const {
      return app.systems.open_test(user, trigger, i.connection);
    }
    net::Task<void> operator()(const DisconnectSystem& i) const {
      return app.systems.open_disconnect(user, trigger, i.connection);
    }
    net::Task<void> operator()(const FixPerson& i) const { return app.people.open(user, trigger, i.person); }
    net::Task<void> operator()(const TurnPage& i) const { return app.home.turn(user, i.position); }
    net::Task<void> operator()(const ShowMore&) const { return app.editor.touched(interaction, true); }
    net::Task<void> operator()(const FormTouched&) const { return app.editor.touched(interaction, false); }
    net::Task<void> operator()(const TextTouched&) const { return app.editor.preview(interaction); }
    net::Task<void> operator()(const BackToForm& i) const { return app.editor.back(interaction, i.draft); }
    net::Task<void> operator()(const TakeBackPerson& i) const {
      return app.people.take_back(interaction, i.person);
    }
    net::Task<void> operator()(const ChooseWay& i) const {
      return app.systems.choose_way(interaction, i.way);
    }
    net::Task<void> operator()(const LookAtAccount& i) const {
      return app.browser.open_account(user, trigger, i.connection);
    }
    net::Task<void> operator()(const ConfirmAccount& i) const {
      return app.browser.confirm(interaction, i.connection, i.right);
    }
    net::Task<void> operator()(const BrowserOpened& i) const {
      app.browser.opened(interaction, i.ticket);
      return nothing();
    }
    static net::Task<void> nothing() { co_return; }
  };
  auto task = std::visit(Visit{*this, interaction, user, trigger}, user_action);
  co_await std::move(task);
}

net::Task<std::string> App::Impl::submitted(json::Document payload) {
  auto interaction = interaction_of(std::move(payload));
  if (interaction.user.empty()) co_return std::string();
  const auto which = fmt::format("{} {} {}", interaction.user, interaction.view, interaction.hash);
  if (const auto running = submissions.find(which); running != submissions.end()) {
    const auto first = running->second;
    while (!first->answer) co_await first->answered.wait();
    co_return *first->answer;
  }
  const Answering mine(*this, which);
  mine.submission->answer = co_await submit(std::move(interaction));
  co_return *mine.submission->answer;
}

net::Task<std::string> App::Impl::submit(Interaction interaction) {
  const auto& callback = interaction.callback;
  if (callback == kRotationForm) co_return co_await editor.submit(interaction);
  if (callback == kAdoption) co_return co_await editor.submit_adoption(interaction);
  if (callback == kResume) co_return co_await actions.submit_resume(interaction);
  if (callback == kDelete) co_return co_await actions.submit_delete(interaction);
  if (callback == kConnectForm) co_return co_await systems.submit(interaction);
  if (callback == kDisconnect) co_return co_await systems.submit_disconnect(interaction);
  if (callback == kPerson) co_return co_await people.submit(interaction);
  co_return std::string();
}

/// A list that comes too late is an error in Slack; an empty one is asked for again with the next letter.
net::Task<std::string> App::Impl::suggest(json::Document payload) {
  auto work = std::make_unique<DeferredAnswer<std::string>>(ports.loop, options_for(std::move(payload)));
  const bool ready = co_await work->ready_within(kOptionsWithin);
  if (ready) co_return co_await work->result();
  co_return std::string(kNoOptions);
}

net::Task<std::string> App::Impl::options_for(json::Document payload) {
  const auto root = payload.root();
  const UserId user(root["user"]["id"].string_or(""));
  const auto field = field_of(root["block_id"].string_or(""));
  const auto query = root["value"].string_or("");
  const std::string none = kNoOptions;
  auto caller = co_await who_is(screen, user);
  if (!caller) co_return none;
  // A form's lists are for those who may save the form.
  const auto state = form_state(root["view"]["private_metadata"].string_or(""));
  std::string editing;
  if (state && state->rotation) {
    auto rotation = co_await control::read_rotation(context, *caller, *state->rotation);
    if (!rotation || !control::allowed(context, *caller, Action::edit, {&*rotation, {}})) co_return none;
    editing = rotation->name;
  } else if (!control::allowed(context, *caller, Action::create, {})) {
    co_return none;
  }
  if (field == kFieldSchedules) {
    auto found = co_await choices.search_schedules(query, kMaxOptions);
    co_return schedule_suggestions(found);
  }
  if (field != kFieldGroup) co_return none;
  auto found = co_await choices.search_groups(query, kMaxOptions);
  co_return group_suggestions(found, query, editing);
}

/// Lets a question go on, so that its answer is known the next time.
net::Task<void> wait_out(std::unique_ptr<DeferredAnswer<Result<control::Caller>>> question) {
  (void)co_await question->result();
}

/// Who may look at more than who is on call: not guests. Whoever Slack does not describe in time is told so.
net::Task<Result<void>> App::Impl::may_view(UserId user) {
  auto who =
      std::make_unique<DeferredAnswer<Result<control::Caller>>>(ports.loop, who_is(screen, std::move(user)));
  if (!co_await who->ready_within(kAskerWithin)) {
    screen.spawn(wait_out(std::move(who)));
    co_return fail(ErrorKind::timeout, "Slack has not said yet who you are: try again");
  }
  auto caller = co_await who->result();
  if (!caller) co_return caller.error();
  co_return control::allowed(context, *caller, Action::view, {});
}

net::Task<std::string> App::Impl::command(json::Document payload) {
  const auto root = payload.root();
  auto question = read_command(root["text"].string_or(""));
  CommandAsker asker{UserId(root["user_id"].string_or("")), ChannelId(root["channel_id"].string_or("")),
                     root["command"].string_or(ports.config.slack.command)};
  auto work = std::make_unique<DeferredAnswer<std::string>>(ports.loop,
                                                            answer(std::move(question), std::move(asker)));
  const bool ready = co_await work->ready_within(kAnswerWithin);
  if (ready) co_return co_await work->result();
  screen.spawn(answer_later(root["response_url"].string_or(""), std::move(work)));
  co_return std::string();
}

net::Task<void> App::Impl::answer_later(std::string url, std::unique_ptr<DeferredAnswer<std::string>> work) {
  auto text = co_await work->result();
  auto told = co_await ports.views.respond(std::move(url), std::move(text));
  if (!told) note_failure("answering a command", told.error());
}

net::Task<std::string> App::Impl::answer(CommandQuestion question, CommandAsker asker) {
  using Kind = CommandQuestion::Kind;
  if (question.kind == Kind::help) co_return ephemeral(answer_help(asker));
  // Everybody may: the one door is asked all the same.
  if (auto ok = may(SlackUser{asker.user, false, true}, Action::see_on_call, {}, context.permissions()); !ok)
    co_return ephemeral(error_text(ok.error()));
  if (question.kind == Kind::history) {
    if (auto ok = co_await may_view(asker.user); !ok) co_return ephemeral(error_text(ok.error()));
  }
  const auto failed = [](const Error& error) {
    return ephemeral("The answer could not be read: " + error_text(error));
  };
  auto overview = co_await control::read_overview(context);
  if (!overview) co_return failed(overview.error());
  const auto now = ports.loop.now();
  if (question.kind == Kind::me) {
    shifts.look(*overview);
    auto own = co_await shifts.of(asker.user);
    if (!own) co_return failed(own.error());
    own->resize(std::min(own->size(), kShiftsAnswered));
    co_return ephemeral(answer_me(*own, now));
  }
  if (question.kind == Kind::who) co_return ephemeral(answer_who(*overview, question, asker, now));
  if (question.kind == Kind::next) co_return ephemeral(answer_next(*overview, question, asker, now));
  if (question.kind == Kind::history) {
    const auto wanted = history_wanted(*overview, question);
    if (!wanted) co_return ephemeral(answer_history(*overview, question, asker, std::nullopt));
    const auto read = [name = *wanted](store::Store& store) {
      return history_of(store, name, kHistoryAnswered);
    };
    auto history = co_await ports.store.run(read);
    co_return ephemeral(answer_history(*overview, question, asker, std::move(history)));
  }
  if (question.kind == Kind::all) co_return ephemeral(answer_all(*overview, now));
  co_return ephemeral(answer_here(*overview, asker, now));
}

App::App(AppPorts ports) : impl_(std::make_unique<Impl>(std::move(ports))) {}
App::~App() = default;

void App::start() {
  impl_->home.start();
  impl_->browser.start();
  impl_->screen.spawn(impl_->learn_name());
}

net::Task<std::string> App::receive(slack::Delivery delivery) {
  switch (delivery.kind) {
    case slack::DeliveryKind::event:
      co_await impl_->event(std::move(delivery.payload));
      break;
    case slack::DeliveryKind::actions:
      co_await impl_->clicked(std::move(delivery.payload));
      break;
    case slack::DeliveryKind::submission:
      co_return co_await impl_->submitted(std::move(delivery.payload));
    case slack::DeliveryKind::suggestion:
      co_return co_await impl_->suggest(std::move(delivery.payload));
    case slack::DeliveryKind::command:
      co_return co_await impl_->command(std::move(delivery.payload));
    case slack::DeliveryKind::shortcut: {
      const auto root = delivery.payload.root();
      if (root["callback_id"].string_or("") == kNewRotation)
        co_await impl_->editor.open_new(UserId(root["user"]["id"].string_or("")),
                                        root["trigger_id"].string_or(""));
      break;
    }
    case slack::DeliveryKind::closed:
      break;
  }
  co_return std::string();
}

net::Task<net::ServerResponse> App::page(net::ServerRequest request) {
  return impl_->browser.page(std::move(request));
}

std::vector<std::string> App::posts() {
  return BrowserConnect::posts();
}

}  // namespace watchbill::slack_app
