#include <map>

#include "net/curl_client.hpp"
#include "net/http_server.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/raw_server.hpp"

using namespace watchbill;
using namespace watchbill::net;
using test::RawServer;

namespace {

/// One client on its own loop; each call runs the loop until the answer is there.
struct Fixture {
  EventLoop loop;
  CurlClient client{loop, CurlOptions{}};

  Result<HttpResponse> send(HttpRequest request) {
    return loop.run_until_done(client.send(std::move(request)));
  }
  Result<HttpResponse> get(const std::string& url) {
    HttpRequest request;
    request.url = url;
    return send(std::move(request));
  }
  Result<HttpResponse> post(const std::string& url, std::string body) {
    HttpRequest request;
    request.method = "POST";
    request.url = url;
    request.body = std::move(body);
    return send(std::move(request));
  }
};

/// A server for one connection that answers anything with `text` and closes.
RawServer::Script answer(std::string text) {
  return [text = std::move(text)](RawServer::Client& client, int) {
    client.read_request();
    client.send(text);
  };
}

Error error_of(const Result<HttpResponse>& result) {
  REQUIRE_FALSE(result.ok());
  return result.error();
}

const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

}  // namespace

TEST_CASE("a request arrives as it was given, and its answer comes back") {
  Fixture f;
  std::string seen;
  RawServer server([&](RawServer::Client& client, int) {
    seen = client.read_request();
    client.send("HTTP/1.1 429 Slow Down\r\nRetry-After:  7 \r\nX-Empty:\r\nContent-Length: 4\r\n\r\nbusy");
  });
  HttpRequest request;
  request.method = "PUT";
  request.url = server.url() + "/a%2Fb?x=1&y=%20";
  request.headers = {{"X-Thing", "one"}, {"X-Blank", ""}};
  request.authorization = Secret("Bearer sesame");
  request.body = "{}";
  const auto response = f.send(std::move(request)).value();
  CHECK(response.status == 429);
  CHECK(response.body == "busy");
  CHECK(response.header("retry-after") == "7");
  CHECK(response.header("X-Empty") == "");
  CHECK_FALSE(response.clock_skew.has_value());
  CHECK(seen.starts_with("PUT /a%2Fb?x=1&y=%20 HTTP/1.1\r\n"));
  CHECK(seen.find("\r\nAuthorization: Bearer sesame\r\n") != std::string::npos);
  CHECK(seen.find("\r\nX-Thing: one\r\n") != std::string::npos);
  CHECK(seen.find("\r\nX-Blank:\r\n") != std::string::npos);
  CHECK(seen.find("\r\nContent-Length: 2\r\n") != std::string::npos);
  CHECK(seen.find("Content-Type") == std::string::npos);
  CHECK(seen.find("Expect") == std::string::npos);
  CHECK(seen.ends_with("\r\n\r\n{}"));
}

TEST_CASE("a redirect is an answer like others, and is not followed") {
  Fixture f;
  RawServer server(
      answer("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"));
  const auto response = f.get(server.url()).value();
  CHECK(response.status == 302);
  CHECK(server.connections() == 1);
}

TEST_CASE("nobody listens: unreachable, and nothing was done") {
  Fixture f;
  std::string url;
  {
    url = RawServer([](RawServer::Client&, int) {}).url();
  }
  const auto error = error_of(f.post(url, "x"));
  CHECK(error.kind == ErrorKind::unreachable);
  CHECK_FALSE(error.maybe_done);
}

TEST_CASE("a name that does not exist is unreachable") {
  Fixture f;
  const auto error = error_of(f.get("https://no-such-host.invalid/"));
  CHECK(error.kind == ErrorKind::unreachable);
  CHECK_FALSE(error.maybe_done);
}

TEST_CASE("a server that does not speak TLS is unreachable, and nothing was done") {
  Fixture f;
  RawServer server([](RawServer::Client& client, int) { client.send("HTTP/1.1 400 Bad Request\r\n\r\n"); });
  auto url = server.url();
  url.replace(0, 4, "https");
  const auto error = error_of(f.post(url, "x"));
  CHECK(error.kind == ErrorKind::unreachable);
  CHECK_FALSE(error.maybe_done);
}

