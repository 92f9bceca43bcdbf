// What a server of Enketo puts around enketo-core: it shows a form, or one that was sent and is to be edited, and sends
// what was filled in with its files to the server that the form came from, by way of itself.
import "./xslt.js";
import { Form } from "enketo-core";
import fileManager from "enketo-core/src/js/file-manager";
import { transform } from "enketo-transformer/web";

const [place, button, said] = ["main", "button", "output"].map((name) => document.querySelector(name));
const asked = async (address) => (await fetch(address)).text();

async function open() {
  const { form: markup, model: modelStr } = await transform({ xform: await asked("/form") });
  const instanceStr = await asked("/record");
  place.innerHTML = markup;
  const data = instanceStr ? { modelStr, instanceStr, submitted: true } : { modelStr };
  const form = new Form(place.querySelector("form.or"), data, {});
  const errors = form.init();
  if (errors.length) throw new Error(errors.join("\n"));
  return form;
}

async function send(form) {
  if (!(await form.validate())) return "Something is missing.";
  const record = new DOMParser().parseFromString(form.getDataStr({ irrelevant: false }), "text/xml").documentElement;
  const files = fileManager.getCurrentFiles();
  const body = new FormData();
  const holders = [...record.querySelectorAll('[type="file"]')];
  for (const holder of holders) holder.removeAttribute("type");
  const xml = new XMLSerializer().serializeToString(record);
  body.append("xml_submission_file", new Blob([xml], { type: "text/xml" }), "xml_submission_file");
  for (const holder of holders) {
    const file = files.find((each) => each.name === holder.textContent);
    if (file) body.append(file.name, file, file.name);
  }
  const headers = {
    "X-OpenRosa-Version": "1.0",
    "X-OpenRosa-Instance-Id": form.instanceID,
    "X-OpenRosa-Deprecated-Id": form.deprecatedID,
  };
  const answer = await fetch("/submission", { method: "POST", headers, body });
  const told = new DOMParser().parseFromString(await answer.text(), "text/xml").querySelector("message");
  return `${answer.status}: ${told.textContent}`;
}

open().then((form) => {
  button.disabled = false;
  button.addEventListener("click", async () => {
    said.value = "";
    said.value = await send(form);
  });
});
