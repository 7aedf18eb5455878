// watchbill people list|map|unmap

#include "control/people.hpp"

#include <algorithm>
#include <ostream>

#include "cli/commands/commands.hpp"
#include "cli/commands/overview.hpp"
#include "cli/terminal/table.hpp"

namespace watchbill::cli {

namespace {

std::string fix_of(const Responder& responder) {
  return fmt::format("watchbill people map {} U…", control::handle_of(responder));
}

void print(Session& session, const std::vector<control::UnmatchedPerson>& unknown,
           const std::vector<store::Mapping>& mappings) {
  if (session.json()) {
    json::Writer w;
    w.begin_object().key("unmatched").begin_array();
    for (const auto& [who, why, since] : unknown) {
      w.begin_object()
          .field("person", control::handle_of(who))
          .field("name", who.name)
          .field("email", who.email);
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
    table.add({mapping.person, fmt::format("{} ({})", control::name_or_id(names, mapping.user), mapping.user),
               format_rfc3339(mapping.at), mapping.by});
  }
  out << "\n" << table.render(session.io().width);
}

Result<int> list_people(Session& session, const Invocation& /*in*/) {
  auto store = session.store();
  if (!store) return store.error();
  auto mappings = (*store)->people().mappings();
  if (!mappings) return mappings.error();
  auto unknown = control::unmatched_people(**store);
  if (!unknown) return unknown.error();
  std::sort(mappings->begin(), mappings->end(),
            [](const store::Mapping& a, const store::Mapping& b) { return a.person < b.person; });
  print(session, *unknown, *mappings);
  return kDone;
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
  auto context = session.context();
  if (!context) return context.error();
  control::Workspace workspace(**context);
  auto mapped = session.run(control::map_person(workspace, session.caller(), in.argument("PERSON"),
                                                in.argument("MEMBER"), {!in.has("no-verify")}));
  if (!mapped) return mapped.error();
  tell(session, mapped->person, mapped->user);
  return kDone;
}

Result<int> unmap(Session& session, const Invocation& in) {
  auto context = session.context();
  if (!context) return context.error();
  auto person = session.run(control::unmap_person(**context, session.caller(), in.argument("PERSON")));
  if (!person) return person.error();
  tell(session, *person, std::nullopt);
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
