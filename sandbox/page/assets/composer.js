// Where messages and slash commands are typed, with completion of commands, people, groups and channels.
import { el, show, toast, uniqueId } from "./dom.js";
import { control } from "./api.js";
import { state, visibleChannels } from "./store.js";

const SHOWN = 8;

export function composer() {
  let channel = null;
  let offers = [];
  let active = 0;
  const id = uniqueId("offers");
  const list = el("div", { class: "offers", id, role: "listbox", "aria-label": "Completions", hidden: true });
  list.addEventListener("mousedown", (event) => event.preventDefault());
  const input = el("textarea", { class: "composer-input", rows: "1", role: "combobox", "aria-expanded": "false", "aria-controls": id,
    "aria-autocomplete": "list", "aria-label": "Message or command", id: "composer", spellcheck: "false" });
  const note = el("div", { class: "composer-note", role: "status" });
  const send = el("button", { type: "submit", class: "button primary" }, "Send");
  const form = el("form", { class: "composer" }, list, input, send);

  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };

  function activate(index) {
    active = index;
    [...list.children].forEach((row, at) => {
      row.classList.toggle("active", at === index);
      row.setAttribute("aria-selected", String(at === index));
    });
    if (list.children[index]) input.setAttribute("aria-activedescendant", list.children[index].id);
  }

  function offer() {
    const found = completions(input.value, input.selectionStart);
    offers = found.options;
    if (!offers.length) return close();
    show(list, offers.map((option, index) => el("div", { class: "combo-option", role: "option", id: uniqueId("offer"), onclick: () => take(index) },
      el("span", {}, option.text), option.about && el("small", {}, option.about))));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    return activate(0);
  }

  function take(index) {
    const { from, to } = completions(input.value, input.selectionStart);
    const text = `${offers[index].text} `;
    input.setRangeText(text, from, to, "end");
    close();
    input.focus();
    if (/^\/\S+ $/.test(input.value)) offer();
  }

  input.addEventListener("input", offer);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    const open = !list.hidden;
    if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      activate((active + (event.key === "ArrowDown" ? 1 : offers.length - 1)) % offers.length);
    } else if (open && (event.key === "Tab" || (event.key === "Enter" && offers[active] && !complete(input.value, offers[active].text)))) {
      event.preventDefault();
      take(active);
    } else if (open && event.key === "Escape") {
      event.preventDefault();
      close();
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (!text || !channel) return;
    close();
    input.value = "";
    note.textContent = "";
    try {
      if (text.startsWith("/")) note.textContent = await runCommand(text, channel);
      else await control("message", { channel: channel.name, person: state.me, text: escaped(text) });
    } catch (error) {
      input.value = text;
      toast(error.message, "error");
    }
  });
  return {
    node: el("div", { class: "composer-box" }, form, note),
    open(info) {
      channel = info;
      input.placeholder = info.archived ? "Nothing can be written here" : `Message #${info.name}, or type /`;
      input.disabled = send.disabled = Boolean(info.archived);
    },
  };
}

/// What is typed is already all of the option.
function complete(value, text) {
  return value.trimEnd().endsWith(text);
}

async function runCommand(text, channel) {
  const [, command, rest = ""] = /^(\S+)\s*([\s\S]*)$/.exec(text);
  const answer = await control("command", { person: state.me, channel: channel.name, command, text: rest.trim(), escape: true });
  return answer.shown || "";
}

/// The word before the cursor, and what it could become.
function completions(value, cursor) {
  const word = /(?:^|\s)([/@#]?[^\s]*)$/.exec(value.slice(0, cursor))?.[1] ?? "";
  const place = { from: cursor - word.length, to: cursor };
  const starts = (text) => text.toLowerCase().startsWith(word.toLowerCase()) || text.toLowerCase().includes(word.slice(1).toLowerCase());
  let all = [];
  if (value.startsWith("/") && place.from === 0) all = commands();
  else if (word.startsWith("@")) all = mentions();
  else if (word.startsWith("#")) all = visibleChannels().map((channel) => ({ text: `#${channel.name}` }));
  else if (/^\/\S+ \S*$/.test(value)) all = words(word);
  return { ...place, options: all.filter((option) => starts(option.text)).slice(0, SHOWN) };
}

function commands() {
  const list = state.commands?.length ? state.commands : ["/oncall"];
  return list.map((text) => ({ text, about: "Watchbill: who is on call" }));
}

/// What can follow the command.
function words(word) {
  const all = [{ text: "me", about: "my own shifts" }, { text: "next", about: "who comes next" }, { text: "help", about: "what can be asked" }];
  return all.filter((option) => option.text.startsWith(word));
}

function mentions() {
  const groups = [...state.groups.values()].map((group) => ({ text: `@${group.handle}`, about: group.name }));
  const people = [...state.users.values()].filter((user) => !user.deleted).map((user) => ({ text: `@${user.handle}`, about: user.name }));
  return [...groups, ...people];
}

/// What people write, as Slack stores it: mentions become ids.
function escaped(text) {
  const safe = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return safe.replace(/@([\w.-]+)/g, (whole, name) => {
    for (const group of state.groups.values()) if (group.handle === name) return `<!subteam^${group.id}>`;
    for (const user of state.users.values()) if (user.handle === name) return `<@${user.id}>`;
    return whole;
  });
}
