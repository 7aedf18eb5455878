#include "tests/support/catch.hpp"
#include "tests/unit/engine/world.hpp"

using namespace watchbill;
using namespace watchbill::test;
using Names = std::vector<std::string>;

namespace {

/// A rotation over a system that its vendor switches off on 2027-04-05, and a connection to it that none
/// uses.
struct Ending {
  EngineWorld world{[] {
    engine::EngineOptions options;
    options.alerts.channel = ChannelId{"CALERT"};
    return options;
  }()};
  RotationId id;

  Ending() {
    world.slack.add_user("UADA", "ada@example.com");
    for (const auto* name : {"og", "unused"}) world.connect(name, "opsgenie");
    world.systems.at("og").rotate("1", {"ada"}, world.loop.now() - days{1}, days{400});
    id = world.create(world.rotation("platform", {"og/1"}));
  }
  /// What is told of it in all by the alert channel, after the daemon ran on that day.
  std::size_t told_on(std::string_view day) {
    world.loop.set_wall(*parse_rfc3339(fmt::format("{}T09:00:00Z", day)));
    world.start();
    world.advance(2min);
    world.kill();
    std::size_t told = 0;
    for (const auto& message : world.slack.messages("CALERT")) {
      if (message.text.find("2027-04-05") == std::string::npos) continue;
      CHECK_THAT(message.text,
                 Catch::Matchers::ContainsSubstring("connection og: ") &&
                     Catch::Matchers::ContainsSubstring("watchbill connection migrate og NEW") &&
                     !Catch::Matchers::ContainsSubstring("unused"));
      ++told;
    }
    return told;
  }
};

}  // namespace

TEST_CASE("that a system ends is told 90, 30 and 7 days before, once each, to those who use it") {
  Ending e;
  CHECK(e.told_on("2026-12-01") == 0);
  CHECK(e.told_on("2027-01-04") == 0);
  CHECK(e.told_on("2027-01-05") == 1);
  CHECK(e.told_on("2027-02-20") == 1);
  CHECK(e.told_on("2027-03-06") == 2);
  CHECK(e.told_on("2027-03-29") == 3);
  CHECK(e.told_on("2027-04-04") == 3);
}
