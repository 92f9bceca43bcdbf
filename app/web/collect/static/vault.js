// What rests under the PIN: drafts, questionnaires. In clear only in memory, and only while the vault is open.
//
//   PIN --PBKDF2--> key --wraps--> the vault's key --seals--> a key for each value --seals--> the value
//
// Every value has a key of its own, written once: deleting that row is enough, however often the value was rewritten.
import { watch } from "./autolock.js";
import { pad, unpad, utf8 } from "./crypto/encoding.js";
import { Trouble } from "./errors.js";
import { LEAST_ITERATIONS, isStrong, newSecret, unwrap, waitAfter, wrap } from "./pin.js";
import { KEYS, VALUES, decrypt, encrypt, keep, readAll, read, setting, write } from "./store.js";
import { wipe } from "./wipe.js";

export { MINIMUM_PIN } from "./pin.js";
export { wipe } from "./wipe.js";

const ROW = "v";
// Wrong PINs in a row until everything is wiped.
const ATTEMPTS = 10;
// How long those who want to save before locking may take.
const SAVING = 2000;

/** Says "open" and "lock". */
export const changes = new EventTarget();

/** @type {{key: CryptoKey, rows: Map<string, {id: string, key: CryptoKey}>, stop: () => void}|null} */
let open = null;
let last = Promise.resolve();
const savers = new Set();

// One after the other: the last value put is the one that stays.
const inTurn = (work) => (last = last.then(work, work));
// One guess at a time, whatever the number of tabs.
const alone = (work) => navigator.locks.request("p", work);

const imported = (raw) => crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);

function need() {
  if (!open) throw new Trouble("Locked");
  return open;
}

/** "new" before there is a PIN, "locked" or "open". */
export async function state() {
  if (open) return "open";
  return (await setting(ROW)) ? "locked" : "new";
}

/** Make the vault under a first PIN, and open it; WeakPin. */
export function create(pin) {
  if (!isStrong(pin)) throw new Trouble("WeakPin");
  return alone(async () => {
    if (await setting(ROW)) throw new Trouble("Locked");
    const secret = newSecret();
    await keep(ROW, { tries: 0, at: 0, ...(await wrap(pin, secret)) });
    await enter(secret);
  });
}

/** Open the vault. WrongPin {left, waitSeconds}, Wait {waitSeconds}, or Wiped once there were too many wrong ones. */
export const unlock = (pin) => alone(async () => enter(await guessed(pin)));

/** Another PIN; a wrong old one counts as any wrong one. WeakPin. */
export function changePin(old, pin) {
  if (!isStrong(pin)) throw new Trouble("WeakPin");
  return alone(async () => {
    const secret = await guessed(old);
    await keep(ROW, { tries: 0, at: 0, ...(await wrap(pin, secret)) });
    secret.fill(0);
  });
}

async function guessed(pin) {
  const row = await setting(ROW);
  if (!row) throw new Trouble("Locked");
  if (row.tries >= ATTEMPTS) await giveUp();
  // A clock that was set back makes nobody wait longer.
  const waitSeconds = Math.min(waitAfter(row.tries), waitAfter(row.tries) - (Date.now() - row.at) / 1000);
  if (waitSeconds > 0) throw new Trouble("Wait", { waitSeconds: Math.ceil(waitSeconds) });
  // Counted before it is checked: pulling the battery gives no free guess.
  const tries = row.tries + 1;
  await keep(ROW, { ...row, tries, at: Date.now() });
  const secret = await unwrap(pin, row);
  if (!secret && tries >= ATTEMPTS) await giveUp();
  if (!secret) throw new Trouble("WrongPin", { left: ATTEMPTS - tries, waitSeconds: waitAfter(tries) });
  const wrapped = row.iterations < LEAST_ITERATIONS ? await wrap(pin, secret) : {};
  await keep(ROW, { ...row, tries: 0, at: 0, ...wrapped });
  return secret;
}

async function giveUp() {
  await wipe();
  throw new Trouble("Wiped");
}

async function enter(secret) {
  const key = await imported(secret);
  secret.fill(0);
  open?.stop();
  open = { key, rows: new Map(), stop: watch(lock) };
  await index();
  changes.dispatchEvent(new Event("open"));
}

async function index() {
  const { key, rows } = need();
  const found = new Map();
  for (const [id, { bytes }] of await readAll(KEYS)) {
    const { name, raw } = JSON.parse(new TextDecoder().decode(await decrypt(key, utf8(id), bytes)));
    found.set(name, { id, key: await imported(Uint8Array.from(raw)) });
  }
  rows.clear();
  for (const [name, row] of found) rows.set(name, row);
}

/** Call `save` before the vault locks, by itself or by `lock`; it has two seconds. */
export const beforeLock = (save) => savers.add(save);

/** Say so, let those who want to save do it, then forget every key. */
export async function lock() {
  const closing = open;
  if (!closing) return;
  closing.stop();
  const saved = Promise.allSettled([...savers].map(async (save) => save()));
  changes.dispatchEvent(new Event("lock"));
  await Promise.race([saved, new Promise((resolve) => setTimeout(resolve, SAVING))]);
  if (open === closing) open = null;
}

/** The value of a name, or null. */
export async function get(name) {
  const row = need().rows.get(name);
  const found = row && (await read(VALUES, row.id));
  if (!found) return null;
  return JSON.parse(new TextDecoder().decode(unpad(await decrypt(row.key, utf8(row.id), found.bytes))));
}

/** Keep a value (JSON) under a name. Missing if it was dropped meanwhile, in another tab; Full. */
export function put(name, value) {
  return inTurn(async () => {
    if (!need().rows.has(name)) await navigator.locks.request("n", () => add(name));
    const { id, key } = need().rows.get(name);
    const bytes = await encrypt(key, utf8(id), pad(utf8(JSON.stringify(value))));
    await write([[VALUES, id, { bytes }]], [[KEYS, id]]);
  });
}

async function add(name) {
  await index();
  const { key, rows } = need();
  if (rows.has(name)) return;
  const id = crypto.randomUUID();
  const raw = newSecret();
  const bytes = await encrypt(key, utf8(id), utf8(JSON.stringify({ name, raw: Array.from(raw) })));
  const own = await imported(raw);
  raw.fill(0);
  await write([[KEYS, id, { bytes }]]);
  rows.set(name, { id, key: own });
}

/** Every name that begins so, other tabs' included. */
export function names(prefix) {
  return inTurn(async () => {
    await index();
    return [...need().rows.keys()].filter((name) => name.startsWith(prefix)).sort();
  });
}

/** What `write` needs to delete a value and its key, if they are still there; Missing if not. */
export function removal(name) {
  const row = need().rows.get(name);
  if (!row) throw new Trouble("Missing");
  return { changes: [[KEYS, row.id, null], [VALUES, row.id, null]], needed: [[KEYS, row.id]] };
}

/** Delete a value and its key. */
export function drop(name) {
  return inTurn(async () => {
    if (!need().rows.has(name)) return;
    await write(removal(name).changes);
    open?.rows.delete(name);
  });
}
