// Contractions, faults and thresholds drawn into a plot. Each differs by shape too: a solid bar, a dashed one, slanted
// lines; nothing is told by colour alone.
import { hatching } from "./colours.js";
import { GRADE_SIGNS, gradeOf, isSame } from "./findings.js";

const BAR_HEIGHT = 5;
const LEAST_FOR_SIGN = 14;
const DASHES = { detection: [6, 4], mvc: [2, 3], reference: [10, 4, 2, 4] };

/** Under the signal: a band for each contraction. */
export function drawContractions(u, contractions, highlighted, colours) {
  inside(u, (context, { top, height }, ratio) => {
    for (const contraction of contractions) {
      const { left, width } = place(u, contraction);
      const grade = gradeOf(contraction);
      const colour = grade === "good" ? colours.good : colours.other;
      context.globalAlpha = isSame(contraction, highlighted) ? 0.42 : 0.18;
      context.fillStyle = colour;
      context.fillRect(left, top, width, height);
      context.globalAlpha = 1;
      drawBar(context, { left, width, top, ratio }, grade, colour);
    }
  });
}

function drawBar(context, { left, width, top, ratio }, grade, colour) {
  context.fillStyle = context.strokeStyle = colour;
  context.lineWidth = BAR_HEIGHT * ratio;
  context.setLineDash(grade === "good" ? [] : [4 * ratio, 3 * ratio]);
  context.beginPath();
  context.moveTo(left, top + (BAR_HEIGHT * ratio) / 2);
  context.lineTo(left + width, top + (BAR_HEIGHT * ratio) / 2);
  context.stroke();
  context.setLineDash([]);
  if (width < LEAST_FOR_SIGN * ratio) return;
  context.font = `bold ${11 * ratio}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "top";
  context.fillText(GRADE_SIGNS[grade], left + width / 2, top + (BAR_HEIGHT + 2) * ratio);
}

/** Over the signal: where it must not be trusted. */
export function drawFaults(u, faults, colours) {
  inside(u, (context, { top, height }, ratio) => {
    context.fillStyle = hatching(context, colours.fault);
    context.strokeStyle = colours.fault;
    context.lineWidth = ratio;
    for (const fault of faults) {
      const { left, width } = place(u, fault);
      const seen = Math.max(width, 3 * ratio);
      context.fillRect(left, top, seen, height);
      context.strokeRect(left, top, seen, height);
    }
  });
}

/** Thresholds and references, each with dashes of its own. */
export function drawLines(u, lines, colours) {
  inside(u, (context, { left, width }, ratio) => {
    context.strokeStyle = colours.limit;
    context.lineWidth = 1.2 * ratio;
    for (const { kind, value } of lines) {
      context.setLineDash(DASHES[kind].map((length) => length * ratio));
      const height = u.valToPos(value, "y", true);
      context.beginPath();
      context.moveTo(left, height);
      context.lineTo(left + width, height);
      context.stroke();
    }
  });
}

function inside(u, draw) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  draw(ctx, bbox, window.devicePixelRatio || 1);
  ctx.restore();
}

function place(u, { start, end }) {
  const [left, right] = [start, end].map((seconds) => u.valToPos(seconds, "x", true));
  return { left, width: right - left };
}
