#include "net/request_reader.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

namespace watchbill::net {

namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::size_t kMaxHeaderLines = 100;
/// Digits of a length: far beyond every limit, and no overflow.
constexpr std::size_t kMaxDigits = 15;
constexpr std::size_t kMaxChunkDigits = 8;
constexpr std::array<std::string_view, 7> kMethods{"GET",    "POST",    "HEAD", "PUT",
                                                   "DELETE", "OPTIONS", "PATCH"};

/// Told to the client by the status alone.
Error refused(int status) {
  Error error;
  error.kind = ErrorKind::invalid;
  error.code = std::to_string(status);
  return error;
}

/// Gives its memory back, too.
void release(std::string& text) {
  std::string().swap(text);
}

bool is_visible(char c) {
  return c > ' ' && c < 0x7F;
}

/// Also bytes beyond ASCII, as in UTF-8.
bool is_value_character(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == '\t' || (byte >= ' ' && byte != 0x7F);
}

std::string_view trim_blanks(std::string_view text) {
  constexpr std::string_view kSpace = " \t";
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

/// Digits and nothing else: no sign, no "0x", no list.
std::optional<std::size_t> parse_digits(std::string_view text, int base, std::size_t max_digits) {
  std::size_t value = 0;
  const auto* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value, base);
  const bool good = !text.empty() && text.size() <= max_digits && read.ec == std::errc{} && read.ptr == end;
  return good ? std::optional(value) : std::nullopt;
}

/// "GET /path HTTP/1.1"
Result<void> parse_first_line(std::string_view line, RequestHead& head) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return refused(400);
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, last - first - 1);
  const auto version = line.substr(last + 1);
  const bool plain = std::all_of(head.target.begin(), head.target.end(), is_visible);
  if (!is_token(head.method) || !plain) return refused(400);
  if (version.size() != 8 || !version.starts_with("HTTP/") || version[6] != '.') return refused(400);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return refused(505);
  head.http_1_0 = version == "HTTP/1.0";
  if (std::find(kMethods.begin(), kMethods.end(), head.method) == kMethods.end()) return refused(501);
  const bool origin_form = head.target.starts_with('/') && head.target.find('#') == std::string::npos;
  return origin_form ? Result<void>{} : refused(400);
}

Result<void> parse_header(std::string_view line, RequestHead& head) {
  const auto colon = line.find(':');
  // A name that ends with a space, or begins with one (a folded line), is no token.
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return refused(400);
  const auto value = trim_blanks(line.substr(colon + 1));
  if (!std::all_of(value.begin(), value.end(), is_value_character)) return refused(400);
  if (head.headers.size() == kMaxHeaderLines) return refused(431);
  head.headers.emplace_back(line.substr(0, colon), value);
  return {};
}

/// All values of one name, in lower case.
std::vector<std::string> values_of(const RequestHead& head, std::string_view name) {
  std::vector<std::string> out;
  for (const auto& header : head.headers) {
    if (lower_case(header.first) == name) out.push_back(lower_case(header.second));
  }
  return out;
}

Result<void> check_host(const RequestHead& head) {
  constexpr std::string_view kHost = "abcdefghijklmnopqrstuvwxyz0123456789.-_:[]";
  const auto hosts = values_of(head, "host");
  if (hosts.empty() && head.http_1_0) return {};
  const bool one = hosts.size() == 1 && !hosts[0].empty();
  return one && hosts[0].find_first_not_of(kHost) == std::string::npos ? Result<void>{} : refused(400);
}

Result<void> read_length(RequestHead& head) {
  const auto lengths = values_of(head, "content-length");
  const auto encodings = values_of(head, "transfer-encoding");
  if (!encodings.empty()) {
    const bool plain = encodings.size() == 1 && encodings[0] == "chunked" && lengths.empty();
    if (!plain || head.http_1_0) return refused(400);
    head.chunked = true;
  } else if (!lengths.empty()) {
    const auto length = parse_digits(lengths[0], 10, kMaxDigits);
    // Some read a number that begins with 0 as octal.
    const bool octal = lengths[0].size() > 1 && lengths[0].front() == '0';
    if (lengths.size() > 1 || !length || octal) return refused(400);
    head.length = *length;
  }
  return head.method == "HEAD" && head.has_body() ? refused(400) : Result<void>{};
}

Result<void> read_connection(RequestHead& head) {
  head.keep_alive = !head.http_1_0;
  for (const auto& value : values_of(head, "connection")) {
    std::string_view rest = value;
    while (!rest.empty()) {
      const auto option = rest.substr(0, rest.find(','));
      if (trim_blanks(option) == "close") head.keep_alive = false;
      rest.remove_prefix(std::min(option.size() + 1, rest.size()));
    }
  }
  for (const auto& value : values_of(head, "expect")) {
    if (value != "100-continue") return refused(417);
    head.expects_continue = !head.http_1_0;
  }
  return {};
}

}  // namespace

