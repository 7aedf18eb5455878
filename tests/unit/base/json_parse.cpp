#include "base/json.hpp"
#include "tests/support/catch.hpp"

using namespace watchbill;
using json::parse;

namespace {

json::Document good(std::string_view text) {
  auto document = parse(text);
  INFO(text);
  REQUIRE(document.ok());
  return std::move(document).value();
}

std::string bad(std::string_view text) {
  auto document = parse(text);
  INFO(text.substr(0, 100));
  REQUIRE_FALSE(document.ok());
  CHECK(document.error().kind == ErrorKind::unreadable);
  return document.error().message;
}

/// Touches everything that can be read.
void visit(json::View view) {
  (void)view.path();
  (void)view.integer();
  (void)view.string();
  for (auto child : view.items()) visit(child);
}

constexpr std::string_view kSample =
    R"({"oncalls":[{"user":{"id":"P1","name":"Zoë \ud83d\ude00"},"level":1,"end":null,"ok":true},)"
    R"({"user":{},"level":2.5e0,"end":"2026-11-22T09:00:00Z","ok":false}],"more":false,"n":-17})";

}  // namespace

TEST_CASE("values are read with their types") {
  const auto document = good(kSample);
  const auto root = document.root();
  CHECK(root["oncalls"].size() == 2);
  CHECK(root["n"].integer().value() == -17);
  CHECK(root["more"].boolean().value() == false);
  const auto rows = root["oncalls"].array();
  std::vector<std::string> names;
  for (auto row : rows.value()) names.push_back(row["user"]["name"].string_or("?"));
  CHECK(names == std::vector<std::string>{"Zoë \xF0\x9F\x98\x80", "?"});
  std::vector<std::string> keys;
  for (auto member : root.items()) keys.emplace_back(member.key());
  CHECK(keys == std::vector<std::string>{"oncalls", "more", "n"});
  CHECK(root["oncalls"].items().size() == 2);
  CHECK_FALSE(root["nothing"].exists());
  CHECK(root["nothing"].is_null());
  CHECK(root["nothing"].items().size() == 0);
  CHECK(root["nothing"].dump() == "null");
  CHECK(root["nothing"].integer_or(3) == 3);
  CHECK(root["n"].string_or("x") == "x");
  CHECK_FALSE(root["n"].text().has_value());
  CHECK(root["n"].number().value() == -17.0);
}

TEST_CASE("an error of type names the path") {
  const auto document = good(kSample);
  const auto root = document.root();
  std::vector<json::View> rows;
  for (auto row : root["oncalls"].items()) rows.push_back(row);
  CHECK(rows[1]["user"]["id"].string().error().message ==
        "expected a string at $.oncalls[1].user.id, found nothing");
  CHECK(rows[1]["user"]["id"]["x"].path() == "$.oncalls[1].user.id");
  CHECK(rows[0]["level"].string().error().message ==
        "expected a string at $.oncalls[0].level, found a number");
  CHECK(rows[1]["level"].integer().error().message ==
        "expected an integer at $.oncalls[1].level, found a number");
  CHECK(rows[0]["end"].object().error().message == "expected an object at $.oncalls[0].end, found null");
  CHECK(root.array().error().message == "expected an array at $, found an object");
  CHECK(root["n"]["x"].boolean().error().message == "expected true or false at $.n.x, found nothing");
  CHECK(json::View().path() == "$");

  const auto strange = good(R"({"a \"b\u0001":[1]})");
  for (auto child : strange.root().items()) CHECK(child.path() == R"($["a \"b\u0001"])");
}

