#include "slack/people/user_index.hpp"

#include <algorithm>

namespace watchbill::slack {

namespace {

constexpr milliseconds kFirstPause = 5min;
constexpr milliseconds kLongestPause = 1h;
constexpr int kBelievedAt = 3;
constexpr milliseconds kBetweenDoubts = 30s;
/// People on call are looked at every minute: that nothing changed is saved this often.
constexpr milliseconds kSavedEvery = 6h;

bool is_person(const User& user) {
  return !user.bot && !user.deleted;
}

}  // namespace

std::string fold_email(std::string_view email) {
  std::string out(email);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

const User* UserIndex::by_id(const UserId& id) const {
  const auto found = users_.find(id);
  return found == users_.end() ? nullptr : &found->second.user;
}

const User* UserIndex::by_email(std::string_view email) const {
  const auto found = by_email_.find(fold_email(email));
  if (found == by_email_.end()) return nullptr;
  const User* best = nullptr;
  for (const auto& id : found->second) {
    const auto* user = by_id(id);
    const bool better =
        best == nullptr || (best->deleted && !user->deleted) || (!best->assignable() && user->assignable());
    if (better) best = user;
  }
  return best;
}

bool UserIndex::absent(std::string_view email) const {
  if (const auto* user = by_email(email)) return user->deleted;
  return absent_.count(fold_email(email)) != 0;
}

void UserIndex::ask_again(std::string_view email) {
  again_.insert(fold_email(email));
}

bool UserIndex::needs(std::string_view email, Instant now) const {
  if (again_.count(fold_email(email)) != 0) return true;
  const auto* user = by_email(email);
  if (user != nullptr && !user->deleted) return false;
  const auto absence = absent_.find(fold_email(email));
  if (absence != absent_.end()) return now - absence->second.asked_at >= absence->second.pause;
  return user == nullptr || now - users_.at(user->id).seen_at >= kFirstPause;
}

std::vector<std::string> UserIndex::absent_emails() const {
  std::vector<std::string> out;
  for (const auto& [email, absence] : absent_) out.push_back(email);
  for (const auto& [email, ids] : by_email_) {
    if (absent(email) && absent_.count(email) == 0) out.push_back(email);
  }
  return out;
}

std::vector<UserId> UserIndex::seen_before(Instant t, Instant now) const {
  std::vector<std::pair<Instant, UserId>> old;
  for (const auto& [id, seen] : users_) {
    if (seen.seen_at < t || seen.seen_at > now) old.emplace_back(seen.seen_at, id);
  }
  std::sort(old.begin(), old.end());
  std::vector<UserId> out;
  out.reserve(old.size());
  for (auto& [seen_at, id] : old) out.push_back(std::move(id));
  return out;
}

void UserIndex::put(const SeenUser& seen) {
  auto& entry = users_[seen.user.id];
  const auto unlist = [&](const std::optional<std::string>& email) {
    if (!email) return;
    const auto listed = by_email_.find(*email);
    if (listed == by_email_.end()) return;
    std::erase(listed->second, seen.user.id);
    if (listed->second.empty()) by_email_.erase(listed);
  };
  unlist(entry.user.email);
  unlist(seen.user.email);
  entry = seen;
  if (seen.user.email) by_email_[*seen.user.email].push_back(seen.user.id);
}

void UserIndex::learn(User user, Instant now, std::string_view asked) {
  if (!asked.empty()) {
    again_.erase(fold_email(asked));
    if (!user.email) user.email = fold_email(asked);
  }
  const auto* before = by_id(user.id);
  if (before != nullptr && !user.email) user.email = before->email;
  const bool change = before == nullptr || *before != user;
  if (change) ++revision_;
  const auto saved = saved_.find(user.id);
  if (change || saved == saved_.end() || now - saved->second >= kSavedEvery || now < saved->second)
    unsaved_.insert(user.id);
  if (user.email && !user.deleted) absent_.erase(*user.email);
  const auto id = user.id;
  const bool alias = !asked.empty() && *user.email != fold_email(asked);
  put({std::move(user), now});
  if (!alias) return;
  // Slack found him by an address that is not the one in his profile.
  auto& ids = by_email_[fold_email(asked)];
  if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  if (!by_id(id)->deleted) absent_.erase(fold_email(asked));
}

void UserIndex::learn_absent(const std::string& email, Instant now) {
  const auto key = fold_email(email);
  again_.erase(key);
  const auto [entry, fresh] = absent_.try_emplace(key, Absence{now, kFirstPause});
  if (fresh) {
    ++revision_;
  } else {
    entry->second = {now, std::min(entry->second.pause * 2, kLongestPause)};
  }
}

void UserIndex::learn_gone(const UserId& id, Instant now) {
  User gone;
  if (const auto* known = by_id(id)) gone = *known;
  gone.id = id;
  if (gone.name.empty()) gone.name = id.value;
  gone.deleted = true;
  learn(std::move(gone), now);
}

std::optional<Error> UserIndex::implausible(const std::vector<User>& users, const RotationDraft& wanted,
                                            Instant now) {
  if (users.empty()) return fail(ErrorKind::unreadable, "users.list: Slack names nobody at all");
  const auto has_email = [](const User& u) { return u.email.has_value(); };
  const bool blind = std::any_of(users.begin(), users.end(), is_person) &&
                     std::none_of(users.begin(), users.end(), has_email);
  if (blind && !wanted.emails.empty()) {
    auto error =
        fail(ErrorKind::forbidden,
             "users.list: no e-mail addresses are shown: the bot token lacks users:read.email, or the "
             "workspace hides addresses in profiles");
    error.code = kAddressesHidden;
    return error;
  }
  std::unordered_set<UserId> active;
  for (const auto& user : users) {
    if (!user.deleted) active.insert(user.id);
  }
  std::size_t known = 0;
  std::size_t lost = 0;
  for (const auto& [id, seen] : users_) {
    if (seen.user.deleted) continue;
    ++known;
    if (active.count(id) == 0) ++lost;
  }
  if (lost * 2 <= known) {
    doubtful_lists_ = 0;
    return std::nullopt;
  }
  if (doubtful_lists_ == 0 || now - last_doubtful_ >= kBetweenDoubts || now < last_doubtful_) {
    ++doubtful_lists_;
    last_doubtful_ = now;
  }
  if (doubtful_lists_ >= kBelievedAt) {
    doubtful_lists_ = 0;
    return std::nullopt;
  }
  auto error = fail(ErrorKind::unreadable,
                    "users.list: {} of {} known people are missing: not believed until seen {} times", lost,
                    known, kBelievedAt);
  error.code = "implausible_list";
  return error;
}

Result<std::vector<UserId>> UserIndex::take_list(const std::vector<User>& users, const RotationDraft& wanted,
                                                 Instant now) {
  if (auto error = implausible(users, wanted, now)) return *error;
  std::unordered_set<UserId> listed;
  for (const auto& user : users) {
    listed.insert(user.id);
    const bool asked_for = by_id(user.id) != nullptr || wanted.users.count(user.id) != 0 ||
                           (user.email && (wanted.emails.count(*user.email) != 0 || absent(*user.email)));
    if (asked_for) learn(user, now);
  }
  for (const auto& email : wanted.emails) {
    const auto* user = by_email(email);
    again_.erase(email);
    if (user == nullptr || user->deleted) learn_absent(email, now);
  }
  std::vector<UserId> missing;
  for (const auto& [id, seen] : users_) {
    if (listed.count(id) == 0 && !seen.user.deleted) missing.push_back(id);
  }
  std::sort(missing.begin(), missing.end());
  return missing;
}

std::vector<SeenUser> UserIndex::take_unsaved() {
  std::vector<SeenUser> out;
  for (const auto& id : unsaved_) {
    out.push_back(users_.at(id));
    saved_[id] = out.back().seen_at;
  }
  unsaved_.clear();
  return out;
}

}  // namespace watchbill::slack
