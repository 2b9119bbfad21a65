// The numbers of what the pointer is over, beside it.
import { h, fill } from "./dom.js";

const AWAY = 14;

export class Tooltip {
  constructor() {
    this.element = h("div", { class: "tooltip", role: "tooltip", hidden: true });
  }

  /** @param {{title: string, lines: [string, string][]} | null} told @param {{x: number, y: number} | null} at in the window */
  show(told, at) {
    this.element.hidden = told === null;
    if (told === null || !at) return;
    const lines = told.lines.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);
    fill(this.element, h("strong", {}, told.title), h("dl", {}, lines));
    const { width, height } = this.element.getBoundingClientRect();
    const left = at.x + AWAY + width > innerWidth ? at.x - AWAY - width : at.x + AWAY;
    const top = at.y + AWAY + height > innerHeight ? at.y - AWAY - height : at.y + AWAY;
    Object.assign(this.element.style, { left: `${Math.max(0, left)}px`, top: `${Math.max(0, top)}px` });
  }
}
