// The redaction desk: turns keys, mouse and touch into the model's verbs, and shows what became of them.
import { allowFinish, showResidual, watchHandingOn, watchResidual } from "./desk-finish.js";
import { Lists } from "./desk-list.js";
import { Desk } from "./desk-model.js";
import { Saver } from "./desk-save.js";
import { firstAfter } from "./desk-spans.js";
import { wordsIn } from "./desk-text.js";
import { View, unitAt } from "./desk-view.js";
import { $, detectorOf, kindWords, number, percent, root, said, shorts } from "./desk-words.js";

const kindOfKey = Object.fromEntries(Object.entries(shorts).map(([kind, key]) => [key, kind]));
const state = JSON.parse(root.dataset.state);
const desk = new Desk(state, { labels: JSON.parse(root.dataset.labels), punctuation: said.punctuation, undone: said.undone });
let editable = state.editable;
let current = null; // { text, id }
let picked = null; // { text, start, end }
let asking = null; // what to do again with a reason
let byPointer = true; // false for a button pressed by keyboard: it keeps the focus; else the passage gets it back

const view = new View(desk);
const lists = new Lists(desk, (text, start, end) => {
  current = null;
  choose(text, start, end);
});
const saver = new Saver(desk, root, {
  saved(touched) {
    view.paintLabels(touched);
    allowFinish();
    showCurrent();
  },
  conflict() {
    $("conflict").hidden = false;
    $("conflict").focus();
  },
});

// -- Where one is

function now() {
  if (!current) return null;
  const one = current.text.spans.find((each) => each.id === current.id);
  return one ? { text: current.text, one } : null;
}

function go(text, one, focus = true) {
  const before = current?.id;
  current = { text, id: one.id };
  // All writing comes before what asks for places, so that the page is laid out once.
  unask();
  view.mark(one.id);
  showCurrent();
  const [target] = focus ? view.marksOf(one.id) : [];
  target?.focus({ preventScroll: true });
  lists.mark(before, one.id);
  target?.scrollIntoView({ block: "nearest" });
}

function showCurrent() {
  const at = now();
  $("current").hidden = !at;
  if (!at) return;
  const { text, one } = at;
  $("surface").textContent = text.text.slice(one.start, one.end);
  $("surface").lang = root.dataset.language;
  $("becomes").textContent = one.accepted ? desk.labelOf(text, one).label : text.text.slice(one.start, one.end);
  $("risk").textContent = said[one.level];
  $("found").textContent = `${kindWords[one.kind]} · ${one.accepted ? said.masked : said.kept}`;
  $("detector").textContent = detectorOf(one);
  $("score").textContent = percent.format(one.score);
  for (const row of document.querySelectorAll("[data-row=why]")) row.hidden = one.accepted || !one.why;
  $("stays").textContent = one.why;
  if (editable) {
    $("kind").value = one.kind;
    for (const button of document.querySelectorAll("#current [aria-pressed]")) button.setAttribute("aria-pressed", String(one.accepted === (button.dataset.do === "accept")));
  }
  const rightToLeft = view.isRightToLeft(text);
  for (const [name, back] of [["end-out", false], ["end-in", true]]) {
    const key = document.querySelector(`[data-do="${name}"] kbd`);
    if (key) key.textContent = rightToLeft === back ? "⇧→" : "⇧←";
  }
}

// -- Doing

// Show what a verb changed; if it needs a reason, ask and do it again with it.
function did(changes, again) {
  if (changes === "why") return ask(again);
  if (!changes) return;
  shown(changes);
}

function shown(changes) {
  view.paintChanges(changes);
  lists.update(changes);
  const at = now(), focus = byPointer || !document.activeElement?.closest(".desk-bar, .desk-side");
  if (at) go(at.text, at.one, focus);
  else {
    const { text, come, gone } = changes[0];
    const place = (come[0] ?? gone[0]).start, next = text.spans[Math.min(firstAfter(text.spans, place), text.spans.length - 1)];
    current = null;
    if (next) go(text, next, focus); else showCurrent();
  }
  saver.changed();
  say();
}

