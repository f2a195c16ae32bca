/** The page: the current user, the open channel and thread, and the routing of changes. */

import { Actions } from "./actions.js";
import { drawAlerts } from "./alerts.js";
import { calendarButton } from "./calendar.js";
import { Channels } from "./channels.js";
import { Conversation } from "./conversation.js";
import { el, fill } from "./dom.js";
import { icon } from "./icons.js";
import { Live } from "./live.js";
import { Modal } from "./modal.js";
import { FaultPresets } from "./faultpresets.js";
import { NameServers } from "./nameservers.js";
import { Orders } from "./orders.js";
import { Outbox } from "./outbox.js";
import { drawPeople } from "./people.js";
import { drawSteps } from "./steps.js";
import { Store } from "./store.js";
import { Thread } from "./thread.js";
import { Timeline } from "./timeline.js";
import { Toasts } from "./toast.js";
import { Tabs } from "./tabs.js";
import { Wire } from "./wire.js";
import { Directory } from "./directory.js";

const PANELS = [
  ["channels", "Channels", "list"],
  ["conversation", "Messages", "reply"],
  ["tools", "CertCentral", "mail"],
];

class Page {
  #config;
  #thread = null;

  /** The id of the open channel. */
  channel = null;

  constructor(config) {
    this.#config = config;
    const { menu } = config;
    this.toasts = new Toasts(document.body);
    this.store = new Store();
    this.actions = new Actions((words) => this.toasts.say(words));
    this.directory = new Directory(this.store, this.actions, this);
    this.timeline = new Timeline(this.store);
    this.live = new Live(this.store, (isOpen) => this.#showConnection(isOpen));
    const host = this.#host(menu);
    this.channels = new Channels(node("channels"), this.store, this, menu.name);
    this.conversation = new Conversation(node("conversation"), host);
    this.threadPane = new Thread(node("thread"), host);
    this.modal = new Modal(this.actions, this.directory);
    this.#makeTools();
    this.#listen();
    this.#drawPanels();
    drawSteps(node("steps"));
    drawAlerts(node("alerts"), config.alerts, (name) => this.#postAlert(name));
  }

  /** Start as the user named in the address, or as the first one. */
  start() {
    const { personas } = this.#config;
    const named = new URLSearchParams(location.hash.slice(1)).get("as");
    this.switchTo((personas.find(({ name }) => name.toLowerCase().startsWith((named ?? "?").toLowerCase())) ?? personas[0]).id);
  }

  /** Switch to this user. */
  switchTo(id) {
    const { personas } = this.#config;
    this.actions.who = id;
    history.replaceState(null, "", `#as=${encodeURIComponent(this.#persona.name.split(" ")[0].toLowerCase())}`);
    this.closeThread();
    this.modal.show(null);
    this.channels.forget();
    drawPeople(node("people"), personas, id, (chosen) => this.switchTo(chosen));
    this.live.watch(id);
  }

  /** Open a channel. In the app's direct message, `tab` is the tab to open. */
  openChannel(id, tab = null) {
    const channel = this.store.get(`channel/${id}`);
    if (!channel) return this.toasts.say("You aren't in that channel.");
    if (this.channel !== id) this.closeThread();
    this.channel = id;
    this.conversation.open(channel);
    if (channel.with_bot && this.#config.menu.home) this.conversation.openTab(tab ?? this.#firstTab(id));
    this.#read();
    this.#showPanel("conversation");
  }

  openThread(channel, ts) {
    this.#thread = { channel, ts };
    this.threadPane.open(channel, ts);
    document.body.classList.add("with-thread");
  }

  /** Show CertCentral's orders. `id` names the one to point at, as in `order-700001`. */
  openOrders(id) {
    this.tools.open("orders");
    this.#showPanel("tools");
    if (id) this.orders.pointAt(id);
  }

  closeThread() {
    this.#thread = null;
    this.threadPane.close();
    document.body.classList.remove("with-thread");
  }

  get #persona() {
    return this.#config.personas.find(({ id }) => id === this.actions.who);
  }

  /** As in Slack, the app opens on its Home tab, unless it has written something new. */
  #firstTab(id) {
    return this.channels.unread(id) ? "messages" : "home";
  }

  /** Mark what is in front as read. */
  #read() {
    if (this.channel && !this.conversation.isAtHome) this.channels.read(this.channel);
    this.channels.draw();
    this.conversation.drawTabs();
  }