TEST_CASE("what is not allowed is refused before anything is sent") {
  Fixture f;
  CHECK(error_of(f.get("http://slack.com/")).kind == ErrorKind::invalid);
  CHECK(error_of(f.get("ftp://127.0.0.1/")).kind == ErrorKind::invalid);
  CHECK(error_of(f.get("file:///etc/passwd")).kind == ErrorKind::invalid);
  HttpRequest request;
  request.url = "http://127.0.0.1:1/";
  request.headers = {{"X-Thing", "a\r\nX-Injected: b"}};
  CHECK(error_of(f.send(request)).kind == ErrorKind::invalid);
  request.headers = {{"X Thing", "a"}};
  CHECK(error_of(f.send(request)).kind == ErrorKind::invalid);
  request.headers.clear();
  request.authorization = Secret("Bearer a\nb");
  CHECK(error_of(f.send(request)).kind == ErrorKind::invalid);
  request.authorization = Secret();
  request.method = "GET / HTTP/1.1\r\nX: y";
  CHECK(error_of(f.send(request)).kind == ErrorKind::invalid);
}

TEST_CASE("no answer at all ends at the deadline, and may have been done") {
  Fixture f;
  RawServer server([](RawServer::Client& client, int) { client.wait_for_end(); });
  HttpRequest request;
  request.method = "POST";
  request.url = server.url();
  request.deadline = 50ms;
  const auto before = f.loop.steady_now();
  const auto error = error_of(f.send(request));
  CHECK(error.kind == ErrorKind::timeout);
  CHECK(error.maybe_done);
  CHECK(f.loop.steady_now() - before >= 50ms);
}

TEST_CASE("an answer that drips ends at the deadline") {
  Fixture f;
  RawServer server([](RawServer::Client& client, int) {
    client.read_request();
    client.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx");
    client.wait_for_end();
  });
  HttpRequest request;
  request.url = server.url();
  request.deadline = 50ms;
  CHECK(error_of(f.send(request)).kind == ErrorKind::timeout);
}

TEST_CASE("a TLS handshake that hangs ends at the deadline, and nothing was done") {
  Fixture f;
  RawServer server([](RawServer::Client& client, int) { client.wait_for_end(); });
  HttpRequest request;
  request.method = "POST";
  request.url = server.url();
  request.url.replace(0, 4, "https");
  request.deadline = 50ms;
  const auto error = error_of(f.send(request));
  CHECK(error.kind == ErrorKind::timeout);
  CHECK_FALSE(error.maybe_done);
}

TEST_CASE("an answer that is cut short is no answer, and may have been done") {
  for (const auto* text : {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "HTTP/1.1 200 OK\r\nConte",
                           "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"}) {
    INFO(text);
    Fixture f;
    RawServer server(answer(text));
    const auto error = error_of(f.post(server.url(), "x"));
    CHECK(error.kind == ErrorKind::timeout);
    CHECK(error.maybe_done);
    CHECK(server.connections() == 1);
  }
}

TEST_CASE("a reset in mid-body is no answer, and may have been done") {
  Fixture f;
  RawServer server([](RawServer::Client& client, int) {
    client.read_request();
    client.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    client.reset();
  });
  const auto error = error_of(f.post(server.url(), "x"));
  CHECK(error.kind == ErrorKind::timeout);
  CHECK(error.maybe_done);
}

TEST_CASE("an answer that is no HTTP is unreadable") {
  for (const auto* text : {"SSH-2.0-OpenSSH_9.2\r\n", "HTTP/9.9 200 OK\r\n\r\n", "\x16\x03\x01 junk\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\njunk"}) {
    INFO(text);
    Fixture f;
    RawServer server(answer(text));
    const auto error = error_of(f.post(server.url(), "x"));
    CHECK(error.kind == ErrorKind::unreadable);
    CHECK(error.maybe_done);
  }
}

TEST_CASE("50 MB against a limit of 1 MB: unreadable, and the rest is not read") {
  std::size_t sent = 0;
  for (const bool announced : {true, false}) {
    Fixture f;
    RawServer server([&](RawServer::Client& client, int) {
      client.read_request();
      client.send(announced ? "HTTP/1.1 200 OK\r\nContent-Length: 52428800\r\n\r\n"
                            : "HTTP/1.1 200 OK\r\n\r\n");
      const std::string block(std::size_t{1} << 20U, 'x');
      for (int i = 0; i < 50; ++i) client.send(block);
      ++sent;
    });
    HttpRequest request;
    request.url = server.url();
    request.max_body = std::size_t{1} << 20U;
    const auto error = error_of(f.send(request));
    CHECK(error.kind == ErrorKind::unreadable);
    CHECK(error.message.find("longer than 1048576 bytes") != std::string::npos);
  }
  CHECK(sent == 2);
}

