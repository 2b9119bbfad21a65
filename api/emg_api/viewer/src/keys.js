// The keyboard: arrows pan, plus and minus zoom, 0 shows all. ? is the page's own.

const KEYS = {
  ArrowLeft: (signals) => signals.pan(-1),
  ArrowRight: (signals) => signals.pan(1),
  "+": (signals) => signals.zoom(0.5),
  "=": (signals) => signals.zoom(0.5), // + without shift on many keyboards
  "-": (signals) => signals.zoom(2),
  0: (signals) => signals.reset(),
};
const TAKES_KEYS = "input, select, textarea, dialog[open], [role=slider]";

export const isTyping = (event) => event.target instanceof Element && event.target.closest(TAKES_KEYS) !== null;

/** @returns {() => void} what stops listening */
export function listenToKeys(signals) {
  const press = (event) => {
    const act = KEYS[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
    if (event.key.startsWith("Arrow") && event.target.closest?.(".scrolling")) return;
    event.preventDefault();
    act(signals);
  };
  document.addEventListener("keydown", press);
  return () => document.removeEventListener("keydown", press);
}
