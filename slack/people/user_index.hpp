#pragma once

#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "slack/people/directory.hpp"

namespace watchbill::slack {

/// Code of the error that a list shows people and no address at all: the scope is missing, or the workspace
/// does not show addresses in profiles.
inline constexpr const char* kAddressesHidden = "addresses_hidden";

/// What `Directory` knows of people, and what follows from an answer. Pure: `now` comes from the caller.
class UserIndex {
 public:
  [[nodiscard]] const User* by_id(const UserId& id) const;
  [[nodiscard]] const User* by_email(std::string_view email) const;
  [[nodiscard]] bool absent(std::string_view email) const;
  /// True if Slack should be asked for `email` now.
  [[nodiscard]] bool needs(std::string_view email, Instant now) const;
  [[nodiscard]] std::vector<std::string> absent_emails() const;
  /// Entries last seen before `t` (or, by a clock set back since, after `now`), oldest first.
  [[nodiscard]] std::vector<UserId> seen_before(Instant t, Instant now) const;
  [[nodiscard]] std::size_t size() const { return users_.size(); }

  /// Slack should be asked for this address at the next opportunity, however short ago it called it absent.
  void ask_again(std::string_view email);

  /// Takes over an entry from the cache as it is.
  void put(const SeenUser& seen);
  /// Slack told us about this user. `asked` is the address that led there, if one did. Where the workspace
  /// hides addresses, the one that was known stays.
  void learn(User user, Instant now, std::string_view asked = {});
  /// Slack says that nobody active has this address.
  void learn_absent(const std::string& email, Instant now);
  /// Slack does not know (or show) this user.
  void learn_gone(const UserId& id, Instant now);

  /// What somebody who reads `users.list` is after, besides everybody known and every absent address.
  struct RotationDraft {
    std::unordered_set<std::string> emails;
    std::unordered_set<UserId> users;
  };
  /// Takes over a complete reading, if it is plausible: it names someone, shows e-mail addresses, and does
  /// not lose (miss, or call deactivated) more than half of the active people known. A reading that does lose
  /// them is believed when it is the third, each at least 30 s after the one before. Returns those known whom
  /// the reading missed: to be asked for one by one.
  Result<std::vector<UserId>> take_list(const std::vector<User>& users, const RotationDraft& wanted,
                                        Instant now);

  /// Entries of which a fact has changed since the last call, or whose age in the cache has become wrong by
  /// hours: to be saved.
  std::vector<SeenUser> take_unsaved();
  /// Grows when a fact changes, not when it is merely confirmed.
  [[nodiscard]] std::uint64_t revision() const { return revision_; }

 private:
  struct Absence {
    Instant asked_at;
    milliseconds pause;
  };
  [[nodiscard]] std::optional<Error> implausible(const std::vector<User>& users, const RotationDraft& wanted,
                                                 Instant now);

  std::unordered_map<UserId, SeenUser> users_;
  std::unordered_map<std::string, std::vector<UserId>> by_email_;
  std::unordered_map<std::string, Absence> absent_;
  std::set<UserId> unsaved_;
  std::unordered_map<UserId, Instant> saved_;  ///< `seen_at` as the cache has it
  std::unordered_set<std::string> again_;      ///< addresses to be asked for whatever is known
  std::uint64_t revision_ = 0;
  int doubtful_lists_ = 0;
  Instant last_doubtful_ = kAlways;
};

/// ASCII letters in lower case: how addresses are compared.
std::string fold_email(std::string_view email);

}  // namespace watchbill::slack
