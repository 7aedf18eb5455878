#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "net/event_loop.hpp"
#include "sandbox/clock.hpp"
#include "sandbox/front.hpp"
#include "sandbox/own_daemon.hpp"
#include "sandbox/servers.hpp"
#include "sandbox/slack/app_link.hpp"
#include "sandbox/world.hpp"

/// The control vocabulary: one JSON object with "do" goes in, one JSON object comes out ({"ok":true, ...}).
/// The same objects, written in YAML, make up a scenario.
///
/// Common fields. `system`: slack, pagerduty, identity (PagerDuty's OAuth), opsgenie, jsm, xmatters; faults
/// also all. A moment is RFC 3339 text, or a number of seconds from now (negative: ago). `person` and
/// `people` are keys ("ada"). An unknown field, person, schedule or kind is refused. Naming something that
/// exists changes only the fields that are given.
///
/// People and Slack
///   {"do":"person","key":"ada","name":"Ada Example","email":"ada@example.com"|null,
///      "slack":{"id","handle","email","deleted","guest":"multi"|"single"|false,"stranger","bot","admin",
///               "owner"}|false,
///      "pagerduty"|"opsgenie"|"jsm"|"xmatters":{"id","name","email","login","deleted","devices_forbidden",
///               "email_hidden"}|false}
///        A new person is in Slack and in all systems unless one is false; in JSM if in Opsgenie. Default
///        ids: U0ADA, PUADA, UUIDs (JSM: "712020:UUID"). false removes him there. email_hidden: Jira shows
///        nobody the address.
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
///      "list_share":0.5,"stale_seconds":20,"left_out":["cy"],"other_ids":["bo"],"says_already":true}
///        left_out, other_ids: usergroups.users.update says ok and leaves these people out, or shows them
///        under another id (W0BO). says_already: what is enabled (disabled) is refused as already_enabled.
///        list_share: usergroups.list leaves out all but this share of the groups. stale_seconds: it answers
///        as of so long ago (the last 64 changes of each group are known; 0 ends it).
///
/// The Slack app, as people see it
///   {"do":"app","id":"A0SANDBOX","home_enabled":true,"commands":["/oncall"],"events":["user_change"]}
///        events: what Slack sends by itself when people and groups change: user_change, team_join,
///        subteam_created, subteam_updated, subteam_members_changed (none, unless it is named here)
///   {"do":"home","person":"ada"}     {"home":SHOWN|null}: what was published for him
///   {"do":"modals","person"}         {"modals":[SHOWN,...]}: his stack, the lowest first
///        SHOWN is {"view":{... as Slack sends it, with `state`},"errors":{"block_id":"text"},
///        "trouble":null|"text","loading":false}: errors stand at their blocks, trouble is what Slack itself
///        says, loading: it is submitted and not answered yet
///   {"do":"ephemerals","person","channel":"payments"}    {"messages":[{"ts","channel","text","blocks"}]}
///   {"do":"trigger","person"}        {"trigger_id"}: as if he had clicked something just now
///   {"do":"wait","person","since":7,"seconds":3}   {"changed","revision"}: until what he sees of the app
///        (home, modals, ephemeral messages) has another revision than `since`
///
/// Acting as a person. These wait for the app: over HTTP, or by Sandbox::act. Every answer has "sent" (false:
/// Slack's client kept it to itself), "acked" (within 3 s), "ack_ms" and "shown": null, or what Slack shows
/// instead of an answer ("operation_timeout", ...).
///   {"do":"open_home","person","tab":"home"}    app_home_opened is on its way; {"home":SHOWN|null}: as it
///   was
///   {"do":"act","person","view":ID|"home","block_id","action_id","value"|"values","confirmed","forged"}
///        Clicks, chooses, or types and presses Enter: the value is kept in the view and told by
///        block_actions if the element tells. Without `view`: the modal on top, else the home tab; with
///        "channel" and "ts": a message. `value` of a menu is its option's value, of a users or channels menu
///        a key, name or id, of a datetimepicker a number, null clears; `values` for menus of several and
///        checkboxes. An external menu takes what "suggest" has shown. A confirm dialog comes back as
///        {"sent":false,"confirm":{...}} until "confirmed":true. "forged":true sends what no honest client
///        can: any ids, any view, "type" (default button) and a raw "value"
///   {"do":"fill", same fields}       keeps the value in the view and tells nobody, as typing does
///   {"do":"suggest","person","view","block_id","action_id","value":"typed"}
///        {"options":[...]} or {"option_groups":[...]}, and "complaints" if Slack refuses the answer; below
///        min_query_length nothing is asked
///   {"do":"submit","person","view"}
///   {"result":"closed"|"cleared"|"errors"|"updated"|"pushed"|"failed"|"gone",
///        "errors":{"block_id":"text"},"complaints":[...],"modals":[SHOWN,...]}. Empty required fields are
///        found before anything is sent. failed: late, unreadable or refused by Slack, see complaints
///   {"do":"close","person","view","all":true}   Cancel, or the cross (all)
///   {"do":"command","person","channel","command":"/oncall","text":"next payments","escape":true,"seconds":3}
///        {"messages":[...]}: the ephemeral answers, also those that come to the response_url within
///        `seconds`. escape: @ada, #payments and @payments-oncall become mentions
///   {"do":"shortcut","person","callback_id"}    a global one
///
/// The way from Slack to the app
///   {"do":"transport","mode":"socket"|"http","url","actions_url","options_url","commands_url",
///      "signature":"good"|"wrong"|"none","skew_seconds":-301,"patience_seconds":3,"retry_seconds":[0,60,300]}
///        HTTP: `url` takes everything that has no URL of its own. Kept over "reset". Answers as "socket"
///        does
///   {"do":"verify_url"}              url_verification to `url`: {"verified","trouble"}
///   {"do":"socket","action","connection":1,"seconds"}    {"enabled","connections":[{"id","opened","leaving",
///        "closing","silent","sent","acked"}]}. Actions, to all connections or to one: warning,
///        refresh_requested, link_disabled (and nobody gets in until "enable"), too_many_websockets: told,
///        and closed after `seconds` (10 for warning, else 1); close; drop; reset; silent (half-open); ping
///   {"do":"event","event":{"type":"subteam_updated",...},"event_id"}     the same event_id again: a
///   duplicate
///   {"do":"deliveries","since":0,"type":"view_submission"}   {"last","deliveries":[{"seq","at","transport",
///        "envelope","type","id","connection","retry","status","ack_ms","trouble"}],"strange":[...]}. ack_ms
///        is null until the app answers, and may be too late; strange: frames that acknowledge nothing
///
/// Schedules
///   {"do":"schedule","system":"pagerduty","id":"PSCHED1","name","kind":"layer"|"v3",
///      "escalation_policies":2,"enabled","forbidden","group_type","parts":[PART...], or one PART's fields}
///        A PART (rotation, or xMatters shift) is {"name","id","delays":[0,15],"deleted":true} and either a
///        rule
///          "people":["ada",["bo","cy"],null],"shift_seconds":20,"start":MOMENT,"count":400
///        (turns one after another, null: nobody, []: a shift with an empty_member; after `count` turns from
///        now the last one never ends; default: endless for turns of an hour and longer, else 400) or
///          "daily":{"at":"09:00","time_zone":"Europe/Berlin"},"people":[...], or
///          "weekly":{"day":"mon","at":"09:00","time_zone":"Europe/Berlin"},"people":[...], or
///          "follow_the_sun":[{"at":"08:00","time_zone":"Asia/Tokyo","people":["ada","bo"]},...]
///        (turns by the clock on the wall, also when it is changed; the first is that of the day of `start`,
///        by default today; each site of the sun takes over at its time), or
///          "shifts":[{"start","end":MOMENT|null,"people":["ada"]|"person":"ada"|"empty_member":true}]
///        Besides people a turn may name "schedule:ID" (Opsgenie), "team:ID", "escalation:ID" (Opsgenie,
///        JSM), "group:ID" and "device:KEY" (xMatters: the person by a device). xMatters takes the people of
///        one turn as a roster, `delays` are the minutes before each. A layer-based schedule has one person
///        at a time.
///   {"do":"delete","system","id"}
///   {"do":"override","system","schedule","person"|"people","of","start","end"|"seconds","part","id"}
///        -> {"id"}; `of`: only this member's place is taken (default: everybody's). xMatters shows it as an
///        absence with a replacement; there it fills no gap
///   {"do":"nobody","system","schedule","of","start","end"|"seconds","part"}      xMatters: a vacancy
///   {"do":"end_shift","system","schedule"}                                  the next shift begins now
///   {"do":"cancel_override","system","schedule","id"}
///   {"do":"team","id","name","people":[...]}    {"do":"escalation","id","name","steps":[{"who","delay"}]}
///   {"do":"forward","system":"opsgenie"|"jsm","from":"ada","to":"bo","start","end"|"seconds"}
///   {"do":"pagerduty","api_key","client_id","client_secret","subdomain","region","token_seconds",
///      "v3_in_oncalls","direct_targets":[...],"expire_tokens":true,"refresh_token":"..."}
///        expire_tokens: every access token given so far is dead; refresh_token: one more that lives
///        Consent in the browser (GET /oauth/authorize, then POST /oauth/consent with request, person and
///        decision accept or deny): {"do":"pagerduty","redirect_uris":["https://...","http://127.0.0.1:*"],
///        "code_seconds":30,"withheld_scopes":["users.read"],"echo_state":true}; region "eu" shows in `aud`
///   {"do":"opsgenie","api_key","team_key"}
///   {"do":"jsm","site","cloud_id","email","api_token","hidden_is_404","absolute_links","limit_headers",
///      "calls_a_minute":400,"jira_forbidden","users_a_page":20}
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
///   {"do":"messages","channel":"payments","before":TS,"limit":200}
///   {"more":4800,"messages":[{"ts","user","text","thread_ts","blocks","metadata"}]}
///   {"do":"on_call","system","id"}               {"schedules":[{"system","id","name","people","emails",
///                                                "slack","next_boundary"}]}: who truly is, reached first
///   {"do":"log","since":0,"system","match"}      {"entries":[{"seq","at","system","method","path","status",
///                                                "error","fault","took_ms"}],"last","counters":[...]}
///   {"do":"faults"}                              those that still wait
///
/// The daemon of `watchbill sandbox`
///   {"do":"daemon","action":"kill"|"stop"|"start","mode":"socket"|"http"}    kill is kill -9
///   {"do":"storm","groups":40}   {"groups":[{"group":ID,"after":["U0ADA"]}],"at":MOMENT}: so many groups
///        "storm-01" of one schedule hand off at once; their rotations are made first if there is a daemon
///   {"do":"speed","shift_seconds":20}    the turns of all rules get this length; who is on call stays
///
/// Time
///   {"do":"clock","speed":60,"freeze":true,"set":MOMENT,"step_seconds":3600,"real":true}  {"now","speed"}
///        The world's clock: who is on call, timestamps, codes, rate limits, the scenario's `at`. What people
///        and programs wait for stays in real time: acknowledgements, triggers, response_urls, `slow`. A step
///        plays what the scenario planned on its way
///
/// Worlds
///   {"do":"bulk","groups":500,"people":2000,"schedules":{"pagerduty":1000,"opsgenie":0,"jsm":0,
///      "xmatters":0},"people_per_schedule":3,"shift_seconds":3600,"boundary_at":MOMENT,"channels":10}
///        groups S00000 "g0000" with one member each, people "u0000", schedules "P0000", "O0000", "J0000",
///        "X0000", channels "c0000" with the bot in them; all schedules hand off at boundary_at
///   {"do":"reset","empty":true}                  back to the scenario, or to an empty workspace
namespace watchbill::sandbox {

struct Desk {
  net::EventLoop& loop;
  World& world;
  Front& front;
  AppLink& link;
  /// Whenever something may have changed.
  net::Signal& changed;
  WorldClock& clock;
  WorldAgenda& agenda;
  /// Puts the world back; true: an empty one.
  std::function<Result<void>(bool)> reset{};
  /// "http://127.0.0.1:4123" of Slack's server.
  std::string slack_url{};
  /// What the page shows of the servers' addresses.
  std::vector<std::pair<std::string, std::string>> addresses{};
  /// Counts how often somebody touched the clock.
  std::uint64_t clock_touched = 0;
  /// Counts the worlds: a reset makes a new one.
  std::uint64_t epoch = 0;
  OwnDaemon* daemon = nullptr;

  /// By the clock of the sandbox's world.
  [[nodiscard]] Instant now() const { return clock.now(); }
  [[nodiscard]] Context context() const { return {world, front.rate, now(), loop.now(), &link}; }
};

/// Carries out one action at once. Those that wait for the app are refused.
Result<std::string> control(Desk& desk, std::string_view action_json);
Result<std::string> control(Desk& desk, json::View action);
/// Carries out any action. `desk` outlives the task.
net::Task<Result<std::string>> control_slowly(Desk& desk, std::string action_json);

/// Plays a scenario's parts `people`, `channels`, `groups`, `schedules`, `do` at once; `later` gets those of
/// `at` with their delay and JSON. An empty text is the demo world. Errors name the line.
/// Section `rotations` is for whoever runs a daemon.
Result<void> play_scenario(Desk& desk, const std::string& yaml,
                           const std::function<void(milliseconds, std::string)>& later);
/// The section `rotations` of a scenario that has been played: for each a name and command line options.
std::vector<std::vector<std::string>> scenario_rotations(const std::string& yaml);

}  // namespace watchbill::sandbox
