// The chat page: composer, list, inspector, model picker and pictures. Imports the thread and its stream.
import { toEnd, turns } from "./thread.js";
import "./stream.js";

const chat = document.getElementById("chat");
const form = document.getElementById("composer");
const phone = matchMedia("(max-width: 760px)");
const $ = (id) => document.getElementById(id);
const DRAFT_AFTER_MS = 700;
const SETTINGS_AFTER_MS = 500;

for (const control of document.querySelectorAll("[data-script]")) control.hidden = false;

// Composer: writing and sending

const message = $("message");
const complaint = $("complaint");
let sent = null;
let busy = 0;
let draftTimer = 0;
let settingsTimer = 0;
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
  if (form.querySelector("[data-uploading]")) return complain("An image is still on its way. Wait a moment.");
  if (!message.value.trim() && !form.querySelector("[name=image]")) return complain("Write a message, or attach an image.");
  const max = Number(form.dataset.max);
  if (message.value.length > max) {
    return complain(`This message has ${message.value.length.toLocaleString("en")} characters; at most ${max.toLocaleString("en")} can be sent.`);
  }
  form.requestSubmit($("send"));
}

function beforeSend() {
  clearTimeout(draftTimer);
  clearTimeout(settingsTimer);
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
  for (const field of form.querySelectorAll("[name=csrfmiddlewaretoken], [name=turn_id], [name=text], [name=image], [name=alt]")) {
    body.append(field.name, field.value);
  }
  return body;
}

function saveDraftLater() {
  $("saved").hidden = true;
  clearTimeout(draftTimer);
  draftTimer = setTimeout(saveDraft, DRAFT_AFTER_MS);
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

async function attach(file) {
  const chip = placeholder(file.name || "Pasted image");
  if (file.size > Number(form.dataset.maxBytes)) return fail(chip, `Too large: at most ${form.dataset.maxBytes / 1024 / 1024} MB.`);
  if (!/^image\/(png|jpeg|gif|webp)$/.test(file.type)) return fail(chip, "Not a PNG, JPEG, GIF or WebP image.");
  const body = new FormData();
  body.append("file", file, file.name || "pasted.png");
  upload(chip, body);
}

function upload(chip, body) {
  body.append("csrfmiddlewaretoken", document.body.dataset.csrf);
  body.append("conversation", form.dataset.conversation);
  const request = new XMLHttpRequest();
  request.open("POST", form.dataset.uploadUrl);
  request.upload.addEventListener("progress", (event) => {
    const bar = chip.querySelector("progress");
    if (bar && event.lengthComputable) Object.assign(bar, { max: event.total, value: event.loaded });
  });
  request.addEventListener("load", () => {
    if (request.status === 200) arrive(chip, request.responseText);
    else fail(chip, request.status === 422 || request.status === 413 ? request.responseText : "The upload was refused. Reload the page and try again.");
  });
  request.addEventListener("error", () => fail(chip, "The upload broke off. Check the connection and attach it again."));
  chip.addEventListener("removed", () => request.abort());
  request.send(body);
}

function placeholder(name) {
  const chip = document.createElement("li");
  chip.className = "composer-image";
  chip.dataset.uploading = "";
  const label = Object.assign(document.createElement("span"), { className: "truncate small", textContent: name });
  const bar = Object.assign(document.createElement("progress"), { className: "progress" });
  bar.setAttribute("aria-label", `Uploading ${name}`);
  const facts = Object.assign(document.createElement("div"), { className: "composer-image-facts" });
  facts.append(label, bar);
  chip.append(facts, removeButton(name));
  $("images").append(chip);
  return chip;
}

function removeButton(name) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "icon-button small" });
  button.dataset.removeImage = "";
  button.setAttribute("aria-label", `Remove ${name}`);
  button.append($("inspector-close").querySelector("svg").cloneNode(true));
  return button;
}

function arrive(chip, html) {
  const box = document.createElement("template");
  box.innerHTML = html.trim();
  if (chip.isConnected) chip.replaceWith(box.content);
  saveDraftLater();
}

function fail(chip, sentence) {
  delete chip.dataset.uploading;
  chip.dataset.failed = "";
  const error = Object.assign(document.createElement("p"), { className: "error small", textContent: sentence });
  error.setAttribute("role", "alert");
  chip.querySelector("progress")?.replaceWith(error);
}

function attachAddress() {
  const field = $("attach-address");
  const address = field.value.trim();
  if (!address) return field.focus();
  const body = new FormData();
  body.append("url", address);
  upload(placeholder(address), body);
  field.value = "";
  $("attach-menu").hidePopover();
  message.focus();
}

