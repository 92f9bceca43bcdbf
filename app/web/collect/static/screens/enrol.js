// The first screens: this browser cannot do it, or the phone is enrolled with a one-time code and a PIN of its own.

import { button, el, input, labeled } from "../form/dom.js";
import { t } from "../form/texts.js";
import { enrol, redeem } from "../server.js";
import * as vault from "../vault.js";
import { busy, heading, newPin, say } from "./parts.js";

const PROBLEMS = { Offline: "enrol_offline", Gone: "enrol_gone", Full: "storage_full", OtherStudy: "enrol_other" };

export function unsupportedScreen() {
  return el("div", { class: "screen" },
    heading(t("unsupported_title")), el("p", {}, t("unsupported")), el("p", {}, t("unsupported_do")));
}

/** For a new phone, and for one that was blocked and keeps its PIN and what is on it. */
export function enrolScreen(app) {
  const code = input({ dir: "ltr", class: "mono", maxlength: "200", is: { value: app.code } });
  const pin = newPin(() => go.click());
  const press = () => busy(go, async () => {
    const text = codeIn(code.value);
    const chosen = text ? app.open || pin.chosen() : say(pin.problem, t("enrol_no_code"));
    if (!chosen) return;
    try {
      await (app.open ? redeem(text) : enroll(text, chosen));
    } catch (error) {
      say(pin.problem, t(PROBLEMS[error.name] ?? "went_wrong"));
      return;
    }
    app.code = "";
    await app.opened();
  });
  const go = button(t("enrol_go"), press, { class: "wide" });
  return el("div", { class: "screen" },
    heading(t("enrol_title")),
    el("p", {}, t("enrol_intro")),
    labeled(t("enrol_code"), code, t("enrol_code_hint")),
    app.open ? null : pin.nodes, pin.problem, go);
}

/** A new phone that could not fetch everything yet is enrolled all the same, and says what it lacks. */
async function enroll(code, pin) {
  try {
    await enrol(code, pin);
  } catch (error) {
    if ((await vault.state()) !== "open") throw error;
  }
}

/** The code itself, also where the whole link was pasted. */
function codeIn(text) {
  return (text.split("code=").pop() ?? "").trim();
}
