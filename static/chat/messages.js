/**
 * The messages as they stand in the page: bubbles in order, their states, the lines between days. Text from people
 * and from the model enters the page as text nodes only.
 */

/** An exchange is known by the client's id, or by the server's number where it has none. */
const keyOf = (id, chat) => id || `#${chat}`;

export class Messages {
  #list;
  #clock;
  #words;
  #opinions;
  #templates;
  /** @type {Map<string, HTMLLIElement>} "q:" or "a:" and the exchange's key → its bubble's line */
  #lines = new Map();

  /**
   * @param {HTMLOListElement} list
   * @param {import("./clock.js").Clock} clock
   * @param {DOMStringMap} words the page's data-text-… strings
   * @param {import("./opinions.js").Opinions} opinions shows at each answer what the visitor thinks of it
   */
  constructor(list, clock, words, opinions) {
    this.#list = list;
    this.#clock = clock;
    this.#words = words;
    this.#opinions = opinions;
    const template = (name) => document.getElementById(`${name}-template`).content.firstElementChild;
    this.#templates = { question: template("question"), answer: template("answer"), divider: template("divider") };
  }

  /** How many answers stand in the page. */
  get answers() {
    return [...this.#lines.keys()].filter((key) => key.startsWith("a:")).length;
  }

  get isEmpty() {
    return this.#lines.size === 0;
  }

  /** @param {string} id @param {number|null} chat */
  hasAnswer(id, chat = null) {
    return this.#lines.has(`a:${keyOf(id, chat)}`);
  }

  hasQuestion(id) {
    return this.#lines.has(`q:${id}`);
  }

  /** Add a question at the end. @param {import("./outbox.js").Entry} entry */
  ask({ id, text, askedAt }) {
    if (!this.hasQuestion(id)) {
      const line = this.#question(id, text, new Date(askedAt));
      line.classList.add("message--new");
      this.#list.append(line);
      this.#arrange();
    }
  }

  /** Add an answer at the end. @param {{id: string, chat: number|null, text: string, offers: string[]}} answer */
  answer({ id, ...answer }) {
    if (!this.hasAnswer(id, answer.chat)) {
      const line = this.#answer(keyOf(id, answer.chat), answer, new Date());
      if (answer.chat !== null) {
        this.#opinions.attachNew(line, answer.chat);
      }
      line.classList.add("message--new");
      this.#list.append(line);
      this.#arrange();
    }
  }

  /** Bring in what the server remembers: each missing message goes behind the one it followed there. */
  merge(exchanges) {
    let previous = document.getElementById("greeting");
    for (const { key, at, ...said } of inOrder(exchanges)) {
      const known = this.#lines.get(key);
      const name = key.slice(2);
      const line = known ?? (key.startsWith("q:") ? this.#question(name, said.text, at) : this.#answer(name, said, at));
      if (!known) {
        previous.after(line);
      }
      if (key.startsWith("a:")) {
        this.#opinions.attach(line, said.chat, said.feedback); // What is known may come from another window.
      }
      previous = line;
    }
    this.#arrange();
  }

  /** @param {string} id @param {"waiting"|"sending"|"sent"|"failed"} state */
  setState(id, state) {
    const line = this.#lines.get(`q:${id}`);
    if (line) {
      line.dataset.state = state;
      line.querySelector(".message__state-text").textContent = this.#words[camel("text", state)] ?? "";
      line.querySelector(".message__failure").hidden = state !== "failed";
    }
  }

  /** Say why a message failed and offer what may help. @param {{sentence: string, retry: boolean}} why */
  explain(id, { sentence, retry }) {
    const failure = this.#lines.get(`q:${id}`)?.querySelector(".message__failure");
    if (failure) {
      failure.querySelector("p").textContent = sentence;
      failure.querySelector("[data-action=retry]").hidden = !retry;
      failure.querySelector("[data-action=edit]").hidden = retry;
    }
  }

  /** Take a question out of the page. @returns {string} its text */
  remove(id) {
    const line = this.#lines.get(`q:${id}`);
    const text = line?.querySelector(".bubble").textContent ?? "";
    line?.remove();
    this.#lines.delete(`q:${id}`);
    this.#arrange();
    return text;
  }

  /** A line across the conversation. @param {string} text */
  divide(text, name) {
    const line = this.#divider(text);
    line.classList.add(`divider--${name}`, "message--new");
    this.#list.append(line);
  }

  #question(key, text, at) {
    const line = this.#line("question", `q:${key}`, at);
    line.querySelector(".bubble").textContent = text;
    line.dataset.id = key;
    this.setState(key, "sent");
    return line;
  }

  #answer(key, { text, offers = [] }, at) {
    const line = this.#line("answer", `a:${key}`, at);
    line.querySelector(".bubble__text").textContent = text;
    line.querySelector(".offers").append(...offers.map(offer));
    line.querySelector(".offers").hidden = offers.length === 0;
    return line;
  }

