// Numbers, times and sizes as the reader's language writes them.
import { locale } from "./strings.js";

export const NOTHING = "–";

/** A number with at most `decimals` of them; a dash for none. */
export function format(value, decimals = 3) {
  if (typeof value !== "number" || !Number.isFinite(value)) return NOTHING;
  return value.toLocaleString(locale(), { maximumFractionDigits: decimals });
}

/** A number with exactly that many decimals, for columns. */
export function fixed(value, decimals) {
  if (typeof value !== "number" || !Number.isFinite(value)) return NOTHING;
  return value.toLocaleString(locale(), { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

export const seconds = (value, decimals = 2) => (Number.isFinite(value) ? `${fixed(value, decimals)} s` : NOTHING);
export const microvolts = (volts, decimals = 1) => (Number.isFinite(volts) ? fixed(volts * 1e6, decimals) : NOTHING);
/** A share as a percentage; 100 % is all, never nearly so. */
export function percent(share, decimals = 0) {
  if (!Number.isFinite(share)) return NOTHING;
  return `${fixed(share < 1 ? Math.min(share * 100, 100 - 10 ** -decimals) : share * 100, decimals)} %`;
}
/** Milliseconds as a number of seconds; of none, none. */
export const inSeconds = (milliseconds) => (Number.isFinite(milliseconds) ? milliseconds / 1000 : NaN);

/** Digits that mean something of a number of any size. */
export function significant(value, digits = 4) {
  if (typeof value !== "number" || !Number.isFinite(value)) return NOTHING;
  const isOdd = value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6);
  return isOdd ? value.toExponential(digits - 1) : value.toLocaleString(locale(), { maximumSignificantDigits: digits });
}

export function moment(text) {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? NOTHING : time.toLocaleString(locale(), { dateStyle: "medium", timeStyle: "short" });
}
