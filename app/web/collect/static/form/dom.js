// Small helpers over the DOM. Nothing here, or anywhere in this app, makes markup out of text.

const SVG = "http://www.w3.org/2000/svg";
const PICTURES = {
  lock: "M7 10V7a5 5 0 0 1 10 0v3M5 10h14v10H5zM12 14v2.5",
  erase: "M4 7h16M9 7V4h6v3M6.5 7l1 13h9l1-13M10 11v5.5M14 11v5.5",
  attach: "M20 11.5l-8.2 8.2a5 5 0 0 1-7.1-7.1l8.6-8.6a3.4 3.4 0 0 1 4.8 4.8l-8.5 8.5a1.7 1.7 0 0 1-2.4-2.4l7.5-7.5",
  settings: "M4 7h9M17 7h3M4 12h3M11 12h9M4 17h11M19 17h1M13 5v4M9 10v4M17 15v4",
};
// Keyboards, browsers and password stores keep what is typed unless told not to.
const FORGETFUL = {
  autocomplete: "off", autocorrect: "off", autocapitalize: "off", spellcheck: "false", writingsuggestions: "false",
};

let count = 0;

/** A new element. Attributes that are null or false are left out; `on` holds listeners, `is` properties. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  const { on = {}, is = {}, ...rest } = attributes;
  for (const [name, value] of Object.entries(rest)) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  for (const [name, listener] of Object.entries(on)) node.addEventListener(name, listener);
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  Object.assign(node, is);
  return node;
}

/** A button of a text or of several parts. */
export function button(content, press, attributes = {}) {
  return el("button", { type: "button", ...attributes, on: { click: press } }, content);
}

/** A picture before a text; it says nothing that the text does not. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", "aria-hidden": "true", class: "icon" })) {
    svg.setAttribute(key, value);
  }
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PICTURES[name]);
  svg.append(path);
  return svg;
}

/** A field to type into that nobody remembers. */
export function input(attributes = {}) {
  return el("input", { type: "text", ...FORGETFUL, ...attributes });
}

export function textarea(attributes = {}) {
  return el("textarea", { ...FORGETFUL, autocapitalize: "sentences", ...attributes });
}

/** A label over its control. */
export function labeled(text, control, hint = null) {
  control.id ||= newId();
  const told = hint ? el("p", { class: "hint", id: newId() }, hint) : null;
  if (told) control.setAttribute("aria-describedby", told.id);
  return el("div", { class: "field" }, el("label", { for: control.id }, text), told, control);
}

export function newId() {
  count += 1;
  return `e${count}`;
}

/** What is typed, without other scripts' digits: those of Arabic and Persian keyboards become ASCII. */
export function asciiDigits(text) {
  return text.replace(/[\u0660-\u0669]/g, (digit) => String(digit.charCodeAt(0) - 0x660))
    .replace(/[\u06f0-\u06f9]/g, (digit) => String(digit.charCodeAt(0) - 0x6f0));
}
