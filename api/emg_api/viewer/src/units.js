// Units of the screen: microvolts, and larger ones where those would have too many digits to read.

const STEPS = [["µV", 1], ["mV", 1e3], ["V", 1e6]];
const MOST = 20_000; // of a unit on an axis

/** The API shows volts and their thousandths as microvolts. */
export function screenUnit(unit) {
  return ["V", "mV", "uV", "µV"].includes(unit) ? "µV" : unit;
}

/**
 * The unit for values of `unit` within a range, and how many of `unit` it has.
 * @param {string | null} unit @param {[number, number]} range
 * @returns {{unit: string | null, factor: number}}
 */
export function scaleOf(unit, [low, high]) {
  const largest = Math.max(Math.abs(low), Math.abs(high));
  if (unit !== "µV") return { unit, factor: 1 };
  const [name, factor] = STEPS.find(([, size]) => largest / Number(size) <= MOST) ?? STEPS[2];
  return { unit: String(name), factor: Number(factor) };
}
