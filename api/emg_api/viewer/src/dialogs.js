// The two dialogs: for a token, and for help.
import { h } from "./dom.js";
import { t } from "./strings.js";

/** Ask for a token until one is given. @returns {Promise<string>} */
export function askForToken(why) {
  const field = h("input", { id: "token", type: "password", autocomplete: "off", required: true, spellcheck: "false" });
  return new Promise((resolve) => {
    const submit = (event) => {
      event.preventDefault();
      const token = field.value.trim();
      if (!token) return;
      dialog.close();
      dialog.remove();
      resolve(token);
    };
    const dialog = h(
      "dialog", { "aria-labelledby": "sign-in-title", oncancel: (event) => event.preventDefault() },
      h("h2", { id: "sign-in-title" }, t("signIn.title")), h("p", { class: "why" }, why), h("p", {}, t("signIn.where")),
      h("form", { onsubmit: submit }, h("label", { for: "token" }, t("signIn.token")), field, h("button", { type: "submit" }, t("signIn.submit"))),
    );
    document.body.append(dialog);
    dialog.showModal();
    field.focus();
  });
}

const KEYS = [["← →", "help.pan"], ["+ −", "help.zoom"], ["0", "help.reset"], ["?", "help.help"]];
const GESTURES = ["help.wheel", "help.drag", "help.brush", "help.table"];

export function showHelp() {
  if (document.querySelector("dialog[open]")) return;
  const close = () => {
    dialog.close();
    dialog.remove();
  };
  const keys = KEYS.map(([key, text]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, t(text))]);
  const dialog = h(
    "dialog", { "aria-labelledby": "help-title", onclose: () => dialog.remove() },
    h("h2", { id: "help-title" }, t("help.title")), h("dl", { class: "keys" }, keys),
    h("ul", {}, GESTURES.map((text) => h("li", {}, t(text)))), h("button", { type: "button", onclick: close }, t("help.close")),
  );
  document.body.append(dialog);
  dialog.showModal();
}
