#include "providers/support.hpp"

#include <algorithm>

#include "net/http.hpp"

namespace watchbill::providers {

namespace {

constexpr auto kUserLife = 24h;
/// More than that is no account's staff: start again rather than grow.
constexpr std::size_t kMaxUsers = 200'000;

constexpr std::string_view kWhite = " \t\r\n";

}  // namespace

ScheduleAnswer blank_answer(const std::string& connection, const std::string& id, Window window,
                            Instant asked_at) {
  ScheduleAnswer answer;
  answer.schedule = ScheduleRef{connection, id};
  answer.window = window;
  answer.asked_at = asked_at;
  return answer;
}

ScheduleAnswer failed_answer(const std::string& connection, const std::string& id, Window window,
                             Instant asked_at, const Error& error, bool from_schedule) {
  auto answer = blank_answer(connection, id, window, asked_at);
  answer.from_schedule = from_schedule;
  answer.status = AnswerStatus::failed;
  if (from_schedule && error.kind == ErrorKind::not_found) answer.status = AnswerStatus::gone;
  if (from_schedule && error.kind == ErrorKind::forbidden) answer.status = AnswerStatus::forbidden;
  answer.error = error;
  return answer;
}

Error broken_system(std::string_view system, const Error& error) {
  const bool refused = error.kind == ErrorKind::not_found || error.kind == ErrorKind::forbidden ||
                       error.kind == ErrorKind::invalid;
  if (!refused) return error;
  return fail(ErrorKind::server, "{} refuses even the list of its schedules: {}", system, error.message);
}

Error weigh_refusal(std::string_view system, const Error& refusal, const Result<bool>& listed) {
  if (!listed) return broken_system(system, listed.error());
  // What may not be read may well be listed.
  if (*listed && refusal.kind == ErrorKind::not_found)
    return fail(ErrorKind::server, "{} lists it, but does not answer for it ({})", system, refusal.message);
  return refusal;
}

Result<bool> is_listed(const Result<std::vector<ScheduleInfo>>& all, const std::string& id) {
  if (!all) return all.error();
  return std::any_of(all->begin(), all->end(), [&](const ScheduleInfo& one) { return one.id == id; });
}

void fail_all(const AnswerSink& sink, const std::string& connection, const std::vector<std::string>& ids,
              Window window, Instant asked_at, const Error& error) {
  for (const auto& id : ids) sink(failed_answer(connection, id, window, asked_at, error, false));
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(kWhite);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhite) - first + 1);
}

std::optional<std::string> clean_email(std::string_view text) {
  std::string email(trim(text));
  if (email.find('@') == std::string::npos) return std::nullopt;
  for (auto& c : email) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return email;
}

Result<std::string> check_base_url(std::string_view text, std::string_view option) {
  auto url = net::parse_secure_url(trim(text));
  if (!url) return url.error().in("--{}", option);
  if (url->path != "/")
    return fail(ErrorKind::invalid, "--{}: it has no path: write {}", option, url->origin());
  return url->origin();
}

Result<std::string> check_region(const Connection& connection) {
  auto region = setting(connection, "region");
  if (region.empty()) return std::string("us");
  if (region != "us" && region != "eu")
    return fail(ErrorKind::invalid, "--region: \"{}\" is neither us nor eu", region);
  return region;
}

std::string setting(const Connection& connection, const std::string& key) {
  const auto found = connection.settings.find(key);
  return found == connection.settings.end() ? std::string() : found->second;
}

Secret secret(const Connection& connection, const std::string& key) {
  const auto found = connection.secrets.find(key);
  return found == connection.secrets.end() ? Secret() : found->second;
}

Result<Connection> clean_connection(Connection connection, const std::vector<Option>& options,
                                    const std::vector<std::string>& internal) {
  const auto check = [&](const std::string& key, bool is_secret) -> Result<void> {
    const auto matches = [&](const Option& option) {
      return option.key == key && option.secret == is_secret;
    };
    if (std::any_of(options.begin(), options.end(), matches)) return {};
    if (std::find(internal.begin(), internal.end(), key) != internal.end()) return {};
    return fail(ErrorKind::invalid, "\"{}\" is no setting of a connection of kind {}", key, connection.kind);
  };
  for (auto& [key, value] : connection.settings) {
    if (auto known = check(key, false); !known) return known.error();
    value = std::string(trim(value));
  }
  for (auto& [key, value] : connection.secrets) {
    if (auto known = check(key, true); !known) return known.error();
    value = Secret(std::string(trim(value.reveal())));
    const auto control = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; };
    const auto& text = value.reveal();
    if (std::any_of(text.begin(), text.end(), control))
      return fail(ErrorKind::invalid, "the value of \"{}\" has white space or control characters in it", key);
  }
  std::erase_if(connection.settings, [](const auto& entry) { return entry.second.empty(); });
  std::erase_if(connection.secrets, [](const auto& entry) { return entry.second.empty(); });
  return connection;
}

const UserCache::User* UserCache::find(const std::string& id, SteadyInstant now) const {
  const auto found = users_.find(id);
  if (found == users_.end() || now - found->second.seen >= kUserLife) return nullptr;
  return &found->second.user;
}

void UserCache::put(const std::string& id, User user, SteadyInstant now) {
  if (users_.size() >= kMaxUsers) users_.clear();
  users_[id] = Entry{std::move(user), now};
}

}  // namespace watchbill::providers
