#include "base/text.hpp"

#include <rapidcheck.h>

#include <algorithm>

#include "base/phrase.hpp"
#include "tests/support/catch.hpp"

using namespace watchbill;

TEST_CASE("UTF-8 is checked as Unicode defines it") {
  CHECK(is_utf8("aä€😀"));
  for (const auto* bad : {"\x80", "\xc0\xaf", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
                          "\xf4\x90\x80\x80", "\xff", "a\xe2\x82"})
    CHECK(!is_utf8(bad));
  CHECK(utf8_length("aä€😀") == 4);
  CHECK(utf8_length("a\xff\xff") == 3);
}

TEST_CASE("a prefix never ends within a character") {
  CHECK(utf8_prefix("äöü", 3) == "ä");
  CHECK(utf8_prefix("äöü", 0).empty());
  CHECK(utf8_prefix("abc", 9) == "abc");
}

TEST_CASE("exactly Slack's three characters are escaped") {
  CHECK(escape_slack("a & b <c> \"d\" 'e' &amp;") == "a &amp; b &lt;c&gt; \"d\" 'e' &amp;amp;");
  CHECK(escape_slack("a\xff") == "a\xEF\xBF\xBD");
}

TEST_CASE("a name keeps its look but has no effect on formatting") {
  CHECK(slack_name("Ada Lovelace") == "Ada Lovelace");
  CHECK(slack_name("team_a_b") == "team_a_b");
  CHECK(slack_name("_x_") == "ˍxˍ");
  CHECK(slack_name("*x* ~y~ `z`") == "∗x∗ ∼y∼ ˋzˋ");
  CHECK(slack_name("a\nb\tc") == "a b c");
  CHECK(slack_name("<@U1>") == "&lt;@U1&gt;");
  CHECK(slack_name("abcdef", 4) == "abc…");
  CHECK(slack_name("abcd", 4) == "abcd");
  CHECK(slack_name("äöü€", 3) == "äö…");
}

TEST_CASE("the word that was meant is found, a far one is not") {
  CHECK(closest("incomming", {"incoming", "outgoing"}) == "incoming");
  CHECK(closest("modes", {"mode", "store"}) == "mode");
  CHECK(closest("zebra", {"mode", "store"}).empty());
  CHECK(closest(std::string(1'000'000, 'x'), {"mode"}).empty());
}

TEST_CASE("cutting keeps whole tokens within the limit, whatever the text") {
  const auto holds = rc::check([](const std::vector<std::string>& parts) {
    std::string text;
    for (const auto& part : parts) text += escape_slack(part) + "<@U123>&amp;";
    const auto limit = *rc::gen::inRange<std::size_t>(1, 120);
    const auto cut = cut_mrkdwn(text, limit);
    RC_ASSERT(utf8_length(cut) <= limit);
    RC_ASSERT(is_utf8(cut));
    RC_ASSERT(std::count(cut.begin(), cut.end(), '<') == std::count(cut.begin(), cut.end(), '>'));
    RC_ASSERT((utf8_length(text) > limit) == (cut != text));
  });
  CHECK(holds);
}

TEST_CASE("what somebody else wrote stays in its line, and in its direction") {
  CHECK(one_line("Ada Example") == "Ada Example");
  CHECK(one_line(" Zo\u00eb \u65e5\u672c \U0001F469\u200D\U0001F680 ") ==
        "Zo\u00eb \u65e5\u672c \U0001F469\u200D\U0001F680");
  CHECK(one_line("a\nb\r\tc\x1b[31m\x7f") == "a b  c [31m");
  CHECK(one_line("a\u0085b\u009bc\u00a0d") == "a b c\u00a0d");
  CHECK(one_line("a\u2028b\u2029c\u061cd\u200ee\u200ff") == "a b c d e f");
  for (const auto* control :
       {"\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"}) {
    CAPTURE(control);
    CHECK(one_line(std::string("x") + control + "y") == "x y");
    CHECK(has_control(std::string("x") + control));
    CHECK(slack_name(std::string("x") + control + "y") == "x y");
  }
  // Neighbours of theirs, and bytes that begin nothing.
  CHECK(one_line("\u2010\u2027\u202f\u2065\u206a\u0620") == "\u2010\u2027\u202f\u2065\u206a\u0620");
  CHECK(one_line("a\xe2\x80") == "a\uFFFD\uFFFD");
  CHECK(one_line(" \n ") == "");
  CHECK_FALSE(has_control("plain \u00e9"));
}

TEST_CASE("a message says once what to do") {
  CHECK(with_fix("the key is refused", "give it a new key") == "the key is refused; give it a new key");
  for (const auto* told : {"no client id: give it the right ones with `watchbill connection update pd`",
                           "the token is dead: connect PagerDuty again"})
    CHECK(with_fix(told, "give it a new key") == told);
}
