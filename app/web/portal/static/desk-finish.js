// What ends the work on a draft: the risk that is left, and handing it on once everything is saved.
import { $ } from "./desk-words.js";

const app = document.querySelector(".desk-app");

export function showResidual(desk) {
  for (const radio of app.querySelectorAll("[data-rating]")) radio.checked = radio.value === desk.residual.rating;
  const note = app.querySelector("[data-note]");
  if (note) note.value = desk.residual.note;
}

export function watchResidual(desk, saver) {
  app.addEventListener("input", (event) => {
    if (event.target.matches("[data-rating]")) desk.residual.rating = event.target.value;
    else if (event.target.matches("[data-note]")) desk.residual.note = event.target.value;
    else return;
    saver.changed();
  });
}

export function watchHandingOn(desk, saver) {
  for (const form of [$("finish"), $("again")]) {
    form?.addEventListener("submit", async (event) => {
      const empty = form.querySelector("[aria-disabled]") && desk.version === 0 && !desk.dirty;
      if (!empty && !saver.pending) {
        fillIn(form, desk, saver);
        return;
      }
      event.preventDefault();
      event.stopPropagation();
      if (!empty && (await saver.flush())) {
        fillIn(form, desk, saver);
        form.requestSubmit();
      }
    });
  }
}

// Once there is a draft, it can be finished.
export function allowFinish() {
  const button = document.querySelector("#finish [aria-disabled]");
  if (!button) return;
  button.removeAttribute("aria-disabled");
  button.removeAttribute("aria-describedby");
  document.querySelector("[data-no-draft]").hidden = true;
}

function fillIn(form, desk, saver) {
  const version = form.querySelector("[name=version]");
  if (version) version.value = desk.version;
  form.querySelector("[name=form_token]").value = saver.token;
}
