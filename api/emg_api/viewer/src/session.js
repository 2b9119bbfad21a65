// The page of one session: signals, findings, numbers.
import { fetchContractions, fetchResults, fetchSession } from "./api.js";
import { spectrumPanel, trendPanel } from "./charts.js";
import { address, fill, h } from "./dom.js";
import { save, saveCsv, savePng, saveSvg } from "./exports.js";
import { isSame } from "./findings.js";
import { listenToKeys } from "./keys.js";
import { fixed, format, moment, seconds } from "./numbers.js";
import { askedOf, isSignal, keyOf, openSession } from "./recordings.js";
import { scorePanel } from "./scores.js";
import { Signals } from "./signals.js";
import { standingPanel, statusBadge } from "./standing.js";
import { t } from "./strings.js";
import { channelTable, contractionTable, faultTable, muscleTable } from "./tables.js";
import { SIGNALS } from "./tiles.js";
import { letWheelZoom, wheelZooms } from "./wheel.js";
import { flagWords, word } from "./words.js";

// Each look is a line in the audit table: often while things happen, seldom while nothing does.
const SOON_MS = 3000;
const LATE_MS = 30_000;

/**
 * @param {HTMLElement} main
 * @param {string} id
 * @param {import("./main.js").Page} page
 */
export async function showSession(main, id, page) {
  const [{ session, recording, unreadable }, results] = await Promise.all([
    openSession(id, page.signal), fetchResults(askedOf(id), page.signal),
  ]);
  page.title(t("session.title", { code: session.session_code }));
  const heading = sessionHeading(session, recording, results);
  const standing = h("div", {}, standingPanel(session));
  if (recording === null || recording.count < 1) {
    if (!session.analyzed) waitForChange(id, session, page, () => page.again());
    fill(main, heading, standing.hasChildNodes() ? standing : h("p", {}, unreadable || t("session.noSamples")));
    return;
  }
  if (!session.analyzed) waitForChange(id, session, page, (now) => showStanding(now, heading, standing));
  const signals = new Signals(recording, page);
  for (const { name } of recording.channels.filter((channel) => !isSignal(channel)).slice(0, hidesOthers(recording))) {
    signals.hidden.add(name);
  }
  fill(
    main, heading, standing, toolbar(signals, session, recording, results), signals.element, legend(),
    findings(recording, signals),
  );
  page.whenLeft(() => signals.destroy());
  page.whenRepainted(() => repaint(main, signals));
  page.whenLeft(listenToKeys(signals));
  linkTable(main, signals);
  await signals.start();
  drawCharts(main);
}

/** Other channels, forces for one, are hidden where there are muscles to look at. */
function hidesOthers({ channels }) {
  return channels.some(isSignal) ? channels.length : 0;
}

function repaint(main, signals) {
  signals.repaint();
  drawCharts(main);
}

function drawCharts(main) {
  for (const panel of main.querySelectorAll(".panel")) panel.draw?.();
}

/** What is looked at stays as it is: only the words for where the session stands are others. */
function showStanding(session, heading, standing) {
  heading.querySelector(".badge.waiting, .badge.failed").replaceWith(statusBadge(session));
  fill(standing, standingPanel(session));
}

/** Before the analysis signals can be seen; its numbers are shown once they are known. What ended is not looked at again. */
function waitForChange(id, session, page, show) {
  let [known, pause, timer] = [session, SOON_MS, 0];
  const plan = () => {
    clearTimeout(timer);
    if (!page.signal.aborted && !known.standing?.finished) timer = window.setTimeout(look, pause);
  };
  const look = async () => {
    if (document.hidden) return;
    try {
      const { session: now } = await fetchSession(askedOf(id), page.signal);
      if (now.analyzed) return await page.again();
      const isNews = now.standing?.reason !== known.standing?.reason;
      pause = isNews ? SOON_MS : Math.min(pause * 1.5, LATE_MS);
      known = now;
      if (isNews) await show(now);
    } catch {
      pause = LATE_MS; // what fails now is asked for again, and the page says so already
    }
    plan();
  };
  const seen = () => document.hidden || known.standing?.finished || look();
  document.addEventListener("visibilitychange", seen);
  page.whenLeft(() => document.removeEventListener("visibilitychange", seen));
  page.whenLeft(() => clearTimeout(timer));
  plan();
}