function say() {
  const at = now();
  $("said").textContent = at ? `${at.text.text.slice(at.one.start, at.one.end)} · ${$("found").textContent}` : "";
}

function ask(again) {
  asking = again;
  $("why").hidden = false;
  $("why-text").value = "";
  document.querySelector("#why [data-why]").focus({ preventScroll: true });
  $("why").scrollIntoView({ block: "nearest" });
}

function unask() {
  asking = null;
  if ($("why")) $("why").hidden = true;
}

function explain(why) {
  if (!asking || !why.trim()) return;
  const again = asking;
  byPointer = true;
  unask();
  again(why.trim());
}

const verbs = {
  accept: ({ text, one }) => did(desk.decide(text, one, true)),
  reject: ({ text, one }, why = "") => did(desk.decide(text, one, false, why), (reason) => verbs.reject({ text, one }, reason)),
  remove: ({ text, one }, why = "") => did(desk.remove(text, one, why), (reason) => verbs.remove({ text, one }, reason)),
  level: ({ text, one }) => did(desk.relevel(text, one)),
  split: ({ text, one }) => did(desk.split(text, one)),
  everywhere({ text, one }, why = "") {
    const changed = desk.everywhere(text, one, why);
    if (changed === "why") ask((reason) => verbs.everywhere({ text, one }, reason));
    else if (changed) shown(desk.done.at(-1));
  },
  "start-out": (at) => edge(at, "start", -1),
  "start-in": (at) => edge(at, "start", 1),
  "end-in": (at) => edge(at, "end", -1),
  "end-out": (at) => edge(at, "end", 1),
};

function edge({ text, one }, name, by, why = "") {
  did(desk.move(text, one, name, by, $("letters").checked, why), (reason) => edge({ text, one }, name, by, reason));
}

function turn(changes) {
  if (!changes || !changes.some(({ gone, come }) => gone.length || come.length)) return;
  const { text, come } = changes.find((each) => each.come.length) ?? changes[0];
  if (come.length) current = { text, id: come[0].id };
  shown(changes.filter(({ gone, come: more }) => gone.length || more.length));
}

const commands = {
  start() { const first = desk.texts.find((text) => text.spans.length); if (first) go(first, first.spans[0]); else pick(); },
  undo: () => editable && turn(desk.undo()),
  redo: () => editable && turn(desk.redo()),
  keys: () => $("keys").showModal(),
  unpick: () => unpick(true),
  close() { const at = now(); $("current").hidden = true; if (at) view.marksOf(at.one.id)[0]?.focus(); },
  explain: () => explain($("why-text").value),
  unexplain() { unask(); const at = now(); if (at) go(at.text, at.one); },
  rebase() { reset((fresh) => desk.rebase(fresh)); },
  reload() { reset((fresh) => desk.load(fresh)); },
};

function build() {
  view.current = null;
  view.build();
  lists.build();
}

// Take over what the server has, after a conflict.
function reset(take) {
  $("conflict").hidden = true;
  current = picked = null;
  take(saver.theirs);
  editable = saver.theirs.editable;
  build();
  showResidual(desk);
  showCurrent();
  saver.resumed();
}

// -- Choosing words that no span covers, by keyboard, mouse or finger

function pick() {
  const at = now();
  const text = at ? at.text : desk.texts[0];
  if (!text) return;
  const from = at ? at.one.end : 0;
  const [word] = wordsIn(text.text, from, Math.min(text.text.length, from + 400));
  if (word) choose(text, ...word);
}

function choose(text, start, end, select = true) {
  picked = { text, start, end };
  $("picking").hidden = false;
  $("current").hidden = true;
  $("picked").textContent = text.text.slice(start, end);
  $("said").textContent = text.text.slice(start, end);
  if (!select) return;
  const from = view.nodeAt(text, start, false), to = view.nodeAt(text, end, true);
  from.block.source.tabIndex = -1;
  if (!from.block.source.contains(document.activeElement)) from.block.source.focus({ preventScroll: true });
  getSelection().setBaseAndExtent(from.node, from.offset, to.node, to.offset);
  from.node.parentElement.scrollIntoView({ block: "nearest" });
}

