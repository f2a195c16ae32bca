/** A line at the edge of the page for what could not be done. */

import { el } from "./dom.js";

const SECONDS = 6;

export class Toasts {
  constructor(parent) {
    this.node = el("div", { class: "toasts", role: "status" });
    parent.append(this.node);
  }

  say(words) {
    const line = el("p", { class: "toast" }, words);
    this.node.append(line);
    setTimeout(() => line.remove(), SECONDS * 1000);
  }
}
