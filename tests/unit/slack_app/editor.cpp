#include "control/rotation_json.hpp"
#include "slack_app/rotations/rotation_form.hpp"
#include "tests/unit/slack_app/room.hpp"

using namespace watchbill;
using namespace watchbill::test;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

struct FormRoom : AppRoom {
  FormRoom() {
    world.slack.add_group("SFREE", "free-oncall", {});
    world.slack.add_group("SFULL", "full-oncall", {"UOTTO"});
    world.channels.add("CPAY", "payments");
  }
  void open_new(const std::string& user) {
    open_home(user);
    advance(5s);
    click_home(user, R"({"action_id":"rotation_new"})");
    advance(3s);
  }
  void open_edit(const std::string& user, const std::string& name) {
    open_home(user);
    advance(5s);
    click_home(user,
               R"({"action_id":"rotation_menu","selected_option":{"value":"edit:)" + number(name) + "\"}}");
    advance(3s);
  }
  int round() const {
    const auto document = json::parse(modal_json());
    return slack_app::form_state(document->root()["private_metadata"].string_or(""))->round;
  }
  /// What is typed: empty texts leave the field empty.
  std::string typed(const std::string& name, const std::string& group_value, const std::string& handle,
                    const std::vector<std::string>& schedules,
                    const std::vector<std::string>& channels = {}) const {
    const auto id = [&](const char* field) { return slack_app::field_id(field, round()); };
    json::Writer w;
    w.begin_object().key(id("name")).begin_object().key("typed").begin_object().field("value", name);
    w.end_object()
        .end_object()
        .key(id("group"))
        .begin_object()
        .key("typed")
        .begin_object()
        .key("selected_option");
    if (group_value.empty()) {
      w.null();
    } else {
      w.begin_object().field("value", group_value).key("text").begin_object();
      w.field("text", "@" + handle).end_object().end_object();
    }
    w.end_object().end_object().key(id("schedules")).begin_object().key("typed").begin_object();
    w.key("selected_options").begin_array();
    for (const auto& schedule : schedules)
      w.begin_object()
          .field("value", schedule)
          .key("text")
          .begin_object()
          .field("text", "x")
          .end_object()
          .end_object();
    w.end_array().end_object().end_object().key(id("channels")).begin_object().key("typed").begin_object();
    w.field("selected_conversations", channels).end_object().end_object();
    if (group_value == "new:") {
      w.key(id("handle"))
          .begin_object()
          .key("typed")
          .begin_object()
          .field("value", handle)
          .end_object()
          .end_object();
    }
    return w.end_object().take();
  }
};

std::string error_at(const std::string& ack, const std::string& block) {
  const auto document = json::parse(ack);
  if (!document || document->root()["response_action"].string_or("") != "errors") return "";
  return document->root()["errors"][block].string_or("");
}

}  // namespace

TEST_CASE("a rotation made in Slack belongs to who made it, and its group is made too") {
  FormRoom room;
  room.open_new("UEDITOR");
  CHECK(has(room.modal(), "Slack user group"));
  const auto answer =
      room.submit("UEDITOR", room.typed("Payments", "new:", "@pay-oncall", {"pd/PONE"}, {"CPAY"}));
  CHECK(answer.ack == R"({"response_action":"clear"})");
  const auto made = room.world.now("Payments");
  CHECK(made.handle == "pay-oncall");
  CHECK(made.managed_by == "slack");
  CHECK(made.owners == std::vector<std::string>{"UEDITOR"});
  CHECK(made.channels == std::vector<ChannelId>{ChannelId("CPAY")});
  CHECK(room.world.slack.groups.contains(made.group));
}

