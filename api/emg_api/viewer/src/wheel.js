// What a turn of the wheel over a plot means: zoom, or scroll the page.

const KEY = "emg-wheel";
const SCROLLS = "scrolls";
const ONE_GESTURE_MS = 400; // turns that follow each other sooner belong together
const lately = { scrolled: -Infinity, zoomed: -Infinity };

export const wheelZooms = () => localStorage.getItem(KEY) !== SCROLLS;

/** @param {boolean} zooms whether the wheel alone zooms; with ctrl or ⌘, as a pinch on a touch pad comes, it always does */
export function letWheelZoom(zooms) {
  if (zooms) localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, SCROLLS);
}

/**
 * Whether a turn is the page's: a page on its way past a plot goes on, and where the whole recording is shown already
 * there is nothing to zoom out of.
 * @param {WheelEvent} event @param {number} down how far, in pixels @param {boolean} isWhole
 */
export function scrollsThePage(event, down, isWhole) {
  const now = event.timeStamp;
  const since = (moment) => now - moment < ONE_GESTURE_MS;
  const isMeant = event.ctrlKey || event.metaKey;
  const isPast = since(lately.scrolled) || (isWhole && down > 0 && !since(lately.zoomed));
  if (!isMeant && (!wheelZooms() || isPast)) return true;
  lately.zoomed = now;
  return false;
}

/** Know when the page is scrolled: by every turn that nothing else took. */
export function watchWheel() {
  document.addEventListener("wheel", (event) => {
    if (!event.defaultPrevented) lately.scrolled = event.timeStamp;
  }, { passive: true });
}
