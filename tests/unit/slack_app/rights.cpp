#include "control/rotation_json.hpp"
#include "slack_app/rotations/rotation_form.hpp"
#include "tests/unit/slack_app/room.hpp"

using namespace watchbill;
using namespace watchbill::test;

/// Every way into the app, forged by everybody: what `may` refuses does nothing and shows nothing.
namespace {

constexpr const char* kMarker = "MARKER-of-a-setting";

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

struct RightsRoom : AppRoom {
  RightsRoom() {
    world.slack.add_user("UGUEST", "guest@example.com");
    world.slack.add_group("SPAYMENTS", "payments-oncall", {"UOTTO"});
    world.slack.add_group("SFULL", "full-oncall", {"UOTTO"});
    auto rotation = world.stored("payments");
    rotation.announce.text_template = kMarker;
    good(world.store->rotations().update(rotation, "cli:ada"));
    good(world.store->people().replace_unmatched({{Responder{"pd", "PZOE", "Zoe Secretname", std::nullopt},
                                                   "no Slack account has this address", world.loop.now()}}));
  }

  /// Rights as the test wants them: known to the app, whatever they were before. What the app remembers is
  /// gone, unless it is to be kept until it looks again.
  void make(const std::string& user, bool admin, bool guest, bool keep_memory) {
    auto& known = world.slack.users.at(UserId(user));
    known.admin = admin;
    known.guest = guest;
    if (keep_memory)
      advance(6min);
    else
      restart();
    open_home(user);
    advance(3s);
  }
  void open_form(const std::string& user, const std::string& action) {
    open_home(user);
    advance(5s);
    click_home(user, action);
    advance(3s);
    REQUIRE(!modal_json().empty());
  }
  void open_edit(const std::string& user) { open_form(user, menu("edit")); }
  std::string menu(const std::string& verb) {
    return R"({"action_id":"rotation_menu","selected_option":{"value":")" + verb + ":" + number("payments") +
           "\"}}";
  }
  /// All that can be changed here.
  std::string everything() {
    std::string all;
    for (const auto& rotation : good(world.store->rotations().list()))
      all += control::version_of(rotation) + "\n";
    for (const auto& connection : good(world.store->connections().list())) all += connection.name + "\n";
    for (const auto& mapping : good(world.store->people().mappings())) all += mapping.person + "\n";
    for (const auto& [id, group] : world.slack.groups) {
      all += id.value + (group.disabled ? " off" : "");
      for (const auto& member : group.members) all += " " + member.value;
      all += "\n";
    }
    return all;
  }
  std::string typed(const std::string& name) const {
    const auto document = json::parse(modal_json());
    const auto state = slack_app::form_state(document->root()["private_metadata"].string_or(""));
    const auto id = [&](const char* field) { return slack_app::field_id(field, state ? state->round : 0); };
    json::Writer w;
    w.begin_object().key(id("name")).begin_object().key("typed").begin_object().field("value", name);
    w.end_object().end_object().key(id("group")).begin_object().key("typed").begin_object();
    const bool stays = state && state->rotation;
    w.key("selected_option").begin_object().field("value", stays ? "SPAYMENTS" : "SFULL").key("text");
    w.begin_object()
        .field("text", stays ? "@payments-oncall" : "@full-oncall")
        .end_object()
        .end_object()
        .end_object()
        .end_object();
    w.key(id("schedules")).begin_object().key("typed").begin_object().key("selected_options").begin_array();
    w.begin_object().field("value", "pd/PONE").key("text").begin_object().field("text", "x").end_object();
    w.end_object().end_array().end_object().end_object();
    return w.end_object().take();
  }
};

struct Way {
  const char* name;
  Action action;
  bool of_rotation;  ///< of "payments", which UOWNER owns; else of none
  /// What somebody with all rights does first, to have a form open; may be empty.
  std::function<void(RightsRoom&, const std::string& user)> prepare;
  /// The forged request; what was answered directly.
  std::function<std::string(RightsRoom&, const std::string& user)> forge;
  /// It needs what the app remembers of the form.
  bool remembered = false;
};

Way on_home(const char* name, Action action, bool of_rotation, const std::string& json) {
  return {name, action, of_rotation, {}, [json](RightsRoom& room, const std::string& user) {
            room.click_home(user, json);
            return std::string();
          }};
}

