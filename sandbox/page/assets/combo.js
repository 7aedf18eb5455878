// A select with a search: one choice or several, from options that are known or that are asked for while typing.
// The ARIA pattern "editable combobox with list autocomplete".
import { el, folded, show, uniqueId } from "./dom.js";

const ASK_AFTER_MS = 200;

/// `look`: {label, placeholder, multiple, most, clearable, load(query) -> groups or a promise of them, chosen, change}.
/// A group is {label, options: [{value, text, description}]}; `change(chosen)` is called with the list of options.
export class Combo {
  constructor(look) {
    this.look = look;
    this.chosen = [...(look.chosen ?? [])];
    this.options = [];
    this.active = -1;
    this.asked = 0;
    const id = uniqueId("combo");
    this.list = el("div", { class: "combo-list", id, role: "listbox", "aria-label": look.label, hidden: true });
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
    this.input = el("input", {
      class: "combo-input", type: "text", role: "combobox", autocomplete: "off", spellcheck: "false",
      "aria-expanded": "false", "aria-controls": id, "aria-autocomplete": "list", "aria-label": look.label,
      "data-action": look.name, "data-block": look.block,
      oninput: () => this.open(ASK_AFTER_MS),
      onclick: () => this.open(0),
      onkeydown: (event) => this.key(event),
      onblur: () => this.close(),
    });
    this.chips = el("span", { class: "combo-chips" });
    this.node = el("div", { class: `combo${look.multiple ? " multiple" : ""}` }, this.chips, this.input, this.list);
    this.showChosen();
  }

  showChosen() {
    const chip = (option) =>
      el("span", { class: "chip" }, option.text,
        el("button", { type: "button", "aria-label": `Remove ${option.text}`, onclick: () => this.remove(option) }, "×"));
    const single = !this.look.multiple && this.chosen[0];
    show(this.chips, this.look.multiple ? this.chosen.map(chip) : []);
    this.input.value = single ? single.text : "";
    this.input.placeholder = this.look.multiple && this.chosen.length ? "" : (this.look.placeholder ?? "Select");
  }

  remove(option) {
    this.chosen = this.chosen.filter((one) => one.value !== option.value);
    this.showChosen();
    this.input.focus();
    this.look.change(this.chosen);
  }

  async open(wait) {
    const turn = ++this.asked;
    clearTimeout(this.timer);
    const single = !this.look.multiple && this.chosen[0];
    // What is chosen stands in the field, and is no search.
    const query = single && this.input.value === single.text ? "" : this.input.value.trim();
    if (wait > 0) await new Promise((resolve) => (this.timer = setTimeout(resolve, wait)));
    if (turn !== this.asked) return;
    const answer = this.look.load(query);
    let groups = answer;
    if (answer instanceof Promise) {
      const waiting = setTimeout(() => turn === this.asked && this.say("Asking…"), 100);
      groups = await answer.catch((error) => ({ trouble: error.message }));
      clearTimeout(waiting);
    }
    if (turn !== this.asked || document.activeElement !== this.input) return;
    if (groups.trouble) this.say(groups.trouble);
    else this.showOptions(groups);
  }

  say(text) {
    this.options = [];
    this.active = -1;
    show(this.list, el("div", { class: "combo-none" }, text));
    this.expand(true);
  }

  showOptions(groups) {
    this.options = [];
    const nodes = [];
    for (const group of groups) {
      if (!group.options.length) continue;
      const heading = uniqueId("group");
      const rows = group.options.map((option) => this.row(option));
      nodes.push(group.label
        ? el("div", { role: "group", "aria-labelledby": heading },
          el("div", { class: "combo-group", id: heading }, group.label), rows)
        : rows);
    }
    if (!this.options.length) return this.say("No results");
    show(this.list, nodes);
    this.expand(true);
    this.activate(Math.max(0, this.options.findIndex((one) => this.isChosen(one.option))));
  }

  row(option) {
    const index = this.options.length;
    const node = el("div", {
      class: "combo-option", role: "option", id: uniqueId("option"),
      "aria-selected": String(this.isChosen(option)), onclick: () => this.pick(index),
    }, el("span", {}, option.text), option.description && el("small", {}, option.description));
    this.options.push({ option, node });
    return node;
  }

  isChosen(option) {
    return this.chosen.some((one) => one.value === option.value);
  }

  pick(index) {
    const option = this.options[index]?.option;
    if (!option) return;
    const { multiple, most } = this.look;
    if (!multiple) this.chosen = [option];
    else if (this.isChosen(option)) this.chosen = this.chosen.filter((one) => one.value !== option.value);
    else if (!most || this.chosen.length < most) this.chosen.push(option);
    this.showChosen();
    this.close();
    this.look.change(this.chosen);
  }

  activate(index) {
    this.options[this.active]?.node.classList.remove("active");
    this.active = index;
    const row = this.options[index]?.node;
    row?.classList.add("active");
    row?.scrollIntoView({ block: "nearest" });
    if (row) this.input.setAttribute("aria-activedescendant", row.id);
    else this.input.removeAttribute("aria-activedescendant");
  }

  expand(open) {
    if (!open && !this.list.hidden) folded(this.node);
    this.list.hidden = !open;
    this.input.setAttribute("aria-expanded", String(open));
    if (!open) this.input.removeAttribute("aria-activedescendant");
  }

  close() {
    ++this.asked;
    clearTimeout(this.timer);
    this.expand(false);
    const single = !this.look.multiple && this.chosen[0];
    if (single && this.look.clearable && this.input.value === "") {
      this.chosen = [];
      this.look.change(this.chosen);
    }
    this.showChosen();
  }

  key(event) {
    const open = !this.list.hidden;
    const last = this.options.length - 1;
    const steps = {
      ArrowDown: () => (open ? this.activate(Math.min(last, this.active + 1)) : this.open(0)),
      ArrowUp: () => open && this.activate(Math.max(0, this.active - 1)),
      Enter: () => open && this.active >= 0 && this.pick(this.active),
      Escape: () => open && this.close(),
    };
    if (event.key === "Backspace" && this.input.value === "" && this.look.multiple && this.chosen.length) {
      this.remove(this.chosen.at(-1));
    } else if (steps[event.key]) {
      // Escape with a closed list is the dialog's, Enter without an option the form's.
      if (steps[event.key]() !== false || event.key.startsWith("Arrow")) event.preventDefault();
      if (event.key === "Escape" && open) event.stopPropagation();
    }
  }
}
