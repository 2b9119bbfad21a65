// The page: which view an address shows, what lies around every view, and what is said when something fails.
//   #/                      the list        #/sessions/<code or id>          a session
//   #/compare/<one>/<two>   two of them     #/sessions/<code or id>/report   a page for paper
import "./style.css";
import "./print.css";
import { Refused, hasToken, keepToken } from "./api.js";
import { showComparison } from "./compare.js";
import { askForToken, showHelp } from "./dialogs.js";
import { fill, h, link } from "./dom.js";
import { isTyping } from "./keys.js";
import { showList } from "./list.js";
import { showReport } from "./report.js";
import { showSession } from "./session.js";
import { LANGUAGES, chooseLanguage, language, t } from "./strings.js";
import { followTheme } from "./theme.js";
import { watchWheel } from "./wheel.js";

/**
 * What a view may ask of the page around it.
 * @typedef {{signal: AbortSignal, say: (text: string) => void, fail: (error: any) => void, title: (text: string) => void,
 *   again: () => Promise<void>, whenLeft: (act: () => void) => void, whenRepainted: (act: () => void) => void}} Page
 */

const main = h("main", { id: "main", tabindex: -1 });
const status = h("p", { class: "visually-hidden", role: "status" });
const message = h("div", { class: "message", role: "alert", hidden: true });
const bar = h("div", { class: "bar" });
const header = h("header", {}, bar, message, status);
let leave = () => {};
let repaint = () => {};
let asking = false;

function say(text) {
  status.textContent = text;
}

function tell(text) {
  message.hidden = text === "";
  fill(message, text, text && h("button", { type: "button", onclick: show }, t("page.again")));
}

async function fail(error) {
  if (error.name === "AbortError") return;
  if (error instanceof Refused && error.asksForToken) await signIn(hasToken() ? error.message : "");
  else tell(error instanceof TypeError ? t("page.offline") : error.message);
}

async function signIn(why) {
  if (asking) return;
  asking = true;
  keepToken(null);
  keepToken(await askForToken(why));
  asking = false;
  await show();
}

function signOut() {
  keepToken(null);
  location.hash = "#/";
  location.reload(); // nothing of what was shown stays
}

/** The parts of the address after #; an address of before, #session/channel, is one of a session. */
function parts() {
  const hash = location.hash.replace(/^#/, "");
  const [first, ...rest] = hash.replace(/^\//, "").split("/").map(decode);
  return hash && !hash.startsWith("/") ? ["sessions", first] : [first, ...rest];
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function view(page) {
  const [kind, ...rest] = parts();
  if (kind === "sessions" && rest[1] === "report") return showReport(main, rest[0], page);
  if (kind === "sessions" && rest[0]) return showSession(main, rest[0], page);
  if (kind === "compare" && rest.length === 2) return showComparison(main, rest, page);
  return showList(main, page);
}

async function show() {
  leave();
  const request = new AbortController();
  const left = [() => request.abort()];
  leave = () => left.forEach((act) => act());
  repaint = () => {};
  tell("");
  around();
  fill(main, h("p", { class: "loading" }, t("page.loading")));
  const page = {
    signal: request.signal,
    say,
    fail: (error) => (request.signal.aborted ? undefined : fail(error)),
    title: (text) => (document.title = `${text} · EMG`),
    again: show,
    whenLeft: (act) => left.push(act),
    whenRepainted: (act) => (repaint = act),
  };
  try {
    await view(page);
  } catch (error) {
    if (!request.signal.aborted) fill(main);
    await page.fail(error);
  }
  main.dataset.shown = request.signal.aborted ? "" : location.hash;
}

function around() {
  document.documentElement.lang = language();
  const languages = h(
    "select", { "aria-label": t("page.language"), onchange: (event) => chooseLanguage(event.target.value) && show() },
    LANGUAGES.map(([code, name]) => h("option", { value: code, lang: code, selected: code === language() }, name)),
  );
  fill(
    bar,
    h("a", { class: "skip", href: "#main", onclick: (event) => { event.preventDefault(); main.focus(); } }, t("page.skip")),
    link([""], h("strong", {}, "EMG")), link([""], t("list.title")),
    h("p", { class: "research" }, t("research")),
    languages,
    h("button", { type: "button", onclick: switchTheme }, t("page.theme")),
    h("button", { type: "button", onclick: showHelp, "aria-keyshortcuts": "?" }, t("help.open")),
    hasToken() ? h("button", { type: "button", onclick: signOut }, t("signIn.out")) : null,
  );
}

const switchTheme = followTheme(() => repaint());
document.addEventListener("keydown", (event) => {
  if (event.key === "?" && !isTyping(event)) showHelp();
});
window.addEventListener("hashchange", show);
watchWheel();
document.body.append(header, main);
show();