function unpick(back = false) {
  if (!picked) return;
  picked = null;
  $("picking").hidden = true;
  getSelection().removeAllRanges();
  const at = now();
  if (at && back) go(at.text, at.one);
  else showCurrent();
}

function pickMove(by, extend) {
  const { text, start, end } = picked;
  const around = wordsIn(text.text, Math.max(0, start - 300), Math.min(text.text.length, end + 300));
  if (by > 0) {
    const next = around.find(([from]) => from >= end);
    if (next) choose(text, extend ? start : next[0], next[1]);
    else otherText(1);
  } else if (extend) {
    const last = around.filter(([from, to]) => to < end && from >= start).pop();
    if (last) choose(text, start, last[1]);
  } else {
    const before = around.filter(([, to]) => to <= start).pop();
    if (before) choose(text, ...before);
    else otherText(-1);
  }
}

function otherText(by) {
  const text = desk.texts[desk.texts.indexOf(picked.text) + by];
  if (!text) return;
  const words = wordsIn(text.text, 0, text.text.length), word = by > 0 ? words[0] : words.at(-1);
  if (word) choose(text, ...word);
}

function mask(kind) {
  const { text, start, end } = picked;
  const id = desk.add(text, start, end, kind, kind === "PERSON" || kind === "CODE" ? "direct" : "quasi");
  picked = null;
  $("picking").hidden = true;
  getSelection().removeAllRanges();
  if (id === null) return;
  current = { text, id: text.spans[firstAfter(text.spans, start)].id };
  shown(desk.done.at(-1));
}

document.addEventListener("selectionchange", () => {
  const selection = getSelection();
  if (!editable || selection.isCollapsed || !selection.rangeCount) return;
  const range = selection.getRangeAt(0);
  const from = unitAt(range.startContainer, range.startOffset), to = unitAt(range.endContainer, range.endOffset);
  if (!from || !to || from.block.text !== to.block.text) return;
  const surface = from.block.text.text.slice(from.unit, to.unit);
  const start = from.unit + surface.length - surface.trimStart().length, end = to.unit - (surface.length - surface.trimEnd().length);
  if (start >= end || surface.trim().includes("\n")) return;
  if (!picked || picked.start !== start || picked.end !== end || picked.text !== from.block.text) choose(from.block.text, start, end, false);
});

// -- Keys. Letters work by their place on the keyboard where the script is another one.

function keyOf(event) {
  if (/^[\x20-\x7e]$/.test(event.key) || event.key.length > 1) return event.key.length > 1 ? event.key : event.key.toLowerCase();
  const letter = /^Key([A-Z])$/.exec(event.code), digit = /^Digit(\d)$/.exec(event.code);
  return letter ? letter[1].toLowerCase() : digit ? digit[1] : event.key;
}

$("texts").addEventListener("keydown", (event) => {
  byPointer = true;
  if (event.ctrlKey || event.metaKey) {
    const key = keyOf(event);
    if (key !== "z" && key !== "y") return;
    event.preventDefault();
    return commands[key === "y" || event.shiftKey ? "redo" : "undo"]();
  }
  if (event.altKey) return;
  const key = keyOf(event), source = event.target.closest(".source");
  const ahead = source && view.isRightToLeft(source.block.text) ? "ArrowLeft" : "ArrowRight", behind = ahead === "ArrowRight" ? "ArrowLeft" : "ArrowRight";
  const used = picked ? pickKey(key, event.shiftKey, ahead, behind) : spanKey(key, event.shiftKey, ahead, behind);
  if (used) event.preventDefault();
});

function pickKey(key, shift, ahead, behind) {
  if (key === "Escape") unpick(true);
  else if (key === ahead || key === "ArrowDown") pickMove(1, shift);
  else if (key === behind || key === "ArrowUp") pickMove(-1, shift);
  else if (key === "Enter") mask("PERSON");
  else if (kindOfKey[key] && !shift) mask(kindOfKey[key]);
  else return false;
  return true;
}

