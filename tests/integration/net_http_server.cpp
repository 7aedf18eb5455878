#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "net/curl_client.hpp"
#include "net/http_server.hpp"
#include "tests/support/raw_server.hpp"

using namespace watchbill;
using namespace watchbill::net;

namespace {

struct Handlers {
  static Task<ServerResponse> echo(ServerRequest request) {
    ServerResponse response;
    response.headers = {{"X-Method", request.method}, {"X-Raw", request.raw_path}, {"X-Peer", request.peer}};
    response.body = request.path + "|" + request.query_value("q").value_or("none") + "|" + request.body;
    co_return response;
  }
  static Task<ServerResponse> broken(ServerRequest) {
    throw std::runtime_error("a secret reason");
    co_return {};
  }
  static Task<ServerResponse> stream(std::shared_ptr<BodyStream> stream) {
    ServerResponse response;
    response.headers = {{"Content-Type", "text/event-stream"}};
    response.stream = std::move(stream);
    co_return response;
  }
  static Task<ServerResponse> fixed(ServerResponse response) { co_return response; }
  struct Mark {
    int& count;
    ~Mark() { ++count; }
  };
  static Task<ServerResponse> hang(EventLoop& loop, int& started, int& cancelled) {
    const Mark mark{cancelled};
    ++started;
    co_await sleep_for(loop, 1h);
    co_return {};
  }
};

struct Fixture {
  EventLoop loop;
  CurlClient client{loop, CurlOptions{}};
  std::unique_ptr<HttpServer> server;

  explicit Fixture(HttpServer::Handler handler = &Handlers::echo, ServerOptions options = {})
      : server(HttpServer::listen(loop, "127.0.0.1:0", std::move(handler), options).value()) {}

  Result<HttpResponse> send(const std::string& method, const std::string& path, std::string body = "",
                            Headers headers = {}) {
    HttpRequest request;
    request.method = method;
    request.url = server->url() + path;
    request.body = std::move(body);
    request.headers = std::move(headers);
    return loop.run_until_done(client.send(std::move(request)));
  }

  /// Runs the loop until `done`, at most 10 s.
  template <class Done>
  bool run_until(Done done) {
    const auto end = loop.steady_now() + 10s;
    while (!done() && loop.steady_now() < end) {
      const Timer tick{loop, loop.start_timer(1ms, [this] { loop.stop(); })};
      loop.run();
    }
    return done();
  }

  /// Sends `text` as it is and returns everything that comes back until the server closes.
  std::string talk(const std::string& text) {
    const int fd = test::connect_to(server->url());
    ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    std::string out;
    run_until([&] { return receive(fd, out); });
    ::close(fd);
    return out;
  }

  /// True when the server has closed.
  static bool receive(int fd, std::string& out) {
    char bytes[4096];
    for (;;) {
      const auto got = ::recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
      if (got < 0) return errno != EAGAIN;
      if (got == 0) return true;
      out.append(bytes, static_cast<std::size_t>(got));
    }
  }
};

ServerOptions deadline(milliseconds time) {
  ServerOptions options;
  options.deadline = time;
  return options;
}

}  // namespace

