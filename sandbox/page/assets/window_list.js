// A long list of which only the rows in sight are elements. Rows have one height; arrow keys go from row to row. It asks
// the browser for no measure: it is told of its height and place, so that drawing it never forces a layout.
import { el, setText } from "./dom.js";

const EXTRA = 6;

export class WindowList {
  /// `render(item)` makes a row's element (a button, link or div); `key(item)` tells rows apart; `like(item)` changes
  /// when the row must be made anew.
  constructor({ label, rowHeight, render, key, like, empty, className = "" }) {
    Object.assign(this, { rowHeight, render, key, like, empty });
    this.items = [];
    this.rows = new Map();
    this.current = 0;
    this.height = 0;  // of what is in sight; a list that is hidden has no rows
    this.top = 0;
    this.space = el("div", { class: "window-space", role: "list", "aria-label": label });
    this.node = el("div", { class: `window ${className}`, tabindex: "-1" }, this.space);
    this.node.addEventListener("scroll", () => {
      this.top = this.node.scrollTop;
      this.draw();
    }, { passive: true });
    this.node.addEventListener("keydown", (event) => this.move(event));
    this.space.addEventListener("focusin", (event) => {
      const row = event.target.closest("[data-index]");
      if (row) this.current = Number(row.dataset.index);
    });
    new ResizeObserver(([entry]) => {
      this.height = entry.contentRect.height;
      this.draw();
    }).observe(this.node);
  }

  set(items) {
    this.items = items;
    this.space.style.height = `${items.length * this.rowHeight}px`;
    this.draw();
  }

  /// As many rows are in sight, from now on.
  show(rows) {
    this.height = rows * this.rowHeight;
    this.node.style.height = `${this.height}px`;
  }

  draw() {
    const first = Math.max(0, Math.floor(this.top / this.rowHeight) - EXTRA);
    const last = this.height ? Math.min(this.items.length, Math.ceil((this.top + this.height) / this.rowHeight) + EXTRA) : 0;
    const kept = new Map();
    for (let index = first; index < last; ++index) {
      const item = this.items[index];
      const key = this.key(item);
      const like = this.like(item);
      let row = this.rows.get(key);
      if (row?.like !== like) {
        const focused = row?.node.contains(document.activeElement);
        row?.node.remove();
        row = { like, node: el("div", { class: "window-row", role: "listitem" }, this.render(item)) };
        if (focused) queueMicrotask(() => (row.node.querySelector("button, a") ?? this.node).focus({ preventScroll: true }));
      }
      row.node.style.transform = `translateY(${index * this.rowHeight}px)`;
      row.node.style.height = `${this.rowHeight}px`;
      row.node.dataset.index = index;
      row.node.setAttribute("aria-posinset", index + 1);
      row.node.setAttribute("aria-setsize", this.items.length);
      const target = row.node.querySelector("button, a");
      if (target) target.tabIndex = index === Math.min(this.current, this.items.length - 1) ? 0 : -1;
      kept.set(key, row);
    }
    for (const [key, row] of this.rows) if (!kept.has(key)) row.node.remove();
    this.rows = kept;
    let before = null;
    for (const row of kept.values()) {
      if (row.node.parentNode !== this.space || row.node.previousElementSibling !== before) {
        if (before) before.after(row.node);
        else this.space.prepend(row.node);
      }
      before = row.node;
    }
    this.showEmpty();
  }

  /// `empty()` says why nothing is there.
  showEmpty() {
    if (this.items.length) return this.note?.remove();
    this.note ??= el("p", { class: "empty" });
    setText(this.note, this.empty());
    if (!this.note.isConnected) this.node.append(this.note);
    return undefined;
  }

  move(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };
    if (!(event.key in steps) || !this.items.length || event.target === this.node) return;
    event.preventDefault();
    this.current = Math.max(0, Math.min(this.items.length - 1, this.current + steps[event.key]));
    const top = this.current * this.rowHeight;
    if (top < this.top) this.top = top;
    else if (top + this.rowHeight > this.top + this.height) this.top = top + this.rowHeight - this.height;
    this.draw();
    this.node.scrollTop = this.top;
    this.rows.get(this.key(this.items[this.current]))?.node.querySelector("button, a")?.focus({ preventScroll: true });
  }
}