  #host(menu) {
    return {
      store: this.store,
      directory: this.directory,
      actions: this.actions,
      timeline: this.timeline,
      menu,
      appName: menu.name,
      commands: () => (this.#persona.elsewhere ? [] : menu.commands),
      shortcuts: () => (this.#persona.elsewhere ? [] : menu.shortcuts),
      globalShortcuts: () => (this.#persona.elsewhere ? [] : menu.global_shortcuts),
      unread: (channel) => this.channels.unread(channel),
      onTab: (channel, tab) => this.#onTab(channel, tab),
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

  #onTab(channel, tab) {
    this.actions.act("open_app", { channel, tab });
    this.#read();
  }

  #makeTools() {
    this.presets = new FaultPresets(this.actions);
    this.outbox = new Outbox(this.store, this.actions);
    this.orders = new Orders(this.store);
    this.nameServers = new NameServers(this.store, this.actions);
    this.wire = new Wire(this.store);
    this.tools = new Tabs("Tools", [
      { name: "outbox", label: "Emails", panel: this.outbox.node, count: () => this.outbox.waiting },
      { name: "orders", label: "Orders", panel: this.orders.node },
      { name: "dns", label: "DNS", panel: this.nameServers.node },
      { name: "wire", label: "Wire", panel: this.wire.node, count: () => this.wire.bad, isBad: true },
    ]);
    const calendar = calendarButton(this.#config.jumps, this.actions);
    fill(node("tools"), this.presets.node, ...(calendar ? [calendar] : []), this.tools.list, this.tools.panels);
  }

  #listen() {
    const { store } = this;
    store.on(["message/"], (names) => this.#updateMessages(names));
    store.on(["channel/"], () => this.#chooseChannel());
    store.on(["person/"], () => this.channel && this.#redraw());
    store.on(["home"], () => this.conversation.drawHome(store.get("home")));
    store.on(["view"], () => this.modal.show(store.get("view")));
    store.on(["presets"], () => this.presets.draw(store.get("presets")));
    store.on(["mail/"], () => this.outbox.draw());
    store.on(["order/", "domain/"], () => this.orders.draw());
    store.on(["dns"], () => this.nameServers.draw());
    store.on(["wire/", "problem/"], (names) => this.wire.update(names));
    store.on(["mail/", "problem/"], () => this.tools.draw());
    this.outbox.draw();
  }

  #updateMessages(names) {
    const roots = this.timeline.update(names);
    this.conversation.update(names, roots);
    this.threadPane.update(names);
    this.#read();
  }

  /** Stay in the open channel if the user sees it, or open the first one. */
  #chooseChannel() {
    const channels = this.store.all("channel/");
    const open = channels.find(({ id }) => id === this.channel);
    const first = channels.find(({ name }) => name === "pki") ?? channels[0];
    if (open) this.conversation.drawHead(open);
    // After all listeners have seen this change, since opening a channel draws from their state.
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
      const about = { class: "panel-button", data: { panel: name }, onclick: () => this.#showPanel(name) };
      return el("button", { type: "button", ...about }, icon(sign), label);
    };
    fill(node("panels"), PANELS.map(button));
    this.#showPanel("conversation");
  }

  /** Show this part of the page in a narrow window. */
  #showPanel(panel) {
    document.body.dataset.panel = panel;
    for (const button of node("panels").children)
      button.setAttribute("aria-pressed", String(button.dataset.panel === panel));
  }

  #showConnection(isOpen) {
    const isConnected = isOpen && this.store.get("app")?.connected;
    node("connection").className = `connection ${isConnected ? "connection-open" : "connection-closed"}`;
    const app = `${this.#config.menu.name} ${isConnected ? "is" : "isn't"} connected`;
    fill(node("connection"), isOpen ? app : "The sandbox isn't responding");
  }
}

function node(id) {
  return document.getElementById(id);
}

const config = await (await fetch("/config")).json();
new Page(config).start();
