/** The tools beside Slack, one tab each: mails, orders, wire. */

import { el, fill } from "./dom.js";

export class Tools {
  #tabs;
  #now;

  /** `tabs` are {name, label, panel, count()}. `head` is above all of them. */
  constructor(node, head, tabs) {
    this.#tabs = tabs;
    this.#now = tabs[0].name;
    this.list = el("div", {
      class: "tabs",
      role: "tablist",
      "aria-label": "Tools",
      onkeydown: (event) => this.#onKey(event),
    });
    for (const { name, panel } of tabs) {
      panel.id = `panel-${name}`;
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", `tab-${name}`);
      panel.tabIndex = 0;
      panel.classList.add("panel");
    }
    fill(
      node,
      head,
      this.list,
      tabs.map(({ panel }) => panel),
    );
    this.draw();
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
    return el("button", { ...about, onclick: () => this.open(name) }, label, badge);
  }

  #onKey(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const names = this.#tabs.map(({ name }) => name);
    this.open(names.at((names.indexOf(this.#now) + step) % names.length));
  }
}
