// The list of sessions: searched and filtered by the API, looked at again by itself while it is in sight.
import { fetchSessions } from "./api.js";
import { address, fill, h, link } from "./dom.js";
import { NOTHING, fixed, format, moment, seconds } from "./numbers.js";
import { causeWords, statusBadge } from "./standing.js";
import { t } from "./strings.js";
import { word } from "./words.js";

const PAGE = 50;
const MOST = 1000; // that the API lists at once
const TYPED_MS = 250;
// Each look is a line in the audit table: often while things happen, seldom while nothing does.
const SOON_MS = 2000;
const LATE_MS = 30_000;

const COLUMNS = ["code", "subject", "recording", "created", "duration", "status", "quality", "contractions", "score", "profile"];

/** How soon the list is looked at again: the longer it is, the later. @param {number} limit sessions */
export const soonMs = (limit) => Math.min((SOON_MS * limit) / PAGE, LATE_MS);

/** @param {HTMLElement} main @param {import("./main.js").Page} page */
export async function showList(main, page) {
  page.title(t("list.title"));
  const list = new List(page);
  fill(main, h("h1", {}, t("list.title")), list.element);
  page.whenLeft(() => list.stop());
  await list.look();
}

class List {
  /** @type {Record<string, string>} */
  filter = {};
  chosen = new Set();
  #limit = PAGE;
  /** @type {string | null} */
  #tag = null;
  #pause = SOON_MS;
  #timer = 0;
  #looking = 0;

  constructor(page) {
    this.page = page;
    this.rows = h("tbody");
    this.more = h("button", { type: "button", hidden: true, onclick: () => this.#showMore() }, t("list.more"));
    this.most = h("p", { hidden: true }, t("list.most", { count: format(MOST) }));
    this.compare = h("button", { type: "button", disabled: true, onclick: () => this.#compare() }, t("list.compare"));
    this.empty = h("p", { hidden: true }, t("list.empty"));
    this.element = h("div", {}, this.#form(), this.#table(), this.empty, this.more, this.most);
    this.seen = () => document.hidden || this.look();
    document.addEventListener("visibilitychange", this.seen);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#looking += 1;
    document.removeEventListener("visibilitychange", this.seen);
  }

  /** Ask for all that is shown; what is the same is not sent again. */
  async look() {
    clearTimeout(this.#timer);
    const looking = (this.#looking += 1);
    const answer = await fetchSessions({ limit: String(this.#limit), ...this.filter }, this.#tag, this.page.signal);
    if (looking !== this.#looking) return;
    this.#pause = answer ? soonMs(this.#limit) : Math.min(this.#pause * 1.5, LATE_MS);
    if (answer) this.#show(answer);
    this.#timer = window.setTimeout(() => this.#lookAgain(), this.#pause);
  }

  /** What fails in passing is not worth a word until somebody asks; a token that ran out is. */
  async #lookAgain() {
    if (document.hidden) return;
    try {
      await this.look();
    } catch (error) {
      this.page.fail(error);
      this.#pause = LATE_MS;
      this.#timer = window.setTimeout(() => this.#lookAgain(), this.#pause);
    }
  }

  #show({ sessions, next_cursor: cursor, tag }) {
    this.#tag = tag;
    const focused = document.activeElement;
    const [code, kind] = [focused?.closest("tr")?.dataset.session, focused?.localName];
    fill(this.rows, sessions.map((session) => this.#row(session)));
    if (code) this.#rowOf(code)?.querySelector(kind)?.focus();
    this.empty.hidden = sessions.length > 0;
    this.more.hidden = cursor === null || this.#limit >= MOST;
    this.most.hidden = cursor === null || this.#limit < MOST;
    this.page.say(t("list.count", { count: format(sessions.length) }));
  }

  #rowOf(code) {
    return [...this.rows.children].find((row) => row.dataset.session === code);
  }

  #showMore() {
    this.#limit = Math.min(this.#limit + PAGE, MOST);
    this.#tag = null;
    this.look().catch((error) => this.page.fail(error));
  }

  #row(session) {
    const code = session.session_code;
    const box = h("input", { type: "checkbox", checked: this.chosen.has(code), "aria-label": t("list.choose", { code }), onchange: (event) => this.#choose(code, event.target.checked) });
    const cells = [
      link(["sessions", code], code), session.subject ?? NOTHING, session.recording, moment(session.created_at), seconds(session.duration_seconds, 1),
      [statusBadge(session), h("span", { class: "cause" }, causeWords(session))],
      session.quality ? h("span", { class: `badge ${session.quality}` }, word("quality", session.quality)) : NOTHING,
      session.contractions === null ? NOTHING : format(session.contractions), fixed(session.overall_score, 1), session.profile ?? NOTHING,
    ];
    return h("tr", { "data-session": code }, h("td", {}, box), cells.map((cell, place) => h("td", { class: COLUMNS[place] }, cell)));
  }

  #choose(code, isChosen) {
    if (isChosen) this.chosen.add(code);
    else this.chosen.delete(code);
    this.compare.disabled = this.chosen.size !== 2;
  }

  #compare() {
    location.hash = address("compare", ...this.chosen);
  }

  #table() {
    const head = h("tr", {}, h("th", { scope: "col" }, h("span", { class: "visually-hidden" }, t("list.compareColumn"))), COLUMNS.map((name) => h("th", { scope: "col", class: name }, t(`list.${name}`))));
    return h("div", { class: "scrolling", role: "group", tabindex: 0, "aria-label": t("list.title") }, h("table", { class: "sessions" }, h("thead", {}, head), this.rows));
  }

  #form() {
    let typed = 0;
    const ask = (name, value) => {
      if (value) this.filter[name] = value;
      else delete this.filter[name];
      this.#limit = PAGE;
      this.#tag = null;
      this.look().catch((error) => this.page.fail(error));
    };
    const search = (event) => {
      clearTimeout(typed);
      const value = event.target.value.trim();
      typed = window.setTimeout(() => ask("search", value), TYPED_MS);
    };
    const choose = (name, values, group) =>
      h("label", {}, t(`list.${name}`), " ", h("select", { name, onchange: (event) => ask(name, event.target.value) },
        h("option", { value: "" }, t("list.any")), values.map((value) => h("option", { value }, t(`${group}.${value}`)))));
    return h(
      "form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
      h("label", {}, t("list.search"), " ", h("input", { type: "search", maxlength: 100, oninput: search })),
      choose("status", ["analyzed", "waiting"], "status"), choose("quality", ["good", "poor"], "quality"), this.compare,
    );
  }
}
