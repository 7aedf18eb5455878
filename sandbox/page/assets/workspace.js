// The workspace's frame: the app, channels, groups and people on the left, what is open in the middle.
import { avatar, el, setText, show } from "./dom.js";
import { changePlace, channelName, inOrder, names, on, state, visibleChannels } from "./store.js";
import { channelPane } from "./channel.js";
import { setDeactivated } from "./faults.js";
import { homePane } from "./home.js";
import { SYSTEM_NAMES } from "./systems.js";
import { WindowList } from "./window_list.js";

const CHANNEL_ROW = 30;
const GROUP_ROW = 50;
const PERSON_ROW = 44;
const LIT_MS = 6000;
const FILTER_FROM = 12;

export function startWorkspace(nav, main) {
  startNav(nav);
  const panes = { channel: channelPane(), home: homePane(), people: peoplePane() };
  let shown = null;
  on("place me", () => {
    if (!state.ready) return;
    const pane = panes[state.place.kind] ?? panes.channel;
    if (pane !== shown) show(main, pane.node);
    shown = pane;
    pane.open?.();
  });
}

function startNav(nav) {
  const team = el("div", { class: "team" });
  const app = place("Watchbill", { kind: "home" }, "app", el("span", { class: "app-mark", "aria-hidden": "true" }, "W"));
  const people = place("People", { kind: "people" }, "people", el("span", { class: "app-mark quiet", "aria-hidden": "true" }, "☺"));
  const channels = new WindowList({ label: "Channels", rowHeight: CHANNEL_ROW, key: (one) => one.id, render: channelRow, className: "channels",
    like: (one) => `${channelName(one)}|${state.unread.get(one.id) ?? 0}|${here("channel", one.id)}`, empty: () => (state.channels.size ? "This person sees no channel." : "There are no channels.") });
  const groups = groupList();
  show(nav, team, el("div", { class: "places" }, app, people), el("h2", {}, "Channels"), channels.node, groups);
  on("channels unread place me users team", () => {
    setText(team, state.team || "Workspace");
    const all = visibleChannels();
    channels.show(Math.min(Math.max(all.length, 1), 8));
    channels.set(all);
    for (const [node, kind] of [[app, "home"], [people, "people"]]) node.toggleAttribute("aria-current", here(kind));
  });
}

function here(kind, id) {
  return state.place.kind === kind && (id === undefined || state.place.id === id);
}

function place(title, where, id, mark) {
  return el("button", { type: "button", class: "place", id: `place-${id}`, onclick: () => changePlace(where) }, mark, title);
}

function channelRow(channel) {
  const count = state.unread.get(channel.id) ?? 0;
  return el("button", { type: "button", class: `place channel${count ? " unread" : ""}`, onclick: () => changePlace({ kind: "channel", id: channel.id }),
    "aria-current": here("channel", channel.id) ? "page" : undefined },
  el("span", { class: "channel-name" }, channelName(channel), channel.archived && " (archived)"),
  count > 0 && el("span", { class: "count", "aria-label": `${count} new` }, count > 99 ? "99+" : String(count)));
}

/// User groups, which light up when they change.
function groupList() {
  const title = el("h2", {}, "User groups");
  const search = el("input", { type: "search", class: "filter", placeholder: "Filter groups", "aria-label": "Filter groups", hidden: true });
  const list = new WindowList({ label: "User groups", rowHeight: GROUP_ROW, key: (one) => one.id, render: groupRow, className: "groups",
    like: (one) => `${one.users.join()}|${one.handle}|${one.disabled}|${one.litAt ?? 0}`, empty: () => (state.groups.size ? "No user group is called so." : "There are no user groups.") });
  const draw = () => {
    const wanted = search.value.trim().replace(/^@/, "").toLowerCase();
    const all = [...state.groups.values()].sort((a, b) => inOrder(a.handle, b.handle));
    setText(title, all.length ? `User groups (${all.length})` : "User groups");
    search.hidden = all.length < FILTER_FROM;
    list.set(wanted ? all.filter((one) => `${one.handle} ${one.name}`.toLowerCase().includes(wanted)) : all);
  };
  search.addEventListener("input", draw);
  on("groups users", draw);
  return [title, search, list.node];
}

function groupRow(group) {
  const members = group.users.map((id) => names.user(id)?.name ?? id);
  const lit = group.litAt && performance.now() - group.litAt < LIT_MS;
  const text = group.disabled ? "disabled" : members.join(", ") || "nobody";
  const row = el("div", { class: `group${lit ? " lit" : ""}${group.disabled ? " off" : ""}`, "data-group": group.handle, title: `${group.name}: ${text}` },
    el("span", { class: "handle" }, `@${group.handle}`),
    el("span", { class: "members" }, members.slice(0, 3).map((name) => avatar(name, "small")), el("span", { class: "ellipsis" }, text)));
  if (lit) row.addEventListener("animationend", () => row.classList.remove("lit"));
  return row;
}

/// Everybody, and in which systems they are.
function peoplePane() {
  const search = el("input", { type: "search", class: "filter", placeholder: "Find a person", "aria-label": "Find a person" });
  const list = new WindowList({ label: "People", rowHeight: PERSON_ROW, key: (one) => one.id, render: personRow, className: "people",
    like: (one) => JSON.stringify([one, one.systems]), empty: () => "Nobody is called so." });
  const count = el("span", { class: "quiet" });
  const draw = () => {
    if (!list.node.isConnected) return;
    const wanted = search.value.trim().toLowerCase();
    const all = everybody();
    setText(count, `${all.length} people`);
    list.set(all.filter((one) => `${one.name} ${one.handle} ${one.email}`.toLowerCase().includes(wanted)));
  };
  search.addEventListener("input", draw);
  on("users people place", draw);
  return {
    node: el("div", { class: "pane" }, el("div", { class: "pane-head" }, el("h2", {}, "People"), count), el("div", { class: "pane-tools" }, search), list.node),
    open: draw,
  };
}

/// Those in Slack, then those whom only a scheduling system knows.
function everybody() {
  const systems = new Map();
  const outside = new Map();
  const inSlack = new Set([...state.users.values()].map((user) => user.key));
  for (const [system, people] of Object.entries(state.people)) {
    for (const person of people) {
      if (person.deleted) continue;
      if (!systems.has(person.key)) systems.set(person.key, []);
      systems.get(person.key).push(system);
      if (!inSlack.has(person.key)) outside.set(person.key, person);
    }
  }
  const users = [...state.users.values()].map((user) => ({ ...user, systems: systems.get(user.key) ?? [] }));
  const others = [...outside.values()].map((one) => ({ id: `only-${one.key}`, key: one.key, name: one.name, email: one.email, handle: "", systems: systems.get(one.key) }));
  return [...users, ...others].sort((a, b) => a.name.localeCompare(b.name));
}

function personRow(person) {
  const tags = [person.kind === "bot" ? "app" : person.kind !== "member" && person.kind, person.deleted && "deactivated", !person.handle && "not in Slack"].filter(Boolean);
  return el("div", { class: `person${person.deleted || !person.handle ? " off" : ""}` }, avatar(person.name, "small"),
    el("span", { class: "person-name ellipsis" }, person.name, person.handle && el("span", { class: "quiet" }, ` @${person.handle}`)),
    tags.map((tag) => el("span", { class: "badge" }, tag)),
    person.deleted && el("button", { type: "button", class: "button small", "aria-label": `Bring back ${person.name}`, onclick: () => setDeactivated(person.key, false) }, "Bring back"),
    el("span", { class: "quiet person-systems ellipsis" }, person.systems.map((system) => SYSTEM_NAMES[system]).join(", ")));
}
