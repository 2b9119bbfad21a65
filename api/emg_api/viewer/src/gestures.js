// Wheel, drag, pinch and double click over a plot become changes of the span that is looked at.
import { zoomed } from "./tiles.js";
import { scrollsThePage } from "./wheel.js";

const ZOOM_PER_PIXEL = 0.0015;
const PIXELS_PER_LINE = 16;
const PIXELS_PER_PAGE = 400;

/**
 * @typedef {import("./tiles.js").Span} Span
 * @typedef {{view: () => Span, isWhole: () => boolean, change: (span: Span) => void, reset: () => void}} Target
 */

/** @param {HTMLElement} over what lies over the plotting area @param {Target} target */
export function listen(over, target) {
  const { view, change, reset } = target;
  const fraction = (event) => {
    const { left, width } = over.getBoundingClientRect();
    return (event.clientX - left) / width;
  };
  const timeAt = (place) => view().start + place * (view().end - view().start);

  over.addEventListener("wheel", (event) => {
    const [across, down] = distances(event);
    const isAcross = Math.abs(across) > Math.abs(down);
    if (!isAcross && scrollsThePage(event, down, target.isWhole())) return;
    event.preventDefault();
    if (isAcross) change(moved(view(), across / over.clientWidth));
    else change(zoomed(view(), Math.exp(down * ZOOM_PER_PIXEL), timeAt(fraction(event))));
  }, { passive: false });
  over.addEventListener("dblclick", reset);
  listenToPointers(over, { view, change, fraction, timeAt });
}

/** Each pointer holds the moment it was put down on: one drags, two pinch. */
function listenToPointers(over, { view, change, fraction, timeAt }) {
  const held = new Map();
  const hold = (event) => held.set(event.pointerId, { place: fraction(event), time: timeAt(fraction(event)) });
  const holdAnew = () => held.forEach((pointer) => (pointer.time = timeAt(pointer.place)));

  over.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    over.setPointerCapture(event.pointerId);
    holdAnew();
    hold(event);
  });
  over.addEventListener("pointermove", (event) => {
    const pointer = held.get(event.pointerId);
    if (!pointer) return;
    pointer.place = fraction(event);
    change(spanHolding([...held.values()], view()));
  });
  for (const end of ["pointerup", "pointercancel"]) {
    over.addEventListener(end, (event) => {
      held.delete(event.pointerId);
      holdAnew();
    });
  }
}

/** The span in which the pointers are over the moments they hold. */
export function spanHolding(pointers, view) {
  const [one, other] = pointers;
  const apart = other ? other.place - one.place : 0;
  const seconds = other && Math.abs(apart) > 0.02 ? (other.time - one.time) / apart : view.end - view.start;
  const length = seconds > 0 ? seconds : view.end - view.start;
  const start = one.time - one.place * length;
  return { start, end: start + length };
}

/** A span moved by a share of its length. */
export function moved({ start, end }, share) {
  const by = share * (end - start);
  return { start: start + by, end: end + by };
}

/** How far a wheel went across and down, in pixels; with shift it goes across. */
function distances({ deltaX, deltaY, deltaMode, shiftKey }) {
  const unit = [1, PIXELS_PER_LINE, PIXELS_PER_PAGE][deltaMode];
  return shiftKey && !deltaX ? [deltaY * unit, 0] : [deltaX * unit, deltaY * unit];
}
