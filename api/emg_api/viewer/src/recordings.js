// A session as the page needs it: what the list says, the channels, the clock of its samples, and the summary.
import { fetchChannels, fetchSession, fetchSummary } from "./api.js";
import { screenUnit } from "./signals.js";

/** @returns {Promise<{session: any, recording: import("./signals.js").Recording}>} */
export async function openRecording(id, signal) {
  const [{ session, metadata }, told] = await Promise.all([fetchSession(id, signal), fetchChannels(id, signal)]);
  const summary = session.analyzed ? await fetchSummary(id, signal) : null;
  const rate = told.sampling_rate ?? 0;
  const stated = summary?.recording ?? metadata;
  const count = stated?.samples_per_channel ?? Math.round((told.duration_seconds ?? 0) * rate);
  const channels = unique(told.channels).map((channel) => ({ ...channel, unit: channel.unit && screenUnit(channel.unit) }));
  return { session, recording: { id, rate, count, channels, summary } };
}

/** The API finds channels by name: of several that share one, the first. */
function unique(channels) {
  const names = new Set();
  return channels.filter(({ name }) => !names.has(name) && names.add(name));
}

/** Forces and the like belong to no muscle. */
export const isSignal = (channel) => channel.muscle !== null;
