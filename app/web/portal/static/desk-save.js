// Saves the desk's decisions as one works. What cannot be saved stays in this tab, which says so; nothing is written to
// the machine's disk.

const WAIT = 1000; // milliseconds after the last change
const LONGEST = 6000; // but never longer than this after the first one
const AGAIN = 4000; // after a failure of the connection

export class Saver {
  constructor(desk, root, { saved, conflict }) {
    this.desk = desk;
    this.path = root.dataset.path;
    this.token = root.dataset.token;
    this.tell = { saved, conflict };
    this.timer = 0;
    this.since = 0;
    this.running = null;
    this.stopped = "";
    this.theirs = null;
    addEventListener("online", () => this.again());
    addEventListener("focus", () => this.again());
    addEventListener("beforeunload", (event) => { if (this.pending) event.preventDefault(); });
    document.addEventListener("visibilitychange", () => { if (document.hidden && this.pending) this.flush(); });
  }

  get pending() {
    return this.running !== null || this.desk.dirty;
  }

  show(state) {
    for (const each of document.querySelectorAll("[data-save]")) each.hidden = each.dataset.save !== state;
    document.getElementById("save").dataset.now = state;
  }

  changed() {
    if (this.stopped === "refused") this.stopped = "";
    if (this.stopped) return;
    if (!this.desk.dirty) { clearTimeout(this.timer); this.since = 0; this.show(this.running ? "saving" : "saved"); return; }
    this.show("changed");
    const time = performance.now();
    this.since ||= time;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), Math.max(0, Math.min(WAIT, this.since + LONGEST - time)));
  }

  again() {
    if (this.stopped === "offline" || this.stopped === "signed-out") { this.stopped = ""; this.flush(); }
  }

  // Save now. Resolves to whether everything is saved.
  async flush() {
    clearTimeout(this.timer);
    while (this.running) await this.running;
    if (this.stopped) return false;
    if (!this.desk.dirty) return true;
    this.since = 0;
    this.running = this.send();
    const done = await this.running;
    this.running = null;
    if (done && this.desk.dirty) return this.flush();
    if (done) this.show("saved");
    return done;
  }

  async send() {
    this.show("saving");
    const sent = this.desk.changes();
    let answer;
    try {
      answer = await fetch(`${this.path}/changes`, {
        method: "POST",
        body: new URLSearchParams({ form_token: this.token, changes: JSON.stringify(sent.body) }),
        redirect: "manual",
      });
      if (answer.ok) {
        this.tell.saved(this.desk.saved(await answer.json(), sent));
        return true;
      }
    } catch {
      return this.stop("offline");
    }
    if (answer.status === 409) return this.conflict();
    if (answer.type === "opaqueredirect" || answer.status === 403 || answer.status === 401) return this.signedOut();
    return this.stop(answer.status === 404 ? "ended" : answer.status < 500 ? "refused" : "offline");
  }

  stop(state) {
    this.stopped = state;
    this.show(state);
    if (state === "offline") setTimeout(() => this.again(), AGAIN);
    return false;
  }

  async fetchTheirs() {
    const answer = await fetch(`${this.path}/state`, { redirect: "manual" });
    if (!answer.ok) return answer.status === 404 ? "ended" : "signed-out";
    this.theirs = await answer.json();
    this.token = this.theirs.token;
    return this.theirs.editable ? "" : "ended";
  }

  async conflict() {
    try {
      const trouble = await this.fetchTheirs();
      this.stop(trouble || "conflict");
      if (!trouble) this.tell.conflict();
    } catch {
      this.stop("offline");
    }
    return false;
  }

  // Signed in again elsewhere, the form's token is another one.
  async signedOut() {
    try {
      const before = this.token;
      const trouble = await this.fetchTheirs();
      if (trouble || this.token === before) return this.stop(trouble || "refused");
      return this.send();
    } catch {
      return this.stop("offline");
    }
  }

  // After a conflict was settled.
  resumed() {
    this.stopped = "";
    this.changed();
  }
}
