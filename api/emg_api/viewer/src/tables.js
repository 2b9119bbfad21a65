// The numbers behind the plots: contractions, muscles, faults, channels.
import { h, row, table } from "./dom.js";
import { contractionsOf, faultsOf, gradeOf } from "./findings.js";
import { NOTHING, fixed, format, inSeconds, microvolts, percent, seconds, significant } from "./numbers.js";
import { t } from "./strings.js";
import { contractionTitle, gradeWords, reasonWords, word } from "./words.js";

// The profile that reproduces an earlier system: it reports faults and computes with them.
const TAKES_EVERYTHING = "ghostly-2";

const yesNo = (value) => (value === null || value === undefined ? "?" : value ? t("answer.yes") : t("answer.no"));

/** @type {[string, (contraction: import("./findings.js").Contraction) => string][]} */
const CONTRACTION_COLUMNS = [
  ["start", ({ start }) => fixed(start, 2)],
  ["seconds", ({ told }) => fixed(inSeconds(told.duration_ms), 2)],
  ["mean", ({ told }) => microvolts(told.mean_amplitude_volts)],
  ["peak", ({ told }) => microvolts(told.max_amplitude_volts)],
  ["mdf", ({ told }) => fixed(told.mdf_hz, 1)],
  ["meetsMvc", ({ told }) => yesNo(told.meets_mvc)],
  ["meetsDuration", ({ told }) => yesNo(told.meets_duration)],
  ["faults", ({ told }) => (told.faults ? format(told.faults) : NOTHING)],
];

/**
 * @param {any} summary
 * @param {{zoom: (span: any) => void, highlight: (contraction: any) => void}} plot
 */
export function contractionTable(summary, { zoom, highlight }) {
  const rows = contractionsOf(summary).map((contraction) => {
    const title = contractionTitle(contraction);
    const button = h("button", { type: "button", class: "plain", onclick: () => zoom(contraction), "aria-label": t("contraction.zoom", { title }) }, title);
    const cells = CONTRACTION_COLUMNS.map(([, value]) => value(contraction));
    const pointed = { onmouseenter: () => highlight(contraction), onmouseleave: () => highlight(null), onfocusin: () => highlight(contraction), onfocusout: () => highlight(null) };
    const place = { class: `grade-${gradeOf(contraction)}`, "data-contraction": `${contraction.muscle} ${contraction.number}` };
    return row(button, [gradeWords(contraction), ...cells], { ...pointed, ...place });
  });
  const titles = [t("contraction.which"), t("contraction.grade"), ...CONTRACTION_COLUMNS.map(([name]) => t(`column.${name}`))];
  return rows.length ? table(t("contraction.table", { count: format(rows.length) }), titles, rows) : h("p", {}, t("contraction.none"));
}

/** @type {[string, (muscle: any) => string][]} */
const METRICS = [
  ["contractions", (muscle) => format(muscle.contraction_summary?.count)],
  ["good", (muscle) => format(muscle.contraction_summary?.good)],
  ["meanDuration", (muscle) => fixed(inSeconds(muscle.contraction_summary?.mean_duration_ms), 2)],
  ["rms", (muscle) => microvolts(muscle.amplitude?.rms_volts)],
  ["mav", (muscle) => microvolts(muscle.amplitude?.mav_volts)],
  ["iemg", (muscle) => microvolts(muscle.amplitude?.iemg_volt_seconds)],
  ["mdf", (muscle) => fixed(muscle.spectrum?.mdf_hz, 1)],
  ["mpf", (muscle) => fixed(muscle.spectrum?.mpf_hz, 1)],
  ["fi", (muscle) => significant(muscle.spectrum?.fi_nsm5)],
  ["slope", (muscle) => fixed(muscle.fatigue?.mdf_slope_hz_per_minute, 2)],
  ["lag", (muscle) => fixed(muscle.timing_lag_ms, 1)],
  ["reference", (muscle) => referenceWords(muscle.reference)],
  ["skipped", (muscle) => (muscle.skipped ? word("skipped", muscle.skipped) : NOTHING)],
];

function referenceWords(reference) {
  if (!reference) return NOTHING;
  const how = word("referenceMethod", reference.method);
  return reference.volts === null ? how : `${microvolts(reference.volts)} µV (${how})`;
}

/** A column for each muscle; turned, a row for each. What is told of none is left out. */
export function muscleTable(summary, { isTurned = false } = {}) {
  const told = METRICS.map(([name, value]) => ({ name: t(`metric.${name}`), values: summary.muscles.map(value) }))
    .filter(({ values }) => values.some((value) => value !== NOTHING));
  if (isTurned) {
    const rows = summary.muscles.map((muscle, place) => row(muscle.name, told.map(({ values }) => values[place])));
    return table(t("metric.table"), [t("metric.muscle"), ...told.map(({ name }) => name)], rows);
  }
  const rows = told.map(({ name, values }) => row(name, values));
  return table(t("metric.table"), [t("metric.what"), ...summary.muscles.map((muscle) => muscle.name)], rows);
}

/** The same metrics of two summaries side by side, for each muscle that either has. */
export function comparisonTable([one, other]) {
  const names = [...new Set([one, other].flatMap((summary) => summary.muscles.map((muscle) => muscle.name)))];
  const find = (summary, name) => summary.muscles.find((muscle) => muscle.name === name);
  const rows = names.flatMap((name) =>
    METRICS.flatMap(([metric, value]) => {
      const told = [one, other].map((summary) => find(summary, name)).map((muscle) => (muscle ? value(muscle) : NOTHING));
      if (told.every((text) => text === NOTHING)) return [];
      return [row(`${name} · ${t(`metric.${metric}`)}`, told, { class: told[0] === told[1] ? null : "differs" })];
    }),
  );
  return table(t("compare.table"), [t("metric.what"), "A", "B"], rows);
}

/** @param {any} summary @param {{zoom: (span: any) => void}} plot */
export function faultTable(summary, { zoom }) {
  const faults = faultsOf(summary);
  if (!faults.length) return h("p", {}, t("fault.none"));
  const rows = faults.map((fault) => {
    const button = h("button", { type: "button", class: "plain", onclick: () => zoom(fault) }, word("fault", fault.kind));
    return row(button, [fault.channel, seconds(fault.start, 3), seconds(fault.end - fault.start, 3), word("faultExplained", fault.kind)]);
  });
  const titles = ["kind", "channel", "from", "length", "what"].map((name) => t(`fault.${name}`));
  const rest = summary.faults_not_listed ? h("p", {}, t("fault.more", { count: format(summary.faults_not_listed) })) : null;
  const used = h("p", {}, t(summary.profile.name === TAKES_EVERYTHING ? "fault.used" : "fault.leftOut"));
  return h("div", {}, used, table(t("fault.table"), titles, rows), rest);
}

/** What each channel is worth, and why. */
export function channelTable(summary) {
  const rows = summary.channels.map((channel) =>
    row(channel.name, [
      h("span", { class: channel.verdict === "Usable" ? "badge good" : "badge poor" }, word("verdict", channel.verdict)),
      `${seconds(channel.usable_s, 1)} (${percent(channel.usable_fraction, 1)})`,
      channel.reasons.map(reasonWords).join("; ") || NOTHING,
    ]),
  );
  return table(t("channel.table"), ["name", "verdict", "usable", "reasons"].map((name) => t(`channel.${name}`)), rows);
}
