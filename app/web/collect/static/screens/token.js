// The interviewee's way out: a token to be handed over, shown once.

import { button, el } from "../form/dom.js";
import { t } from "../form/texts.js";
import { hashed, newToken } from "../form/withdrawal.js";
import { busy } from "./parts.js";

export function tokenCard(interview) {
  const card = el("section", { class: "card token", "aria-labelledby": "token-title" });
  draw(card, interview);
  return card;
}

function draw(card, interview) {
  const { shownToken: token, draft } = interview;
  const parts = token ? shown(card, interview, token) : offered(card, interview, draft.withdrawal_sha256 !== null);
  card.replaceChildren(el("h2", { id: "token-title", tabindex: "-1" }, t("token_title")), ...parts);
}

function offered(card, interview, done) {
  const make = button(t(done ? "token_another" : "token_make"), () => {
    interview.shownToken = newToken();
    draw(card, interview);
    card.querySelector("h2").focus();
  }, { class: done ? "quiet" : "" });
  return [el("p", {}, t(done ? "token_done" : "token_why")), make];
}

function shown(card, interview, token) {
  const hide = button(t("token_hide"), () => busy(hide, async () => {
    interview.note({ withdrawal_sha256: await hashed(token) });
    interview.shownToken = null;
    draw(card, interview);
    card.querySelector("h2").focus();
  }));
  return [el("p", {}, t("token_write")), el("p", { class: "secret mono", dir: "ltr" }, token), hide];
}
