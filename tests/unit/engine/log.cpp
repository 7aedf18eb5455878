#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sstream>

#include "engine/event_log.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/engine/world.hpp"

using namespace watchbill;
using namespace watchbill::test;
using Names = std::vector<std::string>;

namespace {

/// What the log of level info says while this lives.
class Journal {
 public:
  Journal() : before_(spdlog::default_logger()) {
    auto logger =
        std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_st>(written_));
    logger->set_pattern("%l: %v");
    spdlog::set_default_logger(std::move(logger));
  }
  ~Journal() { spdlog::set_default_logger(before_); }
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// The lines since the last call.
  Names lines() {
    Names lines;
    std::istringstream text(written_.str());
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    written_.str("");
    return lines;
  }

 private:
  std::ostringstream written_;
  std::shared_ptr<spdlog::logger> before_;
};

bool is_line(const std::string& line, const std::string& start) {
  return line.starts_with(start);
}

}  // namespace

TEST_CASE("a night tells its story in one line for each event, and an idle hour says nothing") {
  Payments p;
  Journal journal;
  p.world.advance(20min);
  CHECK(journal.lines().empty());
  p.world.loop.run_until(p.boundary + 20s);
  auto lines = journal.lines();
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] == "info: handoff rotation=payments group=@payments on=bo off=ada foreseen=yes");
  CHECK(
      is_line(lines[1], "info: group_written rotation=payments group=@payments members=1 ids=UBO after_ms="));
  CHECK(lines[2] == "info: announcement_sent rotation=payments channel=Cpayments");

  p.edit_group({"UCY"});
  p.world.advance(70s);
  lines = journal.lines();
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == "warning: drift rotation=payments group=@payments members=UCY wanted=UBO action=repair");
  CHECK(is_line(lines[1], "info: group_written rotation=payments group=@payments members=1 ids=UBO"));

  p.world.edit("payments", [](Rotation& r) { r.paused = true; });
  p.world.advance(2s);
  CHECK(journal.lines() == Names{"info: rotation_paused rotation=payments by=cli:root"});
  p.world.advance(10min);
  CHECK(journal.lines().empty());
}

TEST_CASE("a write that failed says why in the log, and one that Slack did not do who is missing") {
  Payments p;
  Journal journal;
  p.world.slack.fate = [](slack::Method method, const std::string&) {
    return method == slack::Method::usergroups_users_update ? FakeSlack::Fate::dropped
                                                            : FakeSlack::Fate::normal;
  };
  p.world.loop.run_until(p.boundary + 1s);
  auto lines = journal.lines();
  REQUIRE(lines.size() == 2);
  CHECK(lines[1] ==
        "warning: write_failed rotation=payments group=@payments error=\"no answer in time\" "
        "next_try_in=500ms");
  p.world.slack.fate = {};
  p.world.slack.left_out = {UserId{"UBO"}};
  p.world.advance(5min);
  lines = journal.lines();
  const auto told = [&lines](const std::string& start, const std::string& what) {
    return std::any_of(lines.begin(), lines.end(), [&](const auto& line) {
      return is_line(line, start) && line.find(what) != std::string::npos;
    });
  };
  CHECK(
      told("warning: write_failed", "error=\"Slack answered ok and did not do it: bo is missing [not_done]"));
  CHECK(told("warning: write_refused", "code=not_done"));
  CHECK(told("warning: problem key=", "bo is missing"));
  // None without its reason.
  for (const auto& line : lines) {
    if (is_line(line, "warning: write_")) CHECK(line.find("error=") != std::string::npos);
  }
}

TEST_CASE("a refused write says Slack's code, and when it is tried again") {
  Payments p;
  Journal journal;
  p.world.slack.fate = [](slack::Method method, const std::string&) {
    return method == slack::Method::usergroups_users_update ? FakeSlack::Fate::refused
                                                            : FakeSlack::Fate::normal;
  };
  p.world.slack.error.code = "permission_denied";
  p.world.loop.run_until(p.boundary + 10s);
  const auto lines = journal.lines();
  REQUIRE(lines.size() >= 3);
  CHECK(is_line(lines[0], "info: handoff"));
  CHECK(lines[1] ==
        "warning: write_refused rotation=payments group=@payments code=permission_denied "
        "error=\"the workspace lets only admins edit groups\" next_try_in=1m");
  CHECK(is_line(lines[2], "warning: problem key="));
  p.world.slack.fate = {};
  p.world.advance(2min);
  Names after = journal.lines();
  REQUIRE(after.size() >= 2);
  CHECK(is_line(after[0], "info: group_written"));
  CHECK(std::any_of(after.begin(), after.end(),
                    [](const auto& line) { return is_line(line, "info: problem_resolved key="); }));
}

TEST_CASE("Slack and a connection that fail and answer again are one line each, however long it lasts") {
  Payments p;
  Journal journal;
  p.world.slack.fate = [](slack::Method, const std::string&) { return FakeSlack::Fate::refused; };
  p.world.slack.error = fail(ErrorKind::unreachable, "no way to slack.com");
  p.world.system.down = true;
  p.world.advance(10min);
  p.world.slack.fate = {};
  p.world.system.down = false;
  p.world.advance(3min);
  std::map<std::string, int> seen;
  for (const auto& line : journal.lines()) ++seen[line.substr(0, line.find(' ', line.find(' ') + 1))];
  CHECK(seen["warning: slack_failing"] == 1);
  CHECK(seen["info: slack_answers"] == 1);
  CHECK(seen["warning: connection_failing"] == 1);
  CHECK(seen["info: connection_answers"] == 1);
  CHECK(seen["warning: problem"] == 2);
  CHECK(seen["info: problem_resolved"] == 2);
}

TEST_CASE("an event's values cannot be taken for others") {
  engine::Event event("handoff");
  event.with("rotation", "Payments: day")
      .with("on", "Ada \"A\"\nEve=1")
      .with("none", "")
      .with("ms", std::int64_t{7});
  CHECK(event.text() == R"(handoff rotation="Payments: day" on="Ada \"A\"\nEve=1" ms=7)");
  CHECK(event.json_fields() ==
        R"("message":"handoff","rotation":"Payments: day","on":"Ada \"A\"\nEve=1","ms":7)");
}