const pictures = (data) => [...(data?.files ?? [])].filter((file) => file.type.startsWith("image/"));

// Settings: kept as they change

function saveSettingsLater() {
  clearTimeout(settingsTimer);
  settingsTimer = setTimeout(() => {
    window.htmx?.ajax("POST", form.dataset.settingsUrl, {
      source: "#settings", target: "#settings-errors", swap: "innerHTML",
      values: Object.fromEntries(settingsValues()),
    }).catch(() => {});
  }, SETTINGS_AFTER_MS);
}

function settingsValues() {
  const all = new FormData(form);
  const names = new Set([...document.querySelectorAll(".setting")].map((field) => field.name));
  return [...all].filter(([name]) => names.has(name));
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
  if (target.matches(".setting, .slide")) saveSettingsLater();
}

function showModel(model) {
  const named = model.trim();
  const words = named || "Choose a model";
  $("model-name").textContent = words;
  document.querySelector(".model-button")?.setAttribute("aria-label", named ? `Model: ${named}. Choose another` : words);
}

function chooseModel(button) {
  $("model").value = button.dataset.model;
  showModel(button.dataset.model);
  $("model-picker").close();
  saveSettingsLater();
  message.focus();
}

if (form) {
  form.addEventListener("htmx:beforeRequest", (event) => event.target === form && beforeSend());
  form.addEventListener("htmx:afterRequest", afterSend);
  message.addEventListener("keydown", keys);
  message.addEventListener("input", () => (complain(""), grow()));
  form.addEventListener("input", (event) => event.target.matches("[name=text], [name=alt]") && saveDraftLater());
  form.addEventListener("submit", (event) => {
    if (event.submitter?.id === "send" && (busy || !form.reportValidity())) event.preventDefault();
  });
  $("send").addEventListener("click", (event) => (event.preventDefault(), send()));
  $("stop").addEventListener("click", stop);
  $("attach-files").addEventListener("click", () => ($("attach-menu").hidePopover(), $("files").click()));
  $("files").addEventListener("change", () => {
    for (const file of $("files").files) attach(file);
    $("files").value = "";
  });
  $("attach-add").addEventListener("click", attachAddress);
  $("attach-address").addEventListener("keydown", (event) => {
    if (event.key === "Enter") (event.preventDefault(), attachAddress());
  });
  document.addEventListener("paste", (event) => {
    const found = pictures(event.clipboardData);
    if (!found.length || (event.target.matches("input, textarea") && event.target !== message)) return;
    event.preventDefault();
    found.forEach(attach);
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
    [...event.dataTransfer.files].forEach(attach);
  });
  document.addEventListener("playground:busy", (event) => {
    $("stop").removeAttribute("aria-busy");
    setBusy(event.detail);
  });
  document.addEventListener("input", settingChanged);
  addEventListener("pagehide", () => draftTimer && navigator.sendBeacon(form.dataset.draftUrl, draft()));
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

function remember() {
  document.cookie = `inspector=${chat.dataset.inspector}-${chat.dataset.width}; Path=/; Max-Age=31536000; SameSite=Lax`;
}

function sheet(dialog) {
  dialog.removeAttribute("open");
  dialog.showModal();
}

function inspectorShown() {
  return inspector.checkVisibility();
}

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
phone.addEventListener("change", () => {
  for (const dialog of [inspector, $("chat-list")]) if (dialog.matches(":modal")) dialog.close();
});
toggle.addEventListener("click", () => showInspector(!inspectorShown()));
$("inspector-close").addEventListener("click", () => (showInspector(false), toggle.focus()));
toggle.setAttribute("aria-expanded", String(inspectorShown()));

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
  else if (at("[data-remove-image]")) {
    const chip = at(".composer-image");
    chip.dispatchEvent(new Event("removed"));
    chip.remove();
    saveDraftLater();
    message.focus();
  } else if (at("[data-details]")) (showInspector(true), $("tab-details").click());
});


// The model picker: loaded when it opens, walked through by arrow keys

const picker = $("model-picker");

picker?.addEventListener("opened", () => {
  if (picker.dataset.css) document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: picker.dataset.css }));
  delete picker.dataset.css;
  $("model-selected").value = $("model").value;
  $("model-search").value = "";
  window.htmx?.trigger("#model-search", "model-options");
  $("model-search").focus();
});
picker?.addEventListener("keydown", (event) => {
  const options = [...picker.querySelectorAll("[role=option]")];
  const at = options.indexOf(event.target);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key];
  if (event.key === "Enter" && event.target.id === "model-search") options[0]?.click();
  else if (to !== undefined) (options[to] ?? (to < 0 ? $("model-search") : options.at(-1)))?.focus();
  else return;
  event.preventDefault();
});
