#include <array>

#include "slack/people/directory.hpp"
#include "tests/integration/slack/workspace.hpp"

using namespace watchbill;
using namespace watchbill::slack;
using test::permit;
using test::SlackWorkspace;

namespace {

Result<std::vector<UserId>> write(SlackWorkspace& w) {
  std::vector<UserId> members{UserId("U0ADA")};
  return w.run(w.client.set_members(permit(Method::usergroups_users_update), GroupId("S0ONCALL"), members));
}

Result<std::vector<UserGroup>> read(SlackWorkspace& w) {
  return w.run(w.client.list_groups(permit(Method::usergroups_list)));
}

Result<Posted> post(SlackWorkspace& w) {
  OutgoingMessage message{ChannelId("C0PAYMENTS"), "hi", "", "k"};
  return w.run(w.client.post(permit(Method::chat_post_message), message));
}

}  // namespace

TEST_CASE("a 429 is an error with its wait, and stops that method alone") {
  SlackWorkspace w;
  w.populate();
  w.fault(R"("kind":"429","match":"usergroups.users.update","retry_after":7,"times":1)");
  const auto result = write(w);
  REQUIRE_FALSE(result);
  CHECK(result.error().kind == ErrorKind::rate_limited);
  CHECK(result.error().retry_after == 7s);
  CHECK_FALSE(w.limiter.try_acquire(Method::usergroups_users_update, Priority::handoff));
  CHECK(w.limiter.try_acquire(Method::usergroups_list, Priority::handoff));
  const auto wait = w.limiter.when(Method::usergroups_users_update, Priority::handoff, 1) - w.loop.now();
  CHECK(wait > 5s);
  CHECK(wait <= 7s);
}

TEST_CASE("a 429 without anything in it waits 30 s, and one in a body counts the same") {
  SlackWorkspace w;
  w.populate();
  w.fault(R"("kind":"429","bare":true,"match":"usergroups.users.update","times":1)");
  CHECK(write(w).error().retry_after == 30s);
  w.fault(R"("kind":"error","code":"rate_limited","match":"chat.postMessage","times":1)");
  CHECK(post(w).error().kind == ErrorKind::rate_limited);
  CHECK_FALSE(w.limiter.try_acquire(Method::chat_post_message, Priority::handoff, "C0PAYMENTS"));
}

TEST_CASE("a failing Slack may have done it") {
  SlackWorkspace w;
  w.populate();
  for (const auto* kind : {"500", "502", "503", "504"}) {
    w.fault(R"("kind":")" + std::string(kind) + R"(","times":2)");
    const auto result = write(w);
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == ErrorKind::server);
    CHECK(result.error().maybe_done);
    CHECK(read(w).error().kind == ErrorKind::server);
  }
  for (const auto* code : {"internal_error", "fatal_error", "request_timeout", "service_unavailable"}) {
    w.fault(R"("kind":"error","code":")" + std::string(code) + R"(","times":1)");
    CHECK(post(w).error().maybe_done);
  }
}

TEST_CASE("an answer that is lost on its way leaves open whether it was done") {
  SlackWorkspace w;
  w.populate();
  struct Loss {
    std::string fields;
    ErrorKind kind;
  };
  const std::array<Loss, 4> losses{
      Loss{R"("kind":"reset","after":true,"times":1)", ErrorKind::timeout},
      Loss{R"("kind":"truncated","times":1)", ErrorKind::unreadable},
      Loss{R"("kind":"wrong_types","times":1)", ErrorKind::unreadable},
      Loss{R"("kind":"huge","mb":20,"times":1)", ErrorKind::unreadable},
  };
  for (const auto& loss : losses) {
    INFO(loss.fields);
    w.fault(loss.fields);
    const auto result = post(w);
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == loss.kind);
    CHECK(result.error().maybe_done);
  }
  const auto messages = w.control(R"({"do":"messages","channel":"payments"})");
  CHECK(messages.root()["messages"].size() == 4);
}

TEST_CASE("HTML and nothing at all are no answer") {
  SlackWorkspace w;
  w.populate();
  for (const auto* kind : {"html", "empty", "401_html"}) {
    INFO(kind);
    w.fault(R"("kind":")" + std::string(kind) + R"(","times":2)");
    CHECK(post(w).error().kind == ErrorKind::unreadable);
    CHECK(read(w).error().kind == ErrorKind::unreadable);
  }
  CHECK(read(w));
}

