#include <sstream>

#include "base/build.hpp"
#include "base/json.hpp"
#include "cli/commands/commands.hpp"
#include "store/store.hpp"
#include "tests/support/catch.hpp"

using namespace watchbill;
using namespace watchbill::cli;

namespace {

std::vector<Command> table() {
  return all_commands(nullptr);
}

struct Ran {
  int code = 0;
  std::string out;
  std::string err;
};

Ran run_with(const std::vector<std::string>& args) {
  std::ostringstream out;
  std::ostringstream err;
  std::istringstream in;
  Io io{out, err, in};
  const int code = run(table(), args, io);
  return {code, out.str(), err.str()};
}

}  // namespace

TEST_CASE("options of every command may stand before, between and after the command's words") {
  const auto commands = table();
  for (const auto& args : {std::vector<std::string>{"--format", "json", "rotation", "list"},
                           {"rotation", "--format=json", "list"},
                           {"rotation", "list", "--format", "json"}}) {
    auto parsed = parse(commands, args);
    REQUIRE(parsed);
    REQUIRE(parsed->command != nullptr);
    CHECK(parsed->command->path == "rotation list");
    CHECK(parsed->globals.json);
  }
}

TEST_CASE("values of repeated options are kept in order, with their commas") {
  const auto commands = table();
  auto parsed = parse(commands, {"rotation", "create", "a b", "--group", "@x", "--schedule", "pd/A,B",
                                 "--schedule", "pd/C", "--channel", ""});
  REQUIRE(parsed);
  CHECK(parsed->invocation.argument("NAME") == "a b");
  CHECK(parsed->invocation.values("schedule") == std::vector<std::string>{"pd/A,B", "pd/C"});
  CHECK(parsed->invocation.values("channel") == std::vector<std::string>{""});
  CHECK_FALSE(parsed->invocation.has("adopt"));
}

TEST_CASE("a dash as a value is standard input, and what follows -- is an argument") {
  const auto commands = table();
  auto parsed = parse(commands, {"apply", "-f", "-", "--prune"});
  REQUIRE(parsed);
  CHECK(parsed->invocation.value("file") == "-");
  CHECK(parsed->invocation.has("prune"));
  parsed = parse(commands, {"rotation", "show", "--", "--odd name"});
  REQUIRE(parsed);
  CHECK(parsed->invocation.argument("ROTATION") == "--odd name");
}

TEST_CASE("an unknown command or option suggests what was meant and exits 2") {
  auto ran = run_with({"rotaton", "list"});
  CHECK(ran.code == kUsage);
  CHECK(ran.err.find("did you mean \"rotation\"?") != std::string::npos);
  CHECK(ran.out.empty());

  ran = run_with({"rotation", "lst"});
  CHECK(ran.code == kUsage);
  CHECK(ran.err.find("did you mean \"list\"?") != std::string::npos);

  ran = run_with({"rotation", "create", "x", "--chanel", "#a"});
  CHECK(ran.code == kUsage);
  CHECK(ran.err.find("did you mean \"--channel\"?") != std::string::npos);
}

TEST_CASE("a secret given with an unknown option is not repeated") {
  const auto ran = run_with({"connection", "add", "pagerduty", "pd", "--api-key=s3cr3t-value"});
  CHECK(ran.code == kUsage);
  CHECK(ran.err.find("s3cr3t") == std::string::npos);
  CHECK(ran.err.find("--api-key-file") != std::string::npos);
}

TEST_CASE("what may be a secret in the wrong place is not repeated") {
  const std::string key = "y_NbAkKc66ryYTWUXYEu";
  for (const auto& words : {std::vector<std::string>{key},
                            {"rotation", key},
                            {"rotation", "show", "a", key},
                            {"--" + key},
                            {"rotation", "list", "--" + key + "=x"},
                            {"status", "--format", key}}) {
    const auto ran = run_with(words);
    CHECK(ran.code == kUsage);
    CHECK(ran.err.find(key) == std::string::npos);
  }
}

TEST_CASE("what was typed cannot add a line to an error") {
  for (const auto& words : {std::vector<std::string>{"a\nwatchbill: b\xE2\x80\xAE"},
                            {"rotation", "show", "a", "b\nwatchbill: c"},
                            {"--x\ny"},
                            {"rotation", "list", "--x\ny"},
                            {"status", "--format", "x\ny"}}) {
    const auto ran = run_with(words);
    CHECK(ran.code == kUsage);
    CHECK(ran.err.find('\n') == ran.err.size() - 1);
    CHECK(ran.err.find("\xE2\x80\xAE") == std::string::npos);
  }
}

