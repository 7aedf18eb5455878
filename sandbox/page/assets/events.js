// Takes over what the stream tells into the store's state (the events are described in sandbox/page/page.hpp).
import { tabStore } from "./keep.js";

const REQUESTS_KEPT = 5000;
const MESSAGES_KEPT = 5000;
const HANDOFFS_KEPT = 300;

const moment = (text) => (text ? Date.parse(text) : null);

/// One handler an event. What `touch` touched is drawn soon, by `flush` now.
export function takeOver(state, touch, flush) {
  /// Rows of `table` as a whole; `change(row, before)` may say what is kept instead.
  const rows = (table, data, key, change = (row) => row) => {
    if (data.reset) state[table].clear();
    for (const row of data[table] ?? []) state[table].set(row[key], change(row, state[table].get(row[key]), data.reset));
    for (const id of data.gone ?? []) state[table].delete(id);
    touch(table);
  };

  /// A group that changed while somebody looks lights up.
  const group = (row, before, reset) => {
    const same = before && before.users.join() === row.users.join() && before.disabled === row.disabled;
    return { ...row, litAt: reset || !state.ready || same ? before?.litAt : performance.now() };
  };

  const unread = (data) => {
    const looking = state.place.kind === "channel" && state.place.id === data.channel;
    if (!state.ready || data.replace || looking) return;
    state.unread.set(data.channel, (state.unread.get(data.channel) ?? 0) + data.messages.length);
    touch("unread");
  };

  const messages = (data) => {
    const before = data.replace ? [] : (state.messages.get(data.channel) ?? []);
    state.messages.set(data.channel, [...before, ...data.messages].slice(-MESSAGES_KEPT));
    if (data.replace || !state.more.has(data.channel)) state.more.set(data.channel, data.more);
    unread(data);
    touch("messages");
  };

  const schedule = (row) => ({
    ...row, next: moment(row.next_boundary), from: moment(row.from), to: moment(row.to),
    shifts: row.shifts.map((shift) => ({ ...shift, start: moment(shift.start), end: moment(shift.end) })),
  });

  /// Whether somebody goes who was on call in that schedule: taking over a group with other people is no handoff.
  const relieved = (ref, removed) => {
    const { people = [], overrides = [] } = state.schedules.get(ref) ?? {};
    const were = [...people, ...overrides.flatMap((one) => one.people)];
    return removed.some((id) => were.includes(state.users.get(id)?.key));
  };

  /// Whether that schedule's system is broken. One that is slow still answers.
  const isBroken = (schedule) => state.faults.some((fault) =>
    fault.kind !== "slow" && (fault.system === "all" || schedule?.startsWith(`${fault.system}/`)));

  const handoffs = (data) => {
    if (data.reset) state.handoffs = [];
    for (const one of data.handoffs) {
      const removed = one.before.filter((id) => !one.after.includes(id));
      state.handoffs.unshift({
        ...one, at: moment(one.at), ours: state.users.get(one.by)?.kind === "bot", fresh: state.ready,
        added: one.after.filter((id) => !one.before.includes(id)), removed, relieved: relieved(one.schedule, removed),
        broken: isBroken(one.schedule),
      });
    }
    state.handoffs.length = Math.min(state.handoffs.length, HANDOFFS_KEPT);
    touch("handoffs");
  };

  const requests = (data) => {
    if (data.reset) state.requests = [];
    state.requests.push(...data.entries.map((entry) => ({ ...entry, at: moment(entry.at) })));
    state.requests = state.requests.slice(-REQUESTS_KEPT);
    touch("requests");
  };

  return {
    hello: (data) => {
      state.team = data.team.name;
      state.commands = data.app.commands;
      if (!data.daemon) state.daemon = null;
      touch("team", "daemon");
    },
    time: (data) => {
      state.offset = moment(data.now) - Date.now();
    },
    users: (data) => {
      rows("users", data, "id");
      state.byKey = new Map([...state.users.values()].map((user) => [user.key, user]));
      if (state.ready && !state.byKey.has(state.me)) {
        becomeSomebody(state);
        touch("me");
      }
    },
    groups: (data) => rows("groups", data, "id", group),
    channels: (data) => {
      rows("channels", data, "id");
      for (const table of ["messages", "more", "unread"]) {
        for (const id of state[table].keys()) if (!state.channels.has(id)) state[table].delete(id);
      }
      const before = state.place;
      if (state.ready) becomeSomebody(state);
      if (state.place !== before) touch("messages", "place");
    },
    messages,
    ephemerals: (data) => {
      const own = data.messages.map((message) => ({ ...message, only_for: message.user, app: true }));
      state.ephemerals = data.replace ? own : [...state.ephemerals, ...own];
      touch("messages");
    },
    surface: (data) => {
      state.surfaces.set(data.person, data);
      touch("surface");
    },
    people: (data) => {
      state.people = data.systems;
      touch("people");
    },
    schedules: (data) => {
      rows("schedules", data, "ref", schedule);
      state.hidden = data.more ?? 0;
    },
    handoffs,
    requests,
    faults: (data) => {
      state.faults = data.faults;
      state.rate = data.rate;
      touch("faults");
    },
    daemon: (data) => {
      state.daemon = data;
      touch("daemon");
    },
    ready: () => {
      becomeSomebody(state);
      state.ready = true;
      touch("me", "place", "users", "channels", "messages", "surface", "unread");
      flush();
    },
  };
}

/// Who one was before, if he is still there; else an admin.
function becomeSomebody(state) {
  const humans = [...state.users.values()].filter((user) => user.kind !== "bot" && !user.deleted);
  const wanted = state.me || tabStore.get("me");
  const known = humans.find((user) => user.key === wanted);
  state.me = (known ?? humans.find((user) => ["admin", "owner"].includes(user.kind)) ?? humans[0])?.key ?? "";
  if (state.place.kind !== "channel" || state.channels.has(state.place.id)) return;
  state.unread.delete(state.place.id);
  const kept = keptPlace();
  const channels = [...state.channels.values()].filter((channel) => !channel.private && !channel.direct && !channel.archived);
  const first = channels.find((channel) => channel.name === "payments") ?? channels[0];
  state.place = kept && (kept.kind !== "channel" || state.channels.has(kept.id)) ? kept : { kind: "channel", id: first?.id ?? "" };
}

function keptPlace() {
  try {
    return JSON.parse(tabStore.get("place") ?? "null");
  } catch {
    return null;
  }
}
