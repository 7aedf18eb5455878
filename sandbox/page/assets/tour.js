// The guided tour: five steps, each ticked when the sandbox shows that it really happened.
import { announce, el, setText, show, toast } from "./dom.js";
import { control } from "./api.js";
import { tabStore } from "./keep.js";
import { changePlace, names, now, on, state } from "./store.js";
import { overrides } from "./systems.js";

const STORM_GROUPS = 40;

/// What is remembered from one moment of a step to the next.
const seen = { rotations: new Set(), storm: null };

const STEPS = [
  {
    id: "handoff", title: "See a handoff",
    text: "Wait until a shift ends on a timeline below. The group on the left lights up within a second, and its channel says who took over.",
    done: () => state.handoffs.some((one) => one.fresh && byPlan(one)),
  },
  {
    id: "override", title: "Make an override",
    text: "Press Override now on a schedule and choose somebody else. Nobody tells Watchbill: it finds out when it asks next, within 2 s here, and the group follows.",
    done: () => overrides.some((over) => state.handoffs.some((one) =>
      one.ours && one.schedule === over.ref && one.at >= over.at && one.at < over.until && one.added.some((id) => names.user(id)?.key === over.person))),
  },
  {
    id: "rotation", title: "Create your own rotation",
    text: "As an admin, open the app home and press New rotation. Choose a group or type a new handle, then a schedule. It is ticked when Watchbill keeps that group.",
    action: ["Open the app home", () => changePlace({ kind: "home" })],
    done: () => rotations().some((one) => !seen.rotations.has(one.name) && one.state === "in_sync"),
  },
  {
    id: "break", title: "Break PagerDuty", tab: "systems",
    text: "Break it, then watch the next handoff of its schedule: it still happens on time, along what Watchbill already knew. Mend it afterwards.",
    action: ["Show the switches", () => document.querySelector('[aria-label="Which system"]').focus()],
    done: () => state.handoffs.some((one) => one.fresh && one.broken && byPlan(one) && one.schedule.startsWith("pagerduty/")),
  },
  {
    id: "storm", title: "Kill the daemon during a storm", tab: "activity",
    text: `A storm hands off ${STORM_GROUPS} groups at once. Press kill -9 while they are being written, then start it again: nothing is forgotten.`,
    action: ["Begin the storm", beginStorm],
    done: stormIsOver,
  },
];

/// A change of ours that follows the end of a shift.
function byPlan(handoff) {
  return handoff.ours && handoff.lag_ms !== null && handoff.relieved && handoff.added.length > 0;
}

const rotations = () => state.daemon?.status?.rotations ?? [];

async function beginStorm() {
  const answer = await control("storm", { groups: STORM_GROUPS });
  seen.storm = { groups: answer.groups, at: Date.parse(answer.at), killed: false };
}

/// How many of the storm's groups are not yet those who are on call.
function stormPending() {
  return seen.storm.groups.filter(({ group, after }) => {
    const users = state.groups.get(group)?.users ?? [];
    return users.length !== after.length || after.some((id) => !users.includes(id));
  }).length;
}

/// Killed while groups were still to be written, started again, and every group is who is on call.
function stormIsOver() {
  if (!seen.storm || now() < seen.storm.at) return false;
  const pending = stormPending();
  if (state.daemon?.state === "stopped" && pending > 0) seen.storm.killed = true;
  return seen.storm.killed && state.daemon?.state === "running" && pending === 0;
}

export function startTour(box, openTab) {
  const done = new Set((tabStore.get("tour") ?? "").split(",").filter(Boolean));
  const list = el("ol", { class: "tour-steps" });
  const count = el("span", { class: "quiet" });
  const details = el("details", { class: "tour-card", open: tabStore.get("tour-closed") !== "yes" },
    el("summary", {}, el("span", {}, "Guided tour"), count), list);
  details.addEventListener("toggle", () => tabStore.set("tour-closed", details.open ? "no" : "yes"));
  show(box, details);

  const draw = () => {
    const current = STEPS.find((step) => !done.has(step.id));
    setText(count, current ? `${done.size} of ${STEPS.length}` : "done");
    show(list, [...STEPS.map((step, index) => stepNode(step, index, done.has(step.id), step === current, openTab)),
      current ? null : ownSlack()]);
  };
  const check = () => {
    // Until a form of the app was sent from this page, rotations are somebody else's.
    if (!state.submitted) for (const one of rotations()) seen.rotations.add(one.name);
    const fresh = STEPS.filter((step) => !done.has(step.id) && step.done());
    if (!fresh.length) return;
    for (const step of fresh) done.add(step.id);
    announce(`Step done: ${fresh.map((step) => step.title).join(", ")}`);
    tabStore.set("tour", [...done].join(","));
    draw();
  };
  draw();
  on("handoffs groups daemon overrides", check);
}

/// What comes after the tour.
function ownSlack() {
  return el("li", { class: "tour-step current", "data-step": "own" },
    el("span", { class: "tour-mark", "aria-hidden": "true" }, "→"),
    el("div", {}, el("strong", {}, "Use your own Slack")),
    el("div", { class: "tour-body" },
      el("p", {}, "That is all of it. On the host that shall run Watchbill, install the package; then this asks for everything that is needed, and tries each answer:"),
      el("p", {}, el("code", {}, "sudo watchbill setup")),
      el("p", {}, "How the app is made in Slack stands in ", el("code", {}, "docs/slack.md"), ", ten minutes; in the package it is ",
        el("code", {}, "/usr/share/doc/watchbill/slack.md"), ".")));
}

function stepNode(step, index, ticked, current, openTab) {
  const go = async () => {
    if (step.tab) openTab(step.tab);
    try {
      await step.action[1]();
    } catch (error) {
      toast(error.message, "error");
    }
  };
  return el("li", { class: `tour-step${ticked ? " done" : ""}${current ? " current" : ""}`, "data-step": step.id, "data-done": ticked ? "yes" : "no",
    "aria-current": current ? "step" : undefined },
  el("span", { class: "tour-mark", role: "img", "aria-label": ticked ? "done" : "not done yet" }, ticked ? "✓" : String(index + 1)),
  el("div", {}, el("strong", {}, step.title)),
  current && el("div", { class: "tour-body" }, el("p", {}, step.text),
    step.action && el("button", { type: "button", class: "button small", onclick: go }, step.action[0])));
}
