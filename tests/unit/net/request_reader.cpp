#include "net/request_reader.hpp"

#include "tests/support/catch.hpp"

using namespace watchbill::net;

namespace {

using State = RequestReader::State;
constexpr std::size_t kMaxHead = 2000;
constexpr std::size_t kMaxBody = 100;

/// Feeds `text` in pieces of `piece` bytes; takes the body when the head is there.
RequestReader read(const std::string& text, std::size_t piece, std::size_t* used = nullptr) {
  RequestReader reader(kMaxHead);
  std::size_t at = 0;
  while (at < text.size()) {
    const auto took = reader.feed(std::string_view(text).substr(at, piece));
    at += took;
    if (reader.state() == State::decide) {
      reader.take_body(kMaxBody);
    } else if (took == 0) {
      break;
    }
  }
  if (used) *used = at;
  return reader;
}

/// 0 if it is complete, -1 if more must come.
int outcome(const std::string& text, std::size_t piece = 4096) {
  const auto reader = read(text, piece);
  if (reader.state() == State::refused) return reader.refusal();
  return reader.state() == State::complete ? 0 : -1;
}

std::string with(const std::string& header) {
  return "POST / HTTP/1.1\r\nHost: x\r\n" + header + "\r\n\r\n";
}

}  // namespace

TEST_CASE("a request is read the same however it was split") {
  const std::string next = "GET /next HTTP/1.1\r\n";
  const std::vector<std::pair<std::string, int>> texts{
      {"GET /a?b=c HTTP/1.1\r\nHost: x\r\nX-Y:  \t spaced\t \r\n\r\n", 0},
      {with("Content-Length: 5") + "hello", 0},
      {with("Content-Length: 0"), 0},
      {with("content-length: 5") + "hello", 0},
      {with("Transfer-Encoding: Chunked") + "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", 0},
      {with("Transfer-Encoding: chunked") + "00000005\r\nhello\r\n0\r\n\r\n", 0},
      {with("Transfer-Encoding: chunked") + "65\r\n", 413},
      {with("Transfer-Encoding: chunked") + "0x5\r\nhello", 400},
      {with("Transfer-Encoding: chunked") + "+5\r\nhello", 400},
      {with("Transfer-Encoding: chunked") + "5;a=b\r\nhello", 400},
      {with("Transfer-Encoding: chunked") + "5\nhello", 400},
      {with("Transfer-Encoding: chunked") + "5 \r\nhello", 400},
      {with("Transfer-Encoding: chunked") + "\r\n", 400},
      {with("Transfer-Encoding: chunked") + "ffffffffffffffff\r\n", 400},
      {with("Transfer-Encoding: chunked") + "5\r\nhelloX\r\n", 400},
      {with("Transfer-Encoding: chunked") + "0\r\nTrailer: x\r\n\r\n", 400},
      {with("Content-Length: 101"), 413},
      {with("Content-Length: 5") + "hell", -1},
      {"GET / HTTP/1.1\r\nHost: x\r\n", -1},
      {"GET / HTTP/1.1\r\nHost: x\n\r\n", 400},
      {"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nX: " + std::string(kMaxHead, 'x'), 431},
  };
  for (const auto& [text, wanted] : texts) {
    INFO(text);
    for (const std::size_t piece : {1U, 2U, 3U, 7U, 4096U}) CHECK(outcome(text, piece) == wanted);
    if (wanted != 0) continue;
    std::size_t used = 0;
    const auto reader = read(text + next, 4096, &used);
    CHECK(reader.state() == State::complete);
    CHECK(used == text.size());
  }
  auto chunked = read(texts[4].first, 1);
  CHECK(chunked.body() == "hello");
}

TEST_CASE("the first line and the headers say what they say and nothing else") {
  auto reader = read(
      "POST /a%2Fb?c=d HTTP/1.1\r\nHost: x:1\r\nX-Y:  a  b\t\r\nExpect: 100-Continue\r\n"
      "Connection: Upgrade, Close\r\n\r\n",
      4096);
  const auto& head = reader.head();
  CHECK(head.method == "POST");
  CHECK(head.target == "/a%2Fb?c=d");
  CHECK(find_header(head.headers, "x-y") == "a  b");
  CHECK(head.expects_continue);
  CHECK_FALSE(head.keep_alive);
  CHECK_FALSE(head.has_body());
  CHECK(read("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 4096).head().keep_alive == false);
}

TEST_CASE("first lines and headers that HTTP does not know are refused") {
  const auto line = [](const std::string& first) { return outcome(first + "\r\nHost: x\r\n\r\n"); };
  CHECK(line("GET / HTTP/1.1") == 0);
  CHECK(line("GET  / HTTP/1.1") == 400);
  CHECK(line("GET / HTTP/1.1 ") == 400);
  CHECK(line(" GET / HTTP/1.1") == 400);
  CHECK(line("GET /") == 400);
  CHECK(line("GET\t/\tHTTP/1.1") == 400);
  CHECK(line("GET /a b HTTP/1.1") == 400);
  CHECK(line("GET /\x01 HTTP/1.1") == 400);
  CHECK(line("GET /\xc3\xa9 HTTP/1.1") == 400);
  CHECK(line("GET /a#b HTTP/1.1") == 400);
  CHECK(line("GET http://x/ HTTP/1.1") == 400);
  CHECK(line("OPTIONS * HTTP/1.1") == 400);
  CHECK(line("GET / HTTP/1.2") == 505);
  CHECK(line("GET / HTTP/2.0") == 505);
  CHECK(line("GET / http/1.1") == 400);
  CHECK(line("GET / HTTP/11") == 400);
  CHECK(line("TRACE / HTTP/1.1") == 501);
  CHECK(outcome(with("X: caf\xc3\xa9")) == 0);
  for (const auto* header : {"X : a", "X\t: a", ": a", "X", "X Y: a", " X: a", "X: a\r\n b", "X: a\x7f",
                             "X: \x01", "X\x80: a", "Host: x", "Transfer-Encoding:", "Content-Length: 1e1",
                             "Content-Length: 00", "Content-Length: 010"}) {
    INFO(header);
    CHECK(outcome(with(header)) == 400);
  }
  for (const auto* host : {"", "a b", "a,b", "a/b", "u@a", "a\r\nHost: b"}) {
    INFO(host);
    CHECK(outcome("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n") == 400);
  }
  CHECK(outcome("GET / HTTP/1.1\r\nHost: [::1]:9469\r\n\r\n") == 0);
  CHECK(outcome("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n") == 400);
  CHECK(outcome("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") == 400);
  std::string many;
  for (int i = 0; i < 100; ++i) many += "X: 1\r\n";
  CHECK(outcome("GET / HTTP/1.1\r\nHost: x\r\n" + many + "\r\n") == 431);
}
