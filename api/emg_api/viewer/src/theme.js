// Dark and light: as the system has it, until somebody chooses.
const KEY = "emg-theme";
const system = matchMedia("(prefers-color-scheme: dark)");

const isDark = () => (localStorage.getItem(KEY) ?? (system.matches ? "dark" : "light")) === "dark";

function apply() {
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
}

/** @param {() => void} repaint what canvases need, as style sheets don't reach them @returns {() => void} the switch */
export function followTheme(repaint) {
  const change = () => {
    apply();
    repaint();
  };
  system.addEventListener("change", change);
  apply();
  return () => {
    localStorage.setItem(KEY, isDark() ? "light" : "dark");
    change();
  };
}
