/**
 * Gets every message to Jaram and its answer back, exactly once: sends, resends after an outage with the same id,
 * retries what the server asks to retry, and gives up aloud. Knows the wire format; draws nothing.
 *
 * Events: "state" (detail: {id, state, code, detail}) with state waiting | sending | sent | failed, and
 * "answer" (detail: {id, text, chat, model, offers}; id is "" or unknown where the server answered something else).
 */
import { newId } from "./identity.js";

/** Longer than the server's own time limit, so that its error frame comes first. */
const ANSWER_TIMEOUT = 45000;
/** How often silence is answered with a new connection before the message counts as failed. */
const SILENCES = 2;
/** Errors that pass by themselves, and the waits before each new try. */
const PASSING = new Set(["busy", "unavailable"]);
const RETRY_WAITS = [1500, 4000, 9000];
/** Errors that the same text will meet again. */
const HOPELESS = new Set(["too_long", "bad_message", "bad_json", "binary"]);
/** Older than this, nobody waits for the answer any more: it is asked again only by hand. */
const EXPIRES_AFTER = 24 * 60 * 60 * 1000;
const DRAIN_CHECK = 40;

export class Delivery extends EventTarget {
  #connection;
  #outbox;
  /** @type {Map<string, {timer: number, retries: number, silences: number}>} what is under way */
  #flights = new Map();

  /** @param {import("./socket.js").Connection} connection @param {import("./outbox.js").Outbox} outbox */
  constructor(connection, outbox) {
    super();
    this.#connection = connection;
    this.#outbox = outbox;
    connection.addEventListener("open", () => this.#resend());
    connection.addEventListener("close", () => this.#ground());
    connection.addEventListener("frame", (event) => this.#received(event.detail));
  }

  /** True while at least one message has left and its answer has not come. */
  get isWaiting() {
    return this.#connection.isOpen && this.#outbox.all().some((entry) => !entry.failed);
  }

  /** @param {string} text @param {string} mode @returns {import("./outbox.js").Entry} */
  create(text, mode = "") {
    return { id: newId(), text, askedAt: Date.now(), failed: "", mode };
  }

  /** True while this very text has no answer yet. */
  isAsking(text) {
    return this.#outbox.all().some((entry) => !entry.failed && entry.text === text);
  }

  /** Take over a message, new or from an earlier visit, and see it through. */
  take(entry) {
    const expired = !entry.failed && Date.now() - entry.askedAt > EXPIRES_AFTER;
    const kept = expired ? { ...entry, failed: "expired" } : entry;
    this.#outbox.put(kept);
    if (kept.failed) {
      this.#tell(kept.id, "failed", kept.failed);
    } else {
      this.#send(kept);
    }
  }

  /** Try a failed message again, under its own id. */
  retry(id) {
    const entry = this.#outbox.get(id);
    if (entry) {
      this.#land(id);
      this.take({ ...entry, failed: "", askedAt: Date.now() });
    }
  }

  /** The answer is known (from the socket or from the history): nothing more to do. */
  settle(id) {
    this.#land(id);
    if (this.#outbox.get(id)) {
      this.#outbox.remove(id);
      this.#tell(id, "sent");
    }
  }

  /** Forget a message that can never be answered. */
  drop(id) {
    this.#land(id);
    this.#outbox.remove(id);
  }

  /** Can trying the same text again help? @param {string} code */
  static canRetry(code) {
    return !HOPELESS.has(code);
  }

  #send(entry) {
    const flight = this.#flights.get(entry.id) ?? { timer: 0, retries: 0, silences: 0 };
    this.#flights.set(entry.id, flight);
    clearTimeout(flight.timer);
    const { text: message, id, mode } = entry;
    if (!this.#connection.send(mode ? { message, id, mode } : { message, id })) {
      this.#tell(entry.id, "waiting");
      return;
    }
    this.#tell(entry.id, "sending");
    flight.timer = setTimeout(() => this.#confirm(entry.id), 0);
  }

  /** "Sent" is said only when the browser has really handed the message on. */
  #confirm(id) {
    const flight = this.#flights.get(id);
    if (!flight || !this.#connection.isOpen) {
      return;
    }
    if (this.#connection.isDrained) {
      flight.timer = setTimeout(() => this.#silent(id), ANSWER_TIMEOUT);
      this.#tell(id, "sent");
    } else {
      flight.timer = setTimeout(() => this.#confirm(id), DRAIN_CHECK);
    }
  }

  /** No answer and no error: the connection is dead without knowing it, so take a new one. */
  #silent(id) {
    const flight = this.#flights.get(id);
    flight.silences += 1;
    if (flight.silences >= SILENCES) {
      this.#fail(id, "timeout");
    } else {
      this.#ground();
      this.#connection.connect();
    }
  }

  #resend() {
    for (const entry of this.#outbox.all().filter(({ failed }) => !failed)) {
      this.#send(entry);
    }
  }

  /** The connection is gone: all that was under way waits for the next one. */
  #ground() {
    for (const [id, flight] of this.#flights) {
      clearTimeout(flight.timer);
      this.#tell(id, "waiting");
    }
  }

  #land(id) {
    clearTimeout(this.#flights.get(id)?.timer);
    this.#flights.delete(id);
  }

  #received(frame) {
    if (frame?.error) {
      this.#refused(frame.id ?? "", frame.error);
    } else if (typeof frame?.message === "string") {
      const { message, id = "", chat = null, model = "", offers = [] } = frame;
      this.settle(id);
      this.dispatchEvent(new CustomEvent("answer", { detail: { id, text: message, chat, model, offers } }));
    }
  }

  #refused(id, { code = "internal", detail = "" }) {
    const flight = this.#flights.get(id);
    const entry = this.#outbox.get(id);
    if (!flight || !entry) {
      return; // Answered or given up in the meantime.
    }
    if (PASSING.has(code) && flight.retries < RETRY_WAITS.length) {
      clearTimeout(flight.timer);
      flight.timer = setTimeout(() => this.#send(entry), RETRY_WAITS[flight.retries]);
      flight.retries += 1;
    } else {
      this.#fail(id, code, detail);
    }
  }

  #fail(id, code, detail = "") {
    this.#land(id);
    this.#outbox.put({ ...this.#outbox.get(id), failed: code });
    this.#tell(id, "failed", code, detail);
  }

  #tell(id, state, code = "", detail = "") {
    this.dispatchEvent(new CustomEvent("state", { detail: { id, state, code, detail } }));
  }
}
