// The chat page: composer, list, inspector, model picker and dialogs. Imports the thread and its stream.
import { toEnd, turns } from "./thread.js";
import "./stream.js";

const chat = document.getElementById("chat");
const form = document.getElementById("composer");
const phone = matchMedia("(max-width: 760px)");
const $ = (id) => document.getElementById(id);
const DRAFT_AFTER_MS = 700;

for (const control of document.querySelectorAll("[data-script]")) control.hidden = false;

// Composer: writing and sending

const message = $("message");
const complaint = $("complaint");
let sent = null;
let busy = 0;
let draftTimer = 0;
let savingDraft = null;

function complain(text) {
  complaint.textContent = text;
  complaint.hidden = !text;
}

function grow() {
  if (CSS.supports("field-sizing: content")) return;
  message.style.height = "auto";
  message.style.height = `${message.scrollHeight}px`;
}

function send() {
  if (busy) return complain("An answer is still being written. Stop it, or wait for its end.");
  if (attaching || form.querySelector("[data-uploading]")) return complain("An image is still on its way. Wait a moment.");
  if (!message.value.trim() && !form.querySelector("[name=image]")) return complain("Write a message, or attach an image.");
  const max = Number(form.dataset.max);
  if (message.value.length > max) {
    return complain(`This message has ${message.value.length.toLocaleString("en")} characters; at most ${max.toLocaleString("en")} can be sent.`);
  }
  form.requestSubmit($("send"));
}

function beforeSend() {
  clearTimeout(draftTimer);
  savingDraft?.abort();
  sent = { text: message.value, images: [...form.querySelectorAll(".composer-image")] };
  complain("");
}

function afterSend(event) {
  if (event.detail.elt !== form || !sent) return;
  if (event.detail.successful && event.detail.xhr.status === 200) {
    // Only what was sent goes: more may have been typed meanwhile.
    if (message.value.startsWith(sent.text)) message.value = message.value.slice(sent.text.length);
    for (const image of sent.images) image.remove();
    for (const error of document.querySelectorAll("#settings [id^=error-]")) error.hidden = true;
    grow();
    toEnd();
    $("saved").hidden = true;
    if (message.value) saveDraftLater();
    if (!phone.matches) message.focus();
  }
  sent = null;
}

function setBusy(count) {
  busy = count;
  $("stop").hidden = !count;
  $("send").hidden = Boolean(count);
}

function stop() {
  const button = turns().querySelector("[data-live] [data-stop]");
  if (!button || button.disabled) return;
  $("stop").setAttribute("aria-busy", "true");
  button.click();
}

function keys(event) {
  if (event.key !== "Enter" || event.isComposing || event.shiftKey || event.altKey) return;
  // On a phone's keyboard Enter makes a line; the button sends.
  if (!(event.ctrlKey || event.metaKey) && matchMedia("(pointer: coarse)").matches) return;
  event.preventDefault();
  send();
}

// Composer: the draft, kept on the server

function draft() {
  const body = new FormData();
  for (const field of form.querySelectorAll("[name=csrfmiddlewaretoken], [name=turn_id], [name=text], [name=image], [name=alt], [name=prompt], [name=values]")) {
    body.append(field.name, field.value);
  }
  return body;
}

function saveDraftLater() {
  $("saved").hidden = true;
  clearTimeout(draftTimer);
  draftTimer = setTimeout(saveDraft, DRAFT_AFTER_MS);
  window.htmx?.trigger("#tokens", "draft");
}

async function saveDraft() {
  draftTimer = 0;
  savingDraft = new AbortController();
  try {
    const response = await fetch(form.dataset.draftUrl, {
      method: "POST", body: draft(), redirect: "error", signal: savingDraft.signal,
    });
    $("saved").hidden = !response.ok || !message.value;
  } catch {
    $("saved").hidden = true;
  }
}

// Composer: images

const pictures = (data) => [...(data?.files ?? [])].filter((file) => file.type.startsWith("image/"));