TEST_CASE("a server that never answers costs one deadline and no neighbour") {
  SlackWorkspace w;
  w.populate();
  auto options = w.options();
  options.deadline = 300ms;
  WebClient client(w.http, w.limiter, options);
  w.fault(R"("kind":"hang","match":"users.info","times":1)");
  const auto hung = w.run(client.user_info(permit(Method::users_info), UserId("U0ADA")));
  REQUIRE_FALSE(hung);
  CHECK(hung.error().kind == ErrorKind::timeout);
  CHECK(w.run(client.user_info(permit(Method::users_info), UserId("U0ADA"))));
}

TEST_CASE("a list of groups above 32 MiB is refused, a long one is read") {
  SlackWorkspace w;
  w.populate();
  w.fault(R"("kind":"huge","mb":40,"times":1)");
  const auto result = read(w);
  REQUIRE_FALSE(result);
  CHECK(result.error().kind == ErrorKind::unreadable);
  w.control(R"({"do":"bulk","groups":3000,"people":3000,"schedules":{},"channels":0})");
  const auto groups = read(w);
  REQUIRE(groups);
  CHECK(groups->size() >= 3000);
}

TEST_CASE("Slack's clock is compared with ours") {
  SlackWorkspace w;
  w.control(R"({"do":"skew","system":"slack","seconds":40})");
  REQUIRE(read(w));
  REQUIRE(w.client.clock_skew());
  CHECK(*w.client.clock_skew() >= 38s);
  CHECK(*w.client.clock_skew() <= 41s);
}

TEST_CASE("nobody there is unreachable, and nothing was done") {
  SlackWorkspace w;
  auto options = w.options();
  options.api_url = "http://127.0.0.1:1/api";
  WebClient client(w.http, w.limiter, options);
  OutgoingMessage message{ChannelId("C1"), "hi", "", ""};
  const auto result = w.run(client.post(permit(Method::chat_post_message), message));
  REQUIRE_FALSE(result);
  CHECK(result.error().kind == ErrorKind::unreachable);
  CHECK_FALSE(result.error().maybe_done);
}

namespace {

net::Task<void> one_write(RateLimiter& limiter, WebClient& client, int number, int& done, int& refused) {
  auto leave = co_await limiter.acquire(Method::usergroups_users_update, Priority::handoff);
  std::vector<UserId> members{UserId(number % 2 == 0 ? "U0ADA" : "U0BO")};
  const auto result = co_await client.set_members(std::move(leave), GroupId("S0ONCALL"), members);
  if (result) {
    ++done;
  } else {
    ++refused;
  }
}

net::Task<void> wait_for(net::EventLoop& loop, const int& done, const int& refused, int all) {
  while (done + refused < all) co_await net::sleep_for(loop, 10ms);
}

net::Task<void> storm(net::EventLoop& loop, RateLimiter& limiter, WebClient& client, int all, int& done,
                      int& refused) {
  net::TaskScope scope;
  for (int i = 0; i < all; ++i) scope.spawn(one_write(limiter, client, i, done, refused));
  co_await wait_for(loop, done, refused, all);
}

}  // namespace

TEST_CASE("a storm goes through a strict limit without a single 429") {
  SlackWorkspace w;
  w.populate();
  w.control(R"({"do":"rate","off":false,"scale":60})");
  RateLimiter limiter(w.loop, 60);
  WebClient client(w.http, limiter, w.options());
  int done = 0;
  int refused = 0;
  w.run(storm(w.loop, limiter, client, 100, done, refused));
  CHECK(done == 100);
  CHECK(refused == 0);
}

namespace {}  // namespace

TEST_CASE("the directory knows a workspace of two thousand after ten calls") {
  SlackWorkspace w;
  w.control(R"({"do":"bulk","groups":0,"people":2000,"schedules":{},"channels":0})");
  Directory directory(w.loop, w.limiter, w.client);
  std::vector<std::string> emails{"nobody@example.com"};
  const auto state = w.control(R"({"do":"state","only":["users"]})");
  for (const auto user : state.root()["users"].items()) {
    if (const auto email = user["email"].text()) emails.push_back(*email);
  }
  REQUIRE(emails.size() > 2000);
  emails.resize(1500);
  REQUIRE(w.run(directory.resolve(emails, Priority::handoff)));
  CHECK(directory.size() == 1499);
  CHECK(directory.absent("nobody@example.com"));
  CHECK(w.client.counts().at({"users.list", "ok"}) <= 11);
  CHECK(w.client.counts().size() == 1);
}
