/** Tabs, for mouse, keyboard and screen reader. */

import { el, fill } from "./dom.js";

export class Tabs {
  #tabs;
  #now;
  #onChoice;

  /**
   * `tabs` are {name, label, panel, count(), isBad}. `list` has the tabs, and `panels` what they show. `onChoice(name)`
   * is called when the user chooses one.
   */
  constructor(label, tabs, onChoice = () => undefined) {
    this.#tabs = tabs;
    this.#now = tabs[0].name;
    this.#onChoice = onChoice;
    const onkeydown = (event) => this.#onKey(event);
    this.list = el("div", { class: "tabs", role: "tablist", "aria-label": label, onkeydown });
    this.panels = tabs.map(({ panel }) => panel);
    for (const { name, panel } of tabs) {
      panel.id = `panel-${name}`;
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", `tab-${name}`);
    }
    this.draw();
  }

  /** The name of the open tab. */
  get now() {
    return this.#now;
  }

  /** Show one of the tabs. */
  open(name) {
    this.#now = name;
    this.draw();
  }

  draw() {
    const focused = this.list.contains(document.activeElement);
    fill(
      this.list,
      this.#tabs.map((tab) => this.#button(tab)),
    );
    for (const { name, panel } of this.#tabs) panel.hidden = name !== this.#now;
    if (focused) document.getElementById(`tab-${this.#now}`).focus();
  }

  #choose(name) {
    this.open(name);
    this.#onChoice(name);
  }

  #button({ name, label, count, isBad }) {
    const isOpen = name === this.#now;
    const number = count?.() ?? 0;
    const badge = number > 0 && el("span", { class: `tab-count${isBad ? " tab-count-bad" : ""}` }, String(number));
    const about = {
      id: `tab-${name}`,
      type: "button",
      role: "tab",
      class: "tab",
      "aria-selected": String(isOpen),
      "aria-controls": `panel-${name}`,
      tabindex: isOpen ? "0" : "-1",
    };
    return el("button", { ...about, onclick: () => this.#choose(name) }, label, badge);
  }

  #onKey(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const names = this.#tabs.map(({ name }) => name);
    this.#choose(names.at((names.indexOf(this.#now) + step) % names.length));
  }
}
