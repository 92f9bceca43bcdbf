// The lists beside the texts: every passage, and what still looks doubtful in the clean text.
import { $, doubtOf, element, number, said, shorts } from "./desk-words.js";

// Below this score the machine doubts its own find.
const DOUBTFUL = 0.6;

export class Lists {
  // ``choose(text, start, end)`` shows a doubt in the source.
  constructor(desk, choose) {
    this.desk = desk;
    this.choose = choose;
    this.items = new Map(); // span id -> its item
    this.doubts = -1;
    $("list-filter").addEventListener("change", () => this.filter());
  }

  build() {
    this.items = new Map();
    this.doubts = -1;
    $("list").replaceChildren(...this.desk.texts.flatMap((text) => text.spans.map((one) => this.itemOf(text, one))));
    this.count();
  }

  itemOf(text, one) {
    const item = element("li");
    const button = element("button", `quiet small span-item kind-${one.kind} ${one.level}${one.accepted ? "" : " kept"}`);
    button.type = "button";
    button.tabIndex = -1;
    button.dataset.goto = one.id;
    const state = element("span", "faint", one.accepted ? said.masked : said.kept);
    button.append(element("kbd", "", shorts[one.kind]), " ", element("bdi", "", text.text.slice(one.start, one.end)), " ", state);
    item.hidden = !this.wanted(one);
    item.append(button);
    this.items.set(one.id, item);
    return item;
  }

  wanted(one) {
    const filter = $("list-filter").value;
    if (!filter) return true;
    if (filter === "kept") return !one.accepted;
    if (filter === "doubtful") return one.score < DOUBTFUL;
    return filter === "direct" ? one.level === "direct" : one.kind === filter;
  }

  filter() {
    for (const text of this.desk.texts) for (const one of text.spans) this.items.get(one.id).hidden = !this.wanted(one);
  }

  update(changes) {
    for (const { text, gone, come } of changes) {
      for (const one of gone) this.drop(one.id);
      for (const one of come) {
        this.drop(one.id);
        const item = this.itemOf(text, one), next = this.items.get(this.desk.next(text, one)?.id);
        if (next) next.before(item); else $("list").append(item);
      }
    }
    this.count();
  }

  drop(id) {
    this.items.get(id)?.remove();
    this.items.delete(id);
  }

  // Show where one is, and scroll there within the list.
  mark(before, id) {
    this.items.get(before)?.classList.remove("now");
    const item = this.items.get(id), box = $("list");
    if (!item) return;
    item.classList.add("now");
    const seen = item.offsetTop >= box.scrollTop && item.offsetTop + item.offsetHeight <= box.scrollTop + box.clientHeight;
    if (!seen) box.scrollTop = item.offsetTop - box.clientHeight / 2;
  }

  count() {
    $("list-count").textContent = number.format(this.items.size);
    const left = this.desk.doubtsLeft();
    $("doubtful").hidden = !left.length;
    $("doubt-count").textContent = number.format(left.length);
    if (this.doubts !== left.length) $("doubts").replaceChildren(...left.map((doubt) => this.doubtItem(doubt)));
    this.doubts = left.length;
  }

  doubtItem({ text, start, end, reason }) {
    const item = element("li"), button = element("button", "quiet small span-item kind-MISC");
    button.type = "button";
    button.append(element("bdi", "", text.text.slice(start, end)), " ", element("span", "faint", doubtOf(reason)));
    button.addEventListener("click", () => this.choose(text, start, end));
    item.append(button);
    return item;
  }
}
