#include "cli/commands/sandbox_daemon.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/commands/commands.hpp"
#include "net/listen_socket.hpp"

namespace watchbill::cli {

namespace {

/// How often the daemon's state is looked up for the page.
constexpr milliseconds kLookEvery = 500ms;
/// Slack's minutes take six seconds: people can follow a storm.
constexpr int kRateScale = 10;
/// A scenario that has a channel of this name sees the alerts there.
constexpr const char* kAlertChannel = "ops-alerts";

Error os_error(const char* what) {
  return fail(ErrorKind::storage, "{}: {}", what, std::strerror(errno));
}

/// A file that only its owner can read.
Result<void> write_secret(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return os_error(path.c_str());
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  if (!written) return os_error(path.c_str());
  return {};
}

/// A loopback address with a port that is free now.
Result<std::string> free_address() {
  const auto fd = net::listen_on_loopback("127.0.0.1:0");
  if (!fd) return fd.error();
  const auto url = net::url_of_listener(*fd);
  ::close(*fd);
  return url.substr(url.find("//") + 2);
}

std::string last_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::string last;
  while (std::getline(file, line)) {
    if (!line.empty()) last = line;
  }
  return last;
}

/// In the child, between fork and exec: only what is safe there.
[[noreturn]] void become(char* const* words, int log) {
  // It does not outlive the sandbox, however that ends.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  std::signal(SIGPIPE, SIG_DFL);
  ::execv(words[0], words);
  ::_exit(127);
}

}  // namespace

SandboxDaemon::SandboxDaemon(net::EventLoop& loop, sandbox::Sandbox& servers, std::string folder,
                             std::string programs)
    : loop_(loop),
      servers_(servers),
      folder_(std::move(folder)),
      programs_(std::move(programs)),
      systems_(servers.system_setup(folder_)),
      ended_(loop) {
  if (auto parsed = json::parse(servers.ready_line())) ready_ = std::move(*parsed);
  loop.on_signal(SIGCHLD, [this] { reap(); });
}

