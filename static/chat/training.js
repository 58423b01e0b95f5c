// The page on trainings: shows how far one is, and loads the page anew when there are other buttons to offer.

const BUSY_PAUSE = 2000; // ms; the heartbeat of a training
const IDLE_PAUSE = 10_000; // ms; a schedule, or somebody else, may begin one

class Watch {
  constructor(place) {
    this.place = place;
    this.key = place.dataset.key;
    this.look = this.look.bind(this);
    this.wait();
  }

  get isBusy() {
    return this.place.querySelector(".tr-run") !== null;
  }

  wait() {
    setTimeout(this.look, this.isBusy ? BUSY_PAUSE : IDLE_PAUSE);
  }

  async look() {
    // A choice that somebody is making is worth more than the newest news.
    if (!document.hidden && document.querySelector("details[open] input") === null) {
      try {
        const response = await fetch(this.place.dataset.url, { cache: "no-store", redirect: "error" });
        if (response.ok) this.show(await response.json());
      } catch {
        // The server may be starting again; the next look tells.
      }
    }
    this.wait();
  }

  show({ key, html }) {
    if (key !== this.key) {
      window.location.reload();
    } else {
      this.place.innerHTML = html;
    }
  }
}

const place = document.querySelector("#state");
if (place) new Watch(place);