// Their script comes when it is first needed; until then nothing may be sent without them.
let attaching = 0;

async function withImages(act) {
  attaching += 1;
  try {
    act(await import("./attach.js"));
  } catch {
    complain("The server cannot be reached. Attach it again.");
  } finally {
    attaching -= 1;
  }
}

const attach = (files) => withImages((images) => files.forEach(images.attach));
const attachAddress = () => withImages((images) => images.attachAddress());

// Composer: prompts of the library, by a slash that begins a line or by the button

const beginsLine = () => /(^|\n)\/$/.test(message.value.slice(0, message.selectionStart));

async function prompts(slash) {
  try {
    const { choose } = await import("./prompts.js");
    // What stands here now must not be kept after what the server puts in its place.
    keepNow();
    choose(message, slash);
  } catch {
    complain("The server cannot be reached. Try again.");
  }
}

// Settings: kept as they change

let settingsPending = false;

function saveSettingsLater() {
  settingsPending = true;
  window.htmx?.trigger("#settings-errors", "keep");
}

function settings() {
  const kept = new Set([...document.querySelectorAll(".setting")].map((field) => field.name));
  const body = new FormData(form);
  for (const name of [...body.keys()]) if (!kept.has(name) && name !== "csrfmiddlewaretoken") body.delete(name);
  return body;
}

// What was typed a moment ago and is not kept yet. A page that is loaded anew is asked for before this one is
// hidden, so waiting for that would show it the old values.
function keepNow() {
  if (draftTimer) navigator.sendBeacon(form.dataset.draftUrl, draft());
  if (settingsPending) navigator.sendBeacon($("settings-errors").getAttribute("hx-post"), settings());
  clearTimeout(draftTimer);
  draftTimer = 0;
  settingsPending = false;
}

function settingChanged({ target }) {
  if (target.matches(".slide")) {
    const field = form.elements[target.dataset.slides];
    field.value = target.value;
  }
  const slide = document.querySelector(`[data-slides="${CSS.escape(target.name || "-")}"]`);
  if (slide) slide.value = target.value;
  if (target.id === "model") showModel(target.value);
  const error = target.closest(".param, .field")?.querySelector("[id^=error-]");
  if (error) error.hidden = true;
  // Another family is kept at once, by the field itself.
  if (target.matches(".setting, .slide") && target.id !== "family") saveSettingsLater();
}

const showModel = (model) => ($("model-name").textContent = model.trim() || "Choose a model");

function chooseModel(button) {
  $("model").value = button.dataset.model;
  showModel(button.dataset.model);
  $("model-picker").close();
  const family = picker.querySelector("[name=family]:checked").value;
  const same = family === $("family").value;
  $("family").value = family;
  window.htmx?.trigger("#settings-errors", same ? "keep" : "family");
  message.focus();
}

