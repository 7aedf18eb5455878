#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "config/secret_file.hpp"
#include "tests/support/catch.hpp"

using namespace watchbill;
using namespace watchbill::config;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A folder for secrets; systemd's variable points to its "credentials" unless a test takes it away.
class Folder {
 public:
  Folder() {
    std::string pattern = std::filesystem::temp_directory_path() / "watchbill-secret-XXXXXX";
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
    std::filesystem::create_directory(path + "/credentials");
    ::setenv("CREDENTIALS_DIRECTORY", (path + "/credentials").c_str(), 1);
  }
  ~Folder() {
    ::unsetenv("CREDENTIALS_DIRECTORY");
    std::filesystem::remove_all(path);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] std::string write(const std::string& name, const std::string& content,
                                  unsigned mode = 0600) const {
    const auto file = path + "/" + name;
    std::ofstream(file, std::ios::binary) << content;
    REQUIRE(::chmod(file.c_str(), mode) == 0);
    return file;
  }

  std::string path;
};

SecretSource source(std::optional<std::string> file = {}) {
  return {"slack.bot_token_file", "slack-bot-token", SecretKind::bot_token, std::move(file)};
}

std::string error_of(const Result<Secret>& result) {
  REQUIRE(!result);
  return result.error().message;
}

}  // namespace

TEST_CASE("a secret comes from its file without the line break at its end") {
  const Folder folder;
  CHECK(read_secret(source(folder.write("t", "xoxb-1\n")))->reveal() == "xoxb-1");
  CHECK(read_secret(source(folder.write("t", "xoxb-1\r\n\n")))->reveal() == "xoxb-1");
  CHECK(read_secret(source(folder.write("t", "xoxb-1")))->reveal() == "xoxb-1");
}

TEST_CASE("a secret that others may read is refused, naming key and file") {
  const Folder folder;
  for (const unsigned mode : {0644U, 0604U, 0660U, 0602U, 0601U}) {
    const auto file = folder.write("t", "xoxb-1", mode);
    const auto message = error_of(read_secret(source(file)));
    CHECK_THAT(message, ContainsSubstring("slack.bot_token_file: ") && ContainsSubstring(file) &&
                            ContainsSubstring("chmod 600"));
    CHECK_THAT(message, !ContainsSubstring("xoxb"));
  }
  CHECK(read_secret(source(folder.write("t", "xoxb-1", 0400))));
}

TEST_CASE("a secret of root may be read by a group, another's may not") {
  const Folder folder;
  const auto file = folder.write("t", "xoxb-1", 0640);
  if (::geteuid() != 0) {
    CHECK(!read_secret(source(file)));
    return;
  }
  CHECK(read_secret(source(file)));
  REQUIRE(::chown(file.c_str(), 65534, 65534) == 0);
  CHECK(!read_secret(source(file)));
}

