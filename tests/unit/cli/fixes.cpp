#include "cli/commands/fixes.hpp"

#include <regex>

#include "engine/targets/refusal.hpp"
#include "slack/api/answer.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/project.hpp"

using namespace watchbill;
using namespace watchbill::cli;

namespace {

Rotation payments() {
  Rotation rotation;
  rotation.id = RotationId{12};
  rotation.name = "Payments: day";
  return rotation;
}

std::string fix(const std::string& key, const std::string& text = "it is broken") {
  const auto rotation = payments();
  return fix_of(Problem{key, text, rotation.id}, &rotation);
}

/// The keys of docs/alerts.md with something in the place of what differs.
std::vector<std::string> documented_keys() {
  std::vector<std::string> keys;
  const auto page = test::project_text("docs/alerts.md");
  const std::regex key("`((rotation|connection|slack|store|role):[A-Za-z_:/]+)`");
  for (std::sregex_iterator at(page.begin(), page.end(), key), end; at != end; ++at) keys.push_back((*at)[1]);
  return keys;
}

}  // namespace

TEST_CASE("every problem that the documents list has a fix of its own, and none is 'read the text'") {
  const auto keys = documented_keys();
  REQUIRE(keys.size() > 20);
  for (const auto& key : keys) {
    CAPTURE(key);
    // A refusal's fix is Slack's (below).
    if (key == "rotation:N:refused") continue;
    CHECK(fix(key).size() > 15);
    CHECK(fix(key).find("message") == std::string::npos);
    CHECK(fix(key).find("nothing:") == std::string::npos);
  }
}

TEST_CASE("fixes name the rotation, connection and person that the problem is about") {
  CHECK(fix("rotation:12:unmatched:pd/PKIM") == "watchbill people map pd/PKIM U…");
  CHECK(fix("rotation:12:gone:pd/P1") ==
        "watchbill rotation edit \"Payments: day\" --schedule CONNECTION/ID");
  CHECK(fix("rotation:12:forbidden:og/77f1") ==
        "watchbill connection update og --api-key-file FILE (of somebody who may read og/77f1)");
  CHECK(fix("rotation:12:unknown:pd/P1") == "watchbill connection test pd");
  CHECK(fix("connection:pd:unauthorized") == "watchbill connection update pd --api-key-file FILE");
  CHECK(fix("role:fallback:12:U1") == "watchbill rotation edit \"Payments: day\" --fallback …");
  CHECK(fix("role:editor:U1") == "take U1 out of slack.editors.users, or name another");
}

TEST_CASE("a rotation of a file is mended in the file") {
  auto rotation = payments();
  rotation.managed_by = "file:/etc/watchbill/rotations.yaml";
  CHECK(
      fix_of(Problem{"rotation:12:missing", "gone", rotation.id}, &rotation) ==
      "change it in /etc/watchbill/rotations.yaml, then `watchbill apply -f /etc/watchbill/rotations.yaml`");
}

TEST_CASE("what Slack refuses has the fix of Slack's code") {
  net::HttpResponse answer;
  answer.status = 200;
  answer.body = R"({"ok":false,"error":"token_revoked"})";
  const auto refused =
      slack::interpret(slack::Method::usergroups_users_update, slack::TokenKind::bot, answer);
  REQUIRE_FALSE(refused);
  const std::string wanted = "reinstall the app and put its new token into slack.bot_token_file";
  CHECK(slack_fix(refused.error()) == wanted);
  CHECK(fix("rotation:12:refused", "@pay was not written: " + refused.error().message + ". On call is Ada") ==
        wanted);
  const auto not_done = engine::not_done_error("bo (UBO) is missing", true).message;
  CHECK(fix("rotation:12:refused", "@pay was not written: " + not_done + ". On call is Bo") ==
        "if Slack shows the same people under other ids, map them to those with `watchbill people map`; else "
        "see whether they can be members of a group");
  CHECK(fix("slack:groups", "Slack's user groups cannot be read: " + refused.error().message) == wanted);
}

TEST_CASE("a store that cannot be used has a fix, from its message if that names one") {
  const auto of = [](ErrorKind kind, const std::string& message, const std::string& code = {}) {
    Error error{kind, message};
    error.code = code;
    return store_fix(error, "/var/lib/watchbill/watchbill.db");
  };
  CHECK(
      of(ErrorKind::forbidden, "/var/lib/watchbill is open to other users (mode 0755): run `chmod 700 /x`") ==
      "run `chmod 700 /x`");
  CHECK(of(ErrorKind::conflict, "x was written by a newer Watchbill: install the newer version again") ==
        "install the newer version again");
  CHECK(of(ErrorKind::storage, "x: the disk is full: free some space", "full") ==
        "make room on the disk of /var/lib/watchbill/watchbill.db");
  CHECK(of(ErrorKind::storage, "x: the file is damaged: stop watchbilld and restore a backup", "corrupt")
            .find("watchbill restore") != std::string::npos);
}

TEST_CASE("when Slack was not reached no token is blamed") {
  for (const auto kind : {ErrorKind::unreachable, ErrorKind::timeout}) {
    const auto said = slack_fix(fail(kind, "Slack auth.test: no connection: refused"));
    for (const auto* where : {"network", "DNS", "http.proxy", "slack.api_url"})
      CHECK(said.find(where) != std::string::npos);
    CHECK(said.find("token") == std::string::npos);
  }
}
