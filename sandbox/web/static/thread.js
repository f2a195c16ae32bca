/** The thread pane: a message, its replies, and a composer. */

import { Composer } from "./composer.js";
import { el, fill } from "./dom.js";
import { iconButton } from "./icons.js";
import { MessageList } from "./messagelist.js";
import { drawMessage } from "./messages.js";

const NEAR_END = 40;

export class Thread {
  #node;
  #host;
  #at = null;
  #list = null;
  #scroller = null;

  /** `host` also has `closeThread()`. */
  constructor(node, host) {
    this.#node = node;
    this.#host = host;
  }

  /** Show the thread of this message. */
  open(channel, ts) {
    const { timeline, closeThread, say, directory } = this.#host;
    this.#at = { channel, ts };
    this.#list = new MessageList((message) => drawMessage(message, this.#host, { inThread: true }), "Thread");
    this.#list.show(timeline.thread(channel, ts));
    const place = directory.channel(channel);
    const title = el("h2", { class: "pane-title" }, "Thread");
    const note = el("p", { class: "pane-note" }, place?.with_bot ? "" : `#${place?.name}`);
    const close = iconButton("close", "Close the thread", closeThread);
    const head = el("header", { class: "pane-head" }, title, note, close);
    const composer = new Composer("Reply…", {
      commands: () => [],
      say: (text) => say(text, { channel, thread_ts: ts }),
    });
    this.#scroller = el(
      "div",
      { class: "scroller scroller-top", role: "log", tabindex: "0", "aria-label": "Thread" },
      this.#list.node,
    );
    fill(this.#node, head, this.#scroller, composer.node);
    this.#node.hidden = false;
    this.#toEnd();
  }

  close() {
    this.#at = null;
    this.#list = null;
    this.#node.hidden = true;
    fill(this.#node);
  }

  /** Draw the messages with these part names again. */
  update(names) {
    if (!this.#list) return;
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    // Only a reader who is at the end follows new replies.
    const isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR_END;
    for (const [, channel, ts] of names.map((name) => name.split("/"))) {
      if (channel !== this.#at.channel) continue;
      const message = this.#host.timeline.find(channel, ts);
      if (message && (ts === this.#at.ts || message.thread_ts === this.#at.ts)) this.#list.put(message);
      else if (this.#list.has(ts)) this.#list.drop(ts);
    }
    if (isAtEnd) this.#toEnd();
  }

  #toEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }
}
