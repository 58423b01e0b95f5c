/** The emoji to choose from: one small panel that opens above the button of whichever answer asks for it. */
import { leads } from "./pointer.js";

export class Reactions {
  #list;
  #panel;
  #onChoose;

  /**
   * @param {HTMLElement} list the conversation; the panel stays within its width
   * @param {(button: HTMLButtonElement, reaction: string) => void} onChoose "" takes the reaction back
   */
  constructor(list, onChoose) {
    this.#list = list;
    this.#panel = document.getElementById("reactions-template").content.firstElementChild.cloneNode(true);
    this.#onChoose = onChoose;
    this.#panel.addEventListener("click", (event) => this.#clicked(event));
    this.#panel.addEventListener("focusout", ({ relatedTarget }) => this.#left(relatedTarget));
    window.addEventListener("resize", () => this.#fit());
    document.addEventListener("pointerdown", ({ target }) => {
      if (!target.closest?.(".reactions, [data-reactions]")) {
        this.close();
      }
    });
  }

  get isOpen() {
    return this.#panel.isConnected;
  }

  /** @returns {string} what an emoji means here; itself where it is none of these */
  nameOf(reaction) {
    return this.#panel.querySelector(`[data-reaction="${CSS.escape(reaction)}"]`)?.title ?? reaction;
  }

  /** Open above a button, or close where it is open there. @param {MouseEvent} event the press of the button */
  toggle(button, event) {
    const isOpen = button.getAttribute("aria-expanded") === "true";
    this.close();
    if (isOpen) {
      return;
    }
    button.setAttribute("aria-expanded", "true");
    button.closest(".feedback").append(this.#panel);
    this.show(button, button.dataset.reactions);
    this.#fit();
    this.#panel.scrollIntoView({ block: "nearest" });
    if (leads(event)) {
      (this.#panel.querySelector("[aria-pressed=true]") ?? this.#panel.firstElementChild).focus();
    }
  }

  /** Mark the emoji that was chosen for a button's answer, if the panel is open there. */
  show(button, reaction) {
    if (button === this.#button) {
      for (const choice of this.#panel.children) {
        choice.setAttribute("aria-pressed", String(choice.dataset.reaction === reaction));
      }
    }
  }

  close({ focusBack = false } = {}) {
    const button = this.#button;
    button?.setAttribute("aria-expanded", "false");
    if (focusBack) {
      button?.focus({ preventScroll: true });
    }
    this.#panel.remove();
  }

  /** @returns {HTMLButtonElement|undefined} the one that it is open for */
  get #button() {
    return this.#panel.parentElement?.querySelector("[data-reactions]");
  }

  #clicked(event) {
    const choice = event.target.closest("[data-reaction]");
    if (choice) {
      const pressed = choice.getAttribute("aria-pressed") === "true";
      const button = this.#button;
      this.close({ focusBack: leads(event) });
      this.#onChoose(button, pressed ? "" : choice.dataset.reaction);
    }
  }

  #left(target) {
    if (target && !this.#panel.contains(target)) {
      this.close();
    }
  }

  /** Beside a short answer there is room to the right; else move the emoji left until all are on the screen. */
  #fit() {
    this.#panel.style.removeProperty("--shift");
    const limit = this.#list.getBoundingClientRect().right;
    const over = this.#panel.getBoundingClientRect().right - limit;
    this.#panel.style.setProperty("--shift", `${-Math.max(0, over)}px`);
  }
}
