// The content of a file under seal, as the server keeps its own (app/crypto/chunks.py): one segment, without its header.
import { bigEndian, enc, join, paddedSize, utf8, uuid } from "./encoding.js";

/** How many bytes a chunk holds, and how many it has under seal; only the last one is shorter. */
export const CHUNK = 1 << 16;
export const SEALED_CHUNK = CHUNK + 16;
// "TF", version 1, the suite.
const MAGIC = join(utf8("TF"), Uint8Array.of(1, 1));

/** How many chunks the content of so many bytes has once it is padded. */
export const chunkCount = (size) => Math.ceil(paddedSize(size) / CHUNK);

/**
 * Seals chunks of one file.
 * @param {Uint8Array} secret The file's own key, 32 bytes, used for nothing else.
 * @param {Uint8Array} salt 32 random bytes.
 * @param {{deployment: string, study: string, file: string}} ids
 * @param {number} size How many bytes the file holds.
 * @returns {Promise<(first: number, plaintext: Uint8Array) => Promise<Uint8Array>>} From the index of the first chunk and
 *   whole chunks of the padded content to the same under seal.
 */
export async function chunkSealer(secret, salt, { deployment, study, file }, size) {
  const material = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveKey"]);
  const info = join(MAGIC, enc("testimony/1/segment", uuid(file)));
  const how = { name: "HKDF", hash: "SHA-512", salt, info };
  const key = await crypto.subtle.deriveKey(how, material, { name: "AES-GCM", length: 256 }, false, ["encrypt"]);
  const context = enc("testimony/1/intake-chunk", uuid(deployment), uuid(study), uuid(file));
  const final = chunkCount(size) - 1;
  const sealOne = async (index, chunk) => {
    const iv = join(bigEndian(index, 11), Uint8Array.of(index === final ? 1 : 0));
    return new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: context }, key, chunk));
  };
  return async (first, plaintext) => {
    const count = Math.ceil(plaintext.length / CHUNK);
    const chunks = Array.from({ length: count }, (_, at) => plaintext.subarray(at * CHUNK, (at + 1) * CHUNK));
    return join(...(await Promise.all(chunks.map((chunk, at) => sealOne(first + at, chunk)))));
  };
}
