// Scores with the parts they are made of, and what is missing.
import { h, row, table } from "./dom.js";
import { fixed, percent } from "./numbers.js";
import { t } from "./strings.js";
import { word } from "./words.js";

const PARTS = ["compliance", "symmetry", "effort", "game"];
const OF_MUSCLE = ["completion", "intensity", "duration"];

const score = (value) => (Number.isFinite(value) ? fixed(value, 1) : t("score.missing"));
const weight = (options, name) => percent(options[`${name}_weight_permille`] / 1000, 1);

/** A bar is a picture of the number beside it. */
function bar(value) {
  return h("meter", { min: 0, max: 100, value: Number.isFinite(value) ? value : 0, "aria-hidden": "true" });
}

/** @returns {HTMLElement} */
export function scorePanel({ scores, profile, muscles }) {
  const rows = [
    ...PARTS.map((name) => row(t(`score.${name}`), [[score(scores[name]), " ", bar(scores[name])], weight(profile.options, name)])),
    row(t("score.overall"), [[score(scores.overall), " ", bar(scores.overall)], ""], { class: "total" }),
  ];
  const parts = table(t("score.table"), [t("score.part"), t("score.value"), t("score.weight")], rows);
  return h("div", { class: "scores" }, parts, muscleScores(scores, profile, muscles), missing(scores));
}

function muscleScores(scores, profile, muscles) {
  const told = muscles.map((muscle) => scores.muscles?.[muscle.name]);
  const rows = [
    ...OF_MUSCLE.map((name) =>
      row(t(`score.${name}`), [...told.map((one) => share(one?.[name])), weight(profile.options, name)]),
    ),
    row(t("score.compliance"), [...told.map((one) => score(one?.compliance)), ""], { class: "total" }),
  ];
  return table(t("score.ofMuscles"), [t("score.part"), ...muscles.map((muscle) => muscle.name), t("score.weight")], rows);
}

const share = (value) => (Number.isFinite(value) ? percent(value, 0) : t("score.missing"));

/** What is missing and what was done about it, as a list of sentences. */
function missing(scores) {
  const named = (scores.data_completeness?.missing ?? []).map((name) => t("score.isMissing", { name: word("score", name) }));
  const shared = scores.renormalized ?? { overall: {}, muscles: {} };
  const renormalized = [
    ...Object.entries(shared.overall).map(([name, why]) => t("score.shared", { name: word("score", name), why: word("scoreReason", why) })),
    ...Object.entries(shared.muscles).flatMap(([muscle, parts]) =>
      Object.entries(parts).map(([name, why]) => t("score.sharedOf", { muscle, name: word("score", name), why: word("scoreReason", why) })),
    ),
  ];
  const assumed = scores.data_completeness?.effort_assumed;
  const counted = Number.isFinite(assumed) ? [t("score.assumed", { value: fixed(assumed, 0) })] : [];
  const bfr = scores.bfr?.compliant === false ? [t("score.gate")] : [];
  const sentences = [...named, ...renormalized, ...counted, ...bfr];
  return sentences.length ? h("div", {}, h("h3", {}, t("score.notThere")), h("ul", {}, sentences.map((text) => h("li", {}, text)))) : null;
}
