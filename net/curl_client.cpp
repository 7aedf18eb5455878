#include "net/curl_client.hpp"

#include <algorithm>
#include <exception>
#include <set>
#include <stdexcept>
#include <utility>

#include "net/curl_multi.hpp"

namespace watchbill::net {

namespace {

constexpr long kConnectionsPerHost = 32;
constexpr long kIdleConnections = 64;
/// Load balancers commonly close idle connections after 60 s: an older one is not used again.
constexpr long kMaxIdleSeconds = 50;
/// All header lines of one answer together.
constexpr std::size_t kMaxHeaderBytes = std::size_t{256} << 10U;

bool is_header_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

/// Server's clock minus ours. A `Date` of D was written between D and D + 1 s, and between our sending and
/// receiving: as long as the two overlap, no difference is known.
seconds skew_of(Instant date, Instant sent, Instant received) {
  if (date > received) return std::chrono::floor<seconds>(date - received);
  if (date + 1s <= sent) return std::chrono::ceil<seconds>(date + 1s - sent);
  return 0s;
}

}  // namespace

// Rules of libcurl that this rests on (7.88, Debian 12):
// - When a reused connection turns out to be dead, it sends the request again on a new one, POST or not. The
//   "prereq" callback comes before every such sending; a second one is refused for what is not safe to
//   repeat, since the server may have acted on the first.
struct CurlClient::Impl {
  class Transfer;
  struct Waiting;

  EventLoop& loop;
  CurlOptions options;
  std::set<Transfer*> transfers;
  CurlMulti multi;

  Impl(EventLoop& on, CurlOptions with);
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl();
};

/// One request under way. Lives in the frame of its task; its end gives up whatever is not done.
class CurlClient::Impl::Transfer {
 public:
  Transfer(Impl& client, HttpRequest& request, Url url)
      : client_(&client), loop_(client.loop), request_(request), url_(std::move(url)) {}
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() {
    leave();
    if (request_.body_is_secret) curl::wipe(request_.body.data(), request_.body.size());
  }

  /// Hands the request to libcurl.
  void start();
  /// libcurl is done with it.
  void complete(CURLcode code) {
    // libcurl is content with a connection that ends among the header lines.
    if (code == CURLE_OK && !headers_complete_) code = CURLE_PARTIAL_FILE;
    finish(code == CURLE_OK ? answered() : failed(code));
  }
  /// The client goes.
  void abandon() { finish(fail(ErrorKind::cancelled, "{}: the HTTP client was closed", url_.origin())); }
  void resume_later(std::coroutine_handle<> waiting) { waiting_ = waiting; }
  [[nodiscard]] Result<HttpResponse> take() { return std::move(*outcome_); }

 private:
  void describe_request();
  void describe_body();
  /// Parts from libcurl and the client, which may go before this.
  void leave();
  void finish(Result<HttpResponse> outcome);
  void expire();
  Result<HttpResponse> answered();
  [[nodiscard]] Error failed(CURLcode code) const;
  bool add_header(std::string_view line);

  static int about_to_send(void* self, char*, char*, int, int) noexcept;
  static std::size_t take_header(char* data, std::size_t one, std::size_t size, void* self) noexcept;
  static std::size_t take_body(char* data, std::size_t one, std::size_t size, void* self) noexcept;

  Impl* client_;
  EventLoop& loop_;
  HttpRequest& request_;
  Url url_;
  curl::HeaderLines lines_;
  curl::EasyPtr easy_;
  char error_text_[CURL_ERROR_SIZE] = {};
  /// How often the request was about to leave on an open connection.
  int sendings_ = 0;
  Instant sent_at_{};
  Instant date_at_{};
  std::size_t header_bytes_ = 0;
  bool headers_complete_ = false;
  /// Why an answer that came is of no use; empty if nothing is wrong with it.
  std::string unreadable_;
  HttpResponse response_{};
  std::optional<Result<HttpResponse>> outcome_;
  std::coroutine_handle<> waiting_;
  Timer deadline_;
  Timer wake_;
};

/// `co_await` this to wait for the end of a transfer.
struct CurlClient::Impl::Waiting {
  Transfer& transfer;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) { transfer.resume_later(waiting); }
  void await_resume() const noexcept {}
};

