// A page that ends: counts down, and takes its content away when the time is over or when it is left.

const page = document.querySelector("[data-disclosed]");
const countdown = page.querySelector("[data-countdown]");
const end = Date.now() + Number(page.dataset.left) * 1000;
const two = (number) => String(number).padStart(2, "0");

function close() {
  page.remove();
  location.replace(page.dataset.back);
}

function tick() {
  const left = Math.ceil((end - Date.now()) / 1000);
  if (left <= 0) {
    clearInterval(timer);
    close();
    return;
  }
  countdown.textContent = `${two(Math.floor(left / 60))}:${two(left % 60)}`;
}

const timer = setInterval(tick, 1000);
tick();
// A sleeping tab's timers stand still: look at the clock when it wakes up.
document.addEventListener("visibilitychange", tick);
// Nothing is left for a browser that keeps whole pages for going back.
window.addEventListener("pagehide", () => page.remove());
window.addEventListener("pageshow", (event) => {
  if (event.persisted) close();
});
