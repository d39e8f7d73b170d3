// What runs anywhere: the chip in the rail, the tab's icon and title, and word of what ended while one is elsewhere.
import { toast } from "./notices.js";

const chip = document.getElementById("activity");
const WAS = "activity:was";
const AGAIN_MS = 20_000;
const PREFIX = /^\d+\+? running · /;
const heard = new Map();
let here = 0; // what this page says of itself, sooner than the server
let told = "0";

// A stream may begin before htmx has seen the chip: it hears nothing until then.
let early = document.readyState !== "complete";
let wanted = false;

function ask() {
  if (early) wanted = true;
  else window.htmx?.trigger(chip, "activity");
}

document.addEventListener("DOMContentLoaded", () => {
  early = false;
  if (wanted) ask();
});

const streams = !chip?.getAttribute("hx-trigger").includes("load");

// The page's one stream

document.addEventListener("playground:ready", ask);
document.addEventListener("playground:feed", ({ detail }) => {
  if (["activity", "ended", "list", "turns"].includes(detail.kind)) ask();
  if (detail.kind !== "task") return;
  // A running task tells of itself all the time; the list shows no more of it than how it stands.
  const state = `${detail.status} ${detail.moving}`;
  if (heard.get(detail.task) !== state) ask();
  heard.set(detail.task, state);
});

// A page without a stream is right when it is looked at; and whatever was missed is not shown for ever.
document.addEventListener("visibilitychange", () => document.hidden || streams || ask());
setInterval(() => document.hidden || told === "0" || ask(), AGAIN_MS);

// The chip

let opened = null;

chip?.addEventListener("htmx:configRequest", (event) => {
  const was = remembered();
  if (was.length) event.detail.parameters.was = was.join(",");
});
chip?.addEventListener("htmx:beforeSwap", () => {
  const menu = chip.querySelector(":popover-open");
  opened = menu && { id: menu.id, focus: menu.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null, top: menu.scrollTop };
});
chip?.addEventListener("htmx:afterSwap", () => {
  told = chip.querySelector("[data-count]")?.dataset.count ?? "0";
  const ends = [...chip.querySelectorAll("[data-ended]")];
  for (const end of ends) end.remove();
  reopen();
  show();
  const now = [...chip.querySelectorAll("[data-notable]")].map((entry) => entry.dataset.notable);
  // Nobody reads a hidden page: it tells when it is looked at again.
  if (document.hidden) return remember([...new Set([...remembered(), ...now])]);
  remember(now);
  for (const end of ends) notify(end.dataset);
});

// A list somebody reads stays open while it changes.
function reopen() {
  const menu = opened && chip.querySelector(`#${opened.id}`);
  if (menu) {
    menu.showPopover({ source: chip.querySelector(`[popovertarget="${opened.id}"]`) });
    menu.scrollTop = opened.top;
    if (opened.focus) (menu.querySelector(`[href="${CSS.escape(opened.focus)}"]`) ?? menu.querySelector("a")).focus();
  }
  opened = null;
}

function notify({ ended, words, title, url, level }) {
  // Where its card is, the card tells.
  if (document.querySelector(`[data-task="${CSS.escape(ended)}"]`)) return;
  toast(`${words}: ${title}`, level, { href: url, text: "Open", target: "" });
}

function remembered() {
  return (sessionStorage.getItem(WAS) ?? "").split(",").filter(Boolean);
}

function remember(ids) {
  sessionStorage.setItem(WAS, ids.join(","));
}

// The tab

document.addEventListener("playground:busy", (event) => {
  here = event.detail;
  show();
});

function show() {
  const count = Number.parseInt(told, 10) < here ? String(here) : told;
  const link = document.querySelector("link[rel=icon][data-busy]");
  if (link) {
    link.dataset.idle ??= link.getAttribute("href");
    const wanted = count === "0" ? link.dataset.idle : link.dataset.busy;
    if (link.getAttribute("href") !== wanted) link.setAttribute("href", wanted);
  }
  const bare = document.title.replace(PREFIX, "");
  const title = count === "0" ? bare : `${count} running · ${bare}`;
  if (document.title !== title) document.title = title;
}

// A page that names itself anew keeps the count before its name.
new MutationObserver(show).observe(document.querySelector("title"), { childList: true, characterData: true, subtree: true });
