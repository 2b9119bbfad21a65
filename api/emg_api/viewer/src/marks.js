// Contractions, faults and thresholds drawn into a picture. Each differs by shape too: a solid bar, a dashed one,
// slanted lines; nothing is told by colour alone.
import { hatching } from "./colours.js";
import { GRADE_SIGNS, gradeOf, isSame } from "./findings.js";

/** @typedef {import("./painting.js").Frame} Frame */
/** @typedef {{x: (seconds: number) => number, y: (value: number) => number}} Scales */

const BAR_HEIGHT = 5;
const LEAST_FOR_SIGN = 14;
const DASHES = { detection: [6, 4], mvc: [2, 3], reference: [10, 4, 2, 4] };

/**
 * Under the signal: a band for each contraction.
 * @param {CanvasRenderingContext2D} context @param {Frame} frame @param {Scales} scale
 * @param {import("./findings.js").Contraction[]} contractions
 */
export function drawContractions(context, frame, scale, contractions, highlighted, colours) {
  for (const contraction of within(frame, contractions)) {
    const { left, width } = place(scale, contraction);
    const grade = gradeOf(contraction);
    const colour = grade === "good" ? colours.good : colours.other;
    context.globalAlpha = isSame(contraction, highlighted) ? 0.42 : 0.18;
    context.fillStyle = colour;
    context.fillRect(left, 0, width, frame.height);
    context.globalAlpha = 1;
    drawBar(context, { left, width, ratio: frame.ratio }, grade, colour);
  }
}

function drawBar(context, { left, width, ratio }, grade, colour) {
  context.fillStyle = context.strokeStyle = colour;
  context.lineWidth = BAR_HEIGHT * ratio;
  context.setLineDash(grade === "good" ? [] : [4 * ratio, 3 * ratio]);
  context.beginPath();
  context.moveTo(left, (BAR_HEIGHT * ratio) / 2);
  context.lineTo(left + width, (BAR_HEIGHT * ratio) / 2);
  context.stroke();
  context.setLineDash([]);
  if (width < LEAST_FOR_SIGN * ratio) return;
  context.font = `bold ${11 * ratio}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "top";
  context.fillText(GRADE_SIGNS[grade], left + width / 2, (BAR_HEIGHT + 2) * ratio);
}

/**
 * Over the signal: where it must not be trusted.
 * @param {CanvasRenderingContext2D} context @param {Frame} frame @param {Scales} scale
 */
export function drawFaults(context, frame, scale, faults, colours) {
  context.fillStyle = hatching(context, colours.fault);
  context.strokeStyle = colours.fault;
  context.lineWidth = frame.ratio;
  for (const fault of within(frame, faults)) {
    const { left, width } = place(scale, fault);
    const seen = Math.max(width, 3 * frame.ratio);
    context.fillRect(left, 0, seen, frame.height);
    context.strokeRect(left, 0, seen, frame.height);
  }
}

/**
 * Thresholds and references, each with dashes of its own.
 * @param {CanvasRenderingContext2D} context @param {Frame} frame @param {Scales} scale
 */
export function drawLines(context, { width, ratio }, { y }, lines, colours) {
  context.strokeStyle = colours.limit;
  context.lineWidth = 1.2 * ratio;
  for (const { kind, value } of lines) {
    context.setLineDash(DASHES[kind].map((length) => length * ratio));
    context.beginPath();
    context.moveTo(0, y(value));
    context.lineTo(width, y(value));
    context.stroke();
  }
  context.setLineDash([]);
}

/**
 * @template {import("./tiles.js").Span} One
 * @param {Frame} frame @param {One[]} spans
 */
function within({ span }, spans) {
  return spans.filter(({ start, end }) => start < span.end && end > span.start);
}

/** @param {Scales} scale @param {import("./tiles.js").Span} span */
function place({ x }, { start, end }) {
  return { left: x(start), width: x(end) - x(start) };
}
