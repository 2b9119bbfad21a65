// One channel: its samples as the band between each pixel's minimum and maximum, amplitudes over it, marks around it.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { colours } from "./colours.js";
import { drawContractions, drawFaults, drawLines } from "./marks.js";
import { format } from "./numbers.js";
import { SIGNALS, extent, layered } from "./tiles.js";

const AXIS_WIDTH = 64;
const RIGHT_PADDING = 12;
export const BESIDE_PLOT = AXIS_WIDTH + RIGHT_PADDING; // pixels of a plot's width that show no sample
const PAINT = { raw: { width: 1, fill: 0.4 }, envelope: { width: 2, fill: 0.35 }, rms: { width: 2, fill: 0.35 } };

/** A channel's plot; `marks` is what findings.marksOf tells, `shows` which signals it draws. */
export class ChannelPlot {
  highlighted = null;
  #extent = [-1, 1];

  /**
   * @param {HTMLElement} element
   * @param {{channel: any, place: number, marks: any, shows: string[], view: import("./tiles.js").Span,
   *   size: {width: number, height: number}, isLast: boolean, group: string, hover: (u: any) => void}} parts
   */
  constructor(element, parts) {
    Object.assign(this, parts);
    this.colours = colours();
    this.uplot = new uPlot(this.#options(), [[], ...SIGNALS.flatMap(() => [[], []])], element);
  }

  get over() {
    return this.uplot.over;
  }

  /** Show what was loaded. The height is that of the usable part of `measured`, a tile. */
  load(base, detail, measured) {
    this.#extent = extentOf(measured, this.place, this.shows, this.marks.faults);
    this.uplot.batch(() => {
      this.uplot.setData(layered(base, detail, this.place), false);
      this.look(this.view);
    });
  }

  /** Look at a span of what was loaded. */
  look(view) {
    this.view = view;
    this.uplot.setScale("x", { min: view.start, max: view.end });
  }

  show(shows) {
    this.shows = shows;
    SIGNALS.forEach((signal, place) => {
      for (const series of [1, 2]) this.uplot.setSeries(2 * place + series, { show: shows.includes(signal) });
    });
  }

  highlight(contraction) {
    this.highlighted = contraction;
    this.uplot.redraw(false);
  }

  repaint() {
    this.colours = colours();
    this.uplot.redraw(true);
  }

  resize(size) {
    this.uplot.setSize(size);
  }

  destroy() {
    this.uplot.destroy();
  }

  #options() {
    const paint = (name) => () => this.colours[name];
    return {
      ...this.size,
      legend: { show: false },
      cursor: { sync: { key: this.group }, drag: { x: false, y: false }, points: { show: false }, bind: { dblclick: () => null } },
      scales: {
        x: { time: false, range: (_u, min, max) => [min ?? this.view.start, max ?? this.view.end] },
        y: { range: () => this.#extent },
      },
      axes: [this.#timeAxis(),
        this.#axis({ size: AXIS_WIDTH, space: 28, values: (_u, ticks) => ticks.map((tick) => format(tick)) })],
      series: [{}, ...SIGNALS.flatMap((signal) => this.#series(signal, paint(signal)))],
      bands: SIGNALS.map((signal, place) => ({ series: [2 * place + 2, 2 * place + 1], fill: faded(paint(signal), PAINT[signal].fill) })),
      padding: [6, RIGHT_PADDING, this.isLast ? 0 : 6, 0],
      hooks: {
        drawClear: [(u) => drawContractions(u, this.marks.contractions, this.highlighted, this.colours)],
        draw: [(u) => { drawLines(u, this.marks.lines, this.colours); drawFaults(u, this.marks.faults, this.colours); }],
        setCursor: [(u) => this.hover(u)],
      },
    };
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

  #series(signal, stroke) {
    const one = { stroke, width: PAINT[signal].width, points: { show: false }, show: this.shows.includes(signal) };
    return [{ ...one, label: `${signal} minimum` }, { ...one, label: `${signal} maximum` }];
  }
}

function extentOf(tile, place, shows, faults) {
  const bands = Object.entries(tile.bands[place]).filter(([signal]) => shows.includes(signal));
  if (!bands.length) return [-1, 1];
  const seen = { ...tile, bands: { [place]: Object.fromEntries(bands) } };
  return extent(/** @type {any} */ (seen), place, faults);
}

/** A colour with less of it: two hexadecimal digits behind #rrggbb. */
function faded(paint, share) {
  const digits = Math.round(share * 255).toString(16).padStart(2, "0");
  return () => paint() + digits;
}
