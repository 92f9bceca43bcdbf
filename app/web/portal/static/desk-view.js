// Shows the texts of the desk, source and clean text side by side, in blocks of a few hundred characters: a change paints
// only the blocks it touches.
import { overlapping } from "./desk-spans.js";
import { detectorOf, element, kindWords, percent, root, shorts } from "./desk-words.js";

// Blocks are cut at a blank after this many characters, where no span is.
const BLOCK = 700;

export class View {
  constructor(desk) {
    this.desk = desk;
    this.blocks = new Map(); // text -> its blocks in order
    this.current = null; // the id of the span one is at
    this.directions = new Map(); // text -> how it is written
  }

  build() {
    this.blocks = new Map();
    this.directions = new Map();
    for (const section of document.querySelectorAll(".desk-text")) {
      const text = this.desk.texts.find((each) => each.name === section.dataset.text);
      const rows = section.querySelector(".rows");
      const made = cut(text);
      this.blocks.set(text, made);
      rows.replaceChildren(...made.map((block) => this.rowOf(block)));
    }
  }

  rowOf(block) {
    const row = element("div", "desk-row");
    row.classList.toggle("goes-on", !block.ends);
    block.source = element("div", "testimony source");
    block.clean = element("div", "testimony clean");
    for (const side of [block.source, block.clean]) {
      side.dir = "auto";
      side.lang = root.dataset.language;
    }
    block.source.block = block;
    row.append(block.source, block.clean);
    this.fill(block);
    return row;
  }

  fill(block, whole = true) {
    const { text, start } = block;
    // The end of a line is the end of its block; nothing is drawn for it.
    const end = text.text[block.end - 1] === "\n" ? block.end - 1 : block.end;
    const source = [], clean = [];
    let at = start;
    for (const one of overlapping(text.spans, start, end)) {
      if (at < one.start) {
        const between = text.text.slice(at, one.start);
        source.push(between);
        clean.push(between);
      }
      const from = Math.max(one.start, start);
      at = Math.min(one.end, end);
      const surface = text.text.slice(from, at);
      if (whole) source.push(this.markOf(text, one, surface, from === one.start));
      if (!one.accepted) clean.push(surface);
      else if (from === one.start) clean.push(this.labelMark(text, one));
    }
    if (at < end) {
      source.push(text.text.slice(at, end));
      clean.push(text.text.slice(at, end));
    }
    if (whole) block.source.replaceChildren(...source);
    block.clean.replaceChildren(...clean);
  }

  markOf(text, one, surface, first) {
    const mark = element("mark", `span kind-${one.kind} ${one.level}${one.accepted ? "" : " kept"}`);
    const inner = element("span", "", surface);
    if (first) {
      inner.setAttribute("role", "button");
      inner.setAttribute("aria-pressed", String(one.accepted));
      inner.setAttribute("aria-describedby", `is-${one.kind}-${one.level}-${one.accepted ? "masked" : "kept"}`);
      inner.tabIndex = this.current === one.id ? 0 : -1;
      mark.dataset.key = shorts[one.kind];
    }
    mark.title = `${kindWords[one.kind]} · ${detectorOf(one)} · ${percent.format(one.score)}`;
    inner.dataset.id = one.id;
    mark.classList.toggle("now", this.current === one.id);
    mark.append(inner);
    return mark;
  }

  labelMark(text, one) {
    const { label, sure } = this.desk.labelOf(text, one);
    const made = element("b", `label kind-${one.kind}${sure ? "" : " unsure"}`, label);
    made.dir = "ltr";
    made.dataset.label = one.id;
    return made;
  }

  // The blocks that a range touches.
  touching(text, start, end) {
    const made = this.blocks.get(text), found = [];
    let low = 0, high = made.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (made[middle].end <= start) low = middle + 1; else high = middle;
    }
    for (let i = low; i < made.length && made[i].start < Math.max(end, start + 1); i += 1) found.push(made[i]);
    return found;
  }

  paint(text, start, end) {
    for (const block of this.touching(text, start, end)) this.fill(block);
  }

  paintChanges(changes) {
    for (const { text, gone, come } of changes) {
      const ranges = [...gone, ...come].map((each) => [each.start, each.end]).sort((a, b) => a[0] - b[0]);
      let [start, end] = ranges[0];
      for (const [from, to] of ranges) {
        if (from > end + BLOCK) { this.paint(text, start, end); start = from; }
        end = Math.max(end, to);
      }
      this.paint(text, start, end);
    }
  }

  // What the server numbered anew: only clean texts change.
  paintLabels(touched) {
    const made = new Set();
    for (const [text, id] of touched) {
      const one = text.spans.find((each) => each.id === id);
      if (one) for (const block of this.touching(text, one.start, one.end)) made.add(block);
    }
    for (const block of made) this.fill(block, false);
  }

  marksOf(id) {
    return document.querySelectorAll(`.source [data-id="${id}"]`);
  }

  // Let a span be the one that Tab leads to, and no other.
  mark(id) {
    if (this.current !== null) for (const each of this.marksOf(this.current)) { each.tabIndex = -1; each.parentElement.classList.remove("now"); }
    this.current = id;
    for (const each of this.marksOf(id)) { each.parentElement.classList.add("now"); if (each.hasAttribute("role")) each.tabIndex = 0; }
  }

  isRightToLeft(text) {
    if (!this.directions.has(text)) this.directions.set(text, getComputedStyle(this.blocks.get(text)[0].source).direction);
    return this.directions.get(text) === "rtl";
  }

  nodeAt(text, unit, end) {
    const block = this.blocks.get(text).find((each) => (end ? each.start < unit && unit <= each.end : each.start <= unit && unit < each.end));
    const walker = document.createTreeWalker(block.source, NodeFilter.SHOW_TEXT);
    let at = block.start;
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const after = at + node.length;
      if (end ? unit <= after : unit < after) return { block, node, offset: unit - at };
      at = after;
    }
    return { block, node: block.source, offset: 0 };
  }
}

// The text and the place in it of a point in the page; null outside of sources.
export function unitAt(node, offset) {
  const source = (node.nodeType === Node.TEXT_NODE ? node.parentElement : node).closest(".source");
  if (!source) return null;
  const range = document.createRange();
  range.setStart(source, 0);
  range.setEnd(node, offset);
  return { block: source.block, unit: source.block.start + range.toString().length };
}

function cut(text) {
  const made = [];
  let start = 0;
  while (start < text.text.length || made.length === 0) {
    let end = text.text.indexOf("\n", start);
    end = end < 0 ? text.text.length : end + 1;
    let ends = true;
    if (end - start > BLOCK * 1.5) {
      const at = quietBlank(text, start + BLOCK, end);
      if (at > 0) { end = at; ends = false; }
    }
    made.push({ text, start, end, ends });
    start = end;
  }
  return made;
}

function quietBlank(text, from, end) {
  for (let at = text.text.indexOf(" ", from); at > 0 && at < end; at = text.text.indexOf(" ", at + 1)) {
    if (!overlapping(text.spans, at, at + 2).length) return at + 1;
  }
  return -1;
}
