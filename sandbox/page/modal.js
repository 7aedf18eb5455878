// The app's modals: a stack, of which the topmost is shown.
import { el, setText, show, toast } from "./dom.js";
import { Blocks } from "./blockkit.js";
import { control, on, state } from "./store.js";
import { emojiText } from "./emoji.js";
import { settle, surfaceOf } from "./view.js";

let dialog = null;
let parts = null;
let stack = [];
let shownId = "";
let asked = 0;
let busy = false;

export function startModals() {
  on("views me", () => {
    if (state.me) refresh();
  });
}

async function refresh() {
  const turn = ++asked;
  const answer = await control("modals", { person: state.me }).catch(() => null);
  if (answer && turn === asked) draw(answer.modals);
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
  dialog = el("dialog", { class: "modal", "aria-labelledby": "modal-title" }, form);
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    close(false);
  });
  document.body.append(dialog);
  parts = { title, back, submit, trouble, body, form };
}

function draw(modals) {
  stack = modals;
  if (!modals.length) {
    shownId = "";
    dialog?.close();
    return;
  }
  if (!dialog) build();
  const top = modals.at(-1);
  const view = top.view;
  if (view.id !== shownId) {
    parts.blocks = new Blocks();
    show(parts.body, parts.blocks.node);
    shownId = view.id;
    parts.fresh = true;
  }
  setText(parts.title, emojiText(view.title?.text ?? ""));
  setText(parts.back, emojiText(view.close?.text ?? "Close"));
  parts.submit.hidden = !view.submit;
  setText(parts.submit, emojiText(view.submit?.text ?? ""));
  setText(parts.trouble, top.trouble ?? "");
  parts.trouble.hidden = !top.trouble;
  parts.blocks.update(view.blocks, surfaceOf(top));
  if (!dialog.open) dialog.showModal();
  focusFirst(top);
}

/// The first field of a new view; the first wrong field after a submission.
function focusFirst(top) {
  const wrong = Object.keys(top.errors ?? {}).length > 0 && parts.submitted;
  if (!parts.fresh && !wrong) return;
  const field = wrong ? parts.body.querySelector(".wrong [data-action]") : parts.body.querySelector("[autofocus], [data-action]");
  (field ?? (parts.submit.hidden ? parts.back : parts.submit)).focus();
  parts.fresh = parts.submitted = false;
}

async function send() {
  const top = stack.at(-1);
  if (!top || busy) return;
  work(true);
  try {
    await settle();
    parts.submitted = true;
    const done = await control("submit", { person: state.me, view: top.view.id });
    ++asked;
    draw(done.modals);
  } catch (error) {
    toast(error.message, "error");
  } finally {
    work(false);
  }
}

function work(on) {
  busy = on;
  parts.submit.setAttribute("aria-busy", String(on));
  parts.submit.disabled = on;
}

async function close(all) {
  const top = stack.at(-1);
  if (!top) return;
  try {
    await settle();
    const done = await control("close", { person: state.me, view: top.view.id, ...(all ? { all: true } : {}) });
    ++asked;
    draw(done.modals);
  } catch (error) {
    toast(error.message, "error");
  }
}
