// A channel: its messages and the composer.
import { avatar, el, setText, show, toast } from "./dom.js";
import { renderBlock } from "./blockkit.js";
import { composer } from "./composer.js";
import { mrkdwn } from "./mrkdwn.js";
import { channelName, control, me, names, on, state } from "./store.js";

const CHUNK = 60;
const AT_END_PX = 60;
const SAME_SPEAKER_S = 300;

export function channelPane() {
  const title = el("h2", {});
  const about = el("span", { class: "quiet" });
  const older = el("button", { type: "button", class: "button older", onclick: () => more() });
  const list = el("div", { class: "messages", role: "log", "aria-label": "Messages", "aria-live": "off", tabindex: "0" });
  const box = el("div", { class: "messages-box" }, older, list);
  const compose = composer();
  const node = el("div", { class: "pane" }, el("div", { class: "pane-head" }, title, about), box, compose.node);
  let channel = "";
  let reader = "";
  let from = 0;       // index of the first message that is an element
  let rows = [];      // {message, node}

  const all = () => (state.messages.get(channel) ?? []).filter((one) => !one.only_for || one.only_for === me()?.id);
  const atEnd = () => box.scrollHeight - box.scrollTop - box.clientHeight < AT_END_PX;

  function draw(anew) {
    if (!node.isConnected) return;
    const messages = all();
    const end = anew || atEnd();
    if (anew) {
      from = Math.max(0, messages.length - CHUNK);
      rows = [];
      list.replaceChildren();
    } else if (end && messages.length - from > CHUNK * 3) {
      from = messages.length - CHUNK;  // what scrolled away need not stay
    }
    place(messages.slice(from), messages[from - 1]);
    older.hidden = from === 0;
    setText(older, `${from} older messages`);
    if (end) box.scrollTop = box.scrollHeight;
  }

  /// Makes the rows those of `messages`, keeping elements of messages that are the same.
  function place(messages, before) {
    const known = new Map(rows.map((row) => [row.message, row.node]));
    let previous = before;
    rows = messages.map((message) => {
      const row = { message, node: known.get(message) ?? messageNode(message, previous) };
      previous = message;
      return row;
    });
    if (!rows.length) return show(list, el("p", { class: "empty" }, "No messages yet. Announcements of handoffs come here."));
    const wanted = new Set(rows.map((row) => row.node));
    for (const child of [...list.children]) if (!wanted.has(child)) child.remove();
    rows.forEach((row, index) => {
      if (list.children[index] !== row.node) list.insertBefore(row.node, list.children[index] ?? null);
    });
    return undefined;
  }

  function more() {
    const height = box.scrollHeight;
    from = Math.max(0, from - CHUNK);
    const messages = all();
    place(messages.slice(from), messages[from - 1]);
    older.hidden = from === 0;
    setText(older, `${from} older messages`);
    box.scrollTop += box.scrollHeight - height;
  }

  function open() {
    const id = state.place.id;
    const info = state.channels.get(id);
    if (!info) return;
    const anew = id !== channel || reader !== state.me;
    channel = id;
    reader = state.me;
    setText(title, channelName(info));
    setText(about, [members(info), info.archived && "archived"].filter(Boolean).join(" · "));
    compose.open(info);
    draw(anew);
  }
  box.addEventListener("scroll", () => box.scrollTop < 40 && from > 0 && more(), { passive: true });
  on("messages", () => draw(false));
  on("channels users", () => state.place.kind === "channel" && node.isConnected && open());
  return { node, open };
}

function messageNode(message, previous) {
  const speaker = state.users.get(message.user);
  const name = speaker?.name ?? message.user ?? "Watchbill";
  const at = new Date(Number(message.ts) * 1000);
  const follows = previous && previous.user === message.user && !message.only_for && !previous.only_for &&
    Number(message.ts) - Number(previous.ts) < SAME_SPEAKER_S && !speaker?.bot;
  const time = el("time", { datetime: at.toISOString(), title: at.toLocaleString("en") },
    at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" }));
  const body = message.blocks?.length ? message.blocks.map((block) => renderBlock(block, surface(message)))
    : el("div", { class: "message-text" }, mrkdwn(message.text ?? "", names));
  return el("article", { class: `message${follows ? " follows" : ""}${message.only_for ? " ephemeral" : ""}`, "aria-label": `${name}, ${time.textContent}` },
    follows ? el("span", { class: "avatar-space" }) : avatar(name),
    el("div", { class: "message-main" },
      message.only_for && el("div", { class: "only-you" }, "Only visible to you"),
      !follows && el("div", { class: "message-head" }, el("strong", {}, name), speaker?.bot && el("span", { class: "badge" }, "app"), time),
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
