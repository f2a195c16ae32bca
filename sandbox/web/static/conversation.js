/** The open channel: its messages and its composer. In the app's direct message, also its Home tab. */

import { Composer } from "./composer.js";
import { el, fill } from "./dom.js";
import { Home } from "./home.js";
import { icon } from "./icons.js";
import { MessageList } from "./messagelist.js";
import { drawMessage } from "./messages.js";
import { Tabs } from "./tabs.js";

export class Conversation {
  #node;
  #host;
  #channel = null;
  #list = null;
  #head = el("header", { class: "pane-head" });
  #messages = el("div", { class: "pane" });
  #home;
  #tabs;

  /** `host` also has `unread(channel)`, the count of new messages, and `onTab(channel, tab)`. */
  constructor(node, host) {
    this.#node = node;
    this.#host = host;
    this.#home = new Home(host);
    const panel = el("div", { class: "pane" });
    const messages = { name: "messages", label: "Messages", panel, count: () => host.unread(this.#channel) };
    const home = { name: "home", label: "Home", panel: this.#home.node };
    this.#tabs = new Tabs(host.appName, [home, messages], (name) => host.onTab(this.#channel, name));
  }

  /** Return whether the Home tab is in front. */
  get isAtHome() {
    return this.#home.node.isConnected && this.#tabs.now === "home";
  }

  /** Open a channel, or draw it again. */
  open(channel) {
    const { timeline, menu } = this.#host;
    const name = this.#nameOf(channel);
    this.#channel = channel.id;
    this.#list = new MessageList((message) => this.#draw(message), `Messages in ${name}`);
    this.#list.show(timeline.inChannel(channel.id));
    const all = el("div", {}, this.#intro(channel), this.#list.node);
    const about = { class: "scroller", role: "log", tabindex: "0", "aria-label": name };
    const scroller = el("div", { ...about, onkeydown: (event) => leap(event, all) }, all);
    fill(this.#messages, scroller, this.#foot(channel, name));
    const { list, panels } = this.#tabs;
    if (channel.with_bot && menu.home) {
      fill(panels[1], this.#messages);
      fill(this.#node, this.#head, list, panels);
    } else fill(this.#node, this.#head, this.#messages);
    this.drawHead(channel);
  }

  /** Open one of the tabs of the app's direct message. */
  openTab(name) {
    this.#tabs.open(name);
    this.#host.onTab(this.#channel, name);
  }

  /** Draw the counts of the tabs again. */
  drawTabs() {
    this.#tabs.draw();
  }

  drawHome(view) {
    this.#home.draw(view);
  }

  /** Draw the channel's name and its notes. */
  drawHead(channel) {
    const { menu } = this.#host;
    const notes = [
      channel.with_bot && menu.about,
      !channel.with_bot && !channel.joined && `${menu.name} isn't in this channel`,
      channel.shared && "Shared with another organization",
      channel.archived && "Archived",
    ];
    const title = channel.with_bot ? menu.name : [icon(signOf(channel)), channel.name];
    fill(
      this.#head,
      el("h2", { class: "pane-title" }, title),
      el("p", { class: "pane-note" }, notes.filter(Boolean).join(" · ")),
    );
  }

  /** Scroll to a message and highlight it. */
  pointAt(ts) {
    this.#list?.pointAt(ts);
  }

  /** Draw the messages with these part names again, and the reply counts of `roots`. */
  update(names, roots) {
    if (!this.#list) return;
    const changed = names.map((name) => name.split("/")).filter(([, channel]) => channel === this.#channel);
    for (const ts of new Set([...changed.map(([, , each]) => each), ...roots])) this.#show(ts);
  }

  #show(ts) {
    const { timeline } = this.#host;
    const message = timeline.find(this.#channel, ts);
    if (message && timeline.isInChannel(message)) this.#list.put(message);
    else if (this.#list.has(ts)) this.#list.drop(ts);
  }

  #draw(message) {
    return drawMessage(message, this.#host, { replies: this.#host.timeline.replies(message) });
  }

  /** Return the introduction above the first message. */
  #intro(channel) {
    const { menu, commands } = this.#host;
    const sign = channel.with_bot ? el("img", { src: "/static/icon.svg", alt: "" }) : icon(signOf(channel));
    const first = channel.with_bot
      ? `Direct messages from ${menu.name}.`
      : "This is the beginning of the channel.";
    const typed = commands()[0]?.name;
    const hint = typed && !channel.with_bot && [" Type ", el("code", {}, typed), " below to start."];
    return el(
      "div",
      { class: "intro" },
      el("div", { class: "intro-sign" }, sign),
      el("h3", {}, channel.with_bot ? menu.name : `#${channel.name}`),
      el("p", {}, first, hint),
    );
  }

  #nameOf(channel) {
    return channel.with_bot ? this.#host.menu.name : `#${channel.name}`;
  }

  #foot(channel, name) {
    const { menu, commands, globalShortcuts, actions, say } = this.#host;
    if (channel.with_bot && menu.read_only)
      return el("p", { class: "composer-off" }, "Sending messages to this app has been turned off.");
    const shortcuts = () =>
      globalShortcuts().map(({ name: label, about, callback_id }) => {
        return { label, about: about ?? menu.name, act: () => actions.act("shortcut", { callback_id }) };
      });
    const send = (text) => say(text, { channel: channel.id });
    return new Composer(`Message ${name}`, { commands, shortcuts, say: send }).node;
  }
}

function signOf({ private: isPrivate, shared }) {
  return isPrivate ? "lock" : shared ? "shared" : "hash";
}

/** Scroll to the first or the last message at once. Rows that were never on screen have no height to scroll through. */
function leap(event, all) {
  const block = { Home: "start", End: "end" }[event.key];
  if (!block || event.target !== event.currentTarget) return;
  event.preventDefault();
  all.scrollIntoView({ block });
}
