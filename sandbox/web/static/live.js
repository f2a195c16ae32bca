/** The WebSocket that receives the whole state and then every change. It reconnects automatically. */

const RECONNECT_MS = 1000;

export class Live {
  #store;
  #onState;
  #socket = null;
  #who = null;

  /** `onState` is called with whether the connection is open. */
  constructor(store, onState) {
    this.#store = store;
    this.#onState = onState;
  }

  /** Receive the state as this user sees it. */
  watch(who) {
    this.#who = who;
    this.#socket?.close();
    this.#connect();
  }

  #connect() {
    const socket = new WebSocket(`ws://${location.host}/live?as=${encodeURIComponent(this.#who)}`);
    let isFirst = true;
    this.#socket = socket;
    socket.addEventListener("message", (event) => {
      // A closed socket may still deliver events after another user was chosen.
      if (socket !== this.#socket) return;
      const changes = JSON.parse(event.data);
      // After a reconnect, the first frame has the whole state again, so parts that are gone must be dropped.
      if (isFirst) this.#store.reset(changes);
      else this.#store.apply(changes);
      isFirst = false;
      this.#onState(true);
    });
    socket.addEventListener("close", () => {
      if (socket !== this.#socket) return;
      this.#onState(false);
      setTimeout(() => socket === this.#socket && this.#connect(), RECONNECT_MS);
    });
  }
}
