// All channels of a session on one time axis, with the strip of the whole recording below.
import { fetchNumbers } from "./api.js";
import { fill, h } from "./dom.js";
import { isSame, marksOf } from "./findings.js";
import { listen, moved } from "./gestures.js";
import { Loader } from "./loading.js";
import { fixed, seconds } from "./numbers.js";
import { Overview } from "./overview.js";
import { BESIDE_PLOT, ChannelPlot } from "./plot.js";
import { t } from "./strings.js";
import { SIGNALS, readTile, sampleRange, within, zoomed } from "./tiles.js";
import { Tooltip } from "./tooltip.js";
import { contractionLines, contractionTitle, faultLines, plotWords, word } from "./words.js";

const MOST_CHANNELS = 32; // that the API draws at once
const MOST_CONDITIONED_SAMPLES = 1_200_000; // that it filters at once, of all channels
const AXIS_HEIGHT = 44;
const SHORTEST_SAMPLES = 20;
const STEP = 0.2;
const SETTLED_MS = 120;
const ANNOUNCED_MS = 600;
const CLOSE_PIXELS = 3;
const PAINTING_MS = 5; // of a frame; what is not painted by then shows what it was until the next
const MOST_PAINTED_PIXELS = 12_000_000; // of all plots, with what lies beside the view
let groups = 0;

/**
 * @typedef {import("./tiles.js").Span} Span
 * @typedef {import("./tiles.js").Tile & {tooMuch: boolean}} Shown
 * @typedef {{id: string, profile: string | null, rate: number, count: number, channels: any[], summary: any}} Recording
 * @typedef {{say: (text: string) => void, fail: (error: any) => void, height?: number}} Parts
 */

export class Signals {
  /** @type {Shown | null} */
  tile = null;
  /** @type {Shown | null} */
  base = null;
  /** @type {Set<string>} */
  hidden = new Set();
  shown = new Set(["raw", "envelope"]);
  fitted = false;
  width = 0;
  /** @type {ChannelPlot[]} */
  plots = [];
  /** @type {((view: Span) => void) | null} What is told of every new view. */
  follow = null;
  /** @type {((contraction: any) => void) | null} What is told which contraction is pointed at. */
  point = null;
  /** @type {((contraction: any) => void) | null} The same of a click. */
  pick = null;
  pointed = null;
  /** @type {{x: number, y: number, plot: ChannelPlot} | null} */
  pointer = null;
  #isHeld = false;
  #frame = 0;
  #settling = 0;
  #announcing = 0;
  #drawn = { start: 0, end: 0, isPanned: false };
  #unseen = new Set();
  /** @type {WeakMap<ChannelPlot, any>} */
  #titles = new WeakMap();

