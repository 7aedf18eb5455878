#include "net/http_server.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "net/curl_client.hpp"
#include "tests/support/catch.hpp"
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
  Fixture f;
  CHECK(f.talk("BREW /pot HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 501 "));
  CHECK(f.talk("CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 501 "));
  CHECK(f.talk("nonsense and more of it\r\n\r\n").starts_with("HTTP/1.1 400 "));
  CHECK(f.talk("GET / HTTP/7.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 505 "));
  CHECK(f.talk("GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n").starts_with("HTTP/1.1 400 "));
}

TEST_CASE("a request that could be read two ways is refused and its connection closed") {
  Fixture f;
  // What follows would be taken for a request by one reader, and for a body by another.
  const std::string hidden = "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n";
  for (const auto* head : {
           "Content-Length: 3\r\nTransfer-Encoding: chunked",
           "Transfer-Encoding: gzip, chunked",
           "Transfer-Encoding: identity",
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
           "Content-Length: 1\r\nContent-Length: 2",
           "Content-Length: 3\r\nContent-Length: 3",
           "Content-Length: 3, 3",
           "Content-Length: +3",
           "Content-Length: -3",
           "Content-Length: 0x3",
           "Content-Length: 3 3",
           "Content-Length:",
           "Content-Length: 99999999999999999999",
           "Content-Length : 3",
           "Transfer-Encoding : chunked",
           " folded: line",
           "\tfolded: line",
           "X: a\r\n folded",
           "X: a\nContent-Length: 3",
           "X: a\rContent-Length: 3",
           "Host: x",
           ": empty",
       }) {
    INFO(head);
    const auto out =
        f.talk("POST / HTTP/1.1\r\nHost: x\r\n" + std::string(head) + "\r\n\r\n0\r\n\r\n" + hidden);
    CHECK(out.starts_with("HTTP/1.1 400 "));
    CHECK(out.find("hidden") == std::string::npos);
  }
  CHECK(f.talk("HEAD / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde").starts_with("HTTP/1.1 400 "));
  CHECK(f.talk("GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 400 "));
  CHECK(f.talk("GET / HTTP/1.1\nHost: x\n\n").starts_with("HTTP/1.1 400 "));
  CHECK(f.talk("GET / HTTP/1.1\r\nHost: x\r\nX: a" + std::string(1, '\0') + "b\r\n\r\n")
            .starts_with("HTTP/1.1 400 "));
}

TEST_CASE("HTTP/1.0 is answered, and its connection closed") {
  Fixture f;
  // What nginx sends to the servers behind it, and what checks of health send.
  const auto out =
      f.talk("POST /old HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc");
  CHECK(out.find("/old|none|abc") != std::string::npos);
  CHECK(f.talk("GET /bare HTTP/1.0\r\n\r\n").find("/bare|none|") != std::string::npos);
}

TEST_CASE("a client that has closed its side alone gets its answers") {
  Fixture f;
  const int fd = test::connect_to(f.server->url());
  const std::string two = "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n";
  ::send(fd, two.data(), two.size(), MSG_NOSIGNAL);
  ::shutdown(fd, SHUT_WR);
  std::string out;
  CHECK(f.run_until([&] { return Fixture::receive(fd, out); }));
  CHECK(out.find("/1|none|") != std::string::npos);
  CHECK(out.find("/2|none|") != std::string::npos);
  ::close(fd);
}

TEST_CASE("who waits for leave to send a body gets it, or the refusal at once") {
  ServerOptions options;
  options.max_body = 3;
  Fixture f(&Handlers::echo, options);
  const auto ask = [&](const std::string& length) {
    const int fd = test::connect_to(f.server->url());
    const auto head =
        "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\n"
        "Content-Length: " +
        length + "\r\n\r\n";
    ::send(fd, head.data(), head.size(), MSG_NOSIGNAL);
    std::string out;
    CHECK(f.run_until([&] { return Fixture::receive(fd, out) || out.ends_with("\r\n\r\n"); }));
    if (out.starts_with("HTTP/1.1 100 Continue\r\n\r\n")) {
      ::send(fd, "abc", 3, MSG_NOSIGNAL);
      CHECK(f.run_until([&] { return Fixture::receive(fd, out); }));
    }
    ::close(fd);
    return out;
  };
  CHECK(ask("3").find("HTTP/1.1 200 OK") != std::string::npos);
  CHECK(ask("3").find("/|none|abc") != std::string::npos);
  CHECK(ask("4").starts_with("HTTP/1.1 413 "));
  CHECK(f.talk("GET / HTTP/1.1\r\nHost: x\r\nExpect: else\r\n\r\n").starts_with("HTTP/1.1 417 "));
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
  CHECK(f.talk("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3ea\r\n" +
               std::string(1002, 'x'))
            .starts_with("HTTP/1.1 413 "));
  CHECK(f.talk("GET / HTTP/1.1\r\nX: " + std::string(3000, 'x') + "\r\n\r\n").starts_with("HTTP/1.1 431 "));
  CHECK(f.talk("GET /" + std::string(3000, 'x')).starts_with("HTTP/1.1 431 "));
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
    const auto request =
        "POST / HTTP/1.1\r\nHost: x\r\n" + body + "\r\nabcGET /next HTTP/1.1\r\nHost: x\r\n\r\n";
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
    ::send(clients.back(), "GET / HTTP/1.0\r\n\r\n", 18, MSG_NOSIGNAL);
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
  ::send(fd, "GET /late HTTP/1.0\r\n\r\n", 22, MSG_NOSIGNAL);
  std::string out;
  CHECK(f.run_until([&] { return Fixture::receive(fd, out); }));
  CHECK(out.find("/late") != std::string::npos);
  ::close(fd);
  CHECK_THROWS(test::connect_to(url));
}

