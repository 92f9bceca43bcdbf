// Settings: the PIN, what the phone holds and how long it can go on offline, and how to go.

import { button, el } from "../form/dom.js";
import { day, t } from "../form/texts.js";
import * as vault from "../vault.js";
import { homeScreen } from "./home.js";
import { busy, heading, newPin, pinField, refusal, say } from "./parts.js";

export function settingsScreen(app) {
  const back = () => app.show(homeScreen);
  return el("div", { class: "screen" },
    heading(t("settings")),
    facts(app),
    changingPin(app),
    el("h2", {}, t("if_searched")),
    el("p", {}, t("erase_explained")),
    el("p", {}, t("keyboard_advice")),
    button(t("back"), back, { class: "quiet wide" }));
}

function facts(app) {
  const { study_title: study, key } = app.known;
  const iso = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10);
  const stored = el("dd", {}, "…");
  tellStorage(stored);
  return el("dl", {},
    el("dt", {}, t("study")), el("dd", {}, el("bdi", {}, study)),
    el("dt", {}, t("key_state")), el("dd", {}, key ? t("key_until", { day: day(iso(key.sealUntil)) }) : t("key_needed")),
    el("dt", {}, t("storage")), stored);
}

async function tellStorage(place) {
  const kept = await navigator.storage?.persisted?.() ?? false;
  place.textContent = t(kept ? "storage_kept" : "storage_may_go");
}

function changingPin(app) {
  const old = pinField(t("pin_old"), () => null);
  const pin = newPin(() => go.click());
  const done = el("p", { id: "pin-changed", class: "good", role: "status", hidden: true });
  const change = () => busy(go, async () => {
    const chosen = pin.chosen();
    if (!chosen) return;
    try {
      await vault.changePin(old.box.value, chosen);
    } catch (error) {
      if (error.name === "Wiped") await app.erase();
      else say(pin.problem, refusal(error));
      return;
    }
    app.show(settingsScreen);
    say(document.getElementById("pin-changed"), t("pin_changed"));
  });
  const go = button(t("pin_change"), change, { class: "wide" });
  return el("section", {}, el("h2", {}, t("pin_change")), old.node, pin.nodes, pin.problem, done, go);
}
