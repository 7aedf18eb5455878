#include "daemon/status_page.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include "net/html.hpp"
#include "net/http.hpp"

namespace watchbill::daemon {

namespace {

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--line:#d8dce3;--dim:#5b6472;--page:#fff;--row:#f6f7f9;
--good:#136f43;--bad:#b3261e;--mid:#8a5300;--ink:#1a1d23}
@media(prefers-color-scheme:dark){:root{--line:#353b46;--dim:#9aa4b2;--page:#15181d;--row:#1c2027;
--good:#5fd39a;--bad:#ff8f86;--mid:#f0b35c;--ink:#e6e9ee}}
body{margin:0 auto;max-width:75rem;padding:1.5rem;background:var(--page);color:var(--ink);
font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.3rem;margin:0}h2{font-size:1rem;margin:2rem 0 .5rem}
.verdict{font-size:1.1rem;margin:.25rem 0 1rem;font-weight:600}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:.5rem;margin:0}
dl div{border:1px solid var(--line);border-radius:6px;padding:.6rem .8rem}dt{color:var(--dim);font-size:.85rem}
dd{margin:0;font-variant-numeric:tabular-nums}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}
th{color:var(--dim);font-size:.85rem;font-weight:500;white-space:nowrap}
th,td{border-bottom:1px solid var(--line);padding:.4rem .8rem .4rem 0;text-align:left;vertical-align:top}
td{min-width:6.5rem;overflow-wrap:anywhere}.state,.line{white-space:nowrap}.state{min-width:0;font-weight:600}
tbody tr:hover{background:var(--row)}.good{color:var(--good)}.bad{color:var(--bad)}.mid{color:var(--mid)}
.note,footer{color:var(--dim);font-size:.85rem}
ul{margin:0;padding-left:1.2rem}footer{margin-top:2.5rem}
)";

/// The order in which somebody should look, and the colour.
struct Look {
  std::string_view state;
  std::string_view colour;
  std::string_view says;
};
constexpr std::array kLooks{
    Look{"error", "bad", "needs somebody"},  Look{"stale", "bad", "source is silent"},
    Look{"pending", "mid", "being written"}, Look{"observing", "mid", "observed only"},
    Look{"paused", "mid", "paused"},         Look{"in_sync", "good", "right"}};

std::size_t rank_of(const std::string& state) {
  for (std::size_t i = 0; i < kLooks.size(); ++i) {
    if (kLooks[i].state == state) return i;
  }
  return 0;
}

std::string ago(std::optional<Instant> then, Instant now) {
  if (!then) return "never";
  const auto past = std::chrono::duration_cast<seconds>(now - *then);
  return past <= 0s ? "now" : format_duration(past) + " ago";
}

std::string fact(std::string_view what, const std::string& value, std::string_view colour = "") {
  return fmt::format("<div><dt>{}</dt><dd class=\"{}\">{}</dd></div>\n", what, colour, net::html_text(value));
}

std::string lag_text(const engine::EngineFigures& figures) {
  const auto& counts = figures.lag_counts;
  const auto all = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  if (all == 0) return "no handoff since the start";
  std::uint64_t soon = 0;
  for (std::size_t i = 0; i < engine::kLagBounds.size() && engine::kLagBounds[i] <= 1s; ++i)
    soon += counts[i];
  return fmt::format("{} of {} within 1 s", soon, all);
}

std::string facts_list(const StatusFacts& facts) {
  const auto& overview = facts.overview;
  const auto& figures = facts.figures;
  std::string out = "<dl>\n";
  out += fact("Last complete pass", ago(overview.last_pass, facts.now));
  out += fact("Slack", figures.slack_usable ? "answers" : "does not answer",
              figures.slack_usable ? "good" : "bad");
  out += fact("Group writes queued", overview.queued_writes == 0
                                         ? "none"
                                         : fmt::format("{}, done in about {}", overview.queued_writes,
                                                       format_duration(overview.queue_done_in)));
  out += fact("Handoff to group write", lag_text(figures));
  out += fact("Announcements waiting", overview.outbox_pending == 0
                                           ? "none"
                                           : fmt::format("{}, the oldest for {}", overview.outbox_pending,
                                                         format_duration(overview.outbox_oldest)));
  if (const auto& app = overview.slack_app)
    out += fact("App home in Slack", app->state, app->state == "down" ? "bad" : "");
  if (!figures.store_usable) out += fact("Database", "cannot be written", "bad");
  return out + "</dl>\n";
}

std::string rotation_row(const StatusFacts& facts, const control::RotationView& view, seconds wrong_for) {
  const auto& look = kLooks[rank_of(view.state)];
  return fmt::format(
      "<tr><td class=\"state {}\">{}{}</td><td>{}</td><td class=\"line\">@{}</td><td>{}</td><td>{}</td>"
      "<td class=\"line\">{}</td></tr>\n",
      look.colour, look.says, wrong_for > 0s ? " for " + format_duration(wrong_for) : "",
      net::html_text(view.rotation.name), net::html_text(view.rotation.handle),
      net::html_text(on_call_names(view.on_call, view.unknown)),
      net::html_text(control::names_of(facts.names, view.members)),
      view.next_boundary ? format_minutes(*view.next_boundary) : "not known");
}

std::string table_of(std::string_view label, std::initializer_list<std::string_view> columns,
                     const std::string& rows) {
  std::string head;
  for (const auto column : columns) head += fmt::format("<th scope=\"col\">{}</th>", column);
  return fmt::format(
      "<h2>{}</h2>\n<div class=\"wide\"><table><thead><tr>{}</tr></thead><tbody>\n{}</tbody></table></div>\n",
      label, head, rows);
}

std::string rotations_table(const StatusFacts& facts) {
  const auto& rotations = facts.overview.rotations;
  if (rotations.empty())
    return "<h2>Rotations</h2>\n<p>None yet: <code>watchbill setup</code> makes the first one.</p>\n";
  std::map<std::string_view, seconds> wrong;
  for (const auto& rotation : facts.figures.rotations) wrong[rotation.name] = rotation.out_of_sync;
  std::vector<const control::RotationView*> order;
  order.reserve(rotations.size());
  for (const auto& view : rotations) order.push_back(&view);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto* a, const auto* b) { return rank_of(a->state) < rank_of(b->state); });
  std::string rows;
  for (std::size_t i = 0; i < std::min(order.size(), kMaxStatusRows); ++i)
    rows += rotation_row(facts, *order[i], wrong[order[i]->rotation.name]);
  auto out = table_of("Rotations",
                      {"Group is", "Rotation", "Group", "On call", "In the group", "Next change"}, rows);
  if (order.size() > kMaxStatusRows)
    out += fmt::format("<p class=\"note\">and {} more: <code>watchbill status</code> has them all</p>\n",
                       order.size() - kMaxStatusRows);
  return out;
}

