// What the page asks of the signals API. Addresses are relative, so the page also works below a path.

// Where EMG_AUTH asks for one, the token is this tab's alone and ends with it.
const TOKEN = "emg-token";
const NUMBERS = "application/octet-stream";

/** What the API refuses, as its problem says it (RFC 9457). */
export class Refused extends Error {
  /** @param {{status: number, type?: string, title?: string, detail?: string, advice?: string}} problem */
  constructor(problem) {
    super([problem.title, problem.detail, problem.advice].filter(Boolean).join(". ").replaceAll("..", "."));
    this.status = problem.status;
    this.slug = (problem.type ?? "").split(":").at(-1);
  }

  get asksForToken() {
    return this.status === 401 || this.slug === "bad-authorization";
  }
}

/** @param {string | null} token */
export function keepToken(token) {
  if (token) sessionStorage.setItem(TOKEN, token);
  else sessionStorage.removeItem(TOKEN);
}

export const hasToken = () => sessionStorage.getItem(TOKEN) !== null;

/**
 * @param {string} path
 * @param {{signal?: AbortSignal, headers?: Record<string, string>, cache?: RequestCache}} [options]
 */
async function ask(path, { signal, headers = {}, cache } = {}) {
  const token = sessionStorage.getItem(TOKEN);
  /** @type {Record<string, string>} */
  const proof = token === null ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(path, { headers: { ...proof, ...headers }, signal, cache });
  if (!response.ok && response.status !== 304) throw new Refused(await problemOf(response));
  return response;
}

async function problemOf(response) {
  try {
    return { ...(await response.json()), status: response.status };
  } catch {
    return { status: response.status, title: `${response.status} ${response.statusText}` }; // a proxy's own page
  }
}

async function get(path, signal) {
  return (await ask(path, { signal })).json();
}

/**
 * A session, with the result of another profile than its own where one is named.
 * @typedef {{id: string, profile?: string | null}} Asked
 */

/** @param {string} path @param {Asked} asked @param {[string, string][]} [query] */
function address(path, { profile }, query = []) {
  const every = new URLSearchParams(profile ? [...query, ["profile", profile]] : query);
  return every.size ? `${path}?${every}` : path;
}

const ofSession = ({ id }) => `sessions/${encodeURIComponent(id)}`;
const ofSignals = ({ id }) => `signals/jit/${encodeURIComponent(id)}`;

/**
 * A page of the list, or null where it is what `tag` names.
 * @param {Record<string, string>} filter
 * @param {string | null} tag
 * @param {AbortSignal} [signal]
 */
export async function fetchSessions(filter, tag, signal) {
  /** @type {Record<string, string>} */
  const headers = tag ? { "if-none-match": tag } : {};
  const response = await ask(`sessions?${new URLSearchParams(filter)}`, { signal, headers, cache: "no-store" });
  if (response.status === 304) return null;
  return { ...(await response.json()), tag: response.headers.get("etag") };
}

/** @param {Asked} asked @param {AbortSignal} [signal] */
export const fetchSession = (asked, signal) => get(address(ofSession(asked), asked), signal);
/** @param {Asked} asked @param {AbortSignal} [signal] */
export const fetchChannels = (asked, signal) => get(address(`${ofSignals(asked)}/channels`, asked), signal);
/** @param {Asked} asked @param {AbortSignal} [signal] */
export const fetchSummary = (asked, signal) => get(address(`${ofSession(asked)}/summary`, asked), signal);
/** What every profile made of the recording. @param {Asked} asked @param {AbortSignal} [signal] */
export const fetchResults = async (asked, signal) => (await get(`${ofSession(asked)}/results`, signal)).results;

/**
 * Bare float32 of a window of several channels in one request; without names, of all.
 * @param {Asked} asked
 * @param {{start: number, end: number, width?: number, signals: string, channels: string[] | null}} window seconds
 * @param {AbortSignal} [signal]
 * @returns {Promise<ArrayBuffer>}
 */
export async function fetchNumbers(asked, { channels, ...window }, signal) {
  const known = Object.entries(window).filter(([, value]) => value !== undefined);
  /** @type {[string, string][]} */
  const query = known.map(([name, value]) => [name, String(value)]);
  for (const name of channels ?? []) query.push(["channel", name]);
  const path = address(`${ofSignals(asked)}/windows`, asked, query);
  return (await ask(path, { signal, headers: { accept: NUMBERS } })).arrayBuffer();
}

/** @param {Asked} asked */
export async function fetchContractions(asked) {
  return (await ask(address(`${ofSession(asked)}/contractions.csv`, asked))).blob();
}
