// A channel: its messages and the composer.
import { arrange, avatar, dateAndTime, el, setText, show, timeOfDay, toast } from "./dom.js";
import { renderBlock } from "./blockkit.js";
import { composer } from "./composer.js";
import { mrkdwn } from "./mrkdwn.js";
import { control } from "./api.js";
import { channelName, messagesIn, names, on, state } from "./store.js";

const FIRST = 30;
const CHUNK = 60;
const MOST = 4 * CHUNK;
const AT_END_PX = 60;
const NEAR_PX = 40;
const FETCHED = 200;
const SAME_SPEAKER_S = 300;

export function channelPane() {
  const title = el("h2", {});
  const about = el("span", { class: "quiet" });
  const older = el("button", { type: "button", class: "button older", onclick: () => more(true) });
  const newer = el("button", { type: "button", class: "button older", onclick: () => more(false), hidden: true });
  const list = el("div", { class: "messages", role: "log", "aria-label": "Messages", "aria-live": "off", tabindex: "0" });
  const box = el("div", { class: "messages-box" }, older, list, newer);
  const compose = composer();
  const node = el("div", { class: "pane" }, el("div", { class: "pane-head" }, title, about), box, compose.node);
  let channel = "";
  let reader = "";
  let from = 0;       // of the messages that are elements: the first, and one past the last
  let to = 0;
  let rows = [];      // {message, node}
  let pinned = true;  // at the end, and to stay there

  const all = () => messagesIn(channel);
  const atEnd = () => box.scrollHeight - box.scrollTop - box.clientHeight < AT_END_PX;

  function draw(anew) {
    if (!node.isConnected) return;
    const count = all().length;
    const follow = anew || (pinned && newer.hidden);
    if (anew) {
      rows = [];
      list.replaceChildren();
    }
    if (anew || (follow && count - from > MOST)) from = Math.max(0, count - FIRST);
    if (follow || count < to) to = count;
    place();
    if (follow) toEnd();
  }

  /// When the frame is drawn: asking for a height before that would lay everything out twice.
  function toEnd() {
    pinned = true;
    requestAnimationFrame(() => pinned && (box.scrollTop = box.scrollHeight));
  }

  /// Makes the rows those of the messages in sight, keeping the elements of messages that are the same.
  function place() {
    const messages = all();
    from = Math.min(from, messages.length);
    to = Math.min(to, messages.length);
    const known = new Map(rows.map((row) => [row.message, row.node]));
    let previous = messages[from - 1];
    rows = messages.slice(from, to).map((message) => {
      const row = { message, node: known.get(message) ?? messageNode(message, previous) };
      previous = message;
      return row;
    });
    const before = from + (state.more.get(channel) ?? 0);
    older.hidden = before === 0;
    setText(older, `${before} older messages`);
    newer.hidden = to >= messages.length;
    setText(newer, `${messages.length - to} newer messages`);
    if (!rows.length) return show(list, el("p", { class: "empty" }, "No messages yet. Announcements of handoffs come here."));
    arrange(list, rows.map((row) => row.node));
    return undefined;
  }

  /// Goes on upwards or downwards; what is far away stops being elements. What is in sight stays where it is.
  async function more(up) {
    if (up && from === 0) {
      const fetched = await fetchOlder(channel);
      if (!fetched) return;
      from += fetched;
      to += fetched;
    }
    const anchor = rows[up ? 0 : rows.length - 1]?.node;
    const top = anchor?.offsetTop;
    if (up) {
      from = Math.max(0, from - CHUNK);
      to = Math.min(to, from + MOST);
    } else {
      to = Math.min(all().length, to + CHUNK);
      from = Math.max(from, to - MOST);
    }
    place();
    if (anchor?.isConnected) box.scrollTop += anchor.offsetTop - top;
  }

  function open() {
    const id = state.place.id;
    const info = state.channels.get(id) ?? NOWHERE;
    const anew = id !== channel || reader !== state.me;
    channel = id;
    reader = state.me;
    setText(title, info === NOWHERE ? "No channel" : channelName(info));
    setText(about, info === NOWHERE ? "" : [members(info), info.archived && "archived"].filter(Boolean).join(" · "));
    compose.open(info);
    draw(anew);
  }
  const sized = new ResizeObserver(() => {
    if (pinned) toEnd();
    if (list.offsetHeight < box.clientHeight && !older.hidden) requestAnimationFrame(() => more(true));
  });
  sized.observe(box);
  sized.observe(list);
  box.addEventListener("scroll", () => {
    pinned = atEnd() && newer.hidden;
    if (box.scrollTop < NEAR_PX && !older.hidden) more(true);
    else if (atEnd() && !newer.hidden) more(false);
  }, { passive: true });
  on("messages", () => draw(false));
  on("channels users", () => state.place.kind === "channel" && node.isConnected && open());
  return { node, open };
}

const NOWHERE = { name: "no channel", members: [], archived: true };

let fetching = false;
/// Gets older messages than those that were told; how many.
async function fetchOlder(id) {
  const channel = state.channels.get(id);
  const known = state.messages.get(id) ?? [];
  if (fetching || !channel || !known.length || !state.more.get(id)) return 0;
  fetching = true;
  try {
    const answer = await control("messages", { channel: channel.id, before: known[0].ts, limit: FETCHED });
    state.messages.set(id, [...answer.messages, ...(state.messages.get(id) ?? [])]);
    state.more.set(id, answer.more);
    return answer.messages.length;
  } catch (error) {
    toast(error.message, "error");
    return 0;
  } finally {
    fetching = false;
  }
}

function messageNode(message, previous) {
  const speaker = state.users.get(message.user);
  const name = message.app ? "Watchbill" : (speaker?.name ?? message.user);
  const at = new Date(Number(message.ts) * 1000);
  const follows = previous && previous.user === message.user && !message.only_for && !previous.only_for && message.thread_ts === previous.thread_ts &&
    Number(message.ts) - Number(previous.ts) < SAME_SPEAKER_S && speaker?.kind !== "bot";
  const time = el("time", { datetime: at.toISOString(), title: dateAndTime(at) }, timeOfDay(at));
  const body = message.blocks?.length ? message.blocks.map((block) => renderBlock(block, surface(message)))
    : el("div", { class: "message-text" }, mrkdwn(message.text ?? "", names));
  return el("article", { class: `message${follows ? " follows" : ""}${message.only_for ? " ephemeral" : ""}`, "aria-label": `${name}, ${time.textContent}` },
    follows ? el("span", { class: "avatar-space" }) : avatar(name),
    el("div", { class: "message-main" },
      message.only_for && el("div", { class: "only-you" }, "Only visible to you"),
      message.thread_ts && el("div", { class: "only-you" }, "Answer in a thread"),
      !follows && el("div", { class: "message-head" }, el("strong", {}, name), (message.app || speaker?.kind === "bot") && el("span", { class: "badge" }, "app"), time),
      body));
}

/// What the blocks of a message can do.
function surface(message) {
  const act = async (json, block, value) => {
    try {
      await control("act", { person: state.me, channel: message.channel, ts: message.ts, action_id: json.action_id, block_id: block.block_id, confirmed: true, ...value });
    } catch (error) {
      toast(error.message, "error");
    }
  };
  return { names, act, fill: act, suggest: async () => [] };
}

function members(channel) {
  const count = channel.members?.length ?? 0;
  return count === 1 ? "1 member" : `${count} members`;
}
