// The History list: choosing many and keys, word of what ran meanwhile, and an undo that goes when it is too late.
import { listen } from "../frame/feed.js";
import { rowsOf } from "../frame/rows.js";

const LOOK_AFTER_MS = 600;
const page = document.getElementById("history-page");
const offline = document.getElementById("offline");
let lookLater = 0;
let undoLater = 0;

rowsOf("history", { box: "[name=line]", row: ".history-line" });

// New lines wait behind a word of how many they are: nothing moves under the pointer.
function look() {
  clearTimeout(lookLater);
  lookLater = setTimeout(() => {
    const news = document.getElementById("history-news");
    if (news) window.htmx.trigger(news, "look");
  }, LOOK_AFTER_MS);
}

function show() {
  for (const control of page.querySelectorAll("[data-script]")) control.hidden = false;
  const undo = page.querySelector(".history-undo");
  clearTimeout(undoLater);
  if (undo) undoLater = setTimeout(() => undo.remove(), Math.max(0, new Date(undo.dataset.until) - Date.now()));
}

document.addEventListener("htmx:afterSettle", show);
listen(page.dataset.liveUrl, { ready: look, feed: look, offline: (lost) => (offline.hidden = !lost) });
show();
page.dataset.ready = "";