TEST_CASE("a request reaches its handler and the answer the client") {
  Fixture f;
  const auto response = f.send("POST", "/a%2Fb%20c?q=1%262&r", "body").value();
  CHECK(response.status == 200);
  CHECK(response.body == "/a/b c|1&2|body");
  CHECK(response.header("X-Method") == "POST");
  CHECK(response.header("X-Raw") == "/a%2Fb%20c");
  CHECK(response.header("X-Peer") == "127.0.0.1");
  CHECK(response.clock_skew == 0s);
  for (const auto* method : {"GET", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
    CHECK(f.send(method, "/").value().header("X-Method") == method);
  }
}

TEST_CASE("a HEAD is answered without a body, and its connection stays usable") {
  Fixture f;
  for (int i = 0; i < 3; ++i) {
    const auto response = f.send("HEAD", "/x").value();
    CHECK(response.body.empty());
    CHECK(response.header("Content-Length") == "8");
    CHECK(f.send("GET", "/x").value().body == "/x|none|");
  }
}

TEST_CASE("answers that have no body get none, and the connection stays usable") {
  Fixture f([](ServerRequest request) {
    ServerResponse response;
    response.status = request.path == "/204" ? 204 : 304;
    response.body = "not to be sent";
    return Handlers::fixed(std::move(response));
  });
  for (int i = 0; i < 3; ++i) {
    CHECK(f.send("GET", "/204").value().status == 204);
    CHECK(f.send("GET", "/304").value().status == 304);
  }
}

TEST_CASE("requests on one connection are answered in turn, also when they come at once") {
  Fixture f;
  const auto out = f.talk(
      "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
      "GET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const auto first = out.find("/1|none|");
  const auto second = out.find("/2|none|abc");
  const auto third = out.find("/3|none|");
  CHECK(first < second);
  CHECK(second < third);
  CHECK(third != std::string::npos);
}

TEST_CASE("a handler that throws is answered with 500 without detail") {
  Fixture f(&Handlers::broken);
  const auto response = f.send("GET", "/").value();
  CHECK(response.status == 500);
  CHECK(response.body.find("secret") == std::string::npos);
  CHECK(f.send("GET", "/").value().status == 500);
}

TEST_CASE("unknown methods are answered with 501, nonsense with 400") {
  // evhttp leaves the connection open after a refused CONNECT: it ends at the deadline.
  Fixture f(&Handlers::echo, deadline(100ms));
  CHECK(f.talk("BREW /pot HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 501 "));
  CHECK(f.talk("CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 501 "));
  CHECK(f.talk("nonsense and more of it\r\n\r\n").starts_with("HTTP/1.1 400 "));
  CHECK(f.talk("GET / HTTP/7.1\r\n\r\n").starts_with("HTTP/1.1 400 "));
  CHECK(f.talk("GET / HTTP/1.1\r\nno colon\r\n\r\n").starts_with("HTTP/1.1 400 "));
  CHECK(f.talk("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n").starts_with("HTTP/1.1 400 "));
}

TEST_CASE("a request whose end could be read two ways is refused and its connection closed") {
  Fixture f;
  CHECK(f.talk("POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
            .starts_with("HTTP/1.1 400 "));
  CHECK(f.talk("POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")
            .starts_with("HTTP/1.1 400 "));
  CHECK(f.talk("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")
            .starts_with("HTTP/1.1 400 "));
  CHECK(f.talk("HEAD / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde").starts_with("HTTP/1.1 400 "));
}

TEST_CASE("a body or a header over the limit is refused and does not reach the handler") {
  int handled = 0;
  ServerOptions options;
  options.max_body = 1000;
  options.max_headers = 2000;
  Fixture f(
      [&](ServerRequest request) {
        ++handled;
        return Handlers::echo(std::move(request));
      },
      options);
  CHECK(f.send("POST", "/", std::string(1000, 'x')).value().status == 200);
  CHECK(handled == 1);
  CHECK(f.send("POST", "/", std::string(1001, 'x')).value().status == 413);
  CHECK(f.send("POST", "/", std::string(5'000'000, 'x')).value().status == 413);
  CHECK(f.talk("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3ea\r\n" + std::string(1002, 'x'))
            .starts_with("HTTP/1.1 413 "));
  CHECK(f.talk("GET / HTTP/1.1\r\nX: " + std::string(3000, 'x') + "\r\n\r\n").starts_with("HTTP/1.1 400 "));
  CHECK(f.talk("GET /" + std::string(3000, 'x')).starts_with("HTTP/1.1 400 "));
  CHECK(handled == 1);
}

TEST_CASE("slow clients neither starve others nor stay") {
  Fixture f(&Handlers::echo, deadline(300ms));
  std::vector<int> slow;
  for (int i = 0; i < 8; ++i) slow.push_back(test::connect_to(f.server->url()));
  const std::string drip =
      "GET / HTTP/1.1\r\nX-Slow: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
  std::vector<bool> gone(slow.size());
  std::size_t sent = 0;
  const auto all_gone = [&] { return std::all_of(gone.begin(), gone.end(), [](bool g) { return g; }); };
  const auto begin = f.loop.steady_now();
  int served = 0;
  while (!all_gone() && f.loop.steady_now() - begin < 10s) {
    for (std::size_t i = 0; i < slow.size(); ++i) {
      std::string out;
      // The last one never says a word.
      if (i > 0 && !gone[i]) ::send(slow[i], &drip[sent % drip.size()], 1, MSG_NOSIGNAL);
      gone[i] = gone[i] || Fixture::receive(slow[i], out);
    }
    ++sent;
    if (f.send("GET", "/ok").ok()) ++served;
    f.run_until([] { return true; });
  }
  CHECK(all_gone());
  CHECK(served > 1);
  CHECK(f.loop.steady_now() - begin >= 300ms);
  for (const int fd : slow) ::close(fd);
}

TEST_CASE("an answer that takes longer than the deadline ends its connection and its handler") {
  int started = 0;
  int cancelled = 0;
  EventLoop* on = nullptr;
  Fixture f([&](ServerRequest) { return Handlers::hang(*on, started, cancelled); }, deadline(50ms));
  on = &f.loop;
  const auto response = f.send("GET", "/");
  REQUIRE_FALSE(response.ok());
  CHECK(response.error().kind == ErrorKind::timeout);
  CHECK(started >= 1);
  CHECK(f.run_until([&] { return cancelled == started; }));
}

TEST_CASE("a client that does not read its answer is dropped") {
  int made = 0;
  Fixture f(
      [&](ServerRequest) {
        ++made;
        ServerResponse response;
        response.body.assign(std::size_t{50} << 20U, 'x');
        return Handlers::fixed(std::move(response));
      },
      deadline(100ms));
  const int fd = test::connect_to(f.server->url());
  const std::string_view request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  ::send(fd, request.data(), request.size(), MSG_NOSIGNAL);
  CHECK(f.run_until([&] { return made == 1; }));
  f.run_until([begin = f.loop.steady_now(), &f] { return f.loop.steady_now() - begin > 200ms; });
  std::string out;
  CHECK(f.run_until([&] { return Fixture::receive(fd, out); }));
  CHECK(out.size() < std::size_t{50} << 20U);
  ::close(fd);
}

TEST_CASE("the handler is cancelled when its client goes") {
  int started = 0;
  int cancelled = 0;
  EventLoop* on = nullptr;
  Fixture f([&](ServerRequest) { return Handlers::hang(*on, started, cancelled); });
  on = &f.loop;
  for (const std::string body : {"", "Content-Length: 3\r\n"}) {
    const int fd = test::connect_to(f.server->url());
    const auto request = "POST / HTTP/1.1\r\nHost: x\r\n" + body + "\r\nabcGET /next HTTP/1.1\r\n\r\n";
    ::send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    const int before = started;
    CHECK(f.run_until([&] { return started == before + 1; }));
    CHECK(cancelled == before);
    ::close(fd);
    CHECK(f.run_until([&] { return cancelled == before + 1; }));
  }
}

TEST_CASE("handlers that hang are cancelled with their server") {
  int started = 0;
  int cancelled = 0;
  EventLoop* on = nullptr;
  Fixture f([&](ServerRequest) { return Handlers::hang(*on, started, cancelled); });
  on = &f.loop;
  std::vector<int> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(test::connect_to(f.server->url()));
    ::send(clients.back(), "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL);
  }
  CHECK(f.run_until([&] { return started == 5; }));
  f.server.reset();
  CHECK(cancelled == 5);
  for (const int fd : clients) ::close(fd);
}

TEST_CASE("a reset in mid-body reaches the client as such") {
  for (const std::size_t after : {0U, 10U, 100'000U}) {
    Fixture f([after](ServerRequest) {
      ServerResponse response;
      response.body.assign(200'000, 'x');
      response.reset_after = after;
      return Handlers::fixed(std::move(response));
    });
    const auto response = f.send("POST", "/", "x");
    REQUIRE_FALSE(response.ok());
    CHECK(response.error().kind == ErrorKind::timeout);
    CHECK(response.error().maybe_done);
    CHECK(response.error().message.find("reset") != std::string::npos);
  }
}

TEST_CASE("a handler may announce another length than it sends") {
  Fixture f([](ServerRequest) {
    ServerResponse response;
    response.headers = {{"Content-Length", "100"}, {"Connection", "close"}};
    response.body = "short";
    return Handlers::fixed(std::move(response));
  });
  const auto response = f.send("GET", "/");
  REQUIRE_FALSE(response.ok());
  CHECK(response.error().kind == ErrorKind::timeout);
}

TEST_CASE("only loopback addresses are listened on") {
  EventLoop loop;
  for (const auto* address : {"0.0.0.0:0", "8.8.8.8:80", "[::]:0", "::1:0", "127.0.0.1", "127.0.0.1:",
                              "example.com:80", "127.0.0.1:65536", "127.0.0.1:8x", "127.1:80", ":80", ""}) {
    INFO(address);
    const auto server = HttpServer::listen(loop, address, &Handlers::echo, {});
    REQUIRE_FALSE(server.ok());
    CHECK(server.error().kind == ErrorKind::invalid);
  }
  const auto first = HttpServer::listen(loop, "localhost:0", &Handlers::echo, {});
  REQUIRE(first.ok());
  const auto second = HttpServer::listen(loop, first.value()->url().substr(7), &Handlers::echo, {});
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().kind == ErrorKind::conflict);
}

TEST_CASE("after stop_accepting what is under way is answered and then closed") {
  Fixture f;
  const int fd = test::connect_to(f.server->url());
  CHECK(f.send("GET", "/").ok());
  const auto url = f.server->url();
  f.server->stop_accepting();
  ::send(fd, "GET /late HTTP/1.1\r\n\r\n", 22, MSG_NOSIGNAL);
  std::string out;
  CHECK(f.run_until([&] { return Fixture::receive(fd, out); }));
  CHECK(out.find("/late") != std::string::npos);
  ::close(fd);
  CHECK_THROWS(test::connect_to(url));
}

TEST_CASE("clients beyond the limit of connections wait until another has gone") {
  ServerOptions options;
  options.max_connections = 2;
  Fixture f(&Handlers::echo, options);
  std::vector<int> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(test::connect_to(f.server->url()));
  std::string out;
  ::send(clients[2], "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL);
  f.run_until([begin = f.loop.steady_now(), &f] { return f.loop.steady_now() - begin > 50ms; });
  Fixture::receive(clients[2], out);
  CHECK(out.empty());
  ::close(clients[0]);
  CHECK(f.run_until([&] {
    Fixture::receive(clients[2], out);
    return !out.empty();
  }));
  ::close(clients[1]);
  ::close(clients[2]);
}

TEST_CASE("a body that is sent piece by piece reaches the client as it is sent") {
  const auto stream = std::make_shared<BodyStream>();
  ServerOptions options;
  options.deadline = 200ms;
  Fixture fixture([stream](ServerRequest) { return Handlers::stream(stream); }, options);
  const int fd = test::connect_to(fixture.server->url());
  const std::string request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  ::send(fd, request.data(), request.size(), MSG_NOSIGNAL);
  stream->send("one\n");  // before the answer has begun
  std::string out;
  const auto came = [&](const char* what) {
    return fixture.run_until([&] {
      Fixture::receive(fd, out);
      return out.find(what) != std::string::npos;
    });
  };
  CHECK(came("one"));
  CHECK(out.find("Content-Length") == std::string::npos);
  stream->send("two\n");
  CHECK(came("two"));
  CHECK(stream->open());
  SECTION("it has no deadline, and ends when it is ended") {
    const auto later = fixture.loop.steady_now() + 400ms;
    fixture.run_until([&] { return fixture.loop.steady_now() > later; });
    stream->end();
    CHECK_FALSE(stream->open());
    CHECK(came("0\r\n\r\n"));
    ::close(fd);
  }
  SECTION("the client goes") {
    ::close(fd);
    CHECK(fixture.run_until([&] { return !stream->open(); }));
    stream->send("nobody hears it");
    CHECK(stream->waiting() == 0);
  }
  SECTION("the server goes") {
    fixture.server.reset();
    CHECK_FALSE(stream->open());
    ::close(fd);
  }
}

TEST_CASE("without file descriptors it waits instead of spinning, and goes on when there are some") {
  Fixture f;
  CHECK(f.send("GET", "/").ok());
  const int client = test::connect_to(f.server->url());
  ::send(client, "GET /late HTTP/1.1\r\n\r\n", 22, MSG_NOSIGNAL);
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(next);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(next);
  ::setrlimit(RLIMIT_NOFILE, &none);
  const auto used = [] {
    timespec t{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
  };
  const auto cpu = used();
  f.loop.start_timer(500ms, [&] { f.loop.stop(); });
  f.loop.run();
  const auto spent = used() - cpu;
  ::setrlimit(RLIMIT_NOFILE, &before);
  // Of this thread alone: a few attempts, where spinning takes whatever the processor gives.
  CHECK(spent < 25ms);
  std::string out;
  CHECK(f.run_until([&] {
    Fixture::receive(client, out);
    return out.find("/late") != std::string::npos;
  }));
  ::close(client);
}
