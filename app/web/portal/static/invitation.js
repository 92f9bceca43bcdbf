// Takes the code from behind "#" in the link, and out of the address and the history.

const form = document.querySelector("[data-invitation]");
const code = location.hash.slice(1);
if (code) {
  history.replaceState(null, "", location.pathname);
  form.elements.token.value = code;
  form.requestSubmit();
}
