/** The switch for how CertCentral treats its callers. */

import { el, fill } from "./dom.js";

export class Mood {
  #actions;

  constructor(actions) {
    this.#actions = actions;
    this.node = el("section", { class: "mood", "aria-label": "CertCentral" });
  }

  draw({ now, choices }) {
    const current = choices.find(({ name }) => name === now);
    const focused = this.node.contains(document.activeElement);
    fill(
      this.node,
      el(
        "h2",
        { class: "tools-title" },
        el("span", { class: "tools-mark", "aria-hidden": "true" }, "CC"),
        "CertCentral",
      ),
      el(
        "div",
        { class: "mood-choices", role: "radiogroup", "aria-label": "How CertCentral answers" },
        choices.map((choice) => this.#choice(choice, choice.name === now)),
      ),
      el("p", { class: `mood-about${now === "well" ? "" : " mood-odd"}` }, current.about),
    );
    if (focused) this.node.querySelector(":checked")?.focus();
  }

  #choice({ name, label }, isNow) {
    const radio = el("input", {
      type: "radio",
      name: "mood",
      value: name,
      checked: isNow,
      onchange: () => this.#actions.act("turn", { mood: name }),
    });
    return el("label", { class: "mood-choice" }, radio, el("span", {}, label));
  }
}
