// What stands over every screen: the name, the language, the lock, and the button that erases everything.

import { button, el, icon } from "../form/dom.js";
import { LANGUAGES, spoken, t } from "../form/texts.js";
import * as vault from "../vault.js";
import { pressedTwice } from "./parts.js";

export function showTop(app) {
  const parts = [el("span", { class: "name" }, app.look.name), languages(app)];
  const lock = [icon("lock"), el("span", { class: "unseen" }, t("lock"))];
  if (app.open) parts.push(button(lock, () => vault.lock(), { class: "quiet square" }));
  document.getElementById("top").replaceChildren(...parts, eraseButton(app));
}

function languages(app) {
  const choose = el("select", { "aria-label": t("language"), autocomplete: "off" },
    Object.entries(LANGUAGES).map(([tag, name]) => el("option", { value: tag, lang: tag }, name)));
  choose.value = spoken();
  choose.addEventListener("change", async () => {
    await app.changeLanguage(choose.value);
    document.querySelector("#top select").focus();
  });
  return choose;
}

function eraseButton(app) {
  const words = el("span", { class: "unseen" }, t("erase"));
  const heard = el("span", { class: "unseen", role: "alert" });
  const say = (armed) => {
    node.classList.toggle("armed", armed);
    words.classList.toggle("unseen", !armed);
    words.textContent = t(armed ? "erase_again" : "erase");
    heard.textContent = armed ? words.textContent : "";
  };
  const node = pressedTwice([icon("erase"), words], () => app.erase(), say, { class: "quiet square danger erase" });
  return el("span", { class: "erasing" }, node, heard);
}
