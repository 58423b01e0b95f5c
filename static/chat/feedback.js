/**
 * Gets what the visitor thinks of answers to the server: one frame per answer at a time, kept in the browser until the
 * server has confirmed it, sent again after an outage. Knows the wire format; draws nothing.
 *
 * @typedef {{thumb?: "up"|"down"|"", reaction?: string, suggestion?: string}} Change what is new about one answer
 *
 * Event "state", detail {chat, state, ...} with state
 *   "waiting": there is no connection, it goes with the next one
 *   "sending": it is on its way
 *   "kept":    the server has it; `kept` is the server's {thumb, reaction, suggested, ask}
 *   "failed":  the server could not take it now; it goes with the next connection, or with retry()
 *   "refused": the server never will; `lost` is the Change that it refused, `detail` says why
 */

/** Longer than the server needs for a row. Silence means that the connection is dead without knowing it. */
const KEPT_TIMEOUT = 15000;
/** Errors that pass by themselves, and the waits before each new try. */
const PASSING = new Set(["busy", "unavailable", "timeout", "internal"]);
const RETRY_WAITS = [1500, 4000, 9000];

export class Feedback extends EventTarget {
  #connection;
  #shelf;
  /** @type {Map<number, Change>} by answer: what the server has not confirmed */
  #pending = new Map();
  /** @type {Map<number, {sent: Change, timer: number, retries: number}>} what is under way */
  #flights = new Map();

  /** @param {import("./socket.js").Connection} connection @param {import("./storage.js").Shelf} shelf outlives the page */
  constructor(connection, shelf) {
    super();
    this.#connection = connection;
    this.#shelf = shelf;
    this.#load();
    connection.addEventListener("open", () => this.#sendAll());
    connection.addEventListener("close", () => this.#ground());
    connection.addEventListener("frame", (event) => this.#received(event.detail));
  }

  /** @param {number} chat @returns {Change} what of this answer is not confirmed yet */
  pending(chat) {
    return this.#pending.get(chat) ?? {};
  }

  /** @param {number} chat the answer's number @param {Change} change replaces what was said of the same before */
  give(chat, change) {
    this.#keep(chat, { ...this.pending(chat), ...change });
    this.retry(chat);
  }

  /** Send what is kept of an answer, now. */
  retry(chat) {
    const flight = this.#flights.get(chat);
    if (flight?.sent) {
      this.#tell(chat, "sending"); // The rest follows when the server has confirmed this.
      return;
    }
    clearTimeout(flight?.timer);
    this.#send(chat, 0);
  }

  #send(chat, retries) {
    const sent = this.pending(chat);
    if (!this.#connection.send({ feedback: { chat, ...sent } })) {
      this.#tell(chat, "waiting");
      return;
    }
    // Taking a new connection is what wakes a dead one: all that is pending goes again when it opens.
    const timer = setTimeout(() => this.#connection.connect(), KEPT_TIMEOUT);
    this.#flights.set(chat, { sent, timer, retries });
    this.#tell(chat, "sending");
  }

  #sendAll() {
    this.#land();
    for (const chat of this.#pending.keys()) {
      this.#send(chat, 0);
    }
  }

  /** The connection is gone: all that was under way waits for the next one. */
  #ground() {
    this.#land();
    for (const chat of this.#pending.keys()) {
      this.#tell(chat, "waiting");
    }
  }

  #land() {
    this.#flights.forEach(({ timer }) => clearTimeout(timer));
    this.#flights.clear();
  }

  #received(frame) {
    const flight = this.#flights.get(frame?.feedback?.chat ?? frame?.chat);
    if (!flight?.sent) {
      return;
    }
    if (frame.error) {
      this.#denied(frame.chat, flight, frame.error);
    } else if (frame.feedback) {
      this.#confirmed(frame.feedback, flight);
    }
  }

  #confirmed({ chat, ...kept }, { sent, timer }) {
    clearTimeout(timer);
    this.#flights.delete(chat);
    this.#forget(chat, sent);
    this.#tell(chat, "kept", { kept });
    if (this.#pending.has(chat)) {
      this.#send(chat, 0);
    }
  }

  #denied(chat, { sent, timer, retries }, { code = "internal", detail = "" }) {
    clearTimeout(timer);
    this.#flights.delete(chat);
    if (!PASSING.has(code)) {
      this.#refused(chat, sent, detail);
    } else if (retries < RETRY_WAITS.length) {
      const again = setTimeout(() => this.#send(chat, retries + 1), RETRY_WAITS[retries]);
      this.#flights.set(chat, { sent: null, timer: again, retries });
    } else {
      this.#tell(chat, "failed", { detail });
    }
  }

  /** A refused suggestion takes nothing else with it: the rest is tried without. */
  #refused(chat, sent, detail) {
    const { suggestion, ...others } = sent;
    const lost = suggestion && Object.keys(others).length > 0 ? { suggestion } : sent;
    this.#forget(chat, lost);
    this.#tell(chat, "refused", { lost, detail });
    if (this.#pending.has(chat)) {
      this.#send(chat, 0);
    }
  }

  /** Drop what is settled, but not what the visitor has changed since it was sent. */
  #forget(chat, settled) {
    const open = Object.entries(this.pending(chat)).filter(([name, value]) => settled[name] !== value);
    this.#keep(chat, Object.fromEntries(open));
  }

  #keep(chat, change) {
    if (Object.keys(change).length > 0) {
      this.#pending.set(chat, change);
      this.#shelf.set(chat, JSON.stringify(change));
    } else {
      this.#pending.delete(chat);
      this.#shelf.remove(chat);
    }
  }

  #load() {
    for (const key of this.#shelf.keys()) {
      const change = parse(this.#shelf.get(key));
      if (change && Number.isSafeInteger(Number(key))) {
        this.#pending.set(Number(key), change);
      } else {
        this.#shelf.remove(key);
      }
    }
  }

  #tell(chat, state, more = {}) {
    this.dispatchEvent(new CustomEvent("state", { detail: { chat, state, ...more } }));
  }
}

/** @returns {Change|null} null for what this page did not write */
function parse(json) {
  try {
    const known = Object.entries(JSON.parse(json)).filter(
      ([name, value]) => ["thumb", "reaction", "suggestion"].includes(name) && typeof value === "string",
    );
    return known.length > 0 ? Object.fromEntries(known) : null;
  } catch {
    return null;
  }
}
