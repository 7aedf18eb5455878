#include "core/announce/outbox.hpp"

#include "core/announce/announcement.hpp"
#include "tests/support/catch.hpp"

using namespace watchbill;

namespace {

const Instant kNow = *parse_rfc3339("2026-11-22T09:00:00Z");

OnCallPerson person(const std::string& name) {
  OnCallPerson who;
  who.responder = {"pd", "P" + name, name};
  who.member = UserId{"U" + name};
  return who;
}
OutboxRow row(OutboxState state, const std::string& before, const std::string& after, std::int64_t id = 1) {
  OutboxRow made;
  made.id = {id};
  made.state = state;
  made.facts.at = kNow;
  made.facts.before = {person(before)};
  made.facts.after = {person(after)};
  return made;
}
AnnouncementFacts facts(const std::string& before, const std::string& after) {
  return row(OutboxState::waiting, before, after).facts;
}
Error lost(ErrorKind kind) {
  auto error = fail(kind, "no answer");
  error.maybe_done = true;
  return error;
}

}  // namespace

TEST_CASE("an announcement waits for its group and its source, but not for ever") {
  auto waiting = row(OutboxState::waiting, "ada", "bo");
  waiting.confirm_by = kNow + 15s;
  CHECK_FALSE(release(waiting, kNow + 20s));
  waiting.group_confirmed = true;
  CHECK_FALSE(release(waiting, kNow + 14s));
  CHECK(release(waiting, kNow + 15s));
  auto without_group = row(OutboxState::waiting, "ada", "bo");
  CHECK_FALSE(release(without_group, kNow + 119s));
  CHECK(release(without_group, kNow + 2min));
}

TEST_CASE("a handoff that is decided late gives its group's write the same time") {
  auto late = row(OutboxState::waiting, "ada", "bo");
  late.next_try = kNow + 1h;
  CHECK_FALSE(release(late, kNow + 1h));
  CHECK(next_step(late, false, kNow + 1h, 6h).at == kNow + 1h + 2min);
  CHECK_FALSE(release(late, kNow + 1h + 119s));
  CHECK(release(late, kNow + 1h + 2min));
}

TEST_CASE("an attempt without an answer is looked up twice in history before it is sent again") {
  for (const auto kind : {ErrorKind::timeout, ErrorKind::server, ErrorKind::unreadable}) {
    auto sent = row(OutboxState::ready, "ada", "bo");
    begin_attempt(sent, kNow);
    complete_attempt(sent, lost(kind), kNow + 1s);
    CHECK(sent.state == OutboxState::unknown);
    CHECK(next_step(sent, false, kNow + 5s, 6h).action == OutboxAction::none);
    CHECK(next_step(sent, false, kNow + 6s, 6h).action == OutboxAction::probe);
    complete_probe(sent, {Probe::Kind::absent, {}}, kNow + 6s);
    CHECK(sent.state == OutboxState::unknown);
    CHECK(next_step(sent, false, kNow + 16s, 6h).action == OutboxAction::probe);
    auto found = sent;
    complete_probe(found, {Probe::Kind::found, "17.1"}, kNow + 16s);
    CHECK(found.state == OutboxState::sent);
    complete_probe(sent, {Probe::Kind::absent, {}}, kNow + 16s);
    CHECK(sent.state == OutboxState::ready);
    CHECK_FALSE(sent.possibly_repeated);
  }
}

TEST_CASE("where history is unreadable it is sent again and says so") {
  auto sent = row(OutboxState::ready, "ada", "bo");
  begin_attempt(sent, kNow);
  complete_attempt(sent, lost(ErrorKind::timeout), kNow);
  complete_probe(sent, {Probe::Kind::unreadable, {}}, kNow + 5s);
  CHECK(sent.state == OutboxState::ready);
  CHECK(sent.possibly_repeated);
}

TEST_CASE("a process that died while sending does not know whether it was sent") {
  auto sending = row(OutboxState::ready, "ada", "bo");
  begin_attempt(sending, kNow);
  recover(sending, kNow + 1s);
  CHECK(sending.state == OutboxState::unknown);
  CHECK(sending.next_try == kNow + 5s);
}

TEST_CASE("a refusal is tried again later; a channel that refuses is blocked") {
  auto refused = row(OutboxState::ready, "ada", "bo");
  begin_attempt(refused, kNow);
  auto limited = fail(ErrorKind::rate_limited, "429");
  limited.retry_after = 30s;
  complete_attempt(refused, limited, kNow);
  CHECK(refused.state == OutboxState::ready);
  CHECK(refused.next_try == kNow + 30s);
  begin_attempt(refused, kNow);
  complete_attempt(refused, fail(ErrorKind::forbidden, "is_archived"), kNow);
  CHECK(refused.state == OutboxState::blocked);
}

