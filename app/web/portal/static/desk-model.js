// What the redaction desk works on: texts, spans, decisions, undo, and what changed since the last save. No page in here.
//
// Offsets are UTF-16 units inside and code points outside (the server's). Spans are frozen; a change makes another one
// under the same id. A text's spans are sorted and apart from each other.

import { equal, firstAfter, gaps, joinRests, like, merged, overlapping, span } from "./desk-spans.js";
import { LETTER, letterFrom, occurrences, pointsOf, toPoint, toUnit, wordFrom, wordsIn } from "./desk-text.js";

export class Desk {
  constructor(state, words) {
    this.words = words;
    this.labels = new Map();
    this.kept = new Map();
    this.undone = [];
    this.done = [];
    this.load(state);
  }

  // Take over a state of the server's; what was done before cannot be undone across it.
  load(state) {
    this.version = state.version;
    this.residual = { rating: state.rating, note: state.note };
    this.savedResidual = { ...this.residual };
    this.done = [];
    this.undone = [];
    this.texts = state.texts.map((each) => this.textOf(each));
    this.learn();
  }

  textOf({ name, text, spans, labels, doubts }) {
    const made = { name, text, points: pointsOf(text), spans: [], saved: new Map(), guards: [], doubts: [] };
    made.spans = spans.map(([start, end, kind, level, score, reason, accepted, why]) =>
      span({ start: toUnit(made, start), end: toUnit(made, end), kind, level, score, reason, accepted, why }));
    made.doubts = doubts.map(([start, end, reason]) => ({ start: toUnit(made, start), end: toUnit(made, end), reason }));
    this.settle(made, made.spans, labels, made.spans.filter((each) => each.level === "direct"));
    return made;
  }

  // Remember what the server has: these spans, their labels, and what must not be left without a reason.
  settle(text, spans, labels, direct) {
    text.saved = new Map(spans.map((each) => [each.id, each]));
    text.guards = direct;
    spans.filter((each) => each.accepted).forEach((each, i) => this.labels.set(each.id, { span: each, label: labels[i] }));
  }

  // Labels by what they stand for, for spans that the server has not numbered yet.
  learn() {
    this.kept.clear();
    for (const text of this.texts) {
      for (const each of text.spans) {
        const known = this.labels.get(each.id);
        if (known && known.span === each) this.kept.set(this.surfaceKey(text, each), known.label);
      }
    }
  }

  surfaceKey(text, each) {
    return each.kind + " " + text.text.slice(each.start, each.end).toLowerCase();
  }

  // The label of a masked span; ``sure`` once the server gave it.
  labelOf(text, each) {
    const known = this.labels.get(each.id);
    if (known && known.span.kind === each.kind && known.span.start === each.start && known.span.end === each.end) {
      return { label: known.label, sure: true };
    }
    const same = this.kept.get(this.surfaceKey(text, each));
    return { label: same ?? this.words.labels[each.kind], sure: false };
  }

  cleanOf(text) {
    let clean = "", at = 0;
    for (const each of text.spans) {
      if (!each.accepted) continue;
      clean += text.text.slice(at, each.start) + this.labelOf(text, each).label;
      at = each.end;
    }
    return clean + text.text.slice(at);
  }

  // -- Changes: lists of {text, gone, come}. ``why`` explains what a direct identifier loses.

  // Do it, or say that it needs a reason. Returns the changes made, "why", or null for nothing to do.
  change(wanted, why = "") {
    const changes = [];
    for (const { text, gone, come } of wanted) {
      const made = this.guarded(text, gone, come, why);
      if (made === "why") return "why";
      if (made.gone.length || made.come.length) changes.push(made);
    }
    if (!changes.length) return null;
    this.done.push(changes);
    this.undone = [];
    this.apply(changes);
    return changes;
  }

