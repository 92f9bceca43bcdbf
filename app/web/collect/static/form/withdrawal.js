// The withdrawal token: made on the phone, shown once to be handed over; only its SHA-256 is kept.

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BYTES = 16;
const GROUP = 4;

/** 128 random bits in base32 (RFC 4648, 26 characters), in groups of four. */
export function newToken() {
  let bits = 0n;
  for (const byte of crypto.getRandomValues(new Uint8Array(BYTES))) bits = (bits << 8n) | BigInt(byte);
  bits <<= 2n;
  let text = "";
  for (let at = 0; at < 26; at += 1) {
    text = ALPHABET[Number(bits & 31n)] + text;
    bits >>= 5n;
  }
  return text.match(new RegExp(`.{1,${GROUP}}`, "g")).join("-");
}

/** SHA-256 (hex) over the token without its dashes, as the server computes it. */
export async function hashed(token) {
  const bytes = new TextEncoder().encode(token.replaceAll("-", ""));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
