// What the analysis found, channel by channel, in the units of the screen: seconds and microvolts.

/**
 * @typedef {{muscle: string, number: number, start: number, end: number, told: any}} Contraction
 * @typedef {{channel: string, start: number, end: number, kind: string}} Fault
 * @typedef {{kind: "detection" | "mvc" | "reference", value: number}} Line
 */

/** All contractions, muscle by muscle, numbered from 1. @returns {Contraction[]} */
export function contractionsOf(summary) {
  return (summary?.muscles ?? []).flatMap((muscle) =>
    muscle.contractions.map((told, place) => ({
      muscle: muscle.name,
      number: place + 1,
      start: told.start_ms / 1000,
      end: told.end_ms / 1000,
      told,
    })),
  );
}

/** @returns {Fault[]} */
export function faultsOf(summary) {
  const faults = summary?.faults ?? [];
  return faults.map(({ channel, kind, start_s, end_s }) => ({ channel, kind, start: start_s, end: end_s }));
}

/** Lines across a channel, in its screen's unit: where a contraction begins to count, and what it is measured by. */
export function linesOf(summary, channel) {
  const lines = (summary?.muscles ?? []).flatMap((muscle) => [
    muscle.timing_channel === channel && ["detection", muscle.detection_threshold_volts],
    muscle.raw_channel === channel && ["mvc", muscle.reference?.threshold_volts],
    muscle.raw_channel === channel && ["reference", muscle.reference?.volts],
  ]);
  return lines.filter((line) => line && Number.isFinite(line[1])).map(([kind, volts]) => ({ kind, value: volts * 1e6 }));
}

/** Everything that is marked in one channel. @param {{name: string, muscle: string | null}} channel */
export function marksOf(summary, channel) {
  const muscles = (summary?.muscles ?? []).filter((muscle) =>
    [muscle.raw_channel, muscle.timing_channel].includes(channel.name),
  );
  const names = muscles.map((muscle) => muscle.name);
  return {
    contractions: contractionsOf(summary).filter((contraction) => names.includes(contraction.muscle)),
    faults: faultsOf(summary).filter((fault) => fault.channel === channel.name),
    lines: linesOf(summary, channel.name),
  };
}

/** Good, not good, or without a criterion that could tell. @returns {"good" | "other" | "untold"} */
export function gradeOf({ told }) {
  return told.is_good === null || told.is_good === undefined ? "untold" : told.is_good ? "good" : "other";
}

export const GRADE_SIGNS = { good: "✓", other: "–", untold: "?" };

/** Two contractions are the same one whatever drew them. */
export function isSame(one, other) {
  return Boolean(one && other) && one.muscle === other.muscle && one.number === other.number;
}
