// The interview itself, one section at a time.

import { is } from "../errors.js";
import { button, el } from "../form/dom.js";
import { Question } from "../form/question.js";
import { pick, t } from "../form/texts.js";
import * as queue from "../queue.js";
import { filesButton } from "./files.js";
import { finishScreen } from "./finish.js";
import { heading, pressedTwice } from "./parts.js";
import { tokenCard } from "./token.js";

const TELL_AFTER = 400; // milliseconds

export function askScreen(app) {
  const { interview } = app;
  const steps = interview.form.steps();
  const at = Math.min(interview.draft.at.step, steps.length - 1);
  return new Step(app, interview, steps, at).node;
}

/** Show a step, and one of its questions where one is named. */
export function goTo(app, step, field = null) {
  app.interview.note({ at: { step, field } });
  app.interview.save();
  app.show(askScreen);
}

class Step {
  constructor(app, interview, steps, at) {
    this.app = app;
    this.interview = interview;
    this.steps = steps;
    this.at = at;
    this.step = steps[at];
    this.questions = this.step.fields.map((field) => new Question(field, interview.draft.answers[field.name], (answer) => {
      interview.answer(field.name, answer);
      this.tellSoon();
    }));
    this.node = this.build();
    this.tell();
    interview.told = () => this.tellSaved();
    this.returnTo(interview.draft.at.field);
  }

  build() {
    const { interview, step, at, steps } = this;
    this.saved = el("p", { class: "saved" });
    this.problem = el("p", { class: "problem", role: "alert", hidden: true });
    this.token = at === 0 ? tokenCard(interview) : null;
    this.next = button("", () => this.leave(), { class: "primary" });
    this.files = filesButton(this.app, () => goTo(this.app, at, interview.draft.at.field));
    const last = at === 0 ? this.leaving()
      : button(t("back"), () => goTo(this.app, at - 1), { class: "quiet" });
    const node = el("div", { class: "screen asking" },
      el("p", { class: "progress" }, t("step_of", { number: at + 1, count: steps.length })),
      el("progress", { max: steps.length, value: at + 1, "aria-label": t("progress") }),
      heading(pick(step.title)),
      this.overview(),
      el("p", { class: "care prompt" }, pick(interview.form.prompt)),
      at === 0 && el("p", {}, t("consent_first")),
      at === 0 && this.caseChoice(),
      this.questions.map((question) => question.node),
      this.token, this.files, this.problem,
      el("div", { class: "bar" }, this.saved, last, this.next));
    node.addEventListener("focusin", (event) => this.remember(event.target));
    node.addEventListener("focusout", () => this.tellSoon());
    return node;
  }

  /** All sections, to go to any of them; with what is missing in each when it is opened. */
  overview() {
    const list = el("ol", { class: "sections" });
    const details = el("details", { class: "overview" }, el("summary", {}, t("all_sections")), list,
      button(t("check"), () => this.app.show(finishScreen), { class: "quiet wide" }),
      button(t("to_list"), () => this.app.leave(), { class: "quiet wide" }),
      this.discarding());
    details.addEventListener("toggle", () => list.replaceChildren(...this.sections()));
    this.details = details;
    return details;
  }

  /** For somebody who changed their mind. */
  discarding() {
    const say = (armed) => { node.textContent = t(armed ? "discard_again" : "discard"); };
    const node = pressedTwice(t("discard"), () => this.app.discard(), say, { class: "quiet wide danger", "aria-live": "polite" });
    return node;
  }

  /** To the list. Once consent was taken back that deletes the files, too, and is asked again. */
  leaving() {
    const say = (armed) => { node.textContent = t(armed ? "discard_again" : "to_list"); };
    const asks = () => this.interview.dropped;
    const node = pressedTwice(t("to_list"), () => this.app.leave(), say, { class: "quiet", "aria-live": "polite" }, asks);
    return node;
  }

  sections() {
    return this.steps.map((step, i) => {
      const open = step.fields.filter((field) => this.interview.flawsOf(field.name).length).length;
      const words = open ? `${pick(step.title)} (${t("missing", { count: open })})` : pick(step.title);
      const here = i === this.at ? "step" : null;
      return el("li", {}, button(words, () => goTo(this.app, i), { class: "quiet wide", "aria-current": here }));
    });
  }

