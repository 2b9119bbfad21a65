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

const ofSession = (session) => `sessions/${encodeURIComponent(session)}`;
const ofSignals = (session) => `signals/jit/${encodeURIComponent(session)}`;

/**
 * A page of the list, or null where it is what `tag` names.
 * @param {Record<string, string>} filter
 * @param {string | null} tag
 */
export async function fetchSessions(filter, tag = null, signal = undefined) {
  const headers = tag ? { "if-none-match": tag } : {};
  const response = await ask(`sessions?${new URLSearchParams(filter)}`, { signal, headers, cache: "no-store" });
  if (response.status === 304) return null;
  return { ...(await response.json()), tag: response.headers.get("etag") };
}

export const fetchSession = (session, signal) => get(ofSession(session), signal);
export const fetchChannels = (session, signal) => get(`${ofSignals(session)}/channels`, signal);

export const fetchSummary = (session, signal) => get(`${ofSession(session)}/summary`, signal);

/**
 * Bare float32 of a window of several channels in one request; without names, of all.
 * @param {string} session
 * @param {{start: number, end: number, width?: number, signals: string, channels: string[] | null}} window seconds
 * @returns {Promise<ArrayBuffer>}
 */
export async function fetchNumbers(session, { channels, ...window }, signal = undefined) {
  const known = Object.entries(window).filter(([, value]) => value !== undefined);
  const query = new URLSearchParams(known.map(([name, value]) => [name, String(value)]));
  for (const name of channels ?? []) query.append("channel", name);
  return (await ask(`${ofSignals(session)}/windows?${query}`, { signal, headers: { accept: NUMBERS } })).arrayBuffer();
}

export async function fetchContractions(session) {
  return (await ask(`${ofSession(session)}/contractions.csv`)).blob();
}
