/** For staff: which part of Jaram answers the next questions of this tab. Visitors have no such choice. */
export class Mode {
  #choice;

  /** @param {HTMLSelectElement|null} choice null for visitors @param {import("./storage.js").Shelf} shelf of the tab */
  constructor(choice, shelf) {
    this.#choice = choice;
    if (choice) {
      choice.value = shelf.get("chosen") ?? "";
      choice.selectedIndex = Math.max(0, choice.selectedIndex); // What was kept may be no choice any more.
      choice.addEventListener("change", () => shelf.set("chosen", choice.value));
    }
  }

  /** @returns {string} "hybrid", "neural", "memory", or "" for what the server's setting says */
  get value() {
    return this.#choice?.value ?? "";
  }
}
