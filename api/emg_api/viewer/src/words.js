// What the analysis found, in words of the reader's language. Codes that have none are shown as they are.
import { GRADE_SIGNS, gradeOf } from "./findings.js";
import { fixed, format, microvolts, percent, seconds, significant } from "./numbers.js";
import { has, t } from "./strings.js";

/** The words for a code of a closed set, or the code. */
export function word(group, code) {
  const key = `${group}.${code}`;
  return has(key) ? t(key) : String(code);
}

export function gradeWords(contraction) {
  const grade = gradeOf(contraction);
  return `${GRADE_SIGNS[grade]} ${t(`grade.${grade}`)}`;
}

const answer = (value) => t(value === null || value === undefined ? "answer.untold" : value ? "answer.yes" : "answer.no");

/** All that is known of a contraction, as names and values. @returns {[string, string][]} */
export function contractionLines({ told, start, end }) {
  const lines = [
    ["grade", gradeWords({ told })],
    ["time", `${seconds(start)} – ${seconds(end)}`],
    ["duration", seconds(told.duration_ms / 1000)],
    ["mean", `${microvolts(told.mean_amplitude_volts)} µV`],
    ["peak", `${microvolts(told.max_amplitude_volts)} µV`],
    ["rms", told.rms_volts && `${microvolts(told.rms_volts)} µV`],
    ["mdf", told.mdf_hz && `${fixed(told.mdf_hz, 1)} Hz`],
    ["mpf", told.mpf_hz && `${fixed(told.mpf_hz, 1)} Hz`],
    ["timeToPeak", told.time_to_peak_ms && `${fixed(told.time_to_peak_ms, 0)} ms`],
    ["meetsMvc", answer(told.meets_mvc)],
    ["meetsDuration", answer(told.meets_duration)],
    ["faults", told.faults && format(told.faults)],
    ["merged", told.merged && format(told.merged)],
    ["long", told.long && t("answer.yes")],
  ];
  return lines.filter(([, value]) => value).map(([name, value]) => [t(`contraction.${name}`), value]);
}

export function contractionTitle({ muscle, number }) {
  return t("contraction.title", { muscle, number });
}

/** What happened, and what was done about it. */
export function faultLines({ kind, start, end, channel }) {
  return /** @type {[string, string][]} */ ([
    [t("fault.channel"), channel],
    [t("fault.time"), `${seconds(start, 3)} – ${seconds(end, 3)}`],
    [t("fault.what"), word("faultExplained", kind)],
  ]);
}

/** Why a channel is not simply usable. */
export function reasonWords(reason) {
  const numbers = Object.fromEntries(
    Object.entries(reason).map(([name, value]) => [name, typeof value === "number" ? significant(value, 3) : String(value)]),
  );
  const unsettled = { share: percent(reason.fraction), most: percent(reason.most_fraction) };
  const shares = { usable: percent(reason.usable_fraction), least: percent(reason.least_fraction), ...unsettled };
  const key = `reason.${reason.reason}`;
  return has(key) ? t(key, { ...numbers, ...shares }) : String(reason.reason);
}

export function flagWords(flag) {
  const key = `flag.${flag.flag}`;
  const numbers = Object.fromEntries(
    Object.entries(flag).map(([name, value]) => [name, typeof value === "number" ? format(value) : String(value)]),
  );
  return has(key) ? t(key, numbers) : String(flag.flag);
}

/** A plot in one sentence, for who does not see it. */
export function plotWords(channel, marks, view) {
  const good = marks.contractions.filter((contraction) => gradeOf(contraction) === "good").length;
  return t("plot.words", {
    channel: channel.name,
    contractions: format(marks.contractions.length),
    good: format(good),
    faults: format(marks.faults.length),
    start: seconds(view.start),
    end: seconds(view.end),
  });
}
