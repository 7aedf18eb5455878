// What is known of the sandbox's world, and who wants to hear of which change.
import { control, listen } from "./api.js";
import { tourStore } from "./keep.js";

const FLUSH_MS = 16;
const LOG_KEPT = 5000;
const MESSAGES_KEPT = 5000;

export const state = {
  connected: false,
  ready: false,
  offset: 0,              // the sandbox's clock minus ours, ms
  team: "",
  users: new Map(),       // id -> {id, key, handle, name, email, admin, owner, guest, bot, deleted}
  groups: new Map(),      // id -> {id, handle, name, users, disabled, updated_by, ...}
  channels: new Map(),    // id -> {id, name, private, archived, direct, members}
  messages: new Map(),    // channel -> [message, ...]
  schedules: new Map(),   // "system/id" -> {system, id, name, slack, shifts, ...}
  people: {},             // system -> [{id, key, name, email, deleted}]
  log: [],                // requests, oldest first
  faults: [],
  daemon: null,           // {running, pid, since, ...} or null: without one
  status: null,           // what `watchbill status` says
  handoffs: [],           // newest first: {at, group, added, removed, lag}
  me: "",                 // the person one acts as: a key
  place: { kind: "channel", id: "" },
  unread: new Map(),      // channel -> number
};

const listeners = new Map();
const dirty = new Set();
let timer = 0;

/// `listener()` runs once soon after any of `topics` changed.
export function on(topics, listener) {
  for (const topic of topics.split(" ")) {
    if (!listeners.has(topic)) listeners.set(topic, new Set());
    listeners.get(topic).add(listener);
  }
}

export function touch(...topics) {
  for (const topic of topics) dirty.add(topic);
  if (!timer) timer = setTimeout(flush, FLUSH_MS);
}

function flush() {
  timer = 0;
  const called = new Set();
  for (const topic of [...dirty]) for (const listener of listeners.get(topic) ?? []) called.add(listener);
  dirty.clear();
  for (const listener of called) listener();
}

/// The sandbox's time in milliseconds.
export function now() {
  return Date.now() + state.offset;
}

export function me() {
  for (const user of state.users.values()) if (user.key === state.me) return user;
  return null;
}

/// What mrkdwn and selects need to know of names.
export const names = {
  user: (id) => state.users.get(id),
  group: (id) => state.groups.get(id),
  channel: (id) => state.channels.get(id),
  get me() {
    return me()?.id;
  },
  choices: {
    users: {
      all: () => [...state.users.values()].filter((user) => !user.deleted && !user.bot)
        .map((user) => ({ value: user.id, text: user.name, description: `@${user.handle}` })),
      name: (id) => state.users.get(id)?.name ?? id,
    },
  },
};
names.choices.conversations = {
  all: (filter) => visibleChannels().filter((channel) => allowed(channel, filter?.include))
    .map((channel) => ({ value: channel.id, text: channelName(channel) })),
  name: (id) => (state.channels.has(id) ? channelName(state.channels.get(id)) : id),
};
names.choices.channels = {
  all: () => visibleChannels().filter((channel) => !channel.private).map((channel) => ({ value: channel.id, text: channelName(channel) })),
  name: names.choices.conversations.name,
};

function allowed(channel, include) {
  return !include || include.includes(channel.private ? "private" : "public");
}

export function channelName(channel) {
  return `${channel.private ? "🔒" : "#"}${channel.name}`;
}

/// What the person one acts as can see, by name.
export function visibleChannels() {
  const reader = me();
  const sees = (channel) => {
    if (channel.direct) return false;
    const member = Boolean(reader && channel.members?.includes(reader.id));
    return channel.private || reader?.guest ? member : true;
  };
  return [...state.channels.values()].filter(sees).sort((a, b) => a.name.localeCompare(b.name));
}

export function changePlace(place) {
  state.place = place;
  if (place.kind === "channel") state.unread.delete(place.id);
  tourStore.set("place", JSON.stringify(place));
  touch("place", "unread");
}

export function actAs(key) {
  state.me = key;
  tourStore.set("me", key);
  touch("me", "place", "users", "channels");
}

const moment = (text) => (text ? Date.parse(text) : null);

