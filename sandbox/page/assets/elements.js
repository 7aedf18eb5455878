// Block Kit's interactive elements. What a person does is told by three functions of `at`:
//   act(element, block, {value | values})   a click or a choice that the app hears of at once
//   fill(element, block, {value | values})  something typed or chosen that the app hears of when it is submitted
//   suggest(element, block, query)          -> groups of options, from the app
import { el, folded, uniqueId } from "./dom.js";
import { Combo } from "./combo.js";
import { emojiText } from "./emoji.js";
import { mrkdwn } from "./mrkdwn.js";

const TYPING_MS = 250;
const INPUT_TYPES = {
  plain_text_input: "text", email_text_input: "email", url_text_input: "url", number_input: "text",
  datepicker: "date", timepicker: "time", datetimepicker: "datetime-local",
};

export function element(json, at) {
  if (json.type === "button") return button(json, at);
  if (json.type === "overflow") return overflow(json, at);
  if (json.type === "radio_buttons" || json.type === "checkboxes") return choices(json, at);
  if (INPUT_TYPES[json.type]) return typed(json, at);
  if (json.type.endsWith("_select")) return select(json, at);
  return el("span", { class: "block-unknown" }, `(an element of type "${json.type}")`);
}

/// What the element holds: what the person left there, else its initial value.
function held(json, at) {
  return at.state?.[at.block.block_id]?.[json.action_id];
}

function marks(json, at) {
  return { "data-action": json.action_id, "data-block": at.block.block_id, disabled: at.frozen };
}

/// The app hears of it at once: everywhere but in an input block that does not ask for it.
function dispatches(at) {
  return at.block.type !== "input" || at.block.dispatch_action === true;
}

function change(json, at, value) {
  if (dispatches(at)) at.act(json, at.block, value);
  else at.fill(json, at.block, value);
}

function button(json, at) {
  const click = () => confirmBefore(json.confirm, at, () => {
    if (/^https?:/.test(json.url ?? "")) window.open(json.url, "_blank", "noopener,noreferrer");
    at.act(json, at.block, {});
  });
  return el("button", { type: "button", class: `button ${json.style ?? ""}`, ...marks(json, at), onclick: click,
    "aria-label": json.accessibility_label }, emojiText(json.text.text),
  json.url && el("span", { class: "sr-only" }, " (opens a page)"));
}

/// The three dots: a menu button.
function overflow(json, at) {
  const id = uniqueId("menu");
  const opener = el("button", { type: "button", class: "button dots", ...marks(json, at), "aria-haspopup": "menu",
    "aria-expanded": "false", "aria-controls": id, "aria-label": `More actions${at.label ? `: ${menuName(at)}` : ""}` }, "⋯");
  const pick = (option) => {
    toggle(false);
    opener.focus();
    confirmBefore(json.confirm, at, () => at.act(json, at.block, { value: option.value }));
  };
  const items = json.options.map((option) =>
    el("button", { type: "button", role: "menuitem", tabindex: "-1", onclick: () => pick(option) }, emojiText(option.text.text)));
  const menu = el("div", { class: "menu", id, role: "menu", hidden: true }, items);
  const toggle = (open) => {
    if (menu.hidden !== open) return;
    menu.hidden = !open;
    opener.setAttribute("aria-expanded", String(open));
    if (open) {
      keepInside(menu, opener);
      items[0].focus();
    } else folded(opener);
  };
  const box = el("div", { class: "menu-box" }, opener, menu);
  opener.addEventListener("click", () => toggle(menu.hidden));
  box.addEventListener("focusout", (event) => !box.contains(event.relatedTarget) && toggle(false));
  box.addEventListener("keydown", (event) => {
    const index = items.indexOf(document.activeElement);
    if (event.key === "Escape" && !menu.hidden) {
      event.stopPropagation();
      toggle(false);
      opener.focus();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (menu.hidden) toggle(true);
      else items[(index + (event.key === "ArrowDown" ? 1 : items.length - 1)) % items.length].focus();
    }
  });
  return box;
}

/// A menu that does not fit below its button, or to its left, opens to the other side.
function keepInside(menu, opener) {
  menu.classList.remove("up", "right");
  const pane = opener.closest(".home, .modal-body, .messages-box")?.getBoundingClientRect();
  const edge = { bottom: Math.min(pane?.bottom ?? Infinity, innerHeight), top: Math.max(pane?.top ?? 0, 0), left: Math.max(pane?.left ?? 0, 0) };
  const box = menu.getBoundingClientRect();
  const room = opener.getBoundingClientRect().top - edge.top;
  menu.classList.toggle("up", box.bottom > edge.bottom && box.height < room);
  menu.classList.toggle("right", box.left < edge.left);
}

/// A short name for a screen reader: the first words of the section that the menu stands in.
function menuName(at) {
  return mrkdwn(at.label.split("\n")[0], at.names).map((node) => node.textContent).join("").slice(0, 80);
}

