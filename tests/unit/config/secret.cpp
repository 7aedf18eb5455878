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
  return {"slack.bot_token_file", "slack-bot-token", std::move(file)};
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
  const auto file = folder.write("t", "from-file");
  CHECK(read_secret(source(file))->reveal() == "from-file");
  static_cast<void>(folder.write("credentials/slack-bot-token", "from-systemd\n", 0440));
  CHECK(read_secret(source())->reveal() == "from-systemd");
  CHECK(read_secret(source(file))->reveal() == "from-systemd");
  SECTION("a credential may be named as a file, whatever its mode") {
    CHECK(read_secret(source(folder.path + "/credentials/slack-bot-token"))->reveal() == "from-systemd");
  }
  SECTION("the service may not read the file: it need not") {
    CHECK(read_secret(source(folder.path + "/none"))->reveal() == "from-systemd");
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
