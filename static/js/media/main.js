// The studio's pages: the form, files in it, the pane of details, and cards kept current over one stream.
import { listen } from "../frame/feed.js";
import "./player.js";
import "./look.js";
import "./keys.js";

const studio = document.getElementById("studio");
const form = () => document.getElementById("studio-form");
const spoken = document.getElementById("spoken");
const offline = document.getElementById("offline");
const news = document.getElementById("feed-news");
const OWN_TASK_MS = 1500;

const detail = document.getElementById("detail");
const wide = matchMedia("(min-width: 1200px)");

const showScripted = (root) => root.querySelectorAll("[data-script]").forEach((control) => (control.hidden = false));
showScripted(document);

// The form

document.addEventListener("change", ({ target }) => {
  if (!target.matches("[data-goes]") || !target.value) return;
  location.assign(target.value);
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || !form()?.contains(event.target)) return;
  event.preventDefault();
  document.getElementById("generate").click();
});
const mb = (bytes) => `${Math.floor(bytes / 2 ** 20)} MB`;

// What is too large is said before it travels: after minutes of upload it would be refused all the same.
function tooLarge({ files, dataset }) {
  const given = [...files];
  const large = given.find((file) => file.size > Number(dataset.bytes));
  if (large) return `${large.name} is too big: at most ${mb(dataset.bytes)} are taken here.`;
  const all = given.reduce((sum, file) => sum + file.size, 0);
  return all > Number(dataset.atOnce) ? `Together these are too big: at most ${mb(dataset.atOnce)} at once. Choose them in turn.` : "";
}

document.addEventListener("htmx:beforeRequest", (event) => {
  const field = event.target;
  const told = field.matches?.("[data-upload]") ? tooLarge(field) : "";
  if (told) {
    event.preventDefault();
    document.getElementById(`error-file-${field.dataset.upload}`).textContent = told;
    field.value = "";
  }
  if (field !== form()) return;
  for (const error of form().querySelectorAll(".error:not([role])")) error.hidden = true;
  for (const field of form().querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  for (const error of form().querySelectorAll(".error[role]")) error.textContent = "";
  form().querySelector(":scope .notice.bad")?.remove();
});
document.addEventListener("htmx:afterSwap", (event) => {
  showScripted(document);
  if (event.target.id === "studio-form") {
    form().querySelector("[aria-invalid=true], .notice.bad")?.scrollIntoView({ block: "nearest" });
    form().querySelector("[aria-invalid=true]")?.focus();
  }
});
document.addEventListener("htmx:afterRequest", (event) => {
  const field = event.target;
  if (field === form() && event.detail.successful) {
    document.querySelector("#today .task-card")?.scrollIntoView({ block: "nearest" });
    tellBusy();
  }
  if (!field.matches?.("[data-upload]")) return;
  // It is stored: sent with the form once more, it would be there twice.
  field.value = "";
  if (event.detail.successful) document.getElementById(`error-file-${field.dataset.upload}`).textContent = "";
  changed();
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-remove-file]");
  if (!button) return;
  const field = button.closest("fieldset")?.querySelector("[type=file]");
  button.closest("li").remove();
  field?.focus();
  changed();
});
// Dialogs that come from the server, and a prompt that is taken out of the form

document.addEventListener("htmx:afterSwap", ({ detail: { target } }) => {
  if (target.id === "asking" && target.firstElementChild && !target.open) target.showModal();
});
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.successful && detail.xhr.status !== 422 && detail.elt.matches("[data-asking]")) document.getElementById("asking").close();
});
document.addEventListener("click", ({ target }) => {
  if (!target.closest("[data-drop-prompt]")) return;
  document.getElementById("form-prompt").remove();
  changed();
});
const changed = () => form()?.dispatchEvent(new Event("change", { bubbles: true }));

// Who types a model does not want it replaced by what was asked for before.
document.addEventListener("input", ({ target }) => {
  const field = target.closest("#model-field");
  if (field) window.htmx.trigger(field, "htmx:abort");
});

// The list to choose a model from

const picker = document.getElementById("model-picker");
const sought = document.getElementById("model-search");