  /** A further interview with somebody: the cases that this phone knows, never one typed by hand. */
  caseChoice() {
    const place = el("div", {});
    queue.entries().then((entries) => {
      const codes = [...new Set(entries.map((entry) => entry.case).filter(Boolean))];
      if (!codes.length) return;
      const choose = el("select", { id: "case", autocomplete: "off" }, el("option", { value: "" }, t("case_new")),
        codes.map((code) => el("option", { value: code }, code)));
      choose.value = this.interview.draft.case ?? "";
      choose.addEventListener("change", () => this.interview.note({ case: choose.value || null }));
      place.append(el("div", { class: "field" }, el("label", { for: "case" }, t("case_choose")), choose));
    });
    return place;
  }

  remember(target) {
    const field = target.closest("[data-field]")?.dataset.field;
    const { at } = this.interview.draft;
    if (field && at.field !== field) this.interview.note({ at: { step: this.at, field } });
  }

  returnTo(field) {
    const question = this.questions.find((each) => each.field.name === field);
    if (question) setTimeout(() => question.focus());
  }

  /** Not at once: a message that comes while a finger is on its way to a button moves the button away. */
  tellSoon() {
    this.show();
    clearTimeout(this.telling);
    this.telling = setTimeout(() => this.tell(), TELL_AFTER);
  }

  /** Show what applies, and what may be stored. */
  show() {
    const { interview, at, steps } = this;
    const { wanted } = interview.judged;
    this.questions.forEach((question) => question.show(wanted.has(question.field.name)));
    // Only what may be stored may be gone on with.
    this.details.hidden = this.files.hidden = !interview.consented;
    this.tellSaved();
    if (this.token) this.token.hidden = !interview.consented || interview.isPublic;
    const anyway = interview.consented && interview.attempted.has(this.step.id) && this.flawed().length > 0;
    this.next.textContent = t(anyway ? "next_anyway" : at + 1 < steps.length ? "next" : "check");
  }

  /** Say what is wrong at each question; what is only missing, once somebody wanted to go on. */
  tell() {
    const { interview } = this;
    this.show();
    const attempted = interview.attempted.has(this.step.id);
    for (const question of this.questions) {
      const flaws = interview.flawsOf(question.field.name);
      const due = question.touched ? flaws.filter((flaw) => attempted || question.value !== undefined && isTold(flaw)) : [];
      question.tell(attempted ? flaws : due, interview.warningsOf(question.field.name));
    }
    if (interview.consented) this.problem.hidden = true;
  }

  flawed() {
    return this.questions.filter((question) => this.interview.flawsOf(question.field.name).length);
  }

  /** Say whether what was entered is on the phone; aloud only if it cannot be. */
  tellSaved() {
    const { consented, stored, pending, outcome } = this.interview;
    const failed = consented && outcome !== null;
    const text = failed ? (is(outcome, "Full") ? "storage_full" : "not_saved") : consented ? "saved" : "not_stored";
    const words = failed || !consented || (stored && !pending) ? t(text) : "";
    this.saved.classList.toggle("failed", failed);
    this.saved.setAttribute("role", failed ? "alert" : "note");
    if (this.saved.textContent !== words) this.saved.textContent = words;
  }

  /** Go on. What is missing is told first; without consent there is no going on. */
  leave() {
    const { app, interview, at, steps } = this;
    const flawed = this.flawed();
    const told = interview.attempted.has(this.step.id);
    interview.attempted.add(this.step.id);
    if (flawed.length && (!told || !interview.consented)) {
      this.tell();
      this.problem.textContent = t(interview.consented ? "step_missing" : "consent_missing", { count: flawed.length });
      this.problem.hidden = false;
      flawed[0].focus();
    } else if (at + 1 < steps.length) {
      goTo(app, at + 1);
    } else {
      interview.save();
      app.show(finishScreen);
    }
  }
}

/** Whether a flaw is told as soon as its question was left: what is missing as a whole is not. */
function isTold(flaw) {
  return flaw.pointer.split("/").length > 3;
}
