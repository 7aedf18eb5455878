#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "json/json.hpp"
#include "net/event_loop.hpp"
#include "sandbox/front.hpp"
#include "sandbox/world.hpp"

/// The control vocabulary: one JSON object with "do" goes in, one JSON object comes out ({"ok":true, ...}).
/// The same objects, written in YAML, make up a scenario.
///
/// Common fields. `system`: slack, pagerduty, identity (PagerDuty's OAuth), opsgenie, xmatters; faults also
/// all. A moment is RFC 3339 text, or a number of seconds from now (negative: ago). `person` and `people` are
/// keys ("ada"). An unknown field, person, schedule or kind is refused. Naming something that exists changes
/// only the fields that are given.
///
/// People and Slack
///   {"do":"person","key":"ada","name":"Ada Example","email":"ada@example.com"|null,
///      "slack":{"id","handle","email","deleted","guest":"multi"|"single"|false,"stranger","bot","admin",
///               "owner"}|false,
///      "pagerduty"|"opsgenie"|"xmatters":{"id","name","email","login","deleted","devices_forbidden"}|false}
///        A new person is in Slack and in all three systems unless one is false. Default ids: U0ADA, PUADA,
///        UUIDs. false removes him there.
///   {"do":"remove","person":"ada"}
///   {"do":"channel","name":"payments","id","private","archived","people":[...],"bot":true}       C0PAYMENTS
///   {"do":"group","handle":"payments-oncall","id","name","description","people":[...],"disabled",
///      "auto_type":"admin"|null,"idp","membership_locked","editing_restricted","external",
///      "default_channels":["payments"],"by":"ada"}             S0PAYMENTSONCALL; as if a human did it in
///      Slack
///   {"do":"message","channel":"payments","person":"ada","text":"hi"}
///   {"do":"token","token":"xoxb-...","kind":"bot"|"user"|"app","person","scopes":[...],"add":[...],
///      "drop":[...],"error":"token_revoked"|null}
///   {"do":"slack","admins_only","paid","refuse_disabled","disabled_error","max_group_members",
///      "list_share":0.5,"stale_seconds":20}
///        list_share: usergroups.list leaves out all but this share of the groups. stale_seconds: it answers
///        as of so long ago (the last 64 changes of each group are known; 0 ends it).
///
/// The Slack app, as people see it
///   {"do":"app","id":"A0SANDBOX","home_enabled":true,"commands":["/oncall"]}
///   {"do":"home","person":"ada"}     {"home":SHOWN|null}: what was published for him
///   {"do":"modals","person"}         {"modals":[SHOWN,...]}: his stack, the lowest first
///        SHOWN is {"view":{... as Slack sends it, with `state`},"errors":{"block_id":"text"},
///        "trouble":null|"text"}: errors stand at their blocks, trouble is what Slack itself says
///   {"do":"ephemerals","person","channel":"payments"}    {"messages":[{"ts","channel","text","blocks"}]}
///   {"do":"trigger","person"}        {"trigger_id"}: as if he had clicked something just now
///
/// Schedules
///   {"do":"schedule","system":"pagerduty","id":"PSCHED1","name","kind":"layer"|"v3",
///      "escalation_policies":2,"enabled","forbidden","group_type","parts":[PART...], or one PART's fields}
///        A PART (rotation, or xMatters shift) is {"name","id","delays":[0,15]} and either a rule
///          "people":["ada",["bo","cy"],null],"shift_seconds":20,"start":MOMENT,"count":400
///        (turns one after another, null: nobody, []: a shift with an empty_member; after `count` turns from
///        now the last one never ends; default: endless for turns of an hour and longer, else 400) or
///          "shifts":[{"start","end":MOMENT|null,"people":["ada"]|"person":"ada"|"empty_member":true}]
///        Besides people a turn may name "schedule:ID", "team:ID", "escalation:ID" (Opsgenie), "group:ID" and
///        "device:KEY" (xMatters: the person by a device). xMatters takes the people of one turn as a roster,
///        `delays` are the minutes before each. A layer-based schedule has one person at a time.
///   {"do":"delete","system","id"}
///   {"do":"override","system","schedule","person"|"people","of","start","end"|"seconds","part","id"}
///        -> {"id"}; `of`: only this member's place is taken (default: everybody's). xMatters shows it as an
///        absence with a replacement; there it fills no gap
///   {"do":"nobody","system","schedule","of","start","end"|"seconds","part"}      xMatters: a vacancy
///   {"do":"end_shift","system","schedule"}                                  the next shift begins now
///   {"do":"cancel_override","system","schedule","id"}
///   {"do":"team","id","name","people":[...]}    {"do":"escalation","id","name","steps":[{"who","delay"}]}
///   {"do":"forward","from":"ada","to":"bo","start","end"|"seconds"}         Opsgenie
///   {"do":"pagerduty","api_key","client_id","client_secret","subdomain","region","token_seconds",
///      "v3_in_oncalls","direct_targets":[...],"expire_tokens":true,"refresh_token":"..."}
///        expire_tokens: every access token given so far is dead; refresh_token: one more that lives
///   {"do":"opsgenie","api_key","team_key"}
///   {"do":"xmatters","api_key","api_secret","unknown_group_is_404","absences_as_replacements",
///      "idle_groups_listed"}
///   {"do":"lag","system","ms"}  answers as of so long ago: changes by override in that time are not seen,
///   and
///        boundaries in it have not happened yet (they appear that much later); 0 ends it
///
/// Faults and limits
///   {"do":"fault","system","kind","match","with","group","times":3,"seconds":10,"after":true,"slow_ms":500,
///      "retry_after":7,"bare":true,"code":"permission_denied","mb":50}
///        kinds: 429 401 403 404 500 502 503 504 401_html html empty truncated wrong_types huge slow hang
///        reset error (Slack: HTTP 200 with `code`). match: part of "GET /path?query" or of the Slack method;
///        with, group: part of what was sent. times: so often, seconds: so long; else until cleared. `slow`
///        and what spoils an answer let the request take effect; the others only with after.
///   {"do":"clear_faults","system"}
///   {"do":"rate","off":true|false,"scale":60}    scale 60: as many calls in a second as else in a minute
///   {"do":"skew","system","seconds":40}          of the Date header
///
/// Reading
///   {"do":"state","only":["groups",...]}         users, groups, channels (with messages), people, schedules
///   {"do":"messages","channel":"payments"}       {"messages":[{"ts","user","text","blocks","metadata"}]}
///   {"do":"on_call","system","id"}               {"schedules":[{"system","id","name","people","emails",
///                                                "slack","next_boundary"}]}: who truly is, reached first
///   {"do":"log","since":0,"system","match"}      {"entries":[{"seq","at","system","method","path","status",
///                                                "error","fault","took_ms"}],"last","counters":[...]}
///   {"do":"faults"}                              those that still wait
///
/// Worlds
///   {"do":"bulk","groups":500,"people":2000,"schedules":{"pagerduty":1000,"opsgenie":0,"xmatters":0},
///      "people_per_schedule":3,"shift_seconds":3600,"boundary_at":MOMENT,"channels":10}
///        groups S00000 "g0000" with one member each, people "u0000", schedules "P0000", "O0000", "X0000",
///        channels "c0000" with the bot in them; all schedules hand off at boundary_at
///   {"do":"reset","empty":true}                  back to the scenario, or to an empty workspace
namespace watchbill::sandbox {

struct Desk {
  net::EventLoop& loop;
  World& world;
  Front& front;
  /// Puts the world back; true: an empty one.
  std::function<Result<void>(bool)> reset;
};

/// Carries out one action.
Result<std::string> control(Desk& desk, std::string_view action_json);
Result<std::string> control(Desk& desk, json::View action);

/// Plays a scenario's parts `people`, `channels`, `groups`, `schedules`, `do` at once; `later` gets those of
/// `at` with their delay and JSON. An empty text is the demo world. Errors name the line.
Result<void> play_scenario(Desk& desk, const std::string& yaml,
                           const std::function<void(milliseconds, std::string)>& later);

}  // namespace watchbill::sandbox
