// The stored summary as a small table: one line for each muscle.

const COLUMNS = [
  ["muscle", (muscle) => muscle.name],
  ["contractions", (muscle) => muscle.contractions.length],
  ["good", (muscle) => muscle.contraction_summary?.good],
  ["mean duration, ms", (muscle) => number(muscle.contraction_summary?.mean_duration_ms, 0)],
  ["RMS, µV", (muscle) => number(muscle.amplitude?.rms_volts * 1e6, 1)],
  ["median frequency, Hz", (muscle) => number(muscle.spectrum?.mdf_hz, 1)],
  ["compliance, %", (muscle, scores) => number(scores.muscles?.[muscle.name]?.compliance, 1)],
];

function number(value, decimals) {
  return Number.isFinite(value) ? value.toFixed(decimals) : null;
}

function row(kind, texts) {
  const line = document.createElement("tr");
  for (const text of texts) {
    const cell = document.createElement(kind);
    cell.textContent = text ?? "–";
    line.append(cell);
  }
  return line;
}

export function summaryTable(summary) {
  const table = document.createElement("table");
  const overall = number(summary.scores.overall, 1) ?? "not known";
  table.createCaption().textContent = `Profile ${summary.profile.name}. Overall score: ${overall}.`;
  table.createTHead().append(row("th", COLUMNS.map(([title]) => title)));
  const lines = summary.muscles.map((muscle) => row("td", COLUMNS.map(([, value]) => value(muscle, summary.scores))));
  table.createTBody().append(...lines);
  return table;
}
