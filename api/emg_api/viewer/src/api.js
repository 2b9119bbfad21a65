// What the page asks of the signals API. Addresses are relative, so the page also works below a path.

// Where EMG_AUTH asks for one, the token is this tab's alone and ends with it.
const TOKEN = "emg-token";

export function keepToken(token) {
  if (token) sessionStorage.setItem(TOKEN, token);
  else sessionStorage.removeItem(TOKEN);
}

export const hasToken = () => sessionStorage.getItem(TOKEN) !== null;

async function get(path, signal) {
  const headers = hasToken() ? { authorization: `Bearer ${sessionStorage.getItem(TOKEN)}` } : {};
  const response = await fetch(path, { headers, signal });
  const answer = await response.json();
  if (!response.ok) throw Object.assign(new Error(`${answer.title}: ${answer.detail} ${answer.advice}`), answer);
  return answer;
}

export const fetchSessions = () => get("sessions");
export const fetchChannels = (session) => get(`signals/jit/${session}/channels`);
export const fetchSummary = (session) => get(`sessions/${session}/summary`);

// `window` is {start, end} in seconds, or null for the whole recording.
export function fetchBand(session, channel, width, window, signal) {
  const query = new URLSearchParams({ width, ...window });
  return get(`signals/jit/${session}/${encodeURIComponent(channel)}?${query}`, signal);
}
