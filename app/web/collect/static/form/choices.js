// Widgets of answers that are chosen: yes or no, one of, many of, a half-year, countries, a language.
//
// A widget is made with (field, value, change, ids) and gives its node; change(value) is called with the new value, or
// with undefined for none. `ids` are {label, hint, flaw} of the question around it.

import { COUNTRIES } from "./countries.js";
import { asciiDigits, button, el, input, newId } from "./dom.js";
import { country, languageName, pick, sorted, t } from "./texts.js";

// What interviews are most often held in; any other language is typed as its tag.
const SPOKEN = ("ar ar-SY ar-IQ ar-LB ar-JO ar-EG ar-LY ar-TN ar-MA ar-YE ckb kmr ku tr en fr de fa ps ur uz tg kk ky tk "
  + "az ug ru uk ce bs sq sr mk el id ms bn hi so sw ha am nl sv da no fi es it pt ro bg hu pl").split(" ");

export function yesNo(field, value, change) {
  const options = [[true, t("yes")], [false, t("no")]];
  return radios(options, value, change, { row: true });
}

export function oneOf(field, value, change) {
  return radios(field.choices.map((choice) => [choice.name, pick(choice.label)]), value, change);
}

function radios(options, value, change, { row = false } = {}) {
  const group = newId();
  return el("div", { class: row ? "options row" : "options" }, options.map(([name, text]) => option("radio", text, {
    group,
    checked: name === value,
    pressed: () => change(name),
  })));
}

function option(type, text, { group = null, checked, pressed }) {
  const box = el("input", { type, name: group, autocomplete: "off", is: { checked }, on: { change: () => pressed(box) } });
  return el("label", { class: "option" }, box, el("span", {}, text));
}

/** Several of the choices; where none is an answer too, it is one to tick. */
export function manyOf(field, value, change) {
  let chosen = value;
  const boxes = new Map();
  const tick = () => boxes.forEach((box, name) => {
    box.checked = name === null ? chosen?.length === 0 : chosen?.includes(name) ?? false;
  });
  const press = (choice, box) => {
    const others = (chosen ?? []).filter((name) => !standsAlone(field, name) && name !== choice?.name);
    if (!choice) chosen = box.checked ? [] : undefined;
    else if (!box.checked) chosen = others.length ? others : undefined;
    else chosen = choice.exclusive ? [choice.name] : inOrder(field, [...others, choice.name]);
    tick();
    change(chosen);
  };
  const entries = field.choices.map((choice) => [choice, pick(choice.label)]);
  if (field.min === 0) entries.push([null, t("none_of_these")]);
  return el("div", { class: "options" }, entries.map(([choice, text]) => {
    const node = option("checkbox", text, {
      checked: choice ? value?.includes(choice.name) ?? false : value?.length === 0,
      pressed: (box) => press(choice, box),
    });
    boxes.set(choice?.name ?? null, node.querySelector("input"));
    return node;
  }));
}

function standsAlone(field, name) {
  return field.choices.find((choice) => choice.name === name)?.exclusive ?? false;
}

function inOrder(field, names) {
  return field.choices.map((choice) => choice.name).filter((name) => names.includes(name));
}

/** A year and its half. What is half entered is kept as it is, and is a flaw until it is whole. */
export function halfYear(field, value, change, ids) {
  let [year, half] = (value ?? "-").split("-");
  const tell = () => change(year || half ? `${year}-${half}` : undefined);
  const box = yearBox(year, ids, (text) => { year = text; tell(); });
  box.setAttribute("aria-label", t("year"));
  const halves = radios([["H1", t("half_1")], ["H2", t("half_2")]], half, (name) => { half = name; tell(); }, { row: true });
  return el("div", { class: "half-year" }, box, halves);
}

export function yearBox(value, ids, change) {
  return input({
    inputmode: "numeric",
    maxlength: "4",
    dir: "ltr",
    class: "short",
    "aria-describedby": `${ids.hint} ${ids.flaw}`,
    is: { value: value ?? "" },
    on: { input: (event) => change(asciiDigits(event.target.value.trim())) },
  });
}

export function countries(field, value, change, ids) {
  let chosen = value ?? [];
  const list = el("ul", { class: "chips" });
  const add = el("select", { "aria-labelledby": ids.label, "aria-describedby": `${ids.hint} ${ids.flaw}`, autocomplete: "off" });
  const set = (codes) => {
    chosen = codes;
    draw();
    change(chosen.length ? chosen : undefined);
  };
  const draw = () => {
    list.replaceChildren(...chosen.map((code) => el("li", {}, button(`${country(code)} ×`, () => {
      set(chosen.filter((other) => other !== code));
      add.focus();
    }, { "aria-label": t("remove", { what: country(code) }) }))));
    list.hidden = chosen.length === 0;
    const rest = [...COUNTRIES].filter((code) => !chosen.includes(code));
    add.replaceChildren(el("option", { value: "" }, t("add_country")),
      ...sorted(rest, country).map((code) => el("option", { value: code }, country(code))));
  };
  add.addEventListener("change", () => add.value && set([...chosen, add.value]));
  draw();
  return el("div", { class: "countries" }, list, add);
}

const ANOTHER = "…";

export function language(field, value, change, ids) {
  const other = input({
    dir: "ltr",
    maxlength: "35",
    "aria-label": t("language_tag"),
    "aria-describedby": ids.flaw,
    on: { input: () => change(other.value.trim() || undefined) },
  });
  const listed = SPOKEN.includes(value ?? "") || value === undefined;
  const options = sorted(SPOKEN, languageName).map((tag) => el("option", { value: tag }, languageName(tag)));
  const choose = el("select", { "aria-labelledby": ids.label, "aria-describedby": `${ids.hint} ${ids.flaw}`, autocomplete: "off" },
    el("option", { value: "" }, t("choose")), options, el("option", { value: ANOTHER }, t("another_language")));
  choose.value = listed ? value ?? "" : ANOTHER;
  other.value = listed ? "" : value;
  other.hidden = listed;
  choose.addEventListener("change", () => {
    other.hidden = choose.value !== ANOTHER;
    if (other.hidden) change(choose.value || undefined);
    else {
      change(other.value.trim() || undefined);
      other.focus();
    }
  });
  return el("div", { class: "stack" }, choose, other);
}
