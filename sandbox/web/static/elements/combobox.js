/** A text field that searches for options and lets the user pick one or several. */

import { el, fill, freshId } from "../dom.js";
import { icon, iconButton } from "../icons.js";
import { floatBelow } from "../floating.js";

const PAUSE_MS = 180;

/**
 * Create a combobox.
 *
 * `find(text)` returns the options ({label, about, group, item}), or null without an answer. `choose(choices)` is
 * called at each pick and may return a promise. Nothing is searched before `least` characters are typed.
 */
export function combobox(options) {
  return new Combobox(options).node;
}

class Combobox {
  #options;
  #chosen;
  #shown = [];
  #active = -1;
  #asked = 0;
  #timer = null;

  constructor(options) {
    this.#options = options;
    this.#chosen = [...options.chosen];
    const { about, place, placeholder } = options;
    this.list = el("ul", {
      id: freshId("options"),
      role: "listbox",
      class: "options",
      popover: "manual",
      tabindex: "-1",
      "aria-label": "Options",
      "aria-multiselectable": options.isMulti && "true",
    });
    this.control = el("input", {
      id: about.id,
      class: "select-input",
      type: "text",
      role: "combobox",
      autocomplete: "off",
      spellcheck: "false",
      placeholder,
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": this.list.id,
      "aria-labelledby": about.labelledBy,
      "aria-label": !about.labelledBy && placeholder,
      "aria-describedby": about.describedBy,
      "aria-invalid": about.invalid && "true",
      "aria-required": about.required && "true",
      data: place,
    });
    this.chips = el("span", { class: "chips" });
    this.clear = iconButton("close", "Clear the choice", () => this.#pick(null), "select-clear");
    this.node = el(
      "div",
      { class: `select${options.isMulti ? " select-multi" : ""}` },
      this.chips,
      this.control,
      this.clear,
      icon("caret"),
      this.list,
    );
    this.#listen();
    this.#drawChosen();
  }

  get #isOpen() {
    return this.control.getAttribute("aria-expanded") === "true";
  }

  #listen() {
    this.control.addEventListener("click", () => this.#isOpen || this.#open());
    this.control.addEventListener("input", () => {
      this.#open(this.control.value);
    });
    this.control.addEventListener("keydown", (event) => this.#onKey(event));
    this.control.addEventListener("blur", () => this.#shut());
    this.node.addEventListener("mousedown", (event) => {
      // Without this, the field would lose the focus and close the list before the click.
      if (this.list.contains(event.target)) event.preventDefault();
      else if (event.target !== this.control && !event.target.closest("button")) {
        event.preventDefault();
        this.control.focus();
        this.#open();
      }
    });
    this.list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.#pick(this.#shown[Number(option.dataset.index)]);
    });
  }

  #onKey(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps) {
      event.preventDefault();
      if (this.#isOpen) this.#mark(this.#active + steps[event.key]);
      else this.#open();
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (this.#isOpen && this.#active >= 0) this.#pick(this.#shown[this.#active]);
      else if (!this.#isOpen) this.#open();
    } else if (event.key === "Escape" && this.#isOpen) {
      event.preventDefault();
      event.stopPropagation();
      this.#shut();
    } else if (event.key === "Backspace" && !this.control.value && this.#options.isMulti && this.#chosen.length) {
      this.#pick(this.#chosen.at(-1));
    }
  }

  /** Show the options that match `text`, or all of them without a text. */
  #open(text = "") {
    if (!this.#isOpen) {
      this.control.setAttribute("aria-expanded", "true");
      if (!this.#options.isMulti && !text) this.control.select();
      this.list.showPopover();
    }
    // A short pause after the last key saves the app a search per letter.
    clearTimeout(this.#timer);
    if (text.length < this.#options.least) {
      this.#say(`Type ${this.#options.least} or more characters to search`);
      return;
    }
    if (!this.#shown.length) this.#say("Searching …");
    this.#timer = setTimeout(() => this.#search(text), text ? PAUSE_MS : 0);
    floatBelow(this.list, this.node);
  }

  async #search(text) {
    this.#asked += 1;
    const mine = this.#asked;
    const found = await this.#options.find(text);
    // An answer that a later search overtook is ignored.
    if (mine !== this.#asked || !this.#isOpen) return;
    if (!found) this.#say("The app didn't respond. Type to try again.");
    else if (!found.length) this.#say("No matches");
    else this.#offer(found);
  }

  #offer(found) {
    this.#shown = found;
    let group = null;
    const rows = found.flatMap((choice, index) => {
      const heading =
        choice.group && choice.group !== group
          ? [el("li", { role: "presentation", class: "options-group" }, choice.group)]
          : [];
      group = choice.group ?? null;
      return [...heading, this.#option(choice, index)];
    });
    fill(this.list, rows);
    const current = found.findIndex((choice) => this.#has(choice));
    this.#mark(Math.max(current, 0));
    floatBelow(this.list, this.node);
  }

  #option(choice, index) {
    return el(
      "li",
      {
        id: `${this.list.id}-${index}`,
        role: "option",
        class: "option",
        "aria-selected": String(this.#has(choice)),
        data: { index },
      },
      el("span", { class: "option-label" }, choice.label),
      choice.about && el("span", { class: "option-about" }, choice.about),
      icon("check"),
    );
  }

  #say(words) {
    this.#shown = [];
    this.#active = -1;
    this.control.removeAttribute("aria-activedescendant");
    fill(
      this.list,
      el("li", { role: "option", "aria-disabled": "true", "aria-selected": "false", class: "options-none" }, words),
    );
    floatBelow(this.list, this.node);
  }

  #mark(index) {
    if (!this.#shown.length) return;
    this.#active = (index + this.#shown.length) % this.#shown.length;
    for (const row of this.list.querySelectorAll(".option"))
      row.classList.toggle("active", Number(row.dataset.index) === this.#active);
    const row = document.getElementById(`${this.list.id}-${this.#active}`);
    this.control.setAttribute("aria-activedescendant", row.id);
    row.scrollIntoView({ block: "nearest" });
  }

  #pick(choice) {
    const { isMulti, most, choose } = this.#options;
    if (!isMulti) this.#chosen = choice ? [choice] : [];
    else if (this.#has(choice)) this.#chosen = this.#chosen.filter((each) => keyOf(each) !== keyOf(choice));
    else if (this.#chosen.length < most) this.#chosen = [...this.#chosen, choice];
    this.#shut();
    choose(this.#chosen);
  }

  #shut() {
    clearTimeout(this.#timer);
    this.#asked += 1;
    if (this.#isOpen) this.list.hidePopover();
    this.control.setAttribute("aria-expanded", "false");
    this.control.removeAttribute("aria-activedescendant");
    this.#shown = [];
    this.#drawChosen();
  }

  #drawChosen() {
    const { isMulti, placeholder, canClear } = this.#options;
    this.control.value = isMulti ? "" : (this.#chosen[0]?.label ?? "");
    this.control.title = isMulti ? "" : this.control.value;
    this.control.placeholder = isMulti && this.#chosen.length ? "" : placeholder;
    this.clear.hidden = isMulti || !canClear || !this.#chosen.length;
    fill(this.chips, isMulti && this.#chosen.map((choice) => this.#chip(choice)));
  }

  #chip(choice) {
    const remove = iconButton("close", `Remove ${choice.label}`, () => this.#pick(choice), "chip-remove");
    return el("span", { class: "chip" }, choice.label, remove);
  }

  #has(choice) {
    return this.#chosen.some((each) => keyOf(each) === keyOf(choice));
  }
}

function keyOf({ item }) {
  return typeof item === "object" ? item.value : item;
}
