// Dialogs, sheets, menus and tabs: opening, closing, and moving inside by keyboard.
export function open(id) {
  const dialog = document.getElementById(id);
  if (!(dialog instanceof HTMLDialogElement) || dialog.open) return;
  for (const menu of document.querySelectorAll(":popover-open")) menu.hidePopover();
  dialog.showModal();
  dialog.dispatchEvent(new CustomEvent("opened", { bubbles: true }));
}

document.addEventListener("click", (event) => {
  const { target } = event;
  const opener = target.closest("[data-opens]");
  if (opener) {
    if (opener.closest("dialog") && opener.dataset.opens !== opener.closest("dialog").id) opener.closest("dialog").close();
    open(opener.dataset.opens);
  }
  if (target.closest("[data-closes]")) target.closest("dialog")?.close();
  if (target.closest(".menu-item")) target.closest(".menu:popover-open")?.hidePopover();
  const tab = target.closest("[role=tab]");
  if (tab) choose(tab);
});

// A press that begins and ends outside the box closes it; selecting text to the outside does not.
let pressedOutside = false;
document.addEventListener("pointerdown", (event) => {
  pressedOutside = event.target instanceof HTMLDialogElement && outside(event.target, event);
});
document.addEventListener("pointerup", (event) => {
  if (pressedOutside && event.target instanceof HTMLDialogElement && outside(event.target, event)) event.target.close();
});

function outside(dialog, { clientX: x, clientY: y }) {
  const box = dialog.getBoundingClientRect();
  return x < box.left || x > box.right || y < box.top || y > box.bottom;
}

function choose(tab) {
  for (const other of tab.closest("[role=tablist]").querySelectorAll("[role=tab]")) {
    const chosen = other === tab;
    other.setAttribute("aria-selected", String(chosen));
    other.tabIndex = chosen ? 0 : -1;
    const panel = document.getElementById(other.getAttribute("aria-controls"));
    if (panel) panel.hidden = !chosen;
  }
}

function step(items, from, key) {
  const at = items.indexOf(from);
  if (key === "Home") return items[0];
  if (key === "End") return items.at(-1);
  const by = key === "ArrowDown" || key === "ArrowRight" ? 1 : -1;
  return items[(at + by + items.length) % items.length];
}

document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  const tabs = target.closest?.("[role=tablist]");
  if (tabs && ["ArrowLeft", "ArrowRight", "Home", "End"].includes(key)) {
    const next = step([...tabs.querySelectorAll("[role=tab]")], target, key);
    next.focus();
    choose(next);
    event.preventDefault();
  }
  const menu = target.closest?.(".menu:popover-open") ?? owned(target);
  if (menu && ["ArrowUp", "ArrowDown", "Home", "End"].includes(key) && !target.matches("input, textarea, select")) {
    const items = [...menu.querySelectorAll(".menu-item:not(:disabled)")].filter((item) => item.checkVisibility());
    step(items, items.includes(target) ? target : key === "ArrowUp" ? items[0] : items.at(-1), key)?.focus();
    event.preventDefault();
  }
});

function owned(button) {
  const menu = button.popoverTargetElement;
  return menu?.matches(":popover-open.menu") ? menu : null;
}

// Browsers without CSS anchors get the place by hand.
if (!CSS.supports("position-area: bottom")) {
  document.addEventListener("toggle", (event) => {
    const menu = event.target;
    if (event.newState !== "open" || !menu.matches(".menu")) return;
    const button = document.querySelector(`[popovertarget="${menu.id}"]`);
    if (!button) return;
    const at = button.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = menu;
    const x = menu.matches(".end") ? at.right - width : at.left;
    const y = menu.matches(".up") || at.bottom + height + 8 > innerHeight ? at.top - height - 4 : at.bottom + 4;
    menu.style.inset = `${Math.max(8, y)}px auto auto ${Math.min(Math.max(8, x), innerWidth - width - 8)}px`;
  }, true);
}