  guarded(text, gone, come, why) {
    const raised = [];
    for (const each of come) {
      const level = this.meetsGuard(text, each) ? "direct" : each.level;
      const explained = each.accepted || level !== "direct" || each.why.trim() !== "";
      if (!explained && !why) return "why";
      raised.push(explained && level === each.level ? each : like(each, { level, why: explained ? each.why : why }));
    }
    const after = merged(text.spans, gone, raised);
    const touched = [...gone, ...raised];
    if (!touched.length) return { text, gone: [], come: [] };
    const start = Math.min(...touched.map((each) => each.start)), end = Math.max(...touched.map((each) => each.end));
    const extra = [], taken = [];
    for (const guard of text.guards) {
      if (guard.end <= start || end <= guard.start) continue;
      for (const [from, to] of gaps(after, guard)) {
        const reason = this.reasonFor(text, after, guard, from, to, why);
        if (!reason) return "why";
        extra.push(span({ start: from, end: to, kind: guard.kind, level: "direct", score: guard.score, reason: guard.reason, accepted: false, why: reason }));
      }
    }
    joinRests(after, extra, taken);
    const fresh = raised.filter((each) => !taken.includes(each));
    return { text, gone: [...gone, ...taken.filter((each) => !raised.includes(each))], come: [...fresh, ...extra] };
  }

  meetsGuard(text, each) {
    return text.guards.some((guard) => guard.start < each.end && each.start < guard.end);
  }

  reasonFor(text, after, guard, from, to, why) {
    if (!LETTER.test(text.text.slice(from, to))) return this.words.punctuation;
    if (why) return why;
    if (guard.made) return this.words.undone;
    const beside = after.find((each) => !each.accepted && each.why && (each.end === from || each.start === to));
    return beside ? beside.why : "";
  }

  apply(changes) {
    for (const { text, gone, come } of changes) text.spans = merged(text.spans, gone, come);
  }

  undo() { return this.turn(this.done, this.undone); }

  redo() { return this.turn(this.undone, this.done); }

  turn(from, to) {
    const changes = from.pop();
    if (!changes) return null;
    const back = changes.map(({ text, gone, come }) => {
      const there = come.map((each) => text.spans.find((one) => one.id === each.id)).filter(Boolean);
      return this.guarded(text, there, gone, this.words.undone);
    });
    to.push(back);
    this.apply(back);
    return back;
  }

  find(id) {
    for (const text of this.texts) {
      const found = text.spans.find((each) => each.id === id);
      if (found) return { text, span: found };
    }
    return null;
  }

  next(text, one) {
    const after = text.spans[firstAfter(text.spans, one.end)];
    return after ?? this.texts.slice(this.texts.indexOf(text) + 1).find((each) => each.spans.length)?.spans[0] ?? null;
  }

  previous(text, one) {
    const before = text.spans[firstAfter(text.spans, one.start) - 1];
    return before ?? this.texts.slice(0, this.texts.indexOf(text)).findLast((each) => each.spans.length)?.spans.at(-1) ?? null;
  }

  // -- What people do.

  decide(text, one, accepted, why = "") {
    if (one.accepted === accepted && (accepted || one.why === why || !why)) return null;
    return this.change([{ text, gone: [one], come: [like(one, { accepted, why: accepted ? "" : why })] }], why);
  }

  retype(text, one, kind) {
    return one.kind === kind ? null : this.change([{ text, gone: [one], come: [like(one, { kind })] }]);
  }

  relevel(text, one) {
    const level = one.level === "direct" ? "quasi" : "direct";
    if (level === "quasi" && this.meetsGuard(text, one)) return null;
    return this.change([{ text, gone: [one], come: [like(one, { level })] }]);
  }

  // A masked span's place: masked ones it touches become part of it, others keep what lies beside it.
  placing(text, one, instead = null) {
    let { start, end } = one;
    const met = overlapping(text.spans, start, end).filter((each) => each !== instead);
    for (const each of met) {
      if (each.accepted && one.accepted) { start = Math.min(start, each.start); end = Math.max(end, each.end); }
    }
    const gone = instead ? [instead] : [], come = [like(one, { start, end })];
    for (const each of overlapping(text.spans, start, end)) {
      if (each === instead) continue;
      gone.push(each);
      if (each.accepted && one.accepted) continue;
      if (each.start < start) come.push(like(each, { end: start }));
      if (end < each.end) come.push(span({ ...each, start: end }));
    }
    return { text, gone, come };
  }

