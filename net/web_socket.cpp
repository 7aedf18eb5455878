#include "net/web_socket.hpp"

#include <event2/util.h>

#include <algorithm>
#include <array>
#include <deque>

#include "base/base64.hpp"
#include "net/curl_wire.hpp"
#include "net/web_socket_handshake.hpp"
#include "net/wslay.hpp"

namespace watchbill::net {

namespace {

constexpr std::size_t kMaxHandshake = std::size_t{16} << 10U;
/// Bytes that one turn of the loop reads, so that a flood does not keep others waiting.
constexpr std::size_t kMaxTurn = std::size_t{256} << 10U;
/// Messages that wait for `receive`; then the other side has to wait.
constexpr std::size_t kMaxWaiting = 256;
/// Bytes that wait to be sent; then the other side has stopped reading.
constexpr std::size_t kMaxUnsent = std::size_t{8} << 20U;

std::string random_key() {
  std::array<char, 16> bytes{};
  evutil_secure_rng_get_bytes(bytes.data(), bytes.size());
  return base64({bytes.data(), bytes.size()});
}

/// One connection. All its steps are made by callbacks of the loop; tasks only wait for `changed_`.
class CurlWebSocket final : public WebSocket {
 public:
  CurlWebSocket(EventLoop& loop, const CurlOptions& curl, const WebSocketOptions& options, Url url);
  CurlWebSocket(const CurlWebSocket&) = delete;
  CurlWebSocket& operator=(const CurlWebSocket&) = delete;

  /// Connects and shakes hands.
  Task<Result<void>> open();
  Task<Result<std::string>> receive() override;
  Result<void> send(std::string_view text) override;
  Task<void> close() override;

 private:
  enum class Phase { connecting, upgrading, open };

  void connected(const Result<void>& result);
  void ready();
  void shake_hands();
  void start_frames();
  /// Reads and writes frames, as far as that is possible now.
  void pump();
  void write_frames();
  void settle();
  [[nodiscard]] bool full() const;
  void keep_alive();
  void end(Error why);
  void drop();
  [[nodiscard]] Error violated() const;

  ssize_t fill(std::uint8_t* into, std::size_t size);
  ssize_t flush(const std::uint8_t* data, std::size_t size);
  void take(const wslay_event_on_msg_recv_arg& message);

