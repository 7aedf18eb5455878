// Making elements. Text only ever becomes text: nothing in this page parses HTML.

/// `el("button", {class: "primary", type: "button", onclick: f}, "Save")`. Properties that are undefined, null or
/// false are left out; `true` gives an empty attribute; names beginning with "on" are listeners; `style` is an object.
export function el(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

const SVG = "http://www.w3.org/2000/svg";
export function svg(tag, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

function fill(node, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, one] of Object.entries(value)) node.style.setProperty(key, one);
    else if (name === "value") node.value = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/// Puts exactly these children into `parent`.
export function show(parent, ...children) {
  parent.replaceChildren(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
}

/// The same, but those that stay are not touched: they keep what has the focus, and an open menu.
export function arrange(parent, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, index) => {
    if (parent.children[index] !== node) parent.insertBefore(node, parent.children[index] ?? null);
  });
}

/// Sets the text only if it differs, so that a selection in it survives.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

let nextId = 1;
/// An id that no other element has.
export function uniqueId(stem = "e") {
  return `${stem}-${nextId++}`;
}

/// Says that the menu or list of `node` is closed: what waited for that is drawn when the click is over.
export function folded(node) {
  setTimeout(() => node.dispatchEvent(new Event("folded", { bubbles: true })));
}

let live = null;
/// Tells people who listen instead of looking.
export function announce(text) {
  if (!live) {
    live = el("div", { class: "sr-only", role: "status", "aria-live": "polite" });
    document.body.append(live);
  }
  live.textContent = text;
}

let toastTimer = 0;
/// A line at the bottom that goes away by itself: what went wrong, or what was done.
export function toast(text, kind = "info") {
  let box = document.getElementById("toast");
  if (!box) {
    box = el("div", { id: "toast", role: "alert" });
    document.body.append(box);
  }
  // A modal dialog covers all that is not in it.
  const dialog = [...document.querySelectorAll("dialog[open]")].pop();
  (dialog ?? document.body).append(box);
  box.className = `toast ${kind}`;
  box.textContent = text;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => box.remove(), 6000);
}

/// Initials in a circle whose colour depends on the name alone.
export function avatar(name, className = "") {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const letters = [words[0], words.length > 1 ? words[words.length - 1] : ""].map((word) => [...(word ?? "")][0] ?? "");
  return el("span", { class: `avatar tint-${tint(name)} ${className}`, "aria-hidden": "true" },
    letters.join("").toUpperCase() || "?");
}

/// One of eight colours for a name.
export function tint(name) {
  let hash = 7;
  for (const character of name) hash = (hash * 31 + character.codePointAt(0)) % 997;
  return hash % 8;
}

const two = (number) => String(number).padStart(2, "0");

/// "09:05:00". By hand: the browser's own needs a formatter for each call.
export function timeOfDay(date) {
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/// "2026-11-22 09:05:00"
export function dateAndTime(date) {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${timeOfDay(date)}`;
}
