// Whether this browser can do what is needed. There is no substitute of our own for what it cannot.

async function tries(attempt) {
  try {
    await attempt();
    return true;
  } catch {
    return false;
  }
}

/** Whether X25519 and Ed25519 are in WebCrypto, and the storage and locks that keep interviews whole are there. */
export async function supported() {
  const there =
    globalThis.isSecureContext && globalThis.indexedDB && navigator.locks && "isWellFormed" in String.prototype;
  if (!there) return false;
  const { subtle } = crypto;
  const one = new Uint8Array(32).fill(1);
  const found = await Promise.all([
    tries(() => subtle.generateKey("X25519", false, ["deriveBits"])),
    tries(() => subtle.importKey("raw", one, "X25519", false, [])),
    tries(() => subtle.importKey("raw", one, "Ed25519", false, ["verify"])),
  ]);
  return found.every(Boolean);
}
