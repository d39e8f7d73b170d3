// Verify: the page's one stream keeps the rows of a run current; only rows that changed are put in anew.
import { listen } from "../frame/feed.js";

const page = document.getElementById("verify");
const run = () => document.getElementById("check-run");
const spoken = document.getElementById("spoken");
const offline = document.getElementById("offline");

for (const control of document.querySelectorAll("[data-script]")) control.hidden = false;
document.addEventListener("click", ({ target }) => target.closest("[data-print]") && window.print());
document.addEventListener("change", ({ target }) => target.matches("[data-submits]") && target.form.requestSubmit());

// The rows

let asking = false;
let wanted = false;

async function refresh() {
  if (asking) return void (wanted = true);
  asking = true;
  wanted = false;
  try {
    const response = await fetch(page.dataset.rowsUrl, { headers: { "HX-Request": "true" } });
    if (response.ok) put(await response.text());
  } catch {
    wanted = true;
  } finally {
    asking = false;
  }
  if (wanted) setTimeout(refresh, 1000);
}

function put(html) {
  const box = document.createElement("template");
  box.innerHTML = html;
  const fresh = box.content.querySelector("#check-run");
  if (!fresh || Number(fresh.dataset.version) < Number(run().dataset.version)) return;
  const ended = run().dataset.live === "yes" && fresh.dataset.live === "no";
  for (const part of fresh.querySelectorAll("li.verify-row, #check-sum, #check-acts")) exchange(part);
  const diff = fresh.querySelector("#check-diff");
  if (diff && !document.getElementById("check-diff")) document.getElementById("check-acts").after(diff);
  run().dataset.version = fresh.dataset.version;
  run().dataset.live = fresh.dataset.live;
  const counts = run().querySelector(".verify-counts").textContent;
  if (ended) spoken.textContent = `${run().querySelector("#check-sum .status").textContent}: ${counts}`;
}

function exchange(part) {
  const old = document.getElementById(part.id);
  const source = bare(part);
  if (!old || sourceOf(old) === source) return;
  old.replaceWith(part);
  sources.set(part, source);
  window.htmx.process(part);
}

// As the server wrote it: what was unfolded since, or fetched into it, is no reason to put it in anew.
const sources = new WeakMap();
const bare = (part) => part.outerHTML.replaceAll(/name="csrfmiddlewaretoken" value="[^"]*"/g, "");
const sourceOf = (part) => sources.get(part) ?? bare(part);
for (const part of document.querySelectorAll("#check-run :is(li.verify-row, #check-sum, #check-acts)")) sources.set(part, bare(part));

// The list of checks, while a run of the key goes on

const underway = document.getElementById("live-note");

async function lookAtRun() {
  const response = await fetch(underway.dataset.rowsUrl, { headers: { "HX-Request": "true" } });
  if (response.ok && (await response.text()).includes('data-live="no"')) runIsOver();
}

function runIsOver() {
  underway.hidden = true;
  document.getElementById("over-note").hidden = false;
  for (const button of document.querySelectorAll("button[disabled]")) button.disabled = false;
}

// The stream

if (page) {
  listen(page.dataset.liveUrl, {
    ready: () => {
      if (run()?.dataset.live === "yes") refresh();
      if (underway?.hidden === false) lookAtRun();
    },
    feed: (detail) => {
      const shown = run();
      if (detail.kind === "check" && detail.run === underway?.dataset.run && !["queued", "running"].includes(detail.state)) runIsOver();
      if (detail.kind === "check" && detail.run === shown?.dataset.run && detail.version > Number(shown.dataset.version)) refresh();
    },
    offline: (lost) => {
      if (offline) offline.hidden = !lost;
    },
  });
  page.dataset.ready = "";
}
