#include "slack_app/dialogs.hpp"

#include "base/json.hpp"
#include "slack_app/rotations/rotation_form.hpp"
#include "slack_app/systems/connect_form.hpp"
#include "tests/support/block_kit.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/slack_app/samples.hpp"

namespace watchbill::slack_app {

namespace {

using Problems = std::vector<std::string>;

std::vector<UserId> many_users(int count) {
  std::vector<UserId> out;
  for (int i = 0; i < count; ++i) out.emplace_back(fmt::format("U{:08}", i));
  return out;
}

RotationForm full_form(const SampleNames& names, int count) {
  RotationForm form;
  form.name = names.rotation;
  form.group = GroupField{false, GroupId("S1"), "payments-oncall"};
  for (int i = 0; i < count; ++i) {
    form.schedules.push_back({{"pd", fmt::format("PS{}", i)}, names.schedule});
    form.channels.emplace_back(fmt::format("C{:08}", i));
  }
  form.permanent_members = form.fallback_members = many_users(count);
  form.own_text = names.person;
  return form;
}

/// What Slack sends for a form in which everything is typed.
constexpr const char* kTypedValues = R"({
 "name~0": {"typed": {"type": "plain_text_input", "value": "  Payments "}},
 "group~0": {"typed": {"type": "external_select", "selected_option": {"text": {"type": "plain_text", "text": "@payments"}, "value": "S7"}}},
 "schedules~0": {"typed": {"type": "multi_external_select", "selected_options": [
   {"text": {"type": "plain_text", "text": "Primary"}, "value": "pd/PS1"},
   {"text": {"type": "plain_text", "text": "Second"}, "value": "og/77f1"}]}},
 "channels~0": {"typed": {"type": "multi_conversations_select", "selected_conversations": ["C1", "C2"]}},
 "permanent_members~0": {"typed": {"type": "multi_users_select", "selected_users": ["U1"]}},
 "empty~0": {"typed": {"type": "radio_buttons", "selected_option": {"value": "fallback"}}},
 "fallback_members~0": {"typed": {"type": "multi_users_select", "selected_users": ["U2", "U2"]}},
 "announce~0": {"typed": {"type": "checkboxes", "selected_options": []}},
 "mention~0": {"typed": {"type": "static_select", "selected_option": {"value": "none"}}},
 "announce.template~0": {"typed": {"type": "plain_text_input", "value": "{{incoming}}"}}})";

}  // namespace

TEST_CASE("the form of a rotation is what Slack takes, whatever stands in it") {
  for (const auto& names : sample_names()) {
    for (const int count : {0, 1, 100}) {
      for (const bool more : {false, true}) {
        RotationFormModel model;
        model.form = full_form(names, count);
        model.state.more = more;
        model.preview = "*x* goes on call";
        model.errors = {{"", "a thing"}, {"name", "is taken"}, {"group", "is taken"}};
        CHECK(test::view_problems(rotation_form_view(model)) == Problems{});
        model.state.rotation = RotationId{7};
        model.state.choose_group = false;
        CHECK(test::view_problems(rotation_form_view(model)) == Problems{});
        model.state.choose_group = true;
        model.form.group = GroupField{true, {}, "new-group"};
        model.text_too_long = true;
        CHECK(test::view_problems(rotation_form_view(model)) == Problems{});
      }
    }
  }
  CHECK(test::view_problems(rotation_form_view({})) == Problems{});
}

TEST_CASE("what is typed into the form comes out of it, and becomes a rotation") {
  const auto values = json::parse(kTypedValues);
  const auto form = typed_form(values->root(), {});
  CHECK(form.name == "Payments");
  CHECK(form.group == GroupField{false, GroupId("S7"), "payments"});
  CHECK(form.schedules ==
        std::vector<ScheduleChoice>{{{"pd", "PS1"}, "Primary"}, {{"og", "77f1"}, "Second"}});
  const auto rotation = rotation_of(form, {});
  CHECK(rotation.group == GroupId("S7"));
  CHECK(rotation.handle == "payments");
  CHECK(rotation.channels == std::vector<ChannelId>{ChannelId("C1"), ChannelId("C2")});
  CHECK(rotation.permanent_members == std::vector<UserId>{UserId("U1")});
  CHECK(rotation.empty == Empty::fallback);
  CHECK(rotation.fallback_members == std::vector<UserId>{UserId("U2")});
  CHECK_FALSE(rotation.announce.enabled);
  CHECK(rotation.announce.mention == Mention::none);
  CHECK(rotation.announce.text_template == "{{incoming}}");
}

