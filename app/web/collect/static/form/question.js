// One question on the page: its label and hint, its widget, what may stand in place of an answer, and what is wrong.

import { countries, halfYear, language, manyOf, oneOf, yesNo } from "./choices.js";
import { button, el, newId } from "./dom.js";
import { pick, t } from "./texts.js";
import { date, line, lines, narrative, object, objects, reference, year } from "./written.js";

const WIDGETS = {
  bool: yesNo, one: oneOf, many: manyOf, date, half_year: halfYear, year, string: line, strings: lines, text: narrative,
  object, objects, countries, bcp47: language, staff_ref: reference,
};
// Types whose widget is one control that a label can stand for.
const ONE_CONTROL = ["date", "year", "string", "text", "staff_ref"];
const SENTINELS = ["declined", "not_asked", "unknown"];

export class Question {
  /** `answered(answer)` is called with {value}, {status} or null. */
  constructor(field, answer, answered) {
    this.field = field;
    this.answered = answered;
    this.value = answer?.value;
    this.status = answer?.status;
    this.touched = answer !== undefined;
    this.ids = { label: newId(), hint: newId(), flaw: newId(), control: newId() };
    this.node = this.build();
  }

  build() {
    const { field, ids } = this;
    const optional = field.status === "optional" || field.status === "extension";
    const words = [pick(field.label), optional && el("span", { class: "optional" }, ` (${t("optional")})`)];
    const label = ONE_CONTROL.includes(field.type) ? el("label", { for: ids.control }, words) : el("span", {}, words);
    this.place = el("div", { class: "widget" });
    this.flaw = el("p", { class: "flaw", id: ids.flaw, "aria-live": "polite", hidden: true });
    this.sentinels = field.sentinels ? this.buildSentinels() : null;
    const node = el("div", { class: "question", role: "group", "aria-labelledby": ids.label, "data-field": field.name },
      el("h2", { id: ids.label }, label),
      el("p", { class: "hint", id: ids.hint }, pick(field.hint)),
      field.may_identify && el("p", { class: "care" }, t("may_identify")),
      this.place, this.flaw, this.sentinels);
    this.draw();
    node.addEventListener("change", () => { this.touched = true; }, true);
    node.addEventListener("focusout", () => { this.touched = true; });
    return node;
  }

  buildSentinels() {
    return el("div", { class: "sentinels", role: "group", "aria-label": t("instead") }, SENTINELS.map((status) => (
      button(t(status), () => this.press(status), { "aria-pressed": "false", "data-status": status })
    )));
  }

  /** Show the widget, or only the status that stands in its place. */
  draw() {
    this.place.replaceChildren(WIDGETS[this.field.type](this.field, this.value, (value) => this.set(value), this.ids));
    this.mark();
  }

  mark() {
    this.place.hidden = this.status !== undefined;
    this.sentinels?.querySelectorAll("button").forEach((each) => {
      each.setAttribute("aria-pressed", String(each.dataset.status === this.status));
    });
  }

  set(value) {
    this.value = value;
    this.status = undefined;
    this.mark();
    this.answered(value === undefined ? null : { value });
  }

  /** A sentinel takes the place of the answer; pressed again, it gives it back. */
  press(status) {
    this.status = this.status === status ? undefined : status;
    this.mark();
    if (this.status) this.answered({ status });
    else this.answered(this.value === undefined ? null : { value: this.value });
  }

  show(wanted) {
    this.node.hidden = !wanted;
  }

  /** Say what is wrong here, or what asks for care. */
  tell(flaws, warnings) {
    const said = flaws.map((flaw) => t(flaw.code, flaw.values));
    const cared = warnings.map((warning) => t(warning.code, warning.values));
    this.flaw.textContent = [...new Set([...said, ...cared])].join(" ");
    this.flaw.hidden = this.flaw.textContent === "";
    this.flaw.classList.toggle("only-care", said.length === 0);
    this.node.classList.toggle("flawed", said.length > 0);
    this.place.querySelectorAll("input, textarea, select").forEach((control) => {
      if (said.length) control.setAttribute("aria-invalid", "true");
      else control.removeAttribute("aria-invalid");
    });
  }

  focus() {
    const place = this.status === undefined ? this.place : this.sentinels;
    const control = place.querySelector("input, textarea, select, button");
    control?.focus({ preventScroll: true });
    this.node.scrollIntoView({ block: "start" });
  }
}
