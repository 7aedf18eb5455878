#include <limits>

#include "base/json.hpp"
#include "tests/support/catch.hpp"

using namespace watchbill;
using json::Writer;

TEST_CASE("what is written is read again") {
  Writer writer;
  writer.begin_object()
      .field("text", "tab\t quote\" back\\ line\n bell\x07")
      .field("whole", std::int64_t{INT64_MIN})
      .field("real", 0.1)
      .field("yes", true)
      .field("none", std::optional<std::string>())
      .field("some", std::optional<std::string>("x"))
      .field("list", std::vector<std::string>{"a", "b"});
  writer.key("nested").begin_array().begin_object().end_object().begin_array().end_array().raw("{\"r\":1}");
  writer.end_array().end_object();
  const std::string text = writer.take();
  CHECK(text == R"({"text":"tab\t quote\" back\\ line\n bell\u0007","whole":-9223372036854775808,"real":0.1,)"
                R"("yes":true,"none":null,"some":"x","list":["a","b"],"nested":[{},[],{"r":1}]})");
  auto document = json::parse(text);
  REQUIRE(document.ok());
  CHECK(document->root().dump() == text);
  CHECK(document->root()["text"].string().value() == "tab\t quote\" back\\ line\n bell\x07");
}

TEST_CASE("broken UTF-8 is written as U+FFFD") {
  const auto written = [](std::string_view text) { return Writer().value(text).take(); };
  CHECK(written("a\xFFz") == "\"a\xEF\xBF\xBDz\"");
  CHECK(written("\xC3") == "\"\xEF\xBF\xBD\"");
  CHECK(written("Zo\xC3\xAB \xF0\x9F\x98\x80") == "\"Zo\xC3\xAB \xF0\x9F\x98\x80\"");
  CHECK(written(std::string_view("\0", 1)) == "\"\\u0000\"");
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text{static_cast<char>(first), static_cast<char>(second), 'x'};
      if (!json::parse(written(text)).ok()) FAIL("bytes " << first << " " << second);
    }
  }
}

TEST_CASE("a number that JSON cannot say is null") {
  CHECK(Writer().value(std::numeric_limits<double>::infinity()).take() == "null");
  CHECK(Writer().value(std::numeric_limits<double>::quiet_NaN()).take() == "null");
}

TEST_CASE("misuse of the writer throws") {
  CHECK_THROWS_AS(Writer().begin_object().value(1), std::logic_error);
  CHECK_THROWS_AS(Writer().begin_object().key("a").key("b"), std::logic_error);
  CHECK_THROWS_AS(Writer().begin_object().key("a").end_object(), std::logic_error);
  CHECK_THROWS_AS(Writer().begin_array().end_object(), std::logic_error);
  CHECK_THROWS_AS(Writer().begin_array().key("a"), std::logic_error);
  CHECK_THROWS_AS(Writer().end_array(), std::logic_error);
  CHECK_THROWS_AS(Writer().value(1).value(2), std::logic_error);
  CHECK_THROWS_AS(Writer().begin_array().take(), std::logic_error);
  CHECK_THROWS_AS(Writer().take(), std::logic_error);
}

TEST_CASE("pretty indents and changes no value") {
  CHECK(json::pretty(R"({"a":[1,{"b":"x, {y}: \"z"}],"c":{},"d":[ ]})") ==
        "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x, {y}: \\\"z\"\n    }\n  ],\n  \"c\": {},\n  \"d\": "
        "[]\n}");
  CHECK(json::pretty("12") == "12");
  CHECK(json::pretty("\"open\\") == "\"open\\");
  CHECK(json::pretty("}]") == "\n}\n]");
}
