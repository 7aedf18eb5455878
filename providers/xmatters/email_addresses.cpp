#include "providers/xmatters/email_addresses.hpp"

#include <functional>

namespace watchbill::providers::xmatters {

namespace {

constexpr auto kLife = 24h;
constexpr auto kBetweenExpiries = 10min;
/// Spread over the last hours of that day by the person's id.
constexpr int kSpreadMinutes = 4 * 60;
/// More than that is no company's staff: start again rather than grow.
constexpr std::size_t kMaxPeople = 200'000;
/// A person with more devices than fit on these pages is a fault.
constexpr int kMaxPeoplePages = 5;

}  // namespace

void EmailAddresses::expire() {
  const auto now = loop_.steady_now();
  if (expired_at_ != SteadyInstant::min() && now - expired_at_ < kBetweenExpiries) return;
  expired_at_ = now;
  for (auto& [id, entry] : known_) entry.fresh_until = now;
}

net::Task<Result<std::optional<std::string>>> EmailAddresses::email_of(Person person) {
  const auto known = known_.find(person.id);
  if (known != known_.end() && loop_.steady_now() < known->second.fresh_until) co_return known->second.email;
  auto answer = co_await ask(person);
  if (!answer) {
    // Yesterday's address is better than none.
    const auto stale = known_.find(person.id);
    if (stale != known_.end()) co_return stale->second.email;
    co_return answer.error();
  }
  if (known_.size() >= kMaxPeople) known_.clear();
  const auto early = std::chrono::minutes{std::hash<std::string>{}(person.id) % kSpreadMinutes};
  known_[person.id] = {*answer, loop_.steady_now() + kLife - early};
  co_return answer;
}

net::Task<Result<std::optional<std::string>>> EmailAddresses::ask(Person person) {
  std::vector<EmailDevice> devices;
  std::string target =
      fmt::format("/api/xm/1/people/{}/devices?offset=0&limit=100", net::percent_encode(person.id));
  for (int page_number = 0; page_number < kMaxPeoplePages && !target.empty(); ++page_number) {
    auto document = co_await api_.get_json(std::move(target), authorization_);
    if (!document) {
      const auto kind = document.error().kind;
      if (kind != ErrorKind::forbidden && kind != ErrorKind::not_found) {
        co_return document.error().in("the devices of {}", person.name);
      }
      break;
    }
    auto page = parse_devices(document->root());
    if (!page) co_return page.error().in("the devices of {}", person.name);
    for (auto& device : page->items) devices.push_back(std::move(device));
    target = page->rows == 0 ? std::string() : std::move(page->next);
  }
  auto email = choose_email(devices);
  co_return email ? email : person.login;
}

}  // namespace watchbill::providers::xmatters
