#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "net/loop.hpp"
#include "providers/jsm/parse.hpp"

namespace watchbill::providers::jsm {

/// Names and addresses of Atlassian accounts: schedules name the accounts alone. Kept for about a day, so
/// that a day later not all are asked for at the same time.
class JiraUsers {
 public:
  /// Asks behind Jira's API: "/user/bulk?…".
  using Ask = std::function<net::Task<Result<json::Document>>(std::string target)>;
  JiraUsers(net::Loop& loop, Ask ask) : loop_(loop), ask_(std::move(ask)) {}

  /// True if `find` knows this one, and not from yesterday alone.
  [[nodiscard]] bool is_fresh(const std::string& id) const;
  /// Asks for those that are not fresh, 50 a request. Whom Jira does not know is known without a name. An
  /// error means that somebody is not known now; of whom yesterday's address is known, that one goes on.
  net::Task<Result<void>> look_up(std::vector<std::string> ids);
  /// Null before the first look-up.
  [[nodiscard]] const JiraUser* find(const std::string& id) const;
  /// Everybody is asked for anew at the next sight.
  void expire();

 private:
  struct Entry {
    JiraUser user;
    SteadyInstant fresh_until;
  };
  /// Whom Jira knows of these, page by page.
  net::Task<Result<std::vector<JiraUser>>> ask_for(std::vector<std::string> ids);
  net::Task<Result<void>> look_up_batch(std::vector<std::string> ids);

  net::Loop& loop_;
  Ask ask_;
  std::map<std::string, Entry> known_;
};

}  // namespace watchbill::providers::jsm
