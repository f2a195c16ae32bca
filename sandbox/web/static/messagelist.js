/** A list of messages that is updated row by row, so that its length does not matter. */

import { day } from "./dates.js";
import { el, pointAt } from "./dom.js";
import { restoreFocus, describeFocus } from "./focus.js";

export class MessageList {
  #rows = new Map();
  #order = [];
  #draw;

  /** `draw(message)` creates the row of one message. */
  constructor(draw, label) {
    this.#draw = draw;
    this.node = el("ol", { class: "messages", "aria-label": label });
  }

  /** Show exactly these messages, oldest first. */
  show(messages) {
    this.#order = messages.map(({ ts }) => ts);
    this.#rows = new Map(messages.map((message) => [message.ts, this.#draw(message)]));
    this.node.replaceChildren(...this.#rows.values());
    this.#markDays();
  }

  /** Draw one message again, or insert it at its place. */
  put(message) {
    const before = this.#rows.get(message.ts);
    const menu = before?.querySelector(":popover-open");
    // An edit must not close a menu that the user is about to choose from.
    if (menu) return void menu.addEventListener("toggle", () => this.put(message), { once: true });
    const row = this.#draw(message);
    this.#rows.set(message.ts, row);
    if (before) {
      row.classList.toggle("first-of-day", before.classList.contains("first-of-day"));
      if (before.dataset.day) row.dataset.day = before.dataset.day;
      // Replacing a row would drop the focus of a button in it.
      const focused = describeFocus(before);
      before.replaceWith(row);
      restoreFocus(row, focused);
      return;
    }
    const index = this.#indexFor(message.ts);
    this.#order.splice(index, 0, message.ts);
    const next = this.#rows.get(this.#order[index + 1]);
    if (next) next.before(row);
    else this.node.append(row);
    this.#markDays();
  }

  /** Remove a message. */
  drop(ts) {
    this.#rows.get(ts)?.remove();
    this.#rows.delete(ts);
    this.#order = this.#order.filter((each) => each !== ts);
    this.#markDays();
  }

  /** Return whether the message is shown. */
  has(ts) {
    return this.#rows.has(ts);
  }

  /** Scroll to a message and highlight it for a moment. */
  pointAt(ts) {
    const row = this.#rows.get(ts);
    if (row) pointAt(row);
  }

  #indexFor(ts) {
    let index = this.#order.length;
    // From the end, where nearly every new message belongs. Timestamps of equal length sort as strings.
    while (index > 0 && this.#order[index - 1] > ts) index -= 1;
    return index;
  }

  #markDays() {
    let last = null;
    for (const ts of this.#order) {
      const date = new Date(Number(ts) * 1000).toDateString();
      const row = this.#rows.get(ts);
      const isFirst = date !== last;
      // Unchanged rows are not touched, so that a long list needs no new layout.
      if (row.classList.contains("first-of-day") !== isFirst) row.classList.toggle("first-of-day", isFirst);
      if (isFirst) row.dataset.day = day(ts);
      last = date;
    }
  }
}
