// The lock: nothing of what is inside is shown, not even how much it is.

import { button, el } from "../form/dom.js";
import { t } from "../form/texts.js";
import * as vault from "../vault.js";
import { busy, heading, pinField, refusal, say } from "./parts.js";

export function unlockScreen(app) {
  const problem = el("p", { class: "problem", role: "alert", hidden: true });
  const pin = pinField(t("pin"), () => unlock());
  const unlock = () => busy(go, async () => {
    try {
      await vault.unlock(pin.box.value);
    } catch (error) {
      pin.box.value = "";
      if (error.name === "Wiped") await app.erase();
      else say(problem, refusal(error));
      pin.box.focus();
      return;
    }
    await app.opened();
  });
  const go = button(t("unlock"), unlock, { class: "wide" });
  return el("div", { class: "screen" }, heading(t("locked")), pin.node, problem, go);
}