TEST_CASE("errors stand at their field") {
  FormRoom room;
  room.world.stored("Taken");
  room.open_new("UEDITOR");
  const auto at = [&](const std::string& values, const std::string& block) {
    return error_at(room.submit("UEDITOR", values).ack, block);
  };
  CHECK(has(at(room.typed("", "SFREE", "free-oncall", {"pd/PONE"}), "name~0"), "Give the rotation a name"));
  CHECK(has(at(room.typed("TAKEN", "SFREE", "free-oncall", {"pd/PONE"}), "name~0"),
            "Another rotation has this name"));
  CHECK(has(at(room.typed(std::string(81, 'x'), "SFREE", "free-oncall", {"pd/PONE"}), "name~0"), "80"));
  CHECK(has(at(room.typed("A", "", "", {"pd/PONE"}), "group~0"), "Choose the user group"));
  CHECK(has(at(room.typed("A", "new:", "Bad Handle", {"pd/PONE"}), "handle~0"), "Handle"));
  CHECK(has(at(room.typed("A", "new:", "free-oncall", {"pd/PONE"}), "handle~0"),
            "There is a group of this handle"));
  CHECK(has(at(room.typed("A", "SNONE", "none", {"pd/PONE"}), "group~0"), "no user group"));
  CHECK(has(at(room.typed("A", "SFREE", "free-oncall", {}), "schedules~0"), "at least one schedule"));
  CHECK(has(at(room.typed("A", "SFREE", "free-oncall", {"pd/PNOPE"}), "schedules~0"), "no such schedule"));
  CHECK(has(at(room.typed("A", "SFREE", "free-oncall", {"pd/PONE"}, {"CPRIVATE"}), "channels~0"),
            "/invite @watchbill"));
  CHECK_FALSE(room.world.store->rotations().find("A").ok());
}

TEST_CASE("whoever submits before the new group's handle can be typed is asked for it") {
  FormRoom room;
  room.open_new("UEDITOR");
  auto values = room.typed("Fast", "new:", "", {"pd/PONE"});
  const auto handle = values.find(",\"handle~0\"");
  REQUIRE(handle != std::string::npos);
  values = values.substr(0, handle) + "}";
  const auto answer = room.submit("UEDITOR", values);
  CHECK_FALSE(has(answer.ack, "\"errors\""));  // Slack refuses an error at a field that is not there
  room.obey(answer.ack);
  CHECK(has(room.modal(), "Handle of the new group"));
  CHECK(has(room.modal(), "Give the new group a handle."));
  CHECK(has(room.modal_json(), "\"initial_value\":\"Fast\""));
}

TEST_CASE("without a scheduling system there is no form that leads nowhere") {
  FormRoom room;
  good(room.world.store->connections().remove("pd", "cli:ada"));
  room.open_new("UEDITOR");
  CHECK(has(room.modal(), "No scheduling system is connected yet"));
  CHECK_FALSE(has(room.modal_json(), "\"submit\""));
}

TEST_CASE("who may not create is told so when he opens the form, and again when he submits a forged one") {
  FormRoom room;
  room.open_home("UREADER");
  room.advance(5s);
  room.click_home("UREADER", R"({"action_id":"rotation_new"})");
  room.advance(3s);
  CHECK(has(room.modal(), "You may not create rotations"));
  room.open_new("UEDITOR");
  const auto answer = room.submit("UREADER", room.typed("Forged", "SFREE", "free-oncall", {"pd/PONE"}));
  CHECK(has(answer.ack, "You may not create rotations"));
  CHECK(has(answer.ack, "Forged"));  // what was typed is not lost
  CHECK_FALSE(room.world.store->rotations().find("Forged").ok());
}

TEST_CASE("rights that were lost while the form was open count when it is saved") {
  FormRoom room;
  room.open_new("UEDITOR");
  room.world.slack.users.at(UserId("UEDITOR")).admin = false;
  room.advance(6min);
  const auto answer = room.submit("UEDITOR", room.typed("Late", "SFREE", "free-oncall", {"pd/PONE"}));
  CHECK(has(answer.ack, "You may not create rotations"));
  CHECK_FALSE(room.world.store->rotations().find("Late").ok());
}

TEST_CASE("taking over a group with other members takes an explicit yes, of the one who began it") {
  FormRoom room;
  room.open_new("UEDITOR");
  auto answer = room.submit("UEDITOR", room.typed("Payments", "SFULL", "full-oncall", {"pd/PONE"}));
  room.obey(answer.ack);
  CHECK(has(room.modal(), "*Goes:* <@UOTTO>"));
  CHECK(has(room.modal(), "*Comes:* <@UADA>"));
  CHECK_FALSE(room.world.store->rotations().find("Payments").ok());
  CHECK(has(room.submit("UOWNER", "{}").ack, "open for too long"));

  SECTION("back to the form, with everything that was typed") {
    const auto draft = json::parse(json::parse(room.modal_json())->root()["private_metadata"].string_or(""));
    const auto id = draft->root()["draft"].string_or("");
    room.click("UEDITOR", R"({"action_id":"form_back","value":")" + id + "\"}");
    room.advance(1s);
    CHECK(has(room.modal_json(), "\"name~1\""));
    CHECK(has(room.modal_json(), "Payments"));
    CHECK(has(room.modal_json(), "pd/PONE"));
  }
  SECTION("yes") {
    CHECK(room.submit("UEDITOR", "{}").ack == R"({"response_action":"clear"})");
    const auto made = room.world.now("Payments");
    const auto records = good(room.world.store->engine().records());
    REQUIRE(records.size() == 1);
    REQUIRE(records[0].former);
    CHECK(records[0].former->members == std::vector<UserId>{UserId("UOTTO")});
  }
}

