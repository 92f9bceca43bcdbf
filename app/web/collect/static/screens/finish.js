// Before the end: what is still missing, what asks for care, and the seal.

import * as attachments from "../attachments.js";
import { fieldOf } from "../form/instrument.js";
import { button, el } from "../form/dom.js";
import { pick, t } from "../form/texts.js";
import * as queue from "../queue.js";
import { goTo } from "./ask.js";
import { filesButton } from "./files.js";
import { busy, heading, say } from "./parts.js";

const PROBLEMS = { KeyMissing: "key_needed", KeyTooOld: "key_needed", Full: "storage_full", Revoked: "revoked" };

export function finishScreen(app) {
  const { interview } = app;
  const steps = interview.form.steps();
  const missing = found(interview.judged.flaws);
  const careful = found(interview.judged.warnings);
  return el("div", { class: "screen" },
    heading(t("check")),
    missing.length ? el("p", { class: "problem" }, t("check_missing", { count: missing.length }))
      : el("p", { class: "good" }, t("check_fine")),
    missing.length > 0 && places(app, steps, missing),
    careful.length > 0 && [el("h2", {}, t("check_care")), places(app, steps, careful)],
    !interview.isPublic && interview.draft.withdrawal_sha256 === null && el("p", { class: "care" }, t("token_missing")),
    filesCard(app),
    missing.length === 0 && sealing(app),
    el("div", { class: "bar" }, button(t("back"), () => goBack(app, interview.draft.at), { class: "quiet" })));
}

function goBack(app, { step, field }) {
  goTo(app, step, field);
}

/** What goes with the interview, and a way to add to it. */
function filesCard(app) {
  const count = el("p", {}, "…");
  attachments.list(app.interview.draft.id).then(({ length }) => {
    count.textContent = length ? t("files_with", { count: length }) : t("files_none");
  });
  const section = el("section", { class: "card" }, count, filesButton(app, () => app.show(finishScreen)));
  return section;
}

function found(list) {
  return [...new Set(list.map((each) => fieldOf(each.pointer)))];
}

function places(app, steps, names) {
  return el("ul", { class: "entries" }, names.map((name) => {
    const at = steps.findIndex((step) => step.fields.some((field) => field.name === name));
    const field = steps[at].fields.find((each) => each.name === name);
    const go = () => {
      app.interview.attempted.add(steps[at].id);
      goTo(app, at, name);
    };
    const words = [el("span", {}, pick(field.label)), el("span", { class: "hint" }, pick(steps[at].title))];
    return el("li", {}, button(words, go, { class: "quiet wide entry" }));
  }));
}

function sealing(app) {
  const { interview } = app;
  const problem = el("p", { class: "problem", role: "alert", hidden: true });
  const seal = button(t("seal"), () => busy(seal, async () => {
    const { id, number, day } = interview.draft;
    await interview.save();
    interview.closed = true;
    try {
      await queue.finish(id, interview.body(), { number, day });
    } catch (error) {
      interview.closed = false;
      say(problem, t(PROBLEMS[error.name] ?? "went_wrong"));
      return;
    }
    app.interview = null;
    app.show(sealedScreen);
    app.catchUp();
  }), { class: "wide" });
  return el("section", { class: "card" }, el("p", {}, t("seal_means")), problem, seal);
}

function sealedScreen(app) {
  return el("div", { class: "screen" }, heading(t("sealed_title")), el("p", { class: "good" }, t("sealed")),
    el("p", {}, t("sealed_next")), button(t("to_list"), () => app.leave(), { class: "wide" }));
}
