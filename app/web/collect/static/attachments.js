// Photos, recordings and documents of an interview that is being held.
//
// A file is sealed at once when it is added, under a key of its own that is used once. Until the interview is finished
// that key, the name and the size rest in the vault; then they are sealed to the intake key (queue.js). The phone never
// holds more than a part of a file in memory.
import { CHUNK, chunkSealer } from "./crypto/chunks.js";
import { paddedSize, toBase64Url } from "./crypto/encoding.js";
import { device } from "./device.js";
import { Trouble } from "./errors.js";
import { PART, dropParts, keepPart, needRoom, partCount, withParts } from "./parts.js";
import { newSecret } from "./pin.js";
import { QUEUE, readAll } from "./store.js";
import { drop, get, names, put } from "./vault.js";

/**
 * How many files an interview may have, and how many bytes one of them: three hours of speech as phones record it. More
 * would take a slow line days, and a cheap phone may not have the room.
 */
export const MOST = 20;
export const LARGEST = 200_000_000;
const LONGEST_NAME = 255;
// Bytes that stay free, so that the interview itself can still be saved and finished.
const RESERVE = 4 << 20;
const MARK = 0x80;

const of = (draft) => `file/${draft}/`;
// One after the other, over all tabs; whoever finishes or deletes an interview waits for what is being added to it.
const LOCK = "g";

/** Do something while no file is being added. */
export const undisturbed = (work) => navigator.locks.request(LOCK, work);

/**
 * Seal a file and keep it with a draft.
 * @param {string} draft The draft's id; it must be stored.
 * @param {File} file
 * @returns {Promise<void>} TooLarge, TooMany, Unreadable, Full, Missing: the draft is gone. Nothing of it is kept then.
 */
export function add(draft, file) {
  if (file.size > LARGEST) throw new Trouble("TooLarge");
  return undisturbed(async () => {
    if (!(await names(`draft/${draft}`)).length) throw new Trouble("Missing");
    if ((await names(of(draft))).length >= MOST) throw new Trouble("TooMany");
    const id = crypto.randomUUID();
    const [secret, salt] = [newSecret(), newSecret()];
    try {
      await keepSealed(id, file, secret, salt);
      await needRoom(RESERVE);
      const [key, inside] = [toBase64Url(secret), { salt: toBase64Url(salt), name: cleaned(file.name), size: file.size }];
      await put(of(draft) + id, { key, ...inside, at: Date.now() });
    } catch (error) {
      await dropParts([id]).catch(() => {});
      throw error;
    } finally {
      secret.fill(0);
    }
  });
}

async function keepSealed(id, file, secret, salt) {
  const { deployment, study } = await device();
  const seal = await chunkSealer(secret, salt, { deployment, study, file: id }, file.size);
  const whole = paddedSize(file.size);
  for (let number = 0; number < partCount(file.size); number++) {
    const start = number * PART;
    const plaintext = await readPart(file, start, Math.min(start + PART, whole));
    await keepPart(id, number, await seal(start / CHUNK, plaintext));
    plaintext.fill(0);
  }
}

/** The bytes from start to before end of the file and its padding: one byte 0x80, then zeros. */
async function readPart(file, start, end) {
  const plaintext = new Uint8Array(end - start);
  if (start < file.size) {
    const content = await file.slice(start, Math.min(end, file.size)).arrayBuffer().catch(() => new ArrayBuffer(0));
    if (content.byteLength !== Math.min(end, file.size) - start) throw new Trouble("Unreadable");
    plaintext.set(new Uint8Array(content));
  }
  if (start <= file.size && file.size < end) plaintext[file.size - start] = MARK;
  return plaintext;
}

// What cannot be printed has no business in a name.
const cleaned = (name) => Array.from(name.toWellFormed().replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "_")).slice(0, LONGEST_NAME).join("");

/**
 * The files of a draft, as they were added.
 * @returns {Promise<{id: string, key: string, salt: string, name: string, size: number}[]>}
 */
export async function list(draft) {
  const found = (await names(of(draft))).map(async (name) => ({ id: name.slice(of(draft).length), ...(await get(name)) }));
  return (await Promise.all(found)).sort((a, b) => a.at - b.at);
}

/** The vault's name of a file of a draft. */
export const nameOf = (draft, id) => of(draft) + id;

/** Delete a file of a draft for good; one that went with its interview meanwhile stays. */
export const remove = (draft, id) =>
  undisturbed(async () => {
    for (const name of await names(nameOf(draft, id))) await erase(name);
  });

/** Delete a draft and every file of it for good. */
export const discard = (draft) =>
  undisturbed(async () => {
    const files = await names(of(draft));
    await drop(`draft/${draft}`);
    for (const name of files) await erase(name);
  });

const draftOf = (name) => name.split("/")[1];
const fileOf = (name) => name.split("/")[2];

// Its key first.
async function erase(name) {
  await drop(name);
  await dropParts([fileOf(name)]);
}

/**
 * Delete the files without a draft, and the parts that nothing names: what was left when the app ended before consent was
 * given again, or while a file was being added or a draft deleted. The vault is open.
 */
export const sweep = () =>
  navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) => {
    if (!lock) return;
    // In this order a file that is being finished in another tab is seen in at least one place.
    const there = await withParts();
    const drafts = new Set((await names("draft/")).map(draftOf));
    const files = await names("file/");
    for (const name of files.filter((each) => !drafts.has(draftOf(each)))) await drop(name);
    const kept = files.filter((each) => drafts.has(draftOf(each))).map(fileOf);
    const sealed = [...(await readAll(QUEUE)).values()].flatMap(({ files = [] }) => files.map(({ id }) => id));
    const known = new Set([...kept, ...sealed]);
    await dropParts(there.filter((file) => !known.has(file)));
  });
