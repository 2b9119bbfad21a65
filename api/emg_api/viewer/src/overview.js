// The whole recording in a strip, with a brush over the part that is looked at.
import uPlot from "uplot";
import { colours } from "./colours.js";
import { h } from "./dom.js";
import { seconds } from "./numbers.js";
import { t } from "./strings.js";
import { clamp, extent } from "./tiles.js";

const HEIGHT = 64;
const AXIS_WIDTH = 64;
const RIGHT_PADDING = 12;
const BESIDE_PLOT = AXIS_WIDTH + RIGHT_PADDING;
const EDGE_PIXELS = 8;
const STEP = 0.01; // of the recording, for one press of a key

export class Overview {
  /** @type {uPlot | null} */
  uplot = null;
  #width = 0;

  /** @param {{duration: number, view: () => any, change: (span: any) => void, faults: any[]}} parts */
  constructor({ duration, view, change, faults }) {
    this.duration = duration;
    this.view = view;
    this.change = change;
    this.faults = faults;
    this.edges = { start: this.#edge("start"), end: this.#edge("end") };
    this.brush = h("div", { class: "brush" }, this.edges.start, this.edges.end);
    this.element = h("div", { class: "overview", role: "group", "aria-label": t("overview.name") });
  }

  /** @param {import("./tiles.js").Tile} tile @param {number} place which channel is shown */
  load(tile, place, width) {
    this.uplot?.destroy();
    const { minimum, maximum } = Object.values(tile.bands[place])[0];
    const numbers = (values) => Array.from(values, (number) => (Number.isFinite(number) ? number : null));
    /** @type {uPlot.AlignedData} */
    const data = [Array.from(tile.times), numbers(minimum), numbers(maximum)];
    this.uplot = new uPlot(this.#options(width, extent(tile, place, this.faults)), data, this.element);
    this.uplot.over.append(this.brush);
    this.uplot.over.addEventListener("pointerdown", (event) => this.#grab(event));
    this.#width = width - BESIDE_PLOT;
    this.look();
    this.tell();
  }

  /** Lay the brush over the view: moving it makes nothing else move. */
  look() {
    const { start, end } = this.view();
    const pixels = (moment) => (moment / this.duration) * this.#width;
    const width = `${pixels(end - start).toFixed(2)}px`;
    if (this.brush.style.width !== width) this.brush.style.width = width;
    this.brush.style.transform = `translateX(${pixels(start).toFixed(2)}px)`;
  }

  /** Tell who does not see it where its edges are. */
  tell() {
    const { start, end } = this.view();
    for (const [edge, moment] of /** @type {const} */ ([[this.edges.start, start], [this.edges.end, end]])) {
      edge.setAttribute("aria-valuenow", moment.toFixed(3));
      edge.setAttribute("aria-valuetext", seconds(moment));
    }
  }

  repaint() {
    this.uplot?.redraw(true);
  }

  destroy() {
    this.uplot?.destroy();
  }

  /** @returns {uPlot.Options} */
  #options(width, range) {
    const paint = (name, share = "") => () => colours()[name] + share;
    const line = { stroke: paint("raw"), width: 1, points: { show: false } };
    const axis = { stroke: paint("faint"), grid: { show: false }, ticks: { show: false } };
    return {
      width,
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: false, range: () => [0, this.duration] }, y: { range: () => range } },
      axes: [{ ...axis, show: false }, { ...axis, size: AXIS_WIDTH, values: (_u, ticks) => ticks.map(() => "") }],
      series: [{}, line, line],
      bands: [{ series: [2, 1], fill: paint("raw", "66") }],
      padding: [4, RIGHT_PADDING, 4, 0],
    };
  }

  #edge(name) {
    const move = { ArrowLeft: -1, ArrowRight: 1 };
    return h("div", {
      class: `edge ${name}`,
      role: "slider",
      tabindex: 0,
      "aria-label": t(`overview.${name}`),
      "aria-valuemin": 0,
      "aria-valuemax": this.duration,
      onkeydown: (event) => {
        if (!(event.key in move)) return;
        event.preventDefault();
        event.stopPropagation();
        this.#set({ [name]: this.view()[name] + move[event.key] * STEP * this.duration });
      },
    });
  }

  #set(edges) {
    const { start, end } = { ...this.view(), ...edges };
    this.change({ start: clamp(Math.min(start, end), 0, this.duration), end: clamp(Math.max(start, end), 0, this.duration) });
  }

  /** At an edge it is moved, inside the whole brush; elsewhere a new one is drawn. */
  #grab(event) {
    const over = event.currentTarget;
    const box = over.getBoundingClientRect();
    const timeOf = ({ clientX }) => ((clientX - box.left) / box.width) * this.duration;
    const grabbed = timeOf(event);
    const { start, end } = this.view();
    const near = (EDGE_PIXELS / box.width) * this.duration;
    const follow = (moment) => {
      if (Math.abs(grabbed - start) < near) return { start: moment, end };
      if (Math.abs(grabbed - end) < near) return { start, end: moment };
      const isWhole = end - start > 0.98 * this.duration;
      const by = clamp(moment - grabbed, -start, this.duration - end);
      if (grabbed > start && grabbed < end && !isWhole) return { start: start + by, end: end + by };
      return { start: grabbed, end: moment };
    };
    const move = (moving) => this.#set(follow(timeOf(moving)));
    const stop = () => over.removeEventListener("pointermove", move);
    over.setPointerCapture(event.pointerId);
    over.addEventListener("pointermove", move);
    over.addEventListener("pointerup", stop, { once: true });
    over.addEventListener("pointercancel", stop, { once: true });
  }
}