TEST_CASE("further lines of an error are none that begin like ours") {
  std::ostringstream out;
  std::ostringstream err;
  std::istringstream in;
  Io io{out, err, in};
  report(io, fail(ErrorKind::invalid, "group a\nwatchbill: all is well"));
  CHECK(err.str() == "watchbill: group a\n  watchbill: all is well\n");
}

TEST_CASE("controls of layout become escapes, and the JSON stays the same") {
  const std::string text =
      "a\xE2\x80\xAE"
      "b \xC2\x9B"
      "c \xD8\x9C"
      "d \xE2\x80\xA8"
      "e \x7F Zo\xC3\xAB \xE2\x80\x94";
  const auto json = json::Writer().begin_object().field(text, text).end_object().take();
  const auto shown = visible_json(json);
  const std::string written = R"("a\u202eb \u009bc \u061cd \u2028e \u007f Zo)"
                              "\xC3\xAB \xE2\x80\x94\"";
  CHECK(shown == "{" + written + ":" + written + "}");
  CHECK(json::parse(shown)->root()[text].string_or("") == text);
  CHECK(visible_json("{\n  \"a\": 1\n}") == "{\n  \"a\": 1\n}");
}

TEST_CASE("wrong numbers of arguments and values exit 2 and say which") {
  CHECK(run_with({}).code == kUsage);
  CHECK(run_with({"rotation"}).code == kUsage);
  CHECK(run_with({"rotation", "show"}).err.find("ROTATION is missing") != std::string::npos);
  CHECK(run_with({"rotation", "show", "a", "b"}).err.find("\"b\" is one argument too many") !=
        std::string::npos);
  CHECK(run_with({"status", "--format", "xml"}).err.find("use table or json") != std::string::npos);
  CHECK(run_with({"rotation", "create", "x", "--mode", "keep", "--mode", "observe"}).err.find("only once") !=
        std::string::npos);
  CHECK(run_with({"status", "--store"}).code == kUsage);
}

TEST_CASE("every command has a help page with its arguments, options and an example") {
  for (const auto& command : table()) {
    INFO(command.path);
    const auto page = help_of(command);
    CHECK(page.find("Usage: watchbill " + command.path) != std::string::npos);
    for (const auto& option : command.options) CHECK(page.find("--" + option.name) != std::string::npos);
    for (const auto& argument : command.arguments) {
      CHECK(page.find(argument.name) != std::string::npos);
      CHECK_FALSE(argument.help.empty());
    }
    CHECK_FALSE(command.examples.empty());
    for (const auto& example : command.examples) CHECK(example.starts_with(command.path));
  }
}

TEST_CASE("help and version go to standard output and exit 0") {
  for (const auto& args : {std::vector<std::string>{"--help"},
                           {"help"},
                           {"rotation", "--help"},
                           {"rotation", "create", "--help"}}) {
    const auto ran = run_with(args);
    CHECK(ran.code == kDone);
    CHECK(ran.err.empty());
    CHECK(ran.out.find("watchbill rotation") != std::string::npos);
  }
  CHECK(run_with({"--version"}).out == fmt::format("watchbill {} (commit {}, schema {})\n", version(),
                                                   build_commit(), store::schema_version()));
}

TEST_CASE("each kind of failure has its exit code") {
  CHECK(exit_code(ErrorKind::invalid) == 2);
  CHECK(exit_code(ErrorKind::not_found) == 3);
  CHECK(exit_code(ErrorKind::conflict) == 4);
  CHECK(exit_code(ErrorKind::forbidden) == 5);
  for (const auto kind : {ErrorKind::unreachable, ErrorKind::timeout, ErrorKind::unauthorized,
                          ErrorKind::storage, ErrorKind::server, ErrorKind::cancelled, ErrorKind::internal})
    CHECK(exit_code(kind) == 1);
}

TEST_CASE("errors cannot steer the terminal") {
  std::ostringstream out;
  std::ostringstream err;
  std::istringstream in;
  Io io{out, err, in};
  CHECK(report(io, fail(ErrorKind::conflict, "rotation \"\x1b[2J\xC2\x9B\" and Zoë")) == kConflict);
  CHECK(err.str() == "watchbill: rotation \"?[2J?\" and Zoë\n");
}
