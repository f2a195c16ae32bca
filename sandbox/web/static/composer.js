/** The composer: text, and slash commands with their hints. */

import { el, fill, freshId } from "./dom.js";
import { icon } from "./icons.js";
import { menuButton } from "./menu.js";

const TALLEST = 180;

export class Composer {
  #commands;
  #say;
  #active = 0;

  /**
   * `commands()` returns the slash commands, and `shortcuts()` the items of the menu of shortcuts. `say(text)` is
   * called with the text to send.
   */
  constructor(label, { commands, shortcuts = () => [], say }) {
    this.#commands = commands;
    this.#say = say;
    this.list = el("ul", {
      id: freshId("commands"),
      role: "listbox",
      class: "commands",
      "aria-label": "Slash commands",
      hidden: true,
    });
    this.input = el("textarea", {
      class: "composer-input",
      rows: 1,
      "aria-label": label,
      placeholder: label,
      role: "combobox",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": this.list.id,
    });
    this.send = el(
      "button",
      { type: "submit", class: "composer-send", "aria-label": "Send", title: "Send", disabled: true },
      icon("send"),
    );
    const hint = el("span", { class: "composer-hint" }, el("kbd", {}, "/"), " for commands");
    this.node = el(
      "form",
      { class: "composer" },
      this.list,
      this.input,
      el("div", { class: "composer-bar" }, shortcuts().length > 0 && menuOf(shortcuts), commands().length > 0 && hint, this.send),
    );
    this.#listen();
  }

  #listen() {
    this.node.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#finish();
    });
    this.input.addEventListener("input", () => this.#redraw());
    this.input.addEventListener("keydown", (event) => this.#onKey(event));
    this.input.addEventListener("blur", () => this.#offer([]));
    this.input.addEventListener("focus", () => this.#redraw());
    // mousedown comes before blur, which would close the list.
    this.list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const row = event.target.closest("[role=option]");
      if (row) this.#complete(row.dataset.name);
    });
  }

  get #fitting() {
    const text = this.input.value;
    if (!text.startsWith("/") || /\s/.test(text)) return [];
    return this.#commands().filter(({ name }) => name.startsWith(text));
  }

  #redraw() {
    this.input.style.height = "auto";
    this.input.style.height = `${Math.min(this.input.scrollHeight, TALLEST)}px`;
    this.send.disabled = !this.input.value.trim();
    this.#active = 0;
    this.#offer(this.#fitting);
  }

  #offer(fitting) {
    const isOpen = fitting.length > 0;
    this.list.hidden = !isOpen;
    this.input.setAttribute("aria-expanded", String(isOpen));
    fill(
      this.list,
      fitting.map((command, index) => this.#row(command, index)),
    );
    if (isOpen) this.input.setAttribute("aria-activedescendant", `${this.list.id}-${this.#active}`);
    else this.input.removeAttribute("aria-activedescendant");
  }

  #row({ name, hint, about }, index) {
    const isActive = index === this.#active;
    return el(
      "li",
      {
        id: `${this.list.id}-${index}`,
        role: "option",
        "aria-selected": String(isActive),
        class: `command${isActive ? " active" : ""}`,
        data: { name },
      },
      el("img", { src: "/static/icon.svg", alt: "", width: 28, height: 28 }),
      el(
        "span",
        {},
        el("span", { class: "command-line" }, el("strong", {}, name), " ", el("span", { class: "command-hint" }, hint)),
        el("span", { class: "command-about" }, about),
      ),
    );
  }

  #onKey(event) {
    const fitting = this.#fitting;
    const isOpen = !this.list.hidden && fitting.length > 0;
    if (isOpen && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      this.#active = (this.#active + (event.key === "ArrowDown" ? 1 : -1) + fitting.length) % fitting.length;
      this.#offer(fitting);
    } else if (isOpen && event.key === "Escape") {
      event.preventDefault();
      this.#offer([]);
    } else if (
      isOpen &&
      (event.key === "Tab" || event.key === "Enter") &&
      fitting[this.#active].name !== this.input.value
    ) {
      event.preventDefault();
      this.#complete(fitting[this.#active].name);
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.#finish();
    }
  }

  #complete(name) {
    this.input.value = `${name} `;
    this.input.focus();
    this.#redraw();
  }

  #finish() {
    const text = this.input.value.trim();
    if (!text) return;
    this.input.value = "";
    this.#redraw();
    this.#say(text);
  }
}

function menuOf(shortcuts) {
  const items = () => [{ heading: "Shortcuts" }, ...shortcuts()];
  return menuButton({ label: "Shortcuts", face: icon("plus"), classes: "composer-plus", items });
}
