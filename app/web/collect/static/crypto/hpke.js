// HPKE (RFC 9180), base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. The browser's own primitives.
import { bigEndian, join, utf8 } from "./encoding.js";

const subtle = crypto.subtle;
const KEM_ID = 0x0020, KDF_ID = 0x0001, AEAD_ID = 0x0002;
const KEM = join(utf8("KEM"), bigEndian(KEM_ID, 2));
const SUITE = join(utf8("HPKE"), bigEndian(KEM_ID, 2), bigEndian(KDF_ID, 2), bigEndian(AEAD_ID, 2));
const HASH = 32, KEY = 32, NONCE = 12;
const VERSION = utf8("HPKE-v1");
const NOTHING = new Uint8Array();

async function hmac(key, message) {
  const imported = await subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await subtle.sign("HMAC", imported, message));
}

// No salt is as good as one of zeros (RFC 5869, section 2.2), and browsers import no empty key.
const extract = (suite, salt, label, input) =>
  hmac(salt.length ? salt : new Uint8Array(HASH), join(VERSION, suite, utf8(label), input));

// Nothing longer than one block of the hash is asked for, so that one round of HKDF-Expand is all of it.
async function expand(suite, secret, label, info, length) {
  const labeled = join(bigEndian(length, 2), VERSION, suite, utf8(label), info);
  return (await hmac(secret, join(labeled, Uint8Array.of(1)))).slice(0, length);
}

async function encapsulate(recipient, ephemeral) {
  const theirs = await subtle.importKey("raw", recipient, "X25519", false, []);
  const shared = new Uint8Array(await subtle.deriveBits({ name: "X25519", public: theirs }, ephemeral.privateKey, 256));
  if (shared.every((byte) => byte === 0)) throw new TypeError("public key");
  const encapsulated = new Uint8Array(await subtle.exportKey("raw", ephemeral.publicKey));
  const secret = await extract(KEM, NOTHING, "eae_prk", shared);
  return [await expand(KEM, secret, "shared_secret", join(encapsulated, recipient), HASH), encapsulated];
}

async function schedule(shared, info) {
  const context = join(
    Uint8Array.of(0), // base mode
    await extract(SUITE, NOTHING, "psk_id_hash", NOTHING),
    await extract(SUITE, NOTHING, "info_hash", info),
  );
  const secret = await extract(SUITE, shared, "secret", NOTHING);
  return [await expand(SUITE, secret, "key", context, KEY), await expand(SUITE, secret, "base_nonce", context, NONCE)];
}

/**
 * Seal one message to a public key: 32 bytes of encapsulated key, then the ciphertext with its tag.
 * @param {Uint8Array} recipient 32 bytes.
 * @param {Uint8Array} info The context; whoever opens it must name the same.
 * @param {Uint8Array} plaintext
 * @param {{aad?: Uint8Array, ephemeral?: CryptoKeyPair}} [fixed] For test vectors: by default no AAD and a fresh pair,
 *   whose private half cannot leave the browser's cryptography and is forgotten on return.
 */
export async function seal(recipient, info, plaintext, { aad = NOTHING, ephemeral } = {}) {
  const pair = ephemeral ?? (await subtle.generateKey("X25519", false, ["deriveBits"]));
  const [shared, encapsulated] = await encapsulate(recipient, pair);
  const [key, nonce] = await schedule(shared, info);
  const cipher = await subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
  const sealed = await subtle.encrypt({ name: "AES-GCM", iv: nonce, additionalData: aad }, cipher, plaintext);
  for (const secret of [shared, key]) secret.fill(0);
  return join(encapsulated, new Uint8Array(sealed));
}