void CurlClient::Impl::Transfer::start() {
  easy_.reset(curl_easy_init());
  if (!easy_) throw std::bad_alloc();
  curl::describe_connection(easy_.get(), url_, client_->options);
  describe_request();
  describe_body();
  client_->multi.add(easy_.get());
  client_->transfers.insert(this);
  deadline_ = Timer{loop_, loop_.start_timer(request_.deadline, [this] { expire(); })};
}

void CurlClient::Impl::Transfer::describe_request() {
  auto* const easy = easy_.get();
  curl::set(easy, CURLOPT_PRIVATE, this);
  curl::set(easy, CURLOPT_ERRORBUFFER, error_text_);
  curl::set(easy, CURLOPT_PREREQFUNCTION, &Transfer::about_to_send);
  curl::set(easy, CURLOPT_PREREQDATA, this);
  curl::set(easy, CURLOPT_HEADERFUNCTION, &Transfer::take_header);
  curl::set(easy, CURLOPT_HEADERDATA, this);
  curl::set(easy, CURLOPT_WRITEFUNCTION, &Transfer::take_body);
  curl::set(easy, CURLOPT_WRITEDATA, this);
  curl::set(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
  curl::set(easy, CURLOPT_MAXAGE_CONN, kMaxIdleSeconds);
  // libcurl waits for "100 Continue" before long bodies, which none of these systems sends.
  lines_.add("Expect:");
  // An empty value needs a semicolon, or libcurl removes the header.
  for (const auto& [name, value] : request_.headers) {
    lines_.add(trim(value).empty() ? name + ";" : fmt::format("{}: {}", name, value));
  }
  if (!request_.authorization.empty()) {
    std::string line = "Authorization: " + request_.authorization.reveal();
    lines_.add(line);
    curl::wipe(line.data(), line.size());
  }
  if (!find_header(request_.headers, "Content-Type")) lines_.add("Content-Type:");
  curl::set(easy, CURLOPT_HTTPHEADER, lines_.get());
}

void CurlClient::Impl::Transfer::describe_body() {
  auto* const easy = easy_.get();
  const auto& method = request_.method;
  const bool carries_body = method == "POST" || method == "PUT" || method == "PATCH";
  if (carries_body || !request_.body.empty()) {
    curl::set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    curl::set(easy, CURLOPT_POSTFIELDS, request_.body.c_str());
    curl::set(easy, CURLOPT_POST, 1L);
  } else if (method == "HEAD") {
    curl::set(easy, CURLOPT_NOBODY, 1L);
  } else {
    curl::set(easy, CURLOPT_HTTPGET, 1L);
  }
  if (method != "HEAD") curl::set(easy, CURLOPT_CUSTOMREQUEST, method.c_str());
}

void CurlClient::Impl::Transfer::leave() {
  if (!client_) return;
  if (client_->transfers.erase(this) > 0) client_->multi.remove(easy_.get());
  client_ = nullptr;
}

void CurlClient::Impl::Transfer::finish(Result<HttpResponse> outcome) {
  deadline_.reset();
  leave();
  outcome_.emplace(std::move(outcome));
  wake_ = Timer{loop_, loop_.start_timer(0ms, [waiting = waiting_] { waiting.resume(); })};
}

void CurlClient::Impl::Transfer::expire() {
  auto error = fail(ErrorKind::timeout, "{}: no {} within {}", url_.origin(),
                    sendings_ > 0 ? "complete answer" : "connection", format_duration(request_.deadline));
  error.maybe_done = sendings_ > 0;
  finish(std::move(error));
}

Result<HttpResponse> CurlClient::Impl::Transfer::answered() {
  long status = 0;
  curl_off_t total = 0;
  curl_off_t before = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(easy_.get(), CURLINFO_TOTAL_TIME_T, &total);
  curl_easy_getinfo(easy_.get(), CURLINFO_PRETRANSFER_TIME_T, &before);
  response_.status = static_cast<int>(status);
  response_.took = std::chrono::floor<milliseconds>(std::chrono::microseconds(total - before));
  const auto date = response_.header("Date");
  const auto parsed = date ? parse_http_date(*date) : std::nullopt;
  if (parsed) response_.clock_skew = skew_of(*parsed, sent_at_, date_at_);
  return std::move(response_);
}

Error CurlClient::Impl::Transfer::failed(CURLcode code) const {
  const std::string_view text = *error_text_ ? error_text_ : curl_easy_strerror(code);
  const auto error = [&](ErrorKind kind, std::string_view what) {
    auto e = fail(kind, "{}: {}", url_.origin(), what);
    e.maybe_done = sendings_ > 0;
    return e;
  };
  if (!unreadable_.empty()) return error(ErrorKind::unreadable, unreadable_);
  if (code == CURLE_OUT_OF_MEMORY) return error(ErrorKind::internal, text);
  if (sendings_ == 0) {
    const bool refused = code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL;
    return error(refused ? ErrorKind::invalid : ErrorKind::unreachable, text);
  }
  switch (code) {
    case CURLE_ABORTED_BY_CALLBACK:  // the refused second sending
      return error(ErrorKind::timeout, "the connection was closed before an answer came");
    case CURLE_UNSUPPORTED_PROTOCOL:  // no HTTP
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_WRITE_ERROR:  // what libcurl could not decode
      return error(ErrorKind::unreadable, fmt::format("not a usable HTTP answer: {}", text));
    default:
      return error(ErrorKind::timeout, fmt::format("no complete answer: {}", text));
  }
}

int CurlClient::Impl::Transfer::about_to_send(void* self, char*, char*, int, int) noexcept {
  auto& transfer = *static_cast<Transfer*>(self);
  const auto& method = transfer.request_.method;
  const bool safe = method == "GET" || method == "HEAD";
  if (++transfer.sendings_ > 1 && !safe) return CURL_PREREQFUNC_ABORT;
  transfer.sent_at_ = transfer.loop_.now();
  return CURL_PREREQFUNC_OK;
}

bool CurlClient::Impl::Transfer::add_header(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > kMaxHeaderBytes) {
    unreadable_ = "its header lines are too long";
    return false;
  }
  if (line.starts_with("HTTP/")) {
    // Another answer follows an interim one (1xx).
    response_.headers.clear();
    headers_complete_ = false;
    return true;
  }
  if (trim(line).empty()) headers_complete_ = true;
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return true;
  response_.headers.emplace_back(trim(line.substr(0, colon)), trim(line.substr(colon + 1)));
  date_at_ = loop_.now();
  return true;
}