/// Takes over what the stream tells. A patch with `hello` is everything.
export function apply(patch) {
  if (patch.hello) startOver(patch);
  if (patch.now) state.offset = moment(patch.now) - Date.now();
  if (patch.team) state.team = patch.team;
  rows("users", patch.users, patch.gone?.users);
  rows("channels", patch.channels, patch.gone?.channels);
  for (const group of patch.groups ?? []) changeGroup(group, Boolean(patch.hello));
  rows("groups", [], patch.gone?.groups);
  for (const message of patch.messages ?? []) addMessage(message, Boolean(patch.hello));
  for (const schedule of patch.schedules ?? []) {
    const shifts = (schedule.shifts ?? []).map((shift) => ({ ...shift, start: moment(shift.start), end: moment(shift.end) }));
    state.schedules.set(`${schedule.system}/${schedule.id}`, { ...schedule, shifts });
    touch("schedules");
  }
  for (const id of patch.gone?.schedules ?? []) state.schedules.delete(id) && touch("schedules");
  if (patch.log?.length) addLog(patch.log);
  for (const field of ["people", "faults", "daemon", "status"]) {
    if (field in patch) {
      state[field] = patch[field];
      touch(field);
    }
  }
  if (patch.views) {
    state.changedViews = patch.views;
    touch("views");
  }
  if (patch.hello) becomeSomebody();
}

function startOver() {
  for (const table of ["users", "groups", "channels", "messages", "schedules", "unread"]) state[table].clear();
  state.log = [];
  state.handoffs = [];
  state.ready = true;
  touch("users", "groups", "channels", "messages", "schedules", "people", "log", "faults", "daemon", "status", "handoffs",
    "me", "place", "views", "unread");
}

function becomeSomebody() {
  const humans = [...state.users.values()].filter((user) => !user.bot && !user.deleted);
  const wanted = state.me || tourStore.get("me");
  const known = humans.find((user) => user.key === wanted);
  state.me = (known ?? humans.find((user) => user.admin) ?? humans[0])?.key ?? "";
  if (state.place.kind !== "channel" || state.channels.has(state.place.id)) return;
  let kept = null;
  try {
    kept = JSON.parse(tourStore.get("place") ?? "null");
  } catch {
    kept = null;
  }
  const first = visibleChannels()[0];
  state.place = kept && (kept.kind !== "channel" || state.channels.has(kept.id)) ? kept
    : { kind: "channel", id: (visibleChannels().find((channel) => channel.name === "payments") ?? first)?.id ?? "" };
}

function rows(table, changed, gone) {
  for (const row of changed ?? []) state[table].set(row.id, row);
  for (const id of gone ?? []) state[table].delete(id);
  if (changed?.length || gone?.length) touch(table);
}

function changeGroup(group, first) {
  const before = state.groups.get(group.id);
  const added = before ? group.users.filter((id) => !before.users.includes(id)) : [];
  const removed = before ? before.users.filter((id) => !group.users.includes(id)) : [];
  const changed = !first && (added.length > 0 || removed.length > 0 || !before);
  state.groups.set(group.id, { ...group, litAt: changed ? performance.now() : before?.litAt });
  touch("groups");
  if (added.length || removed.length) noteHandoff(group, added, removed);
}

/// The boundary that this change follows: the latest of the schedules whose people are now in the group.
function noteHandoff(group, added, removed) {
  const at = now();
  let boundary = null;
  for (const schedule of state.schedules.values()) {
    for (const shift of schedule.shifts) {
      const held = shift.slack ?? [];
      if (shift.start > at || !held.length || !held.every((id) => group.users.includes(id)) || !held.some((id) => added.includes(id))) continue;
      if (shift.end !== null && shift.end < at) continue;
      if (boundary === null || shift.start > boundary) boundary = shift.start;
    }
  }
  const ours = state.users.get(group.updated_by)?.bot ?? false;
  state.handoffs.unshift({ at, group: group.id, added, removed, ours, lag: ours && boundary !== null ? at - boundary : null });
  state.handoffs.length = Math.min(state.handoffs.length, 500);
  touch("handoffs");
}

function addMessage(message, first) {
  if (!state.messages.has(message.channel)) state.messages.set(message.channel, []);
  const list = state.messages.get(message.channel);
  const old = list.findLastIndex((one) => one.ts <= message.ts);
  if (old >= 0 && list[old].ts === message.ts && list[old].only_for === message.only_for) list[old] = message;
  else list.splice(old + 1, 0, message);
  if (list.length > MESSAGES_KEPT) list.shift();
  const looking = state.place.kind === "channel" && state.place.id === message.channel;
  if (!first && !looking && (!message.only_for || message.only_for === me()?.id)) {
    state.unread.set(message.channel, (state.unread.get(message.channel) ?? 0) + 1);
    touch("unread");
  }
  touch("messages");
}

function addLog(entries) {
  for (const entry of entries) state.log.push({ ...entry, at: moment(entry.at) });
  if (state.log.length > LOG_KEPT) state.log.splice(0, state.log.length - LOG_KEPT);
  touch("log");
}

/// Opens the stream.
export function begin() {
  listen(apply, (connected) => {
    state.connected = connected;
    touch("connected");
  });
}

export { control };
