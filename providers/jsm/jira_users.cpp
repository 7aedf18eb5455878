#include "providers/jsm/jira_users.hpp"

#include <algorithm>

#include "net/http.hpp"

namespace watchbill::providers::jsm {

namespace {

constexpr auto kLife = 24h;
/// Spread over the last hours of that day by the account.
constexpr int kSpreadMinutes = 4 * 60;
/// `maxResults` of a bulk look-up; its default is 10.
constexpr std::size_t kBatch = 50;
/// More than that is no company's staff: start again rather than grow.
constexpr std::size_t kMaxUsers = 200'000;

}  // namespace

bool JiraUsers::is_fresh(const std::string& id) const {
  const auto known = known_.find(id);
  return known != known_.end() && loop_.steady_now() < known->second.fresh_until;
}

const JiraUser* JiraUsers::find(const std::string& id) const {
  const auto known = known_.find(id);
  return known == known_.end() ? nullptr : &known->second.user;
}

void JiraUsers::expire() {
  for (auto& [id, entry] : known_) entry.fresh_until = loop_.steady_now();
}

net::Task<Result<void>> JiraUsers::look_up(std::vector<std::string> ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  std::erase_if(ids, [&](const std::string& id) { return is_fresh(id); });
  for (std::size_t at = 0; at < ids.size(); at += kBatch) {
    const auto end = ids.begin() + static_cast<std::ptrdiff_t>(std::min(ids.size(), at + kBatch));
    std::vector<std::string> batch(ids.begin() + static_cast<std::ptrdiff_t>(at), end);
    auto done = co_await look_up_batch(batch);
    if (done) continue;
    // Yesterday's address is better than none.
    const bool all_known = std::all_of(batch.begin(), batch.end(), [&](const auto& id) { return find(id); });
    if (!all_known) co_return done;
  }
  co_return Result<void>{};
}

net::Task<Result<std::vector<JiraUser>>> JiraUsers::ask_for(std::vector<std::string> ids) {
  auto target = fmt::format("/user/bulk?maxResults={}", kBatch);
  for (const auto& id : ids) target += "&accountId=" + net::percent_encode(id);
  std::vector<JiraUser> users;
  // A page has at least one.
  for (std::size_t pages = 0; pages < ids.size(); ++pages) {
    auto page_target = target;
    if (!users.empty()) page_target += fmt::format("&startAt={}", users.size());
    auto document = co_await ask_(std::move(page_target));
    if (!document) co_return document.error();
    auto page = parse_users(document->root());
    if (!page) co_return page.error().in("Jira's users");
    if (page->users.empty() && !page->last)
      co_return fail(ErrorKind::unreadable, "Jira's users: a page is empty, and another follows");
    for (auto& user : page->users) users.push_back(std::move(user));
    if (page->last) co_return users;
  }
  co_return fail(ErrorKind::unreadable, "Jira's users: the list does not end");
}

net::Task<Result<void>> JiraUsers::look_up_batch(std::vector<std::string> ids) {
  auto users = co_await ask_for(ids);
  if (!users) co_return users.error();
  if (known_.size() + ids.size() > kMaxUsers) known_.clear();
  for (const auto& id : ids) {
    const auto said =
        std::find_if(users->begin(), users->end(), [&](const JiraUser& user) { return user.id == id; });
    const auto early = std::chrono::minutes{std::hash<std::string>{}(id) % kSpreadMinutes};
    auto user = said == users->end() ? JiraUser{id, {}, std::nullopt} : *said;
    known_.insert_or_assign(id, Entry{std::move(user), loop_.steady_now() + kLife - early});
  }
  co_return Result<void>{};
}

}  // namespace watchbill::providers::jsm
