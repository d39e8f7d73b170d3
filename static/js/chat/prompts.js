// Prompts of the library: chosen from a list, filled in by their form, put where the slash stood.
const $ = (id) => document.getElementById(id);
const dialog = $("prompts");
const sought = $("prompt-search");
const options = $("prompt-options");
const fill = $("prompts-fill");
let before = "";
let after = "";

// Opens the list. `slash`: one was typed for it, and gives way to the prompt.
export function choose(message, slash) {
  const at = message.selectionStart;
  before = message.value.slice(0, slash ? at - 1 : at);
  after = message.value.slice(message.selectionEnd);
  show(false);
  sought.value = "";
  dialog.showModal();
  window.htmx.trigger(sought, "prompt-options");
  sought.focus();
  dialog.addEventListener("close", () => message.focus(), { once: true });
}

function show(form) {
  $("prompts-choose").hidden = form;
  fill.hidden = !form;
  if (!form) fill.replaceChildren();
}

options.addEventListener("click", (event) => {
  const option = event.target.closest("[data-prompt-option]");
  if (!option || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  window.htmx.ajax("GET", option.getAttribute("href"), { target: fill, swap: "innerHTML" });
});

fill.addEventListener("click", (event) => {
  if (event.target.closest("[data-prompts-back]")) (show(false), sought.focus());
});

// The first time, and again when the form comes back with what is wrong.
dialog.addEventListener("htmx:afterSettle", (event) => {
  const form = fill.querySelector("form");
  if (!form || options.contains(event.target)) return;
  show(true);
  form.querySelector("[data-before]").value = before;
  form.querySelector("[data-after]").value = after;
  (form.querySelector("[aria-invalid=true]") ?? form.querySelector("[name^=v-]:not([type=hidden])") ?? form.querySelector(".button.primary")).focus();
});
