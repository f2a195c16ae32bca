/** The messages in order, by channel and by thread. */

export class Timeline {
  #store;
  #messages = new Map();
  #threads = new Map();

  constructor(store) {
    this.#store = store;
  }

  /** Read the messages with these part names from the store. Returns the roots whose replies changed. */
  update(names) {
    const roots = [];
    for (const name of names) {
      const before = this.#messages.get(name);
      const now = this.#store.get(name);
      // A deleted reply is known only from its old version.
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

  /** Return the messages in the channel itself, oldest first. */
  inChannel(channel) {
    const prefix = key(channel, "");
    const mine = [...this.#messages].filter(([name]) => name.startsWith(prefix)).map(([, message]) => message);
    return sorted(mine.filter((message) => this.isInChannel(message)));
  }

  isInChannel(message) {
    return !message.thread_ts || message.broadcast;
  }

  /** Return the replies below a message that everyone sees, oldest first. */
  replies({ channel, ts }) {
    return this.#below(channel, ts).filter((reply) => !reply.only_you);
  }

  /** Return a message and everything in its thread, including ephemeral messages. */
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
  // Timestamps have a fixed length, so comparing them as strings is exact.
  return messages.sort((a, b) => (a.ts < b.ts ? -1 : a.ts > b.ts ? 1 : 0));
}
