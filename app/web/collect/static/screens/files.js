// Photos, recordings and documents of an interview: taken or chosen, listed, removed.

import * as attachments from "../attachments.js";
import { Trouble } from "../errors.js";
import { button, el, icon, input } from "../form/dom.js";
import { bytes, t } from "../form/texts.js";
import { goTo } from "./ask.js";
import { heading, pressedTwice, say } from "./parts.js";

const PROBLEMS = { TooLarge: "files_large", TooMany: "files_most", Unreadable: "files_unreadable", Full: "storage_full", Missing: "files_gone" };
// What a phone opens for each: its camera, its recorder, its files.
const SOURCES = [
  ["files_photo", { accept: "image/*", capture: "environment" }],
  ["files_record", { accept: "audio/*", capture: "user" }],
  ["files_choose", { multiple: true }],
];

/** A button that leads there; `back` shows again where one came from. */
export function filesButton(app, back) {
  return button([icon("attach"), t("files_title")], () => app.show(filesScreen(back)), { class: "quiet wide" });
}

/** The screen. Files that were chosen while the app was locked are added now; `back` leads to the questions by default. */
export function filesScreen(back = null) {
  return (app) => new Files(app, back ?? (() => goTo(app, app.interview.draft.at.step, app.interview.draft.at.field))).node;
}

class Files {
  constructor(app, back) {
    this.app = app;
    this.interview = app.interview;
    this.entries = el("ul", { class: "entries files" });
    this.note = el("p", { class: "care", role: "status", hidden: true });
    this.problem = el("p", { class: "problem", role: "alert", hidden: true });
    this.node = el("div", { class: "screen" },
      heading(t("files_title")),
      el("p", {}, t("files_why")),
      this.entries, this.note, this.problem,
      el("div", { class: "stack" }, SOURCES.map(([name, attributes]) => this.source(name, attributes))),
      el("p", { class: "hint" }, t("files_copy")),
      el("div", { class: "bar" }, button(t("back"), back, { class: "quiet" })));
    this.draw();
    const { picked } = app;
    app.picked = null;
    if (picked?.draft === this.interview.draft.id) this.add(picked.files);
  }

  source(name, attributes) {
    const box = input({ type: "file", hidden: true, "aria-label": t(name), ...attributes, on: {
      change: () => {
        const files = [...box.files];
        box.value = "";
        this.add(files);
      },
    } });
    return el("div", {}, button(t(name), () => box.click(), { class: "wide" }), box);
  }

  async draw() {
    const files = await attachments.list(this.interview.draft.id);
    const none = el("li", {}, el("p", { class: "hint" }, t("files_none")));
    this.entries.replaceChildren(...(files.length ? files.map((file) => this.entry(file)) : [none]));
  }

  entry({ id, name, size }) {
    const drop = async () => {
      await attachments.remove(this.interview.draft.id, id);
      await this.draw();
    };
    const asked = (armed) => { node.textContent = armed ? t("files_remove_again") : t("remove", { what: apart(name) }); };
    const node = pressedTwice(t("remove", { what: apart(name) }), drop, asked, { class: "quiet danger", "aria-live": "polite" });
    return el("li", { class: "entry" },
      el("p", { class: "entry-name" }, el("bdi", {}, name)), el("p", { class: "hint" }, bytes(size)), node);
  }

  /** One after the other. What fails is said, and the others go on. */
  async add(files) {
    const problems = [];
    for (const [at, file] of files.entries()) {
      say(this.note, t("files_adding", { what: apart(file.name) }));
      try {
        await this.keepDraft();
        await attachments.add(this.interview.draft.id, file);
      } catch (error) {
        if (error.name === "Locked") {
          this.app.picked = { draft: this.interview.draft.id, files: files.slice(at) };
          return;
        }
        problems.push(t(PROBLEMS[error.name] ?? "went_wrong", {
          what: apart(file.name), most: bytes(attachments.LARGEST), count: attachments.MOST,
        }));
      }
      await this.draw().catch(() => {});
    }
    say(this.note, null);
    say(this.problem, [...new Set(problems)].join(" "));
  }

  /** A file is kept with a draft that is stored. One that was opened anew since is not written over. Missing if it is closed. */
  async keepDraft() {
    if (this.interview.closed) throw new Trouble("Missing");
    if (this.app.interview !== this.interview) return;
    await this.interview.save();
    if (this.interview.outcome) throw this.interview.outcome;
  }
}

/** A name of any script within a text of another. */
function apart(name) {
  return `\u2068${name}\u2069`;
}
