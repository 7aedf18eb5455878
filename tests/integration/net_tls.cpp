#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>

#include "net/curl_client.hpp"

using namespace watchbill;
using namespace watchbill::net;

namespace {

/// `openssl s_server` with a certificate of its own making, in a folder that goes with it.
class TlsServer {
 public:
  /// `names` as in "IP:127.0.0.1,DNS:localhost".
  explicit TlsServer(const std::string& names) {
    std::string folder = (std::filesystem::temp_directory_path() / "watchbill-tls-XXXXXX").string();
    REQUIRE(::mkdtemp(folder.data()));
    folder_ = folder;
    const auto make = fmt::format(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test "
        "-addext subjectAltName={} -keyout {}/key -out {}/cert 2>/dev/null",
        names, folder, folder);
    REQUIRE(::system(make.c_str()) == 0);
    const auto serve = fmt::format(
        "echo $$; exec openssl s_server -accept 127.0.0.1:0 -www -key {}/key -cert {}/cert 2>/dev/null",
        folder, folder);
    output_ = ::popen(serve.c_str(), "r");
    REQUIRE(output_);
    char line[256];
    while (std::fgets(line, sizeof line, output_)) {
      const std::string text(line);
      if (pid_ == 0) pid_ = std::stoi(text);
      if (text.starts_with("ACCEPT")) {
        port_ = std::stoi(text.substr(text.rfind(':') + 1));
        break;
      }
    }
    REQUIRE(port_ != 0);
  }
  ~TlsServer() {
    if (pid_ != 0) ::kill(pid_, SIGKILL);
    if (output_) ::pclose(output_);
    std::filesystem::remove_all(folder_);
  }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  [[nodiscard]] std::string url() const { return fmt::format("https://127.0.0.1:{}/", port_); }
  [[nodiscard]] std::string certificate() const { return (folder_ / "cert").string(); }

 private:
  std::filesystem::path folder_;
  std::FILE* output_ = nullptr;
  pid_t pid_ = 0;
  int port_ = 0;
};

Result<HttpResponse> post(const TlsServer& server, const std::string& ca_file) {
  EventLoop loop;
  CurlOptions options;
  options.ca_file = ca_file;
  CurlClient client(loop, options);
  HttpRequest request;
  request.method = "POST";
  request.url = server.url();
  return loop.run_until_done(client.send(std::move(request)));
}

}  // namespace

TEST_CASE("a certificate is accepted only from who is trusted, and for the host asked") {
  const TlsServer server("IP:127.0.0.1");
  const TlsServer other("DNS:elsewhere.example");
  const auto untrusted = post(server, "");
  REQUIRE_FALSE(untrusted.ok());
  CHECK(untrusted.error().kind == ErrorKind::unreachable);
  CHECK_FALSE(untrusted.error().maybe_done);
  const auto elsewhere = post(other, other.certificate());
  REQUIRE_FALSE(elsewhere.ok());
  CHECK(elsewhere.error().kind == ErrorKind::unreachable);
  CHECK_FALSE(elsewhere.error().maybe_done);

  EventLoop loop;
  CurlOptions options;
  options.ca_file = server.certificate();
  CurlClient client(loop, options);
  HttpRequest request;
  request.url = server.url();
  CHECK(loop.run_until_done(client.send(request)).value().status == 200);
}
