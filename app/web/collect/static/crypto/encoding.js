// Bytes: the encoding that contexts and signatures are taken over, canonical JSON, base64url, padding.

const text = new TextEncoder();
const NAME = /^[a-z0-9_.-]+$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const MOST_PARTS = 255;
// Short texts all look alike.
const FLOOR = 256;

/** The bytes of a text, in UTF-8. */
export const utf8 = (string) => text.encode(string);

/** Byte arrays, one after the other. */
export function join(...arrays) {
  const whole = new Uint8Array(arrays.reduce((size, each) => size + each.length, 0));
  let at = 0;
  for (const each of arrays) {
    whole.set(each, at);
    at += each.length;
  }
  return whole;
}

/** A number as `size` bytes, the highest first. */
export function bigEndian(number, size) {
  const bytes = new Uint8Array(size);
  let left = BigInt(number);
  for (let at = size - 1; at >= 0; at--, left >>= 8n) bytes[at] = Number(left & 255n);
  if (left !== 0n) throw new RangeError("number");
  return bytes;
}

/** The 16 bytes of a UUID in its one spelling. */
export function uuid(string) {
  if (!UUID.test(string)) throw new TypeError("uuid");
  return fromHex(string.replaceAll("-", ""));
}

function raw(part) {
  if (part instanceof Uint8Array) return part;
  if (typeof part === "number" && Number.isSafeInteger(part)) return bigEndian(part, 8);
  if (typeof part === "bigint") return bigEndian(part, 8);
  if (typeof part === "string" && NAME.test(part)) return utf8(part);
  throw new TypeError("part");
}

/**
 * `u8(n+1) | for label and each part: u32be(length) | bytes`.
 * @param {string} label ASCII.
 * @param {...(Uint8Array|string|number|bigint)} parts Bytes as they are, names `[a-z0-9_.-]+`, integers of 64 bits.
 */
export function enc(label, ...parts) {
  if (parts.length >= MOST_PARTS) throw new RangeError("parts");
  const all = [utf8(label), ...parts.map(raw)];
  return join(Uint8Array.of(all.length), ...all.flatMap((each) => [bigEndian(each.length, 4), each]));
}

/** JSON in the one spelling of RFC 8785. TypeError for what has none: undefined, NaN, half a surrogate pair. */
export function canonicalJson(value) {
  return utf8(written(value));
}

function written(value) {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number" && Number.isFinite(value)) return JSON.stringify(value);
  if (typeof value === "string" && value.isWellFormed()) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${Array.from(value, written).join(",")}]`;
  if (typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) throw new TypeError("json");
  // Names in the order of their UTF-16 code units, as JavaScript sorts.
  const members = Object.keys(value).sort().map((name) => `${written(name)}:${written(value[name])}`);
  return `{${members.join(",")}}`;
}

/** base64url without padding (RFC 4648, section 5). */
export function toBase64Url(bytes) {
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The bytes of a base64url text; TypeError for any other spelling. */
export function fromBase64Url(string) {
  if (!/^[A-Za-z0-9_-]*$/.test(string)) throw new TypeError("base64url");
  const bytes = fromBase64(string.replaceAll("-", "+").replaceAll("_", "/"));
  if (toBase64Url(bytes) !== string) throw new TypeError("base64url");
  return bytes;
}

/** The bytes of a base64 text. */
export const fromBase64 = (string) => Uint8Array.from(atob(string), (character) => character.charCodeAt(0));

/** Bytes as hexadecimal digits. */
export const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** The bytes of lower-case hexadecimal digits; TypeError for anything else. */
export function fromHex(string) {
  if (!/^([0-9a-f]{2})*$/.test(string)) throw new TypeError("hex");
  return Uint8Array.from(string.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** How long `size` bytes are once padded: at least 256, else by Padme, which tells only the rough size. */
export function paddedSize(size) {
  const need = size + 1;
  if (need <= FLOOR) return FLOOR;
  const bits = (number) => 32 - Math.clz32(number);
  const exponent = bits(need) - 1;
  const step = 2 ** (exponent - bits(exponent));
  return Math.ceil(need / step) * step;
}

/** One byte 0x80, then zeros. */
export function pad(bytes) {
  const padded = new Uint8Array(paddedSize(bytes.length));
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  return padded;
}

/** The bytes without their padding; TypeError if it is not the one that `pad` makes. */
export function unpad(padded) {
  let end = padded.length - 1;
  while (end >= 0 && padded[end] === 0) end--;
  if (end < 0 || padded[end] !== 0x80 || padded.length !== paddedSize(end)) throw new TypeError("padding");
  return padded.slice(0, end);
}
