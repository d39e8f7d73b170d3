// The form of a comparison that was not begun: what is typed outlives a reload, until it is asked.
const form = document.getElementById("compare-form");
const KEPT = "compare-form";

function fields() {
  return [...form.elements].filter((field) => field.name && field.type !== "hidden");
}

const said = (field) => (field.type === "checkbox" ? field.checked : field.value);

function keep() {
  sessionStorage.setItem(KEPT, JSON.stringify(fields().map(said)));
}

// What was typed must not lie in a fold that is closed.
function restore(field, at) {
  if (kept[at] === said(field)) return;
  field[field.type === "checkbox" ? "checked" : "value"] = kept[at];
  for (let fold = field.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
}

// What an address or the server filled in comes first: it was asked for, or is what was just sent.
const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
if (form && !location.search && !("typed" in form.dataset) && kept.length === fields().length) fields().forEach(restore);
form?.addEventListener("input", keep);
