// The app home of Watchbill, as the person one acts as sees it.
import { el, show } from "./dom.js";
import { Blocks } from "./blockkit.js";
import { control, on, state } from "./store.js";
import { surfaceOf } from "./view.js";

let pane = null;
let blocks = null;
let note = null;
let reader = "";
let asked = 0;

export function homePane() {
  blocks = new Blocks("blocks home-blocks");
  note = el("p", { class: "empty", role: "status" });
  pane = {
    node: el("div", { class: "pane" },
      el("div", { class: "pane-head" }, el("h2", {}, "Watchbill"), el("span", { class: "quiet" }, "App home")),
      el("div", { class: "home", tabindex: "0", role: "region", "aria-label": "App home of Watchbill" }, note, blocks.node)),
    open: enter,
  };
  return pane;
}

export function startHome() {
  on("views", () => {
    if (pane?.node.isConnected && state.changedViews?.includes(state.me)) refresh();
  });
}

/// The person opens the tab: the app is told, as Slack does.
async function enter() {
  if (reader !== state.me) show(blocks.node);
  reader = state.me;
  blocks.shown.clear();
  say("Opening…");
  try {
    const answer = await control("open_home", { person: reader });
    draw(answer.home);
  } catch (error) {
    say(error.message);
  }
}

async function refresh() {
  const turn = ++asked;
  const answer = await control("home", { person: state.me }).catch(() => null);
  if (answer && turn === asked) draw(answer.home);
}

function say(text) {
  note.textContent = text;
  note.hidden = !text;
}

function draw(home) {
  if (!home) return say(waiting());
  say("");
  return blocks.update(home.view.blocks, surfaceOf(home));
}

function waiting() {
  if (!state.daemon) return "The app has not published a home tab for this person.";
  if (!state.daemon.running) return "Watchbill is not running: nothing new can be shown.";
  return "Watchbill prepares its home tab…";
}
