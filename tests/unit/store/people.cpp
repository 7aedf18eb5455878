#include "tests/unit/store/support.hpp"

using namespace watchbill;
using namespace watchbill::store;

TEST_CASE("a mapping is made, changed and taken back, with an audit of each") {
  TempFolder folder;
  auto store = open_store(folder);
  auto& people = store->people();
  const auto generation = must(store->generation());
  must(people.map({.person = "ada@example.com", .user = UserId("U1"), .at = at(5), .by = "U9"}, "cli:root"));
  must(store->set_meta("team_id", "T1"));
  must(people.map({.person = "ada@example.com", .user = UserId("U2")}, "cli:root"));
  must(people.map({.person = "pagerduty/PUSER1", .user = UserId("U3"), .at = at(6)}, "cli:root"));
  const auto found = must(people.mappings());
  REQUIRE(found.size() == 2);
  CHECK(found[0].person == "ada@example.com");
  CHECK(found[0].user == UserId("U2"));
  CHECK(found[0].by == "cli:root");
  CHECK(found[0].at > at(5));
  CHECK(found[1].at == at(6));
  CHECK(must(store->generation()) == generation + 3);

  must(people.unmap("ada@example.com", "U7"));
  CHECK(error_of(people.unmap("ada@example.com", "U7")).kind == ErrorKind::not_found);
  CHECK(must(people.mappings()).size() == 1);
  CHECK(must(store->generation()) == generation + 4);
  const auto audit = must(store->history().audit({}));
  REQUIRE(audit.size() == 4);
  CHECK(audit[0].action == "people.unmap");
  CHECK(audit[0].actor == "U7");
  CHECK(audit[0].before == R"({"user":"U2"})");
  CHECK(audit[0].after.empty());
  CHECK(audit[2].action == "people.map");
  CHECK(audit[2].object == "ada@example.com");
  CHECK(audit[2].before == R"({"user":"U1"})");
  CHECK(audit[2].after == R"({"user":"U2"})");
}

TEST_CASE("Slack users are remembered as they were last seen") {
  TempFolder folder;
  auto store = open_store(folder);
  const CachedUser ada{UserId("U1"), "Ada", "ada@example.com", true, true, true, true, at(3)};
  const CachedUser bo{.id = UserId("U2"), .name = "Bo", .seen_at = at(1)};
  must(store->people().put_users({{.id = UserId("U1"), .name = "old", .seen_at = at(1)}, bo}));
  must(store->people().put_users({ada}));
  must(store->people().put_users({}));
  store = open_store(folder);
  CHECK(must(store->people().users()) == std::vector{ada, bo});
}

TEST_CASE("the list of unmatched people is replaced as a whole") {
  TempFolder folder;
  auto store = open_store(folder);
  auto& people = store->people();
  must(people.replace_unmatched({{{"pd", "R1", "Zoe", "zoe@example.com"}, "no account", at(1)},
                                 {{"pd", "R2", "Al"}, "no e-mail", at(2)},
                                 // Seen through two schedules.
                                 {{"pd", "R2", "Al"}, "no e-mail", at(2)}}));
  const auto found = must(people.unmatched());
  REQUIRE(found.size() == 2);
  CHECK(found[0].responder == Responder{"pd", "R2", ""});
  CHECK(found[0].responder.name == "Al");
  CHECK(found[0].responder.email == std::nullopt);
  CHECK(found[1].responder.email == "zoe@example.com");
  CHECK(found[1].why == "no account");
  CHECK(found[1].since == at(1));
  must(people.replace_unmatched({}));
  CHECK(must(people.unmatched()).empty());
}

TEST_CASE("another process's request is seen, answered and read") {
  TempFolder folder;
  auto cli = open_store(folder);
  auto daemon = open_store(folder);
  const auto id = must(cli->requests().ask("sync", R"({"rotation":1})", kNever));
  const auto second = must(cli->requests().ask("restore_group", "{}", kNever));
  CHECK(must(cli->requests().answer_of(id)) == std::nullopt);
  const auto open = must(daemon->requests().open_requests());
  REQUIRE(open.size() == 2);
  CHECK(open[0].id == id);
  CHECK(open[0].kind == "sync");
  CHECK(open[0].payload == R"({"rotation":1})");
  CHECK(open[0].at > at(0));
  must(daemon->requests().answer(id, R"({"ok":true})"));
  CHECK(must(cli->requests().answer_of(id)) == R"({"ok":true})");
  CHECK(must(daemon->requests().open_requests()).at(0).id == second);
  CHECK(error_of(cli->requests().answer_of(99)).kind == ErrorKind::not_found);
  CHECK(error_of(daemon->requests().answer(99, "{}")).kind == ErrorKind::not_found);
}

TEST_CASE("a problem is one row from its beginning to its end") {
  TempFolder folder;
  auto store = open_store(folder);
  OpenProblem open{.problem = {.key = "rotation:1:permission_denied",
                               .text = "Slack refuses",
                               .rotation = RotationId{1},
                               .connection = "pd",
                               .alert = false},
                   .since = at(1)};
  must(store->problems().put(open));
  open.ended_at = at(2);
  open.alerted_channel = true;
  open.alerted_webhook = true;
  must(store->problems().put(open));
  store = open_store(folder);
  const auto found = must(store->problems().list());
  REQUIRE(found.size() == 1);
  CHECK(found[0].problem == open.problem);
  CHECK(found[0].since == at(1));
  CHECK(found[0].ended_at == at(2));
  CHECK(found[0].alerted_channel);
  CHECK(found[0].alerted_webhook);
  must(store->problems().remove(open.problem.key));
  CHECK(must(store->problems().list()).empty());
}
