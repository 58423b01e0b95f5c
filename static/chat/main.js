/** Puts the page together: which part hears of what. Each part knows only its own business. */
import { Clock } from "./clock.js";
import { Composer } from "./composer.js";
import { Delivery } from "./delivery.js";
import { Feedback } from "./feedback.js";
import { fetchHistory } from "./history.js";
import { Messages } from "./messages.js";
import { Mode } from "./mode.js";
import { Notice } from "./notice.js";
import { Opinions } from "./opinions.js";
import { Outbox } from "./outbox.js";
import { Scroll } from "./scroll.js";
import { Connection } from "./socket.js";
import { Shelf } from "./storage.js";
import { Taught } from "./taught.js";
import { followKeyboard } from "./viewport.js";

/** Away longer than this (ms), a phone has likely cut the connection without telling. */
const LONG_AWAY = 30000;
/** An answer slower than this (ms) is announced while it is being written. */
const SLOW = 2000;
/** Answers it takes to reach each stage of the sprout in the header. */
const STAGES = [1, 5, 20];

const $ = (id) => document.getElementById(id);
const page = $("talk").dataset;
const scheme = location.protocol === "https:" ? "wss:" : "ws:";

const connection = new Connection(`${scheme}//${location.host}/ws/chat/${encodeURIComponent(page.room)}/`);
const outbox = new Outbox(new Shelf("localStorage", `jaram.outbox.${page.room}.`));
const delivery = new Delivery(connection, outbox);
const clock = new Clock(document.documentElement.lang, { today: page.textToday, yesterday: page.textYesterday });
const opinions = new Opinions($("messages"), {
  feedback: new Feedback(connection, new Shelf("localStorage", `jaram.feedback.${page.room}.`)),
  words: page,
  say: announce,
  drafts: new Shelf("sessionStorage", `jaram.suggestion.${page.room}.`),
});
const messages = new Messages($("messages"), clock, page, opinions);
const scroll = new Scroll($("log"), $("newer"));
const notice = new Notice($("notice"), () => connection.connect());
const composer = new Composer($("composer"), { limit: Number(page.limit), words: page, onSend: say, draft: draft() });
const mode = new Mode($("mode"), new Shelf("sessionStorage", "jaram.mode."));
/** The model that gave the last answer, and whether the history has been read. */
let liveModel = "";
let remembered = false;
let remembering = null;
let slowAnswer = 0;

/** The half-written message outlives a reload and a change of language. */
function draft() {
  const shelf = new Shelf("sessionStorage", "jaram.draft.");
  return { load: () => shelf.get(page.room) ?? "", save: (text) => shelf.set(page.room, text) };
}

/** Read a sentence out, where nothing that is drawn says it. */
function announce(sentence) {
  $("announcer").textContent = sentence;
}

/** @param {string} text */
function say(text) {
  const entry = delivery.create(text, mode.value);
  messages.ask(entry);
  delivery.take(entry);
  refresh();
  scroll.toEnd();
}

/** Dots for the eye at once; words for the ear only when it takes a while, or every answer would be announced twice. */
function showTyping(on) {
  if ($("typing").hidden === !on) {
    return;
  }
  $("typing").hidden = !on;
  clearTimeout(slowAnswer);
  announce("");
  if (on) {
    slowAnswer = setTimeout(() => announce(page.textTyping), SLOW);
  }
}

/** Everything that follows from what now stands in the page. */
function refresh() {
  showTyping(delivery.isWaiting);
  $("starters").hidden = !remembered || !messages.isEmpty;
  $("presence").dataset.stage = STAGES.filter((count) => messages.answers >= count).length;
  $("presence").dataset.online = connection.isOpen;
  scroll.keep();
}

/** Bring page and outbox into line with what the server remembers. */
async function remember() {
  const { messages: exchanges, more } = await fetchHistory(page.history);
  messages.merge(exchanges);
  for (const exchange of exchanges.filter(({ id }) => id)) {
    if (exchange.answer !== null) {
      delivery.settle(exchange.id);
    } else if (!outbox.get(exchange.id) && !messages.hasAnswer(exchange.id)) {
      // Asked here once and never answered: the same id brings the one answer, however often it is asked.
      const { id, question: text, asked_at } = exchange;
      delivery.take({ id, text, askedAt: Date.parse(asked_at), failed: "", mode: "" });
    }
  }
  $("more").hidden = !more;
  $("more").textContent = page.textMore;
  remembered = true;
}

