#include "tests/support/block_kit.hpp"

#include "base/json.hpp"
#include "base/text.hpp"
#include "slack_app/blocks/blocks.hpp"
#include "tests/support/catch.hpp"

namespace watchbill::slack_app {

namespace {

std::string home_of(const std::string& blocks) {
  return R"({"type":"home","blocks":[)" + blocks + "]}";
}

std::size_t units(const std::string& text) {
  std::size_t count = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0U) != 0x80U) count += byte >= 0xF0U ? 2 : 1;
  }
  return count;
}

}  // namespace

TEST_CASE("the tests' own validator refuses what Slack refuses") {
  const auto bad = [](const std::string& view) {
    INFO(view);
    CHECK_FALSE(test::view_problems(view).empty());
  };
  const std::string long_text(3001, 'x');
  bad("not json");
  bad(R"({"type":"page","blocks":[]})");
  bad(R"({"type":"home","title":{"type":"plain_text","text":"x"},"blocks":[]})");
  bad(R"({"type":"modal","blocks":[]})");
  bad(home_of(R"({"type":"section"})"));
  bad(home_of(R"({"type":"section","text":{"type":"mrkdwn","text":""}})"));
  bad(home_of(R"({"type":"section","text":{"type":"mrkdwn","text":")" + long_text + R"("}})"));
  bad(home_of(R"({"type":"section","text":{"type":"mrkdwn","text":"<!channel> look"}})"));
  bad(home_of(R"({"type":"section","text":{"type":"mrkdwn","text":"a & b"}})"));
  bad(home_of(R"({"type":"header","text":{"type":"mrkdwn","text":"x"}})"));
  bad(home_of(R"({"type":"actions","elements":[]})"));
  bad(home_of(R"({"type":"actions","elements":[{"type":"plain_text_input","action_id":"a"}]})"));
  bad(home_of(R"({"type":"divider","block_id":"a"},{"type":"divider","block_id":"a"})"));
  bad(home_of(
      R"({"type":"section","text":{"type":"mrkdwn","text":"x"},"accessory":{"type":"overflow","action_id":"a",)"
      R"("options":[]}})"));
  bad(home_of(
      R"({"type":"actions","elements":[{"type":"radio_buttons","action_id":"a","options":[{"text":{"type":"plain_text",)"
      R"("text":"x"},"value":"1"}],"initial_option":{"text":{"type":"plain_text","text":"x"},"value":"2"}}]})"));
  bad(R"({"type":"modal","title":{"type":"plain_text","text":"x"},"blocks":[{"type":"input","label":{"type":"plain_text",)"
      R"("text":"x"},"element":{"type":"plain_text_input","action_id":"a"}}]})");
  bad(R"({"type":"modal","title":{"type":"plain_text","text":"much longer than 24 characters"},"blocks":[]})");
  CHECK(test::view_problems(home_of(R"({"type":"divider"})")).empty());
}

TEST_CASE("what is too long is cut between characters, and nothing becomes a dash") {
  CHECK(fit("", 75) == "\xE2\x80\x93");
  CHECK(fit(" \n", 75) == "\xE2\x80\x93");
  CHECK(fit("short", 75) == "short");
  for (std::size_t wide = 0; wide < 90; ++wide) {
    for (const std::size_t most : {24U, 75U}) {
      std::string text;
      for (std::size_t i = 0; i < wide; ++i) text += "\xF0\x9F\x94\xA5";
      text += std::string(90 - wide, 'x');
      const auto cut = fit(text, most);
      CHECK(units(cut) <= most);
      CHECK(is_utf8(cut));
      CHECK(cut.ends_with("\xE2\x80\xA6"));
    }
  }
  const auto whole = std::string(74, 'x');
  CHECK(fit(whole, 75) == whole);
}

TEST_CASE("a view beyond a hundred blocks, or beyond 250 KB, is cut and says so") {
  const Blocks many(150, divider());
  const auto view = home_view("", many);
  CHECK(test::view_problems(view).empty());
  CHECK(view.find("There is more than Slack can show here.") != std::string::npos);
  const Blocks large(99, section(mrkdwn(std::string(2999, 'x'))));
  CHECK(test::view_problems(home_view("", large)).empty());
}

TEST_CASE("a metadata or an option's value that Slack would cut is a bug that shows at once") {
  CHECK_THROWS_AS(home_view(std::string(3001, 'x'), {}), std::logic_error);
  CHECK_THROWS_AS(option("x", std::string(151, 'x')), std::logic_error);
}

}  // namespace watchbill::slack_app