TEST_CASE("whether members go is asked of those who are in the group now, not of some seconds ago") {
  FormRoom room;
  room.open_new("UEDITOR");
  const auto save = [&](const char* group, const char* handle) {
    room.obey(room.submit("UEDITOR", room.typed("Payments", group, handle, {"pd/PONE"})).ack);
    room.advance(6s);
  };
  SECTION("somebody joined while the form was open") {
    room.world.slack.groups.at(GroupId("SFREE")).members = {UserId("UOTTO")};
    save("SFREE", "free-oncall");
    CHECK(has(room.modal(), "*Goes:* <@UOTTO>"));
    CHECK(good(room.world.store->rotations().list()).empty());
  }
  SECTION("somebody left while the form was open") {
    room.world.slack.groups.at(GroupId("SFULL")).members.clear();
    save("SFULL", "full-oncall");
    CHECK_FALSE(has(room.modal(), "*Goes:*"));
    CHECK(good(room.world.store->rotations().list()).size() == 1);
  }
}

TEST_CASE("an edit overwrites nobody's change unseen, and goes on in the same form") {
  FormRoom room;
  room.world.slack.add_group("SPAYMENTS", "payments-oncall", {});
  auto stored = room.world.stored("payments");
  room.open_edit("UOWNER", "payments");
  const auto typed = [&](const std::string& name) {
    return room.typed(name, "SPAYMENTS", "payments-oncall", {"pd/PONE"});
  };
  stored.channels = {ChannelId("CPAY")};
  stored.paused = true;
  good(room.world.store->rotations().update(stored, "cli:bo"));
  room.obey(room.submit("UOWNER", typed("Renamed")).ack);
  CHECK(has(room.modal(), "Not saved yet"));
  CHECK(has(room.modal(), "bo on the host, <!date^"));
  CHECK(has(room.modal(), "paused and channels"));
  CHECK(has(room.modal(), "*Announce handoffs in* shows what the other change made of it"));
  CHECK_FALSE(has(room.modal(), "Both of you"));
  CHECK(has(room.modal_json(), "\"initial_value\":\"Renamed\""));
  CHECK(has(room.modal_json(), "\"initial_conversations\":[\"CPAY\"]"));
  CHECK(room.world.now("payments").channels == stored.channels);

  SECTION("the same form saves it then, on top of the other change") {
    const auto answer =
        room.submit("UOWNER", room.typed("Renamed", "SPAYMENTS", "payments-oncall", {"pd/PONE"}, {"CPAY"}));
    CHECK(answer.ack == R"({"response_action":"clear"})");
    const auto now = room.world.now("Renamed");
    CHECK(now.channels == stored.channels);
    CHECK(now.paused);
  }
  SECTION("what the other one changed can be changed again on purpose") {
    CHECK(room.submit("UOWNER", typed("Renamed")).ack == R"({"response_action":"clear"})");
    CHECK(room.world.now("Renamed").channels.empty());
  }
  SECTION("and a third change is told as well, field by field where both changed") {
    stored.name = "Billing";
    good(room.world.store->rotations().update(stored, "UEDITOR"));
    room.obey(room.submit("UOWNER", typed("Renamed")).ack);
    CHECK(has(room.modal(), "<@UEDITOR>, <!date^"));
    CHECK_FALSE(has(room.modal(), "bo on the host"));
    CHECK(has(room.modal(), "Both of you changed *Name*"));
    CHECK(has(room.modal(), "It is *Billing* now. Saving makes it what you typed below."));
    CHECK(room.world.now("Billing").channels == stored.channels);
    CHECK(room.submit("UOWNER", typed("Renamed")).ack == R"({"response_action":"clear"})");
    CHECK(room.world.now("Renamed").channels.empty());
  }
}

