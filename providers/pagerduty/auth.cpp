#include "providers/pagerduty/auth.hpp"

#include <algorithm>
#include <set>
#include <sstream>

#include "base/text.hpp"
#include "providers/support.hpp"

namespace watchbill::providers::pagerduty {

namespace {

/// A refused renewal, or token, is not tried again for so long: it needs a person, and every call would try.
constexpr auto kRefusalPause = 5min;
/// A renewal ahead of time that failed is tried again after that; the token still works.
constexpr auto kEarlyRetry = 60s;

ApiOptions identity_options(const Connection& connection) {
  ApiOptions options;
  options.system = "PagerDuty's token endpoint";
  options.base_url = setting(connection, "identity_url");
  options.secrets = connection.secrets;
  options.headers = {{"Accept", "application/json"}, {"Content-Type", "application/x-www-form-urlencoded"}};
  options.max_body = std::size_t{1} << 20U;
  options.explain = [name = connection.name](const net::HttpResponse& response) {
    return explain_token(response, name);
  };
  return options;
}

std::set<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  std::set<std::string> found;
  for (std::string word; stream >> word;) found.insert(word);
  return found;
}

/// Renewal is due a tenth of the life before the end, at most an hour.
Instant renewal_time(Instant expires_at, milliseconds life) {
  return expires_at - std::min<milliseconds>(1h, std::max<milliseconds>(life / 10, 0ms));
}

Error token_refusal(std::string_view code, const std::string& connection) {
  if (code == "invalid_grant")
    return fail(ErrorKind::unauthorized,
                "PagerDuty no longer accepts the refresh token of connection {}: connect PagerDuty again",
                connection);
  if (code == "invalid_client" || code == "unauthorized_client")
    return fail(
        ErrorKind::unauthorized,
        "PagerDuty does not know the client id and secret of connection {}: give it the right ones with "
        "`watchbill connection update {} --client-id ID --client-secret-file FILE`",
        connection, connection);
  return fail(ErrorKind::unauthorized,
              "PagerDuty gives no token to connection {}: check that the app has the scopes {}, and that "
              "subdomain and region are right (`watchbill connection update {} --subdomain S --region us|eu "
              "--client-secret-file FILE`)",
              connection, kScopes, connection);
}

}  // namespace

Result<Grant> grant_of(const Connection& connection) {
  const bool key = !secret(connection, "api_key").empty();
  const bool user = !secret(connection, "refresh_token").empty();
  const bool app =
      !user && (!secret(connection, "client_secret").empty() || !setting(connection, "client_id").empty() ||
                !setting(connection, "subdomain").empty());
  if (static_cast<int>(key) + static_cast<int>(user) + static_cast<int>(app) != 1)
    return fail(ErrorKind::invalid,
                "give either --api-key-file, or --client-id, --client-secret-file and --subdomain{}",
                key ? ", not both" : "");
  if (key) return Grant::api_key;
  if (setting(connection, "client_id").empty()) return fail(ErrorKind::invalid, "--client-id: it is missing");
  if (user) return Grant::user;
  if (secret(connection, "client_secret").empty())
    return fail(ErrorKind::invalid, "--client-secret-file: it is missing");
  if (setting(connection, "subdomain").empty())
    return fail(ErrorKind::invalid, "--subdomain: it is missing (the \"acme\" of acme.pagerduty.com)");
  return Grant::app;
}

Result<Tokens> parse_tokens(const json::View& root, Grant grant) {
  const auto access = root["access_token"].text();
  if (!access) return fail(ErrorKind::unreadable, "PagerDuty's token answer has no access_token");
  const auto life = root["expires_in"].integer();
  if (!life || *life <= 0)
    return fail(ErrorKind::unreadable, "PagerDuty's token answer has no good expires_in");
  Tokens tokens{Secret(*access), Secret(root["refresh_token"].string_or("")),
                seconds{std::min<std::int64_t>(*life, 10L * 365 * 86400)}};
  if (grant == Grant::user && tokens.refresh.empty())
    return fail(ErrorKind::unreadable, "PagerDuty's token answer has no refresh_token");
  if (const auto scope = root["scope"].text()) {
    const auto given = words(*scope);
    const auto needed = words(std::string(kScopes) + " openid read");
    for (const auto& word : given) {
      const bool excess = !needed.contains(word) && !word.starts_with("as_account-");
      if (excess) tokens.excess += (tokens.excess.empty() ? "" : " ") + one_line(word.substr(0, 60));
    }
    if (given.contains("read") || given.contains("write")) return tokens;
    std::string missing;
    for (const auto& word : words(std::string(kScopes))) {
      if (!given.contains(word)) missing += (missing.empty() ? "" : ", ") + word;
    }
    if (!missing.empty())
      return fail(
          ErrorKind::forbidden,
          "PagerDuty's token lacks the scope {}: add it to the app under Integrations > App Registration",
          missing);
  }
  return tokens;
}

std::optional<Error> explain_token(const net::HttpResponse& response, const std::string& connection) {
  const auto status = response.status;
  if (status >= 200 && status < 300) return std::nullopt;
  std::string code;
  std::string detail;
  if (const auto body = json::parse(response.body)) {
    code = body->root()["error"].string_or("");
    detail = body->root()["error_description"].string_or("").substr(0, 200);
  }
  if (status < 400 || status == 429 || status == 408 || status >= 500)
    return explain_status("PagerDuty's token endpoint", response, detail, code);
  if (status == 401 && code.empty()) code = "invalid_client";
  auto error = token_refusal(code, connection);
  error.code = code.empty() ? std::to_string(status) : code;
  if (!detail.empty()) error.message += fmt::format(" ({})", detail);
  return error;
}

