#include "core/announce/template.hpp"

#include <rapidcheck.h>

#include "base/text.hpp"
#include "tests/support/catch.hpp"

using namespace watchbill;
using Catch::Matchers::ContainsSubstring;

namespace {

const TemplateVocabulary& vocabulary() {
  static const TemplateVocabulary all{
      {"rotation", VariableKind::text, "", ""},       {"until", VariableKind::markup, "", ""},
      {"first", VariableKind::flag, "", ""},          {"incoming", VariableKind::list, "", ""},
      {"name", VariableKind::text, "incoming", ""},   {"mention", VariableKind::markup, "incoming", ""},
      {"until", VariableKind::markup, "incoming", ""}};
  return all;
}

TemplateData data() {
  return {
      {{"rotation", "R&D"}, {"until", "<!date^1^{time}|x>"}, {"first", ""}, {"incoming", "<@U1> and <@U2>"}},
      {{"incoming",
        {{{"name", "Ada"}, {"mention", "<@U1>"}, {"until", "Monday"}},
         {{"name", "Bob"}, {"mention", "<@U2>"}}}}}};
}

std::string rendered(std::string_view text, std::size_t limit = 3500) {
  auto compiled = Template::compile(text, vocabulary());
  if (!compiled) FAIL(compiled.error().message);
  return compiled->render(data(), limit);
}

std::string error_of(std::string_view text) {
  auto compiled = Template::compile(text, vocabulary());
  REQUIRE(!compiled);
  CHECK(compiled.error().kind == ErrorKind::invalid);
  return compiled.error().message;
}

}  // namespace

TEST_CASE("variables, sections, inverted sections and comments") {
  CHECK(rendered("{{rotation}}: {{ incoming }} until {{until}}") ==
        "R&amp;D: <@U1> and <@U2> until <!date^1^{time}|x>");
  CHECK(rendered("{{{until}}}") == "<!date^1^{time}|x>");
  CHECK(rendered("{{#incoming}}{{name}}={{mention}};{{/incoming}}") == "Ada=<@U1>;Bob=<@U2>;");
  CHECK(rendered("{{#first}}new{{/first}}{{^first}}old{{/first}}") == "old");
  CHECK(rendered("{{^incoming}}nobody{{/incoming}}{{#rotation}}[{{rotation}}]{{/rotation}}") == "[R&amp;D]");
  CHECK(rendered("a{{! not shown }}b } }}") == "ab } }}");
}

TEST_CASE("an entry's own value goes before the one known everywhere") {
  CHECK(rendered("{{#incoming}}{{until}};{{/incoming}}") == "Monday;<!date^1^{time}|x>;");
}

TEST_CASE("a section tag or comment alone on its line leaves no line behind") {
  CHECK(rendered("On call:\n{{#incoming}}\n- {{name}}\n{{/incoming}}\n{{! bye }}\nend") ==
        "On call:\n- Ada\n- Bob\nend");
  CHECK(rendered("a\n  {{^first}}  \nb\n  {{/first}}") == "a\nb");
  CHECK(rendered("a\n{{rotation}}\nb") == "a\nR&amp;D\nb");
  CHECK(rendered("a\n{{^first}}{{/first}} b") == "a\n b");
}

TEST_CASE("an error says where it is and what would be right") {
  CHECK_THAT(error_of("hello\n  {{incomming}}"),
             ContainsSubstring(
                 "line 2, column 3: \"incomming\" does not exist, did you mean \"incoming\"?; known here: "
                 "rotation, until, first, incoming"));
  CHECK_THAT(error_of("ä {{x}}"), ContainsSubstring("line 1, column 3: "));
  CHECK_THAT(error_of("{{name}}"),
             ContainsSubstring("known only within a list, as in {{#incoming}}{{name}}{{/incoming}}"));
  CHECK_THAT(error_of("{{#incoming}}x"),
             ContainsSubstring("line 1, column 1: {{#incoming}} is never closed; write {{/incoming}}"));
  CHECK_THAT(error_of("{{#incoming}}{{#first}}"),
             ContainsSubstring("line 1, column 14: sections cannot be nested"));
  CHECK_THAT(error_of("{{#incoming}}{{/first}}"),
             ContainsSubstring("{{/first}} does not close \"incoming\""));
  CHECK_THAT(error_of("x{{/first}}"), ContainsSubstring("column 2: {{/first}} closes nothing"));
  CHECK_THAT(error_of("{{rotation"), ContainsSubstring("this tag is never closed; write }}"));
  CHECK_THAT(error_of("{{{until}}"), ContainsSubstring("write }}} after the name"));
  CHECK_THAT(error_of("{{}}"), ContainsSubstring("no name"));
  CHECK_THAT(error_of("{{Rotation}}"), ContainsSubstring("lower case"));
  CHECK_THAT(error_of("{{first}}"), ContainsSubstring("write {{#first}}text{{/first}}"));
  CHECK_THAT(error_of("{{{rotation}}}"), ContainsSubstring("always escaped; write {{rotation}}"));
  CHECK_THAT(error_of("{{> other}}"), ContainsSubstring("not supported"));
  CHECK_THAT(error_of("{{=<% %>=}}"), ContainsSubstring("not supported"));
  CHECK_THAT(error_of("{{&rotation}}"), ContainsSubstring("not supported"));
  CHECK_THAT(error_of(""), ContainsSubstring("empty"));
  CHECK_THAT(error_of(std::string(4001, 'x')), ContainsSubstring("4001 bytes"));
  CHECK_THAT(error_of("\xff"), ContainsSubstring("UTF-8"));
}