TEST_CASE("fields that the form does not show stay as they are") {
  Rotation stored;
  stored.name = "Payments";
  stored.group = GroupId("S1");
  stored.handle = "payments";
  stored.schedules = {{{"pd", "PS1"}, "first", true}, {{"pd", "PS2"}, "second", false}};
  stored.permanent_members = {UserId("U1")};
  stored.empty = Empty::disable;
  stored.announce.text_template = "{{rotation}}";
  stored.membership = Membership::merge;
  stored.owners = {"U9"};
  const auto values = json::parse(
      R"({"name~3": {"typed": {"value": "Pay"}}, "schedules~3": {"typed": {"selected_options": [
        {"text": {"text": "x"}, "value": "pd/PS2"}, {"text": {"text": "y"}, "value": "pd/PS3"}]}}})");
  const auto after = rotation_of(typed_form(values->root(), form_of(stored, {})), stored);
  auto expected = stored;
  expected.name = "Pay";
  expected.schedules = {{{"pd", "PS2"}, "second", false}, {{"pd", "PS3"}, "", false}};
  CHECK(after == expected);
}

TEST_CASE("a group can be made from the form: by choosing it, and by typing its handle") {
  const auto chosen = json::parse(
      R"({"group~0": {"typed": {"selected_option": {"text": {"text": "Create a new group @pay"}, "value": "new:pay"}}}})");
  CHECK(typed_form(chosen->root(), {}).group == GroupField{true, {}, "pay"});
  const auto typed = json::parse(
      R"({"group~0": {"typed": {"selected_option": {"text": {"text": "Create a new group"}, "value": "new:"}}},
          "handle~0": {"typed": {"value": " @pay-oncall"}}})");
  CHECK(typed_form(typed->root(), {}).group == GroupField{true, {}, "pay-oncall"});
  CHECK_FALSE(
      typed_form(json::parse(R"({"group~0": {"typed": {"selected_option": null}}})")->root(), {}).group);
}

TEST_CASE("a form survives its way through Slack") {
  FormState state{RotationId{12},         "0011223344556677",      true, false, 3,
                  {{"name", "0a0b0c0d"}}, Instant(1800000000123ms)};
  CHECK(form_state(metadata_of(state)) == state);
  CHECK(form_state(metadata_of(FormState{})) == FormState{});
  CHECK_FALSE(form_state("nonsense"));
  CHECK(field_of(field_id("announce.template", 3)) == "announce.template");
  // Built anew it shows what was typed, also where Slack keeps what it has under the same id.
  RotationFormModel model;
  const auto first = rotation_form_view(model);
  model.state.round = 1;
  CHECK(first.find("\"name~0\"") != std::string::npos);
  CHECK(rotation_form_view(model).find("\"name~1\"") != std::string::npos);
}

TEST_CASE("whatever a submission holds, reading it takes no harm") {
  for (const auto* odd :
       {"null", "[]", "{}", R"({"name~0": 7})", R"({"name~0": {"typed": {"value": 7}}})",
        R"({"group~0": {"typed": {"selected_option": {"value": ["x"]}}}})",
        R"({"schedules~0": {"typed": {"selected_options": [{"value": "no-slash"}, 7, null]}}})",
        R"({"channels~0": {"typed": {"selected_conversations": [{}, 1, ""]}}})",
        R"({"empty~0": {"typed": {"selected_option": {"value": "explode"}}}})"}) {
    const auto values = json::parse(odd);
    const auto form = typed_form(values->root(), {});
    CHECK(form.schedules.empty());
    CHECK(form.channels.empty());
    CHECK(form.empty == Empty::keep);
  }
}