if (form) {
  form.addEventListener("htmx:beforeRequest", (event) => event.target === form && beforeSend());
  form.addEventListener("htmx:afterRequest", afterSend);
  message.addEventListener("keydown", keys);
  message.addEventListener("input", (event) => (complain(""), grow(), event.data === "/" && beginsLine() && prompts(true)));
  $("prompts-open").addEventListener("click", (event) => (event.preventDefault(), prompts(false)));
  form.addEventListener("input", (event) => event.target.matches("[name=text], [name=alt]") && saveDraftLater());
  form.addEventListener("submit", (event) => {
    if (event.submitter?.id === "send" && (busy || !form.reportValidity())) event.preventDefault();
  });
  $("send").addEventListener("click", (event) => (event.preventDefault(), send()));
  $("stop").addEventListener("click", stop);
  $("attach-files").addEventListener("click", () => ($("attach-menu").hidePopover(), $("files").click()));
  $("files").addEventListener("change", () => (attach([...$("files").files]), $("files").value = ""));
  $("attach-add").addEventListener("click", attachAddress);
  $("attach-address").addEventListener("keydown", (event) => event.key === "Enter" && (event.preventDefault(), attachAddress()));
  document.addEventListener("paste", (event) => {
    const found = pictures(event.clipboardData);
    if (!found.length || (event.target.matches("input, textarea") && event.target !== message)) return;
    event.preventDefault();
    attach(found);
  });
  document.addEventListener("dragover", (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    chat.dataset.dropping = "";
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget || delete chat.dataset.dropping);
  document.addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    delete chat.dataset.dropping;
    attach([...event.dataTransfer.files]);
  });
  document.addEventListener("chat:attached", saveDraftLater);
  document.addEventListener("playground:busy", (event) => ($("stop").removeAttribute("aria-busy"), setBusy(event.detail)));
  document.addEventListener("input", settingChanged);
  document.body.addEventListener("settings-kept", () => {
    for (const control of document.querySelectorAll("#family-part [data-script]")) control.hidden = false;
    for (const tab of ["request", "code"]) if ($(tab).checkVisibility()) window.htmx.trigger($(tab), "preview");
  });
  $("settings-errors")?.addEventListener("htmx:beforeRequest", () => (settingsPending = false));
  addEventListener("beforeunload", keepNow);
  addEventListener("pagehide", keepNow);
  setBusy(turns().querySelectorAll("[data-live]").length);
  grow();
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.key !== "Escape" || !busy) return;
  if (!document.querySelector("dialog:modal, :popover-open")) stop();
});

// Sheets and the inspector

const inspector = $("inspector");
const toggle = $("inspector-toggle");
const grip = $("inspector-grip");

const remember = () => (document.cookie = `inspector=${chat.dataset.inspector}-${chat.dataset.width}; Path=/; Max-Age=31536000; SameSite=Lax`);

const sheet = (dialog) => (dialog.removeAttribute("open"), dialog.showModal());

function showInspector(shown) {
  if (phone.matches) return shown ? inspector.matches(":modal") || sheet(inspector) : inspector.close();
  chat.dataset.inspector = shown ? "open" : "closed";
  toggle.setAttribute("aria-expanded", String(shown));
  remember();
}

for (const dialog of [inspector, $("chat-list")]) {
  // On the desk these are panes, always open; a closed sheet goes back to that.
  dialog.addEventListener("close", () => dialog.setAttribute("open", ""));
}
phone.addEventListener("change", () => [inspector, $("chat-list")].forEach((pane) => pane.matches(":modal") && pane.close()));
toggle.addEventListener("click", () => showInspector(!inspector.checkVisibility()));
$("inspector-close").addEventListener("click", () => (showInspector(false), toggle.focus()));
toggle.setAttribute("aria-expanded", String(inspector.checkVisibility()));

function setWidth(px) {
  chat.dataset.width = String(Math.min(560, Math.max(280, Math.round(px / 20) * 20)));
  grip.setAttribute("aria-valuenow", chat.dataset.width);
}

grip.addEventListener("pointerdown", (event) => {
  event.preventDefault();
  grip.setPointerCapture(event.pointerId);
  const move = (at) => setWidth(inspector.getBoundingClientRect().right - at.clientX);
  grip.addEventListener("pointermove", move);
  grip.addEventListener("lostpointercapture", () => (grip.removeEventListener("pointermove", move), remember()), { once: true });
});
grip.addEventListener("keydown", (event) => {
  const by = { ArrowLeft: 20, ArrowRight: -20 }[event.key];
  if (by) (setWidth(Number(chat.dataset.width) + by), remember(), event.preventDefault());
});

// Details stay those of the last answer until another one is asked for.
function detailLast() {
  const last = [...turns().querySelectorAll("[data-details]")].at(-1);
  if (last) window.htmx?.ajax("GET", last.getAttribute("hx-get"), { target: "#details", swap: "innerHTML" });
}

