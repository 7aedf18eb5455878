#include "tests/unit/slack_app/room.hpp"

#include "base/json.hpp"
#include "slack_app/home/home.hpp"
#include "tests/support/block_kit.hpp"

namespace watchbill::test {

void FakeScreens::check(const std::string& view) {
  CHECK(view_problems(view) == std::vector<std::string>{});
  sent.push_back(view);
}

net::Task<Result<slack::ViewRef>> FakeScreens::open_view(slack::Permit permit, std::string trigger,
                                                         std::string view) {
  CHECK(permit.method() == slack::Method::views_open);
  check(view);
  co_await net::sleep_for(loop_, latency);
  const auto known = triggers.find(trigger);
  if (known == triggers.end() || loop_.now() - known->second > 3s)
    co_return Error{ErrorKind::invalid, "the trigger is too old", "expired_trigger_id"};
  triggers.erase(known);
  last_modal = "V" + std::to_string(++number_);
  modals[last_modal] = {view, "h1", 1, loop_.now()};
  co_return slack::ViewRef{last_modal, "h1"};
}

net::Task<Result<slack::ViewRef>> FakeScreens::push_view(slack::Permit, std::string, std::string) {
  co_return fail(ErrorKind::internal, "the app pushes nothing");
}

net::Task<Result<slack::ViewRef>> FakeScreens::update_view(slack::Permit permit, std::string id,
                                                           std::string view, std::string hash) {
  CHECK(permit.method() == slack::Method::views_update);
  check(view);
  co_await net::sleep_for(loop_, latency);
  const auto known = modals.find(id);
  if (known == modals.end()) co_return Error{ErrorKind::not_found, "no such view", "not_found"};
  auto& shown = known->second;
  if (!hash.empty() && hash != shown.hash) co_return Error{ErrorKind::conflict, "changed", "hash_conflict"};
  ++shown.versions;
  shown = {view, "h" + std::to_string(shown.versions), shown.versions, loop_.now()};
  co_return slack::ViewRef{id, shown.hash};
}

net::Task<Result<slack::ViewRef>> FakeScreens::publish_home(slack::Permit permit, UserId user,
                                                            std::string view) {
  CHECK(permit.method() == slack::Method::views_publish);
  check(view);
  co_await net::sleep_for(loop_, latency);
  auto& shown = homes[user];
  shown = {view, "h", shown.versions + 1, loop_.now()};
  co_return slack::ViewRef{"VHOME", "h"};
}

net::Task<Result<void>> FakeScreens::respond(std::string url, std::string message) {
  responses[url] = std::move(message);
  co_return Result<void>{};
}

net::Task<Result<slack::Identity>> FakeScreens::auth_test(slack::Permit) {
  slack::Identity identity;
  identity.user = "watchbill";
  co_return identity;
}

AppRoom::AppRoom()
    : requests_({world.loop, {*world.store, executor_}, journal_, world.slack, *world.limiter},
                []() -> net::Task<bool> { co_return true; }) {
  auto lease = store::HostLease::begin(*world.store);
  REQUIRE(lease);
  const auto from = engine::read_journal_start(*world.store);
  REQUIRE(from);
  journal_.start(*lease, *from);
  world.connection();
  world.slack.users.at(UserId("UEDITOR")).admin = true;
  restart();
}

void AppRoom::restart() {
  tasks_ = std::make_unique<net::TaskScope>();
  app.reset();
  app = std::make_unique<slack_app::App>(slack_app::AppPorts{
      world.loop,
      {*world.store, world.executor},
      world.http,
      world.slack,
      world.slack,
      world.channels,
      screens,
      screens,
      *world.limiter,
      world.config,
      [this](RotationId id) -> std::optional<engine::WriteForecast> {
        const auto found = forecasts.find(id);
        return found == forecasts.end() ? std::nullopt : std::optional(found->second);
      },
      [this] {
        ++noticed;
        // As the engine does: not from within the call.
        world.loop.post([this] { requests_.take(good(world.store->requests().open_requests())); });
      }});
  app->start();
  world.loop.run_until_idle();
}

std::string AppRoom::trigger() {
  auto id = "T" + std::to_string(++triggers_);
  screens.triggers[id] = world.loop.now();
  return id;
}

std::string AppRoom::payload(const std::string& type, const std::string& user, const std::string& view_type,
                             const std::string& view, const std::string& values, const std::string& actions) {
  const auto document = json::parse(view.empty() ? "{}" : view);
  REQUIRE(document);
  const auto root = document->root();
  json::Writer w;
  w.begin_object().field("type", type).key("user").begin_object().field("id", user).end_object();
  w.field("trigger_id", trigger()).key("view").begin_object();
  const bool home = view_type == "home";
  w.field("id", home ? "VHOME" : screens.last_modal).field("type", view_type);
  w.field("hash", home ? "h" : screens.modals[screens.last_modal].hash);
  w.field("callback_id", root["callback_id"].string_or(""));
  w.field("private_metadata", root["private_metadata"].string_or(""));
  w.key("state").begin_object().key("values").raw(values).end_object().end_object();
  w.key("actions").raw(actions).end_object();
  return w.take();
}

void AppRoom::deliver(slack::DeliveryKind kind, const std::string& payload) {
  auto document = json::parse(payload);
  REQUIRE(document);
  struct Run {
    static net::Task<void> receive(slack_app::App& app, slack::Delivery delivery) {
      CHECK((co_await app.receive(std::move(delivery))).empty());
    }
  };
  tasks_->spawn(Run::receive(*app, slack::Delivery{kind, *std::move(document)}));
  world.loop.run_until_idle();
}

void AppRoom::open_home(const std::string& user) {
  deliver(
      slack::DeliveryKind::event,
      R"({"type":"event_callback","event":{"type":"app_home_opened","tab":"home","user":")" + user + "\"}}");
}