SandboxDaemon::~SandboxDaemon() {
  for (const auto& [pid, child] : children_) {
    if (child.ended) continue;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

Result<std::unique_ptr<SandboxDaemon>> SandboxDaemon::make(net::EventLoop& loop, sandbox::Sandbox& servers) {
  std::error_code failed;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
  if (failed) return fail(ErrorKind::storage, "/proc/self/exe: {}", failed.message());
  const auto programs = self.parent_path().string();
  if (::access((programs + "/watchbilld").c_str(), X_OK) != 0) {
    return fail(ErrorKind::not_found, "there is no watchbilld in {}: build it, or use --servers-only",
                programs);
  }
  const char* const base = std::getenv("TMPDIR");
  std::string folder = std::string(base && *base ? base : "/tmp") + "/watchbill-sandbox-XXXXXX";
  if (!::mkdtemp(folder.data())) return os_error(folder.c_str());
  auto daemon = std::unique_ptr<SandboxDaemon>(new SandboxDaemon(loop, servers, folder, programs));
  auto listen = free_address();
  if (!listen) return listen.error();
  daemon->listen_ = *listen;
  if (auto written = daemon->write_files(); !written) return written.error();
  auto paced = servers.control(fmt::format(R"({{"do":"rate","scale":{}}})", kRateScale));
  if (!paced) return paced.error();
  return daemon;
}

Result<void> SandboxDaemon::write_files() {
  const auto tokens = ready_.root()["tokens"];
  auto secrets = systems_.secrets;
  secrets["bot"] = tokens["bot"].string_or("");
  secrets["app"] = tokens["app"].string_or("");
  secrets["signing"] = tokens["signing_secret"].string_or("");
  for (const auto& [name, value] : secrets) {
    if (auto written = write_secret(path(name), value); !written) return written;
  }
  write_config();
  return {};
}

void SandboxDaemon::write_config() {
  const auto root = ready_.root();
  std::ofstream(path("watchbill.yaml")) << fmt::format(
      "store: {0}/data/watchbill.db\nkey_file: {0}/data/key\nlisten: {1}\npublic_url: http://{1}\n"
      "poll_interval: 2s\nslack:\n  mode: {2}\n  api_url: {3}\n  bot_token_file: {0}/bot\n"
      "  app_token_file: {0}/app\n  signing_secret_file: {0}/signing\n  rate_scale: {4}\n"
      "  history_probe: true\n  alert_channel: {5}\n{6}",
      folder_, listen_, mode_, root["slack_api"].string_or(""), kRateScale, alert_channel(),
      systems_.configuration);
}

std::string SandboxDaemon::alert_channel() const {
  const auto answer = servers_.control(R"({"do":"state","only":["channels"]})");
  if (!answer) return "null";
  const auto state = json::parse(*answer);
  if (!state) return "null";
  for (const auto channel : state->root()["channels"].items()) {
    if (channel["name"].string_or("") == kAlertChannel) return channel["id"].string_or("null");
  }
  return "null";
}

Result<pid_t> SandboxDaemon::spawn(std::vector<std::string> command, const std::string& log) {
  std::vector<char*> words;
  words.reserve(command.size() + 1);
  for (auto& word : command) words.push_back(word.data());
  words.push_back(nullptr);
  const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return os_error(log.c_str());
  const pid_t pid = ::fork();
  if (pid == 0) become(words.data(), fd);
  ::close(fd);
  if (pid < 0) return os_error("fork");
  children_[pid] = {};
  return pid;
}

void SandboxDaemon::reap() {
  for (auto& [pid, child] : children_) {
    if (!child.ended && ::waitpid(pid, &child.status, WNOHANG) == pid) child.ended = true;
  }
  if (daemon_ != 0 && children_[daemon_].ended) {
    children_.erase(std::exchange(daemon_, 0));
    since_ = loop_.now();
    servers_.notice();
  }
  ended_.notify();
}

net::Task<Result<void>> SandboxDaemon::watchbill(std::vector<std::string> words) {
  std::vector<std::string> command{programs_ + "/watchbill", "--config", path("watchbill.yaml")};
  command.insert(command.end(), words.begin(), words.end());
  const auto log = path("setup.log");
  const auto pid = spawn(std::move(command), log);
  if (!pid) co_return pid.error();
  while (!children_[*pid].ended) co_await ended_.wait();
  const int status = children_[*pid].status;
  children_.erase(*pid);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) co_return Result<void>{};
  co_return fail(ErrorKind::internal, "{}", last_line(log));
}

net::Task<void> SandboxDaemon::prepare(std::function<void(const std::string&)> complain) {
  std::vector<std::vector<std::string>> steps;
  for (const auto& connection : systems_.connections) {
    auto& step = steps.emplace_back(std::vector<std::string>{"connection", "add"});
    step.insert(step.end(), connection.begin(), connection.end());
  }
  for (const auto& rotation : servers_.rotations()) {
    auto& step = steps.emplace_back(std::vector<std::string>{"rotation", "create", "--adopt", "--yes"});
    step.insert(step.end(), rotation.begin(), rotation.end());
  }
  for (const auto& step : steps) {
    const auto done = co_await watchbill(step);
    if (!done) complain(fmt::format("watchbill {} {}: {}", step[0], step[1], done.error().message));
  }
  if (const auto started = start(); !started) complain(started.error().message);
  look();
}

Result<void> SandboxDaemon::start() {
  if (daemon_ != 0) return fail(ErrorKind::conflict, "watchbilld is running");
  write_config();
  const auto pid = spawn({programs_ + "/watchbilld", "--config", path("watchbill.yaml")}, path("daemon.log"));
  if (!pid) return pid.error();
  daemon_ = *pid;
  since_ = loop_.now();
  ++starts_;
  servers_.notice();
  return {};
}

Result<void> SandboxDaemon::steer(const std::string& action, const std::string& mode) {
  if (!mode.empty() && mode != "socket" && mode != "http") {
    return fail(ErrorKind::invalid, "mode is \"socket\" or \"http\"");
  }
  if (action == "start") {
    if (!mode.empty()) mode_ = mode;
    const auto base = "http://" + listen_ + "/slack/";
    auto told = servers_.control(fmt::format(
        R"({{"do":"transport","mode":"{}","url":"{}events","actions_url":"{}interactions","options_url":"{}options","commands_url":"{}commands"}})",
        mode_, base, base, base, base));
    if (!told) return told.error();
    return start();
  }
  if (action != "kill" && action != "stop") {
    return fail(ErrorKind::invalid, "action is \"kill\", \"stop\" or \"start\"");
  }
  if (daemon_ == 0) return fail(ErrorKind::conflict, "watchbilld is not running");
  ::kill(daemon_, action == "kill" ? SIGKILL : SIGTERM);
  return {};
}

net::Task<Result<void>> SandboxDaemon::apply(std::string yaml) {
  const auto file = path("storm.yaml");
  std::ofstream(file) << yaml;
  std::vector<std::string> words{"apply", "-f", file, "--yes"};
  co_return co_await watchbill(std::move(words));
}

void SandboxDaemon::look() {
  std::ostringstream out;
  std::ostringstream err;
  std::istringstream in;
  Io io{out, err, in};
  const bool read = run(all_commands(nullptr),
                        {"--config", path("watchbill.yaml"), "status", "--format", "json"}, io) == kDone;
  auto fresh = read ? out.str() : "null";
  while (fresh.ends_with('\n')) fresh.pop_back();
  if (fresh != overview_) {
    overview_ = std::move(fresh);
    servers_.notice();
  }
  looking_ = net::Timer{loop_, loop_.start_timer(kLookEvery, [this] { look(); })};
}

std::string SandboxDaemon::status() {
  json::Writer w;
  w.begin_object()
      .field("state", daemon_ != 0   ? "running"
                      : starts_ == 0 ? "starting"
                                     : "stopped")
      .key("pid");
  if (daemon_ != 0) {
    w.value(static_cast<std::int64_t>(daemon_));
  } else {
    w.null();
  }
  w.key("since");
  if (starts_ == 0) {
    w.null();
  } else {
    w.value(format_rfc3339_ms(since_));
  }
  w.field("starts", starts_)
      .field("mode", mode_)
      .field("log", path("daemon.log"))
      .key("status")
      .raw(overview_);
  w.end_object();
  return w.take();
}

}  // namespace watchbill::cli