  add(text, start, end, kind, level) {
    const one = span({ start, end, kind, level, score: 1, reason: "person", accepted: true, why: "" });
    const done = this.change([this.placing(text, one)]);
    return done && done !== "why" ? one.id : null;
  }

  // Move an edge by a word or by a letter. ``edge``: start or end; ``by``: 1 forward, -1 backward.
  move(text, one, edge, by, letters, why = "") {
    const to = letters ? letterFrom(text.text, one[edge], by) : wordFrom(text.text, one, edge, by);
    if (to === null) return null;
    const moved = like(one, { [edge]: to });
    if (moved.start >= moved.end || moved.start < 0 || moved.end > text.text.length) return null;
    if (text.text.slice(moved.start, moved.end).includes("\n") && !text.text.slice(one.start, one.end).includes("\n")) return null;
    // What stays in the text never grows over what is masked.
    if (!one.accepted && overlapping(text.spans, moved.start, moved.end).some((each) => each.accepted)) return null;
    return this.change([this.placing(text, moved, one)], why);
  }

  split(text, one) {
    const words = wordsIn(text.text, one.start, one.end);
    const at = words.length > 1 ? [words[0][1], words[1][0]] : this.halves(text, one);
    if (!at) return null;
    const first = like(one, { end: at[0] });
    const second = span({ ...one, start: at[1] });
    return this.change([{ text, gone: [one], come: [first, second] }]);
  }

  halves(text, one) {
    const at = letterFrom(text.text, one.start, 1);
    return at !== null && at < one.end ? [at, at] : null;
  }

  remove(text, one, why = "") {
    if (one.reason !== "person") return this.decide(text, one, false, why);
    return this.change([{ text, gone: [one], come: [] }], why);
  }

  // The same decision wherever the same words stand. Returns how many places changed.
  everywhere(text, one, why = "") {
    const words = text.text.slice(one.start, one.end);
    const wanted = this.texts.map((each) => ({ text: each, gone: [], come: [] }));
    let count = 0;
    for (const change of wanted) {
      for (const [start, end] of occurrences(change.text.text, words)) count += this.sameAt(change, start, end, one);
    }
    const done = this.change(wanted, one.why || why);
    return done === "why" ? done : count;
  }

  sameAt(change, start, end, one) {
    const met = overlapping(change.text.spans, start, end).filter((each) => !change.gone.includes(each));
    const exact = met.find((each) => each.start === start && each.end === end);
    const fields = { kind: one.kind, level: one.level, accepted: one.accepted, why: one.why };
    if (exact) {
      if (Object.keys(fields).every((name) => exact[name] === fields[name])) return 0;
      change.gone.push(exact);
      change.come.push(like(exact, fields));
      return 1;
    }
    if (!one.accepted || met.some((each) => each.accepted && each.start <= start && end <= each.end)) return 0;
    const placed = this.placing(change.text, span({ ...fields, start, end, score: 1, reason: "person" }));
    if (placed.come.some((each) => change.come.some((other) => other.start < each.end && each.start < other.end))) return 0;
    change.gone.push(...placed.gone.filter((each) => !change.gone.includes(each)));
    change.come.push(...placed.come);
    return 1;
  }

  // Mask words wherever they stand. Returns how many places changed.
  mask(words, kind, level) {
    const one = { kind, level, accepted: true, why: "" };
    const wanted = this.texts.map((each) => ({ text: each, gone: [], come: [] }));
    let count = 0;
    for (const change of wanted) {
      for (const [start, end] of occurrences(change.text.text, words)) {
        const met = overlapping(change.text.spans, start, end);
        if (!met.some((each) => each.accepted && each.start <= start && end <= each.end)) count += this.sameAt(change, start, end, one);
      }
    }
    this.change(wanted);
    return count;
  }

