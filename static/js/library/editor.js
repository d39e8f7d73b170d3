// The editor of a prompt: fields that follow a choice, choices only where they count, and what was typed kept.
import { toast } from "../frame/notices.js";

const form = () => document.getElementById("editor");
const KEEP_MS = 800;
const AGAIN_MS = 5000;
const REDO_MS = 250;

document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-sends]")) send(target.dataset.sends);
  if (target.matches("[data-variable-type]")) {
    const choices = target.closest(".variable").querySelector(".variable-choices");
    choices.toggleAttribute("data-unless-choice", target.value !== "choice");
  }
});

// The draft, kept on the server: what was typed is there again after a reload, in another tab, on another day.
const typed = () => new FormData(form());
const told = () => JSON.stringify([...typed()].filter(([name]) => name !== "csrfmiddlewaretoken"));
const LOST = "This draft could not be kept yet.";
let kept = told();
let later = 0;
let keeping = null;
// From the moment it is saved or thrown away until the answer is there: what it says must not be kept behind that.
let sent = false;

function say(word, bad = false) {
  const place = form().querySelector("[data-kept-word]");
  place.textContent = word;
  place.toggleAttribute("data-bad", bad);
}

function keepIn(ms) {
  clearTimeout(later);
  later = setTimeout(keep, ms);
}

function keep() {
  later = 0;
  const mine = Promise.resolve(keeping).then(post).then(() => {
    if (keeping !== mine) return;
    keeping = null;
    next();
  });
  keeping = mine;
}

// The text, and when it was sent: the server may get to an older one later. Clocks of two devices differ, so the
// moment counts from when this page began, and is compared with those of this page alone.
function draft() {
  const data = typed();
  data.append("sent-at", `${performance.timeOrigin}:${performance.now()}`);
  return data;
}

async function post() {
  const now = told();
  // A draft on its way holds up a save that was asked for: none begins before that.
  if (sent || held.includes("save") || now === kept) return;
  try {
    const answer = await fetch(form().dataset.keeps, { method: "POST", body: draft(), redirect: "error" });
    if (answer.status === 422) return say(await answer.text(), true);
    if (!answer.ok) throw new Error(answer.status);
    kept = now;
    if (told() !== now) return;
    form().dataset.kept = "";
    say("Kept as a draft");
  } catch {
    say(LOST, true);
    keepIn(AGAIN_MS);
  }
}

// A page that is loaded anew is asked for before this one is hidden, so waiting for that would show it the old text.
function keepNow() {
  const now = told();
  if (sent || now === kept) return;
  clearTimeout(later);
  // What is too long for a beacon is sent as ever: it mostly arrives, too.
  if (navigator.sendBeacon(form().dataset.keeps, draft())) kept = now;
  else keep();
}

function typing() {
  delete form().dataset.kept;
  say("");
  keepIn(KEEP_MS);
}

document.addEventListener("input", ({ target }) => target.closest?.("#editor") && typing());

// What is asked of the server, one thing at a time: its answer takes the place of the form, and a request made
// beside it would be dropped with the old one. A draft on its way must not arrive after the text that is saved.
let asked = null; // {act, text}: sent, and not answered yet
let held = []; // the acts that wait for that
let going = false;

function send(act) {
  const button = Object.assign(document.createElement("button"), { name: "act", value: act, hidden: true });
  form().append(button);
  form().requestSubmit(button);
  button.remove();
}

function next() {
  if (asked || keeping || !held.length) return;
  going = true;
  send(held.shift());
  going = false;
}

function begin(act) {
  asked = { act, text: told() };
  if (act === "save") {
    sent = true;
    clearTimeout(later);
  }
  show();
}

function hold(act) {
  const last = held.at(-1) ?? asked?.act;
  // What a save is answered is to be read first. Rows are told by their place, which the answer may change.
  if (last === "save" || (last && act.startsWith("drop-"))) return;
  held.push(act);
  show();
}

function show() {
  const acts = asked ? [asked.act, ...held] : held;
  form().querySelector(".primary").setAttribute("aria-busy", acts.includes("save"));
  for (const button of form().querySelectorAll("[value^=drop-]")) button.disabled = acts.length > 0;
}

function answered() {
  asked = null;
  sent = false;
  show();
  // The server's answer may have brought a row more, or both texts of two people.
  if (told() !== kept) typing();
}

// Before htmx gets it: what it would queue itself goes with the form.
document.addEventListener("submit", (event) => {
  const { target, submitter } = event;
  if (target.matches("[data-forgets]")) sent = true;
  if (target !== form()) return;
  const act = submitter?.value ?? "save";
  if (going || !(asked || keeping || held.length)) return begin(act);
  event.preventDefault();
  event.stopPropagation();
  hold(act);
}, true);

// htmx knows of a button only what was clicked last.
document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (detail.elt === form()) detail.formData.set("act", asked.act);
});

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.requestConfig.elt !== form() || !detail.shouldSwap) return;
  const typedSince = told() !== asked.text;
  // The answer knows nothing of what was typed since, and a button that is held down would be another one when it
  // is let go. So a form is asked for anew; a save is not, for nobody asked to save what was typed behind it.
  if (asked.act === "save") {
    if (!typedSince) return;
    toast("Not saved, and you went on writing. Save again to see why.", "warning");
  } else {
    if (!typedSince && !form().querySelector("button:active")) return;
    held.unshift(asked.act);
  }
  detail.shouldSwap = false;
});

// The new form is there, and htmx knows it.
document.addEventListener("htmx:load", ({ target }) => {
  if (target !== form()) return;
  answered();
  next();
});

// The form stays, because the answer was none for it, or leads to the prompt.
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.requestConfig.elt !== form()) return;
  if (detail.xhr.getResponseHeader("HX-Redirect")) return leave();
  answered();
  setTimeout(next, REDO_MS);
});

// Saved: nothing is asked any more. What was typed behind it is a draft over what is saved.
function leave() {
  kept = asked.text;
  sent = false;
  keepNow();
}

addEventListener("beforeunload", keepNow);
addEventListener("pagehide", keepNow);
document.addEventListener("visibilitychange", () => document.hidden && keepNow());
// Back from another page, the form stands as it was left: nothing new was typed.
addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return;
  sent = false;
  asked = null;
  held = [];
  kept = told();
  show();
});
