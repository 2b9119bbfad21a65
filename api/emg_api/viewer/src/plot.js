// One channel: its samples as the band between each pixel's minimum and maximum, amplitudes over it, marks around it.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { colours } from "./colours.js";
import { format } from "./numbers.js";
import { Painting } from "./painting.js";
import { extent, layered } from "./tiles.js";
import { scaleOf } from "./units.js";

const AXIS_WIDTH = 64;
const RIGHT_PADDING = 12;
export const BESIDE_PLOT = AXIS_WIDTH + RIGHT_PADDING; // pixels of a plot's width that show no sample

/**
 * @typedef {{channel: any, place: number, marks: any, shows: string[], view: import("./tiles.js").Span,
 *   size: {width: number, height: number}, isLast: boolean, group: string, hover: (u: uPlot) => void}} Parts
 */

/** A channel's plot; `marks` is what findings.marksOf tells, `shows` which signals it draws. */
export class ChannelPlot {
  highlighted = null;
  #painting = new Painting();
  #columns = [];
  /** @type {[number, number]} */
  #extent = [-1, 1];
  #how = { reach: 0, isHurried: false };

  /** @param {HTMLElement} element @param {Parts} parts */
  constructor(element, { channel, place, marks, shows, view, size, isLast, group, hover }) {
    this.element = element;
    this.channel = channel;
    this.place = place;
    this.marks = marks;
    this.shows = shows;
    this.view = view;
    this.isLast = isLast;
    this.colours = colours();
    // The axes are uPlot's; the second column only gives the vertical one a scale.
    this.uplot = new uPlot(this.#options(size, group, hover), [[0, 1], [0, 0]], element);
  }

  get over() {
    return this.uplot.over;
  }

  /** The unit that suits the height: µV, mV or V. */
  get unit() {
    return scaleOf(this.channel.unit, this.#extent).unit;
  }

  /** Show what was loaded. The height is that of the usable part of `measured`, a tile. */
  load(base, detail, measured) {
    this.#extent = extentOf(measured, this.place, this.shows, this.marks.faults);
    this.#columns = layered(base, detail, this.place);
    this.#painting.age();
  }

  /** Whether looking at a span would show something old, or take the time of a new picture. */
  lacks(view) {
    return this.#painting.lacks(this.#frameOf(view));
  }

  /**
   * Look at a span of what was loaded.
   * @param {import("./tiles.js").Span} view @param {{reach?: number, isHurried?: boolean}} [how] as Painting.draw has it
   */
  look(view, { reach = 0, isHurried = false } = {}) {
    this.view = view;
    this.#how = { reach, isHurried };
    // At once, not at the end of the task: who draws many plots looks at the clock between them.
    this.uplot.batch(() => this.uplot.setScale("x", { min: view.start, max: view.end }));
  }

  highlight(contraction) {
    if (this.highlighted === contraction) return;
    this.highlighted = contraction;
    this.#painting.age();
    this.look(this.view);
  }

  repaint() {
    this.colours = colours();
    this.#painting.age();
    this.#how = { reach: 0, isHurried: false };
    this.uplot.redraw(true);
  }

  resize(size) {
    this.#painting.age();
    this.uplot.setSize(size);
  }

  destroy() {
    this.uplot.destroy();
  }

  #draw() {
    if (this.#columns.length === 0) return;
    const { ctx, bbox } = this.uplot;
    const content = {
      columns: this.#columns, signals: this.shows, marks: this.marks, highlighted: this.highlighted, colours: this.colours,
    };
    this.#painting.draw(ctx, bbox, this.#frameOf(this.view), content, this.#how);
  }

  /** @returns {import("./painting.js").Frame} */
  #frameOf(span) {
    const { width, height } = this.uplot.bbox;
    return { width: Math.round(width), height: Math.round(height), ratio: uPlot.pxRatio, span, range: this.#extent };
  }

  #options(size, group, hover) {
    const nothing = { paths: () => null, points: { show: false } };
    return {
      ...size,
      legend: { show: false },
      cursor: { sync: { key: group }, drag: { x: false, y: false }, points: { show: false }, bind: { dblclick: () => null } },
      scales: {
        x: { time: false, range: (_u, min, max) => [min ?? this.view.start, max ?? this.view.end] },
        y: { range: () => this.#extent },
      },
      axes: [this.#timeAxis(), this.#valueAxis()],
      series: [{}, nothing],
      padding: [6, RIGHT_PADDING, this.isLast ? 0 : 6, 0],
      hooks: { draw: [() => this.#draw()], setCursor: [hover] },
    };
  }

  #valueAxis() {
    const values = (_u, ticks) => ticks.map((tick) => format(tick / scaleOf(this.channel.unit, this.#extent).factor));
    return this.#axis({ size: AXIS_WIDTH, space: 28, values });
  }

  /** The last plot's is written out; the others have its lines alone. */
  #timeAxis() {
    if (this.isLast) return this.#axis({ space: 70, values: (_u, ticks) => ticks.map((tick) => format(tick)) });
    return this.#axis({ space: 70, size: 0, ticks: { show: false }, values: (_u, ticks) => ticks.map(() => "") });
  }

  #axis(parts) {
    const grid = { stroke: () => this.colours.grid, width: 1 };
    return { stroke: () => this.colours.faint, grid, ticks: grid, font: "12px system-ui, sans-serif", ...parts };
  }
}

/** @returns {[number, number]} */
function extentOf(tile, place, shows, faults) {
  const bands = Object.entries(tile.bands[place]).filter(([signal]) => shows.includes(signal));
  if (!bands.length) return [-1, 1];
  const seen = { ...tile, bands: { [place]: Object.fromEntries(bands) } };
  return extent(seen, place, faults);
}
