/** Short notices of actions that failed. */

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