TEST_CASE("a further handoff merges into what has not left: old people before, new people after") {
  const auto merge = merge_announcement({row(OutboxState::waiting, "ada", "bo")}, facts("bo", "cy"), true);
  REQUIRE(merge.superseded.size() == 1);
  CHECK(merge.superseded[0].state == OutboxState::superseded);
  REQUIRE(merge.facts);
  CHECK(merge.facts->before[0].responder.name == "ada");
  CHECK(merge.facts->after[0].responder.name == "cy");
}

TEST_CASE("who came and went untold is kept through every merge, and whoever was interrupted does not stay") {
  auto facts_of = [](std::vector<std::string> before, std::vector<std::string> after) {
    auto made = facts("x", "y");
    made.before.clear();
    made.after.clear();
    for (const auto& name : before) made.before.push_back(facts("x", name).after[0]);
    for (const auto& name : after) made.after.push_back(facts("x", name).after[0]);
    return made;
  };
  auto merged = [](const AnnouncementFacts& untold, const AnnouncementFacts& next, bool foreseen = true,
                   std::optional<Instant> confirm_by = std::nullopt) {
    auto waiting = row(OutboxState::ready, "ada", "bo");
    waiting.facts = untold;
    waiting.confirm_by = confirm_by;
    auto merge = merge_announcement({waiting}, next, foreseen);
    REQUIRE(merge.facts);
    return *merge.facts;
  };
  auto two = merged(facts("ada", "bo"), facts("bo", "cy"));
  REQUIRE(two.between.size() == 1);
  CHECK(two.between[0].responder.name == "bo");
  CHECK(two.interrupted.size() == 1);
  auto three = merged(two, facts_of({"cy"}, {}));
  CHECK(three.between.size() == 2);
  CHECK_FALSE(three.nobody_between);
  auto four = merged(three, facts_of({}, {"ada", "bo"}));
  CHECK(four.nobody_between);
  REQUIRE(four.between.size() == 1);
  CHECK(four.between[0].responder.name == "cy");
  const auto text = render(four, Announce{}, {four.at}).text;
  CHECK(text.find("<@Uada> and <@Ubo> are now on call.") != std::string::npos);
  CHECK(text.find("\nIn between, cy was on call, and for a time nobody.") != std::string::npos);
  // What the source puts right within its time never was; a second boundary within it was.
  const auto by = facts("ada", "bo").at + 15s;
  CHECK(merged(facts("ada", "bo"), facts("bo", "cy"), false, by).between.empty());
  CHECK(merged(facts("ada", "bo"), facts("bo", "cy"), true, by).between.size() == 1);
}

TEST_CASE("back to the same people before anything left is silence") {
  const auto merge = merge_announcement({row(OutboxState::ready, "ada", "bo")}, facts("bo", "ada"), true);
  CHECK(merge.superseded.size() == 1);
  CHECK_FALSE(merge.facts);
}

TEST_CASE("what may be in Slack already is never merged, and what follows queues behind it") {
  for (const auto state : {OutboxState::sending, OutboxState::unknown}) {
    const auto merge = merge_announcement({row(state, "ada", "bo")}, facts("bo", "cy"), true);
    CHECK(merge.superseded.empty());
    CHECK(merge.facts);
  }
  CHECK(next_step(row(OutboxState::ready, "bo", "cy", 2), true, kNow, 6h).action == OutboxAction::none);
}

TEST_CASE("an announcement that was not in Slack after all is folded into the one behind it") {
  const auto changed =
      fold_into_later(row(OutboxState::ready, "ada", "bo"), {row(OutboxState::waiting, "bo", "cy", 2)});
  REQUIRE(changed.size() == 2);
  CHECK(changed[0].state == OutboxState::superseded);
  CHECK(changed[1].facts.before[0].responder.name == "ada");
}

TEST_CASE("an announcement that is too old ends as expired, one that may be in Slack does not") {
  CHECK(next_step(row(OutboxState::ready, "ada", "bo"), false, kNow + 6h + 1s, 6h).action ==
        OutboxAction::expire);
  CHECK(next_step(row(OutboxState::blocked, "ada", "bo"), false, kNow + 6h + 1s, 6h).action ==
        OutboxAction::expire);
  CHECK(next_step(row(OutboxState::unknown, "ada", "bo"), false, kNow + 6h + 1s, 6h).action ==
        OutboxAction::probe);
}
