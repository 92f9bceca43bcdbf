// The app's own words in five languages, and how days, counts, countries and languages are written in each.

export const LANGUAGES = { en: "English", ar: "العربية", fr: "Français", de: "Deutsch", tr: "Türkçe" };

const RIGHT_TO_LEFT = ["ar"];
const FALLBACK = "en";

let language = FALLBACK;
let catalog = {};

/** The language to begin with: the one used before, else the best of the browser's. */
export function preferred(before) {
  const wanted = [before, ...navigator.languages.map((tag) => tag.split("-")[0])];
  return wanted.find((tag) => Object.hasOwn(LANGUAGES, tag ?? "")) ?? FALLBACK;
}

/** Load a language's catalog and turn the page to its direction. */
export async function speak(tag) {
  const answer = await fetch(new URL(`../texts/${tag}.json`, import.meta.url));
  catalog = await answer.json();
  language = tag;
  document.documentElement.lang = tag;
  document.documentElement.dir = direction(tag);
}

export function spoken() {
  return language;
}

export function direction(tag = language) {
  return RIGHT_TO_LEFT.includes(tag) ? "rtl" : "ltr";
}

/** The text of this name; {placeholders} are filled in, `count` chooses the plural. */
export function t(name, values = {}) {
  const entry = catalog[name];
  const text = typeof entry === "object" ? entry[new Intl.PluralRules(language).select(values.count)] ?? entry.other : entry;
  return text.replace(/\{(\w+)\}/g, (_, key) => (typeof values[key] === "number" ? number(values[key]) : values[key]));
}

/** A text of the questionnaire in this language. */
export function pick(texts) {
  return texts[language] ?? texts[FALLBACK];
}

export function number(value) {
  return new Intl.NumberFormat(language, { useGrouping: false }).format(value);
}

/** How large a file is. */
export function bytes(count) {
  const [unit, step] = count < 1e6 ? ["kilobyte", 1] : ["megabyte", 10];
  const value = Math.ceil((count * step) / (unit === "kilobyte" ? 1e3 : 1e6)) / step;
  return new Intl.NumberFormat(language, { style: "unit", unit }).format(value);
}

/** A day, from its ISO 8601 text. */
export function day(iso) {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" }).format(new Date(`${iso}T00:00:00Z`));
}

export function country(code) {
  return new Intl.DisplayNames(language, { type: "region" }).of(code) ?? code;
}

export function languageName(tag) {
  try {
    return new Intl.DisplayNames(language, { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

/** Texts in the order of this language. */
export function sorted(items, textOf) {
  return [...items].sort((one, other) => new Intl.Collator(language).compare(textOf(one), textOf(other)));
}
