/**
 * "You taught me this": the card above the conversation that shows what became of the visitor's suggestions. Read
 * once, it does not come back: the server is told, again on each visit until it has stopped showing them.
 */
export class Taught {
  #card;
  #connection;
  #shelf;

  /**
   * @param {HTMLElement|null} card null where there is nothing to tell
   * @param {{connection: import("./socket.js").Connection, shelf: import("./storage.js").Shelf,
   *          onDone: () => void}} options the shelf outlives the page; onDone: the card was read and is gone
   */
  constructor(card, { connection, shelf, onDone }) {
    this.#card = card;
    this.#connection = connection;
    this.#shelf = shelf;
    this.#forgetWhatIsKnown();
    connection.addEventListener("open", () => this.#tell());
    card?.querySelector("button").addEventListener("click", () => {
      this.#chats().forEach((chat) => shelf.set(chat, ""));
      card.remove();
      this.#tell();
      onDone();
    });
  }

  #chats() {
    return [...(this.#card?.querySelectorAll("[data-chat]") ?? [])].map(({ dataset }) => dataset.chat);
  }

  /** What the server still shows has not reached it: hide it here. What it shows no more, it knows. */
  #forgetWhatIsKnown() {
    const shown = new Set(this.#chats());
    const read = new Set(this.#shelf.keys());
    [...read].filter((chat) => !shown.has(chat)).forEach((chat) => this.#shelf.remove(chat));
    this.#card?.querySelectorAll("[data-chat]").forEach((lesson) => read.has(lesson.dataset.chat) && lesson.remove());
    if (this.#chats().length === 0) {
      this.#card?.remove();
    }
  }

  #tell() {
    const seen = this.#shelf.keys().map(Number);
    if (seen.length > 0) {
      this.#connection.send({ seen });
    }
  }
}
