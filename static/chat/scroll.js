/** Keeps the newest message in view, unless the visitor has gone up to read: then a button says there is more. */

/** Nearer to the end than this (px) counts as reading the newest. */
const NEAR = 80;

export class Scroll {
  #box;
  #button;
  #following = true;
  #top = 0;

  /** @param {HTMLElement} box the scrolling element @param {HTMLButtonElement} button leads to the newest message */
  constructor(box, button) {
    this.#box = box;
    this.#button = button;
    box.addEventListener("scroll", () => this.#moved(), { passive: true });
    button.addEventListener("click", () => {
      this.toEnd();
      box.focus({ preventScroll: true });
    });
    // The keyboard, a growing message box, late fonts and what opens below an answer change heights without a scroll.
    const observer = new ResizeObserver(() => this.keep());
    observer.observe(box);
    observer.observe(box.firstElementChild);
  }

  /** Something changed its height. */
  keep() {
    if (this.#following) {
      this.toEnd();
    }
  }

  /** A message came. */
  added() {
    this.keep();
    this.#button.hidden = this.#following;
  }

  toEnd() {
    this.#following = true;
    this.#box.scrollTop = this.#box.scrollHeight;
    this.#button.hidden = true;
  }

  #moved() {
    const { scrollHeight, scrollTop, clientHeight } = this.#box;
    if (scrollHeight - scrollTop - clientHeight < NEAR) {
      this.#following = true;
      this.#button.hidden = true;
    } else if (scrollTop < this.#top) {
      this.#following = false; // Only going up is the visitor's doing: the end also moves away when the box shrinks.
    }
    this.#top = scrollTop;
  }
}