/** Without the history the page still works; it is tried again with the next connection. */
function tryToRemember() {
  remembering ??= remember()
    .catch(() => {
      $("more").hidden = remembered;
      $("more").textContent = page.textHistoryFailed;
    })
    .finally(() => {
      remembering = null;
      refresh();
    });
  return remembering;
}

function sentenceFor(code, detail) {
  const name = code.replace(/(?:^|_)(\w)/g, (_, letter) => letter.toUpperCase());
  return page[`textFailed${name}`] ?? (detail || page.textFailedInternal);
}

function showState({ id, state, code, detail }) {
  messages.setState(id, state);
  refresh();
  if (state === "failed") {
    const sentence = sentenceFor(code, detail);
    messages.explain(id, { sentence, retry: Delivery.canRetry(code) });
    announce(sentence);
    scroll.keep();
  }
}

function showAnswer({ id, text, chat, model, offers }) {
  if (messages.hasAnswer(id, chat)) {
    return;
  }
  if (id && !messages.hasQuestion(id)) {
    tryToRemember(); // Another tab of this visitor asked it.
    return;
  }
  if (liveModel && model && model !== liveModel) {
    messages.divide(page.textGrown, "grown");
  }
  liveModel = model || liveModel;
  messages.answer({ id, chat, text, offers });
  refresh();
  scroll.added();
}

function act(event) {
  const action = event.target.closest("[data-action]")?.dataset.action;
  const id = event.target.closest("[data-id]")?.dataset.id;
  if (action === "retry") {
    delivery.retry(id);
    composer.focus();
  } else if (action === "edit") {
    delivery.drop(id);
    composer.write(messages.remove(id));
    composer.focus();
    refresh();
  } else if (action === "offer" && !delivery.isAsking(event.target.textContent)) {
    say(event.target.textContent);
  }
}

/** The card of what was learned from this visitor; the conversation gets its room when it has been read. */
function showTaught() {
  const shelf = new Shelf("localStorage", `jaram.taught.${page.room}.`);
  const onDone = () => {
    scroll.keep();
    $("log").focus({ preventScroll: true });
  };
  return new Taught($("taught"), { connection, shelf, onDone });
}

function listen() {
  let opened = false;
  let left = 0;
  connection.addEventListener("open", () => {
    notice.relief(page.textReconnected);
    refresh();
    if (opened || !remembered) {
      tryToRemember();
    }
    opened = true;
  });
  connection.addEventListener("close", () => {
    notice.trouble(navigator.onLine ? page.textReconnecting : page.textOffline, { canAct: navigator.onLine });
    refresh();
  });
  delivery.addEventListener("state", (event) => showState(event.detail));
  delivery.addEventListener("answer", (event) => showAnswer(event.detail));
  $("messages").addEventListener("click", act);
  $("starters").addEventListener("click", (event) => {
    if (event.target.closest("button")) {
      say(event.target.textContent.trim());
      composer.focus();
    }
  });
  window.addEventListener("online", () => connection.connect());
  window.addEventListener("offline", () => notice.trouble(page.textOffline, { canAct: false }));
  window.addEventListener("pageshow", (event) => event.persisted && connection.connect());
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      left = Date.now();
    } else if (!connection.isOpen || Date.now() - left > LONG_AWAY) {
      connection.connect();
    }
  });
}

async function start() {
  followKeyboard();
  listen();
  showTaught();
  if (window.matchMedia("(hover: hover) and (pointer: fine)").matches) {
    composer.focus(); // On a phone this would open the keyboard over the greeting.
  }
  for (const entry of outbox.all()) {
    messages.ask(entry);
    delivery.take(entry);
  }
  connection.connect();
  await tryToRemember();
  scroll.toEnd();
  // Read out from here on only what is new, not the whole history.
  $("log").setAttribute("aria-busy", "false");
  requestAnimationFrame(() => $("log").setAttribute("aria-live", "polite"));
}

start();
