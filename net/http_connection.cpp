#include "net/http_connection.hpp"

#include <event2/bufferevent.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

namespace watchbill::net {

namespace {

/// Read ahead of what is taken: pipelined requests, and a piece of a body.
constexpr std::size_t kReadAhead = std::size_t{16} << 10U;
/// How long what still comes is dropped after the last answer: a reset would overtake the answer.
constexpr milliseconds kLinger = 1s;

constexpr std::array<std::pair<int, std::string_view>, 25> kReasons{{
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {409, "Conflict"},
    {410, "Gone"},
    {413, "Content Too Large"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
}};

std::string_view reason_of(int status) {
  const auto* const found = std::find_if(kReasons.begin(), kReasons.end(),
                                         [status](const auto& reason) { return reason.first == status; });
  return found == kReasons.end() ? std::string_view{} : found->second;
}

/// Without a line break, which would begin another header.
bool is_one_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

bool has_no_body(int status) {
  return status == 204 || status == 304;
}

/// Takes the headers over.
ServerRequest request_of(RequestHead& head, const std::string& peer) {
  ServerRequest out;
  out.method = head.method;
  const auto mark = std::min(head.target.find('?'), head.target.size());
  out.raw_path = head.target.substr(0, mark);
  out.path = percent_decode(out.raw_path);
  if (mark < head.target.size()) out.query = decode_form(std::string_view(head.target).substr(mark + 1));
  out.headers = std::move(head.headers);
  out.peer = peer;
  return out;
}

ServerResponse internal_error() {
  return {.status = 500, .headers = {{"Content-Type", "text/plain"}}, .body = "internal error\n"};
}

}  // namespace

void HttpConnection::FreeStream::operator()(bufferevent* stream) const {
  bufferevent_free(stream);
}

HttpConnection::HttpConnection(EventLoop& loop, HttpConnectionHost& host, const ServerOptions& options,
                               int fd, std::string peer)
    : loop_(loop),
      host_(host),
      options_(options),
      peer_(std::move(peer)),
      since_(loop.steady_now()),
      reader_(options.max_headers),
      socket_(bufferevent_socket_new(loop.base(), fd, BEV_OPT_CLOSE_ON_FREE)) {
  if (!socket_) throw std::bad_alloc();
  bufferevent_setcb(socket_.get(), &HttpConnection::readable, &HttpConnection::written,
                    &HttpConnection::ended, this);
  bufferevent_setwatermark(socket_.get(), EV_READ, 0, kReadAhead);
  bufferevent_enable(socket_.get(), EV_READ | EV_WRITE);
  watch_time();
}

HttpConnection::~HttpConnection() {
  if (stream_) stream_->impl_->connection = nullptr;
  (void)hold(0);
}

evbuffer* HttpConnection::input() const {
  return bufferevent_get_input(socket_.get());
}

evbuffer* HttpConnection::output() const {
  return bufferevent_get_output(socket_.get());
}

void HttpConnection::write(std::string_view bytes) {
  if (evbuffer_add(output(), bytes.data(), bytes.size()) != 0) throw std::bad_alloc();
}

bool HttpConnection::hold(std::size_t bytes) {
  const auto before = std::exchange(held_, bytes);
  return before == bytes || host_.hold(*this, before, bytes);
}

void HttpConnection::enter(Phase phase) {
  // The body is on the head's time.
  if (phase != Phase::body) since_ = loop_.steady_now();
  phase_ = phase;
  watch_time();
}

SteadyInstant HttpConnection::give_up_at() const {
  const auto head = std::min(options_.head_deadline, options_.deadline);
  switch (phase_) {
    case Phase::head:
      return since_ + head;
    case Phase::body:
      return since_ + std::min(head + at_least_rate(held_), options_.deadline);
    case Phase::streaming:
      return SteadyInstant::max();
    case Phase::ending:
      return since_ + kLinger;
    default:
      return since_ + options_.deadline;
  }
}

/// How long so many bytes may take.
milliseconds HttpConnection::at_least_rate(std::size_t bytes) const {
  return milliseconds(static_cast<std::int64_t>(bytes * 1000 / options_.min_rate));
}

void HttpConnection::watch_time() {
  const auto at = give_up_at();
  if (at == SteadyInstant::max()) return time_.reset();
  const auto left = std::chrono::ceil<milliseconds>(at - loop_.steady_now());
  time_ = Timer{loop_, loop_.start_timer(std::max(left, 0ms), [this] {
                  // A body that keeps the least rate has gained time meanwhile.
                  if (loop_.steady_now() < give_up_at()) return watch_time();
                  host_.gone(*this);
                })};
}

milliseconds HttpConnection::behind() const {
  const auto left = evbuffer_get_length(output());
  const auto done = phase_ == Phase::answering ? announced_ - std::min(left, announced_) : held_;
  return std::chrono::floor<milliseconds>(loop_.steady_now() - since_) - at_least_rate(done);
}

bool HttpConnection::is_fresh() const {
  constexpr int kPart = 5;
  return loop_.steady_now() - since_ < options_.head_deadline / kPart;
}

std::optional<HttpConnection::Spare> HttpConnection::spare() const {
  switch (phase_) {
    case Phase::ending:
      return Spare{Rank::ended, behind()};
    case Phase::head:
    case Phase::body:
    case Phase::answering:
      return Spare{is_fresh() ? Rank::open : Rank::slow, behind()};
    case Phase::idle:
      // A proxy may be about to use it: it goes no earlier than who began when it became idle.
      return Spare{Rank::open, behind()};
    default:
      return std::nullopt;
  }
}

std::optional<milliseconds> HttpConnection::body_behind() const {
  return phase_ == Phase::body && held_ > 0 && !is_fresh() ? std::optional(behind()) : std::nullopt;
}

void HttpConnection::give_up_body() {
  refuse(503);
}

void HttpConnection::readable(bufferevent* /*stream*/, void* self) noexcept {
  static_cast<HttpConnection*>(self)->read();
}

void HttpConnection::read() {
  if (phase_ == Phase::ending) evbuffer_drain(input(), evbuffer_get_length(input()));
  if (phase_ == Phase::idle && evbuffer_get_length(input()) > 0) enter(Phase::head);
  while ((phase_ == Phase::head || phase_ == Phase::body) && step()) {
  }
}

bool HttpConnection::step() {
  switch (reader_.state()) {
    case RequestReader::State::decide:
      return decide();
    case RequestReader::State::complete:
      complete();
      return false;
    case RequestReader::State::refused:
      refuse(reader_.refusal());
      return false;
    default:
      return read_piece();
  }
}

bool HttpConnection::read_piece() {
  evbuffer_iovec piece{};
  if (evbuffer_peek(input(), -1, nullptr, &piece, 1) < 1 || piece.iov_len == 0) return false;
  const auto used = reader_.feed({static_cast<const char*>(piece.iov_base), piece.iov_len});
  evbuffer_drain(input(), used);
  if (hold(reader_.body().size())) return true;
  refuse(503);
  return false;
}

bool HttpConnection::decide() {
  auto& head = reader_.head();
  request_ = request_of(head, peer_);
  close_after_ = !head.keep_alive;
  head_only_ = head.method == "HEAD";
  http_1_0_ = head.http_1_0;
  const auto limits = host_.admit(*this, request_);
  if (!limits) {
    refuse(503);
    return false;
  }
  if (limits->max_body == 0 && head.has_body()) {
    // Where the next request begins would be known only by reading it.
    close_after_ = true;
    complete();
    return false;
  }
  reader_.take_body(limits->max_body);
  if (reader_.state() == RequestReader::State::body) {
    enter(Phase::body);
    if (head.expects_continue && evbuffer_get_length(input()) == 0) write("HTTP/1.1 100 Continue\r\n\r\n");
  }
  return true;
}

void HttpConnection::complete() {
  request_.body = std::move(reader_.body());
  enter(Phase::handling);
  handling_.spawn(handle(*this, std::exchange(request_, {})));
}

Task<void> HttpConnection::handle(HttpConnection& self, ServerRequest request) {
  auto response = internal_error();
  try {
    response = co_await self.host_.handle(std::move(request));
  } catch (...) {
    // What went wrong is not the client's business.
  }
  self.response_ = std::move(response);
  self.announced_ = 0;
  self.enter(Phase::answering);
  // In a turn of its own: the answer may end the connection, and with it this task.
  auto* const connection = &self;
  self.answer_ = Timer{self.loop_, self.loop_.start_timer(0ms, [connection] { connection->answer(); })};
}

void HttpConnection::refuse(int status) {
  close_after_ = true;
  response_ = ServerResponse{.status = status};
  announced_ = 0;
  enter(Phase::answering);
  answer();
}

void HttpConnection::answer() {
  (void)hold(0);
  // Taken out rather than assigned to: an empty string that is moved into another leaves it its memory.
  (void)std::exchange(reader_, RequestReader(options_.max_headers));
  (void)std::exchange(request_, ServerRequest{});
  auto response = std::exchange(response_, {});
  if (host_.stopping()) close_after_ = true;
  if (response.stream) return begin_stream(std::move(response));
  const bool bodiless = has_no_body(response.status);
  send_head(response, bodiless ? std::nullopt : std::optional(response.body.size()));
  reset_after_ = response.reset_after.has_value();
  const auto size = std::min(response.reset_after.value_or(response.body.size()), response.body.size());
  if (!bodiless && !head_only_) write(std::string_view(response.body).substr(0, size));
  announced_ = evbuffer_get_length(output());
}

void HttpConnection::send_head(const ServerResponse& response, std::optional<std::size_t> length) {
  std::string out = fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_of(response.status));
  for (const auto& [name, value] : response.headers) {
    if (is_one_line(name) && is_one_line(value)) out += fmt::format("{}: {}\r\n", name, value);
  }
  const auto missing = [&response](std::string_view name) { return !find_header(response.headers, name); };
  if (missing("Date")) out += fmt::format("Date: {}\r\n", format_http_date(loop_.now()));
  if (length && missing("Content-Length")) out += fmt::format("Content-Length: {}\r\n", *length);
  if (response.stream && !http_1_0_) out += "Transfer-Encoding: chunked\r\n";
  if (find_header(response.headers, "Connection") == "close") {
    close_after_ = true;
  } else if (close_after_) {
    out += "Connection: close\r\n";
  }
  write(out + "\r\n");
}

void HttpConnection::begin_stream(ServerResponse response) {
  if (http_1_0_) close_after_ = true;
  send_head(response, std::nullopt);
  stream_ = std::move(response.stream);
  enter(Phase::streaming);
  auto& stream = *stream_->impl_;
  stream.begun = true;
  stream.connection = this;
  const bool ended = std::exchange(stream.ended, false);
  stream_->send(std::exchange(stream.early, {}));
  if (ended || head_only_) stream_->end();
}

void HttpConnection::send_piece(std::string_view piece) {
  if (head_only_) return;
  if (http_1_0_) return write(piece);
  write(fmt::format("{:x}\r\n", piece.size()));
  write(piece);
  write("\r\n");
}

std::size_t HttpConnection::unsent() const {
  return evbuffer_get_length(output());
}

void HttpConnection::end_stream() {
  if (!http_1_0_ && !head_only_) write("0\r\n\r\n");
  announced_ = std::max<std::size_t>(unsent(), 1);
  enter(Phase::answering);
  bufferevent_trigger(socket_.get(), EV_WRITE, BEV_TRIG_DEFER_CALLBACKS);
  stream_ = nullptr;
}

void HttpConnection::written(bufferevent* /*stream*/, void* self) noexcept {
  auto& connection = *static_cast<HttpConnection*>(self);
  if (connection.phase_ == Phase::answering && connection.announced_ > 0) connection.answered();
}

void HttpConnection::answered() {
  if (reset_after_) return reset();
  if (!close_after_) return next_request();
  if (half_closed_) return host_.gone(*this);
  enter(Phase::ending);
  ::shutdown(bufferevent_getfd(socket_.get()), SHUT_WR);
  read();
}

void HttpConnection::next_request() {
  enter(Phase::idle);
  read();
  const bool reading = phase_ == Phase::idle || phase_ == Phase::head || phase_ == Phase::body;
  if (half_closed_ && reading) host_.gone(*this);
}

void HttpConnection::ended(bufferevent* /*stream*/, short what, void* self) noexcept {
  auto& connection = *static_cast<HttpConnection*>(self);
  const bool closed = (what & BEV_EVENT_EOF) != 0 && (what & BEV_EVENT_ERROR) == 0;
  // A client may have closed its side alone: the answer that is made already goes out.
  if (closed && connection.phase_ == Phase::answering) {
    connection.half_closed_ = true;
    return;
  }
  connection.host_.gone(connection);
}

void HttpConnection::reset() {
  // Linux: disconnects with a RST.
  const sockaddr nobody{.sa_family = AF_UNSPEC, .sa_data = {}};
  (void)::connect(bufferevent_getfd(socket_.get()), &nobody, sizeof nobody);
  host_.gone(*this);
}

BodyStream::BodyStream() : impl_(std::make_unique<Impl>()) {}
BodyStream::~BodyStream() = default;

void BodyStream::send(std::string_view piece) {
  if (!open() || piece.empty()) return;
  if (impl_->begun) return impl_->connection->send_piece(piece);
  impl_->early += piece;
}

void BodyStream::end() {
  if (!open()) return;
  impl_->ended = true;
  if (impl_->begun) std::exchange(impl_->connection, nullptr)->end_stream();
}

bool BodyStream::open() const {
  return !impl_->ended && (!impl_->begun || impl_->connection);
}

std::size_t BodyStream::waiting() const {
  return impl_->connection ? impl_->connection->unsent() : impl_->early.size();
}

std::optional<std::string> ServerRequest::query_value(std::string_view name) const {
  for (const auto& [field, value] : query) {
    if (field == name) return value;
  }
  return std::nullopt;
}

}  // namespace watchbill::net
