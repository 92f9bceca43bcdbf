// Everything away: at the panic button, and after too many wrong PINs.
import { NAME, destroy, shred } from "./database.js";

// Whatever takes longer is left behind: nothing opens it by then.
const LONGEST = 3000;
const channel = new BroadcastChannel("w");
// Another tab wipes: this one lets go at once of what it shows and holds.
channel.onmessage = leave;

async function deleteDatabases(shredded) {
  const listed = (await indexedDB.databases?.().catch(() => [])) ?? [];
  await shredded;
  await destroy();
  for (const { name } of listed) if (name && name !== NAME) indexedDB.deleteDatabase(name);
}

async function deleteCaches() {
  await Promise.all((await caches.keys()).map((name) => caches.delete(name)));
}

async function deleteFiles() {
  const root = await navigator.storage.getDirectory();
  for await (const name of root.keys()) await root.removeEntry(name, { recursive: true });
}

async function unregister() {
  const workers = await navigator.serviceWorker.getRegistrations();
  await Promise.all(workers.map((each) => each.unregister()));
}

function deleteCookies() {
  for (const cookie of document.cookie.split(";")) {
    for (const path of ["/", location.pathname]) document.cookie = `${cookie.split("=")[0]}=; max-age=0; path=${path}`;
  }
}

// What scripts cannot reach, such as cookies of a session at the portal: the browser clears it if the server can be asked.
const askServer = () => fetch("/collect/clear", { cache: "no-store", keepalive: true });

/**
 * Delete all that this site ever stored on this phone: at once, and whatever that takes, everything that opens anything; then,
 * for three seconds, the rest. Never throws: what fails does not keep the rest.
 */
export async function wipe() {
  const shredded = shred();
  channel.postMessage("");
  localStorage.clear();
  sessionStorage.clear();
  deleteCookies();
  const parts = [deleteDatabases, deleteCaches, deleteFiles, unregister].map(async (part) => part(shredded));
  const late = new Promise((resolve) => setTimeout(resolve, LONGEST));
  await shredded;
  await Promise.race([Promise.allSettled(parts), late]);
  askServer().catch(() => {});
}

/** Blank the page, wipe, and leave it for an empty one that going back does not leave. */
export async function panic() {
  document.documentElement.replaceChildren();
  await wipe();
  leave();
}

function leave() {
  document.documentElement.replaceChildren();
  location.replace("about:blank");
}
