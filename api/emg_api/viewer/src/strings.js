// Words in the reader's language: a table for each, all with the same keys (a test compares them).
import { de } from "./strings/de.js";
import { en } from "./strings/en.js";
import { fr } from "./strings/fr.js";
import { nl } from "./strings/nl.js";

const TABLES = { en, de, fr, nl };
const KEY = "emg-language";

/** @type {[string, string][]} */
export const LANGUAGES = [["en", "English"], ["de", "Deutsch"], ["fr", "Français"], ["nl", "Nederlands"]];

/** The language that was chosen, else the browser's first that there is. */
export function language() {
  const wanted = [localStorage.getItem(KEY) ?? "", ...navigator.languages].filter(Boolean);
  return wanted.map((code) => code.slice(0, 2).toLowerCase()).find((code) => code in TABLES) ?? "en";
}

/** How numbers and dates are written: as the browser says, where it says so for the language of the words. */
export const locale = () => navigator.languages.find((code) => code.startsWith(language())) ?? language();

export function chooseLanguage(code) {
  localStorage.setItem(KEY, code);
  return true;
}

export const has = (key) => Object.hasOwn(en, key);

/** The words of a key, with {name} replaced. @param {string} key @param {Record<string, string>} [values] */
export function t(key, values = {}) {
  const words = TABLES[language()][key] ?? key;
  return words.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "–");
}
