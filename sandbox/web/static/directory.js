/** The lookup of what texts refer to, as the current user sees it: users, channels, messages, CertCentral. */

const PERMALINK = /^https:\/\/[a-z]+\.slack\.test\/archives\/([A-Z0-9]+)\/p(\d+)(\d{6})(?:\?thread_ts=([\d.]+))?/;
const CONSOLE = /^https:\/\/(?:www\.digicert\.com|certcentral\.digicert\.eu)\/secure(?:\/(order|domain)s\/(\d+))?$/;

export class Directory {
  #store;
  #actions;
  #places;

  /** `places` opens channels, threads and CertCentral's orders. */
  constructor(store, actions, places) {
    this.#store = store;
    this.#actions = actions;
    this.#places = places;
  }

  person(id) {
    return this.#store.get(`person/${id}`);
  }

  people() {
    return this.#store.all("person/").filter(({ app }) => !app);
  }

  /** Return a user group: its handle and the ids of its members. */
  group(id) {
    return this.#store.get(`group/${id}`);
  }

  channel(id) {
    return this.#store.get(`channel/${id}`);
  }

  channels() {
    return this.#store.all("channel/").filter(({ with_bot: withBot }) => !withBot);
  }

  isMe(id) {
    return id === this.#actions.who;
  }

  /** Return whether a bot id is that of the app under test. */
  isApp(botId) {
    return Boolean(botId) && botId === this.#store.get("app")?.bot;
  }

  open(channelId) {
    this.#places.openChannel(channelId);
  }

  /** Return a function that opens what this page has at the address: a message or a part of CertCentral. Else, null. */
  opener(address) {
    return this.#message(address) ?? this.#console(address);
  }

  /** CertCentral's pages need a login to DigiCert. The orders of the sandbox are on this page. */
  #console(address) {
    const match = CONSOLE.exec(String(address));
    return match && (() => this.#places.openOrders(match[1] && `${match[1]}-${match[2]}`));
  }

  #message(address) {
    const match = PERMALINK.exec(String(address));
    if (!match) return null;
    const [, channelId, seconds, micros, root] = match;
    return () => {
      this.#places.openChannel(channelId, "messages");
      this.#places.openThread(channelId, root ?? `${seconds}.${micros}`);
    };
  }
}
