/** The switch between fault presets of the local CertCentral. */

import { el, fill } from "./dom.js";

export class FaultPresets {
  #actions;

  constructor(actions) {
    this.#actions = actions;
    this.node = el("section", { class: "preset", "aria-label": "CertCentral" });
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
        { class: "preset-choices", role: "radiogroup", "aria-label": "How CertCentral answers" },
        choices.map((choice) => this.#choice(choice, choice.name === now)),
      ),
      el("p", { class: `preset-about${now === "normal" ? "" : " preset-odd"}` }, current.about),
    );
    if (focused) this.node.querySelector(":checked")?.focus();
  }

  #choice({ name, label }, isNow) {
    const radio = el("input", {
      type: "radio",
      name: "preset",
      value: name,
      checked: isNow,
      onchange: () => this.#actions.act("apply_preset", { preset: name }),
    });
    return el("label", { class: "preset-choice" }, radio, el("span", {}, label));
  }
}
