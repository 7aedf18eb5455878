// The app's modals: a stack, of which the topmost is shown.
import { el, setText, show, toast } from "./dom.js";
import { control } from "./api.js";
import { Blocks } from "./blockkit.js";
import { emojiText } from "./emoji.js";
import { on, state, surface } from "./store.js";
import { settle, surfaceOf } from "./view.js";

let parts = null;       // the dialog and what is in it
let top = null;         // the modal that is shown
let before = null;      // what had the focus before
let submitted = false;  // the next errors are news

export function startModals() {
  on("surface me", draw);
}

function build() {
  const title = el("h2", { id: "modal-title" });
  const back = el("button", { type: "button", class: "button", onclick: () => close(false) });
  const submit = el("button", { type: "submit", class: "button primary" });
  const trouble = el("div", { class: "field-error modal-trouble", role: "alert" });
  const body = el("div", { class: "modal-body" });
  const cross = el("button", { type: "button", class: "button dots", "aria-label": "Close all", onclick: () => close(true) }, "×");
  const form = el("form", { novalidate: true }, el("div", { class: "modal-head" }, title, cross), trouble, body,
    el("div", { class: "dialog-buttons" }, back, submit));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  const dialog = el("dialog", { class: "modal", "aria-labelledby": "modal-title" }, form);
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    close(false);
  });
  document.body.append(dialog);
  return { dialog, title, back, submit, trouble, body, blocks: null };
}

function draw() {
  const next = surface().modals.at(-1) ?? null;
  if (!next) return hide();
  parts ??= build();
  const fresh = next.view.id !== top?.view.id;
  top = next;
  const view = top.view;
  if (fresh) {
    parts.blocks = new Blocks();
    show(parts.body, parts.blocks.node);
  }
  setText(parts.title, emojiText(view.title?.text ?? ""));
  setText(parts.back, emojiText(view.close?.text ?? "Close"));
  parts.submit.hidden = !view.submit;
  parts.submit.disabled = Boolean(top.loading);
  setText(parts.submit, emojiText(view.submit?.text ?? ""));
  setText(parts.trouble, top.trouble ?? "");
  parts.trouble.hidden = !top.trouble;
  parts.blocks.update(view.blocks, surfaceOf(top));
  if (!parts.dialog.open) {
    before = document.activeElement;
    parts.dialog.showModal();
  }
  return focusField(fresh);
}

function hide() {
  top = null;
  if (!parts?.dialog.open) return;
  parts.dialog.close();
  if (before?.isConnected) before.focus({ preventScroll: true });
}

/// The first field of a new view; the first wrong one after a submission.
function focusField(fresh) {
  const wrong = submitted && !top.loading ? parts.body.querySelector(".wrong [data-action]") : null;
  if (!fresh && !wrong) return;
  submitted = false;
  const field = wrong ?? parts.body.querySelector("[autofocus]") ?? parts.body.querySelector("[data-action]");
  (field ?? (parts.submit.hidden ? parts.back : parts.submit)).focus();
}

async function send() {
  if (!top || top.loading || parts.submit.disabled) return;
  const view = top.view.id;
  parts.submit.disabled = true;
  try {
    await settle();
    submitted = true;
    const done = await control("submit", { person: state.me, view });
    if (done.acked && !Object.keys(done.errors ?? {}).length) state.submitted = true;
    if (done.complaints?.length) toast(`The app's answer was refused: ${done.complaints[0]}`, "error");
  } catch (error) {
    toast(error.message, "error");
  } finally {
    parts.submit.disabled = Boolean(top?.loading);
  }
}

async function close(all) {
  if (!top) return;
  try {
    await settle();
    await control("close", { person: state.me, view: top.view.id, ...(all ? { all: true } : {}) });
  } catch (error) {
    toast(error.message, "error");
  }
}
