// What the page asks of the signals API. Addresses are relative, so the page also works below a path.

async function get(path, signal) {
  const response = await fetch(path, { signal });
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
