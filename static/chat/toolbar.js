/**
 * The buttons beside each answer: thumbs and an emoji. Those of the newest answer are always to be seen, others when
 * they are pointed at, tapped or reached by keys. All are one stop of the Tab key together; arrows lead through them.
 */
import { isTouch } from "./pointer.js";
import { Reactions } from "./reactions.js";

const BUTTONS = ".feedback__bar button";

export class Toolbar {
  #list;
  #words;
  #bar;
  #reactions;
  #onGive;

  /**
   * @param {HTMLElement} list holds the answers' lines
   * @param {DOMStringMap} words the page's data-text-… strings
   * @param {(chat: number, change: import("./feedback.js").Change) => void} onGive
   */
  constructor(list, words, onGive) {
    this.#list = list;
    this.#words = words;
    this.#bar = document.getElementById("feedback-template").content.firstElementChild;
    this.#reactions = new Reactions(list, (button, reaction) => onGive(chatOf(button), { reaction }));
    this.#onGive = onGive;
    list.addEventListener("click", (event) => this.#clicked(event));
    list.addEventListener("keydown", (event) => this.#pressed(event));
    list.addEventListener("focusin", ({ target }) => target.matches(BUTTONS) && this.#stopAt(target));
    list.addEventListener("focusout", (event) => this.#left(event));
    list.addEventListener("mousedown", (event) => {
      if (event.target.closest(".feedback") && isTouch()) {
        event.preventDefault();
      }
    });
  }

  /** Give an answer its buttons, and show on them what the visitor thinks of it. */
  show(line, { thumb = "", reaction = "" }) {
    const place = line.querySelector(".feedback");
    if (!place.querySelector(".feedback__bar")) {
      place.append(this.#bar.cloneNode(true));
      place.querySelectorAll("button").forEach((button) => {
        button.tabIndex = -1;
      });
    }
    for (const button of place.querySelectorAll("[data-thumb]")) {
      button.setAttribute("aria-pressed", String(button.dataset.thumb === thumb));
    }
    this.#showReaction(place.querySelector("[data-reactions]"), reaction);
    place.toggleAttribute("data-given", Boolean(thumb || reaction));
  }

  /** Messages have come or moved: the buttons of the newest answer are the ones to be seen. */
  arrange() {
    const lines = this.#lines();
    lines.forEach((line, index) => line.toggleAttribute("data-newest", index === lines.length - 1));
    if (!this.#list.querySelector(".feedback__bar:focus-within")) {
      this.#stopAtNewest();
    }
  }

  /** Put the keyboard back on the thumb that opened something. */
  focus(line) {
    line.querySelector("[data-thumb=down]").focus();
  }

  /** @returns {boolean} whether the keyboard is still there, or nowhere (a click does not take it in every browser) */
  hasFocus(line) {
    const nowhere = !isTouch() && document.activeElement === document.body;
    return nowhere || line.querySelector(".feedback").contains(document.activeElement);
  }

  /** The answers' lines that have buttons. */
  #lines() {
    return [...this.#list.querySelectorAll(".message--answer[data-chat]")];
  }

  #showReaction(button, reaction) {
    const name = this.#bar.querySelector("[data-reactions]").title;
    const label = reaction ? `${this.#words.textReacted}: ${this.#reactions.nameOf(reaction)}` : name;
    const emoji = button.querySelector(".feedback__emoji");
    emoji.textContent = reaction;
    emoji.hidden = !reaction;
    button.querySelector("svg").classList.toggle("icon--off", Boolean(reaction));
    button.dataset.reactions = reaction;
    button.setAttribute("aria-label", label);
    button.title = label;
    this.#reactions.show(button, reaction);
  }

  #clicked(event) {
    const button = event.target.closest(BUTTONS);
    if (button?.dataset.thumb) {
      const pressed = button.getAttribute("aria-pressed") === "true";
      this.#onGive(chatOf(button), { thumb: pressed ? "" : button.dataset.thumb });
    } else if (button) {
      this.#reactions.toggle(button, event);
    } else if (event.target.closest(".bubble") && document.getSelection().isCollapsed) {
      this.#reveal(event.target.closest(".message--answer"));
    }
  }

  /** A tap on an answer shows its buttons, and a second one hides them. */
  #reveal(line) {
    const shown = line?.hasAttribute("data-tapped");
    this.#list.querySelector("[data-tapped]")?.removeAttribute("data-tapped");
    line?.toggleAttribute("data-tapped", !shown);
  }

  #pressed(event) {
    const button = event.target.closest(`${BUTTONS}, .reactions button`);
    if (!button || event.ctrlKey || event.altKey || event.metaKey) {
      return;
    }
    if (event.key === "Escape" && this.#reactions.isOpen) {
      event.preventDefault();
      this.#reactions.close({ focusBack: true });
      return;
    }
    const next = this.#next(button, event.key);
    if (next) {
      event.preventDefault();
      next.focus();
    }
  }

  /** Where an arrow leads: right and left along a row, up and down to the answers before and after. */
  #next(button, key) {
    const row = [...button.parentElement.children];
    const index = row.indexOf(button);
    switch (key) {
      case "ArrowRight":
        return row[(index + 1) % row.length];
      case "ArrowLeft":
        return row.at(index - 1);
      case "Home":
        return row[0];
      case "End":
        return row.at(-1);
      case "ArrowUp":
        return this.#beside(button, -1);
      case "ArrowDown":
        return this.#beside(button, 1);
      default:
        return null;
    }
  }

  /** The same button of an answer so many answers away; none from an emoji, which has no such neighbour. */
  #beside(button, step) {
    const lines = this.#lines();
    const line = lines[lines.indexOf(button.closest(".message--answer")) + step];
    const index = [...button.closest(".feedback").querySelectorAll(BUTTONS)].indexOf(button);
    return line?.querySelectorAll(BUTTONS)[index];
  }

  #left({ target, relatedTarget }) {
    if (target.matches(BUTTONS) && !relatedTarget?.closest(".feedback")) {
      this.#stopAtNewest();
    }
  }

  #stopAtNewest() {
    this.#stopAt(this.#lines().at(-1)?.querySelector(BUTTONS));
  }

  /** The Tab key stops at one of all these buttons. */
  #stopAt(button) {
    if (button) {
      this.#list.querySelectorAll(`${BUTTONS}[tabindex="0"]`).forEach((other) => {
        other.tabIndex = -1;
      });
      button.tabIndex = 0;
    }
  }
}

const chatOf = (button) => Number(button.closest("[data-chat]").dataset.chat);
