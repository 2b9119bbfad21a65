// What is looked at as a file: PNG as drawn, SVG as vectors, CSV as numbers.
import { ON_PAPER, colours, drawingOn } from "./colours.js";
import { csvOf } from "./csv.js";
import { drawPicture } from "./picture.js";
import { locale } from "./strings.js";

const TITLE_HEIGHT = 20;

/** Hand a file to the browser. @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** The plots below each other, as they are on the screen. @param {import("./signals.js").Signals} signals */
export async function savePng(signals, name) {
  signals.drawAll();
  const ratio = devicePixelRatio || 1;
  const canvases = signals.plots.map((plot) => plot.uplot.ctx.canvas);
  const sheet = document.createElement("canvas");
  sheet.width = Math.max(...canvases.map((canvas) => canvas.width));
  sheet.height = canvases.reduce((height, canvas) => height + canvas.height + TITLE_HEIGHT * ratio, 0);
  const context = drawingOn(sheet);
  const { paper, ink } = colours();
  context.fillStyle = paper;
  context.fillRect(0, 0, sheet.width, sheet.height);
  let top = 0;
  canvases.forEach((canvas, place) => {
    context.fillStyle = ink;
    context.font = `${12 * ratio}px system-ui, sans-serif`;
    context.fillText(titleOf(signals.plots[place]), 64 * ratio, top + 14 * ratio);
    context.drawImage(canvas, 0, top + TITLE_HEIGHT * ratio);
    top += canvas.height + TITLE_HEIGHT * ratio;
  });
  /** @type {Blob | null} */
  const picture = await new Promise((resolve) => sheet.toBlob(resolve, "image/png"));
  if (picture) save(picture, `${name}.png`);
}

const titleOf = ({ channel, unit }) => (unit ? `${channel.name} (${unit})` : channel.name);

/** The window that was loaded last, as vectors on white. */
export function saveSvg(signals, name) {
  const channels = signals.plots.map(({ channel, marks, shows }) => ({ name: channel.name, unit: channel.unit, marks, shows }));
  const picture = drawPicture({
    tile: signals.tile, channels, title: name, colours: ON_PAPER, width: 1000, height: 150, locale: locale(),
  });
  save(new Blob([new XMLSerializer().serializeToString(picture)], { type: "image/svg+xml" }), `${name}.svg`);
}

/** The window that was loaded last: a line for each pixel. */
export function saveCsv(signals, name) {
  save(new Blob([csvOf(signals.tile, signals.plots.map((plot) => plot.channel))], { type: "text/csv" }), `${name}.csv`);
}