Auth::Auth(const Connection& connection, const AdapterContext& context)
    : loop_(context.loop),
      keeper_(context.tokens),
      connection_(connection),
      grant_(grant_of(connection).value_or(Grant::api_key)),
      identity_(context.loop, context.http, identity_options(connection)),
      renewal_(context.loop) {
  if (grant_ == Grant::api_key) return;
  // A kept app token belongs to the app and account that it was made for.
  if (grant_ == Grant::app && setting(connection, "token_for") != account_scope()) return;
  access_ = secret(connection, "access_token");
  refresh_ = secret(connection, "refresh_token");
  excess_ = setting(connection, "token_excess");
  from_store_ = true;
  if (const auto expires = parse_rfc3339(setting(connection, "token_expires_at"))) {
    expires_at_ = *expires;
    renew_at_ = renewal_time(*expires, *expires - loop_.now());
  }
}

std::string Auth::account_scope() const {
  return fmt::format("{} as_account-{}.{}", setting(connection_, "client_id"), setting(connection_, "region"),
                     setting(connection_, "subdomain"));
}

bool Auth::usable() const {
  return !access_.empty() && !unkept_ && loop_.now() < expires_at_;
}

net::Task<Result<Secret>> Auth::authorization() {
  if (grant_ == Grant::api_key) {
    Secret header("Token token=" + secret(connection_, "api_key").reveal());
    co_return header;
  }
  if (access_.empty() || unkept_ || loop_.now() >= renew_at_) {
    const auto renewed = co_await renewal_.join([this] { return renew(); });
    if (!renewed && !usable()) co_return renewed.error();
    if (!renewed) renew_at_ = std::max(renew_at_, loop_.now() + kEarlyRetry);
  }
  Secret header("Bearer " + access_.reveal());
  co_return header;
}

bool Auth::rejected(const Secret& used) {
  if (grant_ == Grant::api_key) return false;
  // Somebody else has renewed it meanwhile.
  if (used.reveal() != "Bearer " + access_.reveal()) return true;
  if (!worked_ && loop_.steady_now() - minted_ < kRefusalPause) return false;
  access_ = Secret();
  return true;
}

void Auth::try_credentials_anew() {
  if (grant_ == Grant::app && from_store_) access_ = Secret();
}

std::string Auth::remedy() const {
  if (grant_ == Grant::api_key)
    return fmt::format(
        "is the key alive, and of the right region? Replace it: `watchbill connection update {} "
        "--api-key-file FILE`",
        connection_.name);
  if (grant_ == Grant::app)
    return fmt::format(
        "is the app still there? Replace its secret: `watchbill connection update {} --client-secret-file "
        "FILE`",
        connection_.name);
  return fmt::format("connect PagerDuty again (connection {})", connection_.name);
}

net::Task<Result<void>> Auth::renew() {
  // A pair that could not be kept is not asked for anew: the old refresh token is spent.
  if (unkept_) co_return co_await keep();
  if (refusal_ && loop_.steady_now() < refused_until_) co_return *refusal_;
  const auto asked_at = loop_.now();
  auto tokens = co_await request_tokens();
  if (!tokens) {
    const auto kind = tokens.error().kind;
    refusal_.reset();
    if (kind == ErrorKind::unauthorized || kind == ErrorKind::forbidden) {
      refusal_ = tokens.error();
      refused_until_ = loop_.steady_now() + kRefusalPause;
    }
    co_return tokens.error();
  }
  refusal_.reset();
  access_ = std::move(tokens->access);
  refresh_ = std::move(tokens->refresh);
  excess_ = std::move(tokens->excess);
  expires_at_ = asked_at + tokens->life;
  renew_at_ = renewal_time(expires_at_, tokens->life);
  worked_ = false;
  minted_ = loop_.steady_now();
  from_store_ = false;
  unkept_ = true;
  auto kept = co_await keep();
  // An app token that is not kept costs one more request at the next start, nothing else.
  if (grant_ == Grant::app) {
    unkept_ = false;
    co_return Result<void>();
  }
  co_return kept;
}

net::Task<Result<Tokens>> Auth::request_tokens() {
  net::Fields form;
  if (grant_ == Grant::app) {
    form = {{"grant_type", "client_credentials"},
            {"scope", fmt::format("as_account-{}.{} {}", setting(connection_, "region"),
                                  setting(connection_, "subdomain"), kScopes)}};
  } else {
    form = {{"grant_type", "refresh_token"}, {"refresh_token", refresh_.reveal()}};
  }
  form.emplace_back("client_id", setting(connection_, "client_id"));
  if (const auto client_secret = secret(connection_, "client_secret"); !client_secret.empty())
    form.emplace_back("client_secret", client_secret.reveal());

  ApiRequest request;
  request.method = "POST";
  request.target = "/oauth/token";
  request.body = net::encode_form(form);
  request.body_is_secret = true;
  auto response = co_await identity_.send(std::move(request));
  if (!response) co_return response.error();
  const auto body = parse_body("PagerDuty's token endpoint", *response);
  if (!body) co_return body.error();
  co_return parse_tokens(body->root(), grant_);
}

net::Task<Result<void>> Auth::keep() {
  std::map<std::string, std::string> settings{{"token_expires_at", format_rfc3339(expires_at_)},
                                              {"token_excess", excess_}};
  if (grant_ == Grant::app) settings["token_for"] = account_scope();
  std::map<std::string, Secret> secrets{{"access_token", access_}};
  if (grant_ == Grant::user) secrets["refresh_token"] = refresh_;
  auto kept = co_await keeper_.keep(connection_.name, std::move(settings), std::move(secrets));
  if (!kept)
    co_return kept.error().in("the new PagerDuty tokens of connection {} are not used before they are stored",
                              connection_.name);
  unkept_ = false;
  co_return kept;
}

}  // namespace watchbill::providers::pagerduty
