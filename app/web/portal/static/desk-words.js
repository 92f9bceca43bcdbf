// The words and settings that the desk's script takes from its page, and how it makes elements. No text is made here.

export const $ = (id) => document.getElementById(id);
export const root = $("desk");
export const said = $("texts-of-js").dataset;
// The letter of each type: its key, which also stands beside each passage.
export const shorts = JSON.parse(root.dataset.keys);
export const kindWords = Object.fromEntries([...document.querySelectorAll("#list-filter option")].map((option) => [option.value, option.textContent]));
export const percent = new Intl.NumberFormat(said.locale, { style: "percent" });
export const number = new Intl.NumberFormat(said.locale);
const named = (list) => Object.fromEntries([...$(list).children].map((item) => [item.dataset.name, item.textContent]));
const detectors = named("detectors");
const doubtWords = named("doubt-words");

export function detectorOf(one) {
  return detectors[one.reason] ?? detectors[one.reason.split(/[^a-z]/)[0]] ?? said.detector;
}

export function doubtOf(reason) {
  return doubtWords[reason] ?? doubtWords[""];
}

export function element(name, classes, text) {
  const made = document.createElement(name);
  if (classes) made.className = classes;
  if (text !== undefined) made.textContent = text;
  return made;
}
