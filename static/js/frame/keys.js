// Shortcuts (any [data-key]) and the palette.
import { open } from "./layers.js";

const SEQUENCE_MS = 1200;
const SEARCH_AFTER_MS = 160;
const mac = /Mac|iPhone|iPad/.test(navigator.platform);
let first = "";
let forget = 0;

function typing(target) {
  return target.isContentEditable || target.matches?.("input:not([type=checkbox], [type=radio]), textarea, select");
}

function pressed(event) {
  const mod = mac ? event.metaKey : event.ctrlKey;
  const other = mac ? event.ctrlKey : event.metaKey;
  if (other || event.altKey) return "";
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  return mod ? `mod+${key}` : key;
}

function press(keys) {
  const found = [...document.querySelectorAll(`[data-key="${CSS.escape(keys)}"]`)];
  const button = found.find((each) => !each.disabled && each.checkVisibility());
  button?.click();
  return Boolean(button);
}

function begins(key) {
  return document.querySelector(`[data-key^="${CSS.escape(key)} "]`) !== null;
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.repeat) return;
  const key = pressed(event);
  if (!key || document.documentElement.dataset.shortcuts === "off") return;
  if (key === "mod+k") {
    event.preventDefault();
    return palette.open ? palette.close() : open("palette");
  }
  if (document.querySelector("dialog:modal")) return;
  if (typing(event.target) && !key.startsWith("mod+")) return;
  const keys = first ? `${first} ${key}` : key;
  first = "";
  if (keys === "?") open("shortcuts");
  else if (press(keys) || (keys !== key && press(key))) event.preventDefault();
  else if (begins(key)) {
    first = key;
    clearTimeout(forget);
    forget = setTimeout(() => (first = ""), SEQUENCE_MS);
  }
});

if (mac) for (const key of document.querySelectorAll("kbd[data-mod]")) key.textContent = key.textContent.replace("Ctrl", "⌘");

// The palette: a combobox over links and buttons; conversations come from the server.
const palette = document.getElementById("palette");
const words = document.getElementById("palette-words");
const list = document.getElementById("palette-list");
const found = document.getElementById("palette-found");
let searchLater = 0;
let counter = 0;

function options() {
  return [...list.querySelectorAll("[role=option]")].filter((option) => !option.hidden);
}

function mark(option) {
  for (const other of list.querySelectorAll("[aria-selected=true]")) other.removeAttribute("aria-selected");
  if (!option) return words.removeAttribute("aria-activedescendant");
  option.id ||= `palette-option-${++counter}`;
  option.setAttribute("aria-selected", "true");
  words.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

function sift() {
  const asked = words.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  for (const option of list.querySelectorAll("[role=option]")) {
    if (found.contains(option)) continue;
    const text = option.textContent.toLowerCase();
    option.hidden = !asked.every((word) => text.includes(word));
  }
  settle();
}

function settle() {
  for (const group of list.querySelectorAll("[role=group]")) {
    group.hidden = !group.querySelector("[role=option]:not([hidden])");
  }
  const shown = options();
  list.querySelector(".palette-none").hidden = shown.length > 0;
  mark(shown[0]);
}

function offerPageActions() {
  for (const old of list.querySelectorAll("[data-of-page]")) old.remove();
  for (const source of document.querySelectorAll("[data-palette]")) {
    const option = Object.assign(document.createElement("button"), { type: "button", className: "menu-item" });
    option.textContent = source.dataset.palette;
    option.setAttribute("role", "option");
    option.dataset.ofPage = "";
    option.addEventListener("click", () => source.click());
    document.getElementById("palette-actions").prepend(option);
  }
}

palette.addEventListener("opened", () => {
  words.value = "";
  found.replaceChildren();
  offerPageActions();
  for (const option of list.querySelectorAll("[role=option]")) option.tabIndex = -1;
  sift();
  words.focus();
});

words.addEventListener("input", () => {
  sift();
  clearTimeout(searchLater);
  if (words.value.trim().length < 2) return found.replaceChildren();
  searchLater = setTimeout(() => window.htmx?.trigger(words, "search-now"), SEARCH_AFTER_MS);
});

words.addEventListener("keydown", (event) => {
  const shown = options();
  const at = shown.findIndex((option) => option.getAttribute("aria-selected") === "true");
  const to = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key];
  if (to !== undefined) mark(shown[(to + shown.length) % shown.length]);
  else if (event.key === "Enter" && !event.isComposing) shown[at]?.click();
  else return;
  event.preventDefault();
});

found.addEventListener("htmx:afterSwap", () => {
  // An answer to words that were cleared meanwhile.
  if (words.value.trim().length < 2) found.replaceChildren();
  for (const link of found.querySelectorAll("a")) {
    link.setAttribute("role", "option");
    link.classList.add("menu-item");
    link.tabIndex = -1;
  }
  settle();
});

list.addEventListener("pointermove", (event) => {
  const option = event.target.closest("[role=option]");
  if (option && option.getAttribute("aria-selected") !== "true") mark(option);
});
list.addEventListener("click", (event) => {
  const option = event.target.closest("[role=option]");
  if (option && palette.open) palette.close();
});
