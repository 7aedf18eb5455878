// The scheduling systems: each schedule as a timeline that moves, and what can be done to it.
import { announce, el, setText, show, tint, toast } from "./dom.js";
import { filtered } from "./elements.js";
import { Combo } from "./combo.js";
import { faultPanel, peoplePanel, speedPanel } from "./faults.js";
import { control, now, on, state } from "./store.js";
import { WindowList } from "./window_list.js";

export const SYSTEM_NAMES = { pagerduty: "PagerDuty", opsgenie: "Opsgenie", xmatters: "xMatters", slack: "Slack", identity: "PagerDuty sign-in", all: "all systems" };
const CARD = 132;
const SHIFTS_IN_SIGHT = 5;
const PAST_SHARE = 0.22;
const SECONDS = [["15 s", 15], ["30 s", 30], ["1 min", 60], ["5 min", 300]];

/// Those whose strips move: schedule key -> {node, from}.
const strips = new Map();

export function startSystems(panel) {
  const list = new WindowList({ label: "Schedules", rowHeight: CARD, key: keyOf, render: card, className: "schedules",
    like: (one) => JSON.stringify([one.name, one.shifts, one.forbidden]), empty: "There are no schedules." });
  const search = el("input", { type: "search", class: "filter", placeholder: "Find a schedule", "aria-label": "Find a schedule", hidden: true });
  const draw = () => {
    const wanted = search.value.trim().toLowerCase();
    const all = [...state.schedules.values()];
    search.hidden = all.length < 8;
    list.node.style.height = `${Math.min(Math.max(all.length, 1), 3) * CARD}px`;
    list.set(wanted ? all.filter((one) => `${one.name} ${one.id} ${one.system}`.toLowerCase().includes(wanted)) : all);
    move();
  };
  search.addEventListener("input", draw);
  show(panel, search, list.node, speedPanel(), faultPanel(), peoplePanel());
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

const keyOf = (schedule) => `${schedule.system}/${schedule.id}`;

export function personName(system, key) {
  for (const user of state.users.values()) if (user.key === key) return user.name;
  return state.people[system]?.find((one) => one.key === key)?.name ?? key;
}

const holders = (schedule, shift) => shift.people.map((key) => personName(schedule.system, key));

/// The length of the shifts in sight.
function typical(schedule) {
  const lengths = schedule.shifts.filter((shift) => shift.end !== null).map((shift) => shift.end - shift.start).sort((a, b) => a - b);
  return lengths.length ? lengths[Math.floor(lengths.length / 2)] : 3_600_000;
}

function card(schedule) {
  const key = keyOf(schedule);
  const span = Math.max(20_000, typical(schedule) * SHIFTS_IN_SIGHT);
  const from = schedule.shifts[0]?.start ?? now();
  const percent = (time) => ((time - from) / span) * 100;
  const until = from + span * 12;
  const bars = schedule.shifts.map((shift) => {
    const names = holders(schedule, shift);
    const end = Math.min(shift.end ?? until, until);
    return el("span", { class: `shift ${names.length ? `tint-${tint(names[0])}` : "nobody"}${shift.override ? " override" : ""}`,
      style: { left: `${percent(Math.max(shift.start, from))}%`, width: `${Math.max(0.2, percent(end) - percent(Math.max(shift.start, from)))}%` },
      title: `${names.join(", ") || "Nobody"}${shift.override ? " (override)" : ""}` },
    el("span", {}, names.join(", ") || "nobody"));
  });
  const strip = el("div", { class: "strip", "aria-hidden": "true" }, bars);
  const line = el("div", { class: "now-line", "aria-hidden": "true", style: { left: `${PAST_SHARE * 100}%` } });
  const who = el("span", { class: "who ellipsis" });
  const node = el("article", { class: "schedule", "data-schedule": key, "aria-label": `${schedule.name}, ${SYSTEM_NAMES[schedule.system]}` },
    el("div", { class: "schedule-head" }, el("strong", { class: "ellipsis" }, schedule.name), el("span", { class: "badge" }, SYSTEM_NAMES[schedule.system]), who),
    el("div", { class: "timeline" }, strip, line),
    buttons(schedule));
  strips.set(key, { schedule, strip, who, from, span, node });
  return node;
}

/// Moves every strip in sight to the present.
function move() {
  const at = now();
  for (const [key, one] of strips) {
    if (!one.node.isConnected) {
      if (one.seen) strips.delete(key);
      continue;
    }
    one.seen = true;
    const shift = one.schedule.shifts.find((each) => each.start <= at && (each.end === null || each.end > at));
    one.strip.style.transform = `translateX(${(PAST_SHARE - (at - one.from) / one.span) * 100}%)`;
    const names = shift ? holders(one.schedule, shift).join(", ") || "nobody" : "nobody";
    setText(one.who, shift && shift.end !== null ? `${names}, ${remaining(shift.end - at)} left` : names);
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

/// Who, and for how long.
function overrideDialog(schedule) {
  let person = "";
  const people = (state.people[schedule.system] ?? []).filter((one) => !one.deleted);
  const combo = new Combo({ label: "Person", placeholder: "Choose a person", name: "override-person", change: (chosen) => (person = chosen[0]?.value ?? ""),
    load: (query) => filtered([{ options: people.map((one) => ({ value: one.key, text: one.name, description: one.email ?? "" })) }], query) });
  const long = el("select", { "aria-label": "For how long", class: "native" }, SECONDS.map(([text, value]) => el("option", { value: String(value) }, text)));
  const dialog = el("dialog", { class: "confirm", "aria-label": `Override ${schedule.name}` });
  const end = () => {
    dialog.close();
    dialog.remove();
  };
  const form = el("form", {}, el("h2", {}, `Override ${schedule.name}`),
    el("p", {}, `In ${SYSTEM_NAMES[schedule.system]} somebody takes over now. Watchbill is not told: it finds out when it asks next.`),
    el("div", { class: "row" }, combo.node, long),
    el("div", { class: "dialog-buttons" }, el("button", { type: "button", class: "button", onclick: end }, "Cancel"),
      el("button", { type: "submit", class: "button primary" }, "Override")));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!person) return combo.input.focus();
    try {
      await control("override", { system: schedule.system, schedule: schedule.id, person, seconds: Number(long.value) });
      state.overrides = [...(state.overrides ?? []), { key: keyOf(schedule), person, at: now() }];
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