  // What looked doubtful when the draft was opened and is not masked since.
  doubtsLeft() {
    return this.texts.flatMap((text) => text.doubts
      .filter((each) => !overlapping(text.spans, each.start, each.end).some((one) => one.accepted))
      .map((each) => ({ text, ...each })));
  }

  // -- Saving.

  get dirty() {
    return this.residual.rating !== this.savedResidual.rating || this.residual.note !== this.savedResidual.note
      || this.texts.some((text) => text.spans.length !== text.saved.size || text.spans.some((each) => text.saved.get(each.id) !== each && !equal(text.saved.get(each.id), each)));
  }

  // What to send, and what to remember once it is accepted.
  changes() {
    const texts = {}, snapshots = [];
    for (const text of this.texts) {
      const now = new Map(text.spans.map((each) => [each.id, each]));
      const gone = [...text.saved.values()].filter((each) => !equal(each, now.get(each.id)));
      const come = text.spans.filter((each) => !equal(each, text.saved.get(each.id)));
      if (gone.length || come.length) {
        texts[text.name] = { gone: gone.map((each) => [toPoint(text, each.start), toPoint(text, each.end)]), come: come.map((each) => outside(text, each)) };
      }
      snapshots.push([text, text.spans]);
    }
    return { body: { version: this.version, texts, ...this.residual }, snapshots, residual: { ...this.residual } };
  }

  // The server has it. Returns the texts with ids whose label or level is another one now.
  saved(answer, { snapshots, residual }) {
    this.version = answer.version;
    this.savedResidual = residual;
    const touched = [];
    for (const [text, spans] of snapshots) {
      const { labels, direct } = answer.texts[text.name];
      const before = new Map(spans.filter((each) => each.accepted).map((each) => [each.id, this.labelOf(text, each)]));
      const made = new Set(text.guards.filter((each) => each.made).map((each) => each.id));
      const guards = direct.map(([start, end]) => {
        const at = toUnit(text, start), one = spans[firstAfter(spans, at)];
        return like(one, { made: made.has(one.id) || (one.reason === "person" && !text.saved.has(one.id)), end: toUnit(text, end) });
      });
      this.settle(text, spans, labels, guards);
      for (const [id, { label, sure }] of before) {
        if (!sure || this.labels.get(id).label !== label) touched.push([text, id]);
      }
    }
    this.learn();
    return touched;
  }

  // Put what is not saved on top of another state of the server's.
  rebase(state) {
    const mine = this.texts.map((text) => ({
      name: text.name,
      gone: [...text.saved.values()].filter((each) => !equal(each, text.spans.find((one) => one.id === each.id))),
      come: text.spans.filter((each) => !equal(each, text.saved.get(each.id))),
    }));
    const residual = this.residual, changed = residual.rating !== this.savedResidual.rating || residual.note !== this.savedResidual.note;
    this.load(state);
    if (changed) this.residual = residual;
    for (const { name, gone, come } of mine) {
      const text = this.texts.find((each) => each.name === name);
      if (!text) continue;
      const drop = text.spans.filter((each) => gone.some((one) => one.start === each.start && one.end === each.end) && !come.some((one) => one.start === each.start && one.end === each.end));
      if (drop.length) this.change([{ text, gone: drop, come: [] }], this.words.undone);
      for (const each of come) {
        const there = text.spans.find((one) => one.start === each.start && one.end === each.end) ?? null;
        const { kind, level, accepted, why } = each;
        const one = there ? like(there, { kind, level, accepted, why }) : span(each);
        this.change([this.placing(text, one, there)], why || this.words.undone);
      }
    }
  }
}

function outside(text, { start, end, kind, level, score, reason, accepted, why }) {
  return { start: toPoint(text, start), end: toPoint(text, end), kind, level, score, reason, accepted, why };
}
