/** One websocket that stays connected. Knows nothing of messages: it opens, reports, and opens again. */
import { Backoff } from "./backoff.js";

const CONNECT_TIMEOUT = 10000;
/** A connection that lived this long was a good one, so the next outage starts with short waits again. */
const STABLE_AFTER = 5000;

/** Events: "open", "close", and "frame" (detail: the parsed JSON value). */
export class Connection extends EventTarget {
  #url;
  #backoff;
  #socket = null;
  #retry = 0;
  #deadline = 0;
  #stable = 0;

  /** @param {string} url @param {Backoff} backoff */
  constructor(url, backoff = new Backoff()) {
    super();
    this.#url = url;
    this.#backoff = backoff;
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** True once everything handed to send() has left the browser. */
  get isDrained() {
    return this.isOpen && this.#socket.bufferedAmount === 0;
  }

  /** Open now. A socket that is already there is given up: it may be dead without knowing it. */
  connect() {
    this.#giveUp();
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    this.#deadline = setTimeout(() => this.#lost(socket), CONNECT_TIMEOUT);
    socket.addEventListener("open", () => this.#opened(socket));
    socket.addEventListener("message", (event) => this.#received(socket, event.data));
    socket.addEventListener("close", () => this.#lost(socket));
  }

  /** @param {object} frame sent as JSON. @returns {boolean} false when there is no open socket */
  send(frame) {
    if (!this.isOpen) {
      return false;
    }
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #opened(socket) {
    if (socket !== this.#socket) {
      return;
    }
    clearTimeout(this.#deadline);
    this.#stable = setTimeout(() => this.#backoff.reset(), STABLE_AFTER);
    this.dispatchEvent(new Event("open"));
  }

  #received(socket, data) {
    if (socket !== this.#socket || typeof data !== "string") {
      return;
    }
    let frame;
    try {
      frame = JSON.parse(data);
    } catch {
      return; // Not our server's language; the answer timer of delivery.js deals with the silence.
    }
    this.#backoff.reset();
    this.dispatchEvent(new CustomEvent("frame", { detail: frame }));
  }

  #lost(socket) {
    if (socket !== this.#socket) {
      return;
    }
    this.#giveUp();
    this.#retry = setTimeout(() => this.connect(), this.#backoff.next());
    this.dispatchEvent(new Event("close"));
  }

  #giveUp() {
    clearTimeout(this.#retry);
    clearTimeout(this.#deadline);
    clearTimeout(this.#stable);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }
}
