// A session as the page needs it: what the list says, the channels, the clock of its samples, results and summary.
import { Refused, fetchChannels, fetchSession, fetchSummary } from "./api.js";
import { screenUnit } from "./units.js";

/**
 * A session's part of an address, CODE or CODE@PROFILE, as what is asked for; profiles have names and digests.
 * @param {string} key @returns {import("./api.js").Asked}
 */
export function askedOf(key) {
  const [id, profile] = key.split("@");
  return { id, profile: profile || null };
}

/** @param {string} code @param {string | null} [profile] */
export const keyOf = (code, profile) => (profile ? `${code}@${profile}` : code);

/**
 * What can be known of a session; without a recording where it can't be read, and `unreadable` says why.
 * @param {string} key @param {AbortSignal} [signal]
 * @returns {Promise<{session: any, recording: import("./signals.js").Recording | null, unreadable: string}>}
 */
export async function openSession(key, signal) {
  const asked = askedOf(key);
  const { session, metadata } = await fetchSession(asked, signal);
  const isHopeless = !session.analyzed && session.standing?.finished && metadata === null;
  if (isHopeless) return { session, recording: null, unreadable: "" };
  try {
    return { session, recording: await openRecording(asked, session, metadata, signal), unreadable: "" };
  } catch (error) {
    if (session.analyzed || !(error instanceof Refused) || error.asksForToken) throw error;
    return { session, recording: null, unreadable: error.message };
  }
}

async function openRecording(asked, session, metadata, signal) {
  const [told, summary] = await Promise.all([
    fetchChannels(asked, signal), session.analyzed ? fetchSummary(asked, signal) : null,
  ]);
  const rate = told.sampling_rate ?? 0;
  const stated = summary?.recording ?? metadata;
  const count = stated?.samples_per_channel ?? Math.round((told.duration_seconds ?? 0) * rate);
  const channels = unique(told.channels).map((channel) => ({ ...channel, unit: channel.unit && screenUnit(channel.unit) }));
  return { ...asked, rate, count, channels, summary };
}

/** The API finds channels by name: of several that share one, the first. */
function unique(channels) {
  const names = new Set();
  return channels.filter(({ name }) => !names.has(name) && names.add(name));
}

/** Forces and the like belong to no muscle. */
export const isSignal = (channel) => channel.muscle !== null;
