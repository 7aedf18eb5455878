// The scheduling systems: each schedule as a timeline that moves, and what can be done to it.
import { announce, el, setText, show, tint, toast } from "./dom.js";
import { filtered } from "./elements.js";
import { Combo } from "./combo.js";
import { faultPanel, peoplePanel, speedPanel } from "./faults.js";
import { control } from "./api.js";
import { now, on, state, touch } from "./store.js";
import { WindowList } from "./window_list.js";

export const SYSTEM_NAMES = { pagerduty: "PagerDuty", opsgenie: "Opsgenie", jsm: "JSM Operations", xmatters: "xMatters", slack: "Slack", identity: "PagerDuty sign-in" };
const CARD = 132;
const EMPTY_ROWS = 0.4;
const UNITS_IN_SIGHT = 5;
const UNITS_TOLD = 10;
const PAST_SHARE = 0.22;
const MOST_LANES = 3;
const SECONDS = [["15 s", 15], ["30 s", 30], ["1 min", 60], ["5 min", 300]];

/// The cards in sight: ref -> {schedule, node, strip, who, left, from, span}.
const cards = new Map();

export function startSystems(panel) {
  const list = new WindowList({ label: "Schedules", rowHeight: CARD, key: (one) => one.ref, render: card, className: "schedules",
    like: (one) => one.name, empty: () => (state.schedules.size ? "No schedule is called so." : "There are no schedules.") });
  const search = el("input", { type: "search", class: "filter", placeholder: "Find a schedule", "aria-label": "Find a schedule", hidden: true });
  const rest = el("p", { class: "quiet", hidden: true });
  const draw = () => {
    const wanted = search.value.trim().toLowerCase();
    const all = [...state.schedules.values()];
    search.hidden = all.length < 8;
    list.show(all.length ? Math.min(all.length, 3) : EMPTY_ROWS);
    list.set(wanted ? all.filter((one) => `${one.name} ${one.id} ${one.system}`.toLowerCase().includes(wanted)) : all);
    rest.hidden = !state.hidden;
    setText(rest, `and ${state.hidden} more schedules, which are not drawn`);
    move();
  };
  search.addEventListener("input", draw);
  show(panel, search, list.node, rest, speedPanel(), faultPanel(), peoplePanel());
  on("users people", () => {
    for (const one of cards.values()) one.schedule = null;  // the names on its bars
  });
  on("schedules users people", draw);
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let last = 0;
  const tick = (time) => {
    if (time - last > (calm.matches ? 1000 : 33) && !panel.hidden) {
      last = time;
      move();
    }
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}

export function personName(system, key) {
  return state.byKey.get(key)?.name ?? state.people[system]?.find((one) => one.key === key)?.name ?? key;
}

const holders = (schedule, people) => people.filter(Boolean).map((key) => personName(schedule.system, key));

function card(schedule) {
  const strip = el("div", { class: "strip", "aria-hidden": "true" });
  const line = el("div", { class: "now-line", "aria-hidden": "true", style: { left: `${PAST_SHARE * 100}%` } });
  const who = el("span", { class: "ellipsis" });
  const left = el("span", { class: "left" });
  const node = el("article", { class: "schedule", "data-schedule": schedule.ref, "aria-label": `${schedule.name}, ${SYSTEM_NAMES[schedule.system]}` },
    el("div", { class: "schedule-head" }, el("strong", { class: "ellipsis", title: schedule.name }, schedule.name),
      el("span", { class: "badge" }, SYSTEM_NAMES[schedule.system]), el("span", { class: "who" }, who, left)),
    el("div", { class: "timeline" }, strip, line), buttons(schedule));
  cards.set(schedule.ref, { strip, who, left, node });
  return node;
}

/// The shifts of one lane with the times between them, when nobody is on call.
function withGaps(schedule, part) {
  const shifts = schedule.shifts.filter((shift) => shift.part === part).sort((a, b) => a.start - b.start);
  const rows = [];
  let covered = schedule.from;
  for (const shift of shifts) {
    if (shift.start > covered) rows.push({ start: covered, end: shift.start, people: [], part });
    rows.push(shift);
    covered = Math.max(covered, shift.end ?? schedule.to);
  }
  return covered < schedule.to ? [...rows, { start: covered, end: schedule.to, people: [], part }] : rows;
}

/// The shifts as bars, a lane for each part of the schedule.
function drawBars(one, schedule) {
  one.schedule = schedule;
  one.from = schedule.from;
  one.span = ((schedule.to - schedule.from) / UNITS_TOLD) * UNITS_IN_SIGHT;
  const lanes = [...new Set(schedule.shifts.map((shift) => shift.part))].slice(0, MOST_LANES);
  const percent = (time) => ((Math.min(Math.max(time, schedule.from), schedule.to) - schedule.from) / one.span) * 100;
  one.labels = [];
  one.strip.className = `strip lanes-${lanes.length || 1}`;
  show(one.strip, lanes.flatMap((part) => withGaps(schedule, part)).map((shift) => {
    const people = holders(schedule, shift.people);
    const kind = people.length ? `tint-${tint(people[0])}` : "nobody";
    const left = percent(shift.start);
    const width = Math.max(0.2, percent(shift.end ?? schedule.to) - left);
    const over = shift.source === "override";
    const label = el("span", {}, people.join(", ") || "nobody");
    one.labels.push({ left, label });
    return el("span", { class: `shift ${kind}${over ? " override" : ""} lane-${lanes.indexOf(shift.part)}`, style: { left: `${left}%`, width: `${width}%` },
      title: `${people.join(", ") || "Nobody"}${over ? " (override)" : ""}` }, label);
  }));
}

/// Moves every strip in sight to the present.
function move() {
  const at = now();
  for (const [ref, one] of cards) {
    const schedule = state.schedules.get(ref);
    if (!one.node.isConnected || !schedule) {
      cards.delete(ref);
      continue;
    }
    if (one.schedule !== schedule) drawBars(one, schedule);
    const gone = (at - one.from) / one.span - PAST_SHARE;
    one.strip.style.transform = `translateX(${-gone * 100}%)`;
    // Names stay in sight while their shift does.
    for (const { left, label } of one.labels) {
      const hidden = gone * 100 - left;
      if (hidden > 0) label.style.transform = `translateX(${hidden}cqw)`;
    }
    setText(one.who, holders(schedule, schedule.on_call).join(", ") || "nobody");
    setText(one.left, schedule.next === null ? "" : `, ${remaining(schedule.next - at)} left`);
  }
}

export function remaining(milliseconds) {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  if (seconds < 100) return `${seconds} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`;
}

function buttons(schedule) {
  const where = { system: schedule.system, schedule: schedule.id };
  const go = (name, fields, done) => async () => {
    try {
      await control(name, { ...where, ...fields });
      announce(done);
    } catch (error) {
      toast(error.message, "error");
    }
  };
  const opener = el("button", { type: "button", class: "button small", "aria-haspopup": "dialog", onclick: () => overrideDialog(schedule) }, "Override now…");
  return el("div", { class: "schedule-buttons", role: "group", "aria-label": `Change ${schedule.name}` }, opener,
    el("button", { type: "button", class: "button small", onclick: go("end_shift", {}, `${schedule.name}: the next shift begins`) }, "End this shift"),
    el("button", { type: "button", class: "button small", onclick: go("nobody", { seconds: 45 }, `${schedule.name}: nobody for 45 seconds`) }, "Nobody, 45 s"));
}

/// Those that were made here: {ref, person, at, until}; `at`: before Watchbill can have seen it.
export const overrides = [];

/// Who, and for how long.
function overrideDialog(schedule) {
  let person = "";
  const people = (state.people[schedule.system] ?? []).filter((one) => !one.deleted);
  const combo = new Combo({ label: "Person", placeholder: "Choose a person", name: "override-person", change: (chosen) => {
      person = chosen[0]?.value ?? "";
      if (person) wrong.hidden = true;
    },
    load: (query) => filtered([{ options: people.map((one) => ({ value: one.key, text: one.name, description: one.email ?? "" })) }], query) });
  const long = el("select", { "aria-label": "For how long", class: "native" }, SECONDS.map(([text, value]) => el("option", { value: String(value) }, text)));
  const dialog = el("dialog", { class: "confirm", "aria-label": `Override ${schedule.name}` });
  const wrong = el("p", { class: "field-error", role: "alert", hidden: true }, "Choose who takes over.");
  const end = () => {
    dialog.close();
    dialog.remove();
  };
  const form = el("form", {}, el("h2", {}, `Override ${schedule.name}`),
    el("p", {}, `In ${SYSTEM_NAMES[schedule.system]} somebody takes over now. Watchbill is not told: it finds out when it asks next.`),
    el("div", { class: "row" }, combo.node, long), wrong,
    el("div", { class: "dialog-buttons" }, el("button", { type: "button", class: "button", onclick: end }, "Cancel"),
      el("button", { type: "submit", class: "button primary" }, "Override")));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!person) {
      wrong.hidden = false;
      return combo.input.focus();
    }
    const at = now();
    try {
      await control("override", { system: schedule.system, schedule: schedule.id, person, seconds: Number(long.value) });
      overrides.push({ ref: schedule.ref, person, at, until: at + Number(long.value) * 1000 });
      touch("overrides");
      end();
    } catch (error) {
      toast(error.message, "error");
    }
    return undefined;
  });
  dialog.addEventListener("cancel", end);
  dialog.append(form);
  document.body.append(dialog);
  dialog.showModal();
  combo.input.focus();
}
