// Locks when nobody touches the phone for a while, or when the page stays out of sight.

// Seconds without a touch, and out of sight.
const IDLE = 300, HIDDEN = 60;
const SIGNS = ["pointerdown", "keydown", "input", "scroll"];

/**
 * Call `lock` after five minutes without a touch or one minute out of sight, and when the page is left.
 * @returns {() => void} Stops watching.
 */
export function watch(lock) {
  const stop = new AbortController();
  let until = 0;
  let timer = 0;
  const postpone = (seconds) => {
    until = Date.now() + seconds * 1000;
    clearTimeout(timer);
    timer = setTimeout(lock, seconds * 1000);
  };
  // A sleeping page's timers stand still: look at the clock before anything else happens.
  const late = () => Date.now() >= until;
  const touched = () => (late() ? lock() : postpone(IDLE));
  const turned = () => {
    if (document.hidden) postpone(Math.min(HIDDEN, (until - Date.now()) / 1000));
    else touched();
  };
  const options = { signal: stop.signal, capture: true, passive: true };
  for (const sign of SIGNS) document.addEventListener(sign, touched, options);
  document.addEventListener("visibilitychange", turned, options);
  window.addEventListener("pagehide", lock, options);
  postpone(IDLE);
  return () => {
    clearTimeout(timer);
    stop.abort();
  };
}
