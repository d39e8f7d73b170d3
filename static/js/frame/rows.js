// A list whose rows are chosen with checkboxes and gone through by keys: Tasks and Prompts.
// `name` is that of the section; the elements beside it are called `<name>-all`, `-count`, `-more` and `-ask`.
import { open } from "./layers.js";

export function rowsOf(name, { box, row, keys = {} }) {
  const chosen = new Set();
  const list = () => document.getElementById(name);
  const boxes = () => [...list().querySelectorAll(box)];
  const links = () => [...list().querySelectorAll("[data-row]")];
  const here = () => document.activeElement?.closest?.(row);

  // What is chosen stays so when its row is drawn anew, and is forgotten when another page comes.
  function show() {
    const all = boxes();
    const there = new Set(all.map((one) => one.value));
    for (const pk of chosen) if (!there.has(pk)) chosen.delete(pk);
    for (const one of all) one.checked = chosen.has(one.value);
    for (const button of list().querySelectorAll("[data-needs-chosen]")) button.disabled = chosen.size === 0;
    const whole = document.getElementById(`${name}-all`);
    if (!whole) return;
    whole.checked = chosen.size > 0 && chosen.size === all.length;
    whole.indeterminate = chosen.size > 0 && !whole.checked;
    document.getElementById(`${name}-count`).textContent = chosen.size ? `${chosen.size} chosen` : "Choose the page";
  }

  function choose(one, on) {
    if (on) chosen.add(one.value);
    else chosen.delete(one.value);
  }

  function move(by) {
    const all = links();
    const at = all.findIndex((link) => link.closest(row) === here());
    const to = all[at < 0 ? 0 : Math.max(0, Math.min(all.length - 1, at + by))];
    to?.focus();
    to?.scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("change", ({ target }) => {
    if (target.id === `${name}-all`) for (const one of boxes()) choose(one, target.checked);
    else if (target.matches(`#${name} ${box}`)) choose(target, target.checked);
    else return;
    show();
  });

  // On a phone the filters are folded away until they are asked for.
  document.getElementById(`${name}-more`).addEventListener("click", ({ currentTarget }) => {
    const isOpen = currentTarget.closest("form").toggleAttribute("data-open");
    currentTarget.setAttribute("aria-expanded", String(isOpen));
  });

  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    if (detail.target?.id === `${name}-ask`) open(`${name}-ask`);
  });
  document.addEventListener("htmx:afterSettle", show);

  // j and k go from row to row; the other keys press what they name in the row that has the focus.
  const presses = { x: box, ...keys };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.documentElement.dataset.shortcuts === "off" || document.querySelector("dialog:modal")) return;
    if (event.target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
    if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (Object.hasOwn(presses, event.key)) here()?.querySelector(presses[event.key])?.click();
    else return;
    event.preventDefault();
  });

  show();
}
