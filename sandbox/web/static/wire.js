/** The wire: Web API calls, envelopes with acks, calls to CertCentral, and problems. */

import { toTheSecond } from "./dates.js";
import { el, fill } from "./dom.js";
import { icon } from "./icons.js";

export class Wire {
  #store;
  #rows = new Map();

  constructor(store) {
    this.#store = store;
    this.problems = el("ul", { class: "problems", "aria-label": "Problems" });
    this.list = el("ol", { class: "frames", "aria-label": "Newest first" });
    this.node = el("div", { class: "panel", tabindex: "0" }, this.problems, this.list);
  }

  /** Return the number of problems. */
  get bad() {
    return this.#store.all("problem/").length;
  }

  /** Draw the parts with these names again. */
  update(names) {
    if (names.some((name) => name.startsWith("problem/"))) {
      fill(
        this.problems,
        this.#store
          .all("problem/")
          .reverse()
          .map(({ text }) => el("li", {}, icon("alert"), el("span", {}, text))),
      );
    }
    for (const name of names) if (name.startsWith("wire/")) this.#put(name);
  }

  #put(name) {
    const frame = this.#store.get(name);
    const before = this.#rows.get(name);
    if (!frame) {
      before?.node.remove();
      this.#rows.delete(name);
      return;
    }
    // A frame that was opened stays open when its ack arrives.
    const row = { at: frame.at, node: drawFrame(frame, before?.node.firstElementChild.open) };
    this.#rows.set(name, row);
    if (before) before.node.replaceWith(row.node);
    else this.#insert(row);
  }

  #insert(row) {
    let next = this.list.firstElementChild;
    // The newest frame comes first, and most frames are new.
    while (next && Number(next.dataset.at) > row.at) next = next.nextElementSibling;
    if (next) next.before(row.node);
    else this.list.append(row.node);
  }
}

function drawFrame({ at, from, to, what, sent, got, result, seconds, bad }, isOpen = false) {
  const duration = typeof seconds === "number" ? `${Math.round(seconds * 1000)} ms` : "";
  const details = el(
    "details",
    { open: isOpen },
    el(
      "summary",
      {},
      el("span", { class: "frame-way" }, el("time", {}, toTheSecond(at)), ` ${from} → ${to}`),
      el("span", { class: "frame-result" }, [result, duration].filter(Boolean).join(" · ")),
      el("span", { class: "frame-what", title: what }, what),
    ),
  );
  details.addEventListener(
    "toggle",
    () => details.open && details.children.length === 1 && details.append(...bodies(sent, got)),
  );
  if (isOpen) details.append(...bodies(sent, got));
  return el(
    "li",
    {
      class: `frame frame-${from.toLowerCase()}${to === "CertCentral" ? " frame-ca" : ""}${bad ? " frame-bad" : ""}`,
      data: { at },
    },
    details,
  );
}

function bodies(sent, got) {
  return [
    ["sent", sent],
    ["answered", got],
  ]
    .filter(([, body]) => body !== null && body !== undefined)
    .map(([label, body]) =>
      el(
        "div",
        {},
        el("p", { class: "frame-label" }, label),
        el(
          "pre",
          { tabindex: "0", "aria-label": label },
          typeof body === "string" ? body : JSON.stringify(body, null, 1),
        ),
      ),
    );
}