TEST_CASE("when all places are taken the slowest unfinished request has to go") {
  ServerOptions options;
  options.max_connections = 3;
  options.head_deadline = 500ms;
  options.min_rate = 100;
  Fixture f(&Handlers::echo, options);
  const auto later = [&](milliseconds time) {
    f.run_until([end = f.loop.steady_now() + time, &f] { return f.loop.steady_now() > end; });
  };
  const auto begin = [&](const std::string& text) {
    const int fd = test::connect_to(f.server->url());
    ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    later(20ms);
    return fd;
  };
  const int body = begin("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n" + std::string(400, 'x'));
  const int slow = begin("GET / HT");
  later(150ms);
  const int fresh = begin("GET / HT");
  std::string out;
  CHECK(f.send("GET", "/ok").value().body == "/ok|none|");
  CHECK(Fixture::receive(slow, out));
  CHECK_FALSE(Fixture::receive(fresh, out));
  CHECK_FALSE(Fixture::receive(body, out));
  CHECK(out.empty());
  ::send(fresh, "TP/1.0\r\n\r\n", 10, MSG_NOSIGNAL);
  CHECK(f.run_until([&] { return Fixture::receive(fresh, out); }));
  CHECK(out.find("/|none|") != std::string::npos);
  for (const int fd : {body, slow, fresh}) ::close(fd);
}

TEST_CASE("a connection between two requests outlasts clients that began before") {
  ServerOptions options;
  options.max_connections = 2;
  Fixture f(&Handlers::echo, options);
  const auto begin = [&](const std::string& text) {
    const int fd = test::connect_to(f.server->url());
    ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    f.run_until([end = f.loop.steady_now() + 20ms, &f] { return f.loop.steady_now() > end; });
    return fd;
  };
  // A proxy keeps such a connection, and would tell its client 502 if it ended just when it is used again.
  const std::string request = "GET /kept HTTP/1.1\r\nHost: x\r\n\r\n";
  const int slow = begin("GET / HT");
  const int proxy = begin(request);
  const int next = begin(request);
  std::string out;
  CHECK(f.run_until([&] { return Fixture::receive(slow, out); }));
  CHECK_FALSE(Fixture::receive(proxy, out));
  out.clear();
  ::send(proxy, request.data(), request.size(), MSG_NOSIGNAL);
  CHECK(f.run_until([&] {
    Fixture::receive(proxy, out);
    return out.ends_with("/kept|none|");
  }));
  for (const int fd : {slow, proxy, next}) ::close(fd);
}

TEST_CASE("an answer that nobody takes does not hold a place that another needs") {
  ServerOptions options;
  options.max_connections = 1;
  options.head_deadline = 100ms;
  Fixture f(
      [](ServerRequest request) {
        ServerResponse response;
        if (request.path == "/long") response.body.assign(std::size_t{20} << 20U, 'x');
        return Handlers::fixed(std::move(response));
      },
      options);
  const int fd = test::connect_to(f.server->url());
  ::send(fd, "GET /long HTTP/1.0\r\n\r\n", 22, MSG_NOSIGNAL);
  f.run_until([end = f.loop.steady_now() + 50ms, &f] { return f.loop.steady_now() > end; });
  CHECK(f.send("GET", "/").value().status == 200);
  ::close(fd);
}

