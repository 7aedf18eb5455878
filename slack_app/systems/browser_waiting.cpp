// Tokens that wait for a word: known after a restart too, and forgotten after an hour.

#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/json.hpp"
#include "control/oauth.hpp"
#include "slack_app/systems/browser_connect.hpp"

namespace watchbill::slack_app {

namespace {

constexpr auto kHeldLife = 1h;
constexpr auto kTidyEvery = 60s;
constexpr const char* kWaitingKey = "oauth_waiting";

/// Those that the store knows to wait.
std::vector<WaitingAccount> read_waiting(store::Store& store) {
  std::vector<WaitingAccount> waiting;
  const auto saved = store.meta(kWaitingKey);
  const auto document = json::parse(saved ? saved->value_or("[]") : "[]");
  if (!document) return waiting;
  for (const auto& item : document->root().items()) {
    const auto name = item["connection"].string_or("");
    if (name.empty()) continue;
    // The tokens know whose they are.
    const auto held = store.connections().get(held_name(name));
    WaitingAccount account{name,
                           UserId(item["asker"].string_or("")),
                           held ? providers::title_of(held->kind) : name,
                           item["account"].string_or(""),
                           item["existing"].boolean_or(false),
                           Instant{}};
    if (auto at = parse_rfc3339(item["at"].string_or(""))) account.at = *at;
    waiting.push_back(std::move(account));
  }
  return waiting;
}

}  // namespace

void BrowserConnect::start() {
  tasks_.spawn(take_up());
  tasks_.spawn(keep_tidy());
}

net::Task<void> BrowserConnect::take_up() {
  auto saved = co_await screen_.context().store.run(read_waiting);
  const bool others = !waiting_.empty();
  for (auto& account : saved) {
    auto name = account.connection;
    waiting_.try_emplace(std::move(name), std::move(account));
  }
  // What came meanwhile was written without these.
  if (others && !saved.empty()) (void)co_await keep_waiting();
}

net::Task<Result<void>> BrowserConnect::keep_waiting() {
  json::Writer w;
  w.begin_array();
  for (const auto& [name, account] : waiting_) {
    w.begin_object()
        .field("connection", name)
        .field("asker", account.asker.value)
        .field("account", account.account);
    w.field("existing", account.existing).field("at", format_rfc3339(account.at)).end_object();
  }
  w.end_array();
  const auto write = [text = w.take()](store::Store& store) { return store.set_meta(kWaitingKey, text); };
  co_return co_await screen_.context().store.run(write);
}

net::Task<void> BrowserConnect::forget_unanswered() {
  const control::Caller watchbill{LocalUser{"watchbill"}, "watchbill"};
  std::vector<WaitingAccount> kept;
  bool forgot = false;
  while (true) {
    const auto old = std::find_if(waiting_.begin(), waiting_.end(), [this](const auto& item) {
      return screen_.loop().now() - item.second.at >= kHeldLife && !deciding_.contains(item.first);
    });
    if (old == waiting_.end()) break;
    // Nobody can say yes to it any more.
    auto account = std::move(waiting_.extract(old).mapped());
    if (co_await control::forget_held(screen_.context(), watchbill, account.connection)) {
      forgot = true;
    } else {
      kept.push_back(std::move(account));
    }
  }
  // Tried again the next time, unless others wait under that name by then.
  for (auto& account : kept) {
    auto name = account.connection;
    waiting_.try_emplace(std::move(name), std::move(account));
  }
  if (forgot && !co_await keep_waiting()) spdlog::warn("Slack app: what waits for a word could not be noted");
}

net::Task<void> BrowserConnect::keep_tidy() {
  while (true) {
    forget_old();
    co_await forget_unanswered();
    co_await net::sleep_for(screen_.loop(), kTidyEvery);
  }
}

}  // namespace watchbill::slack_app