void AppRoom::click_home(const std::string& user, const std::string& action_json) {
  deliver(slack::DeliveryKind::actions,
          payload("block_actions", user, "home", screens.homes[UserId(user)].json, "{}",
                  "[" + action_json + "]"));
}

void AppRoom::click(const std::string& user, const std::string& action_json, const std::string& values) {
  deliver(slack::DeliveryKind::actions,
          payload("block_actions", user, "modal", modal_json(), values, "[" + action_json + "]"));
}

net::Task<AppRoom::Answer> AppRoom::answered(std::string payload) {
  auto document = json::parse(payload);
  REQUIRE(document);
  const auto began = world.loop.now();
  slack::Delivery delivery{slack::DeliveryKind::submission, *std::move(document)};
  Answer answer;
  answer.ack = co_await app->receive(std::move(delivery));
  answer.took = world.loop.now() - began;
  co_return answer;
}

AppRoom::Answer AppRoom::submit(const std::string& user, const std::string& values) {
  return world.run(answered(payload("view_submission", user, "modal", modal_json(), values, "[]")));
}

std::vector<AppRoom::Answer> AppRoom::submit_twice(const std::string& user, const std::string& values) {
  std::vector<net::Task<Answer>> both;
  for (int i = 0; i < 2; ++i)
    both.push_back(answered(payload("view_submission", user, "modal", modal_json(), values, "[]")));
  return world.run(net::all(world.loop, std::move(both)));
}

std::string AppRoom::command_ack(const std::string& user, const std::string& text,
                                 const std::string& channel) {
  json::Writer w;
  w.begin_object().field("user_id", user).field("channel_id", channel).field("text", text);
  w.field("command", "/oncall").field("response_url", "https://hooks.slack.com/" + user).end_object();
  auto document = json::parse(w.take());
  slack::Delivery delivery{slack::DeliveryKind::command, *std::move(document)};
  return world.run(app->receive(std::move(delivery)));
}

std::string AppRoom::command(const std::string& user, const std::string& text, const std::string& channel) {
  const auto answer = json::parse(command_ack(user, text, channel));
  REQUIRE(answer);
  CHECK(answer->root()["response_type"].string_or("") == "ephemeral");
  return answer->root()["text"].string_or("");
}

std::string AppRoom::suggest(const std::string& user, const std::string& block, const std::string& query) {
  json::Writer w;
  w.begin_object().key("user").begin_object().field("id", user).end_object();
  w.field("block_id", block).field("action_id", "typed").field("value", query).key("view").begin_object();
  const auto document_now = json::parse(modal_json().empty() ? "{}" : modal_json());
  w.field("private_metadata", document_now->root()["private_metadata"].string_or(""))
      .end_object()
      .end_object();
  auto document = json::parse(w.take());
  slack::Delivery delivery{slack::DeliveryKind::suggestion, *std::move(document)};
  auto answer = world.run(app->receive(std::move(delivery)));
  CHECK(suggestion_problems(answer) == std::vector<std::string>{});
  return answer;
}

void AppRoom::obey(const std::string& ack) {
  if (ack.empty()) return;
  const auto document = json::parse(ack);
  REQUIRE(document);
  const auto root = document->root();
  const auto what = root["response_action"].string_or("");
  if (what == "clear") {
    screens.modals.erase(screens.last_modal);
  } else if (what == "update") {
    const auto view = root["view"].dump();
    CHECK(view_problems(view) == std::vector<std::string>{});
    screens.sent.push_back(view);
    auto& shown = screens.modals[screens.last_modal];
    shown.json = view;
    shown.hash = "h" + std::to_string(++shown.versions);
  }
}

std::string AppRoom::home(const std::string& user) const {
  const auto found = screens.homes.find(UserId(user));
  return found == screens.homes.end() ? "" : view_texts(found->second.json);
}

std::string AppRoom::modal_json() const {
  const auto found = screens.modals.find(screens.last_modal);
  return found == screens.modals.end() ? "" : found->second.json;
}

std::string AppRoom::modal() const {
  return view_texts(modal_json());
}

net::ServerResponse AppRoom::page(const std::string& method, const std::string& url,
                                  const std::string& cookie, const std::string& body) {
  net::ServerRequest request;
  request.method = method;
  const auto question = url.find('?');
  request.path = url.substr(0, question);
  if (question != std::string::npos) request.query = net::decode_form(url.substr(question + 1));
  if (!cookie.empty()) request.headers.emplace_back("Cookie", cookie);
  request.body = body;
  return world.run(app->page(std::move(request)));
}

}  // namespace watchbill::test
