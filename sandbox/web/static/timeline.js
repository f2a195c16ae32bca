/** Messages in their order: those of each channel, and those of each thread. */

export class Timeline {
  #store;
  #messages = new Map();
  #threads = new Map();

  constructor(store) {
    this.#store = store;
  }

  /** Take over the messages of these names as the store holds them now; the roots whose replies changed come back. */
  take(names) {
    const roots = [];
    for (const name of names) {
      const before = this.#messages.get(name);
      const now = this.#store.get(name);
      const root = (now ?? before)?.thread_ts;
      if (now) this.#messages.set(name, now);
      else this.#messages.delete(name);
      if (!root) continue;
      this.#file(now ?? before, Boolean(now));
      roots.push(root);
    }
    return roots;
  }

  find(channel, ts) {
    return this.#messages.get(key(channel, ts));
  }

  /** What stands in the channel itself, oldest first. */
  inChannel(channel) {
    const prefix = key(channel, "");
    const mine = [...this.#messages].filter(([name]) => name.startsWith(prefix)).map(([, message]) => message);
    return sorted(mine.filter((message) => this.isInChannel(message)));
  }

  isInChannel(message) {
    return !message.thread_ts || message.broadcast;
  }

  /** What stands below a message and is seen by everybody, oldest first. */
  replies({ channel, ts }) {
    return this.#below(channel, ts).filter((reply) => !reply.only_you);
  }

  /** A message and all that stands below it, whispers too. */
  thread(channel, ts) {
    const root = this.find(channel, ts);
    return [...(root ? [root] : []), ...this.#below(channel, ts)];
  }

  #below(channel, ts) {
    return sorted([...(this.#threads.get(key(channel, ts))?.values() ?? [])]);
  }

  #file(message, isThere) {
    const thread = key(message.channel, message.thread_ts);
    if (!this.#threads.has(thread)) this.#threads.set(thread, new Map());
    if (isThere) this.#threads.get(thread).set(message.ts, message);
    else this.#threads.get(thread).delete(message.ts);
  }
}

function key(channel, ts) {
  return `message/${channel}/${ts}`;
}

function sorted(messages) {
  return messages.sort((a, b) => (a.ts < b.ts ? -1 : a.ts > b.ts ? 1 : 0));
}