std::size_t CurlClient::Impl::Transfer::take_header(char* data, std::size_t, std::size_t size,
                                                    void* self) noexcept {
  return static_cast<Transfer*>(self)->add_header({data, size}) ? size : 0;
}

std::size_t CurlClient::Impl::Transfer::take_body(char* data, std::size_t, std::size_t size,
                                                  void* self) noexcept {
  auto& transfer = *static_cast<Transfer*>(self);
  auto& body = transfer.response_.body;
  if (size > transfer.request_.max_body - body.size()) {
    transfer.unreadable_ = fmt::format("its answer is longer than {} bytes", transfer.request_.max_body);
    return 0;
  }
  body.append(data, size);
  return size;
}

CurlClient::Impl::Impl(EventLoop& on, CurlOptions with)
    : loop(on), options(std::move(with)), multi(on, [](CURL* easy, CURLcode code) {
        Transfer* transfer = nullptr;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
        if (transfer) transfer->complete(code);
      }) {
  multi.set(CURLMOPT_MAX_HOST_CONNECTIONS, kConnectionsPerHost);
  multi.set(CURLMOPT_MAXCONNECTS, kIdleConnections);
}

CurlClient::Impl::~Impl() {
  while (!transfers.empty()) (*transfers.begin())->abandon();
}

CurlClient::CurlClient(EventLoop& loop, CurlOptions options)
    : impl_(std::make_unique<Impl>(loop, std::move(options))) {}

CurlClient::~CurlClient() = default;

Task<Result<HttpResponse>> CurlClient::send(HttpRequest request) {
  auto url = parse_secure_url(request.url);
  if (!url) co_return url.error();
  const auto bad = [](const Header& header) {
    return !is_token(header.first) || !is_header_value(header.second);
  };
  if (!is_token(request.method) || !is_header_value(request.authorization.reveal()) ||
      std::any_of(request.headers.begin(), request.headers.end(), bad)) {
    co_return fail(ErrorKind::invalid, "{}: a method or header that HTTP does not allow", url->origin());
  }
  Impl::Transfer transfer(*impl_, request, std::move(*url));
  transfer.start();
  co_await Impl::Waiting{transfer};
  co_return transfer.take();
}

}  // namespace watchbill::net
