// The guided tour: five steps, each ticked when the sandbox shows that it really happened.
import { announce, el, show } from "./dom.js";
import { changePlace, control, names, on, state, touch } from "./store.js";
import { tourStore } from "./keep.js";

/// What has to be remembered between the moments of one step.
const seen = { rotations: null, submitted: false, storm: null, killed: false };

const STEPS = [
  {
    id: "handoff", title: "See a handoff",
    text: "Wait until a shift ends on a timeline below. The group on the left lights up within a second, and its channel says who took over.",
    done: () => state.handoffs.some((one) => one.ours && one.lag !== null && one.removed.length > 0 && one.added.length > 0),
  },
  {
    id: "override", title: "Make an override",
    text: "Press Override now on a schedule and choose somebody else. Nobody tells Watchbill: it finds out when it asks next (every 2 s here), and the group follows.",
    done: () => (state.overrides ?? []).some((one) => state.handoffs.some((handoff) =>
      handoff.ours && handoff.at >= one.at && handoff.added.some((id) => names.user(id)?.key === one.person))),
  },
  {
    id: "rotation", title: "Create your own rotation",
    text: "Open the app home as an admin and press New rotation: choose a group (or type a new handle), a schedule and a channel. It is ticked when Watchbill keeps that group.",
    action: ["Open the app home", () => changePlace({ kind: "home" })],
    done: () => seen.rotations !== null && rotations().some((one) => !seen.rotations.has(one.name) && ["in_sync", "pending"].includes(one.state)),
    watch: true,
  },
  {
    id: "break", title: "Break PagerDuty",
    text: "Break it below, then watch the next handoff of its schedule: it still happens on time, along what Watchbill already knew. Mend it afterwards.",
    action: ["Show the switches", () => document.querySelector('[aria-label="Which system"]')?.focus()],
    done: () => state.handoffs.some((one) => one.ours && one.lag !== null && one.broken),
  },
  {
    id: "storm", title: "Kill the daemon during a storm",
    text: "A storm hands off 40 groups at once. Press kill -9 while they are being written, then start it again: it carries on, forgets nothing, says nothing twice.",
    action: ["Begin the storm", () => beginStorm()],
    done: () => stormIsOver(),
  },
];

function rotations() {
  return state.status?.rotations ?? [];
}

async function beginStorm() {
  const answer = await control("storm", { groups: 40 });
  seen.storm = { prefix: answer.prefix ?? "storm", killed: false, at: answer.at ? Date.parse(answer.at) : Date.now() };
}

/// Killed while groups were still to be written, started again, and every group is who is on call.
function stormIsOver() {
  if (!seen.storm) return false;
  if (state.daemon && !state.daemon.running && stormPending() > 0) seen.storm.killed = true;
  return seen.storm.killed && Boolean(state.daemon?.running) && stormPending() === 0;
}

/// How many of the storm's groups are not yet those who are on call.
function stormPending() {
  const at = Date.now() + state.offset;
  if (at < seen.storm.at) return 1;
  let pending = 0;
  for (const schedule of state.schedules.values()) {
    if (!schedule.name.startsWith(seen.storm.prefix)) continue;
    const shift = schedule.shifts.find((one) => one.start <= at && (one.end === null || one.end > at));
    const group = [...state.groups.values()].find((one) => one.handle === schedule.name);
    if (shift && group && shift.slack.some((id) => !group.users.includes(id))) ++pending;
  }
  return pending;
}

export function startTour(box, openTab) {
  const done = new Set((tourStore.get("tour") ?? "").split(",").filter(Boolean));
  const list = el("ol", { class: "tour-steps" });
  const count = el("span", { class: "quiet" });
  const details = el("details", { class: "tour-card", open: tourStore.get("tour-closed") !== "yes" },
    el("summary", {}, el("span", {}, "Guided tour"), count), list);
  details.addEventListener("toggle", () => tourStore.set("tour-closed", details.open ? "no" : "yes"));
  show(box, details);

  const draw = () => {
    const current = STEPS.find((step) => !done.has(step.id));
    count.textContent = current ? `${done.size} of ${STEPS.length}` : "done";
    show(list, STEPS.map((step, index) => stepNode(step, index, done.has(step.id), step === current)));
  };
  const check = () => {
    let changed = false;
    for (const step of STEPS) {
      if (done.has(step.id) || !step.done()) continue;
      done.add(step.id);
      changed = true;
      announce(`Step done: ${step.title}`);
    }
    if (!changed) return;
    tourStore.set("tour", [...done].join(","));
    draw();
  };
  const stepNode = (step, index, ticked, current) => {
    const button = step.action && current && el("button", { type: "button", class: "button small", onclick: async () => {
      if (step.id === "break") openTab("systems");
      if (step.id === "storm") openTab("activity");
      await step.action[1]();
    } }, step.action[0]);
    return el("li", { class: `tour-step${ticked ? " done" : ""}${current ? " current" : ""}`, "data-step": step.id, "data-done": ticked ? "yes" : "no",
      "aria-current": current ? "step" : undefined },
    el("span", { class: "tour-mark", role: "img", "aria-label": ticked ? "done" : "not done yet" }, ticked ? "✓" : String(index + 1)),
    el("div", {}, el("strong", {}, step.title)),
    current && el("div", { class: "tour-body" }, el("p", {}, step.text), button));
  };
  draw();
  on("handoffs groups daemon status", check);
  startWatching(done);
}

/// Asks for the status while a step needs it.
function startWatching(done) {
  let asking = false;
  setInterval(async () => {
    if (asking || !state.ready || done.has("rotation") || !state.daemon?.running) return;
    asking = true;
    try {
      const answer = await control("status");
      const before = seen.rotations;
      if (before === null) seen.rotations = new Set((answer.status?.rotations ?? []).map((one) => one.name));
      state.status = answer.status;
      touch("status");
    } catch {
      // The daemon may be starting.
    } finally {
      asking = false;
    }
  }, 2000);
}
