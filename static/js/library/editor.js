// The editor of a prompt: fields that follow a choice, choices only where they count, and what was typed kept.
const form = () => document.getElementById("editor");
const KEEP_MS = 800;
const AGAIN_MS = 5000;

document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-sends]")) {
    const act = document.createElement("input");
    Object.assign(act, { type: "hidden", name: "act", value: target.dataset.sends });
    form().append(act);
    form().requestSubmit();
  }
  if (target.matches("[data-variable-type]")) {
    const choices = target.closest(".variable").querySelector(".variable-choices");
    choices.toggleAttribute("data-unless-choice", target.value !== "choice");
  }
});

// The draft, kept on the server: what was typed is there again after a reload, in another tab, on another day.
const typed = () => new FormData(form());
const told = () => JSON.stringify([...typed()].filter(([name]) => name !== "csrfmiddlewaretoken" && name !== "act"));
const LOST = "This draft could not be kept yet.";
let kept = told();
let later = 0;
let keeping = null;
// From the moment the form is sent until its answer is there: what it says must not be kept behind it.
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

async function keep() {
  later = 0;
  await keeping;
  keeping = post();
  await keeping;
  keeping = null;
}

async function post() {
  const now = told();
  if (sent || now === kept) return;
  try {
    const answer = await fetch(form().dataset.keeps, { method: "POST", body: typed(), redirect: "error" });
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
  if (navigator.sendBeacon(form().dataset.keeps, typed())) kept = now;
  else keep();
}

function typing() {
  delete form().dataset.kept;
  say("");
  keepIn(KEEP_MS);
}

document.addEventListener("input", ({ target }) => target.closest?.("#editor") && typing());

document.addEventListener("htmx:confirm", (event) => {
  if (event.target !== form()) return;
  const again = sent;
  sent = true;
  clearTimeout(later);
  if (!keeping) return;
  // A draft on its way must not arrive after the text that is saved.
  event.preventDefault();
  if (!again) keeping.then(() => event.detail.issueRequest(true));
});
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  // The form is another one by now; what was sent is told with the request.
  if (detail.requestConfig.elt.id !== "editor" || detail.xhr.getResponseHeader("HX-Redirect")) return;
  sent = false;
  // The server's answer may have brought a row more, or both texts of two people.
  if (told() !== kept) typing();
});
document.addEventListener("submit", ({ target }) => {
  if (target.matches("[data-forgets]")) sent = true;
});

addEventListener("beforeunload", keepNow);
addEventListener("pagehide", keepNow);
document.addEventListener("visibilitychange", () => document.hidden && keepNow());
// Back from another page, the form stands as it was left: nothing new was typed.
addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return;
  sent = false;
  kept = told();
});