TEST_CASE("empty, long, many-lined and missing secrets are refused") {
  const Folder folder;
  CHECK_THAT(error_of(read_secret(source(folder.write("t", "\n")))), ContainsSubstring("is empty"));
  CHECK_THAT(error_of(read_secret(source(folder.write("t", "a\nb")))),
             ContainsSubstring("more than one line"));
  CHECK_THAT(error_of(read_secret(source(folder.write("t", std::string(70'000, 'x'))))),
             ContainsSubstring("longer than"));
  CHECK_THAT(error_of(read_secret(source(folder.path))), ContainsSubstring("is not a file"));
  const auto missing = read_secret(source(folder.path + "/none"));
  CHECK(missing.error().kind == ErrorKind::not_found);
  CHECK_THAT(error_of(missing), ContainsSubstring("slack.bot_token_file: ") && ContainsSubstring("/none"));
}

TEST_CASE("a systemd credential of that name goes before a configured file") {
  const Folder folder;
  const auto file = folder.write("t", "xoxb-from-file");
  CHECK(read_secret(source(file))->reveal() == "xoxb-from-file");
  static_cast<void>(folder.write("credentials/slack-bot-token", "xoxb-from-systemd\n", 0440));
  CHECK(read_secret(source())->reveal() == "xoxb-from-systemd");
  CHECK(read_secret(source(file))->reveal() == "xoxb-from-systemd");
  SECTION("a credential may be named as a file, whatever its mode") {
    CHECK(read_secret(source(folder.path + "/credentials/slack-bot-token"))->reveal() == "xoxb-from-systemd");
  }
  SECTION("the service may not read the file: it need not") {
    CHECK(read_secret(source(folder.path + "/none"))->reveal() == "xoxb-from-systemd");
  }
  SECTION("an empty credential is an error, not a reason to look elsewhere") {
    static_cast<void>(folder.write("credentials/slack-bot-token", "\n"));
    CHECK_THAT(error_of(read_secret(source(file))), ContainsSubstring("credential slack-bot-token"));
  }
}

TEST_CASE("a secret that is not given is nothing, and an error where it is needed") {
  const Folder folder;
  CHECK(find_secret(source()).value() == std::nullopt);
  ::unsetenv("CREDENTIALS_DIRECTORY");
  CHECK(find_secret(source()).value() == std::nullopt);
  const auto needed = read_secret(source());
  CHECK(needed.error().kind == ErrorKind::not_found);
  CHECK_THAT(error_of(needed),
             ContainsSubstring("slack.bot_token_file is not set") && ContainsSubstring("slack-bot-token"));
}

TEST_CASE("the store's key as a credential keeps its bytes") {
  const Folder folder;
  CHECK(find_key_credential().value() == std::nullopt);
  const std::string raw = std::string(31, '\x01') + "\n";
  static_cast<void>(folder.write("credentials/watchbill-key", raw));
  CHECK((*find_key_credential())->reveal() == raw);
  static_cast<void>(folder.write("credentials/watchbill-key", std::string(64, 'a') + "\n"));
  CHECK((*find_key_credential())->reveal() == std::string(64, 'a'));
  static_cast<void>(folder.write("credentials/watchbill-key", ""));
  CHECK(!find_key_credential());
}

TEST_CASE("what stands around a secret is named before it is sent to anybody") {
  const Folder folder;
  const auto refusal = [&](const std::string& content) {
    const auto message = error_of(read_secret(source(folder.write("t", content))));
    CHECK_THAT(message, !ContainsSubstring("12345") && ContainsSubstring(folder.path));
    return message;
  };
  CHECK_THAT(refusal("\xEF\xBB\xBFxoxb-12345\n"), ContainsSubstring("byte order mark"));
  CHECK_THAT(refusal(std::string("\xFF\xFEx\0o\0x\0b\0", 10)), ContainsSubstring("UTF-16"));
  CHECK_THAT(refusal("\"xoxb-12345\"\n"), ContainsSubstring("quotes"));
  CHECK_THAT(refusal("'xoxb-12345'\n"), ContainsSubstring("quotes"));
  CHECK_THAT(refusal("Bearer xoxb-12345\n"), ContainsSubstring("Bearer"));
  CHECK_THAT(refusal("SLACK_BOT_TOKEN=xoxb-12345\n"), ContainsSubstring("NAME=SECRET"));
  CHECK_THAT(refusal("export T=xoxb-12345\n"), ContainsSubstring("NAME=SECRET"));
  CHECK_THAT(refusal("bot_token: xoxb-12345\n"), ContainsSubstring("NAME=SECRET"));
  CHECK_THAT(refusal("xoxb-12345 \n"), ContainsSubstring("spaces around"));
  CHECK_THAT(refusal("xoxb-12345 # bot\n"), ContainsSubstring("space in it"));
  CHECK_THAT(refusal("\nxoxb-12345\n"), ContainsSubstring("more than one line"));
}

TEST_CASE("a secret of another kind is named instead of sent") {
  using enum SecretKind;
  const auto refusal = [](std::string_view text, SecretKind kind) {
    const auto good = check_secret_text(text, kind);
    REQUIRE(!good);
    CHECK_THAT(good.error().message, !ContainsSubstring("12345"));
    return good.error().message;
  };
  CHECK_THAT(refusal("xapp-1-12345", bot_token),
             ContainsSubstring("app-level token (xapp-") && ContainsSubstring("must be Slack's bot"));
  CHECK_THAT(refusal("xoxp-12345", bot_token), ContainsSubstring("token of a user"));
  CHECK_THAT(refusal("xoxe-1-12345", bot_token), ContainsSubstring("that no app is given"));
  CHECK_THAT(refusal("xoxd-12345", user_token), ContainsSubstring("that no app is given"));
  CHECK_THAT(refusal("0123456789abcdef12345", bot_token), ContainsSubstring("is not Slack's bot token"));
  CHECK_THAT(refusal("xoxb-12345", app_token),
             ContainsSubstring("bot token (xoxb-") && ContainsSubstring("must be Slack's app-level"));
  CHECK_THAT(refusal("xapp-12345", signing_secret), ContainsSubstring("must be the signing secret"));
  CHECK_THAT(refusal("xoxb-12345", system_key), ContainsSubstring("must be a key of the scheduling system"));
  CHECK_THAT(refusal("https://hooks.example.com/12345", system_key), ContainsSubstring("is a URL"));
  CHECK_THAT(refusal("hooks.example.com/12345", url), ContainsSubstring("is not a URL"));
  for (const auto* good : {"xoxb-1", "xoxe.xoxb-1-2", "xoxa-2-1"}) CHECK(check_secret_text(good, bot_token));
  CHECK(check_secret_text("xoxe.xoxp-1-2", user_token));
  CHECK(check_secret_text("HTTPS://hooks.example.com/x?token=12345", url));
  // Keys of scheduling systems, whatever is in them.
  for (const auto* good :
       {"u+abcDEF123", "c2VjcmV0==", "a=b", "abc_DEF=", "3c765cff-3fe3-4229-8dc4-6b41c3d701a2", "k:v",
        "ATATT3xFfGF0abcdefghijklmnopqrstuvwxyz0123456789key=5C6E1F9A"})
    CHECK(check_secret_text(good, system_key));
}

TEST_CASE("a pasted secret is understood") {
  for (const auto* text : {"xoxb-1", "  xoxb-1\t", "\"xoxb-1\"", "Bearer xoxb-1", "SLACK_BOT_TOKEN=xoxb-1",
                           "export SLACK_BOT_TOKEN=\"xoxb-1\"", "\xEF\xBB\xBFxoxb-1\r", "bot_token: 'xoxb-1'",
                           "Authorization: Bearer xoxb-1"})
    CHECK(pasted_secret(text) == "xoxb-1");
  for (const auto* text : {"c2VjcmV0==", "a=b", "\"", "", "key="}) CHECK(pasted_secret(text) == text);
}
