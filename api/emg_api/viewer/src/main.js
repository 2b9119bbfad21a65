// The page: sessions on the left, one channel of the chosen session at the screen's resolution, its summary below.
// What is shown is in the address after #, as session/channel (a session's code or id), so it can be sent to somebody.
import "./style.css";
import { fetchBand, fetchChannels, fetchSessions, fetchSummary, hasToken, keepToken } from "./api.js";
import { drawBand } from "./plot.js";
import { summaryTable } from "./summary.js";

const RESIZE_SETTLES_MS = 150;

const element = (id) => document.getElementById(id);
const shown = { session: null, channels: [], channel: null, window: null, request: null };

function say(text) {
  element("message").textContent = text;
}

// Runs what a person asked for, and says what went wrong with it.
async function attempt(work) {
  try {
    await work();
  } catch (error) {
    if (error.name === "AbortError") return;
    say(error.message);
    if (error.status === 401 || error.type?.endsWith(":bad-authorization")) askForToken();
  }
}

function askForToken() {
  keepToken(null);
  element("sign-in").hidden = false;
  element("sign-out").hidden = true;
  element("token").focus();
}

async function signIn(event) {
  event.preventDefault();
  keepToken(element("token").value.trim());
  element("token").value = "";
  element("sign-in").hidden = true;
  await start();
}

function signOut() {
  keepToken(null);
  location.assign(location.pathname); // nothing of what was shown stays
}

async function start() {
  say("Choose a session.");
  element("sign-out").hidden = !hasToken();
  await attempt(listSessions);
  await attempt(showAddress);
}

function sessionItem(session) {
  const button = document.createElement("button");
  button.type = "button";
  const length = session.duration_seconds === null ? "" : `, ${session.duration_seconds.toFixed(0)} s`;
  const state = session.analyzed ? `${session.contractions} contractions` : "not analysed yet";
  button.textContent = `${session.subject ?? "no subject"}: ${session.recording}${length}, ${state}`;
  Object.assign(button.dataset, { code: session.session_code, id: session.session_id });
  button.addEventListener("click", () => show(session.session_code));
  const item = document.createElement("li");
  item.append(button);
  return item;
}

async function listSessions() {
  const { sessions } = await fetchSessions();
  element("sessions").replaceChildren(...sessions.map(sessionItem));
  if (sessions.length === 0) say("No sessions yet: upload a recording.");
  markCurrent();
}

function markCurrent() {
  for (const button of document.querySelectorAll("#sessions button")) {
    const { code, id } = button.dataset;
    button.setAttribute("aria-current", String([code, id].includes(shown.session)));
  }
}

function show(session, channel = null) {
  location.hash = [session, channel].filter(Boolean).map(encodeURIComponent).join("/");
}

async function showAddress() {
  const [session, channel] = location.hash.slice(1).split("/").map(decodeURIComponent);
  if (!session) return;
  if (session !== shown.session) await openSession(session);
  const known = shown.channels.some(({ name }) => name === channel);
  await showChannel(known ? channel : shown.channels[0]?.name);
}

async function openSession(session) {
  const { channels } = await fetchChannels(session);
  Object.assign(shown, { session, channels, channel: null, window: null });
  element("channel").replaceChildren(...channels.map(({ name }) => new Option(name)));
  element("signal-title").textContent = session;
  markCurrent();
  await attempt(() => showSummary(session));
}

async function showSummary(session) {
  element("summary").hidden = true;
  const summary = await fetchSummary(session);
  if (session !== shown.session) return;
  element("summary-table").replaceChildren(summaryTable(summary));
  element("summary").hidden = false;
  say("");
}

async function showChannel(name) {
  if (!name) return say("The recording has no channel.");
  if (name !== shown.channel) Object.assign(shown, { channel: name, window: null });
  element("channel").value = name;
  const quality = shown.channels.find((channel) => channel.name === name).quality;
  element("quality").textContent = quality ? `Quality: ${quality}` : "";
  await plot();
}

async function plot() {
  shown.request?.abort();
  shown.request = new AbortController();
  element("signal").hidden = false;
  const width = Math.max(1, Math.floor(element("plot").clientWidth));
  const band = await fetchBand(shown.session, shown.channel, width, shown.window, shown.request.signal);
  drawBand(element("plot"), band, width, zoom);
  element("resolution").textContent = `${band.samples_per_pixel.toFixed(1)} samples per pixel.`;
}

function zoom(window) {
  shown.window = window;
  attempt(plot);
}

let settling;
function replotOnceSettled() {
  clearTimeout(settling);
  settling = setTimeout(() => shown.channel && attempt(plot), RESIZE_SETTLES_MS);
}

element("reload").addEventListener("click", () => attempt(listSessions));
element("channel").addEventListener("change", (event) => show(shown.session, event.target.value));
element("zoom-out").addEventListener("click", () => zoom(null));
window.addEventListener("hashchange", () => attempt(showAddress));
window.addEventListener("resize", replotOnceSettled);
element("sign-in").addEventListener("submit", signIn);
element("sign-out").addEventListener("click", signOut);
start();