TEST_CASE("a change that comes while the form is being saved is not overwritten either") {
  FormRoom room;
  auto stored = room.world.stored("payments");
  room.world.slack.add_group(stored.group.value, "payments-oncall", {});
  room.open_edit("UEDITOR", "payments");
  room.advance(1min);
  room.world.slack.latency = 1s;
  const auto values = room.typed("payments", stored.group.value, "payments-oncall", {"pd/PTWO"});
  stored.mode = Mode::observe;
  room.world.loop.start_alarm(room.world.loop.now() + 500ms,
                              [&] { good(room.world.store->rotations().update(stored, "cli:bo")); });
  room.obey(room.submit("UEDITOR", values).ack);
  room.advance(5s);
  CHECK(has(room.modal(), "Not saved yet"));
  CHECK(has(room.modal(), "bo on the host, <!date^"));
  CHECK(room.world.now("payments").schedules == stored.schedules);
}

TEST_CASE("pressing Save twice saves once, and the second press is no conflict") {
  FormRoom room;
  room.world.slack.add_group("SPAYMENTS", "payments-oncall", {});
  room.world.stored("payments");
  room.open_edit("UOWNER", "payments");
  const auto values = room.typed("Renamed", "SPAYMENTS", "payments-oncall", {"pd/PONE"});
  CHECK(room.submit("UOWNER", values).ack == R"({"response_action":"clear"})");
  CHECK(room.submit("UOWNER", values).ack == R"({"response_action":"clear"})");
  room.world.now("Renamed");
}

TEST_CASE("what was typed for a rotation that was deleted meanwhile stays, and who deleted it is named") {
  FormRoom room;
  room.world.slack.add_group("SPAYMENTS", "payments-oncall", {});
  const auto stored = room.world.stored("payments");
  room.open_edit("UOWNER", "payments");
  good(room.world.store->rotations().remove(stored.id, "UEDITOR"));
  room.obey(room.submit("UOWNER", room.typed("Renamed", "SPAYMENTS", "payments-oncall", {"pd/PONE"})).ack);
  CHECK(has(room.modal(), "was deleted by <@UEDITOR>, <!date^"));
  CHECK(has(room.modal_json(), "\"initial_value\":\"Renamed\""));
}

TEST_CASE("an owner edits his rotation; another group he cannot give it, also not by forging") {
  FormRoom room;
  room.world.slack.add_group("SPAYMENTS", "payments-oncall", {});
  room.world.stored("payments");
  room.open_edit("UOWNER", "payments");
  CHECK(has(room.modal(), "only an editor may give a rotation another group"));
  auto answer = room.submit("UOWNER", room.typed("payments", "SFREE", "free-oncall", {"pd/PONE"}));
  CHECK(has(answer.ack, "You may not move a rotation to another group"));
  answer = room.submit("UOWNER", room.typed("Renamed", "SPAYMENTS", "payments-oncall", {"pd/PTWO"}));
  CHECK(answer.ack == R"({"response_action":"clear"})");
  CHECK(room.world.now("Renamed").schedules.front().ref.id == "PTWO");
}

TEST_CASE("what takes long is acknowledged in time and told later") {
  FormRoom room;
  room.open_new("UEDITOR");
  room.world.http.latency = 5s;
  const auto answer = room.submit("UEDITOR", room.typed("Slow", "SFREE", "free-oncall", {"pd/PONE"}));
  CHECK(answer.took <= 2100ms);
  CHECK(has(answer.ack, "Checking"));
  room.obey(answer.ack);
  room.advance(60s);
  CHECK(has(room.modal(), "*Slow* is saved"));
  CHECK(room.world.now("Slow").handle == "free-oncall");
}

TEST_CASE("an error that comes late brings the form back with what was typed and the error at its place") {
  FormRoom room;
  room.open_new("UEDITOR");
  room.world.http.latency = 5s;
  const auto answer = room.submit("UEDITOR", room.typed("Slow", "SFREE", "free-oncall", {"pd/PNOPE"}));
  room.obey(answer.ack);
  room.advance(60s);
  CHECK(has(room.modal(), "no such schedule"));
  CHECK(has(room.modal_json(), "\"name~1\""));
  CHECK(has(room.modal_json(), "\"initial_value\":\"Slow\""));
}

