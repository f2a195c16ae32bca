/** The page as a whole: who one is, what is open, and who hears of which changes. */

import { Actions } from "./actions.js";
import { drawAlerts } from "./alerts.js";
import { Channels } from "./channels.js";
import { Conversation } from "./conversation.js";
import { el, fill } from "./dom.js";
import { icon } from "./icons.js";
import { Live } from "./live.js";
import { Modal } from "./modal.js";
import { Mood } from "./mood.js";
import { Orders } from "./orders.js";
import { Outbox } from "./outbox.js";
import { drawPeople } from "./people.js";
import { Store } from "./store.js";
import { Thread } from "./thread.js";
import { Timeline } from "./timeline.js";
import { Toasts } from "./toast.js";
import { Tools } from "./tools.js";
import { Wire } from "./wire.js";
import { World } from "./world.js";

const PANELS = [
  ["channels", "Channels", "list"],
  ["conversation", "Messages", "reply"],
  ["tools", "CertCentral", "mail"],
];

class Page {
  #setting;
  #thread = null;

  /** The open channel. */
  channel = null;

  constructor(setting) {
    this.#setting = setting;
    const { menu } = setting;
    this.toasts = new Toasts(document.body);
    this.store = new Store();
    this.actions = new Actions((words) => this.toasts.say(words));
    this.world = new World(this.store, this.actions, this);
    this.timeline = new Timeline(this.store);
    this.live = new Live(this.store, (isOpen) => this.#tellState(isOpen));
    const host = this.#host(menu);
    this.channels = new Channels(node("channels"), this.store, this, menu.name);
    this.conversation = new Conversation(node("conversation"), host);
    this.threadPane = new Thread(node("thread"), host);
    this.modal = new Modal(this.actions, this.world);
    this.#makeTools();
    this.#listen();
    this.#drawPanels();
    drawAlerts(node("alerts"), setting.alerts, (name) => this.#postAlert(name));
  }

  /** Begin as the person whom the address names, else as the first. */
  begin() {
    const { cast } = this.#setting;
    const named = new URLSearchParams(location.hash.slice(1)).get("as");
    this.be((cast.find(({ name }) => name.toLowerCase().startsWith((named ?? "?").toLowerCase())) ?? cast[0]).id);
  }

  /** Be this person from now on. */
  be(id) {
    const { cast } = this.#setting;
    this.actions.who = id;
    history.replaceState(null, "", `#as=${encodeURIComponent(this.#role.name.split(" ")[0].toLowerCase())}`);
    this.closeThread();
    this.modal.show(null);
    this.channels.forget();
    drawPeople(node("people"), cast, id, (chosen) => this.be(chosen));
    this.live.watch(id);
  }

  openChannel(id) {
    const channel = this.store.get(`channel/${id}`);
    if (!channel) return this.toasts.say("You are not in that channel.");
    if (this.channel !== id) this.closeThread();
    this.channel = id;
    this.channels.read(id);
    this.channels.draw();
    this.conversation.open(channel);
    this.#turnTo("conversation");
  }

  openThread(channel, ts) {
    this.#thread = { channel, ts };
    this.threadPane.open(channel, ts);
    document.body.classList.add("with-thread");
  }

  closeThread() {
    this.#thread = null;
    this.threadPane.close();
    document.body.classList.remove("with-thread");
  }

  get #role() {
    return this.#setting.cast.find(({ id }) => id === this.actions.who);
  }

  #host(menu) {
    return {
      store: this.store,
      world: this.world,
      actions: this.actions,
      timeline: this.timeline,
      menu,
      appName: menu.name,
      commands: () => (this.#role.elsewhere ? [] : menu.commands),
      shortcuts: () => (this.#role.elsewhere ? [] : menu.shortcuts),
      say: (text, place) => this.#say(text, place),
      openThread: ({ channel, ts, thread_ts: root }) => this.openThread(channel, root ?? ts),
      closeThread: () => this.closeThread(),
    };
  }

  #say(text, place) {
    const command = /^(\/[^\s/]+)(?:\s+([\s\S]*))?$/.exec(text);
    if (command) return this.actions.act("command", { ...place, command: command[1], text: command[2] ?? "" });
    return this.actions.act("post", { ...place, text });
  }

  #makeTools() {
    this.mood = new Mood(this.actions);
    this.outbox = new Outbox(this.store, this.actions);
    this.orders = new Orders(this.store);
    this.wire = new Wire(this.store);
    this.tools = new Tools(node("tools"), this.mood.node, [
      { name: "outbox", label: "Mails", panel: this.outbox.node, count: () => this.outbox.waiting },
      { name: "orders", label: "Orders", panel: this.orders.node },
      { name: "wire", label: "Wire", panel: this.wire.node, count: () => this.wire.bad, isBad: true },
    ]);
  }

  #listen() {
    const { store } = this;
    store.on(["message/"], (names) => this.#takeMessages(names));
    store.on(["channel/"], () => this.#settle());
    store.on(["person/"], () => this.channel && this.#redraw());
    store.on(["view"], () => this.modal.show(store.get("view")));
    store.on(["mood"], () => this.mood.draw(store.get("mood")));
    store.on(["mail/"], () => this.outbox.draw());
    store.on(["order/", "domain/"], () => this.orders.draw());
    store.on(["wire/", "problem/"], (names) => this.wire.take(names));
    store.on(["mail/", "problem/"], () => this.tools.draw());
    this.outbox.draw();
  }

  #takeMessages(names) {
    const roots = this.timeline.take(names);
    this.conversation.take(names, roots);
    this.threadPane.take(names);
    if (this.channel) this.channels.read(this.channel);
  }

  /** Stay in the open channel where one sees it; else open the first. */
  #settle() {
    const channels = this.store.all("channel/");
    const open = channels.find(({ id }) => id === this.channel);
    const first = channels.find(({ name }) => name === "pki") ?? channels[0];
    if (open) this.conversation.drawHead(open);
    else if (first) queueMicrotask(() => this.openChannel(first.id));
  }

  #redraw() {
    const channel = this.store.get(`channel/${this.channel}`);
    if (channel) this.conversation.open(channel);
  }

  async #postAlert(name) {
    const posted = await this.actions.act("alert", { name });
    if (!posted || !this.store.get(`channel/${posted.channel}`)) return;
    this.openChannel(posted.channel);
    this.conversation.pointAt(posted.ts);
  }

  #drawPanels() {
    const button = ([name, label, sign]) => {
      const about = { class: "panel-button", data: { panel: name }, onclick: () => this.#turnTo(name) };
      return el("button", { type: "button", ...about }, icon(sign), label);
    };
    fill(node("panels"), PANELS.map(button));
    this.#turnTo("conversation");
  }

  /** In a narrow window, show this part of the page. */
  #turnTo(panel) {
    document.body.dataset.panel = panel;
    for (const button of node("panels").children)
      button.setAttribute("aria-pressed", String(button.dataset.panel === panel));
  }

  #tellState(isOpen) {
    const isConnected = isOpen && this.store.get("app")?.connected;
    node("connection").className = `connection ${isConnected ? "connection-open" : "connection-closed"}`;
    const app = `${this.#setting.menu.name} is ${isConnected ? "" : "not "}connected`;
    fill(node("connection"), isOpen ? app : "The sandbox does not answer");
  }
}

function node(id) {
  return document.getElementById(id);
}

const setting = await (await fetch("/setting")).json();
new Page(setting).begin();
