/** The small box that asks what Jaram should have said: one question, one text, sent or waved away. */
import { clean, countCodePoints } from "./composer.js";

export class Suggestion {
  #form;
  #box;
  #send;
  #warning;
  #limit;
  #words;
  #draft;
  #onSend;
  #onDismiss;

  /**
   * @param {HTMLElement} place what it is appended to
   * @param {{limit: number, words: DOMStringMap, onSend: (text: string) => void, onDismiss: () => void,
   *          draft: {load: () => string, save: (text: string) => void}}} options
   */
  constructor(place, { limit, words, draft, onSend, onDismiss }) {
    this.#form = document.getElementById("suggestion-template").content.firstElementChild.cloneNode(true);
    this.#box = this.#form.querySelector("textarea");
    this.#send = this.#form.querySelector("button");
    this.#warning = this.#form.querySelector(".suggestion__warning");
    this.#limit = limit;
    this.#words = words;
    this.#draft = draft;
    this.#onSend = onSend;
    this.#onDismiss = onDismiss;
    place.append(this.#form);
    this.#listen();
    this.#box.value = draft.load();
    this.#changed();
  }

  focus() {
    this.#box.focus();
  }

  /** Say why the text was not taken; it stays in the box. */
  warn(sentence) {
    this.#warning.hidden = !sentence;
    if (this.#warning.textContent !== sentence) {
      this.#warning.textContent = sentence;
    }
  }

  remove() {
    this.#form.remove();
  }

  #listen() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#form.querySelector("[data-dismiss]").addEventListener("click", () => this.#onDismiss());
    this.#form.addEventListener("keydown", (event) => this.#pressed(event));
    this.#box.addEventListener("input", () => this.#changed());
  }

  /** Enter sends and Escape closes, unless they only end a Hangul syllable (229: Safari says so afterwards). */
  #pressed(event) {
    if (event.isComposing || event.keyCode === 229) {
      return;
    }
    if (event.key === "Escape") {
      event.preventDefault();
      this.#onDismiss();
    } else if (event.key === "Enter" && !event.shiftKey && event.target === this.#box) {
      event.preventDefault();
      this.#submit();
    }
  }

  #submit() {
    const text = clean(this.#box.value);
    if (text && countCodePoints(text) <= this.#limit) {
      this.#onSend(text);
    }
  }

  #changed() {
    const length = countCodePoints(clean(this.#box.value));
    const over = length > this.#limit;
    this.#send.disabled = length === 0 || over;
    this.#box.setAttribute("aria-invalid", String(over));
    this.warn(over ? this.#words.textTooLong : "");
    this.#draft.save(this.#box.value);
    this.#box.style.height = "auto"; // As high as the text; the style sheet sets where it stops.
    this.#box.style.height = `${this.#box.scrollHeight}px`;
  }
}
