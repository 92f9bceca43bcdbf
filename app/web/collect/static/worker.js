// The service worker: gives the application's own files from its store, and nothing else.
//
// The server puts two lines in front: `self.FILES`, addresses with the SHA-256 of what must be there, and `self.VERSION`;
// in a module a third one, `self.sendDue`.

const { FILES, VERSION } = self;

async function fetchOne(cache, [address, integrity]) {
  const answer = await fetch(address, { cache: "no-store", credentials: "omit", integrity });
  if (!answer.ok) throw new TypeError("file");
  await cache.put(address, answer);
}

async function keepFiles() {
  const cache = await caches.open(VERSION);
  await Promise.all(Object.entries(FILES).map((file) => fetchOne(cache, file)));
}

async function forgetOthers() {
  for (const name of await caches.keys()) if (name !== VERSION) await caches.delete(name);
  await self.clients.claim();
}

async function kept(request, address) {
  const cache = await caches.open(VERSION);
  return (await cache.match(address)) ?? fetch(request);
}

async function sendAll() {
  // The browser tries again later if this fails.
  const { more } = await self.sendDue();
  if (more) throw new TypeError("later");
}

self.addEventListener("install", (event) => event.waitUntil(keepFiles()));
self.addEventListener("activate", (event) => event.waitUntil(forgetOthers()));
self.addEventListener("message", ({ data }) => data === "now" && self.skipWaiting());
self.addEventListener("fetch", (event) => {
  const { origin, pathname } = new URL(event.request.url);
  const own = origin === self.location.origin && event.request.method === "GET" && Object.hasOwn(FILES, pathname);
  if (own) event.respondWith(kept(event.request, pathname));
});
if (self.sendDue) self.addEventListener("sync", (event) => event.waitUntil(sendAll()));
