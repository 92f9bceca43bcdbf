// Requests to the server: without cookies, never kept, never followed elsewhere.
import { Trouble } from "./errors.js";

const SECONDS = { small: 30, large: 600 };
// The server is not to blame, or only for now.
const LATER = new Set([408, 425, 429]);

/**
 * Ask the server.
 * @returns {Promise<object>} The JSON of a good answer. Offline {afterSeconds, answered} if there is none or only for now
 *   (then the server answered), Revoked for 401 and 403, Refused {status, type} for any other.
 */
export async function ask(method, path, { token, body, type = "application/json", large = false } = {}) {
  const headers = body === undefined ? {} : { "content-type": type };
  const { json } = await request(method, path, { token, body, headers, large });
  if (json === null) throw new Trouble("Offline", { afterSeconds: 0 });
  return json;
}

/**
 * Ask the server, and read the answer's headers.
 * @returns {Promise<{headers: Headers, json: object|null}>} Of a good answer; throws as `ask` does.
 */
export async function request(method, path, { token, body, headers = {}, large = false }) {
  const sent = { accept: "application/json", ...headers, ...(token && { authorization: `Bearer ${token}` }) };
  const signal = AbortSignal.timeout(SECONDS[large ? "large" : "small"] * 1000);
  const how = { method, headers: sent, body, signal, credentials: "omit", cache: "no-store", redirect: "error" };
  let answer, text;
  try {
    answer = await fetch(path, how);
    text = await answer.text();
  } catch {
    throw new Trouble("Offline", { afterSeconds: 0 });
  }
  const json = parsed(text);
  if (answer.ok) return { headers: answer.headers, json };
  if (answer.status >= 500 || LATER.has(answer.status) || json === null) {
    const afterSeconds = Number(answer.headers.get("retry-after")) || 0;
    throw new Trouble("Offline", { afterSeconds, answered: json !== null });
  }
  if (token && [401, 403].includes(answer.status)) throw new Trouble("Revoked");
  throw new Trouble("Refused", { status: answer.status, type: String(json.type) });
}

// Something between us and the server may answer in its place.
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
