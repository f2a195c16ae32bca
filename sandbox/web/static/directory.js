/** The lookup of users, channels and messages that texts refer to, as the current user sees them. */

const PERMALINK = /^https:\/\/[a-z]+\.slack\.test\/archives\/([A-Z0-9]+)\/p(\d+)(\d{6})(?:\?thread_ts=([\d.]+))?/;

export class Directory {
  #store;
  #actions;
  #places;

  /** `places` opens channels and threads. */
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

  /** Return a function that opens the message at this address, or null if it is no message of this workspace. */
  message(address) {
    const match = PERMALINK.exec(String(address));
    if (!match) return null;
    const [, channelId, seconds, micros, root] = match;
    return () => {
      this.#places.openChannel(channelId);
      this.#places.openThread(channelId, root ?? `${seconds}.${micros}`);
    };
  }
}
