// The small charts below the signals: the spectrum of what is looked at, and how the median frequency goes.
import uPlot from "uplot";
import { fetchNumbers } from "./api.js";
import { colours } from "./colours.js";
import { fill, h } from "./dom.js";
import { fixed, format } from "./numbers.js";
import { welch } from "./spectrum.js";
import { t } from "./strings.js";
import { sampleRange } from "./tiles.js";

const HEIGHT = 220;
const MOST_SAMPLES = 200_000; // some minutes; a spectrum of more looks the same

function axis(label) {
  const grid = { stroke: () => colours().grid, width: 1 };
  return { label, labelFont: "12px system-ui, sans-serif", stroke: () => colours().faint, grid, ticks: grid, font: "12px system-ui, sans-serif", size: 46, labelSize: 18, values: (_u, ticks) => ticks.map((tick) => format(tick)) };
}

function chart(element, { data, labels, series, hooks = {} }) {
  fill(element);
  const options = {
    width: Math.max(240, Math.floor(element.parentElement.clientWidth)),
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false } },
    axes: labels.map(axis),
    series: [{}, ...series],
    hooks,
  };
  return new uPlot(options, data, element);
}

/** The spectrum of a muscle's raw samples in the span that is looked at, on request: it needs every sample. */
export function spectrumPanel(recording, muscle, view) {
  const plot = h("div", { class: "chart", role: "img", "aria-label": t("spectrum.empty") });
  const told = h("p", { role: "status" });
  const button = h("button", { type: "button", onclick: () => draw().catch((error) => fill(told, error.message)) }, t("spectrum.show"));

  async function draw() {
    const span = view();
    const range = sampleRange(span, recording);
    const first = range.first;
    const end = Math.min(range.end, first + MOST_SAMPLES);
    const asked = { start: first / recording.rate, end: end / recording.rate, signals: "raw", channels: [muscle.raw_channel] };
    const numbers = new Float32Array(await fetchNumbers(recording, asked));
    const { frequencies, density, segments } = welch(numbers.subarray(0, end - first), recording.rate);
    if (segments === 0) return fill(told, t("spectrum.tooShort"));
    show(frequencies, density, { start: first / recording.rate, end: end / recording.rate });
  }

  function show(frequencies, density, { start, end }) {
    const words = t("spectrum.words", { start: fixed(start, 2), end: fixed(end, 2), mdf: fixed(muscle.spectrum?.mdf_hz, 1), mpf: fixed(muscle.spectrum?.mpf_hz, 1) });
    plot.setAttribute("aria-label", words);
    fill(told, words);
    const line = { stroke: () => colours().raw, width: 1.5, points: { show: false }, fill: () => `${colours().raw}33` };
    const hooks = { draw: [(u) => verticals(u, [[muscle.spectrum?.mdf_hz, [6, 4]], [muscle.spectrum?.mpf_hz, [2, 3]]])] };
    chart(plot, { data: [frequencies, density], labels: [t("spectrum.hertz"), t("spectrum.density")], series: [line], hooks });
  }

  return h("section", { class: "panel" }, h("h3", {}, t("spectrum.title", { muscle: muscle.name })), plot, told, button);
}

function verticals(u, lines) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.strokeStyle = colours().limit;
  for (const [value, dashes] of lines.filter(([hertz]) => Number.isFinite(hertz))) {
    const left = u.valToPos(value, "x", true);
    ctx.setLineDash(dashes);
    ctx.beginPath();
    ctx.moveTo(left, bbox.top);
    ctx.lineTo(left, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

/** Median frequency of each contraction, with the line whose slope is told; null where there is none. */
export function trendPanel(muscle) {
  const points = muscle.contractions
    .filter((told) => Number.isFinite(told.mdf_hz))
    .map((told) => [(told.start_ms + told.end_ms) / 2000, told.mdf_hz]);
  if (points.length < 2) return null;
  const plot = h("div", { class: "chart", role: "img", "aria-label": trendWords(muscle) });
  const panel = h("section", { class: "panel" }, h("h3", {}, t("trend.title", { muscle: muscle.name })), plot, h("p", {}, trendWords(muscle)));
  const draw = () => drawTrend(plot, points, muscle.fatigue?.mdf_slope_hz_per_minute);
  return Object.assign(panel, { draw });
}

function drawTrend(element, points, slope) {
  const [times, values] = [points.map(([time]) => time), points.map(([, value]) => value)];
  const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  const fitted = times.map((time) => (Number.isFinite(slope) ? mean(values) + (slope / 60) * (time - mean(times)) : null));
  const dots = { stroke: () => colours().raw, paths: () => null, points: { show: true, size: 7, fill: () => colours().raw } };
  const line = { stroke: () => colours().envelope, width: 2, dash: [8, 4], points: { show: false } };
  return chart(element, { data: [times, values, fitted], labels: [t("trend.seconds"), t("trend.hertz")], series: [dots, line] });
}

export function trendWords({ fatigue }) {
  if (!fatigue || !Number.isFinite(fatigue.mdf_slope_hz_per_minute)) return t("trend.none");
  return t(fatigue.falls_over_10_percent ? "trend.falls" : "trend.words", {
    slope: fixed(fatigue.mdf_slope_hz_per_minute, 2),
    low: fixed(fatigue.ci_low_hz_per_minute, 2),
    high: fixed(fatigue.ci_high_hz_per_minute, 2),
    change: fixed(fatigue.mdf_change_percent, 1),
    count: format(fatigue.contractions),
  });
}
