// Passkeys. A form names what the service asks for; the answer goes into its field "passkey", or the one named by
// data-passkey-field, and the form is sent.
//   data-passkey-get     options to prove oneself (PublicKeyCredentialRequestOptionsJSON)
//   data-passkey-create  options to make a passkey (PublicKeyCredentialCreationOptionsJSON)

const supported =
  typeof PublicKeyCredential === "function" &&
  "parseRequestOptionsFromJSON" in PublicKeyCredential &&
  "parseCreationOptionsFromJSON" in PublicKeyCredential;

async function answer(form) {
  const { passkeyGet, passkeyCreate } = form.dataset;
  const credential = passkeyGet
    ? await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(JSON.parse(passkeyGet)) })
    : await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(JSON.parse(passkeyCreate)) });
  return JSON.stringify(credential.toJSON());
}

async function press(form) {
  const failed = form.querySelector("[data-passkey-failed]");
  const code = form.querySelector("input.code");
  failed.hidden = true;
  if (code) code.required = false;
  if (!form.reportValidity()) return;
  try {
    form.elements[form.dataset.passkeyField ?? "passkey"].value = await answer(form);
    if (code) code.value = "";
    form.requestSubmit();
  } catch {
    if (code) code.required = true;
    failed.hidden = false;
  }
}

for (const form of document.querySelectorAll("[data-passkey-get], [data-passkey-create]")) {
  const button = form.querySelector("[data-passkey]");
  const unsupported = form.querySelector("[data-passkey-unsupported]");
  button.hidden = !supported;
  if (unsupported) unsupported.hidden = supported;
  button.addEventListener("click", () => press(form));
}
