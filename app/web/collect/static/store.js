// Rows of the database, each sealed under this phone's own key.
//
// That key cannot be exported, yet whoever takes the whole storage of the browser takes it along: it hides what the rows
// are from a look at the storage, no more. What must stay secret from somebody who has the phone is sealed under the PIN
// (vault.js) or to the server (queue.js) before it comes here.
import { bigEndian, join, pad, unpad, utf8 } from "./crypto/encoding.js";
import { result, transact } from "./database.js";
import { Trouble } from "./errors.js";

/**
 * The stores: settings of this phone, keys and values of the vault, interviews to send, what was sent; and parts of files,
 * which are sealed before they come here (parts.js).
 */
export const SETTINGS = "a", KEYS = "b", VALUES = "c", QUEUE = "d", SENT = "e", PARTS = "f";
const DEVICE_KEY = "k";
const NONCE = 12;

async function makeKey() {
  const made = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  return transact([DEVICE_KEY], "readwrite", async (store) => {
    const there = await result(store(DEVICE_KEY).get(0));
    if (!there) store(DEVICE_KEY).put(made, 0);
    return there ?? made;
  });
}

// Asked for each time: after a wipe the key of before must seal nothing.
async function key() {
  const there = await transact([DEVICE_KEY], "readonly", (store) => result(store(DEVICE_KEY).get(0)));
  return there ?? makeKey();
}

const context = (store, id) => utf8(`${store}/${id}`);

/** AES-256-GCM with a random nonce in front. */
export async function encrypt(cipher, aad, plaintext) {
  const iv = crypto.getRandomValues(new Uint8Array(NONCE));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: aad }, cipher, plaintext);
  return join(iv, new Uint8Array(sealed));
}

/** The plaintext; throws for another key, another context or changed bytes. */
export async function decrypt(cipher, aad, sealed) {
  const iv = sealed.subarray(0, NONCE);
  return new Uint8Array(
    await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData: aad }, cipher, sealed.subarray(NONCE)),
  );
}

// A value is JSON, and one array of bytes beside it.
function packed({ bytes = new Uint8Array(), ...value }) {
  const json = utf8(JSON.stringify(value));
  return pad(join(bigEndian(json.length, 4), json, bytes));
}

function unpacked(plaintext) {
  const whole = unpad(plaintext);
  const end = 4 + new DataView(whole.buffer).getUint32(0);
  const value = JSON.parse(new TextDecoder().decode(whole.subarray(4, end)));
  return end < whole.length ? { ...value, bytes: whole.slice(end) } : value;
}

/** A value (an object, `bytes` in it may be bytes), or null if there is none. */
export async function read(store, id) {
  const sealed = await transact([store], "readonly", (each) => result(each(store).get(id)));
  return sealed ? unpacked(await decrypt(await key(), context(store, id), sealed)) : null;
}

/** Every value of a store, by id. */
export async function readAll(store) {
  const [ids, rows] = await transact([store], "readonly", (each) =>
    Promise.all([result(each(store).getAllKeys()), result(each(store).getAll())]),
  );
  const cipher = await key();
  const values = rows.map(async (row, at) => unpacked(await decrypt(cipher, context(store, ids[at]), row)));
  return new Map((await Promise.all(values)).map((value, at) => [ids[at], value]));
}

/**
 * Change rows, all or none.
 * @param {[store: string, id: string, value: object|null][]} changes null deletes.
 * @param {[store: string, id: string][]} [needed] Rows that must be there still; else Missing, and nothing changes.
 */
export async function write(changes, needed = []) {
  const cipher = await key();
  const sealed = changes.map(async ([store, id, value]) => [
    store, id, value && (await encrypt(cipher, context(store, id), packed(value))),
  ]);
  const rows = await Promise.all(sealed);
  const stores = new Set([...rows, ...needed].map(([store]) => store));
  await transact([...stores], "readwrite", async (store) => {
    const found = await Promise.all(needed.map(([name, id]) => result(store(name).getKey(id))));
    if (found.some((each) => each === undefined)) throw new Trouble("Missing");
    for (const [name, id, value] of rows) value ? store(name).put(value, id) : store(name).delete(id);
  });
}

/** A setting of this phone. */
export const setting = (name) => read(SETTINGS, name);

/** Keep or, with null, forget a setting. */
export const keep = (name, value) => write([[SETTINGS, name, value]]);
