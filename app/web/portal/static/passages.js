// Words selected in a released text go into the form that reports or cuts them.

function selected() {
  const selection = getSelection();
  if (selection.isCollapsed || !selection.rangeCount) return null;
  const node = selection.getRangeAt(0).commonAncestorContainer;
  const source = (node.nodeType === Node.TEXT_NODE ? node.parentElement : node).closest("[data-passage]");
  const words = selection.toString().trim();
  return source && words ? { name: source.dataset.passage, words } : null;
}

const form = document.querySelector("[data-passage-form]");
document.addEventListener("selectionchange", () => {
  const found = form && selected();
  if (!found) return;
  form.elements.field.value = found.name;
  form.elements.passage.value = found.words;
});

for (const button of document.querySelectorAll("[data-passage-add]")) {
  button.addEventListener("pointerdown", (event) => event.preventDefault());
  button.addEventListener("click", () => {
    const found = selected();
    const area = document.querySelector(`[data-passage-words="${button.dataset.passageAdd}"]`);
    if (!found || found.name !== button.dataset.passageAdd) { area.focus(); return; }
    area.value = [area.value.trim(), found.words.replace(/\s+/g, " ")].filter(Boolean).join("\n");
  });
}