TEST_CASE("an answer of exactly the limit is read, one byte more is not") {
  Fixture f;
  RawServer server(answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345"));
  HttpRequest request;
  request.url = server.url();
  request.max_body = 5;
  CHECK(f.send(request).value().body == "12345");
  request.max_body = 4;
  CHECK(error_of(f.send(request)).kind == ErrorKind::unreadable);
}

TEST_CASE("header lines without end are unreadable") {
  Fixture f;
  RawServer server([](RawServer::Client& client, int) {
    client.read_request();
    std::string block = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 1000; ++i) block += "X-" + std::to_string(i) + ": " + std::string(1000, 'x') + "\r\n";
    client.send(block);
    client.wait_for_end();
  });
  CHECK(error_of(f.get(server.url())).kind == ErrorKind::unreadable);
}

TEST_CASE("a connection is used again") {
  Fixture f;
  RawServer server([](RawServer::Client& client, int) {
    while (!client.read_request().empty()) client.send(kOk);
  });
  for (int i = 0; i < 5; ++i) CHECK(f.post(server.url(), "x").value().status == 200);
  CHECK(server.connections() == 1);
}

TEST_CASE("a reused connection that dies: a GET is sent again, a POST never is") {
  std::map<std::string, int> received;
  RawServer server([&](RawServer::Client& client, int) {
    // Answers the first request of each connection and drops it at the second, which it has read.
    for (int i = 0;; ++i) {
      const auto request = client.read_request();
      if (request.empty()) return;
      ++received[request.substr(0, request.find(' '))];
      if (i == 1) return client.reset();
      client.send(kOk);
    }
  });
  Fixture f;
  CHECK(f.get(server.url()).value().status == 200);
  CHECK(f.get(server.url()).value().status == 200);
  CHECK(received["GET"] == 3);
  for (const auto* body : {"text=hello", ""}) {
    // The last GET left its connection open for reuse.
    const auto error = error_of(f.post(server.url(), body));
    CHECK(error.kind == ErrorKind::timeout);
    CHECK(error.maybe_done);
    CHECK(f.get(server.url()).value().status == 200);
  }
  CHECK(received["POST"] == 2);
}

TEST_CASE("the clock of the server is compared with ours") {
  Fixture f;
  const auto skew = [&](seconds offset) {
    const auto at = std::chrono::floor<seconds>(f.loop.now() + offset);
    const auto c = std::chrono::sys_days(std::chrono::floor<days>(at));
    const std::chrono::year_month_day date(c);
    const std::chrono::hh_mm_ss time(at - c);
    const char* names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto text = fmt::format("Date: Sun, {:02} {} {} {:02}:{:02}:{:02} GMT", unsigned(date.day()),
                                  names[unsigned(date.month()) - 1], int(date.year()), time.hours().count(),
                                  time.minutes().count(), time.seconds().count());
    RawServer server(answer("HTTP/1.1 200 OK\r\n" + text + "\r\nContent-Length: 0\r\n\r\n"));
    return f.get(server.url()).value().clock_skew.value();
  };
  CHECK(skew(0s) == 0s);
  CHECK(std::chrono::abs(skew(100s) - 100s) <= 1s);
  CHECK(std::chrono::abs(skew(-100s) + 100s) <= 1s);
}