function typed(json, at) {
  const value = held(json, at);
  const start = value ? (value.value ?? value.selected_date ?? value.selected_time ?? "") : (json.initial_value ?? json.initial_date ?? json.initial_time ?? "");
  const tells = json.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];
  const each = dispatches(at) && tells.includes("on_character_entered");
  const enter = dispatches(at) && tells.includes("on_enter_pressed");
  const node = el(json.multiline ? "textarea" : "input", {
    id: at.id, class: "text-input", ...marks(json, at), placeholder: json.placeholder?.text, rows: json.multiline ? "4" : undefined,
    type: json.multiline ? undefined : INPUT_TYPES[json.type], maxlength: json.max_length, autocomplete: "off",
    "aria-describedby": at.notes, "aria-invalid": at.invalid ? "true" : undefined, autofocus: json.focus_on_load,
    value: String(start),
  });
  let timer = 0;
  const send = (tell) => {
    clearTimeout(timer);
    timer = 0;
    const content = json.type === "datetimepicker" && node.value ? Math.round(Date.parse(node.value) / 1000) : node.value;
    return (tell ? at.act : at.fill)(json, at.block, { value: content });
  };
  node.addEventListener("input", () => {
    clearTimeout(timer);
    at.pending?.set(node, () => send(each));
    timer = setTimeout(() => {
      at.pending?.delete(node);
      send(each);
    }, TYPING_MS);
  });
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || json.multiline) return;
    if (enter) {
      event.preventDefault();
      at.pending?.delete(node);
      send(true);
    }
  });
  return node;
}

function choices(json, at) {
  const value = held(json, at);
  const radio = json.type === "radio_buttons";
  const name = uniqueId("choice");
  const before = radio ? [value ? value.selected_option : json.initial_option] : (value ? value.selected_options : json.initial_options) ?? [];
  const chosen = new Set(before.filter(Boolean).map((option) => option.value));
  const inputs = json.options.map((option) => {
    const input = el("input", { type: radio ? "radio" : "checkbox", name, ...marks(json, at), "data-value": option.value });
    input.checked = chosen.has(option.value);
    input.addEventListener("change", () => {
      const all = inputs.filter((one) => one.checked).map((one) => one.dataset.value);
      change(json, at, radio ? { value: all[0] } : { values: all });
    });
    return input;
  });
  return el("div", { class: "choices" }, json.options.map((option, index) =>
    el("label", {}, inputs[index], el("span", {}, optionText(option.text, at),
      option.description && el("small", {}, optionText(option.description, at))))));
}

function optionText(text, at) {
  return text.type === "mrkdwn" ? mrkdwn(text.text, at.names) : emojiText(text.text);
}

const simple = (option) => ({ value: option.value, text: emojiText(option.text.text), description: option.description?.text });

/// Options whose text has the query in it, from groups that are all known.
export function filtered(groups, query) {
  const wanted = query.toLowerCase();
  return groups.map((group) => ({
    label: group.label,
    options: group.options.filter((one) => one.text.toLowerCase().includes(wanted)).slice(0, 100),
  }));
}

function select(json, at) {
  const multiple = json.type.startsWith("multi_");
  const kind = json.type.replace(/^multi_/, "").replace(/_select$/, "");
  const known = at.names.choices?.[kind];  // users, conversations, channels
  const value = held(json, at);
  const chosen = known ? chosenThings(json, value, known) : chosenOptions(json, value);
  const given = (json.option_groups ?? [{ options: json.options ?? [] }]).map((group) => ({
    label: group.label?.text, options: group.options.map(simple) }));
  const load = kind === "external" ? (query) => at.suggest(json, at.block, query)
    : known ? (query) => filtered([{ options: known.all(json.filter) }], query) : (query) => filtered(given, query);
  const combo = new Combo({
    label: at.label || json.placeholder?.text || "Select", placeholder: json.placeholder?.text, multiple,
    most: json.max_selected_items, load, chosen, clearable: true, name: json.action_id, block: at.block.block_id,
    change: (all) => {
      const values = all.map((one) => one.value);
      confirmBefore(json.confirm, at, () => change(json, at, multiple ? { values } : { value: values[0] ?? null }));
    },
  });
  if (at.id) combo.input.id = at.id;
  if (at.notes) combo.input.setAttribute("aria-describedby", at.notes);
  if (at.invalid) combo.input.setAttribute("aria-invalid", "true");
  combo.input.disabled = Boolean(at.frozen);
  return combo.node;
}

function chosenOptions(json, value) {
  const options = value ? (value.selected_options ?? [value.selected_option]) : (json.initial_options ?? [json.initial_option]);
  return options.filter(Boolean).map(simple);
}

function chosenThings(json, value, known) {
  const field = Object.keys(value ?? json).find((name) => /^(selected|initial)_(user|channel|conversation)s?$/.test(name));
  return [field ? (value ?? json)[field] : null].flat().filter(Boolean).map((id) => ({ value: id, text: known.name(id) }));
}

/// Asks first, if the app wants that.
export function confirmBefore(confirm, at, go) {
  if (!confirm) return go();
  const dialog = el("dialog", { class: "confirm", "aria-labelledby": uniqueId("confirm") });
  const text = confirm.text.type === "mrkdwn" ? mrkdwn(confirm.text.text, at.names) : emojiText(confirm.text.text);
  const close = (yes) => {
    dialog.close();
    dialog.remove();
    if (yes) go();
  };
  dialog.append(
    el("h2", { id: dialog.getAttribute("aria-labelledby") }, emojiText(confirm.title.text)), el("p", {}, text),
    el("div", { class: "dialog-buttons" },
      el("button", { type: "button", class: "button", onclick: () => close(false) }, emojiText(confirm.deny.text)),
      el("button", { type: "button", class: `button ${confirm.style ?? "primary"}`, onclick: () => close(true) },
        emojiText(confirm.confirm.text))));
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    close(false);
  });
  document.body.append(dialog);
  dialog.showModal();
  return undefined;
}