  /** @param {Recording} recording @param {Parts} parts */
  constructor(recording, { say, fail, height = 150 }) {
    this.recording = recording;
    this.say = say;
    this.fail = fail;
    this.height = height;
    this.duration = recording.count / recording.rate;
    this.view = { start: 0, end: this.duration };
    this.group = `signals-${(groups += 1)}`;
    this.loader = new Loader({ load: (view, signal) => this.#fetch(view, signal), show: (tile) => this.#arrived(tile), fail });
    this.tooltip = new Tooltip();
    const faults = marksOf(recording.summary, recording.channels[0]).faults;
    this.overview = new Overview({ duration: this.duration, view: () => this.view, change: (span) => this.look(span), faults });
    this.stack = h("div", { class: "stack" });
    this.detail = h("p", { class: "detail", "aria-hidden": "true" });
    this.element = h(
      "div",
      { class: "signals", role: "group", tabindex: 0, "aria-label": t("plot.group"), "aria-keyshortcuts": "ArrowLeft ArrowRight + - 0" },
      this.stack, this.detail, this.overview.element, this.tooltip.element,
    );
    this.observer = new ResizeObserver(() => this.#resized());
    this.sight = new IntersectionObserver((entries) => this.#sighted(entries));
  }

  /** Load what is shown; call it once the element is in the page. */
  async start() {
    this.#makePlots();
    this.observer.observe(this.stack);
    await this.reload();
  }

  /** Ask anew for the whole recording and for what is looked at. */
  async reload() {
    this.loader.stop();
    try {
      this.base = await this.#fetch({ start: 0, end: this.duration });
      this.overview.load(this.base, 0, this.width);
      this.#arrived(this.isWhole ? this.base : await this.#fetch(this.view));
    } catch (error) {
      this.fail(error);
    }
  }

  get isWhole() {
    return this.view.start <= 0 && this.view.end >= this.duration;
  }

  get channels() {
    return this.recording.channels.filter((channel) => !this.hidden.has(channel.name)).slice(0, MOST_CHANNELS);
  }

  /** Look at another span; what is loaded is drawn at once, the rest once it is there. */
  look(span, { told = true } = {}) {
    this.view = within(span, this.duration, SHORTEST_SAMPLES / this.recording.rate);
    this.#drawSoon();
    this.loader.want(this.view);
    if (told) this.follow?.(this.view);
  }

  pan = (steps) => this.look(moved(this.view, steps * STEP));
  zoom = (factor) => this.look(zoomed(this.view, factor));
  reset = () => this.look({ start: 0, end: this.duration });

  zoomTo({ start, end }) {
    const margin = 0.35 * (end - start) + 0.02;
    this.look({ start: start - margin, end: end + margin });
  }

  highlight(contraction) {
    for (const plot of this.plots) plot.highlight(contraction);
  }

  repaint() {
    for (const plot of [...this.plots, this.overview]) plot.repaint();
  }

  destroy() {
    this.loader.stop();
    this.observer.disconnect();
    this.sight.disconnect();
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#settling);
    clearTimeout(this.#announcing);
    for (const plot of [...this.plots, this.overview]) plot.destroy();
  }

  #makePlots() {
    for (const plot of this.plots) plot.destroy();
    this.sight.disconnect();
    this.#unseen.clear();
    this.width = this.#measure();
    fill(this.stack);
    this.plots = this.channels.map((channel, place, every) => this.#plot(channel, place, place === every.length - 1));
  }

  #measure() {
    return Math.max(240, Math.floor(this.stack.clientWidth));
  }

  #plot(channel, place, isLast) {
    const marks = marksOf(this.recording.summary, channel);
    const title = h("p", { class: "channel" }, titleOf(channel, channel.unit));
    const verdict = channel.quality && channel.quality !== "Usable" ? h("span", { class: "badge poor" }, word("verdict", channel.quality)) : null;
    const canvas = h("div", { class: "plot", role: "img", "aria-label": plotWords(channel, marks, this.view) });
    this.stack.append(h("section", { class: "channel" }, h("div", { class: "title" }, title, verdict), canvas));
    const plot = new ChannelPlot(canvas, {
      channel, place, marks, isLast, view: this.view, group: this.group,
      shows: this.#shownOf(channel),
      size: { width: this.width, height: this.height + (isLast ? AXIS_HEIGHT : 0) },
      hover: (u) => this.#hover(u, plot),
    });
    this.#listenTo(plot);
    this.sight.observe(canvas);
    this.#titles.set(plot, title);
    return plot;
  }

  #listenTo(plot) {
    listen(plot.over, { view: () => this.view, change: (span) => this.look(span), reset: this.reset, isWhole: () => this.isWhole });
    const hold = (isHeld) => () => {
      this.#isHeld = isHeld;
      if (isHeld) this.#point(null);
    };
    plot.over.addEventListener("pointerdown", hold(true));
    for (const end of ["pointerup", "pointercancel"]) plot.over.addEventListener(end, hold(false));
    plot.over.addEventListener("pointerleave", () => this.#point(null));
    plot.over.addEventListener("pointermove", (event) => (this.pointer = { x: event.clientX, y: event.clientY, plot }));
    plot.over.addEventListener("click", () => this.pick?.(this.pointed));
  }

  /** What the maker has already smoothed is not smoothed again. */
  #shownOf(channel) {
    return channel.role === "activated" ? ["raw"] : SIGNALS.filter((signal) => this.shown.has(signal));
  }

  /** Change which channels and signals are shown. */
  async choose({ hidden = this.hidden, shown = this.shown }) {
    Object.assign(this, { hidden, shown });
    this.#makePlots();
    await this.reload();
  }

  async #fetch(view, signal) {
    const { rate, channels: every } = this.recording;
    const { first, end } = sampleRange(view, rate ? this.recording : { rate: 1, count: 1 });
    const channels = this.channels;
    const tooMuch = channels.length * (end - first) > MOST_CONDITIONED_SAMPLES;
    const signals = SIGNALS.filter((name) => name === "raw" || (this.shown.has(name) && !tooMuch));
    const names = channels.length === every.length ? null : channels.map((channel) => channel.name);
    const width = this.plotWidth;
    const asked = { start: first / rate, end: end / rate, width, signals: signals.join(","), channels: names };
    const bytes = await fetchNumbers(this.recording, asked, signal);
    return { ...readTile(bytes, { first, end, width, rate, channels: channels.length, signals }), tooMuch };
  }

  /** How many pixels of the screen a plot has, without its axis. */
  get plotWidth() {
    return Math.round((this.width - BESIDE_PLOT) * Math.min(devicePixelRatio || 1, 2));
  }

  #arrived(tile) {
    this.tile = tile;
    const detail = tile === this.base ? null : tile;
    for (const plot of this.plots) {
      plot.load(this.base, detail, this.fitted && detail ? detail : this.base);
      fill(this.#titles.get(plot), titleOf(plot.channel, plot.unit));
    }
    this.#drawNow();
    this.element.dataset.loaded = `${tile.start} ${tile.end}`;
  }

  /** What was waited for is not kept waiting for another frame. */
  #drawNow() {
    this.#drawSoon();
    cancelAnimationFrame(this.#frame);
    this.#draw();
  }

  #drawSoon() {
    this.#frame ||= requestAnimationFrame(() => this.#draw());
    clearTimeout(this.#settling);
    this.#settling = window.setTimeout(() => this.#settle(), SETTLED_MS);
  }

  /** One frame of all plots in sight: pictures that lack something are painted anew until its time is used up. */
  #draw() {
    this.#frame = 0;
    const started = performance.now();
    const isPanned = this.#isPannedSince(this.#drawn);
    this.#drawn = { ...this.view, isPanned };
    for (const plot of this.plots) {
      if (this.#unseen.has(plot.element)) continue;
      plot.look(this.view, { reach: isPanned ? this.#reach : 0, isHurried: performance.now() - started > PAINTING_MS });
    }
    this.overview.look();
    if (this.plots.some((plot) => !this.#unseen.has(plot.element) && plot.lacks(this.view))) {
      this.#frame = requestAnimationFrame(() => this.#draw());
    }
  }

  /** Whether the view was moved, and not made longer or shorter since. */
  #isPannedSince({ start, end, isPanned }) {
    const { view } = this;
    const isAsLong = Math.abs(view.end - view.start - (end - start)) < 1e-9 * (view.end - view.start);
    return isAsLong && (isPanned || view.start !== start);
  }

  /** How far beyond the view pictures go while panning. */
  get #reach() {
    const painted = this.plots.length * this.plotWidth * this.height * (devicePixelRatio || 1);
    return Math.min(Math.max((MOST_PAINTED_PIXELS / painted - 1) / 2, 0.1), 1);
  }

  /** Draw also what is out of sight, for exports and for who scrolls there. */
  drawAll() {
    for (const plot of this.plots) if (this.#unseen.has(plot.element) || plot.lacks(this.view)) plot.look(this.view);
  }

  #sighted(entries) {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) this.#unseen.delete(target);
      else this.#unseen.add(target);
    }
  }

  /** What is told once the view stands still. */
  #settle() {
    this.drawAll();
    this.overview.tell();
    const { start, end } = this.view;
    const perPixel = this.tile ? ((this.tile.end - this.tile.start) * this.recording.rate) / this.tile.times.length : null;
    const note = this.tile?.tooMuch ? ` ${t("plot.tooMuch")}` : "";
    fill(this.detail, t("plot.detail", { start: seconds(start), end: seconds(end), samples: fixed(perPixel, 1) }) + note);
    clearTimeout(this.#announcing);
    this.#announcing = window.setTimeout(() => this.#announce(), ANNOUNCED_MS);
  }

  #announce() {
    for (const plot of this.plots) plot.element.setAttribute("aria-label", plotWords(plot.channel, plot.marks, this.view));
    this.say(t("plot.announced", { start: seconds(this.view.start), end: seconds(this.view.end) }));
  }

