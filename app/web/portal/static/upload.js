// Puts a chosen file's text into the field that is sent.

for (const input of document.querySelectorAll("input[type=file][data-into]")) {
  input.addEventListener("change", async () => {
    document.getElementById(input.dataset.into).value = input.files.length ? await input.files[0].text() : "";
  });
}
