// A finished interview and the keys of its files, sealed so that only the server can open them.
import { canonicalJson, enc, join, pad, toBase64Url, toHex, utf8, uuid } from "./crypto/encoding.js";
import { seal } from "./crypto/hpke.js";

// "TS" or "TH", version 1, the suite of hpke.js.
const BODY = join(utf8("TS"), Uint8Array.of(1, 1));
const HEAD = join(utf8("TH"), Uint8Array.of(1, 1));

/**
 * @param {{deployment: string, study: string}} device
 * @param {{id: string, public: Uint8Array}} key The intake key, checked.
 * @param {string} client The id under which the interview is sent.
 * @param {object} body The interview, with its study.
 * @returns {Promise<{bytes: Uint8Array, sha256: string}>} `TS 01 01 | study | key id | encapsulated key | ciphertext`.
 */
export async function sealInterview({ deployment, study }, key, client, body) {
  const info = enc("testimony/1/intake", uuid(deployment), uuid(study), uuid(key.id), uuid(client));
  const sealed = await seal(key.public, info, pad(canonicalJson(body)));
  const bytes = join(BODY, uuid(study), uuid(key.id), sealed);
  return { bytes, sha256: toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))) };
}

/**
 * The head of a file, under which alone it is sent and opened.
 * @param {string} client The id under which its interview is sent.
 * @param {string} file Its own id.
 * @param {{key: string, salt: string, name: string, size: number}} inside Key and salt in base64url.
 * @returns {Promise<string>} `TH 01 01 | study | key id | encapsulated key | ciphertext`, in base64url.
 */
export async function sealHead({ deployment, study }, intake, client, file, { key, salt, name, size }) {
  const ids = [deployment, study, intake.id, client, file].map(uuid);
  const sealed = await seal(intake.public, enc("testimony/1/intake-file", ...ids), pad(canonicalJson({ key, salt, name, size })));
  return toBase64Url(join(HEAD, uuid(study), uuid(intake.id), sealed));
}