document.addEventListener("chat:turns", () => document.getElementById("details").checkVisibility() && detailLast());
document.getElementById("tab-details").addEventListener("click", (event) => event.isTrusted && detailLast());

// Clicks anywhere on the page

document.addEventListener("click", (event) => {
  const at = (selector) => event.target.closest(selector);
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (at("[data-sheet]")) sheet($(at("[data-sheet]").dataset.sheet));
  else if (at("[data-fill]") && message) {
    message.value = at("[data-fill]").dataset.fill;
    message.dispatchEvent(new Event("input", { bubbles: true }));
    message.focus();
  } else if (at("[data-model]")) chooseModel(at("[data-model]"));
  else if (at("[data-drop-prompt]")) ($("composer-prompt").replaceChildren(), saveDraftLater(), message.focus());
  else if (at("[data-remove-image]")) {
    const chip = at(".composer-image");
    chip.dispatchEvent(new Event("removed"));
    chip.remove();
    saveDraftLater();
    message.focus();
  } else if (at("[data-details], [data-tab]")) (showInspector(true), $(`tab-${at("[data-tab]")?.dataset.tab ?? "details"}`).click());
});

// The model picker: loaded when it opens, walked through by arrow keys

const picker = $("model-picker");

picker?.addEventListener("opened", () => {
  if (picker.dataset.css) document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: picker.dataset.css }));
  delete picker.dataset.css;
  $("model-selected").value = $("model").value;
  $("model-search").value = "";
  picker.querySelector(`[name=family][value=${$("family").value}]`).checked = true;
  window.htmx?.trigger("#model-search", "model-options");
  $("model-search").focus();
});
for (const chooser of document.querySelectorAll(".model-picker")) chooser.addEventListener("keydown", (event) => {
  const options = [...chooser.querySelectorAll("[role=option]")].filter((option) => option.checkVisibility());
  const sought = chooser.querySelector("[type=search]");
  const at = options.indexOf(event.target);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key];
  if (!options.length || (at < 0 && event.target !== sought)) return;
  if (event.key === "Enter" && event.target === sought) options[0].click();
  else if (to !== undefined) (options[to] ?? (to < 0 ? sought : options.at(-1))).focus();
  else return;
  event.preventDefault();
});

// The list never moves under the pointer: while somebody is at it, news wait.
const list = $("chat-list");
const openMenu = () => list.querySelector(":popover-open");
let stale = false;
let listTimer = 0;

function refreshList() {
  stale = list.matches(":hover, :focus-within") && !document.hidden;
  if (!stale) loadList();
}

// What happens at once is told several times: one request answers it.
function loadList() {
  clearTimeout(listTimer);
  listTimer = setTimeout(() => window.htmx?.trigger("#chat-search", "chat-list-refresh"), 150);
}

document.addEventListener("chat:list", refreshList);
document.body.addEventListener("chat-list", () => (openMenu()?.hidePopover(), loadList()));
// A menu that was opened meanwhile would go with its row.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target.id === "conversations" && openMenu()) [detail.shouldSwap, stale] = [false, true];
});
for (const name of ["pointerleave", "focusout"]) list.addEventListener(name, () => stale && setTimeout(refreshList));

// Dialogs that come from the server, and what they changed

document.addEventListener("htmx:afterSwap", (event) => {
  const { target } = event.detail;
  if (target.id !== "asking" || !target.firstElementChild) return;
  const current = target.querySelector("[data-current]");
  if (current) current.value = chat.dataset.conversation;
  if (!target.open) target.showModal();
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful && event.detail.xhr.status !== 422 && event.detail.elt.matches("[data-asking]")) document.getElementById("asking").close();
});
document.body.addEventListener("chat-titled", ({ detail }) => {
  if (detail.id !== chat.dataset.conversation) return;
  document.title = document.title.replace(/^.* · /, `${detail.title} · `);
  const field = document.querySelector("#title [name=title]");
  if (field) field.value = detail.title;
});
