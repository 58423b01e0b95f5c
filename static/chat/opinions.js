/**
 * What this visitor thinks of each answer, as the page shows it: what the server remembers, with what is still on its
 * way laid over it. Puts together the buttons, the box after a thumb down, and the line that says how it went.
 *
 * @typedef {{thumb: "up"|"down"|"", reaction: string, suggested: boolean}} Opinion
 */
import { Suggestion } from "./suggestion.js";
import { Toolbar } from "./toolbar.js";

/** Buttons that come with their answer would be read out with it, each time; this much later (ms) they are silent. */
const AFTERWARDS = 400;
/** @type {Opinion} */
const NONE = { thumb: "", reaction: "", suggested: false };

export class Opinions {
  #feedback;
  #toolbar;
  #words;
  #drafts;
  #say;
  /** @type {Map<number, HTMLLIElement>} the answers' lines by number */
  #lines = new Map();
  /** @type {Map<number, Opinion>} what the server has confirmed */
  #known = new Map();
  /** @type {Set<number>} answers whose state this page has heard itself: newer than any history on its way */
  #heard = new Set();
  /** @type {Map<number, Suggestion>} the boxes that stand open */
  #boxes = new Map();

  /**
   * @param {HTMLElement} list holds the answers' lines
   * @param {{feedback: import("./feedback.js").Feedback, words: DOMStringMap, say: (sentence: string) => void,
   *          drafts: import("./storage.js").Shelf}} options say reads a sentence out; drafts outlive a reload
   */
  constructor(list, { feedback, words, say, drafts }) {
    this.#feedback = feedback;
    this.#words = words;
    this.#say = say;
    this.#drafts = drafts;
    this.#toolbar = new Toolbar(list, words, (chat, change) => this.#give(chat, change));
    feedback.addEventListener("state", (event) => this.#changed(event.detail));
    list.addEventListener("click", (event) => {
      if (event.target.closest("[data-action=send-again]")) {
        feedback.retry(this.#chatOf(event.target));
      }
    });
  }

  /** An answer has just come. @param {HTMLLIElement} line @param {number} chat */
  attachNew(line, chat) {
    setTimeout(() => {
      if (!this.#lines.has(chat)) {
        this.attach(line, chat, null);
        this.arrange();
      }
    }, AFTERWARDS);
  }

  /** An answer stands in the page. @param {HTMLLIElement} line @param {number} chat @param {Opinion|null} known */
  attach(line, chat, known) {
    line.dataset.chat = chat;
    this.#lines.set(chat, line);
    if (!this.#heard.has(chat)) {
      this.#known.set(chat, { ...NONE, ...known });
    }
    this.#draw(chat);
    const { thumb, suggested } = this.#opinion(chat);
    if (thumb === "down" && !suggested && this.#drafts.get(chat) !== null) {
      this.#ask(chat); // It stood open when the page was left.
    }
  }

  /** Messages have come or moved. */
  arrange() {
    this.#toolbar.arrange();
  }

  #chatOf(element) {
    return Number(element.closest("[data-chat]").dataset.chat);
  }

  /** @returns {Opinion} what the visitor said last, whether it has arrived or not */
  #opinion(chat) {
    const { suggestion, ...pending } = this.#feedback.pending(chat);
    const opinion = { ...NONE, ...this.#known.get(chat), ...pending };
    return { ...opinion, suggested: opinion.suggested || Boolean(suggestion) };
  }

  #give(chat, change) {
    if ("thumb" in change && change.thumb !== "down") {
      this.#close(chat);
    }
    this.#feedback.give(chat, change);
  }

  #changed({ chat, state, kept, lost, detail }) {
    if (state === "kept") {
      this.#known.set(chat, { ...NONE, ...kept });
      this.#heard.add(chat);
    }
    if (!this.#lines.has(chat)) {
      return; // An older answer than the page shows, or one that its history is still to bring.
    }
    this.#draw(chat);
    if (state === "waiting") {
      this.#note(chat, this.#words.textWaiting);
    } else if (state === "failed") {
      this.#fail(chat);
    } else if (state === "refused") {
      this.#refuse(chat, lost, detail || this.#words.textFeedbackFailed);
    } else if (state === "kept" && kept.ask && this.#opinion(chat).thumb === "down") {
      this.#ask(chat);
      this.#lead(chat);
    }
  }

  #draw(chat) {
    const opinion = this.#opinion(chat);
    this.#toolbar.show(this.#lines.get(chat), opinion);
    this.#note(chat, opinion.suggested && !this.#boxes.has(chat) ? this.#words.textThanks : "");
  }

  #note(chat, sentence, { retry = false } = {}) {
    const note = this.#lines.get(chat).querySelector(".aftermath__note");
    note.hidden = !sentence;
    note.querySelector("span").textContent = sentence;
    note.querySelector("button").hidden = !retry;
  }

  #fail(chat) {
    this.#note(chat, this.#words.textFeedbackFailed, { retry: true });
    this.#say(this.#words.textFeedbackFailed);
  }

  /** A refused text goes back into the box, so that nobody has to write it twice. */
  #refuse(chat, { suggestion }, sentence) {
    if (suggestion) {
      this.#drafts.set(chat, suggestion);
      this.#ask(chat).warn(sentence);
    } else {
      this.#note(chat, sentence);
      this.#say(sentence);
    }
  }

  #ask(chat) {
    if (!this.#boxes.has(chat)) {
      const place = this.#lines.get(chat).querySelector(".aftermath");
      const box = new Suggestion(place, {
        limit: Number(this.#words.limit),
        words: this.#words,
        draft: { load: () => this.#drafts.get(chat) ?? "", save: (text) => this.#drafts.set(chat, text) },
        onSend: (text) => this.#suggest(chat, text),
        onDismiss: () => this.#leave(chat),
      });
      this.#boxes.set(chat, box);
      this.#note(chat, "");
    }
    return this.#boxes.get(chat);
  }

  /** Into the box with the keyboard, where it still is at the thumb; else only say that there is a box. */
  #lead(chat) {
    const line = this.#lines.get(chat);
    if (this.#toolbar.hasFocus(line)) {
      this.#boxes.get(chat).focus();
    } else {
      this.#say(this.#words.textAsk);
    }
    line.querySelector(".suggestion").scrollIntoView({ block: "nearest" });
  }

  #suggest(chat, suggestion) {
    this.#leave(chat);
    this.#feedback.give(chat, { suggestion });
    this.#say(this.#words.textThanks);
  }

  #leave(chat) {
    this.#close(chat);
    this.#toolbar.focus(this.#lines.get(chat));
  }

  #close(chat) {
    this.#boxes.get(chat)?.remove();
    this.#boxes.delete(chat);
    this.#drafts.remove(chat);
  }
}