TEST_CASE(
    "while every place is with a handler the kept ones serve what they are kept for, and nothing else") {
  int started = 0;
  int cancelled = 0;
  EventLoop* on = nullptr;
  ServerOptions options;
  options.max_connections = 2;
  options.kept_places = 1;
  options.limits = [](const ServerRequest& request) { return RequestLimits{10, request.path == "/healthz"}; };
  Fixture f(
      [&](ServerRequest request) {
        return request.path == "/hang" ? Handlers::hang(*on, started, cancelled)
                                       : Handlers::echo(std::move(request));
      },
      options);
  on = &f.loop;
  std::vector<int> clients;
  for (int i = 0; i < 2; ++i) {
    clients.push_back(test::connect_to(f.server->url()));
    ::send(clients.back(), "GET /hang HTTP/1.0\r\n\r\n", 22, MSG_NOSIGNAL);
  }
  REQUIRE(f.run_until([&] { return started == 2; }));
  for (int i = 0; i < 3; ++i) {
    CHECK(f.send("GET", "/healthz").value().status == 200);
    CHECK(f.talk("GET /other HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 503 "));
  }
  CHECK(cancelled == 0);
  for (const int fd : clients) ::close(fd);
}

TEST_CASE("places follow the limit of file descriptors") {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  rlimit few = before;
  few.rlim_cur = 64;
  ::setrlimit(RLIMIT_NOFILE, &few);
  Fixture f;
  ::setrlimit(RLIMIT_NOFILE, &before);
  std::vector<int> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(test::connect_to(f.server->url()));
  const auto gone = [&] {
    return std::count_if(clients.begin(), clients.end(), [](int fd) {
      std::string out;
      return Fixture::receive(fd, out);
    });
  };
  CHECK(f.run_until([&] { return gone() == 4; }));
  for (const int fd : clients) ::close(fd);
}

TEST_CASE("a body that comes more slowly than it must is dropped, and one that keeps the rate is not") {
  ServerOptions options;
  options.head_deadline = 100ms;
  options.min_rate = 1000;
  Fixture f(&Handlers::echo, options);
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 600\r\nConnection: close\r\n\r\n";
  const int slow = test::connect_to(f.server->url());
  const int steady = test::connect_to(f.server->url());
  ::send(slow, head.data(), head.size(), MSG_NOSIGNAL);
  ::send(steady, head.data(), head.size(), MSG_NOSIGNAL);
  std::string of_slow;
  std::string of_steady;
  const auto begin = f.loop.steady_now();
  std::size_t sent = 0;
  CHECK(f.run_until([&] {
    // A byte a millisecond at least, against one in all.
    const auto due = static_cast<std::size_t>((f.loop.steady_now() - begin) / 500us);
    for (; sent < std::min<std::size_t>(due, 600); ++sent) {
      ::send(steady, "x", 1, MSG_NOSIGNAL);
      if (sent == 0) ::send(slow, "x", 1, MSG_NOSIGNAL);
    }
    return Fixture::receive(slow, of_slow) && Fixture::receive(steady, of_steady);
  }));
  CHECK(of_slow.empty());
  CHECK(of_steady.find(std::string(600, 'x')) != std::string::npos);
  ::close(slow);
  ::close(steady);
}

TEST_CASE("all bodies together have one budget, and whoever lags gives up first") {
  ServerOptions options;
  options.max_body = 1000;
  options.max_bodies = 2500;
  options.head_deadline = 500ms;
  options.min_rate = 1000;
  Fixture f(&Handlers::echo, options);
  const auto later = [&](milliseconds time) {
    f.run_until([end = f.loop.steady_now() + time, &f] { return f.loop.steady_now() > end; });
  };
  const std::string held =
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + std::string(900, 'x');
  std::vector<int> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(test::connect_to(f.server->url()));
    ::send(clients.back(), held.data(), held.size(), MSG_NOSIGNAL);
    later(20ms);
  }
  // None lags yet: the newest is told to come again.
  std::string out;
  CHECK(Fixture::receive(clients[2], out));
  CHECK(out.starts_with("HTTP/1.1 503 "));
  CHECK_FALSE(Fixture::receive(clients[0], out));
  later(120ms);
  // The first has lagged longest.
  CHECK(f.send("POST", "/", std::string(1000, 'y')).value().status == 200);
  out.clear();
  CHECK(Fixture::receive(clients[0], out));
  CHECK(out.starts_with("HTTP/1.1 503 "));
  // What was given up, and what was answered, counts no more.
  for (int i = 0; i < 5; ++i) CHECK(f.send("POST", "/", std::string(1000, 'y')).value().status == 200);
  CHECK_FALSE(Fixture::receive(clients[1], out));
  for (const int fd : clients) ::close(fd);
}

TEST_CASE("where no body belongs none is read, and the answer comes all the same") {
  ServerOptions options;
  options.limits = [](const ServerRequest&) { return RequestLimits{}; };
  Fixture f(&Handlers::echo, options);
  const auto out =
      f.talk("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n" + std::string(2000, 'x'));
  CHECK(out.starts_with("HTTP/1.1 200 "));
  CHECK(out.ends_with("/x|none|"));
  CHECK(out.find("Connection: close") != std::string::npos);
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
  ::send(client, "GET /late HTTP/1.0\r\n\r\n", 22, MSG_NOSIGNAL);
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
