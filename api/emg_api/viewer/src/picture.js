// What is looked at as one SVG picture, for reports and papers: every line is one of the plots', as vectors.
import { SIGNALS, extent } from "./tiles.js";
import { GRADE_SIGNS, gradeOf } from "./findings.js";
import { scaleOf } from "./units.js";

const NAMESPACE = "http://www.w3.org/2000/svg";
const LEFT = 70;
const TITLE = 18;
const AXIS = 34;
const DASHES = { detection: "6 4", mvc: "2 3", reference: "10 4 2 4" };
let pictures = 0;

/** @returns {any} */
function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/**
 * @param {{tile: import("./tiles.js").Tile, channels: {name: string, unit: string | null, marks: any, shows: string[]}[], title: string,
 *   colours: Record<string, string>, width: number, height: number, locale: string}} parts `height`: of each channel
 * @returns {SVGElement}
 */
export function drawPicture({ tile, channels, title, colours, width, height, locale }) {
  const total = channels.length * (height + TITLE) + AXIS;
  const hatch = `hatch-${(pictures += 1)}`;
  const picture = s("svg", {
    xmlns: NAMESPACE, viewBox: `0 0 ${width} ${total}`, width, height: total, role: "img", "aria-label": title,
    "font-family": "system-ui, sans-serif", "font-size": 11, fill: colours.ink,
  });
  picture.append(s("rect", { width, height: total, fill: colours.paper }), hatchPattern(hatch, colours));
  channels.forEach((channel, place) => {
    const frame = { left: LEFT, top: place * (height + TITLE) + TITLE, width: width - LEFT - 12, height };
    picture.append(drawChannel({ tile, channel, place, frame, colours, hatch, locale }));
  });
  picture.append(timeAxis(tile, { left: LEFT, top: total - AXIS, width: width - LEFT - 12 }, colours, locale));
  return picture;
}

function hatchPattern(id, colours) {
  const line = s("path", { d: "M-2 8 L8 -2 M6 10 L10 6 M-2 0 L0 -2", stroke: colours.fault, "stroke-width": 1.4 });
  return s("defs", {}, s("pattern", { id, width: 8, height: 8, patternUnits: "userSpaceOnUse" }, line));
}

function drawChannel({ tile, channel, place, frame, colours, hatch, locale }) {
  const only = { ...tile, bands: { [place]: pick(tile.bands[place], channel.shows) } };
  const range = extent(/** @type {any} */ (only), place, channel.marks.faults);
  const x = (seconds) => frame.left + ((seconds - tile.start) / (tile.end - tile.start)) * frame.width;
  const y = (value) => frame.top + frame.height - ((value - range[0]) / (range[1] - range[0])) * frame.height;
  const clip = `${hatch}-${place}`;
  const inside = s("g", { "clip-path": `url(#${clip})` });
  inside.append(...channel.marks.contractions.flatMap((one) => contractionMarks(one, x, frame, colours)));
  for (const signal of SIGNALS.filter((name) => channel.shows.includes(name) && tile.bands[place][name])) {
    inside.append(bandPath(tile, tile.bands[place][signal], x, y, colours[signal]));
  }
  inside.append(...channel.marks.lines.map(({ kind, value }) =>
    s("line", { x1: frame.left, x2: frame.left + frame.width, y1: y(value), y2: y(value), stroke: colours.limit, "stroke-dasharray": DASHES[kind] })));
  inside.append(...channel.marks.faults.map(({ start, end }) =>
    s("rect", { x: x(start), width: Math.max(2, x(end) - x(start)), y: frame.top, height: frame.height, fill: `url(#${hatch})`, stroke: colours.fault })));
  const { unit, factor } = scaleOf(channel.unit, range);
  const name = unit ? `${channel.name} (${unit})` : channel.name;
  const group = s("g", {}, s("clipPath", { id: clip }, s("rect", { x: frame.left, y: frame.top, width: frame.width, height: frame.height })));
  group.append(s("text", { x: frame.left, y: frame.top - 5, "font-weight": "bold" }, name), inside);
  group.append(s("rect", { x: frame.left, y: frame.top, width: frame.width, height: frame.height, fill: "none", stroke: colours.grid }));
  group.append(...ticks(range, 4).map((value) =>
    s("text", { x: frame.left - 6, y: y(value) + 4, "text-anchor": "end", fill: colours.faint }, (value / factor).toLocaleString(locale))));
  return group;
}

function pick(bands, names) {
  const found = Object.entries(bands).filter(([name]) => names.includes(name));
  return found.length ? Object.fromEntries(found) : bands;
}

function contractionMarks(contraction, x, frame, colours) {
  const { start, end } = contraction;
  const grade = gradeOf(contraction);
  const colour = grade === "good" ? colours.good : colours.other;
  const place = { x: x(start), y: frame.top, width: Math.max(0, x(end) - x(start)) };
  const band = s("rect", { ...place, height: frame.height, fill: colour, "fill-opacity": 0.18 });
  const bar = s("rect", { ...place, height: 4, fill: grade === "good" ? colour : "none", stroke: colour, "stroke-dasharray": "3 2" });
  const sign = s("text", { x: (x(start) + x(end)) / 2, y: frame.top + 16, "text-anchor": "middle", fill: colour }, GRADE_SIGNS[grade]);
  return x(end) - x(start) > 12 ? [band, bar, sign] : [band, bar];
}

/** The area between minimum and maximum, anew after each gap. */
function bandPath(tile, { minimum, maximum }, x, y, colour) {
  /** @type {number[][]} */
  const runs = [];
  /** @type {number[] | null} */
  let run = null;
  for (let pixel = 0; pixel < tile.times.length; pixel += 1) {
    if (!Number.isFinite(minimum[pixel])) run = null;
    else if (run) run.push(pixel);
    else runs.push((run = [pixel]));
  }
  const point = (values) => (pixel) => `${x(tile.times[pixel]).toFixed(2)} ${y(values[pixel]).toFixed(2)}`;
  const outline = (pixels) => `M${pixels.map(point(maximum)).join("L")}L${pixels.toReversed().map(point(minimum)).join("L")}Z`;
  return s("path", { d: runs.map(outline).join(""), fill: colour, "fill-opacity": 0.55, stroke: colour, "stroke-width": 0.6 });
}

function timeAxis(tile, { left, top, width }, colours, locale) {
  const labels = ticks([tile.start, tile.end], 8).map((seconds) => {
    const at = left + ((seconds - tile.start) / (tile.end - tile.start)) * width;
    return s("text", { x: at, y: top + 14, "text-anchor": "middle", fill: colours.faint }, seconds.toLocaleString(locale));
  });
  return s("g", {}, ...labels, s("text", { x: left + width, y: top + 28, "text-anchor": "end", fill: colours.faint }, "s"));
}

/** Round numbers within a range, about `wanted` of them. */
export function ticks([low, high], wanted) {
  const rough = (high - low) / wanted;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * unit).find((size) => size >= rough) ?? rough;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, place) => Number(((first + place) * step).toPrecision(12)));
}
