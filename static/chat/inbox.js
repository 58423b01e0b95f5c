// The review inbox: keys for its buttons, and the next row without loading the page anew. Every button is one of a
// form that works without this too.

const RENEW_PAUSE = 60_000; // ms; a claim lasts five minutes
const IDLE_LIMIT = 10 * 60_000; // ms; whoever touches nothing for so long has gone

// What a key is called where it does something. A Korean keyboard reports ㅁ for the key that is A on it, or nothing
// at all while it composes; the key's place on the keyboard says which was meant.
function nameOf(event) {
  if (/^[a-z]$/i.test(event.key)) return event.key.toLowerCase();
  const letter = /^Key([A-Z])$/.exec(event.code);
  if (letter && !/^[\x20-\x7e]$/.test(event.key)) return letter[1].toLowerCase();
  const digit = /^(?:Digit|Numpad)([0-9])$/.exec(event.code);
  if (digit && !event.shiftKey) return digit[1];
  if (event.code === "Slash" && event.shiftKey) return "?";
  return event.key;
}

class Inbox {
  constructor(place, said, help) {
    this.place = place;
    this.said = said;
    this.help = help;
    this.until = place.dataset.until;
    this.busy = false;
    this.touchedAt = Date.now();
    this.listen();
    this.dress();
    this.focus();
  }

  get form() {
    return this.place.querySelector("#decision");
  }

  listen() {
    document.addEventListener("keydown", (event) => this.onKey(event));
    document.addEventListener("pointerdown", () => this.touch());
    this.place.addEventListener("submit", (event) => this.onSubmit(event));
    this.place.addEventListener("click", (event) => this.onClick(event));
    this.place.addEventListener("focusout", () => this.touch());
    window.addEventListener("pagehide", () => this.leave());
    // A page that comes back as it was left has given its row back.
    window.addEventListener("pageshow", (event) => event.persisted && window.location.reload());
    setInterval(() => this.renew(), RENEW_PAUSE);
  }

  touch() {
    this.touchedAt = Date.now();
  }

  // --- Keys ---

  onKey(event) {
    this.touch();
    if (this.help.open || document.querySelector("dialog[open]")) return;
    const typing = event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
    const name = nameOf(event);
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      if (this.press(typing?.id === "answer" || !typing ? "Control+Enter" : "")) event.preventDefault();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (typing) {
      if (name === "Escape" && !event.isComposing) this.focus();
      return;
    }
    if (event.repeat) return; // a key that is held down decides once
    if (this.press(name)) event.preventDefault();
  }

  // Do what a key stands for; tell whether it stands for anything.
  press(name) {
    if (name === "g") return this.goTo(this.place.querySelector("#group input"));
    const target = [...this.place.querySelectorAll("[data-key]")].find((one) => one.dataset.key.split(" ").includes(name));
    if (!target) return false;
    if (target.matches("textarea")) return this.goTo(target);
    target.click();
    return true;
  }

  goTo(target) {
    if (!target) return false;
    target.focus();
    if (target.setSelectionRange && target.matches("textarea")) target.setSelectionRange(0, target.value.length);
    return true;
  }

  // --- Asking the server ---

  onClick(event) {
    if (event.target.closest("[data-help]")) {
      this.help.showModal();
      return;
    }
    const link = event.target.closest("a[data-key]");
    if (link && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      this.ask(link.href, {});
    }
  }

  onSubmit(event) {
    const { submitter, target } = event;
    if (target.method !== "post") return;
    event.preventDefault();
    const action = submitter?.hasAttribute("formaction") ? submitter.formAction : target.action;
    this.ask(action, { method: "POST", body: new FormData(target, submitter) });
  }

  async ask(address, request) {
    if (this.busy) return; // whoever is quicker than the server has not seen the next question yet
    this.busy = true;
    this.place.setAttribute("aria-busy", "true");
    const slow = setTimeout(() => this.say(this.said.dataset.saving), 400);
    try {
      const headers = { Accept: "application/json" };
      const response = await fetch(address, { ...request, headers, cache: "no-store", redirect: "manual" });
      if (response.type === "opaqueredirect" || response.status === 403) {
        this.say(this.said.dataset.out, "error");
      } else if (response.ok) {
        this.show(await response.json());
      } else {
        this.say(this.said.dataset.lost, "error");
      }
    } catch {
      this.say(this.said.dataset.lost, "error");
    } finally {
      clearTimeout(slow);
      this.busy = false;
      this.place.removeAttribute("aria-busy");
    }
  }

  show({ html, text, level, until, address }) {
    this.place.innerHTML = html;
    this.until = until;
    window.history.replaceState(null, "", address);
    this.dress();
    this.say(text, level);
    this.focus();
  }

  // --- The page ---

  // What only makes sense with a script.
  dress() {
    for (const one of this.place.querySelectorAll("[data-help]")) one.hidden = false;
    this.fit(this.place.querySelector("#answer"));
  }

  fit(box) {
    if (!box) return;
    const grow = () => {
      box.style.height = "auto";
      box.style.height = `${box.scrollHeight + 2}px`;
    };
    box.addEventListener("input", grow);
    grow();
  }

  focus() {
    const conflict = this.place.querySelector("#conflict");
    (conflict ?? this.place.querySelector("#question"))?.focus({ preventScroll: true });
    window.scrollTo({ top: 0 });
    conflict?.closest("section").scrollIntoView({ block: "nearest" }); // on a phone it would begin below the screen
  }

  say(text, level = "info") {
    this.said.textContent = text;
    this.said.dataset.level = level;
  }

  // --- Claims ---

  async renew() {
    if (document.hidden || Date.now() - this.touchedAt > IDLE_LIMIT || !this.form) return;
    try {
      const body = this.token();
      const response = await fetch(this.place.dataset.renew, { method: "POST", body, redirect: "error" });
      if (response.ok) this.until = (await response.json()).until;
    } catch {
      // The next decision tells whether somebody else has the row now.
    }
  }

  leave() {
    if (!this.until || !this.form) return;
    const body = this.token();
    body.set("until", this.until);
    navigator.sendBeacon(this.place.dataset.release, body);
  }

  token() {
    const body = new FormData();
    body.set("csrfmiddlewaretoken", this.form.elements.csrfmiddlewaretoken.value);
    return body;
  }
}

const place = document.querySelector("#inbox");
if (place) new Inbox(place, document.querySelector("#said"), document.querySelector("#help"));
