#include "daemon/status_page.hpp"

#include "tests/support/catch.hpp"

using namespace watchbill;
using namespace watchbill::daemon;

namespace {

control::RotationView status_rotation(const std::string& name, const std::string& state) {
  control::RotationView view;
  view.rotation.name = name;
  view.rotation.handle = name + "-oncall";
  view.state = state;
  return view;
}

StatusFacts status_facts() {
  StatusFacts facts;
  facts.now = Instant{seconds{1'795'338'000}};
  facts.version = "1.2.3";
  facts.figures.slack_usable = true;
  facts.overview.last_pass = facts.now - 12s;
  return facts;
}

bool shows(const std::string& page, std::string_view text) {
  return page.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("the status page shows who is on call, what is queued, and how late handoffs are") {
  auto facts = status_facts();
  auto view = status_rotation("payments", "in_sync");
  view.members = {UserId{"U1"}, UserId{"U2"}};
  OnCallPerson ada;
  ada.responder.name = "Ada Lindqvist";
  ada.member = UserId{"U1"};
  OnCallPerson bo;
  bo.responder.name = "Bo Tanaka";
  view.on_call = {ada, bo};
  view.next_boundary = facts.now + 1h;
  facts.names[UserId{"U1"}] = "ada";
  facts.overview.rotations = {view};
  facts.overview.connections.push_back({"pd", "pagerduty", {"ok", facts.now - 30s, 60s, std::nullopt}});
  facts.overview.queued_writes = 40;
  facts.overview.queue_done_in = 120s;
  facts.overview.outbox_pending = 3;
  facts.overview.outbox_oldest = 61s;
  facts.figures.lag_counts = {5, 2, 1, 4, 0, 0, 0, 0};
  const auto page = status_page(facts);
  for (const auto* text :
       {"All is well.", "payments", "@payments-oncall", "Ada Lindqvist, Bo Tanaka (not in Slack)", "ada, U2",
        "12s ago", "40, done in about 2m", "3, the oldest for 1m 1s", "8 of 12 within 1 s", "pagerduty",
        "1.2.3"}) {
    INFO(text);
    CHECK(shows(page, text));
  }
  CHECK_FALSE(shows(page, "<script"));
}

TEST_CASE("on the status page stands first what needs somebody, with its reason and for how long") {
  auto facts = status_facts();
  auto broken = status_rotation("zulu", "error");
  broken.problems = {"@zulu-oncall was not written: run `watchbill doctor`"};
  facts.overview.rotations = {status_rotation("alpha", "in_sync"), status_rotation("mike", "stale"), broken};
  facts.figures.rotations = {{"zulu", "error", 300s}};
  const auto page = status_page(facts);
  CHECK(shows(page, "2 of 3 rotations need a look."));
  CHECK(shows(page, "needs somebody for 5m"));
  CHECK(shows(page, "<li><b>zulu</b>: @zulu-oncall was not written"));
  const auto row = [&page](const std::string& name) { return page.find("<td>" + name + "</td>"); };
  CHECK(row("zulu") < row("mike"));
  CHECK(row("mike") < row("alpha"));
}

TEST_CASE("nothing that people wrote becomes part of the status page's HTML") {
  auto facts = status_facts();
  const std::string evil = "<script>alert('1')</script>\"&";
  auto view = status_rotation(evil, "error");
  view.rotation.handle = evil;
  view.problems = {evil};
  OnCallPerson person;
  person.responder.name = evil;
  view.on_call = {person};
  view.members = {UserId{"U1"}};
  facts.names[UserId{"U1"}] = evil;
  facts.overview.rotations = {view};
  facts.overview.connections.push_back({evil, evil, {evil, std::nullopt, 0s, evil}});
  facts.overview.slack_app = control::SlackAppView{evil, evil, std::nullopt, evil};
  facts.version = evil;
  const auto page = status_page(facts);
  CHECK_FALSE(shows(page, "<script"));
  CHECK_FALSE(shows(page, "alert('1')"));
  CHECK(shows(page, "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&amp;"));
}

TEST_CASE("a status page of very many rotations is cut, and says so") {
  auto facts = status_facts();
  for (std::size_t i = 0; i < kMaxStatusRows + 7; ++i)
    facts.overview.rotations.push_back(status_rotation(fmt::format("r{}", i), "in_sync"));
  facts.overview.rotations.push_back(status_rotation("the-last-is-wrong", "error"));
  const auto page = status_page(facts);
  CHECK(shows(page, "and 8 more"));
  CHECK(shows(page, "the-last-is-wrong"));
}

TEST_CASE("the status page is shown under our own names only") {
  CHECK(may_see_status("127.0.0.1:9469", ""));
  CHECK(may_see_status("localhost:8080", ""));
  CHECK(may_see_status("watchbill.example.com", "https://watchbill.example.com"));
  CHECK_FALSE(may_see_status("watchbill.example.com", ""));
  CHECK_FALSE(may_see_status("evil.example", "https://watchbill.example.com"));
  CHECK_FALSE(may_see_status("evil.example:9469", ""));
  CHECK_FALSE(may_see_status("", ""));
}