TEST_CASE("every dialog is what Slack takes, with any names") {
  for (const auto& names : sample_names()) {
    const std::vector<std::string> people(200, "<@U00000001>");
    CHECK(test::view_problems(adoption_modal(
              {"7", names.rotation, "<!subteam^S1>", people, people, "", "<@U1>", {"<#C1>", "<#C2>"}})) ==
          Problems{});
    AdoptionModel resuming{"", names.rotation, "<!subteam^S1>", people};
    resuming.first = false;
    resuming.resumes = RotationId{7};
    CHECK(test::view_problems(adoption_modal(resuming)) == Problems{});
    CHECK(test::view_problems(adoption_modal(
              {"7", names.rotation, "<!subteam^S1>", {}, {}, names.person, "", {}})) == Problems{});
    const auto at = std::optional(Instant(1'800'000'000s));
    CHECK(test::view_problems(delete_modal(
              {RotationId{1}, names.rotation, "<!subteam^S1>", people, false, at})) == Problems{});
    CHECK(test::view_problems(
              delete_modal({RotationId{1}, names.rotation, "`x`", std::nullopt, false, {}})) == Problems{});
    CHECK(test::view_problems(disconnect_modal({"pd", "PagerDuty", {}})) == Problems{});
    CHECK(test::view_problems(disconnect_modal(
              {"pd", "PagerDuty", std::vector<std::string>(50, names.rotation)})) == Problems{});
    CHECK(test::view_problems(person_modal(
              {"pd/PBO", names.person, "bo@example.com", "pd", names.person, ""})) == Problems{});
    HistoryModel history{names.rotation, {}, true};
    for (int i = 0; i < 30; ++i)
      history.lines.push_back({*at, "handoff", people, people, "<@U1>", "ok", names.person, "<#C1> sent"});
    CHECK(test::view_problems(history_modal(history)) == Problems{});
  }
  const auto deleting = [](std::vector<std::string> former, bool disabled) {
    return test::view_texts(delete_modal({RotationId{1}, "A", "@a", std::move(former), disabled, {}}));
  };
  CHECK(deleting({"<@U1>", "<@U2>"}, false).find("<@U1> and <@U2> were in the group.") != std::string::npos);
  CHECK(deleting({"<@U1>"}, true).find("<@U1> was in the group, and it was disabled.") != std::string::npos);
  CHECK(deleting({"<@U1>"}, true).find("Put its former members back, and disable it") != std::string::npos);
  CHECK(deleting({}, true).find("nobody was in the group.") != std::string::npos);
  CHECK(deleting({}, true).find("Disable the group: Slack has no empty ones") != std::string::npos);
  CHECK(test::view_problems(loading_modal("New rotation")) == Problems{});
  CHECK(test::view_problems(notice_modal("Saved", "*x*")) == Problems{});
  CHECK(test::view_problems(history_modal({"x", {}, false})) == Problems{});
}

TEST_CASE("every form of a connection is what Slack takes, and none shows a secret again") {
  for (const auto* kind : {"pagerduty", "opsgenie", "jsm", "xmatters"}) {
    for (const auto* way : {"browser", "app_token", "api_key"}) {
      for (const auto* existing : {"", "prod"}) {
        ConnectModel model;
        model.state = {kind, existing, way, 2};
        model.name = kind;
        model.typed = {{"host", "acme.xmatters.com"},
                       {"api-key-file", "hunter2"},
                       {"api-secret-file", "hunter2"},
                       {"client-secret-file", "hunter2"},
                       {"api-token-file", "hunter2"},
                       {"site", "acme.atlassian.net"},
                       {"region", "eu"}};
        model.browser_url = "https://watchbill.example.com/oauth/start?ticket=x";
        model.errors = {{"", "wrong"}, {"host", "wrong"}, {"connection", "wrong"}};
        const auto view = connect_view(model);
        CHECK(test::view_problems(view) == Problems{});
        CHECK(view.find("hunter2") == std::string::npos);
        CHECK(connect_state(json::parse(view)->root()["private_metadata"].string_or("")) == model.state);
        model.browser_url.clear();
        model.no_browser = "not here";
        CHECK(test::view_problems(connect_view(model)) == Problems{});
      }
    }
  }
}

TEST_CASE("what is typed into the form of a connection comes out by the options' names") {
  const auto values = json::parse(R"({"connection~0": {"typed": {"value": " xm "}},
    "host~0": {"typed": {"value": "acme.xmatters.com "}}, "api-key-file~0": {"typed": {"value": " key\n"}},
    "api-secret-file~0": {"typed": {"value": null}}, "region~0": {"typed": {"selected_option": {"value": "eu"}}}})");
  const auto input = typed_connection(values->root(), {"xmatters", "", "browser", 0});
  CHECK(input.name == "xm");
  CHECK(input.texts == std::map<std::string, std::string>{{"host", "acme.xmatters.com"}});
  REQUIRE(input.secrets.size() == 1);
  CHECK(input.secrets.at("api-key-file").reveal() == "key");
}

}  // namespace watchbill::slack_app
