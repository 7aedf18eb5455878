// The app home of Watchbill, as the person one acts as sees it.
import { el, setText } from "./dom.js";
import { control } from "./api.js";
import { Blocks } from "./blockkit.js";
import { me, on, state, surface } from "./store.js";
import { surfaceOf } from "./view.js";

export function homePane() {
  const note = el("p", { class: "empty", role: "status" });
  const box = el("div", { class: "home", tabindex: "0", role: "region", "aria-label": "App home of Watchbill" }, note);
  const node = el("div", { class: "pane" },
    el("div", { class: "pane-head" }, el("h2", {}, "Watchbill"), el("span", { class: "quiet" }, "App home")), box);
  let blocks = null;
  let reader = "";

  const draw = () => {
    const { home } = surface();
    note.hidden = Boolean(home);
    if (!home) {
      setText(note, waiting());
      blocks?.node.remove();
      blocks = null;
      return;
    }
    if (!blocks) {
      blocks = new Blocks("blocks home-blocks");
      box.append(blocks.node);
    }
    blocks.update(home.view.blocks, surfaceOf(home));
  };

  /// The person opens the tab: the app is told, as Slack does.
  const open = () => {
    if (reader !== state.me) {
      blocks?.node.remove();
      blocks = null;
      box.scrollTop = 0;
    }
    reader = state.me;
    box.setAttribute("aria-label", `App home of Watchbill for ${me()?.name ?? reader}`);
    draw();
    control("open_home", { person: reader }).catch((error) => setText(note, error.message));
  };
  on("surface daemon", () => node.isConnected && draw());
  return { node, open };
}

function waiting() {
  if (!state.daemon) return "No app has published a home tab for this person.";
  if (state.daemon.state === "stopped") return "Watchbill is not running: nothing can be shown.";
  return "Watchbill prepares its home tab…";
}
