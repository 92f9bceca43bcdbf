// Sends batch after batch until nothing is left, and shows how far it has come. Stopping loses nothing.

const form = document.querySelector("form[data-moves]");
const start = form.querySelector("[data-go-on]");
let going = false;

async function goOn() {
  const body = new URLSearchParams(new FormData(form));
  while (going) {
    // Without a connection it stops, and one may go on later.
    const answer = await fetch(form.action, { method: "POST", body, headers: { accept: "application/json" } }).catch(() => null);
    if (!answer) break;
    if (!answer.ok || answer.redirected) return window.location.reload();
    const { done, left, stuck, label } = await answer.json();
    form.querySelector("label").textContent = label;
    form.querySelector("progress").value = done;
    if (left === 0) return window.location.assign(form.dataset.after);
    if (stuck) break;
  }
  going = false;
  start.disabled = false;
  delete form.dataset.sent;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  start.disabled = going = true;
  goOn();
});
form.querySelector("[data-stop]").addEventListener("click", () => (going = false));
