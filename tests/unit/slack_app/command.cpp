#include "slack_app/command.hpp"

#include <filesystem>
#include <regex>

#include "base/text.hpp"
#include "slack_app/phrases.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/project.hpp"
#include "tests/unit/slack_app/samples.hpp"

namespace watchbill::slack_app {

namespace {

using Kind = CommandQuestion::Kind;
constexpr Instant kNow{1'800'000'000s};

control::RotationView rotation(const std::string& name, const std::string& handle,
                               const std::string& on_call) {
  control::RotationView view;
  view.rotation.id = RotationId{static_cast<std::int64_t>(name.size())};
  view.rotation.name = name;
  view.rotation.group = GroupId("S" + handle);
  view.rotation.handle = handle;
  view.rotation.schedules = {{{"pd", "PS1"}}};
  view.state = "in_sync";
  if (!on_call.empty()) view.on_call = {person("Somebody", on_call, "Primary", kNow + 1h)};
  view.next = {{"Cy", UserId("U3"), kNow + 1h}};
  return view;
}

control::Overview world() {
  control::Overview overview;
  overview.rotations = {rotation("Database", "database-oncall", "U1"),
                        rotation("Payments", "payments-oncall", "U2"),
                        rotation("Payments EU", "eu-oncall", "U2"), rotation("Payroll", "pay-oncall", "")};
  store::ConnectionStatus good;
  good.interval = 60s;
  good.last_success = kNow - 30s;
  overview.connections = {{"pd", "pagerduty", good}};
  return overview;
}

const CommandAsker kAsker{UserId("U9"), ChannelId("C1"), "/oncall"};

std::vector<std::string> names(const std::vector<const control::RotationView*>& views) {
  std::vector<std::string> out;
  for (const auto* view : views) out.push_back(view->rotation.name);
  return out;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("what stands after the command is read as people write it") {
  CHECK(read_command("") == CommandQuestion{Kind::here});
  CHECK(read_command("All") == CommandQuestion{Kind::all});
  CHECK(read_command("\"all\"") == CommandQuestion{Kind::who, "all"});
  CHECK(read_command("  help ") == CommandQuestion{Kind::help});
  CHECK(read_command("ME") == CommandQuestion{Kind::me});
  CHECK(read_command("history Payments EU") == CommandQuestion{Kind::history, "Payments EU"});
  CHECK(read_command("history") == CommandQuestion{Kind::history});
  CHECK(read_command("payments") == CommandQuestion{Kind::who, "payments"});
  CHECK(read_command("Payments EU") == CommandQuestion{Kind::who, "Payments EU"});
  CHECK(read_command("\"me\"") == CommandQuestion{Kind::who, "me"});
  CHECK(read_command("@payments-oncall") == CommandQuestion{Kind::who, "@payments-oncall"});
  CHECK(read_command("<!subteam^S1|@payments-oncall>") ==
        CommandQuestion{Kind::who, "@payments-oncall", GroupId("S1")});
  CHECK(read_command("<!subteam^S1>") == CommandQuestion{Kind::who, "", GroupId("S1")});
  CHECK(read_command("next  payments") == CommandQuestion{Kind::next, "payments"});
  CHECK(read_command("next") == CommandQuestion{Kind::next});
  CHECK(read_command("me and others") == CommandQuestion{Kind::who, "me and others"});
  CHECK(read_command(std::string(100'000, 'x')).name.size() <= 200);
}

TEST_CASE(
    "a name means who has it, then who has its words, then who begins with it, then who has it within") {
  const auto overview = world();
  CHECK(names(meant(overview, read_command("payments"))) == std::vector<std::string>{"Payments"});
  CHECK(names(meant(overview, read_command("PAYm"))) == std::vector<std::string>{"Payments", "Payments EU"});
  CHECK(names(meant(overview, read_command("PAY"))) == std::vector<std::string>{"Payroll"});  // @pay-oncall
  CHECK(names(meant(overview, read_command("eu"))) == std::vector<std::string>{"Payments EU"});
  CHECK(names(meant(overview, read_command("@eu"))) == std::vector<std::string>{"Payments EU"});
  CHECK(names(meant(overview, read_command("roll"))) == std::vector<std::string>{"Payroll"});
  CHECK(names(meant(overview, read_command("base"))) == std::vector<std::string>{"Database"});
  CHECK(names(meant(overview, read_command("@eu-oncall"))) == std::vector<std::string>{"Payments EU"});
  CHECK(names(meant(overview, read_command("<!subteam^Seu-oncall>"))) ==
        std::vector<std::string>{"Payments EU"});
  CHECK(meant(overview, read_command("<!subteam^Sother|@payments-oncall>")).empty());
  CHECK(meant(overview, read_command("xyz")).empty());
}

TEST_CASE("one rotation: who is on call until when, and who is next") {
  const auto text = answer_who(world(), read_command("payments"), kAsker, kNow);
  CHECK(has(text, "*Payments* (`payments-oncall`): <@U2> (Primary until <!date^1800003600^"));
  CHECK(has(text, "Next: <@U3> from"));
  CHECK_FALSE(has(text, "as of"));
  CHECK(has(answer_who(world(), read_command("payroll"), kAsker, kNow), "nobody"));
}

TEST_CASE("an ambiguous name offers the candidates, and a wrong one what was probably meant") {
  const auto text = answer_who(world(), read_command("paym"), kAsker, kNow);
  CHECK(has(text, "*Payments* or *Payments EU*. Which one?"));
  CHECK(has(text, "`/oncall Payments`"));
  CHECK(has(answer_next(world(), read_command("next paym"), kAsker, kNow), "`/oncall next Payments`"));
  CHECK(has(answer_who(world(), read_command("databse"), kAsker, kNow), "Did you mean *Database*?"));
  CHECK(has(answer_who(world(), read_command("zzzzzz"), kAsker, kNow), "No rotation is called \"zzzzzz\""));
}

TEST_CASE("an answer says how old it is while its source does not answer") {
  auto overview = world();
  overview.connections[0].status.state = "failing";
  overview.connections[0].status.last_success = kNow - 14min;
  const auto text = answer_who(overview, read_command("payments"), kAsker, kNow);
  CHECK(has(text, "pd does not answer: this is as of <!date^1799999160^"));
  CHECK(has(text, "14 min ago"));
  // Silent for longer than three intervals, though nobody has called it failing yet.
  overview.connections[0].status.state = "ok";
  overview.connections[0].status.last_success = kNow - 181s;
  CHECK(has(answer_here(overview, kAsker, kNow), "3 min ago"));
}

TEST_CASE("without a name: what is announced in the channel, else what the asker follows, else everything") {
  auto overview = world();
  overview.rotations[0].rotation.channels = {ChannelId("C1")};
  overview.rotations[1].rotation.owners = {"U9"};
  const auto announced = answer_here(overview, kAsker, kNow);
  CHECK(has(announced, "announced in this channel"));
  CHECK(has(announced, "Database"));
  CHECK_FALSE(has(announced, "Payments"));
  const auto followed = answer_here(overview, {UserId("U9"), ChannelId("C2")}, kNow);
  CHECK(has(followed, "that you follow"));
  CHECK(has(followed, "*Payments*"));
  CHECK_FALSE(has(followed, "Database"));
  const auto all = answer_here(overview, {UserId("U8"), ChannelId("C2")}, kNow);
  CHECK(has(all, "Database"));
  CHECK(has(all, "Payroll"));
  CHECK(has(answer_here({}, kAsker, kNow), "no rotations yet"));
}

TEST_CASE("all rotations are listed on demand, in short lines where there are many") {
  auto overview = world();
  const auto few = answer_all(overview, kNow);
  for (const auto& view : overview.rotations) CHECK(has(few, "*" + view.rotation.name + "* (`"));
  for (int i = 0; i < 56; ++i)
    overview.rotations.push_back(rotation(fmt::format("Team {}", i), fmt::format("team-{}", i), "U1"));
  const auto many = answer_all(overview, kNow);
  CHECK(utf8_length(many) <= kMaxAnswer);
  CHECK(has(many, "\n*Database*: <@U1>\n"));
  CHECK(has(many, "\n*Payroll*: nobody\n"));
  CHECK(has(many, "\n*Team 55*: <@U1>"));
  CHECK_FALSE(has(many, " more"));
}

TEST_CASE("who is in the group stands there where others than those on call are in it") {
  auto overview = world();
  auto& payments = overview.rotations[1];
  payments.members = {UserId("U2")};
  CHECK_FALSE(has(answer_who(overview, read_command("payments"), kAsker, kNow), "In the group"));
  payments.rotation.paused = true;
  payments.members = {UserId("U7"), UserId("U8")};
  CHECK(has(answer_who(overview, read_command("payments"), kAsker, kNow), "\nIn the group: <@U7> and <@U8>"));
  payments.members = {UserId("U2")};
  payments.disabled = true;
  CHECK(has(answer_who(overview, read_command("payments"), kAsker, kNow),
            "\nIn the group: <@U2> (the group is disabled)"));
}

TEST_CASE("while the store takes no writes an answer says as of when it is, and blames no system") {
  auto overview = world();
  overview.connections[0].status.last_success = kNow - 14min;
  overview.store_problem = "all this is as of 2027-01-15 07:46 UTC: the store cannot be written: full";
  const auto text = answer_who(overview, read_command("payments"), kAsker, kNow);
  CHECK(has(text, "_All this is as of <!date^1799999160^"));
  CHECK_FALSE(has(text, "does not answer"));
}

TEST_CASE("following is being on call, next, in the group, an owner, or a permanent or fallback member") {
  const UserId user("U9");
  auto view = rotation("Database", "database-oncall", "U1");
  CHECK_FALSE(follows(view, user));
  for (int way = 0; way < 6; ++way) {
    auto one = view;
    if (way == 0) one.on_call = {person("x", "U9", "y", std::nullopt)};
    if (way == 1) one.next = {{"x", user, kNow}};
    if (way == 2) one.members = {user};
    if (way == 3) one.rotation.owners = {"U9"};
    if (way == 4) one.rotation.permanent_members = {user};
    if (way == 5) one.rotation.fallback_members = {user};
    CHECK(follows(one, user));
  }
}

TEST_CASE("long answers are cut with a pointer, whatever the names are") {
  for (const auto& sample : sample_names()) {
    control::Overview overview;
    for (int i = 0; i < 500; ++i) {
      overview.rotations.push_back(
          rotation(fmt::format("{}{}", sample.rotation, i), fmt::format("g{}", i), "U1"));
      for (int k = 0; k < 10; ++k)
        overview.rotations.back().on_call.push_back(person(sample.person, "", sample.schedule, kNow));
    }
    const auto text = answer_here(overview, kAsker, kNow);
    CHECK(utf8_length(text) <= kMaxAnswer);
    CHECK(has(text, "more: the app's home tab lists all"));
    CHECK(utf8_length(answer_all(overview, kNow)) <= kMaxAnswer);
    CHECK(utf8_length(answer_who(overview, read_command(sample.rotation + "0"), kAsker, kNow)) <= kMaxAnswer);
    CHECK_FALSE(has(text, "<!channel>"));
  }
}

TEST_CASE("my shifts, also when there are none") {
  CHECK(has(answer_me({}, kNow), "You are on call in no rotation"));
  control::DutyShift now_on;
  now_on.rotation = "Payments";
  now_on.start = kNow - 1h;
  now_on.end = kNow + 1h;
  auto later = now_on;
  later.start = kNow + 24h;
  later.end.reset();
  const auto text = answer_me({now_on, later}, kNow);
  CHECK(has(text, "*Payments*: on call now, until <!date^1800003600^"));
  CHECK(has(text, "*Payments*: from <!date^1800086400^"));
}

TEST_CASE("a rotation's history is told to whoever asks, the latest first, within a message's length") {
  HistoryModel history{"Payments"};
  HistoryLine line;
  line.at = kNow;
  line.cause = "handoff";
  line.added = {"<@U1>"};
  line.removed = {"<@U2>"};
  history.lines = {line};
  std::string asked;
  const auto read = [&](const std::string& name) -> Result<HistoryModel> {
    asked = name;
    if (name == "nonsense") return fail(ErrorKind::not_found, "no");
    return history;
  };
  const auto ask = [&](const char* text) {
    const auto question = read_command(text);
    const auto wanted = history_wanted(world(), question);
    return answer_history(world(), question, kAsker, wanted ? std::optional(read(*wanted)) : std::nullopt);
  };
  const auto text = ask("history pay-oncall");
  CHECK(asked == "Payroll");
  CHECK(has(text, "*handoff*\n+ <@U1>\n\xE2\x88\x92 <@U2>\n_by Watchbill_"));
  CHECK(has(ask("history"), "`/oncall history NAME`"));
  CHECK(has(ask("history paym"), "`/oncall history "));
  // Also of one that was deleted.
  CHECK_FALSE(has(ask("history Old one"), "No rotation"));
  CHECK(asked == "Old one");
  CHECK(has(ask("history nonsense"), "No rotation is called"));
  history.lines.assign(10, line);
  for (auto& one : history.lines) one.note = repeated("\xF0\x9F\x94\xA5", 1000);
  history.more = true;
  CHECK(utf8_length(ask("history Database")) <= kMaxAnswer);
  CHECK(has(ask("history Database"), "more._"));
}

TEST_CASE("a moment in a sentence of the rules becomes the reader's own time") {
  CHECK(foreign_text("since 2027-01-15 08:00 UTC: <b>") ==
        "since <!date^1800000000^{date_short_pretty} at {time}|2027-01-15 08:00 UTC>: &lt;b&gt;");
  for (const auto* text : {"2027-13-15 08:00 UTC", "2027-01-15 08:00 UT", "2027-01-15 08:00"})
    CHECK(foreign_text(text) == text);
}

TEST_CASE("a name in a sentence of the rules formats nothing, and a command stays a command") {
  CHECK(foreign_text("rotation \"*b* ~s~ _i_\" is <@U1>'s") ==
        "rotation \"\xE2\x88\x97"
        "b\xE2\x88\x97 \xE2\x88\xBCs\xE2\x88\xBC " +
            slack_name("_i_") + "\" is <@U1>'s");
  CHECK(foreign_text("run `watchbill apply -f my_*_file.yaml` & wait") ==
        "run `watchbill apply -f my_*_file.yaml` &amp; wait");
}

TEST_CASE("messages of the rules read like sentences, without options of the command line") {
  CHECK(as_sentence("the key is refused; it asks the US region (--region us|eu); try (again)") ==
        "The key is refused; it asks the US region; try (again)");
  CHECK(as_sentence("\"x\" is (--broken") == "\"x\" is (--broken");
  CHECK(as_sentence("").empty());
}

TEST_CASE("where Slack has a button, its name stands in the place of the host's command") {
  using enum CredentialForms;
  CHECK(as_sentence("choose another with `watchbill rotation edit` (until then …)") ==
        "Choose another with \"Edit\" (until then …)");
  CHECK(as_sentence(
            "kim is on call; say who that is in Slack with `watchbill people map kim@example.com U…`") ==
        "Kim is on call; say who that is in Slack with \"Fix\"");
  CHECK(as_sentence("fill the gap in the schedule, or choose `--empty fallback`") ==
        "Fill the gap in the schedule, or choose \"Put others in the group\" with \"Edit\"");
  const auto* key = "give it a new key with `watchbill connection update pd`";
  CHECK(as_sentence(key, shown) == "Give it a new key with \"New credentials\"");
  CHECK(as_sentence(key, hidden) == "Give it a new key with `watchbill connection update pd`");
  CHECK(as_sentence(key) ==
        "Give it a new key with \"New credentials\" or, on the host, `watchbill connection update pd`");
  CHECK(as_sentence("check it with `watchbill connection test pd`", shown) ==
        "Check it with \"Test\" in its menu");
  CHECK(with_buttons("a source is silent: see `watchbill status`") == "a source is silent: see the home tab");
  // What only the host can do, and what is no command, stays.
  for (const auto* text : {"Run `watchbill apply -f teams.yaml`",
                           "Name somebody else (`watchbill rotation edit "
                           "\"A\" --owner …`)",
                           "A lone ` stays, and `code` too"})
    CHECK(as_sentence(text) == text);
}

TEST_CASE("every command that a text of the rules names has its button, or is the host's alone") {
  const std::vector<std::string> of_the_host{
      "watchbill apply",   "watchbill connection add", "watchbill connection migrate",
      "watchbill --store", "watchbill doctor",         "watchbill restore"};
  for (const auto* folder : {"core", "engine", "control", "providers", "slack", "store"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(test::project_file(folder))) {
      if (entry.path().extension() != ".cpp") continue;
      auto text =
          test::project_text(std::filesystem::relative(entry.path(), test::project_file("")).string());
      // One literal over several lines reads like one.
      text = std::regex_replace(text, std::regex("\"\\s*\n\\s*\""), "");
      const std::regex command("\"[^\"\n]*(`watchbill [^`\"\n]*`)");
      for (std::sregex_iterator it(text.begin(), text.end(), command), end; it != end; ++it) {
        const auto named = (*it)[1].str();
        INFO(entry.path().filename() << ": " << named);
        const bool host = std::any_of(of_the_host.begin(), of_the_host.end(),
                                      [&](const std::string& one) { return named.starts_with("`" + one); });
        CHECK((host || as_sentence("x " + named, CredentialForms::shown).find('`') == std::string::npos));
      }
    }
  }
}

TEST_CASE("between backticks nothing is changed but what would end them") {
  CHECK(code_text("/tmp/a_/b*.yaml") == "`/tmp/a_/b*.yaml`");
  CHECK(code_text("a`b<c>\n") == "`a'b&lt;c&gt; `");
  CHECK(code_text("/etc/watchbill/teams.yaml", 11) == "`\xE2\x80\xA6teams.yaml`");
  CHECK(code_text("\xC3\xA4\xC3\xB6\xC3\xBC\xC3\x9F", 3) == "`\xE2\x80\xA6\xC3\xBC\xC3\x9F`");
}

TEST_CASE("who did something is named as people know him") {
  CHECK(actor_text("U1") == "<@U1>");
  CHECK(actor_text("cli:ada") == "ada on the host");
  CHECK(actor_text("file:/etc/teams_.yaml") == "the file `/etc/teams_.yaml`");
}

TEST_CASE("who is on call and not known yet is not called nobody") {
  const ScheduleRef night{"og", "night"};
  CHECK(who_text({}, {night}, Naming::mention) == "not known");
  CHECK(who_text({}, {}, Naming::mention) == "nobody");
  OnCallPerson ada{{"pd", "1", "Ada"}, {"pd", "day"}, "", UserId("U1")};
  CHECK(who_text({ada}, {night}, Naming::mention) == "<@U1> (day); not known in og/night");
  ada.schedule = night;
  ada.last_known = true;
  CHECK(who_text({ada}, {night}, Naming::mention) == "<@U1> (night, last known)");
}

TEST_CASE("a sentence of the rules keeps its mentions and nothing else that Slack would act on") {
  CHECK(foreign_text("Ask <@U1>, a member of <!subteam^S1> or <!channel> & <https://x.example|me>") ==
        "Ask <@U1>, a member of <!subteam^S1> or &lt;!channel&gt; &amp; &lt;https://x.example|me&gt;");
  CHECK(foreign_text("rotation \"a &amp; b\" &lt;x&gt;") == "rotation \"a &amp; b\" &lt;x&gt;");
  CHECK(foreign_text("<@U1 or <@> or <@u1>") == "&lt;@U1 or &lt;@&gt; or &lt;@u1&gt;");
}

}  // namespace watchbill::slack_app
