// Keeps this application on the phone, so that it opens without a network.

// The only addresses that scripts may be run from by name (Trusted Types).
const WORKERS = ["/collect/m.js", "/collect/w.js"];
const policy = globalThis.trustedTypes?.createPolicy("w", {
  createScriptURL(address) {
    if (!WORKERS.includes(address)) throw new TypeError("address");
    return address;
  },
});
const SCOPE = "/collect";

const register = (address, type) =>
  navigator.serviceWorker.register(policy?.createScriptURL(address) ?? address, { scope: SCOPE, type, updateViaCache: "none" });

/**
 * Register the service worker. To be called at start, before anything is in memory: a newer version that waits takes over
 * now, and the page loads again.
 * @returns {Promise<boolean>} Whether the page is about to load again.
 */
export async function install() {
  if (!navigator.serviceWorker) return false;
  const before = await navigator.serviceWorker.getRegistration(SCOPE);
  if (before?.waiting) {
    navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
    before.waiting.postMessage("now");
    return true;
  }
  // Where service workers cannot be modules, there is one that only keeps the files.
  await register(WORKERS[0], "module").catch(() => register(WORKERS[1], "classic")).catch(() => {});
  return false;
}
