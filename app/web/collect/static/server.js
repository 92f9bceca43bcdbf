// What the page asks the server for: enrollment, the intake key, the questionnaires.
import { checkedIntakeKey } from "./crypto/signature.js";
import { device, enroll, intakeKey, keepIntakeKey, setRevoked } from "./device.js";
import { Trouble, is } from "./errors.js";
import { isStrong } from "./pin.js";
import { ask } from "./transport.js";
import { create, get, put, state } from "./vault.js";

const KNOWN = "known";
// No such code, one that was used or has run out, or a text that is none.
const NO_CODE = new Set([404, 410, 422]);

/**
 * Enroll this phone with a one-time code. Gone: the code is no good. Enrolled: it is enrolled already. OtherStudy: the
 * code is for another study than what waits here.
 */
export async function redeem(code) {
  const before = await device();
  if (before && !before.revoked) {
    // Cut off between enrolling and choosing a PIN: the code is spent, and its work done.
    if ((await state()) === "new") return;
    throw new Trouble("Enrolled");
  }
  let answer;
  try {
    answer = await ask("POST", "/v1/devices/redemption", { body: JSON.stringify({ code }) });
  } catch (error) {
    throw is(error, "Refused") && NO_CODE.has(error.status) ? new Trouble("Gone") : error;
  }
  if (before && (before.study !== answer.study || before.deployment !== answer.deployment)) {
    throw new Trouble("OtherStudy");
  }
  await enroll(answer);
  // Asks that the browser does not clear interviews away when room gets short.
  await navigator.storage.persist?.();
}

/**
 * Enroll this phone, choose its PIN, and fetch what is needed offline. WeakPin comes before the code is spent; if only the
 * last step fails, the phone is enrolled and has to go online once.
 */
export async function enrol(code, pin) {
  if (!isStrong(pin)) throw new Trouble("WeakPin");
  await redeem(code);
  if ((await state()) === "new") await create(pin);
  await refresh();
}

/** Fetch, check and keep the intake key; Tampered if the pinned key did not sign it. */
export async function refreshKey() {
  const pinned = await device();
  if (!pinned) return;
  try {
    await keepIntakeKey(await checkedIntakeKey(await ask("GET", "/v1/intake-key", pinned), pinned));
    await setRevoked(false);
  } catch (error) {
    if (is(error, "Revoked")) await setRevoked(true);
    throw error;
  }
}

/** Fetch what is needed offline: the intake key, and the questionnaires into the vault if it is open. */
export async function refresh() {
  await refreshKey();
  if ((await state()) !== "open") return;
  const found = await ask("GET", "/v1/collect/instruments", await device());
  await put(KNOWN, { ...found, refreshed: new Date().toISOString().slice(0, 10) });
}

/** What the page knows without asking: what enrollment and the last `refresh` gave. The vault is open. */
export async function known() {
  const [enrolled, found, key] = await Promise.all([device(), get(KNOWN), intakeKey().catch(() => null)]);
  const { study_title, app_name, app_icon, revoked } = enrolled ?? {};
  return { study_title, app_name, app_icon, revoked, policy: null, instruments: [], refreshed: null, ...found, key };
}