/// What a connection's state is called, and its colour.
std::pair<std::string, std::string_view> connection_look(const store::ConnectionStatus& status) {
  if (status.state != "ok") return {net::html_text(status.state), "bad"};
  if (!status.last_success) return {"not asked yet", "mid"};
  return {"answers", "good"};
}

std::string connections_table(const StatusFacts& facts) {
  if (facts.overview.connections.empty()) return "";
  std::string rows;
  for (const auto& [name, kind, status] : facts.overview.connections) {
    const auto [state, colour] = connection_look(status);
    rows += fmt::format(
        "<tr><td class=\"state {}\">{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n", colour,
        state, net::html_text(name), net::html_text(kind), ago(status.last_success, facts.now),
        status.interval > 0s ? format_duration(status.interval) : "not known");
  }
  return table_of("Scheduling systems", {"State", "Connection", "Kind", "Last good answer", "Asked every"},
                  rows);
}

std::string problems_list(const StatusFacts& facts) {
  std::string items;
  std::size_t count = 0;
  const auto add = [&](const std::string& whose, const std::string& text) {
    if (++count <= kMaxStatusRows)
      items += fmt::format("<li><b>{}</b>: {}</li>\n", net::html_text(whose), net::html_text(text));
  };
  if (facts.overview.clock_problem) add("clock", *facts.overview.clock_problem);
  for (const auto& view : facts.overview.rotations) {
    for (const auto& problem : view.problems) add(view.rotation.name, problem);
  }
  for (const auto& [name, kind, status] : facts.overview.connections) {
    if (status.problem) add("connection " + name, *status.problem);
  }
  // Without its token there is no app home: a choice, and no problem.
  if (const auto& app = facts.overview.slack_app; app && app->problem && app->state != "off")
    add("app home", *app->problem);
  if (items.empty()) return "";
  return fmt::format("<h2>What is wrong, and what to do</h2>\n<ul>\n{}</ul>\n", items);
}

std::string verdict(const StatusFacts& facts) {
  std::size_t wrong = 0;
  for (const auto& view : facts.overview.rotations) wrong += rank_of(view.state) < 2 ? 1U : 0U;
  const auto all = facts.overview.rotations.size();
  if (!facts.figures.slack_usable)
    return "<p class=\"verdict bad\">Slack does not answer: groups stay as they are.</p>\n";
  if (wrong > 0)
    return fmt::format("<p class=\"verdict bad\">{} of {} rotations need a look.</p>\n", wrong, all);
  if (all == 0) return "<p class=\"verdict\">Nothing to keep yet.</p>\n";
  return "<p class=\"verdict good\">All is well.</p>\n";
}

}  // namespace

std::string status_page(const StatusFacts& facts) {
  std::string out = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Watchbill</title>\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
      "<meta http-equiv=\"refresh\" content=\"15\"><style>{}</style></head><body>\n<h1>Watchbill</h1>\n",
      kStyle);
  out += verdict(facts) + facts_list(facts) + problems_list(facts) + rotations_table(facts) +
         connections_table(facts);
  return out +
         fmt::format("<footer>watchbilld {}, as of {}; this page reloads itself</footer>\n</body></html>\n",
                     net::html_text(facts.version), format_rfc3339(facts.now));
}

std::string status_page_policy() {
  return "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
         "frame-ancestors 'none'";
}

bool may_see_status(std::string_view host, const std::string& public_url) {
  const auto named = net::parse_url(fmt::format("http://{}", host));
  if (!named) return false;
  if (named->loopback()) return true;
  const auto ours = net::parse_url(public_url);
  return ours && ours->host == named->host;
}

}  // namespace watchbill::daemon