TEST_CASE("a value cannot be put into a token of Slack's") {
  CHECK_THAT(error_of("<!{{rotation}}>"), ContainsSubstring("column 3: inside <…>"));
  CHECK_THAT(error_of("<{{rotation}}>"), ContainsSubstring("inside <…>"));
  CHECK_THAT(error_of("<{{#first}}x{{/first}}>"), ContainsSubstring("a section cannot begin inside"));
  CHECK(rendered("<https://wiki.example.com/{{rotation}}|Runbook>") ==
        "<https://wiki.example.com/R&amp;D|Runbook>");
  CHECK(rendered("1 < 2 {{rotation}} <!here> {{rotation}}") == "1 < 2 R&amp;D <!here> R&amp;D");
}

TEST_CASE("the text is cut without splitting a token, an entity or a character") {
  CHECK(rendered("{{until}}{{rotation}}", 18) == "…");
  CHECK(rendered("ab{{incoming}}", 8) == "ab<@U1>…");
  CHECK(rendered("{{rotation}}{{rotation}}", 8) == "R&amp;D…");
  CHECK(rendered("äöü€{{rotation}}", 4) == "äöü…");
  CHECK(rendered("abcd", 4) == "abcd");
}

TEST_CASE("uses tells which names occur") {
  const auto compiled = Template::compile("{{rotation}}{{#incoming}}{{name}}{{/incoming}}", vocabulary());
  CHECK(compiled->uses("incoming"));
  CHECK(compiled->uses("name"));
  CHECK(!compiled->uses("first"));
}

TEST_CASE("no text of people can act as a format string") {
  TemplateData d{{{"rotation", "{:1000000000} {0} {{rotation}}"}}, {}};
  CHECK(Template::compile("{{rotation}}", vocabulary())->render(d, 3500) == "{:1000000000} {0} {{rotation}}");
}

TEST_CASE("no text crashes the compiler, and what it refuses has a reason") {
  const auto piece =
      rc::gen::weightedOneOf<std::string>({{3, rc::gen::elementOf(std::vector<std::string>{"{{",
                                                                                           "}}",
                                                                                           "{{{",
                                                                                           "}}}",
                                                                                           "{{#incoming}}",
                                                                                           "{{/incoming}}",
                                                                                           "{{^first}}",
                                                                                           "{{/first}}",
                                                                                           "{{rotation}}",
                                                                                           "{{until}}",
                                                                                           "{{name}}",
                                                                                           "{{mention}}",
                                                                                           "{{!",
                                                                                           "\n",
                                                                                           "<",
                                                                                           ">",
                                                                                           "&",
                                                                                           "<https://",
                                                                                           " ",
                                                                                           "ä"})},
                                           {1, rc::gen::arbitrary<std::string>()}});
  CHECK(rc::check([&] {
    std::string text;
    for (const auto& part : *rc::gen::container<std::vector<std::string>>(piece)) text += part;
    const auto compiled = Template::compile(text, vocabulary());
    if (compiled)
      RC_ASSERT(is_utf8(compiled->render(data(), 3500)));
    else
      RC_ASSERT(!compiled.error().message.empty());
  }));
}

TEST_CASE("no value passes the limit or lets text of people through") {
  const auto piece = rc::gen::elementOf(std::vector<std::string>{
      "{{rotation}}", "{{{until}}}", "{{incoming}}", "{{#incoming}}{{name}} {{mention}}{{/incoming}}",
      "{{#first}}first {{rotation}}{{/first}}", "{{^first}}{{until}}{{/first}}", "{{! a comment }}",
      "<https://wiki.example.com/{{rotation}}|Runbook>", "\n", " & ", "ä"});
  CHECK(rc::check([&] {
    std::string text = "{{rotation}}";
    for (const auto& part : *rc::gen::container<std::vector<std::string>>(piece)) text += part;
    const auto compiled = Template::compile(text, vocabulary());
    if (!compiled) RC_FAIL(compiled.error().message);
    auto d = data();
    d.values["rotation"] = "<!channel>" + *rc::gen::arbitrary<std::string>();
    d.lists["incoming"][0]["name"] = "<!here>" + *rc::gen::arbitrary<std::string>();
    const auto limit = *rc::gen::inRange<std::size_t>(1, 200);
    const auto out = compiled->render(d, limit);
    RC_ASSERT(is_utf8(out));
    RC_ASSERT(utf8_length(out) <= limit);
    RC_ASSERT(out.find("<!channel") == std::string::npos);
    RC_ASSERT(out.find("<!here") == std::string::npos);
  }));
}

TEST_CASE("a long list under a long section stops at the limit") {
  TemplateData d = data();
  d.lists["incoming"].assign(1'000'000, {{"name", "x"}});
  const auto text = "{{#incoming}}" + std::string(3000, 'y') + "{{/incoming}}";
  CHECK(utf8_length(Template::compile(text, vocabulary())->render(d, 3500)) == 3500);
}

TEST_CASE("a text that notifies a whole channel is known for it, however it is written") {
  const auto everyone = [](std::string_view text) {
    auto compiled = Template::compile(text, vocabulary());
    if (!compiled) FAIL(compiled.error().message);
    return compiled->notifies_everyone();
  };
  for (const auto* text :
       {"<!channel> hi", "hi <!here>", "<!everyone>", "<!channel|all>", "<!HERE>", "<{{! }}!channel>",
        "{{#first}}<!here>{{/first}}", "<!chan{{! }}nel>", "<!group>", "< !channel> <!channel>"}) {
    CAPTURE(text);
    CHECK(everyone(text));
  }
  for (const auto* text :
       {"@channel", "<@U1>", "<!subteam^S1>", "<!date^1^{time}|x>", "!channel {{rotation}}",
        "&lt;!channel&gt;", "<https://a.example/!channel>", "{{rotation}}"}) {
    CAPTURE(text);
    CHECK_FALSE(everyone(text));
  }
}
