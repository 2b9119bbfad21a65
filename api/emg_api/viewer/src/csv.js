// A window's pixels as CSV (RFC 4180): a line for each.
import { SIGNALS } from "./tiles.js";

// A spreadsheet takes a cell that begins so for a formula, and names come from whoever made the recording.
const FORMULA = /^[=+\-@\t\r\n]/;

/** @param {import("./tiles.js").Tile} tile @param {{name: string, unit: string | null}[]} channels */
export function csvOf(tile, channels) {
  const columns = channels.flatMap((channel, place) =>
    SIGNALS.filter((signal) => tile.bands[place][signal]).flatMap((signal) =>
      ["minimum", "maximum"].map((extreme) => ({
        title: `${channel.name} ${signal} ${extreme}${channel.unit ? ` (${channel.unit})` : ""}`,
        values: tile.bands[place][signal][extreme],
      })),
    ),
  );
  const number = (value) => (Number.isFinite(value) ? String(value) : "");
  const lines = Array.from(tile.times, (time, pixel) => [time.toFixed(6), ...columns.map(({ values }) => number(values[pixel]))].join(","));
  return [["time_s", ...columns.map(({ title }) => cell(title))].join(","), ...lines, ""].join("\r\n");
}

function cell(text) {
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
