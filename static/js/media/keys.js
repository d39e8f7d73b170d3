// The studio's own keys. Listed in the `?` dialog; switched off with all the others in Appearance.
import { active, seekBy, switchTake, toggle } from "./player.js";
import { seekFilm, stepFilm, toggleFilm } from "./look.js";

const SEEK_S = 5;
// Here keys mean something of their own: letters where one types or chooses, the others on every control.
const TYPED = "input, textarea, select, [contenteditable], dialog";
const PRESSED = `${TYPED}, button, summary, audio, video, [role=tab], .menu`;

const cards = () => [...document.querySelectorAll("#feed .task-card")];
const titleOf = (card) => card.querySelector(".card-title a");
const cardHere = () => document.activeElement?.closest?.(".task-card") ?? document.querySelector("#feed .task-card[aria-current]");

function move(by) {
  const all = cards();
  if (!all.length) return false;
  const here = all.indexOf(document.activeElement?.closest?.("#feed .task-card"));
  const shown = all.findIndex((card) => card.hasAttribute("aria-current"));
  const from = here >= 0 ? here : shown;
  const to = from < 0 ? 0 : Math.max(0, Math.min(all.length - 1, from + by));
  titleOf(all[to]).focus();
  all[to].scrollIntoView({ block: "nearest" });
  return true;
}

function reuse() {
  const link = (cardHere() ?? document.querySelector(".task-whole"))?.querySelector("[data-reuse]");
  link?.click();
  return Boolean(link);
}

const KEYS = {
  " ": () => (active() ? toggle() : toggleFilm()),
  ArrowLeft: () => seekBy(-SEEK_S) || seekFilm(-SEEK_S),
  ArrowRight: () => seekBy(SEEK_S) || seekFilm(SEEK_S),
  ArrowDown: () => move(1),
  ArrowUp: () => move(-1),
  ",": () => stepFilm(-1),
  ".": () => stepFilm(1),
  b: switchTake,
  r: reuse,
};

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.documentElement.dataset.shortcuts === "off" || document.querySelector("dialog:modal")) return;
  const letter = event.key.length === 1 && event.key !== " ";
  if (event.target.closest?.(letter ? TYPED : PRESSED)) return;
  // Up and down read on in what is being read.
  if (event.target.closest?.(".studio-detail") && ["ArrowUp", "ArrowDown"].includes(event.key)) return;
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (act?.()) event.preventDefault();
});
