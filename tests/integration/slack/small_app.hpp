#pragma once

#include "slack/transport/dispatcher.hpp"
#include "tests/integration/slack/workspace.hpp"

namespace watchbill::test {

/// The sandbox's Slack with ada and the channel #payments, and a small app that uses every way in and out:
/// its home tab opens a modal, the modal's form is refused once and then taken, its menu is searched, and a
/// command is answered.
struct SmallApp final : slack::Receiver {
  SmallApp() {
    w.populate();
    auto options = w.options();
    options.app_token = Secret("xapp-sandbox-app");
    client = std::make_unique<slack::WebClient>(w.http, w.limiter, options);
  }

  net::Task<std::string> receive(slack::Delivery delivery) override {
    kinds.push_back(delivery.kind);
    if (delay > 0ms) co_await net::sleep_for(w.loop, delay);
    const auto root = delivery.payload.root();
    switch (delivery.kind) {
      case slack::DeliveryKind::event: {
        const UserId user(root["event"]["user"].string_or(""));
        note(co_await client->publish_home(permit(slack::Method::views_publish), user, home()));
        co_return "";
      }
      case slack::DeliveryKind::actions: {
        const auto trigger = root["trigger_id"].string_or("");
        note(co_await client->open_view(permit(slack::Method::views_open), trigger, form()));
        co_return "";
      }
      case slack::DeliveryKind::suggestion:
        co_return R"({"options":[{"text":{"type":"plain_text","text":"Primary"},"value":"P1"}]})";
      case slack::DeliveryKind::submission: {
        const auto name = root["view"]["state"]["values"]["name"]["v"]["value"].string_or("");
        co_return name == "taken" ? R"({"response_action":"errors","errors":{"name":"taken"}})" : "";
      }
      case slack::DeliveryKind::command: {
        const auto url = root["response_url"].string_or("");
        if (root["text"].string_or("") == "later") {
          responded = (co_await client->respond(url, R"({"text":"later it is"})")).ok();
          co_return "";
        }
        co_return R"({"text":"ada is on call"})";
      }
      default:
        co_return "";
    }
  }

  static std::string home() {
    return R"({"type":"home","blocks":[{"type":"actions","block_id":"top","elements":[{"type":"button",)"
           R"("action_id":"new","text":{"type":"plain_text","text":"New"}}]}]})";
  }
  static std::string form() {
    return R"({"type":"modal","callback_id":"new","title":{"type":"plain_text","text":"New"},)"
           R"("submit":{"type":"plain_text","text":"Save"},"blocks":[)"
           R"({"type":"input","block_id":"name","label":{"type":"plain_text","text":"Name"},)"
           R"("element":{"type":"plain_text_input","action_id":"v"}},)"
           R"({"type":"input","block_id":"what","optional":true,"label":{"type":"plain_text","text":"What"},)"
           R"("element":{"type":"external_select","action_id":"v","min_query_length":0}}]})";
  }

  json::Document act(const std::string& action) {
    INFO(action);
    auto answer = w.run(w.sandbox->act(action));
    INFO((answer ? std::string() : answer.error().message));
    REQUIRE(answer);
    return json::parse(*answer).value();
  }
  json::Document command(const std::string& text = "me") {
    return act(R"({"do":"command","person":"ada","channel":"payments","seconds":1,"text":")" + text + "\"}");
  }
  /// Lets the loop run until `done`, or five seconds have passed.
  void until(const std::function<bool()>& done) {
    for (int turn = 0; turn < 500; ++turn) {
      if (done()) return;
      w.run(pause(w.loop));
    }
    FAIL("it did not happen");
  }

  SlackWorkspace w;
  std::unique_ptr<slack::WebClient> client;
  slack::Dispatcher dispatcher{w.loop, *this};
  milliseconds delay{0};
  std::vector<slack::DeliveryKind> kinds;
  std::vector<std::string> failures;  ///< of views
  bool responded = false;

 private:
  void note(const Result<slack::ViewRef>& result) {
    if (!result) failures.push_back(result.error().message);
  }
  static net::Task<void> pause(net::Loop& loop) { co_await net::sleep_for(loop, 10ms); }
};

/// Every kind of interaction, as a person makes them; the same over both transports.
inline void try_everything(SmallApp& app) {
  using slack::DeliveryKind;
  app.act(R"({"do":"open_home","person":"ada"})");
  app.until([&] { return !app.act(R"({"do":"home","person":"ada"})").root()["home"].is_null(); });

  const auto clicked =
      app.act(R"({"do":"act","person":"ada","view":"home","block_id":"top","action_id":"new"})");
  CHECK(clicked.root()["acked"].boolean_or(false));
  app.until([&] { return app.act(R"({"do":"modals","person":"ada"})").root()["modals"].size() == 1; });

  const auto found =
      app.act(R"({"do":"suggest","person":"ada","block_id":"what","action_id":"v","value":"p"})");
  CHECK(found.root()["options"].size() == 1);
  app.act(R"({"do":"fill","person":"ada","block_id":"name","action_id":"v","value":"taken"})");
  const auto refused = app.act(R"({"do":"submit","person":"ada"})");
  CHECK(refused.root()["result"].string_or("") == "errors");
  app.act(R"({"do":"fill","person":"ada","block_id":"name","action_id":"v","value":"free"})");
  const auto saved = app.act(R"({"do":"submit","person":"ada"})");
  CHECK(saved.root()["result"].string_or("") == "closed");

  CHECK((*app.command().root()["messages"].items().begin())["text"].string_or("") == "ada is on call");
  CHECK((*app.command("later").root()["messages"].items().begin())["text"].string_or("") == "later it is");
  CHECK(app.responded);
  CHECK(app.failures.empty());
  CHECK(app.kinds == std::vector{DeliveryKind::event, DeliveryKind::actions, DeliveryKind::suggestion,
                                 DeliveryKind::submission, DeliveryKind::submission, DeliveryKind::command,
                                 DeliveryKind::command});
  CHECK(app.dispatcher.figures().failed == 0);
}

}  // namespace watchbill::test
