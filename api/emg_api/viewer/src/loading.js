// One request at a time for the window that is looked at: soon after it changed, and never for one that is left again.

const SETTLED_MS = 30;
const LONGEST_WAIT_MS = 120;

/** @typedef {import("./tiles.js").Span} Span */

/** Asks for windows by `load(wanted, signal)` and hands on what comes by `show`. */
export class Loader {
  /** @type {Span | null} */
  #wanted = null;
  #since = 0;
  #timer = 0;
  /** @type {AbortController | null} */
  #request = null;

  /** @param {{load: (wanted: Span, signal: AbortSignal) => Promise<any>, show: (tile: any) => void,
   *   fail: (error: any) => void}} parts */
  constructor({ load, show, fail }) {
    this.load = load;
    this.show = show;
    this.fail = fail;
  }

  /** Ask for a window once no other is wanted for a moment, or this has gone on for too long. */
  want(wanted) {
    if (this.#wanted === null) this.#since = performance.now();
    this.#wanted = wanted;
    clearTimeout(this.#timer);
    const waited = performance.now() - this.#since;
    if (waited >= LONGEST_WAIT_MS && this.#request === null) this.#ask();
    else this.#timer = window.setTimeout(() => this.#ask(), SETTLED_MS);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#request?.abort();
    this.#wanted = null;
  }

  async #ask() {
    const wanted = this.#wanted;
    if (wanted === null) return;
    this.stop();
    const request = (this.#request = new AbortController());
    try {
      const tile = await this.load(wanted, request.signal);
      if (this.#request === request) this.show(tile);
    } catch (error) {
      if (this.#request === request) this.fail(error);
    } finally {
      if (this.#request === request) this.#request = null;
    }
  }
}
