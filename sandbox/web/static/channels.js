/** The list of channels, with their unread counts. */

import { avatar } from "./avatars.js";
import { el, fill } from "./dom.js";
import { icon } from "./icons.js";

export class Channels {
  #store;
  #places;
  #appName;
  #seen = new Map();

  constructor(node, store, places, appName) {
    this.node = node;
    this.#store = store;
    this.#places = places;
    this.#appName = appName;
    store.on(["channel/", "message/", "app"], (names) => this.#update(names));
  }

  /** Mark everything as read when the current user changes. */
  forget() {
    this.#seen.clear();
  }

  draw() {
    const channels = this.#store.all("channel/");
    const own = channels.filter(({ with_bot: withBot }) => withBot);
    const others = channels.filter(({ with_bot: withBot }) => !withBot).sort((a, b) => a.name.localeCompare(b.name));
    fill(
      this.node,
      el("p", { class: "workspace" }, "Sandbox"),
      others.length > 0 && [
        el("h2", { class: "channels-heading" }, "Channels"),
        el(
          "ul",
          {},
          others.map((each) => this.#row(each, this.#sign(each), each.name)),
        ),
      ],
      own.length > 0 && [
        el("h2", { class: "channels-heading" }, "Apps"),
        el(
          "ul",
          {},
          own.map((each) => this.#row(each, this.#face(), this.#appName)),
        ),
      ],
    );
  }

  #row(channel, sign, name) {
    const isOpen = channel.id === this.#places.channel;
    const count = this.unread(channel.id);
    const classes = `channel${count ? " channel-new" : ""}${channel.joined || channel.with_bot ? "" : " channel-away"}`;
    const badge =
      count > 0 &&
      el(
        "span",
        { class: "channel-count", title: "New messages" },
        String(count),
        el("span", { class: "unseen" }, " new"),
      );
    const about = {
      type: "button",
      class: classes,
      "aria-current": isOpen && "page",
      onclick: () => this.#places.openChannel(channel.id),
    };
    return el("li", {}, el("button", about, sign, el("span", { class: "channel-name" }, name), badge));
  }

  #sign({ private: isPrivate, shared }) {
    return icon(isPrivate ? "lock" : shared ? "shared" : "hash");
  }

  #face() {
    return avatar(this.#appName, { own: true });
  }

  #update(names) {
    for (const name of names) {
      const [kind, channel, ts] = name.split("/");
      // The first message of a channel decides what counts as read there.
      if (kind === "message" && !this.#seen.has(channel)) this.#seen.set(channel, this.#first(channel, names));
    }
    this.draw();
  }

  /** Return the timestamp up to which a channel is read. Messages that came with the channel itself are not new. */
  #first(channel, names) {
    const begins = names.some((name) => name.startsWith("channel/"));
    return begins ? this.#latest(channel) : "0";
  }

  /** Mark the open channel as read. */
  read(channel) {
    this.#seen.set(channel, this.#latest(channel));
  }

  /** Return the number of messages since the channel was last read. */
  unread(channel) {
    const seen = this.#seen.get(channel);
    return seen === undefined ? 0 : this.#all(channel).filter(({ ts }) => ts > seen).length;
  }

  #latest(channel) {
    // The store has ephemeral messages after all others.
    return this.#all(channel).reduce((latest, { ts }) => (ts > latest ? ts : latest), "0");
  }

  #all(channel) {
    return this.#store.all(`message/${channel}/`);
  }
}
