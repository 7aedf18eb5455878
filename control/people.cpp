#include "control/people.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.hpp"
#include "config/value.hpp"
#include "providers/support.hpp"

namespace watchbill::control {

namespace {

/// "ada@example.com" (lower case) or "pagerduty/PUSER1".
Result<std::string> person_key(store::Store& store, const std::string& text) {
  if (!is_utf8(text) || has_control(text))
    return fail(ErrorKind::invalid, "{}: line breaks and control characters are not allowed", "person");
  if (const auto slash = text.find('/'); slash != std::string::npos && slash + 1 < text.size()) {
    auto connection = store.connections().get(text.substr(0, slash));
    if (!connection) return connection.error();
    return text;
  }
  if (const auto email = providers::clean_email(text)) return *email;
  return fail(ErrorKind::invalid,
              "person \"{}\": write an e-mail address, or CONNECTION/ID with the id in the scheduling system",
              text);
}

}  // namespace

std::string handle_of(const Responder& responder) {
  return responder.email ? *responder.email : responder.connection + "/" + responder.id;
}

Result<std::vector<UnmatchedPerson>> unmatched_people(store::Store& store) {
  auto noted = store.people().unmatched();
  if (!noted) return noted.error();
  auto statuses = store.engine().statuses();
  if (!statuses) return statuses.error();
  auto mappings = store.people().mappings();
  if (!mappings) return mappings.error();
  std::vector<UnmatchedPerson> out;
  std::set<std::pair<std::string, std::string>> seen;
  std::map<std::string, Instant> mapped;
  for (const auto& mapping : *mappings) mapped[mapping.person] = mapping.at;
  // Whose mapping is older than that was mapped to somebody who cannot be it (any more).
  const auto waits = [&mapped](const Responder& who, Instant noted_at) {
    const auto since = [&](const std::string& key) {
      const auto found = mapped.find(key);
      return found != mapped.end() && found->second >= noted_at;
    };
    return since(who.connection + "/" + who.id) || (who.email && since(*who.email));
  };
  for (auto& one : *noted) {
    if (!waits(one.responder, one.since) && seen.emplace(one.responder.connection, one.responder.id).second)
      out.push_back({one.responder, one.why, one.since});
  }
  for (const auto& status : *statuses) {
    for (const auto& person : status.on_call) {
      const auto& who = person.responder;
      if (person.member || person.member_pending || waits(who, kAlways) ||
          !seen.emplace(who.connection, who.id).second)
        continue;
      out.push_back({who, who.email ? "no active Slack account has this address"
                                    : "the scheduling system shows no e-mail address"});
    }
  }
  std::sort(out.begin(), out.end(), [](const UnmatchedPerson& a, const UnmatchedPerson& b) {
    const auto left = fold_name(a.responder.name);
    const auto right = fold_name(b.responder.name);
    return left != right ? left < right : a.responder < b.responder;
  });
  return out;
}

namespace {

/// Of a large workspace: who is not among so many is chosen from Slack's own list.
constexpr int kPagesLookedAt = 2;

/// For comparing names: without case, and with single blanks.
std::string compared(const std::string& name) {
  std::string out;
  for (const char c : fold_name(name)) {
    const bool blank = c == ' ' || c == '\t';
    if (blank && (out.empty() || out.back() == ' ')) continue;
    out += blank ? ' ' : c;
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

}  // namespace

net::Task<std::vector<UserId>> namesakes(Context& context, std::string name) {
  std::vector<UserId> found;
  const auto wanted = compared(name);
  if (wanted.empty()) co_return found;
  const auto list = [](store::Store& store) { return store.people().users(); };
  if (auto known = co_await context.store.run(list)) {
    for (const auto& user : *known) {
      if (!user.deleted && !user.bot && !user.guest && compared(user.name) == wanted)
        found.push_back(user.id);
    }
  }
  std::string cursor;
  for (int page = 0; found.empty() && page < kPagesLookedAt && !context.no_slack; ++page) {
    auto permit = co_await context.limiter.acquire(slack::Method::users_list, slack::Priority::edit);
    auto read = co_await context.people.list_users(std::move(permit), cursor);
    if (!read) break;
    for (const auto& user : read->users) {
      if (user.assignable() && compared(user.name) == wanted) found.push_back(user.id);
    }
    cursor = read->next_cursor;
    if (cursor.empty()) break;
  }
  co_return found;
}

net::Task<Result<store::Mapping>> map_person(Workspace& workspace, Caller caller, std::string person,
                                             std::string user, MapOptions options) {
  auto& context = workspace.context();
  if (auto ok = allowed(context, caller, Action::map_person, {}); !ok) co_return ok.error();
  const auto clean = [person](store::Store& store) { return person_key(store, person); };
  auto key = co_await context.store.run(clean);
  if (!key) co_return key.error();
  if (options.verify) {
    auto found = co_await workspace.person(user);
    if (!found) co_return found.error();
    user = found->id.value;
  } else if (user.find('@') != std::string::npos) {
    co_return fail(ErrorKind::invalid,
                   "--no-verify: an e-mail address has to be looked up; give the id (U…)");
  } else if (auto id = config::check_slack_id(user); !id) {
    co_return id.error();
  }
  store::Mapping mapping{*key, UserId(user), context.loop.now(), caller.actor};
  const auto write = [mapping, unless = std::move(options.unless)](store::Store& store) {
    return store.transaction([&]() -> Result<void> {
      // Its connection may have been removed while Slack was asked.
      if (auto there = person_key(store, mapping.person); !there) return there.error();
      if (auto good = unless ? unless(store) : Result<void>{}; !good) return good;
      return store.people().map(mapping, mapping.by);
    });
  };
  if (auto mapped = co_await context.store.run(write); !mapped) co_return mapped.error();
  co_return mapping;
}

net::Task<Result<std::string>> unmap_person(Context& context, Caller caller, std::string person) {
  if (auto ok = allowed(context, caller, Action::map_person, {}); !ok) co_return ok.error();
  const auto email = person.find('/') == std::string::npos ? providers::clean_email(person) : std::nullopt;
  const auto key = email.value_or(person);
  const auto drop = [key, actor = caller.actor](store::Store& store) {
    return store.people().unmap(key, actor);
  };
  if (auto gone = co_await context.store.run(drop); !gone) co_return gone.error();
  co_return key;
}

}  // namespace watchbill::control
