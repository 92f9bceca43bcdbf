// The list: a new interview, drafts to go on with, what was finished and where it stands, and the settings.
//
// An interview is called by a number and a day, by nothing else.

import { PREFIX } from "../form/entry.js";
import { button, el, icon } from "../form/dom.js";
import { day, pick, t } from "../form/texts.js";
import * as queue from "../queue.js";
import * as vault from "../vault.js";
import { enrolScreen } from "./enrol.js";
import { busy, heading } from "./parts.js";
import { settingsScreen } from "./settings.js";

const SOON = 7; // days left from which on it is said loudly

export function homeScreen(app) {
  const drafts = el("div", {});
  const entries = el("div", {});
  fill(drafts, () => draftList(app));
  fill(entries, () => queueList(app));
  return el("div", { class: "screen" },
    heading(t("interviews")),
    advice(app),
    beginning(app),
    drafts, entries,
    button([icon("settings"), t("settings")], () => app.show(settingsScreen), { class: "quiet wide" }));
}

async function fill(place, make) {
  place.replaceChildren(...(await make()).filter(Boolean));
}

/** What keeps the phone from finishing interviews now or soon. */
function advice(app) {
  const { key, instruments, revoked } = app.known;
  if (revoked) {
    const again = button(t("enrol_title"), () => app.show(enrolScreen), { class: "wide" });
    return el("div", { class: "stack" }, el("p", { class: "problem" }, t("revoked")), again);
  }
  if (!instruments.length) return el("p", { class: "problem" }, t("no_instrument"));
  if (!key) return el("p", { class: "problem" }, t("key_needed"));
  const left = Math.floor((key.sealUntil - Date.now() / 1000) / 86400);
  return left < SOON ? el("p", { class: "care" }, t("key_soon", { count: left })) : null;
}

function beginning(app) {
  const { instruments } = app.known;
  return el("div", { class: "stack" }, instruments.map(({ definition }) => {
    const name = instruments.length > 1 ? `${t("new_interview")}: ${pick(definition.title)}` : t("new_interview");
    const go = button(name, () => busy(go, () => app.begin(definition)), { class: "wide" });
    return go;
  }));
}

async function draftList(app) {
  const names = await vault.names(PREFIX);
  if (!names.length) return [];
  const drafts = (await Promise.all(names.map((name) => vault.get(name)))).filter(Boolean);
  drafts.sort((one, other) => other.number - one.number);
  return [el("h2", {}, t("drafts")), el("ul", { class: "entries" }, drafts.map((draft) => {
    const usable = app.form(draft.instrument);
    const go = button(called(draft), () => busy(go, () => app.resume(draft)), { class: "quiet wide entry", disabled: !usable });
    return el("li", {}, go, !usable && el("p", { class: "hint" }, t("form_missing")));
  }))];
}

async function queueList(app) {
  const entries = await queue.entries();
  if (!entries.length) return [];
  return [
    el("h2", {}, t("finished")),
    el("ul", { class: "entries" }, entries.map((entry) => el("li", { class: `entry ${entry.state}` }, ...told(app, entry)))),
    entries.some((entry) => entry.state === "waiting") && sendButton(app),
  ];
}

function sendButton(app) {
  const go = button(t("send_now"), () => busy(go, () => app.catchUp()), { class: "quiet wide" });
  return go;
}

function called({ number, day: iso }) {
  return t("called", { number, day: day(iso) });
}

// Once the interview is there, what waits, was refused or is lost are its files.
function stateOf({ state, arrived }) {
  return arrived && state !== "sending" ? `state_${state}_files` : `state_${state}`;
}

function told(app, entry) {
  const parts = [el("p", { class: "entry-name" }, called(entry)), el("p", { class: "state" }, t(stateOf(entry)))];
  if (entry.files) parts.push(el("p", {}, t("files_sent", entry.files)));
  if (["waiting", "sending"].includes(entry.state)) {
    parts.push(el("p", { class: entry.daysLeft < SOON ? "care" : "hint" }, t("days_left", { count: entry.daysLeft })));
  }
  if (entry.case) parts.push(el("p", {}, t("case_code"), " ", el("bdi", { class: "mono" }, entry.case)));
  if (entry.state === "refused") {
    parts.push(el("p", { class: "problem" }, t(entry.problem.name === "Tampered" ? "problem_tampered" : "refused_do")));
  }
  if (["sent", "refused", "lost"].includes(entry.state)) {
    const label = { class: "quiet", "aria-label": `${t("forget")}: ${called(entry)}` };
    const go = button(t("forget"), () => busy(go, () => queue.forget(entry.id)), label);
    parts.push(go);
  }
  return parts;
}
