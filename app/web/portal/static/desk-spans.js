// Lists of spans: sorted by place, apart from each other. Pure.

let lastId = 0;
export const span = (fields) => Object.freeze({ ...fields, id: ++lastId });
export const like = (one, fields) => Object.freeze({ ...one, ...fields });

// The first span that ends after a place.
export function firstAfter(spans, at) {
  let low = 0, high = spans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (spans[middle].end <= at) low = middle + 1; else high = middle;
  }
  return low;
}

export function overlapping(spans, start, end) {
  const found = [];
  for (let i = firstAfter(spans, start); i < spans.length && spans[i].start < end; i += 1) found.push(spans[i]);
  return found;
}

export function equal(one, other) {
  return one === other || (one !== undefined && other !== undefined && one.start === other.start && one.end === other.end && one.kind === other.kind
    && one.level === other.level && one.accepted === other.accepted && one.why === other.why);
}

export function merged(spans, gone, come) {
  const leaving = new Set(gone.map((each) => each.id));
  const staying = spans.filter((each) => !leaving.has(each.id));
  const arriving = [...come].sort((a, b) => a.start - b.start);
  const result = [];
  let next = 0;
  for (const each of staying) {
    while (next < arriving.length && arriving[next].start < each.start) result.push(arriving[next++]);
    result.push(each);
  }
  return result.concat(arriving.slice(next));
}

// The parts of a direct identifier that are neither masked nor explained.
export function gaps(spans, guard) {
  const found = [];
  let at = guard.start;
  for (const each of overlapping(spans, guard.start, guard.end)) {
    if (!each.accepted && !each.why.trim()) continue;
    if (each.start > at) found.push([at, each.start]);
    at = Math.max(at, each.end);
  }
  if (at < guard.end) found.push([at, guard.end]);
  return found;
}

// A rest beside one that stays for the same reason becomes one with it.
export function joinRests(after, extra, taken) {
  for (let i = 0; i < extra.length; i += 1) {
    for (const each of after) {
      if (each.accepted || taken.includes(each) || each.why !== extra[i].why || each.kind !== extra[i].kind) continue;
      if (each.end === extra[i].start || each.start === extra[i].end) {
        taken.push(each);
        extra[i] = like(extra[i], { start: Math.min(each.start, extra[i].start), end: Math.max(each.end, extra[i].end) });
      }
    }
  }
}