TEST_CASE("a packed answer is unpacked, and the limit counts what it becomes") {
  const auto unhex = [](std::string_view hex) {
    std::string bytes;
    for (; !hex.empty(); hex.remove_prefix(2)) {
      bytes += static_cast<char>(std::stoi(std::string(hex.substr(0, 2)), nullptr, 16));
    }
    return bytes;
  };
  const auto packed = [&](std::string_view hex) {
    const auto bytes = unhex(hex);
    return answer("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: " +
                  std::to_string(bytes.size()) + "\r\n\r\n" + bytes);
  };
  Fixture f;
  RawServer hello(packed("1f8b08000000000002ffcb48cdc9c9070086a6103605000000"));
  CHECK(f.get(hello.url()).value().body == "hello");
  // 20,000 zeros
  RawServer zeros(
      packed("1f8b08000000000002ffedc13101000000c2a0f54f6d0d0fa00000000000000000000000000000000000000078"
             "3002532f97204e0000"));
  HttpRequest request;
  request.url = zeros.url();
  request.max_body = 20'000;
  CHECK(f.send(request).value().body.size() == 20'000);
  request.max_body = 19'999;
  CHECK(error_of(f.send(request)).kind == ErrorKind::unreadable);
}

TEST_CASE("a request can be cancelled at any moment, and the client stays usable") {
  RawServer server([](RawServer::Client& client, int) {
    while (!client.read_request().empty()) client.send(kOk);
  });
  struct Send {
    static Task<void> run(CurlClient& client, std::string url, int& done) {
      HttpRequest request;
      request.url = std::move(url);
      const auto response = co_await client.send(std::move(request));
      if (response.ok()) ++done;
    }
  };
  Fixture f;
  int done = 0;
  for (int turns = 0; turns < 40; ++turns) {
    TaskScope scope;
    scope.spawn(Send::run(f.client, server.url(), done));
    for (int i = 0; i < turns && scope.running() > 0; ++i) {
      f.loop.post([&] { f.loop.stop(); });
      f.loop.run();
    }
    scope.cancel();
  }
  CHECK(f.get(server.url()).value().status == 200);
}

TEST_CASE("a client that goes ends its requests as cancelled") {
  RawServer server([](RawServer::Client& client, int) { client.wait_for_end(); });
  EventLoop loop;
  auto client = std::make_unique<CurlClient>(loop, CurlOptions{});
  HttpRequest request;
  request.url = server.url();
  loop.start_timer(10ms, [&] { client.reset(); });
  auto task = client->send(request);
  CHECK(error_of(loop.run_until_done(std::move(task))).kind == ErrorKind::cancelled);
}

TEST_CASE("a name look-up that hangs does not hold the loop when it is given up") {
  Fixture f;
  HttpRequest request;
  request.url = "https://a-name-that-is-looked-up.example/";
  request.deadline = 1ms;
  bool fired = false;
  f.loop.start_timer(5ms, [&] { fired = true; });
  CHECK_FALSE(f.send(request).ok());
  struct Wait {
    static Task<void> run(EventLoop& loop) { co_await sleep_for(loop, 10ms); }
  };
  f.loop.run_until_done(Wait::run(f.loop));
  CHECK(fired);
}

TEST_CASE("at most 32 requests go to one host at once; the others wait, and their deadline counts") {
  struct Server {
    static Task<ServerResponse> hang(EventLoop& loop, int& started) {
      ++started;
      co_await sleep_for(loop, 1h);
      co_return {};
    }
    static Task<ServerResponse> ok() { co_return {}; }
  };
  Fixture f;
  int started = 0;
  const auto server =
      HttpServer::listen(f.loop, "127.0.0.1:0",
                         [&](ServerRequest request) {
                           return request.path == "/ok" ? Server::ok() : Server::hang(f.loop, started);
                         },
                         {})
          .value();
  HttpRequest request;
  request.method = "POST";
  request.url = server->url() + "/hang";
  request.deadline = 1h;
  struct Send {
    static Task<void> run(CurlClient& client, HttpRequest what) { co_await client.send(std::move(what)); }
  };
  TaskScope scope;
  for (int i = 0; i < 32; ++i) scope.spawn(Send::run(f.client, request));
  request.deadline = 100ms;
  std::vector<Task<Result<HttpResponse>>> tasks;
  for (int i = 0; i < 8; ++i) tasks.push_back(f.client.send(request));
  for (const auto& result : f.loop.run_until_done(all(f.loop, std::move(tasks)))) {
    const auto error = error_of(result);
    CHECK(error.kind == ErrorKind::timeout);
    CHECK_FALSE(error.maybe_done);
  }
  while (started < 32) {
    f.loop.post([&] { f.loop.stop(); });
    f.loop.run();
  }
  CHECK(started == 32);
  scope.cancel();
  CHECK(f.get(server->url() + "/ok").value().status == 200);
}

TEST_CASE("the proxy is asked for other hosts, never for this machine, and the environment names none") {
  std::string seen;
  RawServer proxy([&](RawServer::Client& client, int) {
    seen = client.read_request();
    client.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
  });
  RawServer server(answer(kOk));
  EventLoop loop;
  CurlOptions options;
  options.proxy = proxy.url();
  CurlClient client(loop, options);
  HttpRequest request;
  request.method = "POST";
  request.url = server.url();
  CHECK(loop.run_until_done(client.send(request)).value().status == 200);
  CHECK(proxy.connections() == 0);
  request.url = "https://no-such-host.invalid/secret-path";
  const auto error = error_of(loop.run_until_done(client.send(request)));
  CHECK(error.kind == ErrorKind::unreachable);
  CHECK_FALSE(error.maybe_done);
  CHECK(proxy.connections() == 1);
  CHECK(seen.starts_with("CONNECT no-such-host.invalid:443 HTTP/1.1\r\n"));
  CHECK(seen.find("secret-path") == std::string::npos);

  ::setenv("https_proxy", proxy.url().c_str(), 1);
  CHECK_FALSE(Fixture().get("https://no-such-host.invalid/").ok());
  ::unsetenv("https_proxy");
  CHECK(proxy.connections() == 1);
}
