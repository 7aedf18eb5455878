// PagerDuty's identity server: tokens, and the consent of a person in the browser.
// developer.pagerduty.com: app-integration-development/06-OAuth-Functionality.md,
// 07-PagerDuty-OpenId-Token.md

#include <sodium.h>

#include <algorithm>

#include "sandbox/pagerduty/call.hpp"

namespace watchbill::sandbox {
namespace {

constexpr std::size_t kPendingKept = 100;

const std::set<std::string>& all_scopes() {
  static const std::set<std::string> scopes{"openid",          "oncalls.read",   "schedules.read",
                                            "schedules.write", "users.read",     "users:contact_methods.read",
                                            "incidents.read",  "incidents.write"};
  return scopes;
}

Answer oauth_error(int status, std::string_view code, std::string_view description) {
  json::Writer w;
  w.begin_object().field("error", code).field("error_description", description).end_object();
  return {status, {{"Content-Type", "application/json"}}, w.take(), std::string(code)};
}

std::string new_refresh_token(Context& context, const std::set<std::string>& scopes,
                              const std::string& person) {
  auto token = fmt::format("pdus+_1XSANDBOX_{}", context.world.next_number++);
  context.world.pagerduty.refresh_tokens[token] = {scopes, person};
  return token;
}

std::string scope_text(const std::set<std::string>& scopes) {
  std::string text;
  for (const auto& scope : scopes) text += (text.empty() ? "" : " ") + scope;
  return text;
}

std::string new_access_token(Context& context, const std::set<std::string>& scopes,
                             const std::string& person = {}) {
  auto& settings = context.world.pagerduty;
  // Real ones hold a '+' too: who does not encode form values loses it.
  auto token = fmt::format("pdus+_0XSANDBOX_{}", context.world.next_number++);
  settings.access_tokens[token] = {scopes, context.now + seconds(settings.token_lifetime_seconds), person};
  return token;
}

Answer token_answer(const std::string& access, const std::string& refresh, const std::string& scope,
                    std::int64_t lifetime, const std::string& id_token = {}) {
  json::Writer w;
  w.begin_object().field("token_type", "bearer").field("access_token", access);
  if (!id_token.empty()) w.field("id_token", id_token);
  if (!refresh.empty()) w.field("refresh_token", refresh).field("client_info", "prefix_legacy_app");
  w.field("scope", scope).field("expires_in", lifetime).end_object();
  return {200, {{"Content-Type", "application/json"}}, w.take(), {}};
}

Answer client_credentials(Context& context, const std::string& scope) {
  const auto& settings = context.world.pagerduty;
  const auto account = fmt::format("as_account-{}.{}", settings.region, settings.subdomain);
  std::set<std::string> scopes;
  bool named = false;
  std::size_t from = 0;
  while (from < scope.size()) {
    const auto end = std::min(scope.find(' ', from), scope.size());
    const auto one = scope.substr(from, end - from);
    from = end + 1;
    if (one == account) {
      named = true;
    } else if (!one.empty() && all_scopes().count(one) == 0) {
      return oauth_error(400, "invalid_request", "Invalid scope");
    } else if (!one.empty()) {
      scopes.insert(one);
    }
  }
  if (!named) return oauth_error(400, "invalid_request", "Invalid scope: as_account is missing or wrong");
  return token_answer(new_access_token(context, scopes), "", scope, settings.token_lifetime_seconds);
}

/// The old refresh token dies at once, as a careful client must assume.
Answer refresh_token(Context& context, const std::string& token) {
  auto& settings = context.world.pagerduty;
  const auto known = settings.refresh_tokens.find(token);
  if (known == settings.refresh_tokens.end()) {
    return oauth_error(400, "invalid_grant", "The refresh token is invalid, expired or revoked");
  }
  const auto grant = known->second;
  settings.refresh_tokens.erase(known);
  const auto fresh = new_refresh_token(context, grant.scopes, grant.person);
  return token_answer(new_access_token(context, grant.scopes, grant.person), fresh, scope_text(grant.scopes),
                      settings.token_lifetime_seconds);
}

std::string base64url(std::string_view bytes) {
  std::string text(sodium_base64_ENCODED_LEN(bytes.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                    bytes.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  text.resize(text.find('\0'));
  return text;
}

std::string sha256(std::string_view text) {
  unsigned char digest[crypto_hash_sha256_BYTES];
  crypto_hash_sha256(digest, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  return {reinterpret_cast<const char*>(digest), sizeof digest};
}

/// Who agreed, for which region and client. Its signature is no real one.
std::string id_token_of(const Context& context, const std::string& person) {
  const auto& settings = context.world.pagerduty;
  const auto* responder = context.world.roster(System::pagerduty).person(person);
  json::Writer w;
  w.begin_object().field("iss", "https://identity.pagerduty.com/global/oauth/anonymous");
  w.field("sub", responder ? responder->id : person).key("aud").begin_array();
  w.value(settings.region == "eu" ? "https://api.eu.pagerduty.com" : "https://api.pagerduty.com");
  w.value(settings.client_id)
      .end_array()
      .field("region", settings.region == "eu" ? "Europe" : "UnitedStates");
  w.field("iat", unix_seconds(context.now))
      .field("exp", unix_seconds(context.now) + settings.token_lifetime_seconds);
  w.end_object();
  return base64url(R"({"alg":"RS256","typ":"JWT","kid":"sandbox"})") + "." + base64url(w.take()) + "." +
         base64url("a signature of the sandbox");
}

/// "http://127.0.0.1:*" stands for every port and path of that host.
bool registered(const PagerDutySettings& settings, const std::string& uri) {
  return std::any_of(
      settings.redirect_uris.begin(), settings.redirect_uris.end(), [&](const std::string& one) {
        return one.ends_with(":*") ? uri.starts_with(one.substr(0, one.size() - 1)) : one == uri;
      });
}

std::string html_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

Answer identity_page(int status, const std::string& title, const std::string& body) {
  constexpr std::string_view kStyle =
      "body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 "
      "1rem;color-scheme:light dark}"
      "button,select{font:inherit;padding:.4rem .9rem;margin:.3rem .6rem .3rem 0}small{opacity:.75}";
  return {
      status,
      {{"Content-Type", "text/html; charset=utf-8"},
       {"Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"},
       {"Referrer-Policy", "no-referrer"},
       {"Cache-Control", "no-store"}},
      fmt::format("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
                  "content=\"width=device-width\"><title>{0}</title><style>{1}</style><main><h1>{0}</h1>{2}"
                  "<p><small>This is the Watchbill sandbox. It is not PagerDuty.</small></p></main></html>",
                  html_text(title), kStyle, body),
      status == 200 ? "" : title};
}

Answer redirect(const std::string& uri, net::Fields fields, const std::string& state) {
  if (!state.empty()) fields.emplace_back("state", state);
  const auto mark = uri.find('?') == std::string::npos ? "?" : "&";
  return {302, {{"Location", uri + mark + net::encode_form(fields)}, {"Cache-Control", "no-store"}}, "", ""};
}

Answer redirect_error(const Context& context, const OAuthRequest& asked, std::string_view code,
                      std::string_view why) {
  return redirect(asked.redirect_uri, {{"error", std::string(code)}, {"error_description", std::string(why)}},
                  context.world.pagerduty.echo_state ? asked.state : "");
}

std::string consent_form(const Context& context, const std::string& id, const OAuthRequest& asked) {
  const auto& settings = context.world.pagerduty;
  std::string scopes;
  for (const auto& scope : asked.scopes) scopes += fmt::format("<li><code>{}</code>", html_text(scope));
  std::string people;
  for (const auto& person : context.world.roster(System::pagerduty).people) {
    if (person.deleted) continue;
    people += fmt::format("<option value=\"{}\">{}</option>", html_text(person.key), html_text(person.name));
  }
  return fmt::format(
      "<p>The app <code>{}</code> asks for access to <b>{}.pagerduty.com</b>:</p><ul>{}</ul>"
      "<form method=\"post\" action=\"/oauth/consent\"><input type=\"hidden\" name=\"request\" value=\"{}\">"
      "<p><label>You are <select name=\"person\">{}</select></label></p>"
      "<button name=\"decision\" value=\"accept\">Accept</button>"
      "<button name=\"decision\" value=\"deny\">Deny</button></form>",
      html_text(settings.client_id), html_text(settings.subdomain), scopes, id, people);
}

std::set<std::string> words_of(const std::string& text) {
  std::set<std::string> words;
  std::string word;
  for (const char c : text + " ") {
    if (c != ' ') {
      word += c;
    } else if (!word.empty()) {
      words.insert(std::exchange(word, {}));
    }
  }
  return words;
}

/// GET /oauth/authorize
Answer authorize(Context& context, const net::ServerRequest& request) {
  auto& settings = context.world.pagerduty;
  const auto query = [&](const char* name) { return request.query_value(name).value_or(""); };
  OAuthRequest asked{query("redirect_uri"), query("state"), query("code_challenge"),
                     words_of(query("scope"))};
  // Whoever cannot be trusted with an answer gets a page instead of a redirect.
  if (query("client_id") != settings.client_id) {
    return identity_page(400, "Unknown app", "<p>No app is registered under this client_id.</p>");
  }
  if (!registered(settings, asked.redirect_uri)) {
    return identity_page(400, "Unknown redirect", "<p>This redirect_uri is not registered for the app.</p>");
  }
  if (query("response_type") != "code") {
    return redirect_error(context, asked, "unsupported_response_type", "response_type must be code");
  }
  // Apps with scopes need PKCE, and S256 is its only method.
  if (asked.challenge.size() != 43 || query("code_challenge_method") != "S256") {
    return redirect_error(context, asked, "invalid_request", "PKCE with S256 is required");
  }
  if (settings.requests.size() >= kPendingKept) settings.requests.clear();
  const auto id =
      fmt::format("{}{:016x}", context.world.next_number, context.world.next_number * 0x9e3779b97f4a7c15U);
  ++context.world.next_number;
  auto page = identity_page(200, "Allow access?", consent_form(context, id, asked));
  settings.requests[id] = std::move(asked);
  return page;
}

/// POST /oauth/consent: what the person decided on that page.
Answer consent(Context& context, std::map<std::string, std::string>& form) {
  auto& settings = context.world.pagerduty;
  auto pending = settings.requests.extract(form["request"]);
  if (pending.empty()) return identity_page(400, "Too late", "<p>This question was answered already.</p>");
  const auto& asked = pending.mapped();
  if (form["decision"] != "accept") {
    return redirect_error(context, asked, "access_denied", "The resource owner denied the request");
  }
  const auto* person = context.world.roster(System::pagerduty).person(form["person"]);
  if (!person || person->deleted) return identity_page(400, "Nobody", "<p>There is no such person.</p>");
  // Scopes that do not exist, or that are withheld, are left out without a word.
  OAuthCode code{asked.redirect_uri,
                 asked.challenge,
                 person->key,
                 {"openid"},
                 context.now + milliseconds(static_cast<std::int64_t>(settings.code_seconds * 1000))};
  for (const auto& scope : asked.scopes) {
    const auto& withheld = settings.withheld_scopes;
    const bool given = std::find(withheld.begin(), withheld.end(), scope) == withheld.end();
    if (given && all_scopes().count(scope) != 0) code.scopes.insert(scope);
  }
  const auto text = fmt::format("code{}{:016x}", context.world.next_number,
                                context.world.next_number * 0x9e3779b97f4a7c15U);
  ++context.world.next_number;
  settings.codes[text] = std::move(code);
  return redirect(asked.redirect_uri, {{"code", text}}, settings.echo_state ? asked.state : "");
}

Answer authorization_code(Context& context, std::map<std::string, std::string>& form) {
  auto& settings = context.world.pagerduty;
  // One use, whatever comes of it.
  const auto given = settings.codes.extract(form["code"]);
  if (given.empty()) return oauth_error(400, "invalid_grant", "The code is unknown or was used already");
  const auto& code = given.mapped();
  if (code.expires <= context.now) return oauth_error(400, "invalid_grant", "The code has expired");
  if (code.redirect_uri != form["redirect_uri"]) {
    return oauth_error(400, "invalid_grant", "The redirect_uri differs from the one asked with");
  }
  if (base64url(sha256(form["code_verifier"])) != code.challenge) {
    return oauth_error(400, "invalid_grant", "The code_verifier does not fit the code_challenge");
  }
  const auto refresh = new_refresh_token(context, code.scopes, code.person);
  return token_answer(new_access_token(context, code.scopes, code.person), refresh, scope_text(code.scopes),
                      settings.token_lifetime_seconds, id_token_of(context, code.person));
}

}  // namespace

Answer answer_identity(Context context, const net::ServerRequest& request) {
  if (request.path == "/oauth/authorize" && request.method == "GET") return authorize(context, request);
  const bool consents = request.path == "/oauth/consent";
  if (request.path != "/oauth/token" && !consents) return {404, {}, "", "404"};
  if (request.method != "POST") return {405, {}, "", "405"};
  const auto type = request.header("content-type").value_or("");
  if (type.substr(0, type.find(';')) != "application/x-www-form-urlencoded") {
    return oauth_error(400, "invalid_request", "The body must be form encoded");
  }
  std::map<std::string, std::string> form;
  for (const auto& [name, value] : net::decode_form(request.body)) form[name] = value;
  if (consents) return consent(context, form);
  const auto& settings = context.world.pagerduty;
  if (form["client_id"] != settings.client_id || form["client_secret"] != settings.client_secret) {
    return oauth_error(401, "invalid_client", "Client authentication failed");
  }
  if (form["grant_type"] == "client_credentials") return client_credentials(context, form["scope"]);
  if (form["grant_type"] == "authorization_code") return authorization_code(context, form);
  if (form["grant_type"] == "refresh_token") return refresh_token(context, form["refresh_token"]);
  return oauth_error(400, "unsupported_grant_type", "This grant type is not supported");
}

}  // namespace watchbill::sandbox
