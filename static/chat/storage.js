/**
 * A corner of the browser's storage under one prefix. Where the browser forbids storage or it is full, things are
 * simply not kept: the page must work without.
 */
export class Shelf {
  #prefix;
  #storage;

  /** @param {"localStorage"|"sessionStorage"} kind @param {string} prefix */
  constructor(kind, prefix) {
    this.#prefix = prefix;
    this.#storage = open(kind);
  }

  /** @returns {string[]} */
  keys() {
    const count = this.#storage?.length ?? 0;
    const names = Array.from({ length: count }, (_, index) => this.#storage.key(index));
    return names.filter((name) => name.startsWith(this.#prefix)).map((name) => name.slice(this.#prefix.length));
  }

  /** @returns {string|null} */
  get(key) {
    return this.#storage?.getItem(this.#prefix + key) ?? null;
  }

  /** @returns {boolean} whether it was kept */
  set(key, value) {
    try {
      this.#storage?.setItem(this.#prefix + key, value);
      return this.#storage !== null;
    } catch (error) {
      if (error instanceof DOMException) {
        return false; // Full.
      }
      throw error;
    }
  }

  remove(key) {
    this.#storage?.removeItem(this.#prefix + key);
  }
}

/** @returns {Storage|null} null where the visitor's settings forbid it */
function open(kind) {
  try {
    return window[kind];
  } catch {
    return null;
  }
}