TEST_CASE("a form opens within a trigger's life whatever is slow") {
  FormRoom room;
  room.world.slack.add_user("UBOSS", "boss@example.com");
  room.world.slack.users.at(UserId("UBOSS")).admin = true;
  room.world.slack.latency = 1100ms;
  room.click_home("UBOSS", R"({"action_id":"rotation_new"})");
  room.advance(1s);
  CHECK(has(room.modal(), "One moment"));
  room.advance(10s);
  CHECK(has(room.modal(), "Slack user group"));
}

TEST_CASE("\"More\" and a new group's handle appear without losing what was typed") {
  FormRoom room;
  room.open_new("UEDITOR");
  const auto values = room.typed("Typed", "new:", "", {"pd/PONE"});
  room.click("UEDITOR", R"({"action_id":"typed","block_id":"group~0","selected_option":{"value":"new:"}})",
             room.typed("Typed", "new:wanted", "x", {"pd/PONE"}));
  room.advance(1s);
  CHECK(has(room.modal(), "Handle of the new group"));
  CHECK(has(room.modal_json(), "\"initial_value\":\"wanted\""));
  room.click("UEDITOR", R"({"action_id":"form_more"})", values);
  room.advance(1s);
  CHECK(has(room.modal(), "While nobody is on call"));
  CHECK(has(room.modal_json(), "\"initial_value\":\"Typed\""));
  CHECK(has(room.modal(), "<@UEDITOR>"));
}

TEST_CASE("the preview follows the typing, at most twice a second, and ends with what was typed last") {
  FormRoom room;
  room.open_new("UEDITOR");
  room.click("UEDITOR", R"({"action_id":"form_more"})", room.typed("P", "SFREE", "free-oncall", {"pd/PONE"}));
  room.advance(1s);
  const auto before = room.screens.modals.at(room.screens.last_modal).versions;
  std::string text;
  for (const char c : std::string("{{rotation}} is minded by {{incoming}}")) {
    text += c;
    json::Writer w;
    w.begin_object()
        .key("announce.template~0")
        .begin_object()
        .key("typed")
        .begin_object()
        .field("value", text);
    const auto values = w.end_object().end_object().end_object().take();
    room.click("UEDITOR", R"({"action_id":"typed","block_id":"announce.template~0"})", values);
    room.advance(50ms);
  }
  room.advance(2s);
  CHECK(has(room.modal(), "is minded by <@UEDITOR>"));
  CHECK(room.screens.modals.at(room.screens.last_modal).versions - before <= 7);
}

TEST_CASE("suggestions are for those who may save the form, and say what is taken") {
  FormRoom room;
  room.world.slack.add_group("SPAYMENTS", "payments-oncall", {});
  room.world.stored("payments");
  room.open_new("UEDITOR");
  CHECK(has(room.suggest("UEDITOR", "group~0", "@pay"), "@payments-oncall (taken by payments)"));
  CHECK(has(room.suggest("UEDITOR", "schedules~0", "prim"), "Payments primary"));
  CHECK(room.suggest("UEDITOR", "channels~0", "x") == R"({"options":[]})");
  CHECK(room.suggest("UOTTO", "schedules~0", "prim") == R"({"options":[]})");
  CHECK(room.suggest("UOTTO", "group~0", "@pay") == R"({"options":[]})");
  room.world.slack.users[UserId("UGUEST")] = {UserId("UGUEST"), "Gus", {}, false, false, true};
  CHECK(room.suggest("UGUEST", "schedules~0", "") == R"({"options":[]})");
}

TEST_CASE("deleting puts the former members back if that was chosen") {
  FormRoom room;
  room.open_new("UEDITOR");
  room.obey(room.submit("UEDITOR", room.typed("Payments", "SFULL", "full-oncall", {"pd/PONE"})).ack);
  room.obey(room.submit("UEDITOR", "{}").ack);
  room.world.slack.groups.at(GroupId("SFULL")).members = {UserId("UADA")};
  room.open_home("UEDITOR");
  room.advance(5s);
  room.click_home("UEDITOR", R"({"action_id":"rotation_menu","selected_option":{"value":"delete:)" +
                                 room.number("Payments") + "\"}}");
  room.advance(3s);
  CHECK(has(room.modal(), "<@UOTTO>"));
  const auto answer =
      room.submit("UEDITOR", R"({"restore":{"typed":{"selected_option":{"value":"restore"}}}})");
  room.obey(answer.ack);
  room.advance(10s);
  CHECK_FALSE(room.world.store->rotations().find("Payments").ok());
  CHECK(room.world.slack.members("SFULL") == std::vector<std::string>{"UOTTO"});
}