export function sessionHeading(session, recording, results = []) {
  const flags = recording?.summary?.recording.flags ?? [];
  const facts = [
    ["subject", session.subject], ["recording", session.recording], ["created", moment(session.created_at)],
    ...(recording ? clockFacts(recording) : []), ["profile", profileChoice(session, recording, results)],
    ["score", session.overall_score === null ? null : fixed(session.overall_score, 1)],
  ].filter(([, value]) => value);
  const quality = session.quality && h("span", { class: `badge ${session.quality}` }, word("quality", session.quality));
  return h(
    "div", { class: "heading" },
    h("h1", {}, session.session_code, " ", quality, session.analyzed ? null : statusBadge(session)),
    h("dl", { class: "facts" }, facts.map(([name, value]) => h("div", {}, h("dt", {}, t(`session.${name}`)), h("dd", {}, value)))),
    flags.length ? h("p", { class: "note" }, flags.map(flagWords).join(" ")) : null,
  );
}

function clockFacts({ rate, count }) {
  return [["duration", seconds(rate ? count / rate : NaN, 1)], ["rate", `${format(rate)} Hz`]];
}

/** Which result is shown: chosen where there are several. */
function profileChoice(session, recording, results) {
  if (results.length < 2) return session.profile;
  const shown = recording?.summary?.profile.digest;
  const show = (event) => {
    location.hash = address("sessions", keyOf(session.session_code, event.target.value));
  };
  return h(
    "select", { "aria-label": t("session.profile"), onchange: show },
    results.map((result) => {
      const name = nameOf(result, results);
      return h(
        "option", { value: result.own ? "" : addressOf(result, results), selected: result.digest === shown },
        result.own ? t("session.ownProfile", { profile: name }) : name,
      );
    }),
  );
}

/** What finds a result: its profile's name, or the digest where another has the same. */
function addressOf({ profile, digest }, results) {
  return results.filter((other) => other.profile === profile).length > 1 ? digest : profile;
}

/** A profile's name, with some of its digest where another has the same. */
function nameOf({ profile, digest }, results) {
  return results.filter((other) => other.profile === profile).length > 1 ? `${profile} · ${digest.slice(0, 8)}` : profile;
}

/** The other results of the recording, beside the one that is shown. */
function comparisons(session, recording, results) {
  const shown = recording.summary?.profile.digest;
  const key = (result) => keyOf(session.session_code, addressOf(result, results));
  const one = results.find(({ digest }) => digest === shown);
  return results.filter((other) => one && other !== one).map((other) =>
    h("a", { class: "button", href: address("compare", key(one), key(other)) }, t("session.compareWith", { profile: nameOf(other, results) })));
}

function toolbar(signals, session, recording, results) {
  const name = `emg-${session.session_code}`;
  const action = (key, act, label = t(key)) => h("button", { type: "button", onclick: act, title: t(key), "aria-label": t(key) }, label);
  return h(
    "div", { class: "toolbar", role: "toolbar", "aria-label": t("toolbar.name") },
    h("span", { class: "group" },
      action("toolbar.left", () => signals.pan(-1), "←"), action("toolbar.right", () => signals.pan(1), "→"),
      action("toolbar.in", () => signals.zoom(0.5), "+"), action("toolbar.out", () => signals.zoom(2), "−"),
      action("toolbar.all", signals.reset)),
    signalChoice(signals), channelChoice(signals), fitChoice(signals), wheelChoice(), exportMenu(signals, session, name),
    h("a", { class: "button", href: address("sessions", keyOf(session.session_code, recording.profile), "report") }, t("toolbar.report")),
    comparisons(session, recording, results),
  );
}

function choice(label, isChosen, change, properties = {}) {
  return h("label", {}, h("input", { type: "checkbox", checked: isChosen, onchange: (event) => change(event.target.checked), ...properties }), " ", label);
}

function signalChoice(signals) {
  const boxes = SIGNALS.map((name) =>
    choice(h("span", { class: `key ${name}` }, t(`signal.${name}`)), signals.shown.has(name), (isChosen) => {
      const shown = new Set(signals.shown);
      if (isChosen) shown.add(name);
      else shown.delete(name);
      signals.choose({ shown });
    }, { "data-signal": name }));
  return h("fieldset", {}, h("legend", {}, t("toolbar.signals")), boxes);
}

