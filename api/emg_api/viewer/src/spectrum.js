// Welch's power spectral density, as scipy.signal.welch's defaults have it: 256 samples, Hann, half overlapping, mean
// removed, density. Only the picture is made here; the frequencies that are told come with the summary.

export const SEGMENT = 256;

/**
 * @param {Float32Array | number[]} samples not a number where there is no signal: no segment reaches over that
 * @param {number} rate samples a second
 * @returns {{frequencies: number[], density: number[], segments: number}} unit² per hertz
 */
export function welch(samples, rate) {
  const window = Float64Array.from({ length: SEGMENT }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / SEGMENT));
  const power = window.reduce((sum, weight) => sum + weight * weight, 0);
  const density = new Float64Array(SEGMENT / 2 + 1);
  const starts = segmentStarts(samples);
  for (const start of starts) addPower(density, samples, start, window);
  const scaled = Array.from(density, (sum, bin) => {
    const sides = bin === 0 || bin === SEGMENT / 2 ? 1 : 2;
    return (sides * sum) / (power * rate * starts.length);
  });
  return { frequencies: scaled.map((_, bin) => (bin * rate) / SEGMENT), density: scaled, segments: starts.length };
}

/** Where segments begin, anew after each gap. */
function segmentStarts(samples) {
  const starts = [];
  let first = 0;
  for (let place = 0; place < samples.length; place += 1) {
    if (!Number.isFinite(samples[place])) first = place + 1;
    else if (place + 1 - first === SEGMENT) {
      starts.push(first);
      first += SEGMENT / 2;
    }
  }
  return starts;
}

function addPower(density, samples, start, window) {
  let mean = 0;
  for (let n = 0; n < SEGMENT; n += 1) mean += samples[start + n] / SEGMENT;
  const real = Float64Array.from(window, (weight, n) => weight * (samples[start + n] - mean));
  const imaginary = new Float64Array(SEGMENT);
  transform(real, imaginary);
  for (let bin = 0; bin < density.length; bin += 1) density[bin] += real[bin] ** 2 + imaginary[bin] ** 2;
}

/** Fourier transform in place, radix 2 (Cooley and Tukey 1965). */
function transform(real, imaginary) {
  const count = real.length;
  for (let place = 1, other = 0; place < count; place += 1) {
    let bit = count >> 1;
    for (; other & bit; bit >>= 1) other ^= bit;
    other ^= bit;
    if (place < other) for (const part of [real, imaginary]) [part[place], part[other]] = [part[other], part[place]];
  }
  for (let length = 2; length <= count; length *= 2) butterflies(real, imaginary, length);
}

function butterflies(real, imaginary, length) {
  const half = length / 2;
  for (let start = 0; start < real.length; start += length) {
    for (let n = 0; n < half; n += 1) {
      const [one, other, angle] = [start + n, start + n + half, (-2 * Math.PI * n) / length];
      const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
      const a = real[other] * cosine - imaginary[other] * sine;
      const b = real[other] * sine + imaginary[other] * cosine;
      [real[other], imaginary[other]] = [real[one] - a, imaginary[one] - b];
      [real[one], imaginary[one]] = [real[one] + a, imaginary[one] + b];
    }
  }
}
