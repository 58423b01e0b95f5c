/** Waiting times between attempts: doubling, capped, and jittered so that a restarted server is not stormed. */
export class Backoff {
  #attempt = 0;
  #first;
  #most;
  #random;

  /** @param {{first?: number, most?: number, random?: () => number}} options milliseconds; random gives 0..1 */
  constructor({ first = 500, most = 10000, random = Math.random } = {}) {
    this.#first = first;
    this.#most = most;
    this.#random = random;
  }

  /** The next wait in milliseconds: between half of the ceiling and the ceiling. */
  next() {
    const ceiling = Math.min(this.#most, this.#first * 2 ** this.#attempt);
    this.#attempt += 1;
    return ceiling / 2 + (this.#random() * ceiling) / 2;
  }

  reset() {
    this.#attempt = 0;
  }
}
