// From a PIN to a key: PBKDF2-HMAC-SHA256 (RFC 8018), as often as this phone does in half a second, and never less often
// than OWASP asks for (Password Storage Cheat Sheet: 600,000).
import { enc, utf8 } from "./crypto/encoding.js";
import { decrypt, encrypt } from "./store.js";

/** How many characters a PIN has at least. */
export const MINIMUM_PIN = 6;
export const LEAST_ITERATIONS = 600_000;
const MOST_ITERATIONS = 10_000_000;
const TRIAL = 100_000;
const MILLISECONDS = 500;
const SALT = 32, KEY = 32;
// Wrong PINs that are free; each further one doubles the wait.
const FREE = 3;
const FIRST_WAIT = 30;

/** One spelling: the digits of an Arabic keyboard are the same digits. */
const spelled = (pin) =>
  pin.normalize("NFKC").replace(/[\u0660-\u0669\u06f0-\u06f9]/g, (digit) => String(digit.charCodeAt(0) & 15));

/** Whether nobody would try it first: long enough, not one character again and again, not a run like 123456. */
export function isStrong(pin) {
  const codes = Array.from(spelled(pin), (character) => character.codePointAt(0));
  const steps = new Set(codes.slice(1).map((code, at) => code - codes[at]));
  const [step] = steps;
  return codes.length >= MINIMUM_PIN && !(steps.size === 1 && Math.abs(step) <= 1);
}

/** Seconds to wait after so many wrong PINs in a row. */
export const waitAfter = (tries) => (tries < FREE ? 0 : FIRST_WAIT * 2 ** (tries - FREE));

async function derive(pin, salt, iterations) {
  const imported = await crypto.subtle.importKey("raw", utf8(spelled(pin)), "PBKDF2", false, ["deriveKey"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt, iterations };
  return crypto.subtle.deriveKey(how, imported, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

async function measured() {
  const before = performance.now();
  await derive("", new Uint8Array(SALT), TRIAL);
  const possible = Math.round((TRIAL * MILLISECONDS) / (performance.now() - before));
  return Math.min(Math.max(possible, LEAST_ITERATIONS), MOST_ITERATIONS);
}

const context = (salt, iterations) => enc("testimony/1/pin", salt, iterations);

/** Wrap 32 bytes under a PIN: what is kept beside them is needed to open them, and is no secret. */
export async function wrap(pin, secret) {
  const salt = crypto.getRandomValues(new Uint8Array(SALT));
  const iterations = await measured();
  const bytes = await encrypt(await derive(pin, salt, iterations), context(salt, iterations), secret);
  return { salt: Array.from(salt), iterations, bytes };
}

/** The 32 bytes, or null for another PIN. */
export async function unwrap(pin, { salt, iterations, bytes }) {
  const raw = Uint8Array.from(salt);
  const key = await derive(pin, raw, iterations);
  return decrypt(key, context(raw, iterations), bytes).catch(() => null);
}

/** 32 random bytes. */
export const newSecret = () => crypto.getRandomValues(new Uint8Array(KEY));
