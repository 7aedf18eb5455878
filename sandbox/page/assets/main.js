// Puts the page together.
import { el, show, setText } from "./dom.js";
import { actAs, begin, humans, me, on, state, touch } from "./store.js";
import { filtered } from "./elements.js";
import { Combo } from "./combo.js";
import { startActivity } from "./activity.js";
import { startModals } from "./modal.js";
import { startSystems } from "./systems.js";
import { startTour } from "./tour.js";
import { startWorkspace } from "./workspace.js";

/// The tabs beside the workspace.
function startSide(side) {
  const tour = el("section", { id: "tour", "aria-label": "Guided tour" });
  const tabs = [
    { id: "systems", title: "Scheduling systems", panel: el("div", { class: "panel", id: "panel-systems" }) },
    { id: "activity", title: "What Watchbill did", panel: el("div", { class: "panel", id: "panel-activity" }) },
  ];
  const choose = (chosen, focus) => {
    for (const tab of tabs) {
      const on = tab === chosen;
      tab.button.setAttribute("aria-selected", String(on));
      tab.button.tabIndex = on ? 0 : -1;
      tab.panel.hidden = !on;
    }
    touch("tab");
    if (focus) chosen.button.focus();
  };
  for (const tab of tabs) {
    tab.button = el("button", { type: "button", role: "tab", id: `tab-${tab.id}`, "aria-controls": tab.panel.id, onclick: () => choose(tab) }, tab.title);
    tab.panel.setAttribute("role", "tabpanel");
    tab.panel.setAttribute("aria-labelledby", tab.button.id);
  }
  const bar = el("div", { class: "tabs", role: "tablist", "aria-label": "Beside the workspace" }, tabs.map((tab) => tab.button));
  bar.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    choose(tabs.find((tab) => tab.panel.hidden), true);
  });
  show(side, tour, bar, tabs.map((tab) => tab.panel));
  choose(tabs[0]);
  startTour(tour, (id) => choose(tabs.find((tab) => tab.id === id)));
  startSystems(tabs[0].panel);
  startActivity(tabs[1].panel);
}

/// "Acting as": whose workspace this is.
function startTop(box) {
  const people = () => humans().map((user) => ({ value: user.key, text: user.name, description: `${user.kind} · @${user.handle}` }));
  const combo = new Combo({ label: "Act as", placeholder: "Choose a person", load: (query) => filtered([{ options: people() }], query),
    change: (chosen) => chosen[0] && actAs(chosen[0].value), name: "act-as" });
  const kind = el("span", { class: "badge", id: "my-role" });
  const link = el("span", { class: "badge", id: "link", role: "status" });
  show(box, link, el("span", { class: "label", "aria-hidden": "true" }, "Act as"), combo.node, kind);
  on("me users", () => {
    const user = me();
    if (!user) return;
    combo.chosen = [{ value: user.key, text: user.name }];
    if (document.activeElement !== combo.input) combo.showChosen();
    setText(kind, user.kind);
  });
  on("connected", () => {
    link.hidden = state.connected;
    setText(link, state.connected ? "" : "The sandbox does not answer; trying again…");
  });
  link.hidden = true;
}

startTop(document.getElementById("top-controls"));
startWorkspace(document.getElementById("nav"), document.getElementById("main"));
startModals();
startSide(document.getElementById("side"));
begin();
