// Ed25519 (RFC 8032): what the deployment's receipt key signed.
import { Trouble } from "../errors.js";
import { enc, fromBase64, fromBase64Url, fromHex, uuid } from "./encoding.js";

/** Whether the signature (64 bytes) of the message verifies under the public key (32 bytes). */
export async function verifies(publicKey, message, signature) {
  const key = await crypto.subtle.importKey("raw", publicKey, "Ed25519", false, ["verify"]);
  return crypto.subtle.verify("Ed25519", key, signature, message);
}

/**
 * The intake key of an answer, if the pinned receipt key signed it; Tampered otherwise.
 * @param {object} answer What `GET /v1/intake-key` gave.
 * @param {{deployment: string, receiptKey: {id: string, public: string}}} pinned What enrolment gave.
 * @returns {Promise<{id: string, public: string, sealUntil: number, openUntil: number}>} Times are unix seconds.
 */
export async function checkedIntakeKey(answer, pinned) {
  await checked(answer.deployment === pinned.deployment, pinned, () => [
    enc(
      "testimony/1/intake-key", uuid(pinned.deployment), uuid(answer.key_id), fromBase64Url(answer.public),
      answer.seal_until, answer.open_until,
    ),
    fromBase64Url(answer.signature),
  ]);
  return { id: answer.key_id, public: answer.public, sealUntil: answer.seal_until, openUntil: answer.open_until };
}

/**
 * Refuse a receipt that the pinned key did not sign, or that is for something else than what was sent; Tampered.
 * @param {object} receipt As the server gave it.
 * @param {object} pinned What enrolment gave.
 * @param {{id: string, study: string, sha256: string}} sent The client's id, the study, SHA-256 (hex) of the sealed body.
 */
export async function checkReceipt(receipt, pinned, sent) {
  const same =
    receipt.deployment === pinned.deployment && receipt.key_id === pinned.receiptKey.id &&
    receipt.client_uuid === sent.id && receipt.study === sent.study && receipt.sealed_body_sha256 === sent.sha256;
  await checked(same, pinned, () => [
    enc(
      "testimony/1/receipt", uuid(receipt.deployment), receipt.key_id, uuid(receipt.study), uuid(receipt.record),
      receipt.case.toLowerCase(), uuid(receipt.submitter), uuid(receipt.client_uuid), fromHex(receipt.instrument_sha256),
      fromHex(receipt.content), fromHex(receipt.sealed_body_sha256), receipt.day,
    ),
    fromBase64(receipt.signature),
  ]);
}

/**
 * Refuse a word for a file that the pinned key did not sign; Tampered. It is given for one sealed head, hence for one key
 * and for all that was sealed under it.
 * @param {string|null} signature In base64, as the server gave it.
 * @param {object} pinned What enrolment gave.
 * @param {{record: string, file: string, head: Uint8Array}} sent The ids under which it was sent, and its sealed head.
 */
export async function checkFileReceipt(signature, pinned, { record, file, head }) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", head));
  await checked(typeof signature === "string", pinned, () => [
    enc("testimony/1/file-receipt", uuid(pinned.deployment), pinned.receiptKey.id, uuid(record), uuid(file), digest),
    fromBase64(signature),
  ]);
}

async function checked(same, pinned, parts) {
  let good = false;
  try {
    good = same && (await verifies(fromBase64Url(pinned.receiptKey.public), ...parts()));
  } catch {
    // Not even well-formed.
  }
  if (!good) throw new Trouble("Tampered");
}
