// One interview while it is being held: its answers, what they say together, and where they are kept.
//
// Nothing is stored before the rules of consent allow it: until then the answers are in memory only, and if consent is
// taken back what was stored is dropped. Its files stay, sealed, until the interview is left, for a finger may slip.

import { PUBLIC, applying, check } from "./answers.js";

export const PREFIX = "draft/";
export const OPENED = "opened"; // the vault's value that names the draft to come back to
const SAVE_AFTER = 2000; // milliseconds after the first change that is not stored yet

export class Interview {
  /**
   * `store` keeps encrypted values: put(name, value) and drop(name) (vault.js); discard(id) deletes a draft with its files
   * (attachments.js). `told` follows every save.
   */
  constructor(form, draft, store) {
    this.form = form;
    this.draft = draft;
    this.store = store;
    this.stored = false;
    this.dropped = false; // it was stored, and is not since consent was taken back
    this.saved = Promise.resolve();
    this.timer = null;
    this.told = () => {};
    this.outcome = null; // of the last save: an error, or null
    this.closed = false; // sealed or deleted: nothing is stored any more
    this.attempted = new Set(); // steps that were once to be left, so that what is missing there is told
    this.shownToken = null;
    this.judge();
  }

  static fresh(form, number, day, store) {
    const instrument = { id: form.id, version: form.version };
    const draft = { id: crypto.randomUUID(), number, day, instrument, case: null, answers: {}, withdrawal_sha256: null };
    return new Interview(form, { ...draft, at: { step: 0, field: null } }, store);
  }

  static resumed(form, draft, store) {
    const interview = new Interview(form, draft, store);
    interview.stored = true;
    return interview;
  }

  /** Find out what applies and what is wrong. What does not apply is not judged. */
  judge() {
    const { wanted } = check(this.form, this.draft.answers);
    this.judged = check(this.form, applying(this.draft.answers, wanted));
  }

  answer(name, answer) {
    if (answer === null) delete this.draft.answers[name];
    else this.draft.answers[name] = answer;
    this.judge();
    this.saveSoon();
  }

  /** Note something beside the answers: the place in the form, the withdrawal token's hash, the case. */
  note(changes) {
    Object.assign(this.draft, changes);
    this.saveSoon();
  }

  get answers() {
    return applying(this.draft.answers, this.judged.wanted);
  }

  get isPublic() {
    return this.answers.source_type?.value === PUBLIC;
  }

  get consented() {
    return this.judged.consented;
  }

  flawsOf(name) {
    return this.judged.flaws.filter((flaw) => concerns(flaw, name));
  }

  warningsOf(name) {
    return this.judged.warnings.filter((warning) => concerns(warning, name));
  }

  saveSoon() {
    if (this.consented) this.timer ??= setTimeout(() => this.save(), SAVE_AFTER);
    else this.save();
  }

  /** Whether something was entered that is not stored yet. */
  get pending() {
    return this.timer !== null;
  }

  /** Store what there is, or drop what may not be stored; one after the other. `outcome` is how it went. */
  save() {
    clearTimeout(this.timer);
    this.timer = null;
    this.saved = this.saved.then(() => this.write()).then(() => this.tell(null), (error) => this.tell(error));
    return this.saved;
  }

  tell(outcome) {
    this.outcome = outcome;
    this.told();
  }

  async write() {
    const name = PREFIX + this.draft.id;
    if (this.closed) return;
    if (this.consented) {
      await this.store.put(name, { ...this.draft, answers: this.answers });
      if (!this.stored) await this.store.put(OPENED, this.draft.id);
      this.stored = true;
      this.dropped = false;
    } else if (this.stored) {
      await this.store.drop(name);
      this.stored = false;
      this.dropped = true;
    }
  }

  /** Delete what is stored of it and its files, for good. */
  async discard() {
    this.closed = true;
    await this.saved;
    await this.store.discard(this.draft.id);
  }

  /** What the server is sent. */
  body() {
    return {
      case: this.draft.case,
      instrument: this.draft.instrument,
      answers: this.answers,
      withdrawal_sha256: this.draft.withdrawal_sha256,
    };
  }
}

function concerns(found, name) {
  return found.pointer === `/answers/${name}` || found.pointer.startsWith(`/answers/${name}/`);
}
