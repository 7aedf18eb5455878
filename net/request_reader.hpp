#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "net/http.hpp"

namespace watchbill::net {

/// The first line and the headers of a request.
struct RequestHead {
  std::string method;
  std::string target;  ///< "/path?query"
  bool http_1_0 = false;
  Headers headers;
  std::size_t length = 0;  ///< of the body, as announced
  bool chunked = false;    ///< the body tells its end itself
  bool keep_alive = true;
  bool expects_continue = false;

  [[nodiscard]] bool has_body() const { return chunked || length > 0; }
};

/// Reads one request from bytes as they come: HTTP/1.1 and 1.0 without everything that two readers could read
/// two ways (RFC 9112, sections 2.2, 3, 5, 6 and 7; decisions/0021). Pure: no I/O.
class RequestReader {
 public:
  enum class State {
    head,      ///< reads the first line and the headers
    decide,    ///< they are there: `take_body` or no more
    body,      ///< reads the body
    complete,  ///< what follows belongs to the next request
    refused,   ///< see `refusal`; where the next request begins is not known
  };

  /// `max_head`: bytes of the first line and the headers together; more is refused.
  explicit RequestReader(std::size_t max_head) : max_head_(max_head) {}

  /// Takes bytes of this request from the front and returns how many. What was split where makes no
  /// difference.
  std::size_t feed(std::string_view bytes);
  /// In `decide`: reads the body, if the request has one. More than `max_body` bytes are refused.
  void take_body(std::size_t max_body);

  [[nodiscard]] State state() const { return state_; }
  /// Nothing of it has come yet.
  [[nodiscard]] bool untouched() const { return state_ == State::head && text_.empty(); }
  [[nodiscard]] const RequestHead& head() const { return head_; }
  [[nodiscard]] RequestHead& head() { return head_; }
  /// As far as it has come.
  [[nodiscard]] std::string& body() { return body_; }
  /// The HTTP status that tells what is wrong: 400, 413, 417, 431, 501 or 505.
  [[nodiscard]] int refusal() const { return refusal_; }

 private:
  enum class Chunk { size, data, end, last };

  /// Longer lines are refused.
  std::size_t feed_line(std::string_view bytes, std::size_t longest);
  std::size_t feed_head(std::string_view bytes);
  std::size_t feed_length(std::string_view bytes);
  std::size_t feed_chunks(std::string_view bytes);
  std::size_t feed_data(std::string_view bytes);
  void add_to_body(std::string_view bytes);
  void end_of_chunk_line();
  void begin_chunk(std::string_view digits);
  void refuse(int status);

  std::size_t max_head_;
  State state_ = State::head;
  int refusal_ = 0;
  /// Of the head, or of a chunk's line, as far as it has come.
  std::string text_;
  RequestHead head_;
  std::size_t max_body_ = 0;
  std::string body_;
  Chunk chunk_ = Chunk::size;
  std::size_t chunk_left_ = 0;
};

/// Reads a head up to and with its empty line; every line ends with CRLF. Errors: `invalid`, with the HTTP
/// status as `code`.
Result<RequestHead> parse_head(std::string_view text);

}  // namespace watchbill::net
