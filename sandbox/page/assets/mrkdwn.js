// Slack's mrkdwn as nodes: formatting, mentions, links, date tokens (docs.slack.dev/messaging/formatting-message-text).
import { el } from "./dom.js";
import { emojiText } from "./emoji.js";

const MARKS = { "*": "strong", _: "em", "~": "s" };

export function decode(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

/// `names` answers user(id), group(id) and channel(id) with {name} or nothing, and has `me`, the reader's id.
export function mrkdwn(text, names) {
  const nodes = [];
  const fence = /```\n?([\s\S]*?)\n?```/g;
  let end = 0;
  for (const match of text.matchAll(fence)) {
    nodes.push(...paragraphs(text.slice(end, match.index), names));
    nodes.push(el("pre", { class: "code-block" }, decode(match[1])));
    end = match.index + match[0].length;
  }
  nodes.push(...paragraphs(text.slice(end), names));
  return nodes;
}

/// The same as plain text, for names and notifications.
export function plainOf(text, names) {
  return mrkdwn(text, names).map((node) => node.textContent ?? String(node)).join("");
}

/// Lines, of which those that begin with ">" are quoted.
function paragraphs(text, names) {
  const nodes = [];
  const lines = text.split("\n");
  for (let i = 0; i < lines.length; ++i) {
    const quoted = /^(?:>|&gt;)\s?(.*)$/.exec(lines[i]);
    if (quoted) {
      const quote = el("blockquote", {}, inline(quoted[1], names));
      while (i + 1 < lines.length && /^(?:>|&gt;)/.test(lines[i + 1])) {
        quote.append(el("br"), ...inline(lines[++i].replace(/^(?:>|&gt;)\s?/, ""), names));
      }
      nodes.push(quote);
      continue;
    }
    if (i > 0 && nodes.at(-1)?.tagName !== "BLOCKQUOTE") nodes.push(el("br"));
    nodes.push(...inline(lines[i], names));
  }
  return nodes;
}

function wordAt(text, index) {
  return index >= 0 && index < text.length && /[\p{L}\p{N}]/u.test(text[index]);
}

/// Where the mark that opens at `from` closes, or -1.
function closing(text, from, mark) {
  if (wordAt(text, from - 1) || /\s|^$/.test(text[from + 1] ?? "")) return -1;
  for (let i = from + 1; i < text.length; ++i) {
    if (text[i] === "<" && text.indexOf(">", i) > 0) i = text.indexOf(">", i);
    else if (text[i] === "`" && text.indexOf("`", i + 1) > 0) i = text.indexOf("`", i + 1);
    else if (text[i] === mark && i > from + 1 && !/\s/.test(text[i - 1]) && !wordAt(text, i + 1)) return i;
  }
  return -1;
}

function inline(text, names) {
  const nodes = [];
  let plain = "";
  const flush = () => {
    if (plain) nodes.push(document.createTextNode(emojiText(decode(plain))));
    plain = "";
  };
  for (let i = 0; i < text.length; ++i) {
    const character = text[i];
    let end = -1;
    let node = null;
    if (character === "`" && (end = text.indexOf("`", i + 1)) > i + 1) {
      node = el("code", {}, decode(text.slice(i + 1, end)));
    } else if (character === "<" && (end = text.indexOf(">", i)) > i + 1) {
      node = token(text.slice(i + 1, end), names);
    } else if (MARKS[character] && (end = closing(text, i, character)) > 0) {
      node = el(MARKS[character], {}, inline(text.slice(i + 1, end), names));
    }
    if (!node) {
      plain += character;
      continue;
    }
    flush();
    nodes.push(node);
    i = end;
  }
  flush();
  return nodes;
}

/// What stands between < and >.
function token(content, names) {
  const bar = content.indexOf("|");
  const target = bar < 0 ? content : content.slice(0, bar);
  const label = bar < 0 ? "" : decode(content.slice(bar + 1));
  if (target.startsWith("@")) {
    const id = target.slice(1);
    const mine = id === names.me ? " mine" : "";
    return el("span", { class: `mention${mine}`, "data-user": id }, `@${names.user(id)?.name ?? (label || id)}`);
  }
  if (target.startsWith("#")) {
    const id = target.slice(1);
    return el("span", { class: "mention" }, `#${names.channel(id)?.name ?? (label || id)}`);
  }
  if (target.startsWith("!subteam^")) {
    const id = target.slice("!subteam^".length);
    const handle = names.group(id)?.handle;
    return el("span", { class: "mention", "data-group": id }, handle ? `@${handle}` : label || `@${id}`);
  }
  if (target.startsWith("!date^")) return dateToken(target, label);
  if (target.startsWith("!")) return el("span", { class: "mention" }, `@${label || target.slice(1)}`);
  if (/^(https?|mailto):/i.test(target)) {
    return el("a", { href: decode(target), target: "_blank", rel: "noopener noreferrer" },
      label || decode(target).replace(/^mailto:/, ""));
  }
  return document.createTextNode(decode(`<${content}>`));
}

const DAY = 86_400_000;
const HALF_A_YEAR = 182 * DAY;
/// Of 24 hours, as the timelines.
const CLOCK = { hour: "2-digit", hourCycle: "h23" };
/// Slack leaves out a year that is near.
const written = (date, parts) => date.toLocaleDateString("en", Math.abs(date - Date.now()) < HALF_A_YEAR ? parts : { ...parts, year: "numeric" });
const PARTS = {
  date_num: (date) => date.toLocaleDateString("sv-SE"),
  date: (date) => written(date, { month: "long", day: "numeric" }),
  date_short: (date) => written(date, { month: "short", day: "numeric" }),
  date_long: (date) => written(date, { weekday: "long", month: "long", day: "numeric" }),
  time: (date) => date.toLocaleTimeString("en", { ...CLOCK, minute: "2-digit" }),
  time_secs: (date) => date.toLocaleTimeString("en", { ...CLOCK, minute: "2-digit", second: "2-digit" }),
};

/// "today" and its neighbours, for the forms that are called pretty.
function pretty(date, otherwise) {
  const midnight = (day) => new Date(day.getFullYear(), day.getMonth(), day.getDate()).getTime();
  const days = Math.round((midnight(date) - midnight(new Date())) / DAY);
  return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days] ?? otherwise(date);
}

