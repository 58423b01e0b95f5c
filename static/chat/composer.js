/**
 * The message box: grows with its text, counts what people see as letters, and sends on Enter, but never the Enter
 * that only ends a Hangul syllable.
 */

/** The counter shows from this many code points before the limit on. */
const COUNT_FROM = 100;

/** @returns {number} code points, as the server counts */
export const countCodePoints = (text) => Array.from(text).length;

/** What may be sent: no NUL, no half of a surrogate pair, no space around it. */
export function clean(text) {
  // With the u flag this matches lone halves only.
  return text.replace(/\0/g, "").replace(/\p{Surrogate}/gu, "\uFFFD").trim();
}

export class Composer {
  #form;
  #box;
  #button;
  #counter;
  #over;
  #words;
  #limit;
  #draft;
  #onSend;
  #composing = false;
  #sendWhenComposed = false;
  #enterComposed = false;

  /**
   * @param {HTMLFormElement} form
   * @param {{limit: number, words: DOMStringMap, onSend: (text: string) => void,
   *          draft: {load: () => string, save: (text: string) => void}}} options
   */
  constructor(form, { limit, words, onSend, draft }) {
    this.#form = form;
    this.#box = form.querySelector("textarea");
    this.#button = form.querySelector("button");
    this.#counter = document.getElementById("counter");
    this.#over = document.getElementById("over");
    this.#limit = limit;
    this.#words = words;
    this.#draft = draft;
    this.#onSend = onSend;
    this.#listen();
    this.write(draft.load());
  }

  focus() {
    this.#box.focus();
  }

  /** Put a text into the box, for the visitor to change and send. */
  write(text) {
    this.#box.value = text;
    this.#changed();
  }

  get isEmpty() {
    return !clean(this.#box.value);
  }

  #listen() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    // A tap on the button must not take the focus away, or a phone's keyboard closes after every message.
    this.#button.addEventListener("mousedown", (event) => event.preventDefault());
    this.#box.addEventListener("input", () => this.#changed());
    this.#box.addEventListener("keydown", (event) => this.#pressed(event));
    this.#box.addEventListener("keyup", () => {
      this.#enterComposed = false;
    });
    this.#box.addEventListener("beforeinput", (event) => this.#beforeInput(event));
    this.#box.addEventListener("compositionstart", () => {
      this.#composing = true;
    });
    this.#box.addEventListener("compositionend", () => this.#composed());
  }

  #pressed(event) {
    if (event.key !== "Enter" || event.shiftKey) {
      return;
    }
    // Safari ends the composition before this event and forgets isComposing, but still says 229.
    if (event.isComposing || event.keyCode === 229) {
      this.#enterComposed = true;
      return;
    }
    event.preventDefault();
    if (!event.repeat) {
      this.#send();
    }
  }

  /** Some input methods pass the Enter that ended a syllable on as a line break; nobody meant one. */
  #beforeInput(event) {
    const breaks = event.inputType === "insertLineBreak" || event.inputType === "insertParagraph";
    if (breaks && this.#enterComposed && event.cancelable) {
      event.preventDefault();
    }
  }

  #composed() {
    this.#composing = false;
    if (this.#sendWhenComposed) {
      this.#sendWhenComposed = false;
      // The last syllable reaches the value only after this event in some browsers.
      setTimeout(() => this.#send(), 0);
    }
  }

  #send() {
    if (this.#composing) {
      // Emptying the box now would let the input method write the last syllable into it again.
      this.#sendWhenComposed = true;
      this.#box.blur();
      this.#box.focus();
      return;
    }
    const text = clean(this.#box.value);
    if (!text || countCodePoints(text) > this.#limit) {
      return;
    }
    this.write("");
    this.#box.focus();
    this.#onSend(text);
  }

  #changed() {
    const length = countCodePoints(clean(this.#box.value));
    const over = length > this.#limit;
    this.#button.disabled = length === 0 || over;
    this.#counter.hidden = length <= this.#limit - COUNT_FROM;
    this.#counter.textContent = `${length} / ${this.#limit}`;
    this.#box.setAttribute("aria-invalid", String(over));
    const warning = over ? this.#words.textTooLong : "";
    if (this.#over.textContent !== warning) {
      this.#over.textContent = warning; // Written only when it changes, so that it is read out once.
    }
    this.#draft.save(this.#box.value);
    this.#grow();
  }

  /** As high as the text; the style sheet sets where it stops. */
  #grow() {
    this.#box.style.height = "auto";
    this.#box.style.height = `${this.#box.scrollHeight}px`;
  }
}
