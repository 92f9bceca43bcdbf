// The parts of files: sealed under keys that are not here (attachments.js), so they are kept as they are.
//
// A part is sixteen chunks: what is in memory at once, and one row.
import { CHUNK, SEALED_CHUNK, chunkCount } from "./crypto/chunks.js";
import { join } from "./crypto/encoding.js";
import { result, transact } from "./database.js";
import { Trouble } from "./errors.js";
import { PARTS } from "./store.js";

const CHUNKS = 16;
/** How many bytes of a file make a part. */
export const PART = CHUNKS * CHUNK;

// Stands for no file.
const ROOM = "";

const all = (file) => IDBKeyRange.bound([file], [file, []]);

/** How many parts a file of so many bytes has. */
export const partCount = (size) => Math.ceil(chunkCount(size) / CHUNKS);

/** Keep a part; Full. */
export const keepPart = (file, number, bytes) =>
  transact([PARTS], "readwrite", (store) => void store(PARTS).put(bytes, [file, number]));

/** Delete every part of these files. */
export async function dropParts(files) {
  if (files.length) await transact([PARTS], "readwrite", (store) => files.forEach((file) => store(PARTS).delete(all(file))));
}

/** Full unless so many bytes more can be kept. Browsers round what they tell of their room, so it is tried. */
export async function needRoom(size) {
  // Noise: zeros would be kept small.
  const noise = new Uint8Array(size);
  for (let at = 0; at < size; at += CHUNK) crypto.getRandomValues(noise.subarray(at, at + CHUNK));
  await keepPart(ROOM, 0, noise);
  await dropParts([ROOM]);
}

/** The files of which there are parts. */
export async function withParts() {
  const keys = await transact([PARTS], "readonly", (store) => result(store(PARTS).getAllKeys()));
  return [...new Set(keys.map(([file]) => file))];
}

/**
 * The content under seal from an offset on, `most` parts at most. Incomplete if it is not there.
 * @returns {Promise<{bytes: Uint8Array, ends: boolean}>} Whether the file ends with it.
 */
export async function sealedFrom(file, offset, most) {
  const whole = CHUNKS * SEALED_CHUNK;
  const first = Math.floor(offset / whole);
  const range = IDBKeyRange.bound([file, first], [file, first + most - 1]);
  const [rows, last] = await transact([PARTS], "readonly", (store) =>
    Promise.all([result(store(PARTS).getAll(range)), result(store(PARTS).openKeyCursor(all(file), "prev"))]),
  );
  const bytes = join(...rows).subarray(offset - first * whole);
  if (!bytes.length) throw new Trouble("Incomplete");
  return { bytes, ends: last.key[1] < first + most };
}
