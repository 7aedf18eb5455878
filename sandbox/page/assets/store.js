// What is known of the sandbox's world, and who wants to hear of which change.
import { listen } from "./api.js";
import { takeOver } from "./events.js";
import { tabStore } from "./keep.js";

const FLUSH_MS = 16;

export const state = {
  connected: false,
  ready: false,
  offset: 0,              // the sandbox's clock minus ours, ms
  team: "",
  commands: [],
  users: new Map(),       // id -> {id, key, handle, name, email, kind, deleted, assignable}
  byKey: new Map(),       // the same by key
  groups: new Map(),      // id -> {id, handle, name, users, disabled, litAt, ...}
  channels: new Map(),    // id -> {id, name, private, archived, direct, members, count}
  messages: new Map(),    // channel -> [message, ...], oldest first
  more: new Map(),        // channel -> how many older messages there are that were not told
  ephemerals: [],         // {user, channel, ts, text, blocks}
  surfaces: new Map(),    // user id -> {home, modals}
  schedules: new Map(),   // ref -> {ref, system, id, name, on_call, slack, shifts, from, to, ...}
  people: {},             // system -> [{id, key, name, email, deleted}]
  requests: [],           // oldest first
  faults: [],
  rate: null,             // Slack's limits: {off, scale}
  daemon: null,           // {state, pid, since, starts, status}, or null: this sandbox has no watchbilld
  handoffs: [],           // newest first
  me: "",                 // the person one acts as: a key
  place: { kind: "channel", id: "" },
  unread: new Map(),      // channel -> number
  submitted: false,       // a form of the app was sent from this page, and accepted
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

/// Tells at once what was touched.
export function flush() {
  clearTimeout(timer);
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
  return state.byKey.get(state.me) ?? null;
}

/// What a person sees of the app.
export function surface() {
  return state.surfaces.get(me()?.id) ?? { home: null, modals: [] };
}

/// What stands in a channel for the person one acts as: the messages of all, and those for him alone.
export function messagesIn(channel) {
  const all = state.messages.get(channel) ?? [];
  const mine = state.ephemerals.filter((one) => one.channel === channel && one.user === me()?.id);
  if (!mine.length) return all;
  return [...all, ...mine].sort((a, b) => inOrder(a.ts, b.ts));
}

/// For names of lower-case letters: the order of a language costs 10 ms before its first answer.
export const inOrder = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

export function channelName(channel) {
  return `${channel.private ? "🔒" : "#"}${channel.name}`;
}

/// What the person one acts as can see, by name.
export function visibleChannels() {
  const reader = me();
  const sees = (channel) => {
    if (channel.direct) return false;
    return channel.private || reader?.kind === "guest" ? Boolean(reader && channel.members.includes(reader.id)) : true;
  };
  return [...state.channels.values()].filter(sees).sort((a, b) => inOrder(a.name, b.name));
}

export function humans() {
  return [...state.users.values()].filter((user) => user.kind !== "bot" && !user.deleted);
}

/// Those who left.
export function deactivated() {
  return [...state.users.values()].filter((user) => user.kind !== "bot" && user.deleted);
}

export function changePlace(place) {
  state.place = place;
  if (place.kind === "channel") state.unread.delete(place.id);
  tabStore.set("place", JSON.stringify(place));
  touch("place", "unread");
}

export function actAs(key) {
  state.me = key;
  tabStore.set("me", key);
  touch("me", "place", "users", "channels", "messages", "surface");
}

/// What mrkdwn and selects need to know of names.
const conversations = (allowed) => ({
  all: (filter) => visibleChannels().filter((channel) => allowed(channel, filter?.include))
    .map((channel) => ({ value: channel.id, text: channelName(channel) })),
  name: (id) => (state.channels.has(id) ? channelName(state.channels.get(id)) : id),
});
export const names = {
  user: (id) => state.users.get(id),
  group: (id) => state.groups.get(id),
  channel: (id) => state.channels.get(id),
  get me() {
    return me()?.id;
  },
  choices: {
    users: {
      all: () => humans().map((user) => ({ value: user.id, text: user.name, description: `@${user.handle}` })),
      name: (id) => state.users.get(id)?.name ?? id,
    },
    conversations: conversations((channel, include) => !include || include.includes(channel.private ? "private" : "public")),
    channels: conversations((channel) => !channel.private),
  },
};

/// Opens the stream.
export function begin() {
  listen(takeOver(state, touch, flush), (connected) => {
    state.connected = connected;
    touch("connected");
  });
}
