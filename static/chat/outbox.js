/**
 * What this visitor has said and Jaram has not answered yet. Each entry lives under a key of its own, so that two
 * tabs never overwrite each other's entries, and a reload (or a crash) loses nothing.
 *
 * @typedef {{id: string, text: string, askedAt: number, failed: string, mode: string}} Entry
 *   failed: the code of the error that ended it, "" while it is still under way
 *   mode: which part of Jaram staff want to answer it, "" for what the server's setting says
 */

export class Outbox {
  #shelf;
  /** @type {Map<string, Entry>} */
  #entries = new Map();

  /** @param {import("./storage.js").Shelf} shelf a corner of the storage that outlives the page */
  constructor(shelf) {
    this.#shelf = shelf;
    this.#load();
  }

  /** @returns {Entry[]} oldest first */
  all() {
    return [...this.#entries.values()].sort((a, b) => a.askedAt - b.askedAt);
  }

  /** @returns {Entry|undefined} */
  get(id) {
    return this.#entries.get(id);
  }

  /** @param {Entry} entry */
  put(entry) {
    this.#entries.set(entry.id, entry);
    this.#shelf.set(entry.id, JSON.stringify(entry));
  }

  remove(id) {
    this.#entries.delete(id);
    this.#shelf.remove(id);
  }

  #load() {
    for (const key of this.#shelf.keys()) {
      const entry = parse(this.#shelf.get(key));
      if (entry) {
        this.#entries.set(entry.id, entry);
      } else {
        this.#shelf.remove(key);
      }
    }
  }
}

/** @returns {Entry|null} null for what this page did not write */
function parse(json) {
  try {
    const { id, text, askedAt, failed = "", mode = "" } = JSON.parse(json);
    const whole = typeof id === "string" && typeof text === "string" && typeof askedAt === "number";
    return whole && id && text ? { id, text, askedAt, failed: String(failed), mode: String(mode) } : null;
  } catch {
    return null;
  }
}
