#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/secret.hpp"
#include "net/loop.hpp"
#include "providers/api_client.hpp"
#include "providers/xmatters/parse.hpp"

namespace watchbill::providers::xmatters {

/// E-mail addresses of people: they are not part of a person but of his devices, which take a request each.
/// Kept for about a day, so that a day later not all are asked for at the same time.
class EmailAddresses {
 public:
  EmailAddresses(net::Loop& loop, ApiClient& api, const Secret& authorization)
      : loop_(loop), api_(api), authorization_(authorization) {}

  /// The address of `person`, asked for on first sight. Nothing if he has none, or the key may not see his
  /// devices; then his login stands in if it is an address. An error means that it is not known now: taking
  /// it for "has none" would drop him from his groups.
  net::Task<Result<std::optional<std::string>>> email_of(Person person);
  /// Everybody's address is asked for anew at the next sight; at most every ten minutes, since each takes a
  /// request.
  void expire();

 private:
  struct Entry {
    std::optional<std::string> email;
    SteadyInstant fresh_until;
  };
  net::Task<Result<std::optional<std::string>>> ask(Person person);

  net::Loop& loop_;
  ApiClient& api_;
  const Secret& authorization_;
  std::map<std::string, Entry> known_;
  SteadyInstant expired_at_ = SteadyInstant::min();
};

}  // namespace watchbill::providers::xmatters
