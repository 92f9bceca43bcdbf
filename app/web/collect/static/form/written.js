// Widgets of answers that are written: lines, texts, days, years, lists of lines, and objects with members.

import { yearBox, yesNo, oneOf } from "./choices.js";
import { button, el, input, newId, textarea } from "./dom.js";
import { pick, t } from "./texts.js";
import { EARLIEST_YEAR, LATEST_YEAR, MAX_OBJECTS, MAX_STRING, MAX_STRINGS, isBlank } from "./values.js";

/** What was typed, or undefined where that is nothing. */
const typed = (text) => (isBlank(text) ? undefined : text);

export function line(field, value, change, ids) {
  return input({ dir: "auto", maxlength: MAX_STRING, ...described(ids), is: { value: value ?? "" }, on: {
    input: (event) => change(typed(event.target.value)),
  } });
}

/** A pseudonym: no capital letters put in by the keyboard, no blanks around. */
export function reference(field, value, change, ids) {
  return input({ dir: "ltr", maxlength: "64", class: "medium", ...described(ids), is: { value: value ?? "" }, on: {
    input: (event) => change(typed(event.target.value.trim())),
  } });
}

export function narrative(field, value, change, ids) {
  return textarea({ dir: "auto", rows: "7", class: "narrative", ...described(ids), is: { value: value ?? "" }, on: {
    input: (event) => change(typed(event.target.value)),
  } });
}

export function date(field, value, change, ids) {
  return el("input", {
    type: "date", min: `${EARLIEST_YEAR}-01-01`, max: `${LATEST_YEAR}-12-31`, class: "medium", autocomplete: "off",
    ...described(ids), is: { value: value ?? "" }, on: { change: (event) => change(event.target.value || undefined) },
  });
}

/** A year; what is no whole year yet is kept as text, and is a flaw until it is. */
export function year(field, value, change, ids) {
  const box = yearBox(value, ids, (text) => change(/^\d{4}$/.test(text) ? Number(text) : typed(text)));
  box.id = ids.control;
  return box;
}

export function lines(field, value, change, ids) {
  return repeated(value ?? [undefined], MAX_STRINGS, change, t("add_line"), (item, set, i) => line(field, item, set, {
    ...ids, control: newId(), named: i === 0 ? null : `${i + 1}`,
  }));
}

export function object(field, value, change, ids) {
  return members(field, value, change, ids);
}

export function objects(field, value, change, ids) {
  return repeated(value ?? [undefined], MAX_OBJECTS, change, t("add_entry"), (item, set) => members(field, item, set, ids));
}

function described(ids) {
  return { id: ids.control, "aria-labelledby": ids.label, "aria-describedby": `${ids.hint} ${ids.flaw}` };
}

/** One widget for each item, with a button for one more and one to take each away. */
function repeated(start, most, change, more, make) {
  const items = start.map((value) => ({ value }));
  const list = el("div", { class: "stack" });
  const tell = () => {
    const given = items.map((item) => item.value).filter((value) => value !== undefined);
    change(given.length ? given : undefined);
  };
  const draw = () => {
    list.replaceChildren(...items.map((item, i) => el("div", { class: "item" },
      make(item.value, (value) => { item.value = value; tell(); }, i),
      items.length > 1 && button("×", () => { items.splice(i, 1); draw(); tell(); },
        { class: "quiet square", "aria-label": t("remove", { what: t("entry_number", { number: i + 1 }) }) }))));
    add.hidden = items.length >= most;
  };
  const add = button(more, () => {
    items.push({ value: undefined });
    draw();
    list.lastElementChild.querySelector("input, textarea, select").focus();
  }, { class: "quiet" });
  draw();
  return el("div", { class: "stack" }, list, add);
}

function members(field, value, change, ids) {
  const kept = { ...value };
  const set = (name, given) => {
    if (given === undefined) delete kept[name];
    else kept[name] = given;
    change(Object.keys(kept).length ? { ...kept } : undefined);
  };
  return el("div", { class: "members" }, field.members.map((member) => {
    const label = el("span", { class: "label", id: newId() }, pick(member.label), !member.required && ` (${t("optional")})`);
    const own = { control: newId(), label: label.id, hint: "", flaw: ids.flaw };
    const make = member.type === "one" ? oneOf : member.type === "bool" ? yesNo : line;
    const widget = make(member, kept[member.name], (given) => set(member.name, given), own);
    return el("div", { class: "member", role: "group", "aria-labelledby": label.id }, label, widget);
  }));
}
