/** The actions of the current user, one request each. */

export class Actions {
  /** The id of the user who acts. */
  who = null;
  #onError;

  /** `onError` is called with the reason if an action fails. */
  constructor(onError) {
    this.#onError = onError;
  }

  /** Run an action and return its outcome, or null if it failed. */
  async act(name, body = {}) {
    const answer = await this.#ask({ ...body, do: name, as: this.who });
    if (answer.ok) return answer;
    this.#onError(answer.error);
    return null;
  }

  async #ask(body) {
    try {
      const request = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
      const response = await fetch("/act", request);
      return response.ok ? await response.json() : { ok: false, error: await response.text() };
    } catch {
      return { ok: false, error: "The sandbox isn't responding. Is the demo still running?" };
    }
  }
}