picker?.addEventListener("opened", () => {
  sought.value = "";
  window.htmx.trigger(sought, "open-list");
  sought.focus();
});
picker?.addEventListener("click", ({ target }) => {
  const chosen = target.closest("[data-model]");
  if (!chosen) return;
  const field = document.querySelector("#model-field input");
  field.value = chosen.dataset.model;
  picker.close();
  field.focus();
  for (const name of ["input", "change"]) field.dispatchEvent(new Event(name, { bubbles: true }));
});
picker?.addEventListener("keydown", (event) => {
  const options = [...picker.querySelectorAll("[data-model]")];
  const at = options.indexOf(event.target);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key];
  if (event.key === "Enter" && event.target === sought) options[0]?.click();
  else if (to !== undefined) (options[to] ?? (to < 0 ? sought : options.at(-1)))?.focus();
  else return;
  event.preventDefault();
});
// An option keeps the focus in a list that comes late (by its id); where it is gone, the words have it again.
picker?.addEventListener("htmx:beforeSwap", ({ target }) => {
  if (!target.contains(document.activeElement)) return;
  picker.addEventListener("htmx:afterSwap", () => picker.contains(document.activeElement) || sought.focus(), { once: true });
});

// The pane of details: one task beside the feed, named in the address. A narrow page opens the task's own.

const shownTask = () => new URLSearchParams(location.search).get("task");

function addressOf(task) {
  const asked = new URLSearchParams(location.search);
  for (const name of ["task", "reuse", "vary", "after", "output", "use", "fresh"]) asked.delete(name);
  if (task) asked.set("task", task);
  return asked.size ? `${location.pathname}?${asked}` : location.pathname;
}

async function showTask(task, { pushes = true } = {}) {
  if (pushes) history.pushState({ studio: true }, "", addressOf(task));
  markShown();
  if (!task) return detail.replaceChildren();
  await window.htmx.ajax("GET", addressOf(task), { source: detail, target: detail, swap: "innerHTML" });
  detail.scrollTop = 0;
  const title = detail.querySelector(".task-title")?.textContent.trim();
  if (title) say(`Details of ${title}`);
}

function markShown() {
  const task = shownTask();
  for (const card of document.querySelectorAll("#feed .task-card")) {
    if (card.dataset.task === task) card.setAttribute("aria-current", "true");
    else card.removeAttribute("aria-current");
  }
}

document.addEventListener("click", (event) => {
  if (!detail || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const opener = event.target.closest("[data-shows]");
  if (opener && wide.matches) {
    event.preventDefault();
    if (opener.dataset.shows !== shownTask()) showTask(opener.dataset.shows);
  } else if (event.target.closest("#detail-close")) {
    event.preventDefault();
    const task = shownTask();
    showTask(null);
    document.querySelector(`#feed [data-shows="${CSS.escape(task)}"]`)?.focus();
  }
});
if (detail) {
  addEventListener("popstate", () => showTask(shownTask(), { pushes: false }));
  markShown();
}

// Cards

const cards = () => [...document.querySelectorAll(".task-card[data-task]")];
const cardsOf = (task) => cards().filter((card) => card.dataset.task === task);
const waiting = new Set();
const asking = new Map();
const left = new WeakMap();
const foreign = new Set();
const newest = new Map(); // of every task this page was told of
const LIVE = ["new", "submitting", "waiting", "collecting"];

function tellBusy() {
  const moving = new Set([...document.querySelectorAll(".task-card[data-moving]")].map((card) => card.dataset.task)).size;
  document.dispatchEvent(new CustomEvent("playground:busy", { detail: moving }));
}

const plays = (card) => [...card.querySelectorAll("audio, video")].some((player) => !player.paused && !player.ended);
const typesIn = (card) => card.contains(document.activeElement) && document.activeElement.matches("input:not([type=range]), textarea, select");

// What plays, or is typed in, keeps its card until it rests; then the card is asked for again.
function stays(card) {
  if (waiting.has(card)) return true;
  const rest = plays(card) ? "pause" : typesIn(card) ? "focusout" : "";
  if (!rest) return false;
  waiting.add(card);
  card.addEventListener(rest, () => (waiting.delete(card), refresh(card)), { once: true, capture: true });
  return true;
}

async function refresh(card) {
  if (!card.isConnected || stays(card)) return;
  // The answer under way may be older than what changed now.
  if (asking.has(card)) return asking.set(card, true);
  asking.set(card, false);
  const state = card.querySelector(".status")?.textContent;
  // With the body as its source, htmx would hold back one request of all the cards and drop the others.
  await window.htmx.ajax("GET", card.dataset.cardUrl, { source: card, target: card, swap: "outerHTML" }).catch(() => {});
  const changed = asking.get(card);
  asking.delete(card);
  const now = document.getElementById(card.id);
  if (now && now !== card) follow(card, now, state);
  // Where a button's answer, perhaps an older one, had taken the card's place, this one went nowhere.
  if (now && (changed || (now !== card && !left.has(card)))) refresh(now);
  tellBusy();
}

// The new card is as open and as focused as the one it came for, and its news are spoken.
function follow(card, now, state) {
  const { opened = [], focused = "" } = left.get(card) ?? {};
  for (const summary of now.querySelectorAll("details > summary")) {
    if (opened.includes(summary.textContent)) summary.parentElement.open = true;
  }
  if (focused) (now.querySelector(focused) ?? now.querySelector("a"))?.focus();
  markShown();
  const word = now.querySelector(".status")?.textContent;
  const tells = now.id.startsWith("task-") || !document.getElementById(`task-${now.dataset.task}`);
  if (tells && word && word !== state) say(`${now.querySelector(".card-title, .task-title")?.textContent.trim()}: ${word}`);
}

// A card is left as it is now, not as it was when the new one was asked for.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const { requestConfig, target, xhr } = detail;
  if (requestConfig.path !== target.dataset.cardUrl) return;
  if (stays(target)) return Object.assign(detail, { shouldSwap: false, isError: false });
  // A task that was deleted before its card was asked for: the card leaves, and nobody is told what nobody asked.
  if (xhr.status === 404) Object.assign(detail, { shouldSwap: true, isError: false, serverResponse: "" });
  const opened = [...target.querySelectorAll("details[open] > summary")].map((summary) => summary.textContent);
  left.set(target, { opened, focused: target.contains(document.activeElement) ? placeOf(document.activeElement) : "" });
});