Result<RequestHead> parse_head(std::string_view text) {
  RequestHead head;
  bool first = true;
  while (!text.empty()) {
    const auto end = text.find(kLineEnd);
    if (end == std::string_view::npos) return refused(400);
    const auto line = text.substr(0, end);
    text.remove_prefix(end + kLineEnd.size());
    if (line.empty() && !first && text.empty()) break;
    const auto parsed = first ? parse_first_line(line, head) : parse_header(line, head);
    if (!parsed) return parsed.error();
    first = false;
  }
  for (auto* const check : {&read_length, &read_connection}) {
    if (auto checked = check(head); !checked) return checked.error();
  }
  if (auto checked = check_host(head); !checked) return checked.error();
  return head;
}

std::size_t RequestReader::feed(std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && (state_ == State::head || state_ == State::body)) {
    const auto rest = bytes.substr(used);
    if (state_ == State::head) {
      used += feed_head(rest);
    } else {
      used += head_.chunked ? feed_chunks(rest) : feed_length(rest);
    }
  }
  return used;
}

void RequestReader::take_body(std::size_t max_body) {
  if (state_ != State::decide) return;
  if (head_.length > max_body) return refuse(413);
  max_body_ = max_body;
  state_ = head_.has_body() ? State::body : State::complete;
}

void RequestReader::refuse(int status) {
  state_ = State::refused;
  refusal_ = status;
  release(text_);
  release(body_);
}

/// Up to and with the next LF, which ends a line only after a CR.
std::size_t RequestReader::feed_line(std::string_view bytes, std::size_t longest) {
  const auto end = bytes.find('\n');
  const auto count = end == std::string_view::npos ? bytes.size() : end + 1;
  text_.append(bytes.substr(0, count));
  if (text_.size() > longest) {
    refuse(state_ == State::head ? 431 : 400);
  } else if (end != std::string_view::npos && !text_.ends_with(kLineEnd)) {
    refuse(400);
  }
  return count;
}

std::size_t RequestReader::feed_head(std::string_view bytes) {
  const auto count = feed_line(bytes, max_head_);
  if (state_ != State::head) return count;
  if (text_ == kLineEnd) {
    refuse(400);
  } else if (text_.ends_with("\r\n\r\n")) {
    auto head = parse_head(text_);
    if (!head) {
      refuse(std::stoi(head.error().code));
    } else {
      head_ = std::move(*head);
      state_ = State::decide;
      release(text_);
    }
  }
  return count;
}

/// Its memory follows what has come: announcing much costs nothing, and a string that doubles costs twice.
void RequestReader::add_to_body(std::string_view bytes) {
  constexpr std::size_t kStep = std::size_t{64} << 10U;
  const auto needed = body_.size() + bytes.size();
  if (needed > body_.capacity()) {
    std::string longer;
    longer.reserve((needed / kStep + 1) * kStep);
    body_.swap(longer.append(body_));
  }
  body_.append(bytes);
}

std::size_t RequestReader::feed_length(std::string_view bytes) {
  const auto count = std::min(bytes.size(), head_.length - body_.size());
  add_to_body(bytes.substr(0, count));
  if (body_.size() == head_.length) state_ = State::complete;
  return count;
}

std::size_t RequestReader::feed_data(std::string_view bytes) {
  const auto count = std::min(bytes.size(), chunk_left_);
  add_to_body(bytes.substr(0, count));
  chunk_left_ -= count;
  if (chunk_left_ == 0) chunk_ = Chunk::end;
  return count;
}

std::size_t RequestReader::feed_chunks(std::string_view bytes) {
  if (chunk_ == Chunk::data) return feed_data(bytes);
  const auto count = feed_line(bytes, kMaxChunkDigits + kLineEnd.size());
  if (state_ == State::body && text_.ends_with(kLineEnd)) end_of_chunk_line();
  return count;
}

void RequestReader::end_of_chunk_line() {
  const auto line = std::exchange(text_, {});
  const auto text = std::string_view(line).substr(0, line.size() - kLineEnd.size());
  if (chunk_ == Chunk::size) return begin_chunk(text);
  // Nothing follows a chunk's data, and no trailers follow the last chunk.
  if (!text.empty()) return refuse(400);
  if (chunk_ == Chunk::last) state_ = State::complete;
  chunk_ = Chunk::size;
}

void RequestReader::begin_chunk(std::string_view digits) {
  const auto size = parse_digits(digits, 16, kMaxChunkDigits);
  if (!size) return refuse(400);
  if (*size > max_body_ - body_.size()) return refuse(413);
  chunk_left_ = *size;
  chunk_ = *size > 0 ? Chunk::data : Chunk::last;
}

}  // namespace watchbill::net
