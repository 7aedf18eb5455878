#pragma once

#include "sandbox/front.hpp"
#include "sandbox/world.hpp"

/// The six servers: each a function from a request to an answer over the world.
namespace watchbill::sandbox {

class AppLink;

struct Context {
  World& world;
  RateLimiter& rate;
  Instant now;   ///< by the clock of the sandbox's world
  Instant wall;  ///< by the real one: for what a person at a screen has time for
  AppLink* link = nullptr;
};

Answer answer_slack(Context context, const net::ServerRequest& request);
Answer answer_pagerduty(Context context, const net::ServerRequest& request);
Answer answer_identity(Context context, const net::ServerRequest& request);
Answer answer_opsgenie(Context context, const net::ServerRequest& request);
Answer answer_jsm(Context context, const net::ServerRequest& request);
Answer answer_xmatters(Context context, const net::ServerRequest& request);

/// "a/b/c" of "/a/b/c", decoded one by one, so that an id may hold a slash.
std::vector<std::string> path_parts(const net::ServerRequest& request);
/// Splits at commas; blanks around the pieces and empty pieces are dropped.
std::vector<std::string> split_list(std::string_view text);
/// A non-negative number, or nothing.
std::optional<std::size_t> whole_number(std::string_view text);

}  // namespace watchbill::sandbox
