// What Watchbill did: how late each handoff was, its requests, its status; and killing it.
import { el, setText, show, timeOfDay, toast } from "./dom.js";
import { control } from "./api.js";
import { names, on, state } from "./store.js";
import { SYSTEM_NAMES, remaining } from "./systems.js";
import { WindowList } from "./window_list.js";

const ROW = 26;
const HANDOFFS_SHOWN = 60;

export function startActivity(panel) {
  /// Draws when something of `topics` changed, and only while somebody can see it.
  const whenSeen = (topics, draw) => on(`${topics} tab`, () => panel.hidden || draw());
  show(panel, daemonCard(), lagCard(whenSeen), statusCard(whenSeen), logCard(whenSeen));
}

/// Kills the daemon for real, and starts it again.
function daemonCard() {
  const words = el("span", { class: "daemon-state", role: "status" });
  const act = (action) => async () => {
    try {
      await control("daemon", { action });
    } catch (error) {
      toast(error.message, "error");
    }
  };
  const kill = el("button", { type: "button", class: "button danger", id: "daemon-kill", onclick: act("kill") }, "kill -9");
  const start = el("button", { type: "button", class: "button primary", id: "daemon-start", onclick: act("start") }, "Start again");
  on("daemon", () => {
    const daemon = state.daemon;
    setText(words, daemonWords(daemon));
    kill.disabled = !daemon || daemon.state === "stopped";
    start.disabled = daemon?.state !== "stopped";
  });
  return el("section", { class: "card", "aria-label": "The daemon" }, el("div", { class: "row" }, words, kill, start));
}

function daemonWords(daemon) {
  if (!daemon) return "No watchbilld runs here: the servers are alone.";
  if (daemon.state === "stopped") return "watchbilld is dead.";
  return daemon.state === "starting" ? "watchbilld starts…" : `watchbilld runs (pid ${daemon.pid}).`;
}

function lagText(handoff) {
  if (!handoff.ours) return "by hand";
  if (handoff.lag_ms === null || !handoff.relieved) return "–";
  return handoff.lag_ms < 10_000 ? `${(handoff.lag_ms / 1000).toFixed(2)} s` : remaining(handoff.lag_ms);
}

/// The newest handoffs, with the time from the beginning of the shift to the group.
function lagCard(whenSeen) {
  const body = el("tbody");
  const empty = el("p", { class: "empty" }, "No group has changed yet.");
  whenSeen("handoffs groups users", () => {
    empty.hidden = state.handoffs.length > 0;
    show(body, state.handoffs.slice(0, HANDOFFS_SHOWN).map((one) => el("tr", {},
      el("td", {}, timeOfDay(new Date(one.at))), el("td", { class: "ellipsis" }, `@${names.group(one.group)?.handle ?? one.group}`),
      el("td", { class: "ellipsis" }, one.added.map((id) => names.user(id)?.name ?? id).join(", ") || "–"),
      el("td", { class: "number" }, lagText(one)))));
  });
  return el("section", { class: "card", "aria-label": "Handoffs" }, el("h3", {}, "Handoffs"), empty,
    el("div", { class: "lags-box", tabindex: "0", role: "region", "aria-label": "Handoffs, newest first" }, el("table", { class: "lags" }, el("thead", {}, el("tr", {}, ["Time", "Group", "Now on call", "Lag"].map((text) => el("th", { scope: "col" }, text)))), body)));
}

function statusCard(whenSeen) {
  const text = el("pre", { class: "status-json", tabindex: "0", "aria-label": "Status as JSON" });
  const details = el("details", { class: "card" }, el("summary", {}, "watchbill status --format json"), text);
  const draw = () => {
    if (details.open) setText(text, state.daemon?.status ? JSON.stringify(state.daemon.status, null, 2) : "No status: watchbilld does not run.");
  };
  details.addEventListener("toggle", draw);
  whenSeen("daemon", draw);
  return details;
}

/// Every request that Watchbill made.
function logCard(whenSeen) {
  const system = el("select", { class: "native", "aria-label": "Requests to" },
    [["", "all systems"], ["slack", "Slack"], ["pagerduty", "PagerDuty"], ["opsgenie", "Opsgenie"], ["jsm", "JSM Operations"], ["xmatters", "xMatters"]]
      .map(([value, text]) => el("option", { value }, text)));
  const list = new WindowList({ label: "Requests, newest first", rowHeight: ROW, key: (one) => one.seq, like: () => "", render: requestRow, className: "requests", empty: () => "No requests yet." });
  const count = el("span", { class: "quiet" });
  const draw = () => {
    const shown = state.requests.filter((one) => !system.value || one.system === system.value).reverse();
    setText(count, `${shown.length} requests`);
    list.set(shown);
  };
  system.addEventListener("change", draw);
  whenSeen("requests", draw);
  return el("section", { class: "card log", "aria-label": "Requests" }, el("div", { class: "row" }, el("h3", {}, "Requests"), system, count), list.node);
}

function sinceBoundary(entry) {
  let last = null;
  for (const schedule of state.schedules.values()) {
    for (const { start } of schedule.shifts) if (start <= entry.at && (last === null || start > last)) last = start;
  }
  return last === null ? "" : `+${((entry.at - last) / 1000).toFixed(1)} s`;
}

function requestRow(entry) {
  const good = entry.status >= 200 && entry.status < 300 && !entry.error && !entry.fault;
  const result = entry.error || (entry.status ? String(entry.status) : "no answer");
  const name = entry.system === "slack" ? entry.path : `${entry.method} ${entry.path.split("?")[0]}`;
  return el("div", { class: `request${good ? "" : " bad"}`, title: `${SYSTEM_NAMES[entry.system]} ${entry.method} ${entry.path}` },
    el("span", { class: "request-time" }, timeOfDay(new Date(entry.at))), el("span", { class: "ellipsis request-name" }, name),
    el("span", { class: "request-result" }, entry.fault ? `${result} (fault)` : result),
    el("span", { class: "number" }, `${entry.took_ms} ms`), el("span", { class: "number quiet" }, sinceBoundary(entry)));
}
