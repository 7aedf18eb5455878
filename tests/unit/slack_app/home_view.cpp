#include "base/json.hpp"
#include "base/text.hpp"
#include "slack_app/home/home.hpp"
#include "tests/support/block_kit.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/slack_app/samples.hpp"

namespace watchbill::slack_app {

namespace {

using test::view_problems;
using test::view_texts;

std::size_t blocks_in(const std::string& view) {
  return json::parse(view)->root()["blocks"].size();
}

bool has_buttons(const std::string& view) {
  return view.find("\"button\"") != std::string::npos || view.find("\"overflow\"") != std::string::npos;
}

}  // namespace

TEST_CASE("the home tab is what Slack takes, for any number of rotations and any names") {
  for (const auto& names : sample_names()) {
    for (const std::size_t count : {0U, 1U, 30U, 31U, 500U}) {
      for (const bool editor : {true, false}) {
        auto model = full_home(count, names, editor);
        INFO(count << " rotations, editor: " << editor << ", names like " << names.person);
        for (const auto page : {std::size_t{0}, page_count(model.matching) - 1}) {
          turn_to(model, page, names, editor);
          const auto view = home_view(model);
          CHECK(view_problems(view) == std::vector<std::string>{});
          CHECK(view.find("more than Slack can show") == std::string::npos);
          CHECK(blocks_in(view) <= 100);
        }
      }
    }
  }
}

TEST_CASE("every rotation stands on exactly one page") {
  auto model = full_home(500, sample_names().front(), true);
  std::size_t seen = 0;
  for (std::size_t page = 0; page < page_count(500); ++page) {
    turn_to(model, page, sample_names().front(), true);
    const auto view = home_view(model);
    for (const auto& rotation : model.rotations)
      seen +=
          view.find("\"rotation:" + std::to_string(rotation.id.value) + "\"") != std::string::npos ? 1 : 0;
  }
  CHECK(seen == 500);
}

TEST_CASE("what needs attention stands on top, with the button that fixes it") {
  auto model = full_home(1, sample_names().front(), true);
  model.attention = {{"Bo Ito is on call and not in Slack.", Attention::Fix::person, "pd/PBO"}};
  const auto view = home_view(model);
  CHECK(view_texts(view).starts_with("Needs attention\nBo Ito is on call and not in Slack.\nFix\n"));
  CHECK(view.find("\"pd/PBO\"") != std::string::npos);
}

TEST_CASE("a rotation shows who is on call as people, the schedule, until when, and who is next") {
  HomeModel model;
  RotationLine line;
  line.id = RotationId{7};
  line.name = "Payments";
  line.group = GroupId("S06PAY");
  line.on_call = {person("Ada", "U1", "Primary", Instant(1'800'000'000s)),
                  person("Bo Ito", "", "Secondary", kNever)};
  line.next = {{"Cy", UserId("U3"), Instant(1'800'000'000s)}};
  line.state = "in_sync";
  model.rotations = {line};
  model.all = model.matching = 1;
  const auto texts = view_texts(home_view(model));
  CHECK(texts.find("*Payments*  \xE2\x86\x92  <!subteam^S06PAY>\n"
                   "On call: <@U1> (Primary until <!date^1800000000^") != std::string::npos);
  CHECK(texts.find("Bo Ito (not in Slack) (Secondary with no end)") != std::string::npos);
  CHECK(texts.find("Next: <@U3> from <!date^1800000000^") != std::string::npos);
  CHECK(texts.find("in sync") != std::string::npos);
}

TEST_CASE("the state stands there in words") {
  RotationLine line;
  line.name = "Payments";
  const auto words = [&] {
    HomeModel model;
    model.rotations = {line};
    model.all = model.matching = 1;
    return view_texts(home_view(model));
  };
  line.state = "pending";
  line.written_in = 40s;
  line.ahead = 12;
  CHECK(words().find("written in about 40 s, 12 groups ahead") != std::string::npos);
  line.state = "stale";
  line.stale_since = Instant(1'800'000'000s);
  line.problems = {"connection pd does not answer"};
  CHECK(words().find(
            "stale since <!date^1800000000^{date_short_pretty} at {time}|2027-01-15 08:00 UTC> because "
            "connection pd does not answer") != std::string::npos);
  line.state = "paused";
  CHECK(words().find("paused: the group stays as it is") != std::string::npos);
  line.unknown = {{"pd", "P1"}};
  CHECK(words().find("On call: not known") != std::string::npos);
  line.unknown.clear();
  line.last_change = {{Instant(1'800'000'000s), "adoption"}};
  CHECK(words().find("On call: nobody") != std::string::npos);
}

TEST_CASE("a reader who may not edit sees the same without buttons") {
  const auto& names = sample_names().front();
  const auto editor = home_view(full_home(5, names, true));
  const auto reader = home_view(full_home(5, names, false));
  CHECK(has_buttons(editor));
  CHECK_FALSE(has_buttons(reader));
  for (const auto& rotation : full_home(5, names, false).rotations)
    CHECK(view_texts(reader).find(slack_name(rotation.name)) != std::string::npos);
  CHECK(view_texts(reader).find("Needs attention") != std::string::npos);
}

TEST_CASE("where credentials are not typed into forms, it is said how systems are connected") {
  HomeModel model;
  model.may_create = true;
  CHECK(view_texts(home_view(model)).find("on the host: `watchbill connection add`") != std::string::npos);
  model.may_connect = true;
  CHECK(view_texts(home_view(model)).find("watchbill connection add") == std::string::npos);
}

TEST_CASE("a guest sees who is on call and nothing of systems, problems and states") {
  auto model = full_home(2, sample_names().front(), false);
  model.guest = true;
  const auto texts = view_texts(home_view(model));
  CHECK(texts.find("On call:") != std::string::npos);
  CHECK(texts.find("Scheduling systems") == std::string::npos);
  CHECK(texts.find("Needs attention") == std::string::npos);
  CHECK(texts.find("in sync") == std::string::npos);
}

TEST_CASE("a rotation that a file manages says so, and cannot be edited here") {
  auto model = full_home(1, sample_names().front(), false);
  model.rotations.front().file = "rotations.yaml";
  model.rotations.front().may_sync = true;
  const auto view = home_view(model);
  CHECK(view_texts(view).find("managed by the file `rotations.yaml`: change it there") != std::string::npos);
  CHECK(view.find("\"sync:1\"") != std::string::npos);
  CHECK(view.find("\"edit:1\"") == std::string::npos);
}

TEST_CASE("nobody's name can notify a channel or break the layout") {
  HomeModel model;
  RotationLine line;
  line.name = "<!channel> *bold* `code` & more";
  line.on_call = {person("<!everyone>", "", "a > b", std::nullopt)};
  line.state = "in_sync";
  model.rotations = {line};
  model.all = model.matching = 1;
  const auto view = home_view(model);
  CHECK(view_problems(view) == std::vector<std::string>{});
  CHECK(view.find("<!channel>") == std::string::npos);
  CHECK(view.find("<!everyone>") == std::string::npos);
}

TEST_CASE("the home tab remembers its page and search, and takes nothing broken for one") {
  const HomePosition position{3, "p\xC3\xA4y \"x\""};
  CHECK(home_position(metadata_of(position)) == position);
  CHECK(home_position("") == HomePosition{});
  CHECK(home_position("{\"page\":-5,\"query\":7}") == HomePosition{});
  CHECK(home_position("[1") == HomePosition{});
}

}  // namespace watchbill::slack_app
