// Verifies stretch after stretch until the end of the chain.

const form = document.querySelector("form[data-verification]");
const after = form.querySelector("[name=after]");
let ended = form.dataset.ended !== "";

while (!ended) {
  const answer = await fetch(`${form.action}?after=${after.value}`, { headers: { accept: "application/json" } });
  if (!answer.ok || answer.redirected) {
    window.location.reload();
    break;
  }
  const stretch = await answer.json();
  for (const text of stretch.found) {
    const item = document.createElement("li");
    item.textContent = text;
    form.querySelector("[data-found]").append(item);
    form.querySelector("[data-bad]").hidden = false;
  }
  after.value = form.querySelector("progress").value = stretch.position;
  ended = stretch.ended;
}
form.querySelector("[data-done]").hidden = !ended;
form.querySelector("[data-good]").hidden = !ended || form.querySelector("[data-found]").children.length > 0;