function spanKey(key, shift, ahead, behind) {
  const at = now();
  if (key === "?") return commands.keys(), true;
  if (!at) return false;
  const step = { [ahead]: "next", ArrowDown: "next", [behind]: "previous", ArrowUp: "previous" }[key];
  if (step && !shift) {
    const other = desk[step](at.text, at.one);
    if (other) go(desk.texts.find((text) => text.spans.includes(other)), other);
    return true;
  }
  if (key === "Home") return commands.start(), true;
  if (key === "End") return goLast(), true;
  return editable && editKey(key, shift, at, ahead, behind);
}

function goLast() {
  const last = desk.texts.filter((text) => text.spans.length).at(-1);
  if (last) go(last, last.spans.at(-1));
}

function editKey(key, shift, at, ahead, behind) {
  const moves = { [ahead]: "end-out", [behind]: "end-in", ArrowUp: "start-out", ArrowDown: "start-in" };
  if (shift && moves[key]) return verbs[moves[key]](at), true;
  const named = { Enter: "accept", " ": at.one.accepted ? "reject" : "accept", x: "reject", e: "everywhere", i: "level", s: "split", Delete: "remove", Backspace: "remove" }[key];
  if (named) return verbs[named](at), true;
  if (kindOfKey[key]) return did(desk.retype(at.text, at.one, kindOfKey[key])), true;
  if (key === "u" || key === "r") return commands[key === "u" ? "undo" : "redo"](), true;
  if (key === "n") return pick(), true;
  if (key === "f") return $("words-live").focus(), true;
  if (key === "g") return $("letters").click(), true;
  return false;
}

$("why")?.addEventListener("keydown", (event) => {
  if (event.key === "Escape") { event.preventDefault(); commands.unexplain(); }
  if (event.target.id === "why-text") {
    if (event.key === "Enter") { event.preventDefault(); commands.explain(); }
    return;
  }
  const chosen = document.querySelectorAll("#why [data-why]")[Number(keyOf(event)) - 1];
  if (chosen) { event.preventDefault(); explain(chosen.lastElementChild.textContent); }
});

// -- Mouse and touch

root.addEventListener("click", (event) => {
  const target = event.target.closest("[data-id], [data-do], [data-why], [data-add], [data-goto], [data-label]");
  if (!target) return;
  const { id, do: name, add, goto: item, label } = target.dataset;
  byPointer = event.detail > 0;
  const spot = id ?? item ?? label;
  if (spot) {
    const found = desk.find(Number(spot));
    if (found && getSelection().isCollapsed) { unpick(); go(found.text, found.span, label === undefined); }
  } else if (add) { if (picked) mask(add); }
  else if (target.hasAttribute("data-why")) explain(target.lastElementChild.textContent);
  else if (commands[name]) commands[name]();
  else if (verbs[name]) { const at = now(); if (at) verbs[name](at); }
});

$("texts").addEventListener("focusin", (event) => {
  const id = Number(event.target.dataset.id);
  if (!id || (current && current.id === id)) return;
  const found = desk.find(id);
  if (found) go(found.text, found.span, false);
});

// A tap on a button must not drop the chosen words.
$("picking").addEventListener("pointerdown", (event) => event.preventDefault());

$("kind")?.addEventListener("change", () => { const at = now(); if (at) did(desk.retype(at.text, at.one, $("kind").value)); });
$("view").addEventListener("change", () => { root.dataset.view = $("view").value; });

$("words-form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  event.stopPropagation();
  const level = $("words-quasi").checked ? "quasi" : "direct";
  const changed = desk.mask($("words-live").value, $("words-kind").value, level);
  $("words-found").querySelector("[data-found=none]").hidden = changed > 0;
  $("words-found").querySelector("[data-found=some]").hidden = !changed;
  $("words-found").querySelector("[data-count]").textContent = number.format(changed);
  if (!changed) return;
  view.paintChanges(desk.done.at(-1));
  lists.update(desk.done.at(-1));
  showCurrent();
  saver.changed();
});

watchResidual(desk, saver);
watchHandingOn(desk, saver);
const narrow = matchMedia("(max-width: 60rem)").matches;
if (narrow) { $("view").value = "source"; root.dataset.view = "source"; }
build();
const first = desk.texts.find((text) => text.spans.length);
if (first && !narrow) go(first, first.spans[0], false);
else document.querySelector(".source [role]")?.setAttribute("tabindex", "0");
