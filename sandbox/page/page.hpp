#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "net/http_server.hpp"
#include "sandbox/control/control.hpp"

/// The web page's server: the files of sandbox/page/ (embedded in the program), and what happens in the world
/// as server-sent events.
///
///   GET /            the page in one piece (sandbox/page/document.hpp); its Content-Security-Policy allows
///                    nothing from elsewhere. GET /NAME: its pictures
///   POST /_control   the control vocabulary (sandbox/control/control.hpp). A page of another origin is
///   refused GET /_events     text/event-stream. At first everything there is, what is seen at first before
///   `ready`;
///                    then what changes, at once and at most every 40 ms. After a reconnect everything comes
///                    again
///
/// Each event has a name and one line of JSON. Rows are replaced as a whole by their id. "reset":true (at
/// first, and after a reset of the world): forget what you had under this name. Lists may be missing: nothing
/// changed in them. SHOWN and the fields of log entries are those of sandbox/control/control.hpp.
///
///   hello       {"team":{"id","name"},"bot":"U0BOT","app":{"id","commands":["/oncall"],"home_enabled"},
///                "addresses":{"slack_api","pagerduty","identity","opsgenie","jsm","xmatters","control"},
///                "daemon":true|false: a watchbilld belongs to this sandbox}
///   time        {"now":"2026-11-22T09:00:00.000Z","speed":1}: at first, when the clock is
///               touched, and every 10 s
///   users       {"users":[{"id","key","handle","name","email","deleted","kind":"owner"|"admin"|"member"|
///                "guest"|"stranger"|"bot","assignable"}],"gone":["U0BO"]}
///   groups      {"groups":[{"id","handle","name","description","users":["U0ADA"],"disabled","editable",
///                "updated_by","changes":7}],"gone"}
///   channels
///   {"channels":[{"id","name","private","archived","direct","members":["U0ADA"],"count":12}],"gone"}
///   messages    {"channel":"C0PAYMENTS","messages":[{"ts","user","text","thread_ts","blocks","metadata"}],
///               "more":4800}:
///               new ones, the oldest first. "replace":true: these are the channel's last ones, something
///               before was changed or deleted. `more`: how many older ones there are
///               ({"do":"messages","channel","before":TS,"limit":200} gets them)
///   ephemerals  {"messages":[{"user","channel","ts","text","blocks"}]}: seen by `user` alone; with "replace"
///               all that are left
///   surface     {"person":"U0ADA","revision":7,"home":SHOWN|null,"modals":[SHOWN]}: what one person sees of
///               the app
///   people {"systems":{"pagerduty":[{"id","key","name","email","deleted"}],"opsgenie","jsm","xmatters"}}
///   schedules   {"schedules":[{"ref":"pagerduty/PSCHED1","system","id","name","kind","on_call":["ada"],
///                "slack":["U0ADA"],"next_boundary":MOMENT|null,"people":["ada","bo"],"from","to",
///                "shifts":[{"start","end":MOMENT|null,"people":["ada"],"source":"rotation"|"override","part"}],
///                "overrides":[{"id","start","end","people"}]}],"gone":["pagerduty/PSCHED1"],"more":940}.
///               The first 60; a row comes again when its people change and when its window moves on
///   handoffs    {"handoffs":[{"group","at","by","before":["U0ADA"],"after":["U0BO"],
///                "schedule":"pagerduty/PSCHED1"|null,"boundary":MOMENT|null,"lag_ms":412|null}]}: changes of
///               groups, and which boundary they follow (a guess from who is in the group)
///   requests    {"entries":[...],"skipped":0}: the request log; at first the last 200
///   deliveries  {"deliveries":[...],"skipped":0}: what the app was told
///   transport   {"mode","url","enabled","connections":[...]}
///   faults      {"faults":[...],"rate":{"off","scale"},"lag":{"pagerduty":0,...}}
///   daemon      {"state":"starting"|"running"|"stopped","pid":4711|null,"since":MOMENT|null,"starts":2,
///                "status":{...}|null}: `status` as `watchbill status --format json` tells it
///   ready       {}: all that is seen at first has come. People, transport, requests and deliveries follow
namespace watchbill::sandbox {

/// A file of the page.
struct PageAsset {
  std::string_view path;  ///< "/index.html"
  std::string_view type;
  std::string_view content;
};
/// A picture of the page; null if there is none of that path.
const PageAsset* page_picture(std::string_view path);
/// Headers that every answer of the page carries.
net::Headers page_headers(std::string_view type, std::string_view policy = "default-src 'none'");

class PageEvents {
 public:
  explicit PageEvents(Desk& desk);
  ~PageEvents();
  PageEvents(const PageEvents&) = delete;
  PageEvents& operator=(const PageEvents&) = delete;

  /// A new listener.
  std::shared_ptr<net::BodyStream> connect();

 private:
  struct State;
  static net::Task<void> follow(PageEvents& self);
  void tell_what_changed();
  void tell_time();
  void arm();

  Desk& desk_;
  std::unique_ptr<State> state_;
  std::list<std::shared_ptr<net::BodyStream>> listeners_;
  net::Timer due_;
  net::Timer time_;
  net::TaskScope tasks_;
};

}  // namespace watchbill::sandbox