/// "!date^1700000000^{date_short_pretty} at {time}^https://link"
function dateToken(target, fallback) {
  const [, stamp, form = "", link] = target.split("^");
  const date = new Date(Number(stamp) * 1000);
  if (!/^\d+$/.test(stamp ?? "") || Number.isNaN(date.getTime())) return document.createTextNode(fallback);
  const text = form.replace(/\{(\w+)\}/g, (whole, name) => {
    if (name === "ago") return ago(Date.now() - date.getTime());
    const relaxed = /^(date|date_short|date_long)_pretty$/.exec(name);
    if (relaxed) return pretty(date, PARTS[relaxed[1]]);
    return PARTS[name] ? PARTS[name](date) : whole;
  });
  const time = el("time", { datetime: date.toISOString(), title: date.toLocaleString("en", { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" }) }, decode(text));
  return link ? el("a", { href: link, target: "_blank", rel: "noopener noreferrer" }, time) : time;
}

export function ago(milliseconds) {
  const seconds = Math.abs(Math.round(milliseconds / 1000));
  const [count, unit] = seconds < 90 ? [seconds, "second"] : seconds < 5400 ? [Math.round(seconds / 60), "minute"]
    : seconds < 129_600 ? [Math.round(seconds / 3600), "hour"] : [Math.round(seconds / 86_400), "day"];
  const text = `${count} ${unit}${count === 1 ? "" : "s"}`;
  return milliseconds >= 0 ? `${text} ago` : `in ${text}`;
}
