// Colours of the plots: those of the style sheet, so that they change with dark and light. All are Okabe and Ito's.

const NAMES = ["ink", "faint", "grid", "raw", "envelope", "rms", "good", "other", "fault", "limit", "paper"];

/** @returns {Record<string, string>} */
export function colours() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

/** What is for paper, whatever the screen shows. */
export const ON_PAPER = {
  ink: "#1c2226", faint: "#5b656c", grid: "#dde3e7", raw: "#0072b2", envelope: "#d55e00", rms: "#a3487f",
  good: "#009e73", other: "#767f85", fault: "#b26a00", limit: "#1c2226", paper: "#ffffff",
};

/** @param {HTMLCanvasElement} canvas @returns {CanvasRenderingContext2D} */
export function drawingOn(canvas) {
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("the browser has no canvas to draw on");
  return context;
}

const patterns = new Map();

/** Slanted lines of a colour, as a canvas fills with them. @param {CanvasRenderingContext2D} context */
export function hatching(context, colour) {
  if (!patterns.has(colour)) patterns.set(colour, context.createPattern(stripes(colour), "repeat"));
  return patterns.get(colour);
}

function stripes(colour) {
  const size = 8;
  const tile = Object.assign(document.createElement("canvas"), { width: size, height: size });
  const context = drawingOn(tile);
  context.strokeStyle = colour;
  context.lineWidth = 1.6;
  context.beginPath();
  for (const offset of [-size, 0, size]) {
    context.moveTo(offset, size);
    context.lineTo(offset + size, 0);
  }
  context.stroke();
  return tile;
}
