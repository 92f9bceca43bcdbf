// What enrolment left on this phone, and the intake key in use: needed to send without the PIN, so outside the vault.
//
// The token can hand interviews in and read nothing of them. It rests under this phone's own key (store.js): under the
// PIN it could not send what is finished while the phone lies in a pocket.
import { fromBase64Url } from "./crypto/encoding.js";
import { Trouble } from "./errors.js";
import { keep, setting } from "./store.js";

const DEVICE = "d", INTAKE = "i";

/**
 * @typedef {object} Device
 * @property {string} deployment
 * @property {string} study
 * @property {string} token
 * @property {{id: string, public: string}} receiptKey Pinned at enrolment.
 * @property {boolean} revoked Whether the server refused the token.
 */

/** @returns {Promise<Device|null>} null before enrolment. */
export const device = () => setting(DEVICE);

/** Keep what redemption answered. */
export const enroll = (answer) =>
  keep(DEVICE, {
    deployment: answer.deployment,
    study: answer.study,
    token: answer.token,
    receiptKey: { id: answer.receipt_key.id, public: answer.receipt_key.public },
    study_title: answer.study_title,
    app_name: answer.app_name,
    app_icon: answer.app_icon,
    revoked: false,
  });

/** Note whether the server still takes the token. */
export async function setRevoked(revoked) {
  const known = await device();
  if (known && known.revoked !== revoked) await keep(DEVICE, { ...known, revoked });
}

/** Keep the intake key that was checked last. */
export const keepIntakeKey = (key) => keep(INTAKE, key);

/** The intake key to seal to now, its public half as bytes. KeyMissing or KeyTooOld: go online once. */
export async function intakeKey() {
  const key = await setting(INTAKE);
  if (!key) throw new Trouble("KeyMissing");
  if (key.sealUntil * 1000 <= Date.now()) throw new Trouble("KeyTooOld");
  return { ...key, public: fromBase64Url(key.public) };
}