function channelChoice(signals) {
  const boxes = signals.recording.channels.map(({ name }) =>
    choice(name, !signals.hidden.has(name), (isChosen) => {
      const hidden = new Set(signals.hidden);
      if (isChosen) hidden.delete(name);
      else hidden.add(name);
      if (hidden.size < signals.recording.channels.length) signals.choose({ hidden });
    }));
  return h("details", { class: "menu" }, h("summary", {}, t("toolbar.channels")), h("div", { class: "items" }, boxes));
}

function fitChoice(signals) {
  return choice(t("toolbar.fit"), false, (isChosen) => {
    signals.fitted = isChosen;
    signals.reload();
  });
}

function wheelChoice() {
  const box = choice(t("toolbar.wheel"), wheelZooms(), letWheelZoom);
  box.title = t("toolbar.wheelHint");
  return box;
}

function exportMenu(signals, session, name) {
  const item = (key, act) => h("button", { type: "button", "data-export": key, onclick: act }, t(`export.${key}`));
  const contractions = async () => {
    try {
      save(await fetchContractions(signals.recording), `${name}-contractions.csv`);
    } catch (error) {
      signals.fail(error);
    }
  };
  const items = [
    item("png", () => savePng(signals, name)), item("svg", () => saveSvg(signals, name)), item("csv", () => saveCsv(signals, name)),
    session.analyzed ? item("contractions", contractions) : null,
  ];
  return h("details", { class: "menu" }, h("summary", {}, t("toolbar.export")), h("div", { class: "items" }, items));
}

export function legend() {
  const keys = [["key-good", "grade.good"], ["key-other", "grade.other"], ["key-fault", "legend.fault"], ["key-detection", "legend.detection"], ["key-mvc", "legend.mvc"], ["key-reference", "legend.reference"]];
  return h("ul", { class: "legend", "aria-label": t("legend.name") }, keys.map(([sign, text]) => h("li", {}, h("span", { class: `sign ${sign}`, "aria-hidden": "true" }), t(text))));
}

function section(title, ...children) {
  return h("section", { class: "findings" }, h("h2", { tabindex: -1 }, t(title)), children);
}

/** Buttons, as links after # are this page's addresses. */
function jumps(sections) {
  const go = (heading) => {
    heading.scrollIntoView();
    heading.focus();
  };
  const buttons = sections.map((part) => {
    const heading = part.querySelector("h2");
    return h("button", { type: "button", class: "plain", onclick: () => go(heading) }, heading.textContent);
  });
  return h("nav", { class: "jump", "aria-label": t("section.jump") }, buttons);
}

function findings(recording, signals) {
  const { summary } = recording;
  if (summary === null) return h("p", { role: "status" }, t("session.notAnalysed"));
  const plot = { zoom: (span) => signals.zoomTo(span), highlight: (one) => signals.highlight(one) };
  const analysed = summary.muscles.filter((muscle) => muscle.skipped === null && muscle.raw_channel);
  const sections = [
    section("section.contractions", contractionTable(summary, plot)),
    section("section.faults", channelTable(summary), faultTable(summary, plot)),
    section("section.muscles", muscleTable(summary)),
    section("section.scores", scorePanel(summary)),
    section("section.fatigue", h("div", { class: "panels" }, analysed.map(trendPanel))),
    section("section.spectra", h("div", { class: "panels" }, analysed.map((muscle) => spectrumPanel(recording, muscle, () => signals.view)))),
    section("section.methods", methodList(summary)),
  ];
  return h("div", {}, jumps(sections), sections);
}

export function methodList({ methods, provenance }) {
  const text = (value) => (typeof value === "object" && value !== null ? Object.values(value).flat().join(", ") : String(value));
  const entries = [...Object.entries(methods), ...Object.entries(provenance)];
  return h("dl", { class: "methods", lang: "en" }, entries.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, text(value)))));
}

/** A contraction that is pointed at in the plot is marked in the table; one that is clicked there is gone to. */
function linkTable(main, signals) {
  const rowOf = (one) => [...main.querySelectorAll("[data-contraction]")].find((row) => row.dataset.contraction === `${one.muscle} ${one.number}`);
  /** @type {Element | null} */
  let marked = null;
  signals.point = (contraction) => {
    marked?.classList.remove("pointed");
    marked = (contraction && rowOf(contraction)) ?? null;
    marked?.classList.add("pointed");
  };
  let last = null;
  signals.pick = (contraction) => {
    if (contraction && !isSame(contraction, last)) rowOf(contraction)?.scrollIntoView({ block: "nearest" });
    last = contraction;
  };
}
