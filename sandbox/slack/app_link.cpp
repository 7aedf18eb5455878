#include "sandbox/slack/app_link.hpp"

#include <sodium.h>

#include <algorithm>

namespace watchbill::sandbox {
namespace {

constexpr std::size_t kRecordsKept = 5'000;
constexpr std::size_t kStrangeKept = 200;
constexpr const char* kForm = "application/x-www-form-urlencoded";

std::string hex(const unsigned char* bytes, std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

/// "name=value&..." of an object of strings: a slash command over HTTP.
std::string fields_of(const std::string& payload) {
  const auto document = json::parse(payload);
  net::Fields fields;
  if (!document) return {};
  for (const auto member : document->root().items()) fields.emplace_back(member.key(), member.string_or(""));
  return net::encode_form(fields);
}

/// What a failed request is called in x-slack-retry-reason.
std::string reason_of(const Error& error) {
  if (error.kind == ErrorKind::timeout) return "http_timeout";
  if (error.kind == ErrorKind::unreachable) return "connection_failed";
  return "unknown_error";
}

bool answers_with_payload(const AppDelivery& delivery) {
  return delivery.envelope == "slash_commands" || delivery.type == "view_submission" ||
         delivery.type == "block_suggestion";
}

}  // namespace

std::string slack_signature(const std::string& secret, std::int64_t timestamp, const std::string& body) {
  const auto base = fmt::format("v0:{}:{}", timestamp, body);
  crypto_auth_hmacsha256_state state;
  unsigned char code[crypto_auth_hmacsha256_BYTES];
  crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(secret.data()), secret.size());
  crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(base.data()), base.size());
  crypto_auth_hmacsha256_final(&state, code);
  return "v0=" + hex(code, sizeof code);
}

AppLink::AppLink(net::EventLoop& loop, World& world, std::function<void()> changed)
    : loop_(loop),
      world_(world),
      changed_(std::move(changed)),
      http_(loop, {{}, {}, "Slackbot 1.0 (+https://api.slack.com/robots)"}),
      socket_(loop, {[this](const SocketAck& ack) { acked(ack); },
                     [this](std::uint64_t connection, const std::string& what) {
                       note(fmt::format("connection {}: {}", connection, what));
                     },
                     [this] { changed_(); }}),
      events_(std::make_unique<net::TaskScope>()) {}

void AppLink::note(std::string what) {
  strange.push_back(std::move(what));
  if (strange.size() > kStrangeKept) strange.pop_front();
  changed_();
}

AppRecord AppLink::new_record(const AppDelivery& delivery) const {
  AppRecord record;
  record.at = loop_.now();
  record.transport = settings.mode;
  record.envelope = delivery.envelope;
  record.type = delivery.type;
  record.retry = delivery.retry;
  return record;
}

AppAnswer AppLink::finish(AppRecord record, AppAnswer answer) {
  answer.took = loop_.now() - record.at;
  if (answer.acked) record.answered = answer.took;
  record.trouble = answer.trouble;
  record.seq = next_seq++;
  records.push_back(std::move(record));
  if (records.size() > kRecordsKept) records.pop_front();
  changed_();
  return answer;
}

net::Task<AppAnswer> AppLink::deliver(AppDelivery delivery) {
  auto record = new_record(delivery);
  record.id = uuid_of(fmt::format("envelope {} {}", next_envelope_++, format_rfc3339_ms(record.at)));
  if (settings.mode == AppTransport::http) {
    co_return co_await over_http(std::move(delivery), std::move(record));
  }
  co_return co_await over_socket(std::move(delivery), std::move(record));
}

net::Task<AppAnswer> AppLink::over_socket(AppDelivery delivery, AppRecord record) {
  const bool with_payload = answers_with_payload(delivery);
  json::Writer w;
  w.begin_object().field("envelope_id", record.id).field("type", delivery.envelope);
  w.field("accepts_response_payload", with_payload).key("payload").raw(delivery.payload);
  if (delivery.envelope == "events_api") {
    w.field("retry_attempt", delivery.retry).field("retry_reason", delivery.retry_reason);
  }
  w.end_object();
  AppAnswer answer;
  const auto connection = socket_.send(w.take());
  if (!connection) {
    answer.trouble = "no_connection";
    co_return finish(std::move(record), std::move(answer));
  }
  record.connection = *connection;
  Waiting waiting{*connection, net::Signal(loop_)};
  waiting_[record.id] = &waiting;
  struct Leave {
    std::map<std::string, Waiting*>& all;
    const std::string& id;
    ~Leave() { all.erase(id); }
  };
  const std::string id = record.id;
  const Leave leave{waiting_, id};
  const auto deadline = loop_.now() + settings.patience;
  while (!waiting.done && loop_.now() < deadline) co_await waiting.answered.wait_until(deadline);
  answer.acked = waiting.done;
  answer.body = waiting.payload;
  answer.json = true;
  if (!waiting.done) answer.trouble = "operation_timeout";
  if (waiting.done && !with_payload && !waiting.payload.empty()) {
    note(fmt::format("the acknowledgement of {} carries a payload, which nobody reads", delivery.type));
  }
  co_return finish(std::move(record), std::move(answer));
}

void AppLink::acked(const SocketAck& ack) {
  const auto found = waiting_.find(ack.envelope_id);
  if (found != waiting_.end()) {
    auto& waiting = *found->second;
    // Whether another connection would do is not documented; so it does not here.
    if (waiting.connection != ack.connection) {
      return note(fmt::format("connection {} acknowledges what connection {} was sent", ack.connection,
                              waiting.connection));
    }
    if (waiting.done) return note("an envelope is acknowledged twice");
    waiting.done = true;
    waiting.payload = ack.payload;
    return waiting.answered.notify();
  }
  const auto record = std::find_if(records.rbegin(), records.rend(),
                                   [&](const auto& one) { return one.id == ack.envelope_id; });
  if (record != records.rend()) {
    if (record->answered) return note("an envelope is acknowledged twice");
    record->answered = loop_.now() - record->at;
    return note(
        fmt::format("{} is acknowledged too late, after {} ms", record->type, record->answered->count()));
  }
  note("an acknowledgement of an envelope that was never sent");
}

