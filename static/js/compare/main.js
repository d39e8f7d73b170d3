// Compare: one composer for all lanes. How answers arrive is the chat's.
import "../chat/stream.js";
import { liveTurns, toEnd } from "../chat/thread.js";

const DRAFT_AFTER_MS = 500;
const $ = (id) => document.getElementById(id);
const form = $("composer");
const message = $("message");
let sent = "";
let draftTimer = 0;

// It was begun: what its form held is here now.
sessionStorage.removeItem("compare-form");

function setBusy(count) {
  $("stop").hidden = !count;
  $("send").hidden = Boolean(count);
}

function send(event) {
  if (event.key !== "Enter" || event.isComposing || event.shiftKey || event.altKey) return;
  // On a phone's keyboard Enter makes a line; the button sends.
  if (!(event.ctrlKey || event.metaKey) && matchMedia("(pointer: coarse)").matches) return;
  event.preventDefault();
  if (!$("send").hidden) form.requestSubmit($("send"));
}

function draft() {
  const body = new FormData();
  for (const name of ["csrfmiddlewaretoken", "turn_id", "text"]) body.append(name, form.elements[name].value);
  return body;
}

function keepDraft() {
  clearTimeout(draftTimer);
  if (draftTimer) navigator.sendBeacon(form.dataset.draftUrl, draft());
  draftTimer = 0;
}

if (form) {
  message.addEventListener("input", () => {
    clearTimeout(draftTimer);
    draftTimer = setTimeout(keepDraft, DRAFT_AFTER_MS);
  });
  for (const name of ["beforeunload", "pagehide"]) addEventListener(name, keepDraft);
  message.addEventListener("keydown", send);
  form.addEventListener("htmx:beforeRequest", (event) => event.target === form && (sent = message.value, clearTimeout(draftTimer), draftTimer = 0));
  form.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.elt !== form || !event.detail.successful) return;
    // Only what was sent goes: more may have been typed meanwhile.
    if (message.value.startsWith(sent)) message.value = message.value.slice(sent.length);
    toEnd();
  });
  document.addEventListener("playground:busy", (event) => setBusy(event.detail));
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.key !== "Escape" || $("stop").hidden) return;
    if (!document.querySelector("dialog:modal, :popover-open")) $("stop").click();
  });
  setBusy(liveTurns().length);
}
