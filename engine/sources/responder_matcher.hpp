#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/oncall/plan.hpp"
#include "slack/people/directory.hpp"
#include "store/store.hpp"

namespace watchbill::engine {

/// What the store remembers of the Slack directory, and back.
std::vector<slack::SeenUser> seen_users(const std::vector<store::CachedUser>& cached);
std::vector<store::CachedUser> cached_users(const std::vector<slack::SeenUser>& users);

/// Which Slack user a responder is: an explicit mapping first, else the e-mail address.
class ResponderMatcher final : public Matcher {
 public:
  /// Why people of that connection may have no e-mail address, and what mends it; empty: not known.
  using WhyNoAddress = std::function<std::string(const std::string& connection)>;
  explicit ResponderMatcher(const slack::Directory& directory, WhyNoAddress why_no_address = {})
      : directory_(directory), why_no_address_(std::move(why_no_address)) {}

  [[nodiscard]] Match match(const Responder& responder) const override;
  [[nodiscard]] std::optional<std::string> unfit(const UserId& user) const override;
  /// The account that a responder has in Slack, be it one that may not be in a group; nothing if none is
  /// known.
  [[nodiscard]] std::optional<UserId> account_of(const Responder& responder) const;

  /// Replaces the mappings (`watchbill people map`).
  void set_mappings(const std::vector<store::Mapping>& mappings);
  /// Whose mappings are other than the present ones: "ada@example.com", "pd/P1".
  [[nodiscard]] std::vector<std::string> remapped(const std::vector<store::Mapping>& mappings) const;
  /// Slack users who are named somewhere (mappings, permanent members) but were never looked up.
  [[nodiscard]] std::vector<UserId> unknown_users(const std::vector<UserId>& named) const;
  [[nodiscard]] std::vector<UserId> mapped_users() const;

 private:
  [[nodiscard]] Match match_user(const UserId& user) const;
  [[nodiscard]] std::optional<UserId> mapped(const Responder& responder) const;

  const slack::Directory& directory_;
  WhyNoAddress why_no_address_;
  std::map<std::string, UserId> mappings_;
};

}  // namespace watchbill::engine
