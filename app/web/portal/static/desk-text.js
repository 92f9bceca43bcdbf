// What the desk does with texts: words, letters, code points. Pure.

export const LETTER = /[\p{L}\p{N}\p{M}]/u;
const MARK = /\p{M}/u;
const WORD = /[\p{L}\p{N}\p{M}]+/gu;
const PROCLITICS = new Set("وفبلك");
const MOST_PROCLITICS = 3;
const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

// Code points before each unit, only for texts that need it.
export function pointsOf(text) {
  if (!/[\ud800-\udbff]/.test(text)) return null;
  const points = new Uint32Array(text.length + 1);
  for (let at = 0, count = 0; at <= text.length; at += 1) {
    points[at] = count;
    const code = text.charCodeAt(at);
    if (!(code >= 0xd800 && code <= 0xdbff)) count += 1;
  }
  return points;
}

export function toPoint(text, unit) {
  return text.points ? text.points[unit] : unit;
}

export function toUnit(text, point) {
  if (!text.points) return point;
  let low = 0, high = text.text.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (text.points[middle] < point) low = middle + 1; else high = middle;
  }
  return low;
}

// Where whole words stand: the same rule as the server's ``occurrences``.
export function occurrences(text, words) {
  const parts = words.split(/\s+/).filter(Boolean).map((part) => part.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"));
  if (!parts.length) return [];
  const found = [];
  for (const match of text.matchAll(new RegExp(parts.join("\\s+"), "giu"))) {
    const start = match.index;
    let end = start + match[0].length;
    while (end < text.length && MARK.test(characterAt(text, end))) end += characterAt(text, end).length;
    if (!(end < text.length && LETTER.test(characterAt(text, end))) && opens(text, start)) found.push([start, end]);
  }
  return found;
}

function characterAt(text, at) {
  return String.fromCodePoint(text.codePointAt(at));
}

function characterBefore(text, at) {
  const low = text.charCodeAt(at - 1);
  return low >= 0xdc00 && low <= 0xdfff && at > 1 ? text.slice(at - 2, at) : text[at - 1];
}

function opens(text, at) {
  let begin = at, count = 0;
  while (begin > 0 && count <= MOST_PROCLITICS && LETTER.test(characterBefore(text, begin))) {
    begin -= characterBefore(text, begin).length;
    count += 1;
  }
  return count <= MOST_PROCLITICS && [...text.slice(begin, at)].every((letter) => PROCLITICS.has(letter));
}

export function wordsIn(text, start, end) {
  return [...text.slice(start, end).matchAll(WORD)].map((found) => [start + found.index, start + found.index + found[0].length]);
}

// The place a letter (grapheme) further, or back; null at the end.
export function letterFrom(text, at, by) {
  if (by > 0) {
    const next = graphemes.segment(text.slice(at, at + 40))[Symbol.iterator]().next();
    return next.done ? null : at + next.value.segment.length;
  }
  const before = [...graphemes.segment(text.slice(Math.max(0, at - 40), at))].pop();
  return before ? at - before.segment.length : null;
}

// Where an edge of a span goes by a word; null if there is none.
export function wordFrom(text, one, edge, by) {
  const around = wordsIn(text, Math.max(0, one.start - 200), Math.min(text.length, one.end + 200));
  if (edge === "end") {
    const ends = around.map(([, end]) => end);
    return by > 0 ? ends.find((end) => end > one.end) ?? null : ends.filter((end) => end < one.end && end > one.start).pop() ?? null;
  }
  const starts = around.map(([start]) => start);
  return by > 0 ? starts.find((start) => start > one.start && start < one.end) ?? null : starts.filter((start) => start < one.start).pop() ?? null;
}
