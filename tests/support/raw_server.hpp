#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace watchbill::test {

/// A TCP server on a thread of its own that does exactly what a test says, however wrong: what HttpServer
/// would never send. One client at a time.
class RawServer {
 public:
  /// One accepted connection.
  class Client {
   public:
    explicit Client(int fd) : fd_(fd) {}
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client();
    /// Reads until the blank line and as many bytes more as `Content-Length` says; empty at the end.
    std::string read_request();
    /// Exactly so many bytes; fewer at the end.
    std::string read_bytes(std::size_t count);
    void send(std::string_view text) const;
    /// Ends the connection with a RST.
    void reset() const;
    /// Waits until the other side closes.
    void wait_for_end() const;

   private:
    bool read_more();

    int fd_;
    std::string buffered_;
  };
  /// Gets the connection and its number, from 0.
  using Script = std::function<void(Client&, int)>;

  explicit RawServer(Script script);
  ~RawServer();
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  [[nodiscard]] std::string url() const;
  /// Connections so far.
  [[nodiscard]] int connections() const { return connections_; }

 private:
  void serve();
  void set_current(int fd);

  Script script_;
  int fd_;
  std::atomic<int> connections_{0};
  /// The client that is served now.
  std::mutex current_lock_;
  int current_ = -1;
  bool ending_ = false;
  std::thread thread_;
};

/// A socket connected to "http://127.0.0.1:PORT".
int connect_to(const std::string& url);

}  // namespace watchbill::test
