// IndexedDB with promises. Its names tell nothing.
import { Trouble } from "./errors.js";

/** The database and its stores. */
export const NAME = "app";
const STORES = ["a", "b", "c", "d", "e", "f", "k"];
// Parts of files: gigabytes, and nothing without the keys in the other stores.
const LARGE = ["f"];
// Raised with every new store.
const VERSION = 2;

let opening = null;
let gone = false;

function forget(database) {
  database.close();
  opening = null;
}

function open() {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      const missing = STORES.filter((store) => !request.result.objectStoreNames.contains(store));
      missing.forEach((store) => request.result.createObjectStore(store));
    };
    request.onerror = () => {
      opening = null;
      reject(trouble(request.error));
    };
    request.onsuccess = () => {
      const database = request.result;
      // Whoever wipes does not wait for us.
      database.onversionchange = () => forget(database);
      database.onclose = () => (opening = null);
      resolve(database);
    };
  });
  return opening;
}

const trouble = (error) => (error?.name === "QuotaExceededError" ? new Trouble("Full") : error);

/** What a request gives. */
export const result = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/**
 * Do everything or nothing: on disk once this returns.
 * @template T
 * @param {string[]} stores
 * @param {"readonly"|"readwrite"} mode
 * @param {(store: (name: string) => IDBObjectStore) => Promise<T>|T} work Awaits nothing but requests; what it throws
 *   undoes everything.
 * @returns {Promise<T>} Full if there is no room.
 */
export async function transact(stores, mode, work) {
  // What still runs when everything is deleted must not begin anew.
  if (gone) throw new Trouble("Missing");
  return within(stores, mode, work);
}

async function within(stores, mode, work) {
  const transaction = (await open()).transaction(stores, mode, { durability: "strict" });
  const ended = new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(trouble(transaction.error ?? new Trouble("Missing")));
  });
  ended.catch(() => {}); // seen below, or `work` failed first
  try {
    const value = await work((name) => transaction.objectStore(name));
    await ended;
    return value;
  } catch (error) {
    try {
      transaction.abort();
    } catch {
      // It ended by itself.
    }
    throw trouble(error);
  }
}

const empty = (stores) =>
  within(stores, "readwrite", (store) => stores.forEach((name) => store(name).clear())).catch(() => {});

/** Empty every store but that of the parts, which nothing opens then; nothing is kept any more for as long as this page lives. */
export async function shred() {
  gone = true;
  await empty(STORES.filter((name) => !LARGE.includes(name)));
}

/** Delete what `shred` left, and the database; other tabs let go of it by themselves. */
export async function destroy() {
  await empty(LARGE);
  if (opening) forget(await opening.catch(() => ({ close() {} })));
  await result(indexedDB.deleteDatabase(NAME));
}
