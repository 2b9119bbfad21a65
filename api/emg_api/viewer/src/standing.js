// Where a session without a result stands: the words of `kubectl emg why`, in the reader's language.
import { h } from "./dom.js";
import { has, t } from "./strings.js";

// What only whoever runs the installation can change; the rest is for who uploads.
const OF_OPERATORS = new Set([
  "Pending", "Queued", "Retrying", "OutOfMemory", "DeadlineExceeded", "StorageUnavailable", "DatabaseUnavailable",
  "Suspended", "InternalError",
]);

/** @typedef {{analyzed: boolean, standing: {reason: string, finished: boolean, message: string} | null}} Known */

const known = ({ standing }) => (standing && has(`cause.${standing.reason}`) ? standing : null);

/** One word, or a few: analysed, or why not. @param {Known} session */
export function statusBadge(session) {
  if (session.analyzed) return h("span", { class: "badge analyzed" }, t("status.analyzed"));
  const standing = known(session);
  const kind = standing?.finished && standing.reason !== "Superseded" ? "failed" : "waiting";
  return h("span", { class: `badge ${kind}` }, standing ? t(`state.${standing.reason}`) : t("status.waiting"));
}

/** The cause in a sentence; nothing where the badge says it all. @param {Known} session */
export function causeWords(session) {
  const standing = session.analyzed ? null : known(session);
  return standing && standing.reason !== "Running" ? t(`cause.${standing.reason}`) : "";
}

/** Cause, next step and what the system itself said. @param {Known} session */
export function standingPanel(session) {
  const standing = session.analyzed ? null : known(session);
  if (!standing) return null;
  const step = OF_OPERATORS.has(standing.reason) ? "standing.stepOfOperators" : "standing.step";
  const facts = [
    [t("standing.cause"), t(`cause.${standing.reason}`)], [t(step), t(`step.${standing.reason}`)],
    [t("standing.message"), standing.message && h("span", { lang: "en" }, standing.message)],
  ];
  return h(
    "div", { class: standing.finished ? "standing failed" : "standing" },
    h("dl", {}, facts.filter(([, value]) => value).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
  );
}
