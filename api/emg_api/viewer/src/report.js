// One page for paper: what was recorded, what was found, how it was computed.
import { fetchNumbers } from "./api.js";
import { trendWords } from "./charts.js";
import { ON_PAPER } from "./colours.js";
import { fill, h, link, row, table } from "./dom.js";
import { marksOf } from "./findings.js";
import { fixed, format, moment } from "./numbers.js";
import { drawPicture } from "./picture.js";
import { isSignal, openSession } from "./recordings.js";
import { legend, sessionHeading } from "./session.js";
import { standingPanel } from "./standing.js";
import { locale, t } from "./strings.js";
import { channelTable, muscleTable } from "./tables.js";
import { readTile } from "./tiles.js";

const WIDTH = 900;
const MOST_CHANNELS = 4;
const MOST_CHANNELS_TOLD = 8;
const MOST_MUSCLES_BESIDE = 4;
// What a page of A4 and one of Letter both have within margins of 10 mm, at 96 pixels an inch.
const PAPER = { width: 717, height: 979 };
const MOST_CONDITIONED_SAMPLES = 1_200_000;

/** @param {HTMLElement} main @param {string} id @param {import("./main.js").Page} page */
export async function showReport(main, id, page) {
  const { session, recording, unreadable } = await openSession(id, page.signal);
  page.title(t("report.title", { code: session.session_code }));
  const isEmpty = recording === null || recording.count < 1;
  const picture = isEmpty ? h("p", {}, unreadable || t("session.noSamples")) : await pictureOf(recording, page.signal);
  const buttons = h("p", { class: "toolbar" }, link(["sessions", id], t("report.back")), h("button", { type: "button", onclick: () => window.print() }, t("report.print")));
  const numbers = recording?.summary ? found(recording.summary) : [standingPanel(session) ?? h("p", {}, t("session.notAnalysed"))];
  const printed = h("p", { class: "fine" }, `${t("research")} ${t("report.printed", { date: moment(new Date().toISOString()) })}`);
  const article = h("article", { class: "report" }, sessionHeading(session, recording), h("div", { class: "picture" }, picture), legend(), numbers, printed);
  fill(main, buttons, article);
  fitOnPaper(article, page);
}

/** Whatever there is to tell is one page: made smaller for paper where it is too long or too wide. */
function fitOnPaper(article, page) {
  const fit = () => {
    Object.assign(article.style, { zoom: "1", maxWidth: "none" });
    const share = Math.min(1, PAPER.width / article.scrollWidth, PAPER.height / article.scrollHeight);
    Object.assign(article.style, { zoom: "", maxWidth: "" });
    article.style.setProperty("--fit", String(Math.floor(share * 1000) / 1000));
  };
  fit();
  window.addEventListener("beforeprint", fit);
  page.whenLeft(() => window.removeEventListener("beforeprint", fit));
}

async function pictureOf(recording, signal) {
  const every = recording.channels;
  const raw = every.filter((channel) => isSignal(channel) && channel.role !== "activated");
  const shown = (raw.length ? raw : every).slice(0, MOST_CHANNELS);
  const isFiltered = shown.length * recording.count <= MOST_CONDITIONED_SAMPLES;
  const signals = isFiltered ? ["raw", "envelope"] : ["raw"];
  const asked = { start: 0, end: recording.count / recording.rate, width: WIDTH, signals: signals.join(","), channels: shown.map(({ name }) => name) };
  const bytes = await fetchNumbers(recording, asked, signal);
  const tile = readTile(bytes, { first: 0, end: recording.count, width: WIDTH, rate: recording.rate, channels: shown.length, signals });
  const channels = shown.map((channel) => ({
    name: channel.name, unit: channel.unit, marks: marksOf(recording.summary, channel), shows: signals,
  }));
  return drawPicture({ tile, channels, title: t("report.picture"), colours: ON_PAPER, width: WIDTH, height: shown.length > 2 ? 70 : 110, locale: locale() });
}

function found(summary) {
  const isWide = summary.muscles.length > MOST_MUSCLES_BESIDE;
  const muscles = muscleTable(summary, { isTurned: isWide });
  const others = h("div", {}, scores(summary), trends(summary));
  return [isWide ? [muscles, others] : h("div", { class: "columns" }, muscles, others), verdicts(summary), methods(summary)];
}

/** All channels, or of many those that something is the matter with. */
function verdicts(summary) {
  if (summary.channels.length <= MOST_CHANNELS_TOLD) return channelTable(summary);
  const poor = summary.channels.filter(({ verdict }) => verdict !== "Usable");
  const rest = t("report.usable", { count: format(summary.channels.length - poor.length), all: format(summary.channels.length) });
  return h("div", {}, h("p", {}, rest), poor.length ? channelTable({ ...summary, channels: poor }) : null);
}

function scores({ scores: told }) {
  const names = ["overall", "compliance", "symmetry", "effort", "game"];
  const missing = (value) => (Number.isFinite(value) ? fixed(value, 1) : t("score.missing"));
  return table(t("score.table"), [t("score.part"), t("score.value")], names.map((name) => row(t(`score.${name}`), [missing(told[name])])));
}

function trends({ muscles }) {
  return h("ul", {}, muscles.filter((muscle) => muscle.fatigue).map((muscle) => h("li", {}, `${muscle.name}: ${trendWords(muscle)}`)));
}

/** What a reader needs to compute it again. */
function methods({ methods: told, provenance, profile, recording }) {
  const { filters } = told;
  return h("p", { class: "fine" }, t("report.methods", {
    profile: profile.name, digest: profile.digest.slice(0, 12), core: provenance.core_version, sha256: recording.sha256,
    rate: format(recording.sample_rate_hz), highPass: format(filters?.high_pass_hz), lowPass: format(filters?.low_pass_hz), spectrum: told.spectrum ?? "–",
  }));
}
