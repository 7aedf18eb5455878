#include "tests/support/catch.hpp"
#include "tests/unit/engine/world.hpp"

using namespace watchbill;
using namespace watchbill::test;
using Names = std::vector<std::string>;

namespace {

engine::EngineOptions polled_every(milliseconds interval) {
  engine::EngineOptions options;
  options.poll_interval = interval;
  options.alerts.heartbeat = Secret("https://alive.example/beat");
  return options;
}

store::ConnectionStatus shown_connection(Payments& p) {
  auto statuses = p.world.store->connections().statuses();
  REQUIRE(statuses);
  REQUIRE(statuses->size() == 1);
  return statuses->front().second;
}

/// How often the system is polled, and how long a schedule takes to answer for itself.
struct Pace {
  seconds interval;
  milliseconds latency;
};

/// Fast and slow answers at every interval, more of them where polls overtake answers.
Pace any_pace() {
  return GENERATE(Pace{1s, 30ms}, Pace{1s, 4s}, Pace{3s, 14s}, Pace{5s, 30ms}, Pace{5s, 700ms}, Pace{5s, 14s},
                  Pace{10s, 4s}, Pace{10s, 40s}, Pace{30s, 30ms}, Pace{30s, 14s}, Pace{60s, 4s},
                  Pace{60s, 40s});
}

const Error kServerError =
    fail(ErrorKind::server, "PagerDuty answered 500: Internal Server Error; it is asked again");

}  // namespace

TEST_CASE("an absence that the schedule itself does not confirm is stale after a minute, and says why") {
  const auto [interval, latency] =
      GENERATE(Pace{1s, 4s}, Pace{3s, 30ms}, Pace{5s, 14s}, Pace{10s, 30ms}, Pace{30s, 4s}, Pace{60s, 14s});
  INFO("polled every " << interval.count() << " s, answers after " << latency.count() << " ms");
  Payments p({}, polled_every(interval));
  p.world.system.confirm_latency = latency;
  p.world.advance(30s);
  REQUIRE(p.state() == "in_sync");
  p.world.system.shows_nobody = true;
  p.world.system.itself_fails = kServerError;
  // The next list, half a minute until the schedule is asked, and a minute in all.
  p.world.advance(interval + 60s + latency + 2s);
  CHECK(p.state() == "stale");
  CHECK(p.problems().find("P1") != std::string::npos);
  CHECK(p.problems().find("PagerDuty answered 500") != std::string::npos);
  CHECK(shown_connection(p).state == "failing");
  REQUIRE(shown_connection(p).problem);
  CHECK(shown_connection(p).problem->find("PagerDuty answered 500") != std::string::npos);
  CHECK(p.members() == Names{"UADA"});
  // For as long as it lasts, without a break; and the heartbeat stops.
  const auto beats = p.world.web.sent.size();
  for (int i = 0; i < 5; ++i) {
    p.world.advance(17s);
    CHECK(p.state() == "stale");
    CHECK(shown_connection(p).state == "failing");
    CHECK(p.world.engine->figures().open_problems == 1);
  }
  CHECK(p.world.web.sent.size() == beats);
  CHECK(p.members() == Names{"UADA"});
  CHECK(p.messages().size() == 1);
  // What is known goes on, and it heals by itself.
  if (interval == 30s) {
    p.world.loop.run_until(p.boundary + 1s);
    CHECK(p.members() == Names{"UBO"});
  }
  p.world.system.shows_nobody = false;
  p.world.system.itself_fails.reset();
  p.world.advance(2 * interval + latency + 2s);
  CHECK(p.state() == "in_sync");
  CHECK(p.problems().empty());
  CHECK(shown_connection(p).state == "ok");
  CHECK(p.world.engine->figures().open_problems == 0);
  p.world.advance(interval + 2s);
  CHECK(p.world.web.sent.size() > beats);
}

TEST_CASE("a deleted schedule is named in time however often its system is polled") {
  const auto [interval, latency] = any_pace();
  INFO("polled every " << interval.count() << " s, answers after " << latency.count() << " ms");
  Payments p({}, polled_every(interval));
  p.world.system.confirm_latency = latency;
  p.world.advance(30s);
  p.world.system.presence["P1"] = AnswerStatus::gone;
  const auto confirms = p.world.system.confirms;
  p.world.advance(interval + 30s + latency + 2s);
  CHECK(p.state() == "error");
  CHECK(p.problems().find("schedule pd/P1 does not exist") != std::string::npos);
  CHECK(p.members() == Names{"UADA"});
  // It goes on being named, and is asked no more than twice a minute.
  for (int i = 0; i < 2; ++i) {
    p.world.advance(28s);
    CHECK(p.problems().find("does not exist") != std::string::npos);
  }
  CHECK(p.world.system.confirms - confirms <= 6);
}

TEST_CASE("an end of duty that the schedule confirms acts in time however often its system is polled") {
  const auto [interval, latency] = any_pace();
  INFO("polled every " << interval.count() << " s, answers after " << latency.count() << " ms");
  Payments p([](Rotation& r) { r.empty = Empty::disable; }, polled_every(interval));
  p.world.system.confirm_latency = latency;
  p.world.advance(30s);
  p.world.system.truth["P1"].clear();
  p.world.advance(interval + 30s + latency + 2s);
  CHECK(p.world.slack.groups.at(GroupId{"Spayments"}).disabled);
  p.world.advance(5s);
  CHECK(p.state() == "in_sync");
  CHECK(shown_connection(p).state == "ok");
}

TEST_CASE("a schedule that answers for itself is believed although the list goes on without it") {
  const auto [interval, latency] = GENERATE(Pace{1s, 4s}, Pace{5s, 14s}, Pace{60s, 30ms});
  INFO("polled every " << interval.count() << " s, answers after " << latency.count() << " ms");
  Payments p({}, polled_every(interval));
  p.world.system.confirm_latency = latency;
  p.world.system.shows_nobody = true;
  for (int i = 0; i < 4; ++i) {
    p.world.advance(30s);
    CHECK(p.state() == "in_sync");
  }
  CHECK(shown_connection(p).state == "ok");
}
