// One checker per type of field: is this a value of its type? The same rules, limits and pointers as the server's
// app/studies/values.py, so that what the phone seals is what the server accepts.
//
// A checker is called with (value, pointer, note) and calls note(pointer, code) for each flaw; a code is the name of a
// text in texts/*.json. No value is ever part of a flaw.

import { COUNTRIES } from "./countries.js";

export const MAX_STRING = 500;
export const MAX_TEXT = 100_000;
export const MAX_STRINGS = 20;
export const MAX_OBJECTS = 30;
export const MAX_COUNTRIES = 5;
export const EARLIEST_YEAR = 1900;
export const LATEST_YEAR = 2099;

// What Python calls blank, and the characters that no line and no text may hold.
const BLANK = /^[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*$/u;
const NOT_IN_LINE = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u{d800}-\u{dfff}\ufffe\uffff]/u;
const NOT_IN_TEXT = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u{d800}-\u{dfff}\ufffe\uffff]/u;
const DATE = /^(?:19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}$/;
const HALF_YEAR = /^(?:19|20)[0-9]{2}-H[12]$/;
const LANGUAGE = /^[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|[0-9]{3}))?$/;
const STAFF_REF = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The checker of a field's value under a study's policy. */
export function checker(field, allows) {
  if (field.type === "bool") return bool(field.must_be);
  if (field.type === "one") return one(field.choices, allows);
  if (field.type === "many") return many(field, allows);
  if (field.type === "object") return object(field.members, allows);
  if (field.type === "objects") return listOf(object(field.members, allows), MAX_OBJECTS, { distinct: false });
  return SIMPLE[field.type];
}

/** Why a choice is refused, or null. */
export function refusal(choice, allows) {
  if (choice.effect === "block") return "flaw_blocked";
  return choice.needs && !allows(choice.needs) ? "flaw_policy" : null;
}

/** Whether a text has more characters than that, as the server counts them: code points. */
function longer(text, most) {
  return text.length > most && [...text].length > most;
}

export function isBlank(text) {
  return BLANK.test(text);
}

function bool(mustBe) {
  return (value, at, note) => {
    if (typeof value !== "boolean") note(at, "flaw_bool");
    else if (mustBe && !value) note(at, "flaw_must_be");
  };
}

function one(choices, allows) {
  const refusals = new Map(choices.map((choice) => [choice.name, refusal(choice, allows)]));
  return (value, at, note) => {
    if (!refusals.has(value)) note(at, "flaw_choice");
    else if (refusals.get(value)) note(at, refusals.get(value));
  };
}

function many(field, allows) {
  const alone = new Set(field.choices.filter((choice) => choice.exclusive).map((choice) => choice.name));
  const checkList = listOf(one(field.choices, allows), field.choices.length, { least: field.min });
  return (value, at, note) => {
    let fine = true;
    checkList(value, at, (...flaw) => { fine = false; note(...flaw); });
    if (fine && value.length > 1 && value.some((name) => alone.has(name))) note(at, "flaw_alone");
  };
}

function listOf(item, most, { least = 1, distinct = true } = {}) {
  return (value, at, note) => {
    if (!Array.isArray(value) || value.length < least || value.length > most) {
      note(at, "flaw_list", { least, most });
      return;
    }
    let fine = true;
    value.forEach((each, i) => item(each, `${at}/${i}`, (...flaw) => { fine = false; note(...flaw); }));
    if (distinct && fine && new Set(value).size !== value.length) note(at, "flaw_distinct");
  };
}

function object(members, allows) {
  const checks = new Map(members.map((member) => [member.name, memberChecker(member, allows)]));
  return (value, at, note) => {
    if (value === null || typeof value !== "object" || Array.isArray(value)) {
      note(at, "flaw_object");
      return;
    }
    for (const member of members) {
      if (member.required && !Object.hasOwn(value, member.name)) note(`${at}/${member.name}`, "flaw_required");
    }
    if (!Object.keys(value).every((name) => checks.has(name))) note(at, "flaw_object");
    for (const [name, check] of checks) if (Object.hasOwn(value, name)) check(value[name], `${at}/${name}`, note);
  };
}

function memberChecker(member, allows) {
  if (member.type === "one") return one(member.choices, allows);
  return member.type === "bool" ? bool(false) : line;
}

function line(value, at, note) {
  if (typeof value !== "string") note(at, "flaw_string");
  else if (isBlank(value) || longer(value, MAX_STRING)) note(at, "flaw_length", { most: MAX_STRING });
  else if (NOT_IN_LINE.test(value)) note(at, "flaw_characters");
}

function text(value, at, note) {
  if (typeof value !== "string") note(at, "flaw_string");
  else if (isBlank(value) || longer(value, MAX_TEXT)) note(at, "flaw_length", { most: MAX_TEXT });
  else if (NOT_IN_TEXT.test(value)) note(at, "flaw_characters");
}

function pattern(expression, code) {
  return (value, at, note) => {
    if (typeof value !== "string" || !expression.test(value)) note(at, code);
  };
}

function date(value, at, note) {
  if (typeof value !== "string" || !DATE.test(value) || !exists(value)) note(at, "flaw_date");
}

function exists(day) {
  const moment = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(day);
}

function year(value, at, note) {
  if (!Number.isInteger(value) || value < EARLIEST_YEAR || value > LATEST_YEAR) note(at, "flaw_year");
}

function country(value, at, note) {
  if (!COUNTRIES.has(value)) note(at, "flaw_country");
}

const SIMPLE = {
  date,
  half_year: pattern(HALF_YEAR, "flaw_half_year"),
  year,
  string: line,
  strings: listOf(line, MAX_STRINGS),
  text,
  countries: listOf(country, MAX_COUNTRIES),
  bcp47: pattern(LANGUAGE, "flaw_language"),
  staff_ref: pattern(STAFF_REF, "flaw_staff_ref"),
};
