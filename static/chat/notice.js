/** The line above the message box that says what is wrong with the connection, and that it is well again. */

/** A connection that comes back faster than this was hardly missed. */
const PATIENCE = 1200;
const THANKS = 2500;

export class Notice {
  #box;
  #text;
  #action;
  #timer = 0;

  /** @param {HTMLElement} box @param {() => void} onAction what its button does */
  constructor(box, onAction) {
    this.#box = box;
    this.#text = box.querySelector("p");
    this.#action = box.querySelector("button");
    this.#action.addEventListener("click", onAction);
  }

  /** Say what is wrong, unless it passes at once. */
  trouble(sentence, { canAct = true } = {}) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#show(sentence, canAct), this.#box.hidden ? PATIENCE : 0);
  }

  /** Take it back; where something was said, say that it is well. */
  relief(sentence) {
    clearTimeout(this.#timer);
    if (!this.#box.hidden) {
      this.#show(sentence, false);
      this.#timer = setTimeout(() => this.#hide(), THANKS);
    }
  }

  #show(sentence, canAct) {
    this.#box.hidden = false;
    this.#action.hidden = !canAct;
    if (this.#text.textContent !== sentence) {
      this.#text.textContent = sentence;
    }
  }

  #hide() {
    this.#box.hidden = true;
    this.#text.textContent = "";
  }
}
