/**
 * The buttons beside each answer: thumbs and an emoji. Newest answer: always to be seen; others when they are pointed
 * at, tapped or reached by keys. All of them together are one stop of the Tab key; arrows lead through them.
 */

const BUTTONS = ".feedback__bar button";

export class Toolbar {
  #list;
  #words;
  #bar;
  #picker;
  #onGive;

  /**
   * @param {HTMLElement} list holds the answers' lines
   * @param {DOMStringMap} words the page's data-text-… strings
   * @param {(chat: number, change: import("./feedback.js").Change) => void} onGive
   */
  constructor(list, words, onGive) {
    const template = (name) => document.getElementById(`${name}-template`).content.firstElementChild;
    this.#list = list;
    this.#words = words;
    this.#bar = template("feedback");
    this.#picker = template("reactions").cloneNode(true);
    this.#onGive = onGive;
    list.addEventListener("click", (event) => this.#clicked(event));
    list.addEventListener("keydown", (event) => this.#pressed(event));
    list.addEventListener("focusin", (event) => this.#entered(event.target));
    list.addEventListener("focusout", (event) => this.#left(event));
    list.addEventListener("mousedown", (event) => keepKeyboard(event));
    window.addEventListener("resize", () => this.#fit());
    document.addEventListener("pointerdown", (event) => {
      if (!event.target.closest?.(".reactions, [data-reactions]")) {
        this.#close();
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
    if (place.contains(this.#picker)) {
      this.#mark(reaction);
    }
  }

  /** Messages have come or moved: the buttons of the newest answer are the ones to be seen. */
  arrange() {
    const lines = this.#lines();
    lines.forEach((line, index) => line.toggleAttribute("data-newest", index === lines.length - 1));
    if (!this.#list.querySelector(`.feedback__bar:focus-within`)) {
      this.#stopAt(lines.at(-1)?.querySelector(BUTTONS));
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

  #lines() {
    return [...this.#list.querySelectorAll(".message--answer:has(.feedback__bar)")];
  }

  #showReaction(button, reaction) {
    const choice = this.#picker.querySelector(`[data-reaction="${CSS.escape(reaction)}"]`);
    const name = choice?.getAttribute("aria-label") ?? reaction;
    const label = reaction ? `${this.#words.textReacted}: ${name}` : this.#bar.querySelector("[data-reactions]").title;
    const emoji = button.querySelector(".feedback__emoji");
    emoji.textContent = reaction;
    emoji.hidden = !reaction;
    button.querySelector("svg").classList.toggle("icon--off", Boolean(reaction));
    button.dataset.reactions = reaction;
    button.setAttribute("aria-label", label);
    button.title = label;
  }

  #clicked(event) {
    const button = event.target.closest("button");
    const line = event.target.closest(".message--answer");
    if (!line) {
      return;
    }
    const chat = Number(line.dataset.chat);
    if (button?.dataset.thumb) {
      const pressed = button.getAttribute("aria-pressed") === "true";
      this.#onGive(chat, { thumb: pressed ? "" : button.dataset.thumb });
    } else if (button?.dataset.reaction) {
      const pressed = button.getAttribute("aria-pressed") === "true";
      this.#onGive(chat, { reaction: pressed ? "" : button.dataset.reaction });
      this.#close({ focusBack: leads(event) });
    } else if (button && "reactions" in button.dataset) {
      this.#toggle(button, { lead: leads(event) });
    } else if (event.target.closest(".bubble") && document.getSelection().isCollapsed) {
      this.#reveal(line);
    }
  }

  /** A tap on an answer shows its buttons, and a second one hides them. */
  #reveal(line) {
    const shown = line.hasAttribute("data-tapped");
    this.#list.querySelector("[data-tapped]")?.removeAttribute("data-tapped");
    line.toggleAttribute("data-tapped", !shown);
  }

  #toggle(button, { lead }) {
    const isOpen = button.getAttribute("aria-expanded") === "true";
    this.#close();
    if (isOpen) {
      return;
    }
    button.setAttribute("aria-expanded", "true");
    button.closest(".feedback").append(this.#picker);
    this.#mark(button.dataset.reactions);
    this.#fit();
    this.#picker.scrollIntoView({ block: "nearest" });
    if (lead) {
      (this.#picker.querySelector("[aria-pressed=true]") ?? this.#picker.firstElementChild).focus();
    }
  }

  /** Beside a short answer there is room to the right; else move the emoji left until all are on the screen. */
  #fit() {
    this.#picker.style.removeProperty("--shift");
    const limit = this.#list.getBoundingClientRect().right;
    const over = this.#picker.getBoundingClientRect().right - limit;
    this.#picker.style.setProperty("--shift", `${-Math.max(0, over)}px`);
  }

  #mark(reaction) {
    for (const choice of this.#picker.children) {
      choice.setAttribute("aria-pressed", String(choice.dataset.reaction === reaction));
    }
  }

  #close({ focusBack = false } = {}) {
    const button = this.#picker.parentElement?.querySelector("[data-reactions]");
    if (!button) {
      return;
    }
    button.setAttribute("aria-expanded", "false");
    if (focusBack) {
      button.focus({ preventScroll: true });
    }
    this.#picker.remove();
  }

  #pressed(event) {
    const button = event.target.closest(`${BUTTONS}, .reactions button`);
    if (!button || event.ctrlKey || event.altKey || event.metaKey) {
      return;
    }
    if (event.key === "Escape" && this.#picker.isConnected) {
      event.preventDefault();
      this.#close({ focusBack: true });
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
        return this.#beside(button, -1)?.[index];
      case "ArrowDown":
        return this.#beside(button, 1)?.[index];
      default:
        return null;
    }
  }

  #beside(button, step) {
    if (this.#picker.contains(button)) {
      return null;
    }
    const lines = this.#lines();
    const line = lines[lines.indexOf(button.closest(".message--answer")) + step];
    return line ? [...line.querySelectorAll(BUTTONS)] : null;
  }

  #entered(target) {
    if (target.matches(BUTTONS)) {
      this.#stopAt(target);
    }
  }

  #left(event) {
    if (this.#picker.contains(event.target) && !this.#picker.contains(event.relatedTarget) && event.relatedTarget) {
      this.#close();
    }
    if (event.target.matches(BUTTONS) && !event.relatedTarget?.closest(".feedback")) {
      this.#stopAt(this.#lines().at(-1)?.querySelector(BUTTONS));
    }
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

const isTouch = () => window.matchMedia("(pointer: coarse)").matches;

/** Does the focus follow this click? A tap leaves it where it is; a press of keys is a click without detail. */
const leads = (event) => event.detail === 0 || !isTouch();

/** A tap here must not take the focus from the message box, or a phone's keyboard closes and all moves. */
function keepKeyboard(event) {
  if (event.target.closest(".feedback") && isTouch()) {
    event.preventDefault();
  }
}