net::HttpRequest AppLink::request_for(const AppDelivery& delivery) const {
  const auto url = [&](const std::string& own) { return own.empty() ? settings.events_url : own; };
  net::HttpRequest request;
  request.method = "POST";
  request.deadline = settings.patience;
  const char* type = kForm;
  if (delivery.envelope == "events_api") {
    type = "application/json";
    request.url = settings.events_url;
    request.body = delivery.payload;
  } else if (delivery.envelope == "slash_commands") {
    request.url = url(settings.commands_url);
    request.body = fields_of(delivery.payload);
  } else {
    request.url = url(delivery.type == "block_suggestion" ? settings.options_url : settings.actions_url);
    request.body = net::encode_form({{"payload", delivery.payload}});
  }
  const auto timestamp = unix_seconds(loop_.now() + settings.skew);
  auto signature = slack_signature(world_.signing_secret, timestamp, request.body);
  if (settings.signature == "wrong") signature.back() = signature.back() == '0' ? '1' : '0';
  request.headers = {{"Content-Type", type}, {"Accept", "application/json,*/*"}};
  request.headers.emplace_back("X-Slack-Request-Timestamp", std::to_string(timestamp));
  if (settings.signature != "none") request.headers.emplace_back("X-Slack-Signature", std::move(signature));
  if (delivery.retry > 0) {
    request.headers.emplace_back("x-slack-retry-num", std::to_string(delivery.retry));
    request.headers.emplace_back("x-slack-retry-reason", delivery.retry_reason);
  }
  return request;
}

net::Task<AppAnswer> AppLink::over_http(AppDelivery delivery, AppRecord record) {
  AppAnswer answer;
  auto request = request_for(delivery);
  if (request.url.empty()) {
    answer.trouble = "no_request_url";
    co_return finish(std::move(record), std::move(answer));
  }
  const auto response = co_await http_.send(std::move(request));
  if (!response) {
    answer.trouble = reason_of(response.error());
    if (delivery.envelope != "events_api" && answer.trouble == "http_timeout")
      answer.trouble = "operation_timeout";
  } else {
    record.status = response->status;
    answer.acked = response->status >= 200 && response->status < 300;
    // Only events accept any 2xx.
    if (delivery.envelope != "events_api") answer.acked = response->status == 200;
    answer.body = response->body;
    answer.json = response->header("content-type").value_or("").starts_with("application/json");
    if (!answer.acked) {
      answer.trouble = "http_error";
      record.answered = loop_.now() - record.at;
      if (response->header("x-slack-no-retry").value_or("") == "1") answer.trouble = "no_retry";
    }
  }
  co_return finish(std::move(record), std::move(answer));
}

net::Task<std::string> AppLink::verify_url() {
  const auto challenge = fmt::format("challenge{:016x}", next_envelope_++ * 0x9e3779b97f4a7c15U);
  AppDelivery delivery{"events_api", "url_verification", {}};
  json::Writer w;
  w.begin_object().field("token", "legacy-ignored").field("challenge", challenge);
  w.field("type", "url_verification").end_object();
  delivery.payload = w.take();
  auto record = new_record(delivery);
  record.transport = AppTransport::http;
  const auto answer = co_await over_http(std::move(delivery), std::move(record));
  if (!answer.acked) co_return answer.trouble;
  if (answer.body == challenge || answer.body == "challenge=" + challenge) co_return std::string{};
  const auto document = json::parse(answer.body);
  if (document && document->root()["challenge"].string_or("") == challenge) co_return std::string{};
  co_return std::string("the answer is not the challenge");
}

void AppLink::tell(const std::string& event, const std::string& event_id) {
  const auto document = json::parse(event);
  if (!document) return;
  json::Writer w;
  w.begin_object().field("token", "legacy-ignored").field("team_id", world_.slack.team_id);
  w.field("api_app_id", world_.app.settings.id).key("event").raw(event).field("type", "event_callback");
  w.field("event_id", event_id).field("event_time", unix_seconds(loop_.now())).key("authorizations");
  w.begin_array().begin_object().key("enterprise_id").null().field("team_id", world_.slack.team_id);
  w.field("user_id", world_.slack.bot_user).field("is_bot", true).field("is_enterprise_install", false);
  w.end_object().end_array().field("is_ext_shared_channel", false).field("event_context", "4-sandbox");
  w.end_object();
  events_->spawn(tell_until_heard(w.take(), document->root()["type"].string_or("event")));
}

net::Task<void> AppLink::tell_until_heard(std::string payload, std::string type) {
  AppDelivery delivery{"events_api", std::move(type), std::move(payload)};
  // By index: the settings may change meanwhile.
  for (std::size_t attempt = 0;; ++attempt) {
    const auto answer = co_await deliver(delivery);
    if (answer.acked || answer.trouble == "no_retry" || attempt >= settings.retry_after.size()) co_return;
    delivery.retry = static_cast<int>(attempt) + 1;
    const bool late = answer.trouble == "operation_timeout" || answer.trouble == "http_timeout";
    delivery.retry_reason = settings.mode == AppTransport::http ? answer.trouble
                            : late                              ? "timeout"
                                                                : "unknown_error";
    co_await net::sleep_for(loop_, settings.retry_after[attempt]);
  }
}

void AppLink::forget_events() {
  events_->cancel();
}

}  // namespace watchbill::sandbox
