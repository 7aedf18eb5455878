#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/setup/files.hpp"
#include "config/config.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/project.hpp"

using namespace watchbill;
using namespace watchbill::cli;

namespace {

std::string content(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

struct Folder {
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "watchbill-setup-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path;
};

unsigned mode_of(const std::string& path) {
  struct stat is {};
  REQUIRE(stat(path.c_str(), &is) == 0);
  return is.st_mode & 07777U;
}

/// The file of the package, with all that it comments out left in place.
std::string example() {
  return test::project_text("packaging/watchbill.yaml");
}

}  // namespace

TEST_CASE("a setting is put where it belongs, and everything else stays") {
  CHECK(with_setting("", "listen", "127.0.0.1:1") == "listen: 127.0.0.1:1\n");
  CHECK(with_setting("", "slack.alert_channel", "C1") == "slack:\n  alert_channel: C1\n");
  CHECK(with_setting("slack:\n  mode: socket\nlisten: null\n", "slack.alert_channel", "C1") ==
        "slack:\n  alert_channel: C1\n  mode: socket\nlisten: null\n");
  CHECK(with_setting("slack:\n  # why\n  alert_channel: C0 # old\n  mode: socket\n", "slack.alert_channel",
                     "C1") == "slack:\n  # why\n  alert_channel: C1\n  mode: socket\n");
  CHECK(with_setting("slack:\n  #alert_channel: C0\n", "slack.alert_channel", "C1") ==
        "slack:\n  alert_channel: C1\n");
  // What stands there goes before what is commented out, and a longer name is another key.
  CHECK(with_setting("slack:\n  #mode: x\n  mode_two: y\n  mode: socket\n", "slack.mode", "http") ==
        "slack:\n  #mode: x\n  mode_two: y\n  mode: http\n");
  // A key of another section is left alone.
  CHECK(with_setting("log:\n  level: info\nslack:\n  mode: socket\n", "slack.level", "x") ==
        "log:\n  level: info\nslack:\n  level: x\n  mode: socket\n");
}

TEST_CASE("the packaged configuration with settings put into it loads, and has them") {
  Folder folder;
  auto text = example();
  text = with_setting(text, "slack.bot_token_file", "/etc/credstore/watchbill.slack-bot-token");
  text = with_setting(text, "slack.app_token_file", "/etc/credstore/watchbill.slack-app-token");
  text = with_setting(text, "slack.alert_channel", "C0123");
  const auto file = folder.path + "/watchbill.yaml";
  REQUIRE(write_configuration(file, text));
  const auto config =
      config::load({file, [](const std::string&) { return std::optional<std::string>{}; }, {}});
  REQUIRE(config);
  CHECK(config->slack.alert_channel == ChannelId("C0123"));
  CHECK(config->slack.app_token.file == "/etc/credstore/watchbill.slack-app-token");
  CHECK(mode_of(file) == 0644);
  // Again: nothing changes.
  CHECK(with_setting(text, "slack.alert_channel", "C0123") == text);
}

TEST_CASE("secrets are written for their owner alone, and a configuration keeps its mode") {
  Folder folder;
  const auto secret = folder.path + "/credstore/watchbill.slack-bot-token";
  REQUIRE(put_secret(secret, Secret("xoxb-1")));
  CHECK(content(secret) == "xoxb-1\n");
  CHECK(mode_of(secret) == 0600);
  CHECK(mode_of(folder.path + "/credstore") == 0700);
  REQUIRE(put_secret(secret, Secret("xoxb-2")));
  CHECK(content(secret) == "xoxb-2\n");
  const auto file = folder.path + "/c.yaml";
  std::ofstream(file) << "listen: null\n";
  REQUIRE(chmod(file.c_str(), 0640) == 0);
  REQUIRE(write_configuration(file, "listen: null\n#\n"));
  CHECK(mode_of(file) == 0640);
}

TEST_CASE("each configuration has its own secrets and unit") {
  CHECK(secret_path("/etc/watchbill/watchbill.yaml", "slack-bot-token") ==
        "/etc/credstore/watchbill.slack-bot-token");
  CHECK(secret_path("/etc/watchbill/acme.yaml", "slack-bot-token") ==
        "/etc/credstore/watchbill.acme.slack-bot-token");
  CHECK(secret_path("/home/ada/w.yaml", "slack-bot-token") == "/home/ada/slack-bot-token");
  CHECK(unit_of("/etc/watchbill/watchbill.yaml") == "watchbilld");
  CHECK(unit_of("/etc/watchbill/acme.yaml") == "watchbilld@acme");
  CHECK(unit_of("/home/ada/w.yaml").empty());
}
