// Sends the files of an interview that has arrived: in pieces, from where the server stands.
//
// A file is deleted in one case only: the server's word, signed by the pinned key, that it keeps the whole of what belongs
// to exactly this sealed head.
import { SEALED_CHUNK } from "./crypto/chunks.js";
import { fromBase64Url } from "./crypto/encoding.js";
import { checkFileReceipt } from "./crypto/signature.js";
import { Trouble, is } from "./errors.js";
import { sealedFrom } from "./parts.js";
import { request } from "./transport.js";

const SEALED = "application/vnd.testimony.sealed-file";
// Parts sent at once: what the server makes durable at once, too.
const AT_ONCE = 4;
// Another request of ours is not over yet, or the server stands elsewhere than we thought: ask anew, later.
const BUSY = /:(conflict|mismatching-upload-offset)$/;

/**
 * Send a file, or the rest of it.
 * @param {object} known What enrolment gave.
 * @param {string} record The id under which its interview was sent.
 * @param {{id: string, head: string}} file
 * @param {() => Promise<boolean>} yields Asked before every piece: whether to stop there for now.
 * @returns {Promise<boolean>} Whether the server keeps all of it. Offline, Revoked, Refused, Tampered; Incomplete if parts are
 *   gone here.
 */
export async function sendFile(known, record, { id, head }, yields) {
  const path = `/v1/records/${record}/files/${id}`;
  const ask = (method, more = {}, body = new Uint8Array()) => {
    const headers = { "testimony-sealed-head": head, "content-type": SEALED, "upload-complete": "?0", ...more };
    return request(method, path, { token: known.token, headers, body, large: true }).catch(later);
  };
  // It begins, or tells how far it is.
  let { headers } = await ask("POST");
  while (headers.get("upload-complete") !== "?1") {
    if (await yields()) return false;
    const offset = Number(headers.get("upload-offset"));
    if (offset % SEALED_CHUNK !== 0) throw new Trouble("Tampered");
    const { bytes, ends } = await sealedFrom(id, offset, AT_ONCE);
    const more = { "upload-offset": String(offset), "upload-complete": ends ? "?1" : "?0" };
    ({ headers } = await ask("PATCH", more, bytes));
    const ahead = headers.get("upload-complete") === "?1" || Number(headers.get("upload-offset")) > offset;
    if (!ahead) throw new Trouble("Offline", { afterSeconds: 0, answered: true });
  }
  await checkFileReceipt(headers.get("testimony-file-receipt"), known, { record, file: id, head: fromBase64Url(head) });
  return true;
}

function later(error) {
  const busy = is(error, "Refused") && BUSY.test(error.type);
  throw busy ? new Trouble("Offline", { afterSeconds: 0, answered: true }) : error;
}
