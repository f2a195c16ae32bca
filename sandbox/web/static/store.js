/** The page's copy of the servers' state, in named parts. */

export class Store {
  #parts = new Map();
  #listeners = [];

  /** Return the part with this name. */
  get(name) {
    return this.#parts.get(name);
  }

  /** Return all parts whose name starts with `prefix`. */
  all(prefix) {
    return [...this.#parts].filter(([name]) => name.startsWith(prefix)).map(([, part]) => part);
  }

  /** Call `listener` with the changed names that start with one of the prefixes. */
  on(prefixes, listener) {
    this.#listeners.push([prefixes, listener]);
  }

  /** Apply a change of the server: parts to `put` and names to `drop`. */
  apply({ put = {}, drop = [] }) {
    for (const [name, part] of Object.entries(put)) this.#parts.set(name, part);
    for (const name of drop) this.#parts.delete(name);
    this.#notify([...Object.keys(put), ...drop]);
  }

  /** Replace all parts by those of the server. */
  reset({ put = {} }) {
    const gone = [...this.#parts.keys()].filter((name) => !(name in put));
    this.apply({ put, drop: gone });
  }

  #notify(changed) {
    for (const [prefixes, listener] of this.#listeners) {
      const names = changed.filter((name) => prefixes.some((prefix) => name.startsWith(prefix)));
      if (names.length) listener(names);
    }
  }
}