  #line(kind, key, at) {
    const line = this.#templates[kind].cloneNode(true);
    const time = line.querySelector("time");
    time.dateTime = at.toISOString();
    time.textContent = this.#clock.time(at);
    line.dataset.key = key;
    this.#lines.set(key, line);
    return line;
  }

  #divider(text) {
    const line = this.#templates.divider.cloneNode(true);
    line.firstElementChild.textContent = text;
    return line;
  }

  /** Bring days, groups and quotes into line with the order in which the messages now stand. */
  #arrange() {
    const stale = new Set(this.#list.querySelectorAll(".divider--day"));
    let before = null;
    for (const line of this.#list.querySelectorAll("[data-key]")) {
      this.#group(line, before, stale);
      const question = this.#lines.get(line.dataset.key.replace(/^a:/, "q:"));
      if (line !== question) {
        quote(line, question && question !== before ? question.querySelector(".bubble").textContent : "");
      }
      before = line;
    }
    stale.forEach((divider) => divider.remove());
    this.#opinions.arrange();
  }

  /** The day's line above a message; one that is there stays, or a screen reader would read it again. */
  #dayBefore(line, day) {
    const above = line.previousElementSibling;
    if (above?.classList.contains("divider--day") && above.textContent === day) {
      return above;
    }
    const divider = this.#divider(day);
    divider.classList.add("divider--day");
    line.before(divider);
    return divider;
  }

  /** Set a line apart from the one before it: another day, another speaker, or neither. */
  #group(line, before, stale) {
    const at = momentOf(line);
    const sameDay = before && momentOf(before).toDateString() === at.toDateString();
    if (!sameDay) {
      stale.delete(this.#dayBefore(line, this.#clock.day(at)));
    }
    const sameSpeaker = before?.dataset.key[0] === line.dataset.key[0];
    line.classList.toggle("message--follows", Boolean(sameDay && sameSpeaker));
  }
}

/** Exchanges as single messages in the order in which they were said. */
function inOrder(exchanges) {
  const said = exchanges.flatMap(({ id, chat, question, answer, asked_at, answered_at, offers, feedback }) => {
    const key = keyOf(id, chat);
    const lines = [{ key: `q:${key}`, text: question, at: new Date(asked_at) }];
    if (answer !== null) {
      const at = new Date(answered_at ?? asked_at);
      lines.push({ key: `a:${key}`, text: answer, at, chat, offers, feedback });
    }
    return lines;
  });
  return said.sort((a, b) => a.at - b.at);
}

/** A button that asks what Jaram does know. @param {string} question */
function offer(question) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.action = "offer";
  button.lang = "ko";
  button.textContent = question;
  return button;
}

/** Name the question where something else was said between it and this answer. */
function quote(line, text) {
  const place = line.querySelector(".bubble__quote");
  place.textContent = text;
  place.hidden = !text;
}

const momentOf = (line) => new Date(line.querySelector("time").dateTime);

const camel = (prefix, word) => prefix + word.charAt(0).toUpperCase() + word.slice(1);
