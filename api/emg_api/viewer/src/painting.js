// What a plot shows of its channel as a picture that reaches beyond the view: panning moves it, and draws nothing anew.
import { drawingOn } from "./colours.js";
import { drawContractions, drawFaults, drawLines } from "./marks.js";
import { SIGNALS, lowerBound } from "./tiles.js";

const PAINT = { raw: { width: 1, fill: 0.6 }, envelope: { width: 2, fill: 0.85 }, rms: { width: 2, fill: 0.85 } };

/**
 * Where a picture's seconds and values lie in its pixels; `span` are the seconds it shows, `range` its values.
 * @typedef {{width: number, height: number, ratio: number, span: import("./tiles.js").Span, range: [number, number]}} Frame
 */

/**
 * All that is shown besides; `columns` are those of tiles.layered.
 * @typedef {{columns: ArrayLike<number>[], signals: string[], marks: any, highlighted: any,
 *   colours: Record<string, string>}} Content
 */

export class Painting {
  #canvas = document.createElement("canvas");
  /** @type {Frame | null} */
  #frame = null;
  #isStale = true;

  /** What is shown has changed: paint it anew as soon as there is time. */
  age() {
    this.#isStale = true;
  }

  /** Whether something that is no longer true, or too little, would be shown of this frame. @param {Frame} wanted */
  lacks(wanted) {
    return this.#isStale || !this.#shows(wanted);
  }

  /**
   * Draw into a plot's area; an old picture will do where it shows the span, and there is no time for a new one.
   * @param {CanvasRenderingContext2D} context @param {{left: number, top: number}} place
   * @param {Frame} wanted @param {Content} content @param {{reach: number, isHurried: boolean}} how
   *   `reach`: how far beyond the view the picture goes on each side, in views
   */
  draw(context, place, wanted, content, { reach, isHurried }) {
    if (!this.#shows(wanted) || (this.#isStale && !isHurried)) this.#paint(wanted, content, reach);
    const frame = /** @type {Frame} */ (this.#frame);
    const left = Math.round((wanted.span.start - frame.span.start) * perSecond(frame));
    const { width, height } = wanted;
    context.drawImage(this.#canvas, left, 0, width, height, place.left, place.top, width, height);
  }

  /** @param {Frame} wanted */
  #shows({ width, height, ratio, span, range }) {
    const frame = this.#frame;
    if (frame === null || frame.height !== height || frame.ratio !== ratio) return false;
    if (frame.range[0] !== range[0] || frame.range[1] !== range[1]) return false;
    const pixel = (span.end - span.start) / width;
    const isSameScale = Math.abs(perSecond(frame) * pixel - 1) < 0.5 / width;
    return isSameScale && span.start >= frame.span.start - pixel && span.end <= frame.span.end + pixel;
  }

  /** @param {Frame} wanted @param {Content} content @param {number} reach */
  #paint(wanted, content, reach) {
    const beside = Math.round(reach * wanted.width);
    const seconds = (beside / wanted.width) * (wanted.span.end - wanted.span.start);
    const span = { start: wanted.span.start - seconds, end: wanted.span.end + seconds };
    const frame = (this.#frame = { ...wanted, width: wanted.width + 2 * beside, span });
    this.#isStale = false;
    Object.assign(this.#canvas, { width: frame.width, height: frame.height }); // this clears it, too
    paint(drawingOn(this.#canvas), frame, content);
  }
}

/** @param {Frame} frame */
const perSecond = ({ width, span }) => width / (span.end - span.start);

/** @param {CanvasRenderingContext2D} context @param {Frame} frame @param {Content} content */
function paint(context, frame, { columns, signals, marks, highlighted, colours }) {
  const scale = scales(frame);
  drawContractions(context, frame, scale, marks.contractions, highlighted, colours);
  SIGNALS.forEach((signal, place) => {
    const [minima, maxima] = columns.slice(2 * place + 1);
    if (signals.includes(signal)) drawBand(context, frame, scale, [columns[0], minima, maxima], signal, colours[signal]);
  });
  drawLines(context, frame, scale, marks.lines, colours);
  drawFaults(context, frame, scale, marks.faults, colours);
}

/** Where a second and a value lie. @param {Frame} frame */
export function scales({ width, height, span, range }) {
  const [low, high] = range;
  return {
    x: (seconds) => ((seconds - span.start) / (span.end - span.start)) * width,
    y: (value) => height - ((value - low) / (high - low)) * height,
  };
}

/** The area between minima and maxima, anew after each gap. */
function drawBand(context, { span, ratio }, { x, y }, [times, minima, maxima], signal, colour) {
  const first = Math.max(0, lowerBound(times, span.start) - 1);
  const last = Math.min(times.length, lowerBound(times, span.end) + 1);
  const path = new Path2D();
  for (let start = first; start < last; ) {
    if (!Number.isFinite(minima[start])) {
      start += 1;
      continue;
    }
    let end = start;
    while (end < last && Number.isFinite(minima[end])) end += 1;
    outline(path, { x, y }, [times, minima, maxima], start, end);
    start = end;
  }
  const { width, fill } = PAINT[signal];
  context.fillStyle = context.strokeStyle = colour;
  context.lineWidth = width * ratio;
  context.lineJoin = "bevel"; // what is pointed would reach beyond the largest value
  context.globalAlpha = fill;
  context.fill(path);
  context.globalAlpha = 1;
  context.stroke(path);
}

function outline(path, { x, y }, [times, minima, maxima], start, end) {
  path.moveTo(x(times[start]), y(maxima[start]));
  for (let place = start + 1; place < end; place += 1) path.lineTo(x(times[place]), y(maxima[place]));
  for (let place = end - 1; place >= start; place -= 1) path.lineTo(x(times[place]), y(minima[place]));
  path.closePath();
}
