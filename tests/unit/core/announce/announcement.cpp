#include "core/announce/announcement.hpp"

#include <rapidcheck.h>

#include <algorithm>

#include "base/text.hpp"
#include "tests/support/catch.hpp"

using namespace watchbill;

namespace {

constexpr Instant kNow{std::chrono::sys_days{std::chrono::year{2026} / 11 / 22} + 9h};
const std::string kTomorrow = "<!date^1795424400^{date_short_pretty} at {time}|2026-11-23 09:00 UTC>";
const std::string kDayAfter = "<!date^1795510800^{date_short_pretty} at {time}|2026-11-24 09:00 UTC>";

OnCallPerson person(const std::string& name, const std::string& member, const std::string& schedule = "PRIM",
                    std::optional<Instant> until = kNow + 24h) {
  OnCallPerson p;
  p.responder = {"pagerduty", "R-" + name, name, std::nullopt};
  p.schedule = {"pagerduty", schedule};
  p.schedule_label = schedule == "PRIM" ? "primary" : "secondary";
  if (!member.empty()) p.member = UserId(member);
  p.until = until;
  return p;
}

const OnCallPerson kAda = person("Ada Lovelace", "UADA");
const OnCallPerson kBob = person("Bob Ito", "UBOB");
const OnCallPerson kCy = person("Cy Young", "UCY", "SEC", kNow + 48h);

AnnouncementFacts facts(std::vector<OnCallPerson> before, std::vector<OnCallPerson> after) {
  AnnouncementFacts f;
  f.rotation = "Payments";
  f.group = GroupId("S1");
  f.handle = "payments-oncall";
  f.at = kNow;
  f.before = std::move(before);
  f.after = std::move(after);
  return f;
}

std::string text_of(const AnnouncementFacts& f, const Announce& announce = {},
                    AnnouncementContext context = {kNow}) {
  return render(f, announce, context).text;
}

Announce with_template(const std::string& text) {
  Announce announce;
  announce.text_template = text;
  return announce;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("one person takes over from another") {
  auto f = facts({kBob}, {kAda});
  CHECK(text_of(f) ==
        "*Payments*: <@UADA> takes over from Bob Ito.\n"
        "On call until " +
            kTomorrow + ". Slack group: `payments-oncall`.");
  SECTION("who is next, at the moment that was just named") {
    f.next = {{"Dan Dee", UserId("UDAN"), kNow + 24h}};
    CHECK(text_of(f) ==
          "*Payments*: <@UADA> takes over from Bob Ito.\n"
          "On call until " +
              kTomorrow + ". Next: Dan Dee. Slack group: `payments-oncall`.");
  }
  SECTION("who is next, later than that") {
    f.next = {{"Dan Dee", std::nullopt, kNow + 48h}, {"Eve", std::nullopt, kNow + 48h}};
    CHECK(has(text_of(f), " Next: Dan Dee and Eve from " + kDayAfter + ". "));
  }
  SECTION("an end that is not known is not named") {
    f.after = {person("Ada Lovelace", "UADA", "PRIM", std::nullopt)};
    CHECK(text_of(f) == "*Payments*: <@UADA> takes over from Bob Ito.\nSlack group: `payments-oncall`.");
  }
  SECTION("a shift without end") {
    f.after = {person("Ada Lovelace", "UADA", "PRIM", kNever)};
    CHECK(has(text_of(f), "\nOn call until further notice. "));
  }
}

TEST_CASE("several people and schedules are listed with their schedule and end") {
  CHECK(text_of(facts({kBob, kCy}, {kAda, kCy})) ==
        "*Payments*: <@UADA> takes over from Bob Ito; Cy Young stays on call.\n"
        "• <@UADA>: primary until " +
            kTomorrow +
            "\n"
            "• Cy Young: secondary until " +
            kDayAfter +
            "\n"
            "Slack group: `payments-oncall`.");
}

TEST_CASE("somebody joins, somebody leaves") {
  const auto one = person("Cy Young", "UCY");
  CHECK(has(text_of(facts({kBob}, {kBob, kAda})),
            "*Payments*: <@UADA> goes on call; Bob Ito stays on call.\n"));
  CHECK(has(text_of(facts({kBob, kAda, one}, {one})),
            ": Bob Ito and Ada Lovelace go off call; Cy Young stays on call.\n"));
  CHECK(has(text_of(facts({}, {kAda, kBob})), ": <@UADA> and <@UBOB> are now on call.\n"));
}

TEST_CASE("the first sync of a rotation says who is on call, not who hands off") {
  auto f = facts({kBob}, {kAda});
  f.first = true;
  CHECK(has(text_of(f), "*Payments*: <@UADA> is now on call.\n"));
  CHECK(!has(text_of(f), "Bob"));
  f.after.clear();
  CHECK(has(text_of(f), "*Payments*: nobody is on call at the moment."));
}

TEST_CASE("nobody on call says what became of the group and who comes next") {
  auto f = facts({kBob}, {});
  f.group_note = "The group keeps its members until somebody is on call.";
  f.next = {{"Dan Dee", std::nullopt, kNow + 24h}};
  CHECK(text_of(f) ==
        "*Payments*: Bob Ito goes off call. Nobody is on call now.\n"
        "The group keeps its members until somebody is on call.\n"
        "Next: Dan Dee from " +
            kTomorrow + ". Slack group: `payments-oncall`.");
}

TEST_CASE("who was on call when that was last known is not said to be on call") {
  auto cy = kCy;
  cy.last_known = true;
  cy.until.reset();
  const auto text = text_of(facts({kAda, kCy}, {kBob, cy}));
  CHECK(has(text,
            "<@UBOB> takes over from Ada Lovelace; who is on call in secondary is not known, last was Cy "
            "Young."));
  CHECK(has(text, "Cy Young (last known): secondary"));
  CHECK_FALSE(has(text, "stays"));
  CHECK(has(text_of(facts({kAda, kCy}, {cy})), "Ada Lovelace goes off call; who is on call in secondary"));
  CHECK(has(text_of(facts({kAda}, {cy})), "Ada Lovelace goes off call; who is on call in secondary"));
  // Known through another schedule, he is on call.
  CHECK(has(text_of(facts({kAda, kCy}, {cy, person("Cy Young", "UCY")})), "Cy Young stays on call"));
}

TEST_CASE("a person who is not in Slack stands there by name, and only the one who is on call is marked") {
  CHECK(has(text_of(facts({kBob}, {person("Zoe", "")})),
            "*Payments*: Zoe (no Slack account found) takes over from Bob Ito.\n"));
  CHECK(has(text_of(facts({person("Zoe", "")}, {kAda})), ": <@UADA> takes over from Zoe.\n"));
}

TEST_CASE("the same human being through two schedules is named once with both") {
  const auto second = person("Ada Lovelace", "UADA", "SEC", kNow + 24h);
  CHECK(text_of(facts({kBob}, {kAda, second})) ==
        "*Payments*: <@UADA> takes over from Bob Ito.\n"
        "On call in primary and secondary until " +
            kTomorrow + ". Slack group: `payments-oncall`.");
  const auto longer = person("Ada Lovelace", "UADA", "SEC", kNow + 48h);
  CHECK(has(text_of(facts({kBob}, {kAda, longer})),
            "\nOn call in primary until " + kTomorrow + " and secondary until " + kDayAfter + ". "));
  SECTION("in two systems, known by the Slack account") {
    auto elsewhere = longer;
    elsewhere.responder = {"opsgenie", "x", "A. Lovelace", std::nullopt};
    CHECK(!has(text_of(facts({kBob}, {kAda, elsewhere})), "A. Lovelace"));
  }
}

TEST_CASE("the schedule of a single person is named only if the rotation has several or a label") {
  CHECK(!has(text_of(facts({kBob}, {kAda})), "primary"));
  CHECK(has(text_of(facts({kBob}, {kAda}), {}, {.now = kNow, .name_schedules = true}),
            "On call in primary until "));
}

TEST_CASE("the mention policy decides who is notified") {
  const auto f = facts({kBob, kCy}, {kAda, kCy});
  Announce announce;
  announce.mention = Mention::none;
  CHECK(!has(text_of(f, announce), "<@"));
  CHECK(has(text_of(f, announce), "Ada Lovelace takes over from Bob Ito; Cy Young stays"));
  announce.mention = Mention::all;
  CHECK(has(text_of(f, announce), "<@UADA> takes over from <@UBOB>; <@UCY> stays"));
}

TEST_CASE("an announcement that is late says how late") {
  const auto f = facts({kBob}, {kAda});
  CHECK(!has(text_of(f, {}, {kNow + 2min}), "late"));
  CHECK(has(text_of(f, {}, {kNow + 14min}),
            "\n_This is 14 min late: it happened <!date^1795338000^{date_short_pretty} at {time}|2026-11-22 "
            "09:00 UTC>._"));
  CHECK(has(text_of(f, {}, {kNow + 3h + 5min}), "_This is 3 h 5 min late: "));
  CHECK(has(text_of(f, {}, {kNow + 49h}), "_This is 2 d 1 h late: "));
}

TEST_CASE("a group that is not written yet and a repeated message are owned up to") {
  const auto f = facts({kBob}, {kAda});
  const auto text = text_of(f, {}, {.now = kNow, .group_pending = true, .possibly_repeated = true});
  CHECK(has(text, "\nThe Slack group `payments-oncall` is still being updated.\n_Possibly repeated: "));
  CHECK(!has(text, "Slack group: "));
}

TEST_CASE("names cannot mention anybody or change the formatting") {
  auto f = facts({person("<!channel> & co", "UEVIL")}, {person("*x* _y_ ~z~ `c`\n<@U1>", "")});
  f.rotation = "<!here> *R&D*";
  f.group_note = "`<!everyone>`";
  f.next = {{"<!channel>", std::nullopt, kNow + 24h}};
  const auto text = text_of(f);
  for (const auto* bad : {"<!channel", "<!here", "<!everyone", "<@U1", "*x*", "_y_", "~z~", "`c`", " & "})
    CHECK(!has(text, bad));
  CHECK(has(text, "&lt;!channel&gt; &amp; co"));
}

TEST_CASE("a user id that Slack could not have given is no mention") {
  CHECK(slack_mention(UserId("U1> <!channel")).empty());
  CHECK(has(text_of(facts({kBob}, {person("Ada", "U1> <!channel")})), "*Payments*: Ada takes over"));
}

TEST_CASE("long lists are cut and the message stays within Slack's limit") {
  std::vector<OnCallPerson> many;
  for (int i = 0; i < 300; ++i)
    many.push_back(person(std::string(100, 'n') + std::to_string(i), "U" + std::to_string(i), "SEC"));
  const auto text = text_of(facts({kBob}, many));
  CHECK(utf8_length(text) <= kMaxAnnouncement);
  CHECK(has(text, " and 286 more take over from Bob Ito."));
  CHECK(has(text, "\n• 281 more\n"));
  CHECK(has(text, "\nSlack group: `payments-oncall`."));
}

TEST_CASE("an own template is used, and what it must not leave out is added") {
  const auto f = facts({kBob}, {kAda});
  const auto own =
      with_template("{{incoming}} has {{rotation}} now{{#outgoing}}, thanks {{name}}{{/outgoing}}");
  CHECK(text_of(f, own) == "<@UADA> has Payments now, thanks Bob Ito");
  CHECK(has(text_of(f, own, {kNow + 14min}), "thanks Bob Ito\n_This is 14 min late: "));
  CHECK(text_of(f, with_template("{{incoming}}{{#late}} ({{late}} late){{/late}}"), {kNow + 14min}) ==
        "<@UADA> (14 min late)");
  CHECK(has(text_of(f, own, {.now = kNow, .group_pending = true}),
            "\nThe Slack group `payments-oncall` is still"));
  SECTION("a template that says nothing, or cannot be read, gives way to the default") {
    CHECK(text_of(f, with_template("{{#nobody}}nobody!{{/nobody}}")) == text_of(f));
    CHECK(text_of(f, with_template("{{gone_since_1_0}}")) == text_of(f));
  }
}

TEST_CASE("every variable of the vocabulary has a value") {
  std::string text = "{{rotation}}|{{group}}|{{at}}|{{until}}|{{late}}|{{note}}|{{next}}\n";
  for (const auto* list : {"on_call", "incoming", "outgoing", "staying"}) {
    text += fmt::format(
        "{{{{#{0}}}}}[{{{{person}}}}|{{{{name}}}}|{{{{mention}}}}|{{{{schedule}}}}|{{{{until}}}}]{{{{/"
        "{0}}}}}",
        list);
  }
  text += "{{#next}}[{{person}}|{{name}}|{{mention}}|{{from}}]{{/next}}";
  text += "{{^first}}F{{/first}}{{^nobody}}N{{/nobody}}{{#group_pending}}P{{/group_pending}}";
  text += "{{#possibly_repeated}}R{{/possibly_repeated}}";
  auto f = facts({kBob, kCy}, {kAda, kCy});
  f.group_note = "note";
  f.next = {{"Dan", UserId("UDAN"), kNow + 24h}};
  const auto out = text_of(f, with_template(text), {kNow + 14min, true, true});
  CHECK(!has(out, "||"));
  CHECK(!has(out, "[|"));
  CHECK(!has(out, "|]"));
  CHECK(has(out, "[Bob Ito|Bob Ito|<@UBOB>|primary|" + kTomorrow + "]"));
  CHECK(has(out, "[Dan|Dan|<@UDAN>|" + kTomorrow + "]FNPR"));
}

TEST_CASE("no fact makes an announcement with foreign markup, too long, or empty") {
  const auto any_name = rc::gen::container<std::string>(
      rc::gen::weightedOneOf<char>({{5, rc::gen::elementOf(std::string("<>!@#&*_`~|^{}\n"))},
                                    {2, rc::gen::arbitrary<char>()},
                                    {5, rc::gen::inRange('a', 'z')}}));
  const auto holds = rc::check([&] {
    const auto any_person = [&](const std::string& id) {
      auto p = person(*any_name, *rc::gen::element<std::string>("", "U1", "U2"));
      p.responder.id = id + std::to_string(*rc::gen::inRange(0, 4));
      p.schedule_label = *any_name;
      p.schedule.id = *rc::gen::element<std::string>("PRIM", "SEC");
      p.until = *rc::gen::element<std::optional<Instant>>(std::nullopt, kNever, kAlways, kNow + 24h);
      return p;
    };
    AnnouncementFacts f;
    f.rotation = *any_name;
    f.handle = *any_name;
    f.group_note = *any_name;
    f.first = *rc::gen::arbitrary<bool>();
    f.at = kNow;
    for (int i = *rc::gen::inRange(0, 4); i > 0; --i) f.before.push_back(any_person("r"));
    for (int i = *rc::gen::inRange(0, 4); i > 0; --i) f.after.push_back(any_person("r"));
    for (int i = *rc::gen::inRange(0, 3); i > 0; --i) f.next.push_back({*any_name, std::nullopt, kNow});
    Announce announce;
    announce.mention = *rc::gen::element(Mention::all, Mention::incoming, Mention::none);
    const auto text = text_of(f, announce, {kNow + 5min, *rc::gen::arbitrary<bool>(), true});
    RC_ASSERT(!text.empty());
    RC_ASSERT(is_utf8(text));
    RC_ASSERT(utf8_length(text) <= kMaxAnnouncement);
    for (auto at = text.find('<'); at != std::string::npos; at = text.find('<', at + 1)) {
      const auto token = text.substr(at, text.find('>', at) + 1 - at);
      RC_ASSERT(token == "<@U1>" || token == "<@U2>" || token.starts_with("<!date^"));
    }
    // Our own: the rotation's bold pair, the group's code pairs, and the italics of two remarks.
    RC_ASSERT(std::count(text.begin(), text.end(), '*') == 2);
    RC_ASSERT(std::count(text.begin(), text.end(), '`') == 2);
    RC_ASSERT(std::count(text.begin(), text.end(), '~') == 0);
  });
  CHECK(holds);
}
