#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>

#include "net/curl_client.hpp"
#include "net/web_socket.hpp"
#include "tests/support/catch.hpp"

using namespace watchbill;
using namespace watchbill::net;

namespace {

constexpr auto* kWebServer =
    "openssl s_server -accept 127.0.0.1:0 -www -key {0}/key -cert {0}/cert 2>/dev/null";
/// Shakes hands, sends 300 short messages and a long one in one piece, and then back whatever comes.
constexpr auto* kWebSocketServer = R"(python3 -c '
import base64, hashlib, socket, ssl, struct
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("{0}/cert", "{0}/key")
listener = socket.create_server(("127.0.0.1", 0))
print("ACCEPT 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
while True:
    try:
        client = context.wrap_socket(listener.accept()[0], server_side=True)
    except ssl.SSLError:
        continue
    key = client.recv(65536).split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    client.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + b"\x81\x02hi" * 300 +
                   b"\x81\x7f" + struct.pack(">Q", 1000000) + b"x" * 1000000)
    head = client.recv(6)
    text = bytes(c ^ head[2 + i % 4] for i, c in enumerate(client.recv(head[1] & 127)))
    client.sendall(b"\x81" + bytes([len(text)]) + text)
    client.recv(1000)
')";

/// A server with a certificate of its own making, in a folder that goes with it.
class TlsServer {
 public:
  /// `names` as in "IP:127.0.0.1,DNS:localhost".
  explicit TlsServer(const std::string& names, const char* command = kWebServer,
                     const char* key = "ec -pkeyopt ec_paramgen_curve:P-256") {
    std::string folder = (std::filesystem::temp_directory_path() / "watchbill-tls-XXXXXX").string();
    REQUIRE(::mkdtemp(folder.data()));
    folder_ = folder;
    const auto make = fmt::format(
        "openssl req -x509 -newkey {} -nodes -days 2 -subj /CN=test "
        "-addext subjectAltName={} -keyout {}/key -out {}/cert 2>/dev/null",
        key, names, folder, folder);
    REQUIRE(::system(make.c_str()) == 0);
    const auto serve = "echo $$; exec " + fmt::format(fmt::runtime(command), folder);
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

Result<HttpResponse> ask(const TlsServer& server, const std::string& ca_file, const char* method = "POST") {
  EventLoop loop;
  CurlOptions options;
  options.ca_file = ca_file;
  CurlClient client(loop, options);
  HttpRequest request;
  request.method = method;
  request.url = server.url();
  return loop.run_until_done(client.send(std::move(request)));
}

}  // namespace

TEST_CASE("a certificate is accepted only from who is trusted, and for the host asked") {
  const TlsServer server("IP:127.0.0.1");
  const TlsServer other("DNS:elsewhere.example");
  const auto untrusted = ask(server, "");
  REQUIRE_FALSE(untrusted.ok());
  CHECK(untrusted.error().kind == ErrorKind::unreachable);
  CHECK_FALSE(untrusted.error().maybe_done);
  const auto elsewhere = ask(other, other.certificate());
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

TEST_CASE("only TLS 1.2 or newer with forward secrecy is spoken") {
  const auto answers = [](const char* options) {
    const auto command = fmt::format(
        "openssl s_server -accept 127.0.0.1:0 -www -key {{0}}/key -cert {{0}}/cert {} 2>/dev/null", options);
    const TlsServer server("IP:127.0.0.1", command.c_str(), "rsa:2048");
    const auto answer = ask(server, server.certificate(), "GET");
    if (answer) return true;
    CHECK(answer.error().kind == ErrorKind::unreachable);
    CHECK_FALSE(answer.error().maybe_done);
    return false;
  };
  CHECK(answers("-tls1_3"));
  CHECK(answers("-tls1_2"));
  CHECK(answers("-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256"));
  CHECK_FALSE(answers("-tls1_1 -cipher ALL:@SECLEVEL=0"));
  // The server's key alone would open what was recorded.
  CHECK_FALSE(answers("-tls1_2 -cipher AES256-GCM-SHA384"));
  CHECK_FALSE(answers("-tls1_2 -cipher kRSA:@SECLEVEL=0"));
}

TEST_CASE("a WebSocket over TLS delivers also what TLS has read ahead") {
  const TlsServer server("IP:127.0.0.1", kWebSocketServer);
  EventLoop loop;
  CurlOptions options;
  const auto url = "wss" + server.url().substr(5);
  CurlWebSocketClient distrustful(loop, options);
  CHECK(loop.run_until_done(distrustful.connect(url)).error().kind == ErrorKind::unreachable);

  options.ca_file = server.certificate();
  CurlWebSocketClient client(loop, options);
  auto socket = loop.run_until_done(client.connect(url)).value();
  for (int i = 0; i < 300; ++i) REQUIRE(loop.run_until_done(socket->receive()).value() == "hi");
  CHECK(loop.run_until_done(socket->receive()).value() == std::string(1'000'000, 'x'));
  REQUIRE(socket->send("echo"));
  CHECK(loop.run_until_done(socket->receive()).value() == "echo");
}