  EventLoop& loop_;
  WebSocketOptions options_;
  Url url_;
  std::string key_ = random_key();
  std::string user_agent_;
  Phase phase_ = Phase::connecting;
  std::string unsent_;  ///< of the handshake
  std::string head_;    ///< the server's answer; then what came after it
  WslayPtr frames_;
  std::deque<std::string> incoming_;
  std::size_t incoming_bytes_ = 0;
  /// Why nothing more comes.
  std::optional<Error> ended_;
  std::size_t turn_ = 0;  ///< bytes read in this turn
  SteadyInstant heard_;
  bool closing_ = false;
  bool dropped_ = false;
  Signal changed_;
  Timer deadline_;
  Timer ping_;
  Timer again_;
  std::unique_ptr<CurlWire> wire_;
};

CurlWebSocket::CurlWebSocket(EventLoop& loop, const CurlOptions& curl, const WebSocketOptions& options,
                             Url url)
    : loop_(loop),
      options_(options),
      url_(std::move(url)),
      user_agent_(curl.user_agent),
      heard_(loop.steady_now()),
      changed_(loop) {
  CurlWire::Callbacks callbacks;
  callbacks.on_connected = [this](const Result<void>& result) { connected(result); };
  callbacks.on_ready = [this] { ready(); };
  wire_ = std::make_unique<CurlWire>(loop, curl, url_, std::move(callbacks));
}

Task<Result<void>> CurlWebSocket::open() {
  deadline_ = Timer{
      loop_, loop_.start_timer(options_.connect_deadline, [this] {
        end(fail(ErrorKind::timeout, "no WebSocket within {}", format_duration(options_.connect_deadline)));
        drop();
      })};
  while (!ended_ && phase_ != Phase::open) co_await changed_.wait();
  if (phase_ != Phase::open) co_return ended_->in("{}", url_.origin());
  co_return Result<void>{};
}

void CurlWebSocket::connected(const Result<void>& result) {
  if (!result) return end(result.error());
  phase_ = Phase::upgrading;
  unsent_ = upgrade_request(url_, key_, user_agent_);
  ready();
}

void CurlWebSocket::ready() {
  if (dropped_) return;
  turn_ = 0;
  again_.reset();
  if (phase_ == Phase::upgrading) shake_hands();
  if (phase_ == Phase::open) pump();
}

void CurlWebSocket::shake_hands() {
  while (!unsent_.empty()) {
    const auto sent = wire_->write(unsent_);
    if (!sent) return end(sent.error());
    if (*sent == 0) return wire_->watch(true, true);
    unsent_.erase(0, *sent);
  }
  wire_->watch(true, false);
  std::array<char, 4096> bytes{};
  auto blank = std::string::npos;
  while ((blank = head_.find("\r\n\r\n")) == std::string::npos) {
    if (head_.size() > kMaxHandshake) {
      return end(fail(ErrorKind::unreadable, "the answer to the handshake is too long"));
    }
    const auto got = wire_->read(bytes.data(), bytes.size());
    if (!got) return end(got.error());
    if (*got == 0) return;
    head_.append(bytes.data(), *got);
  }
  if (auto upgraded = check_upgrade(std::string_view(head_).substr(0, blank), key_); !upgraded) {
    return end(upgraded.error());
  }
  head_.erase(0, blank + 4);
  start_frames();
}

void CurlWebSocket::start_frames() {
  wslay_event_callbacks callbacks{};
  callbacks.recv_callback = [](wslay_event_context_ptr, std::uint8_t* into, std::size_t size, int,
                               void* self) { return static_cast<CurlWebSocket*>(self)->fill(into, size); };
  callbacks.send_callback = [](wslay_event_context_ptr, const std::uint8_t* data, std::size_t size, int,
                               void* self) { return static_cast<CurlWebSocket*>(self)->flush(data, size); };
  callbacks.genmask_callback = [](wslay_event_context_ptr, std::uint8_t* into, std::size_t size, void*) {
    evutil_secure_rng_get_bytes(into, size);
    return 0;
  };
  callbacks.on_msg_recv_callback = [](wslay_event_context_ptr, const wslay_event_on_msg_recv_arg* message,
                                      void* self) { static_cast<CurlWebSocket*>(self)->take(*message); };
  wslay_event_context_ptr frames = nullptr;
  if (wslay_event_context_client_init(&frames, &callbacks, this) != 0) throw std::bad_alloc();
  frames_.reset(frames);
  wslay_event_config_set_max_recv_msg_length(frames, options_.max_message);
  phase_ = Phase::open;
  deadline_.reset();
  heard_ = loop_.steady_now();
  keep_alive();
  changed_.notify();
}

ssize_t CurlWebSocket::fill(std::uint8_t* into, std::size_t size) {
  if (!head_.empty()) {
    const auto count = std::min(size, head_.size());
    std::copy_n(head_.begin(), count, into);
    head_.erase(0, count);
    return static_cast<ssize_t>(count);
  }
  const bool enough = turn_ >= kMaxTurn || full();
  const auto got = enough ? Result<std::size_t>(0) : wire_->read(reinterpret_cast<char*>(into), size);
  if (got && *got > 0) {
    turn_ += *got;
    heard_ = loop_.steady_now();
    return static_cast<ssize_t>(*got);
  }
  if (!got) end(got.error());
  wslay_event_set_error(frames_.get(), got ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
  return -1;
}

ssize_t CurlWebSocket::flush(const std::uint8_t* data, std::size_t size) {
  const auto sent = wire_->write({reinterpret_cast<const char*>(data), size});
  if (sent && *sent > 0) return static_cast<ssize_t>(*sent);
  if (!sent) end(sent.error());
  wslay_event_set_error(frames_.get(), sent ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
  return -1;
}

void CurlWebSocket::take(const wslay_event_on_msg_recv_arg& message) {
  const std::string_view text(reinterpret_cast<const char*>(message.msg), message.msg_length);
  if (message.opcode == WSLAY_TEXT_FRAME) {
    incoming_bytes_ += text.size();
    incoming_.emplace_back(text);
    changed_.notify();
  } else if (message.opcode == WSLAY_CONNECTION_CLOSE) {
    auto why = closing_ ? fail(ErrorKind::cancelled, "the WebSocket was closed")
                        : fail(ErrorKind::unreachable, "the other side closed the WebSocket");
    if (message.status_code != 0 && !closing_) {
      why.code = std::to_string(message.status_code);
      why.message += " (" + why.code + ")";
    }
    end(std::move(why));
  }
}

bool CurlWebSocket::full() const {
  return incoming_.size() >= kMaxWaiting || incoming_bytes_ >= options_.max_message;
}

void CurlWebSocket::pump() {
  const bool read = wslay_event_recv(frames_.get()) == 0;
  if (!read && ended_) return drop();
  // wslay says goodbye by itself for what it notices above the level of frames.
  if (!read) wslay_event_queue_close(frames_.get(), WSLAY_CODE_PROTOCOL_ERROR, nullptr, 0);
  const bool refused = !read || wslay_event_get_read_enabled(frames_.get()) == 0;
  write_frames();
  if (refused) end(violated());
  if (closing_ && wslay_event_get_close_received(frames_.get()) != 0) drop();
}

void CurlWebSocket::write_frames() {
  if (wslay_event_send(frames_.get()) != 0) {
    end(fail(ErrorKind::internal, "wslay failed to write"));
    return drop();
  }
  if (wslay_event_get_queued_msg_length(frames_.get()) > kMaxUnsent) {
    end(fail(ErrorKind::timeout, "the other side does not read what we send"));
    return drop();
  }
  settle();
}

/// What to wait for next.
void CurlWebSocket::settle() {
  const bool reading = !full() && wslay_event_want_read(frames_.get()) != 0;
  wire_->watch(reading, wslay_event_want_write(frames_.get()) != 0);
  // TLS may hold bytes that the socket does not show any more.
  if (turn_ >= kMaxTurn && reading) {
    again_ = Timer{loop_, loop_.start_timer(0ms, [this] { ready(); })};
  }
}

Error CurlWebSocket::violated() const {
  const auto code = wslay_event_get_status_code_sent(frames_.get());
  if (code == WSLAY_CODE_MESSAGE_TOO_BIG) {
    return fail(ErrorKind::unreadable, "a message is longer than {} bytes", options_.max_message);
  }
  return fail(ErrorKind::unreadable, "the other side broke the WebSocket protocol ({})", code);
}

void CurlWebSocket::keep_alive() {
  // Whoever lets messages wait hears nothing, and that is not the other side's fault.
  if (full()) heard_ = loop_.steady_now();
  const auto silence = loop_.steady_now() - heard_;
  if (silence >= options_.dead_after) {
    end(fail(ErrorKind::timeout, "nothing was heard for {}", format_duration(silence)));
    return drop();
  }
  const auto pause = std::min(options_.ping_interval, options_.dead_after - silence);
  ping_ = Timer{loop_, loop_.start_timer(pause, [this] {
                  wslay_event_msg ping{};
                  ping.opcode = WSLAY_PING;
                  wslay_event_queue_msg(frames_.get(), &ping);
                  write_frames();
                  if (!ended_) keep_alive();
                })};
}

/// Nothing more comes. The connection stays a while, for the close frames.
void CurlWebSocket::end(Error why) {
  if (ended_) return;
  ended_ = std::move(why);
  ping_.reset();
  deadline_ = Timer{loop_, loop_.start_timer(options_.close_patience, [this] { drop(); })};
  changed_.notify();
}

/// Gives the connection up, in a turn of its own: we may have been called by it.
void CurlWebSocket::drop() {
  if (dropped_) return;
  dropped_ = true;
  again_.reset();
  wire_->watch(false, false);
  deadline_ = Timer{loop_, loop_.start_timer(0ms, [this] {
                      wire_.reset();
                      changed_.notify();
                    })};
}

Task<Result<std::string>> CurlWebSocket::receive() {
  while (incoming_.empty()) {
    if (ended_) co_return *ended_;
    co_await changed_.wait();
  }
  const bool was_full = full();
  auto text = std::move(incoming_.front());
  incoming_.pop_front();
  incoming_bytes_ -= text.size();
  if (was_full && !full() && !dropped_) again_ = Timer{loop_, loop_.start_timer(0ms, [this] { ready(); })};
  co_return text;
}

Result<void> CurlWebSocket::send(std::string_view text) {
  if (ended_ || closing_) return fail(ErrorKind::unreachable, "the WebSocket is closed");
  wslay_event_msg message{};
  message.opcode = WSLAY_TEXT_FRAME;
  message.msg = reinterpret_cast<const std::uint8_t*>(text.data());
  message.msg_length = text.size();
  if (wslay_event_queue_msg(frames_.get(), &message) != 0) {
    return fail(ErrorKind::unreachable, "the WebSocket is closed");
  }
  write_frames();
  if (ended_) return *ended_;
  return {};
}

Task<void> CurlWebSocket::close() {
  if (!ended_ && !closing_) {
    closing_ = true;
    ping_.reset();
    wslay_event_queue_close(frames_.get(), WSLAY_CODE_NORMAL_CLOSURE, nullptr, 0);
    write_frames();
  }
  if (!ended_) {
    deadline_ = Timer{loop_, loop_.start_timer(options_.close_patience, [this] {
                        end(fail(ErrorKind::cancelled, "the WebSocket was closed"));
                        drop();
                      })};
  }
  while (wire_) co_await changed_.wait();
}

}  // namespace

CurlWebSocketClient::CurlWebSocketClient(EventLoop& loop, CurlOptions curl, WebSocketOptions options)
    : loop_(loop), curl_(std::move(curl)), options_(options) {}

Task<Result<std::unique_ptr<WebSocket>>> CurlWebSocketClient::connect(std::string url) {
  auto parsed = parse_web_socket_url(url);
  if (!parsed) co_return parsed.error();
  auto connection = std::make_unique<CurlWebSocket>(loop_, curl_, options_, std::move(*parsed));
  auto opened = co_await connection->open();
  if (!opened) co_return opened.error();
  co_return std::unique_ptr<WebSocket>(std::move(connection));
}

}  // namespace watchbill::net
