/** The live stream: everything at first, then each change, over one WebSocket that comes back by itself. */

const AGAIN_MS = 1000;

export class Live {
  #store;
  #onState;
  #socket = null;
  #who = null;

  /** `onState` hears whether the stream is open. */
  constructor(store, onState) {
    this.#store = store;
    this.#onState = onState;
  }

  /** See everything as this person from now on. */
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
      if (socket !== this.#socket) return;
      const told = JSON.parse(event.data);
      if (isFirst) this.#store.begin(told);
      else this.#store.apply(told);
      isFirst = false;
      this.#onState(true);
    });
    socket.addEventListener("close", () => {
      if (socket !== this.#socket) return;
      this.#onState(false);
      setTimeout(() => socket === this.#socket && this.#connect(), AGAIN_MS);
    });
  }
}