// Where the focus was, so that it is there again in the card that comes instead.
function placeOf(element) {
  const href = element.getAttribute("href");
  if (href) return `a[href="${CSS.escape(href)}"]`;
  const action = element.closest("form")?.getAttribute("action");
  return action ? `form[action="${CSS.escape(action)}"] button` : "";
}

function say(text) {
  const line = document.createElement("p");
  line.textContent = text;
  spoken.append(line);
  while (spoken.childElementCount > 5) spoken.firstElementChild.remove();
}

function told(data) {
  if (data.kind === "gone") return location.reload();
  if (data.kind !== "task") return;
  newest.set(data.task, data.version);
  const there = cardsOf(data.task);
  if (there.length) {
    for (const card of there) if (Number(card.dataset.version) < data.version) refresh(card);
  } else if (news?.hidden && LIVE.includes(data.status) && !foreign.has(data.task)) {
    // One's own comes with the answer to the form; others wait for a click, so that nothing moves.
    setTimeout(() => unknown(data.task), OWN_TASK_MS);
  }
}

// A card can come later than word of what became of its task since it was made.
document.addEventListener("htmx:afterSwap", () => {
  for (const card of cards()) if (Number(card.dataset.version) < newest.get(card.dataset.task)) refresh(card);
});

async function unknown(task) {
  if (document.getElementById(`task-${task}`) || foreign.has(task)) return;
  foreign.add(task);
  const response = await fetch(`${studio.dataset.tasksUrl}${task}/card`).catch(() => null);
  if (!response) return foreign.delete(task);
  if (!response.ok) return;
  const { medium } = cardIn(await response.text())?.dataset ?? {};
  if (medium === studio.dataset.medium) news.hidden = false;
}

// What was made while nobody listened may be over, and is not told of any more: the newest one is looked for.
async function lookForNewest() {
  const asked = new URLSearchParams(location.search);
  if (!news?.hidden || asked.has("mark")) return;
  asked.set("mark", "");
  const response = await fetch(`?${asked}`, { headers: { "HX-Request": "true" } }).catch(() => null);
  const newest = response?.ok ? cardIn(await response.text()) : null;
  if (newest) setTimeout(() => unknown(newest.dataset.task), OWN_TASK_MS);
}

function cardIn(html) {
  const box = document.createElement("template");
  box.innerHTML = html;
  return box.content.querySelector(".task-card");
}
news?.addEventListener("click", () => location.reload());

// The stream

listen(studio.dataset.liveUrl, {
  ready: (missed) => {
    // What changed between the page's making and this moment, or while nobody listened.
    for (const card of cards()) if (missed || card.hasAttribute("data-moving")) refresh(card);
    if (missed) lookForNewest();
    studio.dataset.ready = "";
  },
  feed: told,
  offline: (lost) => {
    if (offline) offline.hidden = !lost;
  },
});
tellBusy();
