// Sends what is sealed: in the page and in the service worker, one at a time over all of them.
//
// An interview is deleted in one case only: a receipt for exactly these bytes, signed by the pinned key. Sending twice is
// harmless, for the server knows the id and the bytes again. Its files follow (uploads.js); it is sent once all are there.
import { checkReceipt } from "./crypto/signature.js";
import { device, setRevoked } from "./device.js";
import { is } from "./errors.js";
import { dropParts } from "./parts.js";
import { QUEUE, SENT, read, readAll, write } from "./store.js";
import { ask } from "./transport.js";
import { sendFile } from "./uploads.js";

const SEALED = "application/vnd.testimony.sealed";
const GONE = /:intake-key-gone$/;
/** Seconds: the first wait, the longest one without a connection, and the wait after a refusal. */
const FIRST = 5, LONGEST = 30 * 60, REFUSED = 6 * 3600;

/** Tells every tab and the service worker: the queue changed, or `{sending: id}`. */
export const channel = new BroadcastChannel("q");
/** The same for this page. */
export const changed = new EventTarget();
channel.onmessage = ({ data }) => changed.dispatchEvent(new CustomEvent("change", { detail: data }));

/** Tell that something changed. */
export function tell(detail = {}) {
  channel.postMessage(detail);
  changed.dispatchEvent(new CustomEvent("change", { detail }));
}

// Half of it is chance, so that phones that were cut off together do not come back together.
const backOff = (tries, least = FIRST) => Math.min(LONGEST, least * 2 ** Math.min(tries, 12)) * (0.5 + Math.random() / 2);

const after = (seconds) => Date.now() + seconds * 1000;

/** When an interview is due, in milliseconds; a clock that was set back postpones nothing for longer than it would. */
export const due = ({ nextAt }) => Math.min(nextAt, after(REFUSED));

// Milliseconds until asking again whether somebody else is done.
const BUSY = 1000;
// How often in a row the server was out of reach; not kept, so that a page that is opened anew tries at once.
let failures = 0;

/**
 * Send everything that is due, unless somebody does already: interviews first, then files, and between the pieces of a file
 * whatever interview was finished meanwhile.
 * @param {{byHand?: boolean}} [how] By hand: everything, due or not, once nobody else sends.
 * @returns {Promise<{wait: number, more: boolean}>} Milliseconds to wait with everything because the server is out of reach, or 0;
 *   and whether something was left for another time that the server may take.
 */
export async function sendDue({ byHand = false } = {}) {
  return navigator.locks.request("q", { ifAvailable: !byHand }, async (lock) => {
    if (!lock) return { wait: BUSY, more: true };
    const asked = new Set();
    const next = () => first(asked, byHand);
    for (let one = await next(); one; one = await next()) {
      const wait = await sendOne(...one, asked, next).finally(() => tell());
      if (wait) return { wait: wait * 1000, more: true };
    }
    return { wait: 0, more: [...(await readAll(QUEUE)).values()].some(({ problem }) => !problem) };
  });
}

async function first(asked, byHand) {
  const waiting = [...(await readAll(QUEUE))].filter(([id]) => !asked.has(id));
  const now = Date.now();
  const ready = waiting.filter(([, item]) => byHand || due(item) <= now);
  return ready.sort(([, a], [, b]) => !a.bytes - !b.bytes || a.nextAt - b.nextAt)[0];
}

// Gives the seconds to wait with everything, 0 to go on with the next one. What goes on in this pass is not noted as asked.
async function sendOne(id, item, asked, next) {
  const known = await device();
  if (!known) return REFUSED;
  tell({ sending: id });
  try {
    if (item.bytes) await sendInterview(known, id, item);
    else if (await sendFiles(known, id, item, async () => Boolean((await next())?.[1].bytes))) asked.add(id);
  } catch (error) {
    asked.add(id);
    return failed(id, error);
  }
  failures = 0;
  await setRevoked(false);
  return 0;
}

async function sendInterview(known, id, item) {
  const { receipt } = await ask("PUT", `/v1/records/${id}`, { token: known.token, body: item.bytes, type: SEALED, large: true });
  await checkReceipt(receipt, known, { id, study: item.study, sha256: item.sha256 });
  const { bytes, sha256, problem, ...rest } = item;
  await keepLeft(id, { ...rest, arrived: { case: receipt.case, sentDay: receipt.day } });
}

// One after the other, and whether all were tried. One that the server refuses does not hold up the others.
async function sendFiles(known, id, item, yields) {
  let [left, refused] = [item, null];
  for (const file of item.files ?? []) {
    try {
      if (!(await sendFile(known, id, file, yields))) return false;
      // Room first. If that is all that happens, the server gives its word again.
      await dropParts([file.id]);
      left = await keepLeft(id, { ...left, tries: 0, files: left.files.filter((each) => each.id !== file.id) });
      tell({ sending: id });
    } catch (error) {
      if (!is(error, "Refused") && !is(error, "Tampered") && !is(error, "Incomplete")) throw error;
      refused = error;
    }
  }
  if (refused) throw refused;
  return true;
}

// Once nothing is left a line tells which interview it was, and nothing of it.
async function keepLeft(id, left) {
  const { number, day, arrived, files = [], count = 0 } = left;
  const needed = [[QUEUE, id]];
  if (files.length) {
    await write([[QUEUE, id, left]], needed);
    return left;
  }
  const deleted = [QUEUE, id, null];
  const sent = { number, day, case: arrived.case, receipt: id.slice(0, 8), sentDay: arrived.sentDay, count };
  await write([deleted, [SENT, id, sent]], needed).catch((error) => {
    // No room even for that line: what counts is on the server.
    if (is(error, "Full")) return write([deleted]);
    throw error;
  });
  return left;
}

async function failed(id, error) {
  const item = await read(QUEUE, id);
  if (!item || is(error, "Missing")) return 0; // sent meanwhile by somebody else, or wiped
  // A server that does not take files now, for whatever reason, may take interviews.
  const putOff = is(error, "Offline") && error.answered && !item.bytes;
  if (is(error, "Offline") && !putOff) {
    // Behind the others next time: one that the server fails at must not hold them up.
    await write([[QUEUE, id, { ...item, nextAt: Date.now() }]], [[QUEUE, id]]).catch(() => {});
    return error.afterSeconds || backOff(failures++);
  }
  if (is(error, "Revoked")) {
    await setRevoked(true);
    return REFUSED;
  }
  const tries = item.tries + 1;
  const changed = [QUEUE, id, { ...item, tries, ...(putOff ? putOffFor(error, tries) : problemOf(error, tries)) }];
  // If that cannot be written down, waiting with everything keeps from trying on and on.
  return write([changed], [[QUEUE, id]]).then(() => 0, () => FIRST);
}

const putOffFor = ({ afterSeconds }, tries) => ({ nextAt: after(Math.min(afterSeconds || backOff(tries), REFUSED)) });

function problemOf(error, tries) {
  const refused = is(error, "Refused");
  const problem = refused ? { name: error.name, status: error.status, type: error.type } : { name: error.name };
  return { problem, lost: refused && GONE.test(error.type), nextAt: after(refused ? REFUSED : backOff(tries, 60)) };
}
