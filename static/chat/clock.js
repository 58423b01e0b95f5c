/** Times and days as the visitor's language writes them. */
export class Clock {
  #time;
  #day;
  #words;

  /** @param {string} language "ko" or "en" @param {{today: string, yesterday: string}} words */
  constructor(language, words) {
    this.#time = new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit" });
    this.#day = new Intl.DateTimeFormat(language, { year: "numeric", month: "long", day: "numeric", weekday: "long" });
    this.#words = words;
  }

  /** @param {Date} at @returns {string} "오후 3:24" */
  time(at) {
    return this.#time.format(at);
  }

  /** @param {Date} at @returns {string} "오늘", "어제" or the whole date */
  day(at) {
    const yesterday = new Date();
    yesterday.setDate(yesterday.getDate() - 1);
    if (at.toDateString() === new Date().toDateString()) {
      return this.#words.today;
    }
    return at.toDateString() === yesterday.toDateString() ? this.#words.yesterday : this.#day.format(at);
  }
}
