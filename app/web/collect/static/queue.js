// Finished interviews: sealed, waiting, sent. From finishing on, this phone cannot open them.
import { list, nameOf, undisturbed } from "./attachments.js";
import { device, intakeKey } from "./device.js";
import { Trouble } from "./errors.js";
import { dropParts } from "./parts.js";
import { sealHead, sealInterview } from "./sealing.js";
import { changed, due, sendDue, tell } from "./sender.js";
import { refreshKey } from "./server.js";
import { QUEUE, SENT, read, readAll, write } from "./store.js";
import { names, removal } from "./vault.js";

export { changed } from "./sender.js";
export { supported } from "./support.js";

const DAY = 24 * 3600 * 1000;
// What was sent is listed for so long.
const LISTED_DAYS = 90;
const SYNC = "q";
// Milliseconds, after what nobody thought of.
const UNFORESEEN = 10 * 60 * 1000;

let sending = null;
let timer = 0;
changed.addEventListener("change", ({ detail }) => (sending = detail.sending ?? null));

/**
 * Seal an interview and the keys of its files, and delete its draft with all of those keys: all or nothing.
 * @param {string} id The draft is the vault's value `draft/<id>`.
 * @param {{case: string|null, instrument: object, answers: object, withdrawal_sha256: string|null}} body
 * @param {{number: number, day: string}} shown What the list shows of it.
 * @returns {Promise<object>} Its entry. KeyMissing, KeyTooOld: go online once; the draft stays. Full: no room; the draft
 *   stays. Missing: it was finished already, in another tab or by a second tap.
 */
export async function finish(id, body, { number, day }) {
  return undisturbed(async () => {
    const name = `draft/${id}`;
    if (!(await names(name)).length) throw new Trouble("Missing");
    const [known, key] = [await device(), await usableKey()];
    const client = crypto.randomUUID();
    const { bytes, sha256 } = await sealInterview(known, key, client, { study: known.study, ...body });
    const added = await list(id);
    const heads = added.map(async (file) => ({ id: file.id, head: await sealHead(known, key, client, file.id, file) }));
    const [files, count] = [await Promise.all(heads), heads.length];
    const sealed = { study: known.study, openUntil: key.openUntil, sha256, bytes, files, count };
    const item = { number, day, tries: 0, nextAt: Date.now(), ...sealed };
    const gone = [name, ...added.map((file) => nameOf(id, file.id))].map(removal);
    await write([...gone.flatMap(({ changes }) => changes), [QUEUE, client, item]], gone.flatMap(({ needed }) => needed));
    tell();
    plan(0);
    return entry(client, item);
  });
}

async function usableKey() {
  try {
    return await intakeKey();
  } catch (error) {
    await refreshKey().catch(() => {});
    return intakeKey().catch(() => {
      throw error;
    });
  }
}

/**
 * Every finished interview that is known of, the oldest first.
 * @returns {Promise<{id: string, number: number, day: string, state: "waiting"|"sending"|"refused"|"lost"|"sent",
 *   daysLeft?: number, problem?: object, case?: string, receipt?: string, arrived?: boolean, files?: object}[]>}
 *   `daysLeft`: until nobody can open it any more, and it is lost. `problem`: Refused {status, type}, Tampered or
 *   Incomplete. `files`: {sent, count} where there are any. `arrived`: the server has it, and not yet all of its files.
 */
export async function entries() {
  const waiting = [...(await readAll(QUEUE))].map(([id, item]) => entry(id, item));
  const sent = [...(await readAll(SENT))].map(([id, { count, ...item }]) => ({ id, ...item, ...told(count, []), state: "sent" }));
  return [...sent, ...waiting].sort((a, b) => a.day.localeCompare(b.day) || a.number - b.number);
}

const told = (count, left) => (count ? { files: { sent: count - left.length, count } } : {});

function entry(id, { number, day, openUntil, problem, lost, arrived, files = [], count }) {
  const left = openUntil * 1000 - Date.now();
  const state = lost || left <= 0 ? "lost" : id === sending ? "sending" : problem ? "refused" : "waiting";
  const known = { ...(problem && { problem }), ...(arrived && { arrived: true, case: arrived.case }), ...told(count, files) };
  return { id, number, day, state, daysLeft: Math.max(0, Math.ceil(left / DAY)), ...known };
}

/** Send now, whatever was refused or put off before. */
export const send = () => pass({ byHand: true });

/** Delete an entry: what was sent, and, on somebody's word, what is lost or refused. Missing if it still waits. */
export async function forget(id) {
  const item = await read(QUEUE, id);
  if (item && ["waiting", "sending"].includes(entry(id, item).state)) throw new Trouble("Missing");
  await write([[QUEUE, id, null], [SENT, id, null]]);
  await dropParts((item?.files ?? []).map((file) => file.id));
  tell();
}

/** Send by itself from now on: when the phone comes online, when something is due, and, where it can, without a page. */
export async function start() {
  window.addEventListener("online", () => plan(0));
  document.addEventListener("visibilitychange", () => document.hidden || plan(0));
  await forgetOld();
  await plan(0);
}

async function forgetOld() {
  const oldest = new Date(Date.now() - LISTED_DAYS * DAY).toISOString().slice(0, 10);
  const old = [...(await readAll(SENT))].filter(([, { sentDay }]) => sentDay < oldest);
  if (old.length) await write(old.map(([id]) => [SENT, id, null]));
}

async function pass(how) {
  clearTimeout(timer);
  const { wait } = await sendDue(how).catch(() => ({ wait: UNFORESEEN }));
  await plan(wait);
}

// The next pass: not before `wait` milliseconds, and not before anything is due.
async function plan(wait) {
  clearTimeout(timer);
  const times = [...(await readAll(QUEUE)).values()].map(due);
  if (!times.length) return;
  const until = Math.max(wait, Math.min(...times) - Date.now(), 0);
  clearTimeout(timer);
  timer = setTimeout(pass, until);
  await syncLater();
}

// Background Sync, where the browser has it: sends after the page was closed, too.
async function syncLater() {
  const registration = await navigator.serviceWorker?.getRegistration("/collect");
  await registration?.sync?.register(SYNC).catch(() => {});
}
