// Slack Web API: envelope, tokens, scopes, argument styles and rate limits.
// docs.slack.dev/apis/web-api, docs.slack.dev/apis/web-api/rate-limits

#include <algorithm>
#include <array>

#include "sandbox/faults.hpp"
#include "sandbox/slack/app_link.hpp"
#include "sandbox/slack/call.hpp"

namespace watchbill::sandbox {
namespace {

struct Method {
  std::string_view name;
  std::size_t per_minute;  ///< the tier
  std::string_view scope;  ///< empty: none, or decided by the kind of conversation
  bool takes_json;         ///< only "write" methods do
  Answer (*play)(SlackCall&);
  bool app_token = false;  ///< takes an app-level token, in the header alone
};

constexpr std::size_t kTier2 = 20;
constexpr std::size_t kTier3 = 50;
constexpr std::size_t kTier4 = 100;
constexpr std::size_t kSpecial = 300;

constexpr std::array kMethods{
    Method{"auth.test", kSpecial, "", true, auth_test},
    Method{"usergroups.list", kTier2, "usergroups:read", false, usergroups_list},
    Method{"usergroups.users.list", kTier2, "usergroups:read", false, usergroups_users_list},
    Method{"usergroups.create", kTier2, "usergroups:write", true, usergroups_create},
    Method{"usergroups.update", kTier2, "usergroups:write", true, usergroups_update},
    Method{"usergroups.enable", kTier2, "usergroups:write", true, usergroups_enable},
    Method{"usergroups.disable", kTier2, "usergroups:write", true, usergroups_disable},
    Method{"usergroups.users.update", kTier2, "usergroups:write", true, usergroups_users_update},
    Method{"users.list", kTier2, "users:read", false, users_list},
    Method{"users.info", kTier4, "users:read", false, users_info},
    Method{"users.lookupByEmail", kTier3, "users:read.email", false, users_lookup_by_email},
    Method{"conversations.list", kTier2, "", false, conversations_list},
    Method{"conversations.info", kTier3, "", false, conversations_info},
    Method{"conversations.join", kTier3, "", true, conversations_join},
    Method{"conversations.open", kTier3, "", true, conversations_open},
    Method{"conversations.history", kTier3, "", false, conversations_history},
    Method{"chat.postMessage", kSpecial, "chat:write", true, chat_post_message},
    Method{"chat.postEphemeral", kTier4, "chat:write", true, chat_post_ephemeral},
    Method{"chat.update", kTier3, "chat:write", true, chat_update},
    Method{"chat.delete", kTier3, "chat:write", true, chat_delete},
    Method{"views.open", kTier4, "", true, views_open},
    Method{"views.push", kTier4, "", true, views_push},
    Method{"views.update", kTier4, "", true, views_update},
    Method{"views.publish", kTier4, "", true, views_publish},
    Method{"apps.connections.open", kTier3, "connections:write", true, apps_connections_open, true},
};

std::string scope_list(const std::set<std::string>& scopes) {
  std::string text;
  for (const auto& scope : scopes) text += (text.empty() ? "" : ",") + scope;
  return text;
}

std::string json_argument(json::View value) {
  if (value.is_string()) return value.string_or("");
  if (!value.is_array()) return value.dump();
  std::string joined;
  for (const auto item : value.items()) {
    if (!item.is_string()) return value.dump();
    joined += (joined.empty() ? "" : ",") + item.string_or("");
  }
  return joined;
}

/// The body's arguments; an error code if Slack refuses the body.
std::optional<std::string> read_json(const std::string& body, std::map<std::string, std::string>& args) {
  auto document = json::parse(body);
  if (!document) return "invalid_json";
  if (!document->root().is_object()) return "json_not_object";
  for (const auto member : document->root().items()) {
    // An explicit null means "use the default". A token in the body is not looked at.
    if (!member.is_null() && member.key() != "token") args[std::string(member.key())] = json_argument(member);
  }
  return std::nullopt;
}

std::optional<std::string> read_fields(const net::Fields& fields, std::map<std::string, std::string>& args) {
  for (const auto& [name, value] : fields) {
    if (name.find('[') != std::string::npos) return "invalid_array_arg";
    args[name] = value;
  }
  return std::nullopt;
}

/// The fields of a multipart/form-data body; nothing if it is broken.
std::optional<net::Fields> multipart_fields(std::string_view type, std::string_view body) {
  constexpr std::string_view kBoundary = "boundary=";
  const auto named = type.find(kBoundary);
  if (named == std::string_view::npos) return std::nullopt;
  auto boundary = type.substr(named + kBoundary.size());
  boundary = boundary.substr(0, boundary.find(';'));
  if (boundary.size() > 2 && boundary.front() == '"') boundary = boundary.substr(1, boundary.size() - 2);
  const auto mark = fmt::format("--{}", boundary);
  net::Fields fields;
  for (auto at = body.find(mark); at != std::string_view::npos;) {
    at += mark.size();
    const auto end = body.find(mark, at);
    if (end == std::string_view::npos) return fields;  // "--" after the last mark
    const auto part = body.substr(at, end - at);
    const auto head = part.find("\r\n\r\n");
    const auto name = part.find("name=\"");
    if (head == std::string_view::npos || name == std::string_view::npos || name > head) return std::nullopt;
    const auto from = name + 6;
    const auto value = part.substr(head + 4);
    fields.emplace_back(part.substr(from, part.find('"', from) - from), value.substr(0, value.rfind("\r\n")));
    at = end;
  }
  return std::nullopt;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

std::optional<std::string> read_body(const net::ServerRequest& request, const Method& method,
                                     std::map<std::string, std::string>& args) {
  const auto header = request.header("content-type");
  if (!header) return "missing_post_type";
  const auto type = lower(*header);
  if (const auto charset = type.find("charset="); charset != std::string::npos) {
    const auto name = type.substr(charset + 8);
    if (name != "utf-8" && name != "iso-8859-1") return "invalid_charset";
  }
  const auto kind = type.substr(0, type.find(';'));
  if (kind == "application/json") {
    std::map<std::string, std::string> read;
    auto error = read_json(request.body, read);
    // Methods that only read do not look at a JSON body.
    if (!error && method.takes_json) args = std::move(read);
    return error;
  }
  if (kind == "application/x-www-form-urlencoded" || kind == "text/plain") {
    return read_fields(net::decode_form(request.body), args);
  }
  if (kind == "multipart/form-data") {
    const auto fields = multipart_fields(*header, request.body);
    return fields ? read_fields(*fields, args) : "invalid_form_data";
  }
  return "invalid_post_type";
}

std::optional<std::string> read_arguments(const net::ServerRequest& request, const Method& method,
                                          SlackCall& call) {
  if (auto error = read_fields(request.query, call.args)) return error;
  // A token in the address is not accepted.
  call.args.erase("token");
  if (request.method == "POST" && !request.body.empty()) {
    if (!call.args.empty()) return "invalid_arguments";  // "do not mix styles in one call"
    return read_body(request, method, call.args);
  }
  return std::nullopt;
}

/// Finds the token; an error code if there is none that lives.
std::optional<std::string> authenticate(const net::ServerRequest& request, const Method& method,
                                        SlackCall& call) {
  std::string token = method.app_token ? "" : call.arg("token");
  call.args.erase("token");
  if (const auto header = request.header("authorization")) {
    constexpr std::string_view kBearer = "Bearer ";
    if (header->substr(0, kBearer.size()) != kBearer) return "not_authed";
    token = header->substr(kBearer.size());
  }
  if (token.empty()) return "not_authed";
  call.token = call.world().tokens.find(token);
  if (!call.token) return "invalid_auth";
  if (!call.token->error.empty()) return call.token->error;
  if ((call.token->kind == "app") != method.app_token) return "not_allowed_token_type";
  if (method.app_token) return std::nullopt;
  const auto* user = call.world().users.find(call.token->user);
  if (!user || user->deleted) return "account_inactive";
  return std::nullopt;
}

}  // namespace

Answer slack_fail(std::string_view code) {
  json::Writer w;
  w.begin_object().field("ok", false).field("error", code).end_object();
  return {200, {{"Content-Type", "application/json; charset=utf-8"}}, w.take(), std::string(code)};
}

Answer slack_missing(std::string_view field) {
  return slack_invalid({fmt::format("[ERROR] missing required field: {}", field)});
}

Answer slack_invalid(const std::vector<std::string>& messages, std::string_view code) {
  json::Writer w;
  w.begin_object().field("ok", false).field("error", code).key("response_metadata");
  w.begin_object().field("messages", messages).end_object().end_object();
  return {200, {{"Content-Type", "application/json; charset=utf-8"}}, w.take(), std::string(code)};
}

Answer slack_needs(const SlackCall& call, const std::string& scope) {
  json::Writer w;
  w.begin_object().field("ok", false).field("error", "missing_scope").field("needed", scope);
  w.field("provided", scope_list(call.token->scopes)).end_object();
  return {200, {{"Content-Type", "application/json; charset=utf-8"}}, w.take(), "missing_scope"};
}

std::optional<SlackPage> slack_page(const SlackCall& call, std::size_t count, std::size_t default_limit,
                                    std::size_t max_limit, Answer& refusal) {
  SlackPage page;
  std::size_t limit = default_limit;
  if (call.has("limit")) {
    const auto asked = whole_number(call.arg("limit"));
    if (!asked || *asked > max_limit) {
      refusal = slack_fail("invalid_limit");
      return std::nullopt;
    }
    if (*asked > 0) limit = *asked;
  }
  if (auto cursor = call.arg("cursor"); !cursor.empty()) {
    // Slack's cursors often end in '=': clients must encode them.
    const bool shaped = cursor.size() > 5 && cursor.rfind("next:", 0) == 0 && cursor.back() == '=';
    const auto from = shaped ? whole_number(cursor.substr(5, cursor.size() - 6)) : std::nullopt;
    if (!from || *from >= count) {
      refusal = slack_fail("invalid_cursor");
      return std::nullopt;
    }
    page.from = *from;
  }
  page.to = std::min(count, page.from + limit);
  if (page.to < count) page.next_cursor = fmt::format("next:{}=", page.to);
  return page;
}

void write_next_cursor(json::Writer& w, const std::string& cursor) {
  w.key("response_metadata").begin_object().field("next_cursor", cursor).end_object();
}

Answer auth_test(SlackCall& call) {
  const auto& world = call.world();
  return slack_ok([&](json::Writer& w) {
    w.field("url", "https://northwind-ops.slack.com/").field("team", world.slack.team);
    w.field("user", world.users.find(call.token->user)->name).field("team_id", world.slack.team_id);
    w.field("user_id", call.token->user);
    if (call.token->kind == "bot") w.field("bot_id", world.slack.bot_id);
    w.field("is_enterprise_install", false);
  });
}

Answer apps_connections_open(SlackCall& call) {
  auto& link = *call.context.link;
  // What a switched off Socket Mode answers is not documented; any refusal is as good.
  if (!link.socket().enabled) return slack_fail("access_denied");
  const auto url = link.socket().new_url(call.world().app.settings.id);
  return slack_ok([&](json::Writer& w) { w.field("url", url); });
}

Answer answer_slack(Context context, const net::ServerRequest& request) {
  constexpr std::string_view kPrefix = "/api/";
  if (context.world.app.response_urls.count(request.path) != 0) return answer_response_url(context, request);
  if (request.path.rfind(kPrefix, 0) != 0) return {404, {}, "not found", "not_found"};
  const auto name = request.path.substr(kPrefix.size());
  const auto* method =
      std::find_if(kMethods.begin(), kMethods.end(), [&](const Method& m) { return m.name == name; });
  if (method == kMethods.end()) return slack_fail("unknown_method");
  if (request.method != "GET" && request.method != "POST") return slack_fail("invalid_arguments");

  if (method->app_token && request.method != "POST") return slack_fail("insecure_request");
  SlackCall call{context, name, {}, nullptr};
  if (const auto error = read_arguments(request, *method, call)) return slack_fail(*error);
  if (const auto error = authenticate(request, *method, call)) return slack_fail(*error);
  if (const auto wait = context.rate.take("slack " + name, method->per_minute, 60s, context.now)) {
    return too_many(System::slack, std::chrono::ceil<seconds>(*wait));
  }
  auto answer = !method->scope.empty() && !call.scope(std::string(method->scope))
                    ? slack_needs(call, std::string(method->scope))
                    : method->play(call);
  answer.headers.emplace_back("x-oauth-scopes", scope_list(call.token->scopes));
  answer.headers.emplace_back("x-accepted-oauth-scopes", std::string(method->scope));
  return answer;
}

}  // namespace watchbill::sandbox