  #hover(u, plot) {
    if (this.#isHeld || this.pointer?.plot !== plot || u.cursor.left < 0) return;
    const time = u.posToVal(u.cursor.left, "x");
    const close = ((this.view.end - this.view.start) / u.over.clientWidth) * CLOSE_PIXELS;
    const at = ({ start, end }) => start - close <= time && time <= end + close;
    const fault = plot.marks.faults.find(at);
    this.#point(plot.marks.contractions.find(at) ?? null, fault ?? null);
  }

  /** @param {any} contraction @param {any} [fault] */
  #point(contraction, fault = null) {
    const told = fault
      ? { title: word("fault", fault.kind), lines: faultLines(fault) }
      : contraction && { title: contractionTitle(contraction), lines: contractionLines(contraction) };
    this.tooltip.show(told ?? null, this.pointer);
    if (!isSame(this.pointed, contraction) && (this.pointed || contraction)) {
      this.highlight(contraction);
      this.point?.(contraction);
    }
    this.pointed = contraction;
  }

  #resized() {
    if (this.#measure() === this.width) return;
    this.width = this.#measure();
    this.plots.forEach((plot, place) => {
      const isLast = place === this.plots.length - 1;
      plot.resize({ width: this.width, height: this.height + (isLast ? AXIS_HEIGHT : 0) });
    });
    this.reload();
  }
}

function titleOf(channel, unit) {
  const role = channel.role === "activated" ? ` · ${t("role.activated")}` : "";
  return `${channel.name}${role}${unit ? ` · ${unit}` : ""}`;
}