TEST_CASE("nesting beyond 64 levels is refused, however deep it is") {
  const auto nested = [](std::size_t depth, const char* open, const char* close) {
    std::string text;
    for (std::size_t i = 0; i < depth; ++i) text += open;
    text += "1";
    for (std::size_t i = 0; i < depth; ++i) text += close;
    return text;
  };
  visit(good(nested(64, "[", "]")).root());
  CHECK(bad(nested(65, "[", "]")) == "not usable JSON at byte 64: nested too deeply");
  bad(nested(10'000, "[", "]"));
  bad(nested(1'000'000, "{\"a\":", "}"));
  bad(std::string(10'000'000, '['));
  std::string wide = "[[]";
  for (int i = 0; i < 1000; ++i) wide += ",[{}]";
  CHECK(good(wide + "]").root().size() == 1001);
}

TEST_CASE("a crafted exponent ends nothing") {
  CHECK(bad("1e99999").starts_with("not usable JSON at byte 0"));
  bad("[1e309]");
  bad("1e99999999999999999999999999999");
  bad("-1" + std::string(400, '0'));
  bad("0.1e2147483648");
  const auto value = [](std::string_view text) { return good(text).root().number().value(); };
  CHECK(value("1e-99999999") == 0.0);
  CHECK(value("1.5e-2147483649") == 0.0);
  CHECK(value("0." + std::string(100'000, '0') + "1e-5") == 0.0);
  CHECK(value("1" + std::string(300, '0') + "e-300") == 1.0);
  CHECK(value("123.25E+2") == 12325.0);
  CHECK(value("1.7976931348623157e308") == 1.7976931348623157e308);
}

TEST_CASE("integers keep all their digits") {
  const auto value = [](std::string_view text) { return good(text).root().integer(); };
  CHECK(value("9223372036854775807").value() == INT64_MAX);
  CHECK(value("-9223372036854775808").value() == INT64_MIN);
  CHECK_FALSE(value("9223372036854775808").ok());
  CHECK(value("1763802000.0").value() == 1763802000);
  CHECK(value("1e3").value() == 1000);
  CHECK_FALSE(value("1e300").ok());
}

TEST_CASE("what is not JSON is refused with the byte") {
  CHECK(bad("<html>").starts_with("not usable JSON at byte 0: "));
  CHECK(bad("{\"a\":1,}").starts_with("not usable JSON at byte 7: "));
  CHECK(bad(std::string_view("1\0 2", 4)) == "not usable JSON at byte 1: NUL");
  bad("");
  bad("  ");
  bad("01");
  bad("NaN");
  bad("[1] x");
  bad("// no\n1");
  good("\xEF\xBB\xBF {\"a\":1} \n");
}

TEST_CASE("broken UTF-8 is refused") {
  bad("\"\xFF\"");
  bad("\"\xC0\xAF\"");
  bad("\"\xED\xA0\x80\"");
  bad("\"\xF5\x80\x80\x80\"");
  bad("\"\xC3\"");
  bad(R"("\ud800")");
  bad(R"("\ud800\u0041")");
  bad(R"("\udc00")");
  bad(R"({"\udfff":1})");
  good("\"\xF0\x9F\x98\x80\"");
}

TEST_CASE("a text cut at any byte is refused and nothing breaks") {
  for (std::size_t length = 0; length < kSample.size(); ++length) bad(kSample.substr(0, length));
}

TEST_CASE("a text with any byte changed is read or refused, and nothing breaks") {
  for (std::size_t i = 0; i < kSample.size(); ++i) {
    for (const char c : {'\0', '"', '{', ']', '\\', 'e', '9', '\xFF'}) {
      std::string text(kSample);
      text[i] = c;
      if (auto document = parse(text)) visit(document->root());
    }
  }
}

TEST_CASE("a text of very many tiny values is refused before it fills the memory") {
  std::string text = "[0";
  for (int i = 0; i < 2'100'000; ++i) text += ",0";
  text += "]";
  CHECK(bad(text).ends_with("too many values"));
}

TEST_CASE("a document can be moved before its views are taken") {
  auto first = good("[1]");
  auto second = std::move(first);
  CHECK(second.root().dump() == "[1]");
  CHECK_FALSE(first.root().exists());
}