Way in_menu(const char* verb, Action action) {
  return {verb, action, true, {}, [verb](RightsRoom& room, const std::string& user) {
            room.click_home(user, room.menu(verb));
            return std::string();
          }};
}

Way in_form(const char* name, Action action, bool of_rotation,
            std::function<void(RightsRoom&, const std::string&)> prepare, const std::string& json) {
  return {name, action, of_rotation, std::move(prepare), [json](RightsRoom& room, const std::string& user) {
            room.click(user, json, room.typed("Forged"));
            return std::string();
          }};
}

Way submitting(const char* name, Action action, bool of_rotation,
               std::function<void(RightsRoom&, const std::string&)> prepare, std::string values = "") {
  return {name, action, of_rotation, std::move(prepare), [values](RightsRoom& room, const std::string& user) {
            return room.submit(user, values.empty() ? room.typed("Forged") : values).ack;
          }};
}

Way suggesting(const char* name, Action action, bool of_rotation,
               std::function<void(RightsRoom&, const std::string&)> prepare, const char* field) {
  return {name, action, of_rotation, std::move(prepare), [field](RightsRoom& room, const std::string& user) {
            const auto answer = room.suggest(user, field, "");
            return answer == R"({"options":[]})" ? std::string() : answer;
          }};
}

std::vector<Way> all_ways() {
  const auto opens = [](std::string json) {
    return [json](RightsRoom& room, const std::string& user) { room.open_form(user, json); };
  };
  const auto edits = [](RightsRoom& room, const std::string& user) { room.open_edit(user); };
  const auto creates = opens(R"({"action_id":"rotation_new"})");
  const auto more = R"({"action_id":"form_more","block_id":"more","value":"more"})";
  const auto with_more = [edits, more](RightsRoom& room, const std::string& user) {
    edits(room, user);
    room.click(user, more, room.typed("payments"));
    room.advance(1s);
  };
  const auto adopts = [creates](RightsRoom& room, const std::string& user) {
    creates(room, user);
    room.obey(room.submit(user, room.typed("Taken over")).ack);
    room.advance(6s);
    REQUIRE(has(room.modal(), "*Goes:* <@UOTTO>"));
  };
  const auto connects = opens(R"({"action_id":"connect:opsgenie","value":"opsgenie"})");
  const auto person = R"({"action_id":"person_fix","value":"pd/PZOE"})";
  auto adoption = submitting("adoption", Action::create, false, adopts, "{}");
  adoption.remembered = true;
  return {
      std::move(adoption),
      on_home("rotation_new", Action::create, false, R"({"action_id":"rotation_new"})"),
      in_menu("edit", Action::edit),
      in_menu("delete", Action::remove),
      in_menu("sync", Action::sync),
      in_menu("pause", Action::pause),
      in_menu("resume", Action::pause),
      in_menu("history", Action::view),
      on_home("connect", Action::connect, false, R"({"action_id":"connect:opsgenie","value":"opsgenie"})"),
      on_home("system update", Action::connect, false,
              R"({"action_id":"system_menu","selected_option":{"value":"update:pd"}})"),
      on_home("system test", Action::connect, false,
              R"({"action_id":"system_menu","selected_option":{"value":"test:pd"}})"),
      on_home("system remove", Action::connect, false,
              R"({"action_id":"system_menu","selected_option":{"value":"remove:pd"}})"),
      on_home("system_fix", Action::connect, false, R"({"action_id":"system_fix","value":"pd"})"),
      on_home("person_fix", Action::map_person, false, person),
      on_home("account_look", Action::connect, false, R"({"action_id":"account_look","value":"pd"})"),
      in_form("form_more", Action::edit, true, edits, more),
      in_form("form_more of a new one", Action::create, false, creates, more),
      in_form("touched", Action::create, false, creates,
              R"({"action_id":"typed","block_id":"group~0","selected_option":{"value":"new:"}})"),
      in_form("preview", Action::edit, true, with_more,
              R"({"action_id":"typed","block_id":"text~0","value":"x"})"),
      {"form_back", Action::create, false, adopts,
       [](RightsRoom& room, const std::string& user) {
         const auto view = json::parse(room.modal_json());
         const auto draft = json::parse(view->root()["private_metadata"].string_or(""));
         room.click(user,
                    R"({"action_id":"form_back","value":")" + draft->root()["draft"].string_or("") + "\"}");
         return std::string();
       },
       true},
      in_form("way", Action::connect, false,
              opens(R"({"action_id":"connect:pagerduty","value":"pagerduty"})"),
              R"({"action_id":"way","block_id":"ways","selected_option":{"value":"api_key"}})"),
      in_form("account_confirm", Action::connect, false, connects,
              R"({"action_id":"account_confirm","value":"pd"})"),
      in_form("account_refuse", Action::connect, false, connects,
              R"({"action_id":"account_refuse","value":"pd"})"),
      in_form("person_back", Action::map_person, false, opens(person),
              R"({"action_id":"person_back","value":"pd/PZOE"})"),
      suggesting("schedules of a new one", Action::create, false, creates, "schedules~0"),
      suggesting("groups of a new one", Action::create, false, creates, "group~0"),
      suggesting("schedules of an edited one", Action::edit, true, edits, "schedules~0"),
      suggesting("groups of an edited one", Action::edit, true, edits, "group~0"),
      submitting("new rotation", Action::create, false, creates),
      submitting("edited rotation", Action::edit, true, edits),
      submitting(
          "deletion", Action::remove, true,
          [](RightsRoom& room, const std::string& user) { room.open_form(user, room.menu("delete")); }, "{}"),
      submitting(
          "connection", Action::connect, false, connects,
          R"({"connection~0":{"typed":{"value":"forged"}},"api-key-file~0":{"typed":{"value":"k-k-k-k"}},)"
          R"("region~0":{"typed":{"selected_option":{"value":"us"}}}})"),
      submitting("disconnection", Action::connect, false,
                 opens(R"({"action_id":"system_menu","selected_option":{"value":"remove:pd"}})"), "{}"),
      submitting("person", Action::map_person, false, opens(person),
                 R"({"person":{"typed":{"selected_user":"UBO"}}})"),
      {"command history",
       Action::view,
       false,
       {},
       [](RightsRoom& room, const std::string& user) { return room.command(user, "history payments"); }},
      {"command who",
       Action::see_on_call,
       false,
       {},
       [](RightsRoom& room, const std::string& user) { return room.command(user, "who payments"); }},
      {"command me",
       Action::see_on_call,
       false,
       {},
       [](RightsRoom& room, const std::string& user) { return room.command(user, "me"); }},
  };
}

