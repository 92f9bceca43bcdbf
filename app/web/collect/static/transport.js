// Requests to the server: without cookies, never kept, never followed elsewhere.
import { Trouble } from "./errors.js";

const SECONDS = { small: 30, large: 600 };
// The server is not to blame, or only for now.
const LATER = new Set([408, 425, 429]);

/**
 * Ask the server.
 * @returns {Promise<object>} The JSON of a good answer. Offline {afterSeconds} if there is none or only for now, Revoked
 *   for 401 and 403, Refused {status, type} for any other.
 */
export async function ask(method, path, { token, body, type = "application/json", large = false } = {}) {
  const headers = { accept: "application/json" };
  if (token) headers.authorization = `Bearer ${token}`;
  if (body !== undefined) headers["content-type"] = type;
  const signal = AbortSignal.timeout(SECONDS[large ? "large" : "small"] * 1000);
  const request = { method, headers, body, signal, credentials: "omit", cache: "no-store", redirect: "error" };
  let answer, json;
  try {
    answer = await fetch(path, request);
    json = await answer.json();
  } catch {
    throw new Trouble("Offline", { afterSeconds: 0 });
  }
  if (answer.ok) return json;
  if (answer.status >= 500 || LATER.has(answer.status)) {
    throw new Trouble("Offline", { afterSeconds: Number(answer.headers.get("retry-after")) || 0 });
  }
  if (token && [401, 403].includes(answer.status)) throw new Trouble("Revoked");
  throw new Trouble("Refused", { status: answer.status, type: String(json.type) });
}
