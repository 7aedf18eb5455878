// Block Kit's blocks as nodes (docs.slack.dev/reference/block-kit). What stands in them is in elements.js.
import { arrange, el, uniqueId } from "./dom.js";
import { element, confirmBefore } from "./elements.js";
import { emojiText } from "./emoji.js";
import { mrkdwn } from "./mrkdwn.js";

/// A text object.
export function textOf(object, names) {
  if (!object) return [];
  if (object.type === "mrkdwn") return mrkdwn(object.text, names);
  return emojiText(object.text).split("\n").flatMap((line, index) => (index ? [el("br"), line] : [line]));
}

/// A picture of somebody else's: its address is never asked for.
function picture(image) {
  return el("span", { class: "picture", role: "img", "aria-label": image.alt_text ?? "" }, image.alt_text || "picture");
}

const BLOCKS = {
  header: (block, at) => el("h3", { class: "block-header" }, textOf(block.text, at.names)),
  divider: () => el("hr"),
  section: (block, at) => {
    const label = block.text?.text ?? "";
    return el("div", { class: "block-section" },
      el("div", { class: "block-text" },
        block.text && el("div", {}, textOf(block.text, at.names)),
        block.fields && el("div", { class: "block-fields" },
          block.fields.map((field) => el("div", {}, textOf(field, at.names))))),
      block.accessory && (block.accessory.type === "image" ? picture(block.accessory)
        : el("div", { class: "block-accessory" }, element(block.accessory, { ...at, block, label }))));
  },
  context: (block, at) => el("div", { class: "block-context" },
    block.elements.map((one) => (one.type === "image" ? picture(one) : el("span", {}, textOf(one, at.names))))),
  actions: (block, at) => el("div", { class: "block-actions" },
    block.elements.map((one) => element(one, { ...at, block, label: one.placeholder?.text ?? "" }))),
  image: (block) => el("div", {}, picture(block)),
  input: inputBlock,
  rich_text: (block, at) => el("div", { class: "block-section" }, block.elements.map((part) => richText(part, at.names))),
};

function inputBlock(block, at) {
  const error = at.errors?.[block.block_id];
  const id = uniqueId("field");
  const notes = [error && `${id}-error`, block.hint && `${id}-hint`].filter(Boolean).join(" ") || undefined;
  const label = block.label.text;
  const group = ["radio_buttons", "checkboxes"].includes(block.element.type);
  const control = element(block.element, { ...at, block, label, id, notes, invalid: Boolean(error) });
  const title = [emojiText(label), block.optional && el("span", { class: "optional" }, " (optional)")];
  return el(group ? "fieldset" : "div", { class: `block-input${error ? " wrong" : ""}`, "aria-describedby": group ? notes : undefined },
    group ? el("legend", {}, title) : el("label", { for: id }, title),
    control,
    error && el("div", { class: "field-error", id: `${id}-error`, role: "alert" }, error),
    block.hint && el("div", { class: "hint", id: `${id}-hint` }, textOf(block.hint, at.names)));
}

function richText(part, names) {
  const leaf = (one) => {
    if (one.type === "text") return one.style?.bold ? el("strong", {}, one.text) : one.style?.code ? el("code", {}, one.text) : one.text;
    if (one.type === "user") return mrkdwn(`<@${one.user_id}>`, names);
    if (one.type === "usergroup") return mrkdwn(`<!subteam^${one.usergroup_id}>`, names);
    if (one.type === "channel") return mrkdwn(`<#${one.channel_id}>`, names);
    if (one.type === "link") return mrkdwn(`<${one.url}|${one.text ?? one.url}>`, names);
    return one.text ?? "";
  };
  if (part.type === "rich_text_list") {
    return el(part.style === "ordered" ? "ol" : "ul", {}, part.elements.map((item) => el("li", {}, item.elements.map(leaf))));
  }
  const tags = { rich_text_quote: "blockquote", rich_text_preformatted: "pre" };
  return el(tags[part.type] ?? "p", {}, (part.elements ?? []).map(leaf));
}

/// Blocks that stay on screen while their view changes: whoever is the same keeps its node, and with it what is
/// typed and where the cursor is. One with an open menu or list stays until that is closed, too.
export class Blocks {
  constructor(className = "blocks") {
    this.node = el("div", { class: className });
    this.shown = new Map();
    this.node.addEventListener("folded", () => this.update(...this.last));
  }

  /// `at`: {names, view, state, errors, act, fill, suggest}; see elements.js.
  update(blocks, at) {
    this.last = [blocks, at];
    const focus = this.focused();
    const next = new Map();
    const nodes = blocks.map((block, index) => {
      const key = block.block_id ?? `#${index}`;
      const like = JSON.stringify([block, at.errors?.[block.block_id] ?? null, at.frozen ?? false]);
      const old = this.shown.get(key);
      const inUse = old?.node.querySelector('[aria-expanded="true"]');
      const entry = old && (old.like === like || inUse) ? old : { like, node: renderBlock(block, at) };
      next.set(key, entry);
      return entry.node;
    });
    this.shown = next;
    arrange(this.node, nodes);
    this.refocus(focus);
  }

  focused() {
    const active = document.activeElement;
    if (!active || !this.node.contains(active) || !active.dataset.action) return null;
    const typed = "selectionStart" in active ? [active.selectionStart, active.selectionEnd] : null;
    return { active, action: active.dataset.action, block: active.dataset.block, typed };
  }

  refocus(focus) {
    if (!focus || document.activeElement === focus.active) return;
    const same = [...this.node.querySelectorAll("[data-action]")].find(
      (one) => one.dataset.action === focus.action && one.dataset.block === focus.block);
    const target = focus.active.isConnected ? focus.active : same;
    target?.focus({ preventScroll: true });
    try {
      if (focus.typed && target) target.setSelectionRange(...focus.typed);
    } catch {
      // Not every input has a selection.
    }
  }
}

export function renderBlock(block, at) {
  const render = BLOCKS[block.type];
  if (!render) return el("div", { class: "block-unknown" }, `(a block of type "${block.type}")`);
  const node = render(block, at);
  if (block.block_id) node.setAttribute("data-block-id", block.block_id);
  return node;
}

export { confirmBefore };
