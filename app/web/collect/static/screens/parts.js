// Pieces that several screens share.

import { button, el, input, newId } from "../form/dom.js";
import { t } from "../form/texts.js";
import { MINIMUM_PIN, isStrong } from "../pin.js";

export function heading(text) {
  return el("h1", { tabindex: "-1" }, text);
}

/** A field for a PIN: dots instead of digits, yet no password that a browser would offer to keep. */
export function pinField(label, entered, hint = null) {
  const box = input({ class: "pin", inputmode: "numeric", dir: "ltr", maxlength: "64", id: newId(), on: {
    keydown: (event) => event.key === "Enter" && entered(),
  } });
  const told = hint ? el("p", { class: "hint", id: newId() }, hint) : null;
  if (told) box.setAttribute("aria-describedby", told.id);
  const node = el("div", { class: "field" }, el("label", { for: box.id }, label), told, box);
  return { node, box };
}

/** Two fields for a new PIN. `chosen()` gives it, or says what is wrong and gives null. */
export function newPin(entered) {
  const first = pinField(t("pin_new"), () => second.box.focus(), t("pin_advice", { least: MINIMUM_PIN }));
  const second = pinField(t("pin_again"), entered);
  const problem = el("p", { class: "problem", role: "alert", hidden: true });
  const chosen = () => {
    const wrong = wrongPin(first.box.value, second.box.value);
    say(problem, wrong && t(wrong, { least: MINIMUM_PIN }));
    return wrong ? null : first.box.value;
  };
  return { nodes: [first.node, second.node], problem, chosen };
}

function wrongPin(pin, again) {
  if (pin.length < MINIMUM_PIN) return "pin_short";
  if (!isStrong(pin)) return "pin_simple";
  return pin === again ? null : "pin_differs";
}

/** Show a problem's text, or hide it. */
export function say(problem, text) {
  problem.textContent = text ?? "";
  problem.hidden = !text;
}

const CONFIRM_WITHIN = 3000; // milliseconds
const CONFIRM_AFTER = 400;

/**
 * A button that acts when it is pressed twice within three seconds, and not so fast that one trembling finger makes both.
 * That works with a finger, a keyboard and a screen reader alike, which holding a button down does not. `say(armed)` is
 * called when the second press is waited for, and when it is not any more. Where `asks()` says no, the first press acts.
 */
export function pressedTwice(content, act, say, attributes, asks = () => true) {
  let armedAt = 0;
  const node = button(content, () => {
    if (!asks()) {
      act();
      return;
    }
    const since = Date.now() - armedAt;
    if (since < CONFIRM_AFTER) return;
    if (since < CONFIRM_WITHIN) {
      act();
      return;
    }
    armedAt = Date.now();
    say(true);
    setTimeout(() => say(false), CONFIRM_WITHIN);
  }, attributes);
  return node;
}

/** Do something slow once, with its button resting meanwhile. */
export async function busy(node, work) {
  if (node.getAttribute("aria-disabled") === "true") return;
  node.setAttribute("aria-disabled", "true");
  try {
    await work();
  } finally {
    node.removeAttribute("aria-disabled");
  }
}

/** Why a PIN did not open the vault. */
export function refusal(error) {
  const { left, waitSeconds = 0 } = error;
  const wait = waitSeconds > 0 ? ` ${t("pin_wait", { count: Math.ceil(waitSeconds) })}` : "";
  if (error.name === "WrongPin") return `${t("pin_wrong")} ${t("pin_left", { count: left })}${wait}`;
  return error.name === "Wait" ? wait.trim() : t("went_wrong");
}
