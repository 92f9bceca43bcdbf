// The answers of one interview, checked as the server checks them (app/studies/answers.py): every flaw at once, by
// JSON pointer and the name of a text. Pure: it reads and writes nothing.

import { checker } from "./values.js";

const ROOT = "/answers";
const SENTINELS = ["declined", "not_asked", "unknown"];
const TOLD = ["teach_back_passed", "teach_back_partial"];
export const PUBLIC = "public_account"; // nobody consented to these, and nobody can withdraw
const PUBLIC_SCOPES = ["team_analysis", "aggregate_statistics"];
const PARTIAL_SCOPES = ["team_analysis"];

/**
 * Check answers against a form (form/instrument.js).
 *
 * Gives {flaws, warnings: [{pointer, code, values}], wanted: Set of the fields that apply, consented, scopes}.
 * `consented` says whether anything may be stored at all; `scopes` are those in force, not those ticked.
 */
export function check(form, answers) {
  const run = new Run(form, answers);
  if (!Object.keys(answers).every((name) => form.fields.has(name))) run.note(ROOT, "flaw_object");
  for (const field of form.fields.values()) run.take(field);
  return run.result();
}

/** What of the answers applies: the rest is neither stored nor sent. */
export function applying(answers, wanted) {
  return Object.fromEntries(Object.entries(answers).filter(([name]) => wanted.has(name)));
}

class Run {
  constructor(form, answers) {
    this.form = form;
    this.answers = answers;
    this.flaws = [];
    this.warnings = [];
    this.wanted = new Set();
    this.read = new Map();
    this.bad = new Set();
    this.note = (pointer, code, values = {}) => this.flaws.push({ pointer, code, values });
  }

  take(field) {
    const before = this.flaws.length;
    // A condition over a flawed answer cannot be told: nothing is said about who depends on it.
    const unsure = field.condition.some((test) => this.bad.has(test.field));
    const sure = this.form.asks(field) && field.condition.every((test) => this.holds(test));
    if (sure) this.wanted.add(field.name);
    const at = `${ROOT}/${field.name}`;
    const needed = field.status === "required" || field.status === "conditional";
    if (!Object.hasOwn(this.answers, field.name)) {
      if (sure && needed && !unsure) this.note(at, "flaw_required");
    } else if (sure || (unsure && this.form.asks(field))) {
      this.readAnswer(field, at, this.answers[field.name]);
    } else {
      this.note(at, "flaw_not_asked");
    }
    if (this.flaws.length > before) this.bad.add(field.name);
  }

  holds(test) {
    const value = this.value(test.field);
    if (value === undefined) return false;
    const chosen = Array.isArray(value) ? value : [value];
    const met = chosen.some((name) => (test.in ?? test.not_in).includes(name));
    return test.in ? met : !met;
  }

  value(name) {
    return this.read.get(name)?.value;
  }

  readAnswer(field, at, answer) {
    const keys = answer !== null && typeof answer === "object" && !Array.isArray(answer) ? Object.keys(answer) : [];
    if (keys.length !== 1 || (keys[0] !== "value" && keys[0] !== "status")) this.note(at, "flaw_object");
    else if (keys[0] === "value") this.readValue(field, `${at}/value`, answer.value);
    else this.readStatus(field, `${at}/status`, answer.status);
  }

  readValue(field, at, value) {
    const before = this.flaws.length;
    checker(field, this.form.allows)(value, at, this.note);
    if (this.flaws.length > before) return;
    this.read.set(field.name, { value });
    const chosen = Array.isArray(value) ? value : [value];
    if (field.choices.some((choice) => choice.effect === "warn" && chosen.includes(choice.name))) {
      this.warnings.push({ pointer: at, code: "warn_care", values: {} });
    }
  }

  readStatus(field, at, status) {
    if (!field.sentinels) this.note(at, "flaw_value_only");
    else if (!SENTINELS.includes(status)) this.note(at, "flaw_choice");
    else this.read.set(field.name, { status });
  }

  isPublic() {
    return this.value("source_type") === PUBLIC;
  }

  consented() {
    return this.isPublic() || (
      this.value("consent_given") === true
      && this.value("confidentiality_limits_explained") === true
      && TOLD.includes(this.value("consent_comprehension"))
    );
  }

  scopes() {
    if (this.isPublic()) return PUBLIC_SCOPES;
    const ticked = this.value("consent_scopes") ?? [];
    const partial = this.value("consent_comprehension") === "teach_back_partial";
    return partial ? ticked.filter((scope) => PARTIAL_SCOPES.includes(scope)) : ticked;
  }

  result() {
    const scopes = this.scopes();
    const ticked = this.value("consent_scopes") ?? [];
    if (!ticked.every((scope) => scopes.includes(scope))) {
      this.warnings.push({ pointer: `${ROOT}/consent_scopes/value`, code: "warn_partial", values: {} });
    }
    const { flaws, warnings, wanted } = this;
    return { flaws, warnings, wanted, consented: this.consented(), scopes };
  }
}
