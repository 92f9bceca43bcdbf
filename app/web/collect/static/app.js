// The app: which screen is shown, in which language and under which name, and when it locks itself.

import * as attachments from "./attachments.js";
import { is } from "./errors.js";
import { el } from "./form/dom.js";
import { Form } from "./form/instrument.js";
import { Interview, OPENED, PREFIX } from "./form/entry.js";
import { preferred, speak, t } from "./form/texts.js";
import { install } from "./install.js";
import * as queue from "./queue.js";
import { askScreen } from "./screens/ask.js";
import { enrolScreen, unsupportedScreen } from "./screens/enrol.js";
import { filesScreen } from "./screens/files.js";
import { homeScreen } from "./screens/home.js";
import { showTop } from "./screens/top.js";
import { unlockScreen } from "./screens/unlock.js";
import { known, refresh } from "./server.js";
import { supported } from "./support.js";
import * as vault from "./vault.js";
import { panic } from "./wipe.js";

const LOOK = "look"; // the one thing kept outside the database: language, name and icon
const NEUTRAL = { name: "Notes", icon: "notes" };
const COUNT = "count"; // how many interviews were begun on this phone
const FORMS = "form/"; // questionnaires that were begun with: a newer version leaves what was begun as it is

class App {
  constructor() {
    this.look = { ...NEUTRAL, ...JSON.parse(localStorage.getItem(LOOK) ?? "{}") };
    this.interview = null;
    this.known = null;
    this.screen = null;
    this.code = "";
    this.picked = null; // files that were chosen while the app was locked, and the draft that they are for
  }

  async start() {
    await this.speak(preferred(this.look.language));
    this.dress();
    if (!(await supported())) {
      this.show(unsupportedScreen);
      return;
    }
    watch(this);
    // A page that is about to load again leaves the code of a link for then.
    if (!(await install())) this.code = takeCode();
    this.show((await vault.state()) === "new" ? enrolScreen : unlockScreen);
    await queue.start();
  }

  /** Show a screen: a function from the app to an element. */
  show(screen) {
    this.screen = screen;
    showTop(this);
    this.render();
    window.scrollTo(0, 0);
    const main = document.getElementById("main");
    (main.querySelector("h1") ?? main).focus({ preventScroll: true });
  }

  /** Make the screen anew; what stands over it stays, or a button pressed once would forget it. */
  render() {
    document.getElementById("main").replaceChildren(this.screen(this));
  }

  async speak(language) {
    await speak(language);
    this.keepLook({ language });
  }

  async changeLanguage(language) {
    await this.speak(language);
    showTop(this);
    this.render();
  }

  keepLook(changes) {
    Object.assign(this.look, changes);
    localStorage.setItem(LOOK, JSON.stringify(this.look));
  }

  /** Wear the name and the icon that the study chose. */
  dress() {
    const { name, icon } = this.look;
    document.title = name;
    for (const rel of ["icon", "apple-touch-icon"]) {
      document.querySelector(`link[rel="${rel}"]`).href = `/collect/icons/${icon}-192.png`;
    }
    document.querySelector('link[rel="manifest"]').href = `/collect/manifest.webmanifest?${new URLSearchParams({ name, icon })}`;
  }

  /** Read what the vault holds, right after it was opened, and go on where somebody stopped. */
  async opened() {
    await this.learn();
    const id = await vault.get(OPENED);
    const draft = id ? await vault.get(PREFIX + id) : null;
    if (draft && this.form(draft.instrument)) await this.resume(draft);
    else this.show(homeScreen);
    if (this.interview && this.picked?.draft === draft.id) this.show(filesScreen());
    this.picked = null;
    attachments.sweep().catch(() => null);
    this.catchUp();
  }

  async learn() {
    const begun = await Promise.all((await vault.names(FORMS)).map((name) => vault.get(name)));
    this.known = { ...(await known()), begun };
    this.keepLook({ name: this.known.app_name, icon: this.known.app_icon });
    this.dress();
    showTop(this);
  }

  /** Ask the server for what is new, and send what waits; silent while there is no connection. */
  async catchUp() {
    await refresh().catch(() => null);
    await queue.send().catch(() => null);
    if (!this.known) return;
    await this.learn();
    if (this.screen === homeScreen) this.render();
  }

  /** The form of this id and version; null if the phone does not have it. */
  form({ id, version }) {
    const definitions = [...this.known.instruments.map((each) => each.definition), ...this.known.begun];
    const found = definitions.find((each) => each.id === id && each.version === version);
    return found ? new Form(found, this.known.policy) : null;
  }

  async begin(definition) {
    const number = ((await vault.get(COUNT)) ?? 0) + 1;
    await vault.put(COUNT, number);
    await vault.put(`${FORMS}${definition.id}/${definition.version}`, definition);
    this.hold(Interview.fresh(new Form(definition, this.known.policy), number, today(), drafts));
  }

  async resume(draft) {
    await vault.put(OPENED, draft.id);
    this.hold(Interview.resumed(this.form(draft.instrument), draft, drafts));
  }

  hold(interview) {
    this.interview = interview;
    this.show(askScreen);
  }

  /** Leave the interview for the list; what may be stored is, and without consent nothing stays. */
  async leave() {
    await this.interview?.save();
    if (this.interview?.dropped) await this.interview.discard();
    this.interview = null;
    await vault.drop(OPENED);
    this.show(homeScreen);
  }

  async discard() {
    await this.interview.discard();
    await this.leave();
  }

  /** Let go of everything that was read with the key. */
  locked() {
    this.interview = null;
    this.known = null;
    this.show(unlockScreen);
  }

  async erase() {
    this.interview = null;
    this.picked = null;
    this.known = null;
    document.title = NEUTRAL.name;
    await panic();
  }

  get open() {
    return this.known !== null;
  }
}

/** Where an interview keeps its draft. */
const drafts = { put: vault.put, drop: vault.drop, discard: attachments.discard };

function today() {
  const now = new Date();
  const parts = [now.getFullYear(), now.getMonth() + 1, now.getDate()];
  return parts.map((part) => String(part).padStart(2, "0")).join("-");
}

/** The one-time code of an enrolment link. It is taken out of the address at once. */
function takeCode() {
  const code = new URLSearchParams(window.location.hash.slice(1)).get("code");
  if (window.location.hash) window.history.replaceState(null, "", window.location.pathname);
  return code ?? "";
}

function watch(app) {
  vault.beforeLock(() => app.interview?.save());
  vault.changes.addEventListener("lock", () => app.locked());
  document.addEventListener("visibilitychange", () => document.hidden && app.interview?.save());
  window.addEventListener("online", () => app.open && app.catchUp());
  window.addEventListener("hashchange", () => {
    app.code = takeCode() || app.code;
    if (app.screen === enrolScreen) app.show(enrolScreen);
  });
  window.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    tellTrouble(event.reason);
  });
  queue.changed.addEventListener("change", () => app.open && app.screen === homeScreen && app.render());
}

/** Something failed that no screen expected: say so, and nothing of what was entered. */
function tellTrouble(error) {
  if (is(error, "Locked")) return;
  const text = t(is(error, "Full") ? "storage_full" : "went_wrong");
  document.getElementById("main").prepend(el("p", { class: "problem", role: "alert" }, text));
}

new App().start();
