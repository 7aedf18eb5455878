// Jira's users, of which JSM Operations gives the account IDs (Jira Cloud platform REST API v3, "Users").

#include "sandbox/jsm/call.hpp"

namespace watchbill::sandbox {
namespace {

constexpr std::size_t kMostUsers = 200;
constexpr std::size_t kUsers = 10;

void write_user(json::Writer& w, const Responder& person) {
  w.begin_object().field("accountId", person.id).field("accountType", "atlassian");
  w.field("displayName", person.name).field("active", !person.deleted).field("timeZone", "Etc/UTC");
  // Whoever hides the address in the profile is shown without it.
  if (!person.email.empty() && !person.email_hidden) w.field("emailAddress", person.email);
  w.end_object();
}

Answer one_user(const JsmCall& call) {
  const auto id = call.query("accountId");
  if (!id) return jsm_error(400, "accountId is missing");
  const auto* person = call.roster().people.find(*id);
  if (!person) return jsm_error(404, "The user does not exist");
  json::Writer w;
  write_user(w, *person);
  return jsm_ok(w.take());
}

Answer several_users(const JsmCall& call) {
  auto most = whole_number(call.query("maxResults").value_or(fmt::format("{}", kUsers)));
  const auto start = whole_number(call.query("startAt").value_or("0"));
  if (!most || *most == 0 || *most > kMostUsers || !start) return jsm_error(400, "maxResults is 1 to 200");
  most = std::min(*most, call.settings().users_a_page);
  std::vector<const Responder*> found;
  bool asked = false;
  for (const auto& [name, value] : call.request.query) {
    if (name != "accountId") continue;
    asked = true;
    if (const auto* person = call.roster().people.find(value)) found.push_back(person);
  }
  if (!asked) return jsm_error(400, "accountId is missing");
  const auto end = std::min(found.size(), *start + *most);
  json::Writer w;
  w.begin_object().field("maxResults", *most).field("startAt", *start).field("total", found.size());
  w.field("isLast", end == found.size()).key("values").begin_array();
  for (auto i = *start; i < end; ++i) write_user(w, *found[i]);
  w.end_array().end_object();
  return jsm_ok(w.take());
}

}  // namespace

Answer jira_users(const JsmCall& call) {
  if (call.path.empty() || call.path[0] != "user") return jsm_error(404, "Not found");
  if (call.settings().jira_forbidden) {
    return {403,
            {{"Content-Type", "application/json"}},
            R"({"errorMessages":["You do not have permission to browse users"],"errors":{}})",
            "403"};
  }
  if (call.path.size() == 1) return one_user(call);
  if (call.path.size() == 2 && call.path[1] == "bulk") return several_users(call);
  return jsm_error(404, "Not found");
}

}  // namespace watchbill::sandbox
