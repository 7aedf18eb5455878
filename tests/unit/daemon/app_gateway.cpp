#include "daemon/app_gateway.hpp"

#include "tests/support/catch.hpp"

using namespace watchbill;
using namespace watchbill::daemon;

TEST_CASE("how Slack reaches the app is written down for status") {
  const Instant since{seconds{1'795'338'000}};
  CHECK(state_json({"socket", "up", since, ""}) ==
        R"({"mode":"socket","state":"up","since":"2026-11-22T09:00:00Z","problem":null})");
  CHECK(state_json({"http", "off", std::nullopt, "set it"}) ==
        R"({"mode":"http","state":"off","since":null,"problem":"set it"})");
}

TEST_CASE("a connection that was lost is a problem after three minutes, and not before") {
  const Instant since{seconds{1'795'338'000}};
  const slack::TransportState down{"socket", "down", since, "check slack.app_token_file"};
  CHECK_FALSE(problem_of(down, false, since + 2min));
  const auto problem = problem_of(down, false, since + 3min);
  REQUIRE(problem);
  CHECK(problem->key == "slack:app");
  CHECK(problem->text.find("check slack.app_token_file") != std::string::npos);
  CHECK(problem->text.find("2026-11-22 09:00 UTC") != std::string::npos);
  CHECK_FALSE(problem_of({"socket", "up", since, ""}, false, since + 1h));
  CHECK_FALSE(problem_of({"http", "waiting", since, "the last request was refused"}, false, since + 1h));
  // Not to have an app home is a choice; one that is configured and cannot be is a problem.
  CHECK_FALSE(problem_of({"socket", "off", std::nullopt, "set it"}, false, since + 1h));
  CHECK(problem_of({"socket", "off", std::nullopt, "/nowhere: No such file"}, true, since));
}
