// The page's own furniture: theme, rail, times that stay true. Imports the other modules of the frame.
import "./notices.js";
import "./activity.js";
import "./layers.js";
import "./keys.js";

const root = document.documentElement;
const YEAR_S = 365 * 24 * 3600;

function remember(name, value) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${name}=${value}; Path=/; Max-Age=${YEAR_S}; SameSite=Lax${secure}`;
}

function showTheme(theme) {
  root.dataset.theme = theme;
  remember("theme", theme);
  for (const choice of document.querySelectorAll("button[name=theme]")) {
    if (choice.value === theme) choice.setAttribute("aria-current", "true");
    else choice.removeAttribute("aria-current");
  }
}

async function saveTheme(theme) {
  showTheme(theme);
  const form = document.querySelector(".theme-form");
  if (!form) return;
  const body = new FormData(form);
  body.set("theme", theme);
  // What is on screen counts; a failed save shows again at the next load.
  await fetch(form.action, { method: "POST", body, headers: { "HX-Request": "true" } }).catch(() => {});
}

document.addEventListener("submit", (event) => {
  if (!event.target.matches(".theme-form") || !event.submitter) return;
  event.preventDefault();
  saveTheme(event.submitter.value);
});

document.addEventListener("click", (event) => {
  const to = event.target.closest("[data-theme-to]");
  if (to) saveTheme(to.dataset.themeTo);
  if (event.target.closest("#rail-fold")) foldRail(root.dataset.rail !== "slim");
  const dismiss = event.target.closest("[data-dismisses]");
  if (dismiss) dismissFor(dismiss.closest("[data-dismiss]"));
});

function foldRail(slim) {
  root.dataset.rail = slim ? "slim" : "wide";
  remember("rail", root.dataset.rail);
  document.getElementById("rail-fold")?.setAttribute("aria-expanded", String(!slim));
}

function dismissFor(box) {
  sessionStorage.setItem(`dismissed:${box.dataset.dismiss}`, "1");
  box.remove();
}

// The same words in the same steps as `ago` in playground/templatetags/frame.py.
export function relative(when, now) {
  const seconds = (now - when) / 1000;
  if (seconds < 45) return "just now";
  if (seconds < 3570) return `${Math.max(1, Math.round(seconds / 60))} min ago`;
  if (seconds < 23.5 * 3600) return `${Math.round(seconds / 3600)} h ago`;
  const days = Math.max(1, Math.round(seconds / 86400));
  if (days < 7) return days === 1 ? "yesterday" : `${days} days ago`;
  const year = when.getFullYear() === now.getFullYear() ? undefined : "numeric";
  return when.toLocaleDateString("en-GB", { day: "numeric", month: "short", year });
}

function freshen() {
  const now = new Date();
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const words = relative(new Date(time.dateTime), now);
    if (time.textContent !== words) time.textContent = words;
  }
}

setInterval(freshen, 30_000);
document.addEventListener("visibilitychange", () => document.hidden || freshen());
freshen();
for (const box of document.querySelectorAll("[data-dismiss]")) {
  if (sessionStorage.getItem(`dismissed:${box.dataset.dismiss}`)) box.remove();
}
document.getElementById("rail-fold")?.setAttribute("aria-expanded", String(root.dataset.rail !== "slim"));
