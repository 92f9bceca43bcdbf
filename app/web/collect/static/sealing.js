// A finished interview, sealed so that only the server can open it.
import { canonicalJson, enc, join, pad, toHex, utf8, uuid } from "./crypto/encoding.js";
import { seal } from "./crypto/hpke.js";

// "TS", version 1, the suite of hpke.js.
const HEAD = join(utf8("TS"), Uint8Array.of(1, 1));

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
  const bytes = join(HEAD, uuid(study), uuid(key.id), sealed);
  return { bytes, sha256: toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))) };
}
