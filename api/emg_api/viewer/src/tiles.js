// Tiles: one minimum and one maximum per pixel of a window, as the API sends them, and how two of them lie in layers.

const ROUNDING = 1e-6; // of a sample, as the API rounds
export const SIGNALS = ["raw", "envelope", "rms"]; // the order in which they are sent

/** @typedef {{start: number, end: number}} Span seconds, start ≤ t < end */
/** @typedef {{rate: number, count: number}} Clock samples a second and in all */
/** @typedef {{minimum: Float32Array, maximum: Float32Array}} Band */
/** @typedef {{start: number, end: number, width: number, times: Float64Array, bands: Record<string, Band>[]}} Tile */

/** Which samples lie in a span, end excluded: at least one. @param {Span} span @param {Clock} clock */
export function sampleRange({ start, end }, { rate, count }) {
  const first = clamp(Math.ceil(start * rate - ROUNDING), 0, count - 1);
  return { first, end: clamp(Math.ceil(end * rate - ROUNDING), first + 1, count) };
}

/** When each pixel begins, in seconds. */
export function pixelTimes(first, count, pixels, rate) {
  return Float64Array.from({ length: pixels }, (_, pixel) => (first + Math.floor((pixel * count) / pixels)) / rate);
}

/**
 * Read what the API sent: for each channel and signal all minima, then all maxima.
 * @param {ArrayBuffer} bytes
 * @param {{first: number, end: number, width: number, rate: number, channels: number, signals: string[]}} asked
 * @returns {Tile}
 */
export function readTile(bytes, { first, end, width, rate, channels, signals }) {
  const pixels = Math.min(width, end - first);
  if (bytes.byteLength !== channels * signals.length * 2 * pixels * 4) throw new Error("the window has another size");
  const numbers = littleEndian(bytes);
  let place = 0;
  const next = () => numbers.subarray(place, (place += pixels));
  const band = () => ({ minimum: next(), maximum: next() });
  const bands = Array.from({ length: channels }, () => Object.fromEntries(signals.map((name) => [name, band()])));
  return { start: first / rate, end: end / rate, width, times: pixelTimes(first, end - first, pixels, rate), bands };
}

function littleEndian(bytes) {
  const view = new DataView(bytes);
  return Float32Array.from({ length: bytes.byteLength / 4 }, (_, number) => view.getFloat32(4 * number, true));
}

/**
 * A channel's columns for the plot: times, then minimum and maximum of each signal. Where `detail` has pixels they
 * are shown, elsewhere those of `base`; not a number where there is none.
 * @param {Tile} base @param {Tile | null} detail @param {number} channel
 * @returns {(Float32Array | Float64Array)[]}
 */
export function layered(base, detail, channel) {
  const join = joinerOf(base, detail);
  const columns = SIGNALS.flatMap((signal) =>
    ["minimum", "maximum"].map((extreme) => {
      const [outer, inner] = [base, detail].map((tile) => tile && (tile.bands[channel][signal]?.[extreme] ?? missing(tile)));
      return join(outer, inner, Float32Array);
    }),
  );
  return [join(base.times, detail?.times, Float64Array), ...columns];
}

/** What puts numbers of `detail` between those of `base` before and after it. */
function joinerOf(base, detail) {
  if (detail === null) return (outer) => outer;
  const before = lowerBound(base.times, detail.start);
  const after = lowerBound(base.times, detail.end);
  return (outer, inner, Kind) => {
    const joined = new Kind(before + inner.length + outer.length - after);
    joined.set(outer.subarray(0, before));
    joined.set(inner, before);
    joined.set(outer.subarray(after), before + inner.length);
    return joined;
  };
}

/** A signal that one layer lacks is nowhere in that layer. @param {Tile} tile */
const missing = (tile) => new Float32Array(tile.times.length).fill(NaN);

/** The first place whose value is not below `wanted`. */
export function lowerBound(sorted, wanted) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The lowest and highest of a channel outside `excluded` spans, with a margin: a rail at 5 mV would make a line of
 * everything else. Everything counts where nothing is left.
 * @param {Tile} tile @param {number} channel @param {Span[]} excluded
 */
export function extent(tile, channel, excluded = []) {
  const shown = Object.values(tile.bands[channel]);
  const touched = (pixel) => excluded.some(({ start, end }) => start < pixelEnd(tile, pixel) && end > tile.times[pixel]);
  const usable = Array.from(tile.times, (_, pixel) => pixel).filter((pixel) => !touched(pixel));
  const numbers = usable.flatMap((pixel) => shown.flatMap((band) => [band.minimum[pixel], band.maximum[pixel]]));
  const [low, high] = extremes(numbers);
  if (low > high) return excluded.length ? extent(tile, channel) : [-1, 1];
  const margin = (high - low || Math.abs(high) || 1) * 0.06;
  return [low - margin, high + margin];
}

function pixelEnd(tile, pixel) {
  return pixel + 1 < tile.times.length ? tile.times[pixel + 1] : tile.end;
}

function extremes(numbers) {
  let [low, high] = [Infinity, -Infinity];
  for (const number of numbers) {
    if (number < low) low = number;
    if (number > high) high = number;
  }
  return [low, high];
}

/** A span kept within 0 and `duration`, no shorter than `shortest`. @param {Span} span */
export function within({ start, end }, duration, shortest) {
  const length = clamp(end - start, Math.min(shortest, duration), duration);
  const middle = (start + end) / 2;
  const from = clamp(end - start === length ? start : middle - length / 2, 0, duration - length);
  return { start: from, end: from + length };
}

/** A span made longer (factor > 1) or shorter about the moment `at`. @param {Span} span */
export function zoomed({ start, end }, factor, at = (start + end) / 2) {
  return { start: at - (at - start) * factor, end: at + (end - at) * factor };
}

export function clamp(value, least, most) {
  return Math.min(Math.max(value, least), most);
}
