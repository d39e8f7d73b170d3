// The Prompts list: what is its own beside choosing and keys, which is the preview.
import { rowsOf } from "../frame/rows.js";

rowsOf("prompts", { box: "[name=prompt][form=prompts-form]", row: ".prompt-row", keys: { p: "[data-preview]" } });

const list = () => document.getElementById("prompts");

// What needs this script is shown by it, in each list that comes.
function unhide() {
  for (const one of list().querySelectorAll("[data-script]")) one.hidden = false;
}

// Typing has asked already: leaving the field must not ask again, and put another address over that of a preview.
document.getElementById("prompts-words").addEventListener("change", (event) => event.stopPropagation());

// Closing the preview needs no answer of the server.
document.addEventListener("click", (event) => {
  const closer = event.target.closest("[data-preview-close]");
  if (!closer || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  document.getElementById("preview").hidden = true;
  mark("");
  const place = new URL(location.href);
  place.searchParams.delete("prompt");
  history.replaceState(history.state, "", place);
});

function mark(pk) {
  for (const row of list().querySelectorAll(".prompt-row")) row.toggleAttribute("data-shown", row.id === `row-${pk}`);
}

document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target?.id !== "preview") return;
  mark(new URL(detail.pathInfo.requestPath, location.href).searchParams.get("prompt"));
  document.querySelector("#preview h2 a")?.focus({ preventScroll: true });
});
document.addEventListener("htmx:afterSettle", unhide);

unhide();
