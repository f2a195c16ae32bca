/** The page's copy of what the local servers hold, part by part. */

export class Store {
  #parts = new Map();
  #listeners = [];

  /** The part of this name. */
  get(name) {
    return this.#parts.get(name);
  }

  /** All parts whose name begins so. */
  all(prefix) {
    return [...this.#parts].filter(([name]) => name.startsWith(prefix)).map(([, part]) => part);
  }

  /** Call `listener` with the names that changed, whenever some begin with one of the prefixes. */
  on(prefixes, listener) {
    this.#listeners.push([prefixes, listener]);
  }

  /** Take over what the server tells: parts to `put`, names to `drop`. */
  apply({ put = {}, drop = [] }) {
    for (const [name, part] of Object.entries(put)) this.#parts.set(name, part);
    for (const name of drop) this.#parts.delete(name);
    this.#tell([...Object.keys(put), ...drop]);
  }

  /** Replace everything by what the server tells. */
  begin({ put = {} }) {
    const gone = [...this.#parts.keys()].filter((name) => !(name in put));
    this.apply({ put, drop: gone });
  }

  #tell(changed) {
    for (const [prefixes, listener] of this.#listeners) {
      const names = changed.filter((name) => prefixes.some((prefix) => name.startsWith(prefix)));
      if (names.length) listener(names);
    }
  }
}
