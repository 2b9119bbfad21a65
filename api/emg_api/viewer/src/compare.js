// Two sessions side by side, of one recording with two profiles or of two recordings: they are looked at together.
import { h, fill, link } from "./dom.js";
import { isSignal, keyOf, openSession } from "./recordings.js";
import { scorePanel } from "./scores.js";
import { legend, sessionHeading } from "./session.js";
import { listenToKeys } from "./keys.js";
import { Signals } from "./signals.js";
import { standingPanel } from "./standing.js";
import { t } from "./strings.js";
import { comparisonTable } from "./tables.js";

/** @param {HTMLElement} main @param {string[]} ids @param {import("./main.js").Page} page */
export async function showComparison(main, ids, page) {
  const opened = await Promise.all(ids.map((id) => openSession(id, page.signal)));
  page.title(t("compare.title"));
  /** @type {{session: any, recording: import("./signals.js").Recording}[]} */
  const readable = [];
  for (const { session, recording, unreadable } of opened) {
    if (recording && recording.count > 0) readable.push({ session, recording });
    else return fill(main, h("h1", {}, t("compare.title")), unreadablePart(session, unreadable));
  }
  const both = readable.map(({ recording }) => signalsOf(recording, page));
  const linked = h("input", { type: "checkbox", checked: true });
  const sides = readable.map((one, place) => side(one, both[place], "AB"[place]));
  const summaries = readable.map(({ recording }) => recording.summary);
  fill(
    main, h("h1", {}, t("compare.title")), h("p", {}, h("label", {}, linked, " ", t("compare.linked"))),
    h("div", { class: "sides" }, sides), legend(), summaries.every(Boolean) ? numbers(summaries) : h("p", {}, t("session.notAnalysed")),
  );
  page.whenLeft(() => both.forEach((signals) => signals.destroy()));
  page.whenRepainted(() => both.forEach((signals) => signals.repaint()));
  page.whenLeft(listenToKeys(both[0]));
  await Promise.all(both.map((signals) => signals.start()));
  both.forEach((signals, place) => {
    signals.follow = (view) => {
      if (linked.checked) both[1 - place].look(view, { told: false });
    };
  });
}

function unreadablePart(session, why) {
  return h("section", {}, h("h2", {}, session.session_code), standingPanel(session) ?? h("p", {}, why || t("session.noSamples")));
}

function signalsOf(recording, page) {
  const signals = new Signals(recording, { ...page, height: 110 });
  const isShown = (channel) => isSignal(channel) && channel.role !== "activated";
  if (recording.channels.some(isShown)) {
    for (const channel of recording.channels.filter((one) => !isShown(one))) signals.hidden.add(channel.name);
  }
  return signals;
}

function side({ session, recording }, signals, letter) {
  const heading = sessionHeading(session, recording);
  heading.querySelector("h1").replaceWith(h("h2", {}, `${letter} · `, link(["sessions", keyOf(session.session_code, recording.profile)], session.session_code), ` · ${session.profile ?? ""}`));
  return h("section", { class: "side", "aria-label": `${letter}: ${session.session_code}` }, heading, signals.element);
}

function numbers(summaries) {
  const scores = summaries.map((summary, place) => h("section", {}, h("h3", {}, "AB"[place]), scorePanel(summary)));
  return h("div", {}, h("h2", {}, t("section.muscles")), comparisonTable(summaries), h("h2", {}, t("section.scores")), h("div", { class: "sides" }, scores));
}
