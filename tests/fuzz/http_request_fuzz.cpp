#include <cstdlib>

#include "net/request_reader.hpp"

// libFuzzer target: any bytes are what a client sends to the listener. The first byte says in what pieces
// they arrive. Whatever the pieces, the same is read of them, and what is accepted can be read in one way
// only.

namespace {

using namespace watchbill::net;
using State = RequestReader::State;

constexpr std::size_t kMaxHead = 4000;
constexpr std::size_t kMaxBody = 1000;

void require(bool true_) {
  if (!true_) std::abort();
}

struct Outcome {
  RequestReader reader{kMaxHead};
  std::size_t used = 0;
};

Outcome read(std::string_view text, std::size_t piece) {
  Outcome out;
  while (out.used < text.size()) {
    const auto took = out.reader.feed(text.substr(out.used, piece));
    out.used += took;
    if (out.reader.state() == State::decide) {
      out.reader.take_body(kMaxBody);
    } else if (took == 0) {
      break;
    }
  }
  return out;
}

bool is_clean(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

void check(const RequestHead& head) {
  require(is_token(head.method) && is_clean(head.target) && head.target.starts_with('/'));
  std::size_t hosts = 0;
  std::size_t lengths = 0;
  std::size_t encodings = 0;
  for (const auto& header : head.headers) {
    require(is_token(header.first) && is_clean(header.second));
    if (find_header({header}, "Host")) ++hosts;
    if (find_header({header}, "Content-Length")) ++lengths;
    if (find_header({header}, "Transfer-Encoding")) ++encodings;
  }
  require(hosts == 1 || (hosts == 0 && head.http_1_0));
  require(lengths + encodings <= 1 && (encodings == 1) == head.chunked);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 20'000) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  auto whole = read(text, text.size());
  auto pieces = read(text, data[0] % 16 + 1);
  require(whole.reader.state() == pieces.reader.state() && whole.reader.refusal() == pieces.reader.refusal());
  require(whole.reader.body() == pieces.reader.body() && whole.reader.body().size() <= kMaxBody);
  if (whole.reader.state() == State::refused) {
    require(whole.reader.refusal() >= 400);
    return 0;
  }
  require(whole.used == pieces.used);
  if (whole.reader.state() == State::head) return 0;
  check(whole.reader.head());
  const auto& head = whole.reader.head();
  if (whole.reader.state() == State::complete && !head.chunked)
    require(whole.reader.body().size() == head.length);
  return 0;
}
