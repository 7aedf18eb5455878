// What other processes ask of the daemon, and what becomes of it when one of the two ends.

#include "tests/support/catch.hpp"
#include "tests/unit/engine/world.hpp"

using namespace watchbill;
using namespace watchbill::test;
using Names = std::vector<std::string>;

namespace {

const char* const kCreate = R"({"name":"New","handle":"new","description":""})";

/// `rotation delete --restore` of "payments" as far as its first steps go: the group gets Bo back, whom
/// nobody put on call.
std::int64_t ask_restore(Payments& p, store::Store& cli) {
  const auto payload =
      fmt::format(R"({{"rotation":{},"group":"Spayments","members":["UBO"],"disabled":false}})", p.id.value);
  auto id = cli.requests().ask("restore_group", payload, p.world.loop.now() + 90s);
  REQUIRE(id);
  return *id;
}

Deletion begin_deletion(Payments& p, store::Store& cli) {
  const auto now = p.world.loop.now();
  Deletion deletion{p.id, "cli:ada", now, now + 150s};
  REQUIRE(cli.rotations().begin_deletion(deletion));
  return deletion;
}

std::string answer(store::Store& cli, std::int64_t id) {
  auto found = cli.requests().answer_of(id);
  REQUIRE(found);
  return found->value_or("");
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a request that nobody waits for any more is not carried out after a restart") {
  EngineWorld world;
  world.start();
  world.advance(20s);
  world.kill();
  auto cli = world.as_cli();
  auto late = cli->requests().ask("create_group", kCreate, world.loop.now() + 90s);
  auto given_up = cli->requests().ask("create_group", kCreate, world.loop.now() + 9min);
  REQUIRE(late);
  REQUIRE(given_up);
  REQUIRE(cli->requests().withdraw(*given_up));
  world.advance(2min);
  world.start();
  world.advance(20s);
  CHECK(world.slack.calls[slack::Method::usergroups_create] == 0);
  CHECK(says(answer(*cli, *late), "nobody waits"));
  CHECK(cli->requests().open_requests()->empty());
}

TEST_CASE("an asker who goes on waiting gets its answer, one who is gone is not waited for") {
  EngineWorld world;
  world.start();
  world.advance(20s);
  auto cli = world.as_cli();
  // The first minute's budget is used up: what is asked for now waits for the next.
  for (int i = 0; i < 40; ++i) REQUIRE(cli->requests().ask("create_group", kCreate, world.loop.now() + 5s));
  world.advance(6s);
  const auto before = world.slack.calls[slack::Method::usergroups_create];
  const auto waits = cli->requests().ask("create_group", kCreate, world.loop.now() + 5s);
  const auto gone = cli->requests().ask("create_group", kCreate, world.loop.now() + 5s);
  REQUIRE(waits);
  REQUIRE(gone);
  for (int i = 0; i < 200; ++i) {
    REQUIRE(cli->requests().renew(*waits, world.loop.now() + 5s));
    world.advance(1s);
  }
  CHECK(world.slack.calls[slack::Method::usergroups_create] == before + 1);
  CHECK(says(answer(*cli, *waits), "\"ok\":true"));
  CHECK(says(answer(*cli, *gone), "nobody waits"));
  // Who is answered is not asked for again.
  REQUIRE(cli->requests().renew(*gone, world.loop.now() + 5s));
  CHECK(cli->requests().open_requests()->empty());
}

TEST_CASE("a request is looked at again before it takes effect, however long the budget held it up") {
  EngineWorld world;
  world.start();
  world.advance(20s);
  auto cli = world.as_cli();
  // What Slack lets through in a minute, and more.
  for (int i = 0; i < 40; ++i) REQUIRE(cli->requests().ask("create_group", kCreate, world.loop.now() + 5s));
  world.advance(4s);
  const auto before = world.slack.calls[slack::Method::usergroups_create];
  REQUIRE(before > 0);
  REQUIRE(before < 40);
  world.advance(5min);
  CHECK(world.slack.calls[slack::Method::usergroups_create] == before);
  CHECK(cli->requests().open_requests()->empty());
}

TEST_CASE("a group is put back only while its rotation is being deleted") {
  Payments p;
  auto cli = p.world.as_cli();
  const auto active = ask_restore(p, *cli);
  p.world.advance(5s);
  CHECK(p.members() == Names{"UADA"});
  CHECK(says(answer(*cli, active), "is not being deleted any more"));

  // A restart finds what was left before somebody resumed the rotation.
  p.world.kill();
  const auto deletion = begin_deletion(p, *cli);
  const auto old = ask_restore(p, *cli);
  REQUIRE(cli->rotations().end_deletion(deletion));
  p.world.start();
  p.world.advance(10s);
  CHECK(says(answer(*cli, old), "is not being deleted any more"));
  CHECK(p.members() == Names{"UADA"});
  for (const auto& write : p.world.slack.writes) CHECK(write.members != std::vector<UserId>{UserId("UBO")});
}

TEST_CASE("a deletion that nobody finishes is given up, and the group is kept again") {
  const bool restarted = GENERATE(false, true);
  const auto drift = GENERATE(Drift::repair, Drift::report);
  CAPTURE(restarted);
  Payments p([&](Rotation& r) { r.drift = drift; });
  const auto told = p.messages().size();
  auto cli = p.world.as_cli();
  begin_deletion(p, *cli);
  const auto asked = ask_restore(p, *cli);
  p.world.advance(10s);
  CHECK(says(answer(*cli, asked), "\"ok\":true"));
  CHECK(p.members() == Names{"UBO"});
  CHECK(p.state() == "paused");
  const auto restored = p.world.history();
  REQUIRE_FALSE(restored.empty());
  CHECK(restored.front().cause == Cause::restore);
  CHECK(restored.front().by == "cli:ada");
  CHECK(restored.front().result == "ok");
  if (restarted) {
    p.world.kill();
    p.world.start();
  }
  // The command is gone. Nothing happens to the group before its time is over.
  p.world.advance(2min);
  CHECK(p.members() == Names{"UBO"});
  p.world.advance(30s);
  if (restarted) {
    p.world.kill();
    p.world.start();
  }
  p.world.advance(30s);
  CHECK(p.members() == Names{"UADA"});
  CHECK(p.state() == "in_sync");
  CHECK(p.messages().size() == told);
  const auto kept = p.world.history().front();
  CHECK(kept.cause == Cause::edit);
  CHECK(kept.by == "cli:ada");
  CHECK(cli->rotations().deletions()->empty());
  CHECK_FALSE(cli->rotations().list()->front().paused);
}

TEST_CASE("a daemon that is killed while it puts a group back keeps the group again when that is given up") {
  Payments p;
  auto cli = p.world.as_cli();
  begin_deletion(p, *cli);
  auto& calls = p.world.slack.calls[slack::Method::usergroups_users_update];
  const auto before = calls;
  p.world.slack.latency = 3s;
  const auto asked = ask_restore(p, *cli);
  while (calls == before) p.world.advance(500ms);
  p.world.kill();
  p.world.slack.latency = 20ms;
  p.edit_group({"UBO"});                     // what was on its way arrives all the same
  REQUIRE(cli->requests().withdraw(asked));  // as the command does when the daemon is gone
  p.world.start();
  p.world.advance(1min);
  CHECK(p.members() == Names{"UBO"});
  p.world.advance(2min);
  CHECK(p.members() == Names{"UADA"});
  CHECK(p.state() == "in_sync");
  // The restore is closed, and nobody says that it was carried out.
  for (const auto& change : p.world.history()) {
    CHECK(change.result.has_value());
    if (change.cause == Cause::restore) CHECK(change.result == "superseded");
  }
}
