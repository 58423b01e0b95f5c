// The pages on model versions: watches a new model come, and asks versions one after another.

const HEALTH_PAUSE = 500; // ms; the server looks for a new model as often
const HEALTH_LIMIT = 60_000; // ms
const ASK_TRIES = 24; // each waits some seconds for a model that is being loaded; two minutes are enough for any

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function watchServer(note) {
  const end = Date.now() + HEALTH_LIMIT;
  while (Date.now() < end) {
    await pause(HEALTH_PAUSE);
    try {
      const health = await (await fetch(note.dataset.health, { cache: "no-store" })).json();
      if (health.model === note.dataset.live) {
        note.textContent = note.dataset.done;
        note.classList.add("mv-note--good");
        return;
      }
    } catch {
      // The server may be starting again; the next look tells.
    }
  }
  note.textContent = note.dataset.late;
  note.classList.add("mv-note--warn");
}

class Questioning {
  constructor(table, progress) {
    this.texts = table.dataset;
    this.cells = [...table.querySelectorAll("[data-version]")];
    this.progress = progress;
    this.done = 0;
  }

  async run() {
    for (const cell of this.cells) this.tell(cell, this.texts.waiting, "mv-soft");
    this.report();
    // One at a time, as the server would have them wait for each other anyway.
    for (const cell of this.cells) {
      await this.ask(cell);
      this.done += 1;
      this.report();
    }
  }

  async ask(cell) {
    this.tell(cell, this.texts.asking, "mv-soft");
    const query = new URLSearchParams({ version: cell.dataset.version, q: this.texts.question });
    for (let tries = 0; tries < ASK_TRIES; tries += 1) {
      let answer;
      try {
        answer = await (await fetch(`${this.texts.url}?${query}`, { cache: "no-store" })).json();
      } catch {
        this.tell(cell, this.texts.failed, "mv-bad");
        return;
      }
      if (answer.text !== undefined) {
        this.show(cell, answer);
        return;
      }
      if (!answer.again) {
        this.tell(cell, answer.problem, "mv-bad", answer.detail);
        return;
      }
      this.tell(cell, this.texts.loading, "mv-soft");
      await pause(1000);
    }
    this.tell(cell, this.texts.late, "mv-bad");
  }

  show(cell, answer) {
    if (answer.source === "fallback") {
      this.tell(cell, this.texts.silent, "mv-soft");
      return;
    }
    this.tell(cell, answer.text, "");
    cell.nextElementSibling.textContent = `${(100 * answer.score).toFixed(1)}%`;
  }

  tell(cell, text, style, detail = "") {
    const words = document.createElement("span");
    words.textContent = text;
    words.className = style;
    cell.replaceChildren(words);
    if (detail) {
      const small = document.createElement("small");
      small.textContent = detail;
      small.lang = "en";
      small.className = "mv-small";
      cell.append(small);
    }
  }

  report() {
    this.progress.textContent = this.texts.progress
      .replace("{total}", this.cells.length)
      .replace("{done}", this.done);
  }
}

for (const note of document.querySelectorAll("[data-health]")) watchServer(note);

const table = document.querySelector("#answers[data-url]");
if (table) new Questioning(table, document.querySelector("#progress")).run();
