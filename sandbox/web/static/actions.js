/** Doing things: each act is one request, done as the person one is at the moment. */

export class Actions {
  /** Who acts. */
  who = null;
  #onTrouble;

  /** `onTrouble` hears, in words, of what could not be done. */
  constructor(onTrouble) {
    this.#onTrouble = onTrouble;
  }

  /** Do it, and return what came of it; null when it could not be done. */
  async act(name, body = {}) {
    const answer = await this.#ask({ ...body, do: name, as: this.who });
    if (answer.ok) return answer;
    this.#onTrouble(answer.error);
    return null;
  }

  async #ask(body) {
    try {
      const request = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
      const response = await fetch("/act", request);
      return response.ok ? await response.json() : { ok: false, error: await response.text() };
    } catch {
      return { ok: false, error: "The sandbox does not answer; was the demo stopped?" };
    }
  }
}
