// Elements made of names, properties and children. Text is text wherever it comes from: nothing is parsed as HTML.

/** @typedef {Node | string | number | null | undefined | false | Child[]} Child */

/**
 * @param {string} tag
 * @param {Record<string, any>} [properties] attributes; `onclick` and its like are listeners, `class` is the class
 * @param {...Child} children
 * @returns {any}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) setProperty(element, name, value);
  element.append(...present(children));
  return element;
}

/** @param {Element} element @param {...Child} children */
export function fill(element, ...children) {
  element.replaceChildren(...present(children));
}

function present(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

function setProperty(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "value" || name === "checked") element[name] = value;
  else element.setAttribute(name, value === true ? "" : String(value));
}

/** A link into this page. @param {string[]} parts what the address after # is made of @param {...Child} children */
export function link(parts, ...children) {
  return h("a", { href: address(...parts) }, ...children);
}

/** @param {...string} parts */
export function address(...parts) {
  return `#/${parts.map((part) => encodeURIComponent(part).replaceAll("%40", "@")).join("/")}`;
}

const LONG = 11; // rows that are seen at once, in style.css

/** A table with a caption. @param {string} caption @param {Child[]} titles @param {Element[]} rows */
export function table(caption, titles, rows, properties = {}) {
  const head = h("tr", {}, titles.map((title) => h("th", { scope: "col" }, title)));
  return h(
    "div",
    { class: rows.length > LONG ? "scrolling long" : "scrolling", role: "group", "aria-label": caption, tabindex: 0 },
    h("table", properties, h("caption", {}, caption), h("thead", {}, head), h("tbody", {}, rows)),
  );
}

/** A row whose first cell names it. @param {Child} title @param {Child[]} cells */
export function row(title, cells, properties = {}) {
  return h("tr", properties, h("th", { scope: "row" }, title), cells.map((cell) => h("td", {}, cell)));
}