struct Actor {
  const char* user;
  bool admin;
  bool guest;
};
constexpr Actor kActors[] = {
    {"UEDITOR", true, false}, {"UOWNER", false, false}, {"UREADER", false, false}, {"UGUEST", false, true}};

bool refuses(const std::string& text) {
  return has(text, "You may not") || has(text, "Guests can see");
}

void forge(const Way& way, const Actor& actor) {
  INFO(way.name << " by " << actor.user);
  RightsRoom room;
  if (way.prepare) {
    room.make(actor.user, true, false, false);
    way.prepare(room, actor.user);
  }
  room.make(actor.user, actor.admin, actor.guest, way.remembered);

  const SlackUser user{UserId(actor.user), actor.admin, actor.guest};
  const auto payments = room.world.now("payments");
  const Object object{way.of_rotation ? &payments : nullptr, {}};
  const bool allowed = may(user, way.action, object, room.world.config.permissions()).ok();

  const auto before = room.everything();
  const auto asked = room.world.pagerduty.asked;
  const auto shown = room.screens.sent.size();
  auto answer = way.forge(room, actor.user);
  room.advance(3s);
  for (std::size_t i = shown; i < room.screens.sent.size(); ++i) {
    // Home tabs are made for their readers: their own tests hold those against `may`.
    if (!has(room.screens.sent[i], R"("type":"home")")) answer += room.screens.sent[i];
  }
  if (allowed) {
    CHECK_FALSE(refuses(answer));
    return;
  }
  INFO(answer);
  CHECK((answer.empty() || refuses(answer)));
  CHECK_FALSE(has(answer, kMarker));
  CHECK_FALSE(has(answer, "Zoe Secretname"));
  CHECK(room.everything() == before);
  CHECK(room.world.pagerduty.asked == asked);
}

}  // namespace

TEST_CASE("whatever anybody forges does what `may` allows them, and shows no more") {
  for (const auto& way : all_ways()) {
    for (const auto& actor : kActors) forge(way, actor);
  }
}
