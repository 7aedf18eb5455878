// Breaking things, changing people and the length of shifts.
import { el, show, toast } from "./dom.js";
import { filtered } from "./elements.js";
import { Combo } from "./combo.js";
import { control } from "./api.js";
import { deactivated, humans, on, state } from "./store.js";

const SYSTEMS = [["all", "All systems"], ["pagerduty", "PagerDuty"], ["opsgenie", "Opsgenie"], ["jsm", "JSM Operations"], ["xmatters", "xMatters"], ["slack", "Slack"]];
const KINDS = [
  ["500", "errors (500)"], ["429", "rate limited (429)"], ["hang", "hangs"], ["reset", "resets connections"], ["empty", "empty answers"],
  ["401", "wrong key (401)"], ["slow", "slow (2 s)"],
];
/// Slack refuses with HTTP 200 and a code.
const SLACK_KINDS = [
  ...KINDS.filter(([kind]) => kind !== "401"), ["invalid_auth", "invalid_auth"], ["missing_scope", "missing_scope"],
  ["permission_denied", "permission_denied"], ["internal_error", "internal_error"],
];
const DETAILS = {
  slow: { slow_ms: 2000 }, invalid_auth: { kind: "error", code: "invalid_auth" }, missing_scope: { kind: "error", code: "missing_scope" },
  internal_error: { kind: "error", code: "internal_error" }, permission_denied: { kind: "error", code: "permission_denied", match: "usergroups.users.update" },
};
/// How much faster than in reality Slack's minutes pass. Watchbill counts with ten times here.
const LIMITS = [["10", "ten times as many calls"], ["1", "as in reality"], ["off", "none"]];
const SPEEDS = [[10, "10 s"], [20, "20 s"], [60, "1 min"], [300, "5 min"], [3600, "1 h"]];

async function tryTo(work) {
  try {
    await work();
  } catch (error) {
    toast(error.message, "error");
  }
}

const optionsOf = (list) => list.map(([key, text]) => el("option", { value: String(key) }, text));

function choose(label, options, value) {
  const node = el("select", { class: "native", "aria-label": label }, optionsOf(options));
  if (value !== undefined) node.value = String(value);
  return node;
}

const titleOf = (list, key) => list.find(([one]) => String(one) === String(key))?.[1] ?? key;

export function faultPanel() {
  const system = choose("Which system", SYSTEMS, "pagerduty");
  const kind = choose("What is wrong", KINDS);
  system.addEventListener("change", () => {
    const before = kind.value;
    show(kind, optionsOf(system.value === "slack" ? SLACK_KINDS : KINDS));
    if ([...kind.options].some((option) => option.value === before)) kind.value = before;
  });
  const go = el("button", { type: "button", class: "button danger", onclick: () => tryTo(() =>
    control("fault", { system: system.value, kind: kind.value, ...DETAILS[kind.value] })) }, "Break it");
  const active = el("ul", { class: "faults", "aria-label": "What is broken" });
  on("faults", () => show(active, state.faults.map((fault) => el("li", {},
    el("span", {}, `${titleOf(SYSTEMS, fault.system ?? "all")}: ${fault.kind === "error" ? fault.code : titleOf(KINDS, fault.kind)}`),
    el("button", { type: "button", class: "button small", onclick: () => tryTo(() => control("clear_faults", { system: fault.system ?? "all" })) }, "Mend")))));
  return el("section", { class: "card", "aria-label": "Faults" }, el("h3", {}, "Break something"),
    el("div", { class: "row" }, system, kind, go), active, limits());
}

/// Slack's rate limits.
function limits() {
  const select = choose("Slack's rate limits", LIMITS);
  select.addEventListener("change", () => tryTo(() =>
    control("rate", select.value === "off" ? { off: true } : { off: false, scale: Number(select.value) })));
  on("faults", () => {
    if (state.rate) select.value = state.rate.off ? "off" : String(state.rate.scale);
  });
  return el("div", { class: "row below" }, el("label", {}, "Slack's rate limits: ", select));
}

/// All shifts by rule get another length, from now on.
export function speedPanel() {
  const speed = choose("Length of shifts", SPEEDS, 60);
  speed.addEventListener("change", () => tryTo(() => control("speed", { shift_seconds: Number(speed.value) })));
  on("schedules", () => {
    const length = [...state.schedules.values()].find((one) => one.shift_seconds)?.shift_seconds;
    if (length && document.activeElement !== speed) speed.value = String(length);
  });
  return el("div", { class: "row speed" }, el("label", {}, "Shifts last ", speed));
}

export function peoplePanel() {
  const name = el("input", { type: "text", class: "text-input", "aria-label": "Who goes on call", placeholder: "Kim Ode", maxlength: "60" });
  const schedule = el("select", { class: "native", "aria-label": "Goes on call now in" });
  on("schedules", () => {
    const before = schedule.value;
    const rows = [...state.schedules.values()].slice(0, 100);
    if (schedule.options.length === rows.length) return;
    show(schedule, rows.map((one) => el("option", { value: `${one.system}/${one.id}` }, one.name)));
    if (before) schedule.value = before;
    schedule.disabled = rows.length === 0;
    if (!rows.length) show(schedule, el("option", { value: "" }, "no schedule"));
  });
  const add = el("form", { class: "row" }, name, schedule, el("button", { type: "submit", class: "button" }, "Add"));
  schedule.disabled = true;
  add.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = name.value.trim();
    if (!text) return name.focus();
    return tryTo(async () => {
      await addStranger(text, schedule.value);
      name.value = "";
    });
  });
  return el("section", { class: "card", "aria-label": "People" }, el("h3", {}, "Somebody without a Slack account goes on call"), add,
    leaving());
}

/// Tells Slack that somebody left, or is back.
export const setDeactivated = (key, deleted) => tryTo(() => control("person", { key, slack: { deleted } }));

function leaving() {
  const combo = new Combo({ label: "Deactivate in Slack", placeholder: "Deactivate somebody in Slack", name: "deactivate", change: (chosen) => (combo.picked = chosen[0]?.value),
    load: (query) => filtered([{ options: humans().map((user) => ({ value: user.key, text: user.name })) }], query) });
  const off = el("button", { type: "button", class: "button", onclick: async () => {
    if (!combo.picked) return combo.input.focus();
    await setDeactivated(combo.picked, true);
    combo.picked = "";
    combo.chosen = [];
    return combo.showChosen();
  } }, "Deactivate");
  const back = async (key) => {
    await setDeactivated(key, false);
    combo.input.focus();
  };
  const gone = el("ul", { class: "gone", "aria-label": "Who is deactivated in Slack" });
  on("users", () => show(gone, deactivated().map((user) => el("li", {}, el("span", { class: "ellipsis" }, user.name),
    el("button", { type: "button", class: "button small", "aria-label": `Bring back ${user.name}`, onclick: () => back(user.key) }, "Bring back")))));
  return [el("h3", {}, "Somebody leaves"), el("div", { class: "row" }, combo.node, off), gone];
}

/// A person whom only the scheduling systems know, on call at once.
async function addStranger(name, where) {
  const key = `${name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "") || "person"}-${Date.now() % 10_000}`;
  const [system, ...rest] = where.split("/");
  await control("person", { key, name, email: `${key}@example.com`, slack: false });
  if (system && rest.length) await control("override", { system, schedule: rest.join("/"), person: key, seconds: 60 });
}
