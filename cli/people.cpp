// watchbill people list|map|unmap

#include <algorithm>
#include <ostream>
#include <set>

#include "cli/commands.hpp"
#include "cli/overview.hpp"
#include "cli/table.hpp"
#include "cli/workspace.hpp"

namespace watchbill::cli {

namespace {

/// What `people map` takes for this responder.
std::string handle_of(const Responder& responder) {
  return responder.email ? *responder.email : responder.connection + "/" + responder.id;
}

struct Unknown {
  Responder responder;
  std::string why;
  std::optional<Instant> since{};
};

/// Who is on call or was seen, and is nobody in Slack. Whoever was mapped since waits for the next pass.
Result<std::vector<Unknown>> unmatched(store::Store& store, const std::vector<store::Mapping>& mappings) {
  auto noted = store.people().unmatched();
  if (!noted) return noted.error();
  auto statuses = store.engine().statuses();
  if (!statuses) return statuses.error();
  std::vector<Unknown> out;
  std::set<std::pair<std::string, std::string>> seen;
  std::set<std::string> mapped;
  for (const auto& mapping : mappings) mapped.insert(mapping.person);
  const auto waits = [&mapped](const Responder& who) {
    return mapped.contains(who.connection + "/" + who.id) || (who.email && mapped.contains(*who.email));
  };
  for (auto& one : *noted) {
    if (!waits(one.responder) && seen.emplace(one.responder.connection, one.responder.id).second)
      out.push_back({one.responder, one.why, one.since});
  }
  for (const auto& status : *statuses) {
    for (const auto& person : status.on_call) {
      const auto& who = person.responder;
      if (person.member || waits(who) || !seen.emplace(who.connection, who.id).second) continue;
      out.push_back({who, who.email ? "no active Slack account has this address"
                                    : "the scheduling system shows no e-mail address"});
    }
  }
  std::sort(out.begin(), out.end(), [](const Unknown& a, const Unknown& b) {
    const auto left = fold_name(a.responder.name);
    const auto right = fold_name(b.responder.name);
    return left != right ? left < right : a.responder < b.responder;
  });
  return out;
}

std::string fix_of(const Responder& responder) {
  return fmt::format("watchbill people map {} U…", handle_of(responder));
}

void print(Session& session, const std::vector<Unknown>& unknown,
           const std::vector<store::Mapping>& mappings) {
  if (session.json()) {
    json::Writer w;
    w.begin_object().key("unmatched").begin_array();
    for (const auto& [who, why, since] : unknown) {
      w.begin_object().field("person", handle_of(who)).field("name", who.name).field("email", who.email);
      w.field("connection", who.connection).field("why", why);
      w.field("since", since ? std::optional(format_rfc3339(*since)) : std::nullopt);
      w.field("fix", fix_of(who)).end_object();
    }
    w.end_array().key("mappings").begin_array();
    for (const auto& mapping : mappings) {
      w.begin_object().field("person", mapping.person).field("member", mapping.user.value);
      w.field("at", format_rfc3339(mapping.at)).field("by", mapping.by).end_object();
    }
    w.end_array().end_object();
    return session.print_json(w.take());
  }
  auto& out = session.io().out;
  if (unknown.empty()) {
    out << "Everybody who is on call is found in Slack.\n";
  } else {
    Table table({"NOT IN SLACK", "CONNECTION", "WHY", "FIX"});
    for (const auto& [who, why, since] : unknown) table.add({who.name, who.connection, why, fix_of(who)});
    out << table.render(session.io().width);
  }
  if (mappings.empty()) return;
  const auto names = known_names(session);
  Table table({"MAPPED PERSON", "SLACK USER", "SINCE", "BY"});
  for (const auto& mapping : mappings) {
    table.add({mapping.person, fmt::format("{} ({})", name_or_id(names, mapping.user), mapping.user),
               format_rfc3339(mapping.at), mapping.by});
  }
  out << "\n" << table.render(session.io().width);
}

Result<int> list_people(Session& session, const Invocation& /*in*/) {
  auto store = session.store();
  if (!store) return store.error();
  auto mappings = (*store)->people().mappings();
  if (!mappings) return mappings.error();
  auto unknown = unmatched(**store, *mappings);
  if (!unknown) return unknown.error();
  std::sort(mappings->begin(), mappings->end(),
            [](const store::Mapping& a, const store::Mapping& b) { return a.person < b.person; });
  print(session, *unknown, *mappings);
  return kDone;
}

/// "ada@example.com" (lower case) or "pagerduty/PUSER1".
Result<std::string> person_of(store::Store& store, const std::string& text) {
  if (const auto slash = text.find('/'); slash != std::string::npos && slash + 1 < text.size()) {
    auto connection = store.connections().get(text.substr(0, slash));
    if (!connection) return connection.error();
    return text;
  }
  if (text.find('@') != std::string::npos) return fold_name(text);
  return fail(ErrorKind::invalid,
              "person \"{}\": write an e-mail address, or CONNECTION/ID with the id in the scheduling system",
              text);
}

void tell(Session& session, const std::string& person, const std::optional<UserId>& user) {
  if (session.json()) {
    json::Writer w;
    w.begin_object().field("person", person);
    w.field("member", user ? std::optional(user->value) : std::nullopt).end_object();
    return session.print_json(w.take());
  }
  session.io().out << printable(user ? fmt::format("{} is {} in Slack\n", person, *user)
                                     : fmt::format("{} is not mapped any more\n", person));
}

Result<int> map(Session& session, const Invocation& in) {
  auto store = session.store();
  if (!store) return store.error();
  if (auto allowed = session.may_do(Action::map_person, {}); !allowed) return allowed.error();
  auto person = person_of(**store, in.argument("PERSON"));
  if (!person) return person.error();
  UserId user(in.argument("MEMBER"));
  if (!in.has("no-verify")) {
    Workspace workspace(session);
    auto found = workspace.person(user.value);
    if (!found) return found.error();
    user = found->id;
  } else if (user.value.find('@') != std::string::npos) {
    return fail(ErrorKind::invalid, "--no-verify: an e-mail address has to be looked up; give the id (U…)");
  }
  auto mapped = (*store)->people().map({*person, user, session.now(), session.actor()}, session.actor());
  if (!mapped) return mapped.error();
  tell(session, *person, user);
  return kDone;
}

Result<int> unmap(Session& session, const Invocation& in) {
  auto store = session.store();
  if (!store) return store.error();
  if (auto allowed = session.may_do(Action::map_person, {}); !allowed) return allowed.error();
  const auto text = in.argument("PERSON");
  const auto person = text.find('/') == std::string::npos ? fold_name(text) : text;
  if (auto gone = (*store)->people().unmap(person, session.actor()); !gone) return gone.error();
  tell(session, person, std::nullopt);
  return kDone;
}

}  // namespace

std::vector<Command> people_commands() {
  const ArgumentSpec person{"PERSON", "e-mail address, or CONNECTION/ID with the scheduling system's own id"};
  return {
      {"people list",
       "List people on call whom Slack does not know, and the fix",
       "People are found in Slack by their e-mail address, unless they are mapped. Mappings are listed too.",
       {},
       {},
       {"people list"},
       list_people},
      {"people map",
       "Say which Slack user a person on call is",
       "A mapping goes before the e-mail address. The Slack user is checked: deactivated people, bots and "
       "guests "
       "cannot be in a group.",
       {person, {"MEMBER", "the Slack user: id (U…) or e-mail address"}},
       {{"no-verify", "", "do not ask Slack whether the user exists"}},
       {"people map ada@example.com U0ADA", "people map pd/PUSER1 ada@corp.example.com"},
       map},
      {"people unmap",
       "Forget a mapping",
       "The person is found by e-mail address again.",
       {person},
       {},
       {"people unmap ada@example.com"},
       unmap},
  };
}

}  // namespace watchbill::cli
