// The thread on screen: turns in their place, the parts of answers, following the end, clocks, pictures.
import { toast } from "../frame/notices.js";

const scroll = document.getElementById("scroll");
const chat = document.getElementById("chat");
const jump = document.getElementById("jump");
const view = document.getElementById("image-view");
const LONG_TAIL = 4000;
const AT_END_PX = 4;
let following = true;
let lastTop = 0;
let placed = 0;

export const turns = () => document.getElementById("turns");
export const find = (turn) => document.getElementById(`turn-${turn}`);
export const ofRun = (run) => document.querySelector(`[data-run="${CSS.escape(run)}"]`);
export const liveTurns = () => [...document.querySelectorAll("#turns > [data-live]")];

// Following the end

const fromEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight;

scroll.addEventListener("scroll", () => {
  const top = scroll.scrollTop;
  // Any way up, however small, is a wish to read: the end must not pull the reader back.
  if (fromEnd() < AT_END_PX) following = true;
  else if (top < lastTop - 1) following = false;
  lastTop = top;
  offerJump();
}, { passive: true });

function offerJump() {
  jump.hidden = following || fromEnd() < scroll.clientHeight / 3;
}

export function toEnd() {
  following = true;
  jump.hidden = true;
  scroll.scrollTop = scroll.scrollHeight;
  lastTop = scroll.scrollTop;
}

jump.addEventListener("click", toEnd);
// The composer grows, the keyboard of a phone opens, blocks out of sight get their true height.
// Observed after layout, so that asking for heights costs nothing.
const watch = new ResizeObserver(() => (following ? toEnd() : offerJump()));
watch.observe(scroll);
watch.observe(scroll.firstElementChild);

// Putting turns in their place

function fragment(html) {
  const box = document.createElement("template");
  box.innerHTML = html;
  return box.content;
}

// The body stays where it is when it is the same text: moving it would lose a selection in it.
export function replaceTurn(old, fresh) {
  const digest = old.dataset.shownDigest ?? old.dataset.digest;
  const body = old.querySelector(":scope > .turn-body");
  if (digest === undefined || digest !== fresh.dataset.digest || !body || body.querySelector("[data-edit-form]")) {
    old.replaceWith(fresh);
    return fresh;
  }
  const focused = old.contains(document.activeElement) && !body.contains(document.activeElement);
  for (const { name } of [...old.attributes]) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) old.setAttribute(name, value);
  keepTimes(fresh, body);
  for (const part of [".turn-head", ".turn-foot"]) {
    const [there, now] = [old, fresh].map((turn) => turn.querySelector(`:scope > ${part}`));
    // The results somebody is typing for the calls stay.
    if (!there.querySelector(".give") || !now.querySelector(".give")) there.replaceWith(now);
  }
  if (focused && !old.contains(document.activeElement)) old.querySelector(".turn-foot :is(button, a)")?.focus({ preventScroll: true });
  return old;
}

function keepTimes(fresh, body) {
  const told = fresh.querySelectorAll(".part-time");
  body.querySelectorAll(".part-time").forEach((time, at) => {
    if (told[at]?.textContent.trim()) time.textContent = told[at].textContent;
  });
}

// Makes the shown branch that of `fresh` (a #turns element): turns that are the same stay untouched.
export function place(fresh) {
  placed += 1;
  const here = turns();
  const after = fresh.dataset.after && find(fresh.dataset.after);
  const added = [];
  let behind = false;
  let at = after ? after.nextElementSibling : here.firstElementChild;
  if (!after) dropEarlier(fresh);
  for (const turn of [...fresh.children]) {
    const same = find(turn.dataset.turn);
    if (same && same.parentElement === here) {
      while (at && at !== same) at = dropped(at);
      at = same.nextElementSibling;
      if (same.dataset.version === turn.dataset.version && !same.querySelector("[data-edit-form]")) continue;
      const live = turn.hasAttribute("data-live");
      behind ||= live && isOver(same, turn.dataset.run);
      if (live && (behind || same.hasAttribute("data-live"))) continue;
      added.push(replaceTurn(same, turn));
    } else {
      here.insertBefore(turn, at);
      added.push(turn);
    }
  }
  // What came after that end is not in it either.
  if (behind) refreshThread();
  else while (at) at = dropped(at);
  document.getElementById("welcome")?.remove();
  delete chat.dataset.fresh;
  document.dispatchEvent(new CustomEvent("chat:turns"));
  return added;
}

// HTML made before an end can come after it: what is over stays so, with what was typed below it.
function isOver(turn, run) {
  return turn.dataset.run === run && Boolean(turn.querySelector(":scope > .turn-foot .turn-actions"));
}

function dropped(turn) {
  const next = turn.nextElementSibling;
  turn.remove();
  return next;
}

// A branch that begins above what is shown: what was loaded earlier belongs to another one.
function dropEarlier(fresh) {
  if (!fresh.dataset.after) document.getElementById("earlier")?.replaceChildren();
}

window.htmx?.defineExtension("branch", {
  isInlineSwap: () => false,
  handleSwap(style, target, content) {
    if (style !== "branch") return false;
    const fresh = content.querySelector("#turns");
    if (!fresh) return false;
    return place(fresh);
  },
});

export async function refreshTurn(turn) {
  const old = find(turn);
  if (!old?.dataset.turnUrl) return;
  const { version } = old.dataset;
  const html = await text(old.dataset.turnUrl);
  const fresh = html && fragment(html).firstElementChild;
  if (!fresh || !old.isConnected) return;
  if (version !== old.dataset.version) return refreshTurn(turn); // something newer came first
  window.htmx.process(replaceTurn(old, fresh));
  document.dispatchEvent(new CustomEvent("chat:turns"));
}

export async function refreshThread() {
  const before = placed;
  const html = await text(turns().dataset.threadUrl);
  const fresh = html && fragment(html).querySelector("#turns");
  if (!fresh) return;
  if (before !== placed) return refreshThread();
  for (const turn of place(fresh)) window.htmx.process(turn);
}

async function text(url) {
  try {
    const response = await fetch(url, { headers: { "HX-Request": "true" }, redirect: "error" });
    return response.ok ? await response.text() : "";
  } catch {
    return "";
  }
}

// Earlier turns come in above: what is being read stays where it is.
let heightBefore = 0;
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id === "earlier") heightBefore = scroll.scrollHeight - scroll.scrollTop;
});
document.addEventListener("htmx:afterSwap", () => {
  const earlier = document.getElementById("earlier");
  const loose = [...document.querySelectorAll(".chat-column > article")];
  if (!earlier || !loose.length) return;
  turns().prepend(...loose);
  scroll.scrollTop = scroll.scrollHeight - heightBefore;
  lastTop = scroll.scrollTop;
});

// A part of an answer: finished blocks, which are never touched again, and an open tail of plain text

export class Part {
  constructor(view, kind, name, callId) {
    Object.assign(this, { view, kind, name, callId, html: [], length: 0, began: performance.now(), open: true });
  }

  show(index) {
    if (this.element?.isConnected) return;
    const body = this.view.box.querySelector(":scope > .turn-body");
    const there = body.children[index];
    if (there?.dataset.kind === this.kind) return this.attach(there);
    const made = document.getElementById(`part-${this.kind}`) ?? document.getElementById("part-text");
    this.attach(made.content.firstElementChild.cloneNode(true));
    for (const [where, text] of [[".part-name", this.name], [".part-call", this.callId]]) {
      const place = this.element.querySelector(where);
      if (place) place.textContent = text;
    }
    body.insertBefore(this.element, there ?? null);
  }

  attach(element) {
    this.element = element;
    this.blocks = element.querySelector(".blocks");
    this.tail = document.createElement("div");
    this.tail.className = "block tail";
    this.rest = document.createTextNode("");
    this.tail.append(this.rest);
    if (this.open) this.blocks.append(this.tail);
    element.toggleAttribute("data-open", this.open);
  }

  write(delta) {
    if (this.kind === "json") return this.count(this.length + delta.length);
    this.rest.appendData(delta);
    this.shape();
    if (this.rest.length > LONG_TAIL) this.freeze();
  }

  // Half a JSON value says nothing: it is shown when it is whole.
  count(length) {
    this.length = length;
    const words = length ? ` ${length.toLocaleString("en")} characters` : "";
    this.element.querySelector(".part-count").textContent = `Writing JSON…${words}`;
  }

  // The lines of a long tail that cannot change any more leave the text that is laid out anew.
  freeze() {
    const cut = this.rest.data.lastIndexOf("\n") + 1;
    if (!cut) return;
    const lines = document.createElement("div");
    lines.textContent = this.rest.data.slice(0, cut);
    this.rest.before(lines);
    this.rest.data = this.rest.data.slice(cut);
  }

  // A code block looks like one from its first line on, so that nothing jumps when it is finished.
  shape() {
    if (this.shaped) return;
    const fence = /^ {0,3}(?:`{3,}|~{3,})[ \t]*([^\s`]*)[^\n]*(\n)?/.exec(this.rest.data);
    if (fence?.[2]) {
      const caption = Object.assign(document.createElement("p"), { textContent: fence[1] || "text" });
      this.rest.before(caption);
      this.rest.data = this.rest.data.slice(fence[0].length);
      this.tail.classList.add("tail-code");
    }
    this.shaped = Boolean(fence?.[2]) || (!fence && this.rest.length > 6);
  }

  setTail(text) {
    if (this.kind === "json") return this.count(text.length);
    this.tail.replaceChildren(this.rest);
    this.tail.classList.remove("tail-code");
    this.rest.data = text;
    this.shaped = this.kind === "tool_call";
    this.shape();
    if (text.length > LONG_TAIL) this.freeze();
  }

  finish(html, tail) {
    this.html.push(html);
    this.tail.before(blockOf(html));
    this.setTail(tail);
  }

  put(at, html) {
    const there = this.blocks.children[at];
    if (there && there !== this.tail) {
      if (this.html[at] === html) return;
      const fresh = blockOf(html);
      if (!fresh.isEqualNode(there)) there.replaceWith(fresh);
    } else {
      this.tail.before(blockOf(html));
    }
    this.html[at] = html;
  }

  trim(count, tail, closed) {
    const own = this.tail.parentElement ? 1 : 0;
    while (this.blocks.childElementCount - own > count) this.blocks.children[count].remove();
    this.html.length = count;
    this.setTail(tail);
    if (closed) this.close();
  }

  close() {
    if (!this.open) return;
    this.open = false;
    this.setTail("");
    this.tail.remove();
    this.element.removeAttribute("data-open");
    const time = this.element.querySelector(".part-time");
    if (time && !this.view.quiet) time.textContent = `${((performance.now() - this.began) / 1000).toFixed(1)} s`;
  }
}

function blockOf(html) {
  const block = document.createElement("div");
  block.className = "block";
  block.innerHTML = html;
  return block;
}

// Copying, pictures and details

async function copySource(link) {
  const source = fetch(link.href, { redirect: "error" }).then((response) => (response.ok ? response.blob() : Promise.reject()));
  try {
    await navigator.clipboard.write([new ClipboardItem({ "text/plain": source })]);
    toast("Copied as Markdown.", "success");
  } catch {
    toast("The text could not be copied.", "warning");
  }
}

function viewImage(link) {
  const small = link.querySelector("img");
  Object.assign(view.querySelector("img"), { src: link.href, alt: small.alt });
  view.showModal();
}

document.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  const copied = event.target.closest("[data-copy-source]");
  const pictured = event.target.closest("[data-view-image]");
  if (copied || pictured) event.preventDefault();
  if (copied) copySource(copied);
  if (pictured) viewImage(pictured);
});
view.addEventListener("click", (event) => event.target.matches("img") || view.close());

// Editing by keyboard

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || document.querySelector("dialog:modal, :popover-open")) return;
  const form = event.target.closest?.("[data-edit-form], [data-give-form]");
  const press = {
    Escape: () => form?.querySelector("[data-cancel]"),
    Enter: () => (event.ctrlKey || event.metaKey) && form?.querySelector(".primary"),
    ArrowUp: () => event.altKey && [...turns().querySelectorAll(":scope > [data-role=user] [data-edit]")].at(-1),
  }[event.key]?.();
  if (!press) return;
  event.preventDefault();
  press.click();
});

// The Tools and Schema tabs: their script comes when somebody first turns to them.
const toolbox = ({ target }) => target.closest?.("[data-toolbox]")?.dataset.toolbox;
for (const name of ["focusin", "pointerdown"]) {
  document.addEventListener(name, (event) => toolbox(event) && import(toolbox(event)));
}

// Clocks: how long an answer is being written, and how long to wait before a retry

function seconds(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  return s < 60 ? `${s} s` : `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, "0")} s`;
}

function tick() {
  const now = Date.now();
  for (const clock of document.querySelectorAll("#turns [data-since]")) {
    clock.textContent = seconds(now - Date.parse(clock.dataset.since));
  }
  for (const wait of document.querySelectorAll("#turns [data-until]")) {
    const left = Date.parse(wait.dataset.until) - now;
    const retry = wait.closest(".failure").querySelector("[data-retry]");
    if (retry) retry.disabled = left > 0;
    wait.textContent = left > 0 ? `You can try again in ${seconds(left + 999)}.` : "You can try again now.";
    if (left <= 0) wait.removeAttribute("data-until");
  }
}

setInterval(tick, 1000);
document.addEventListener("chat:turns", tick);
tick();
if (!location.hash) toEnd();
else following = false;
chat.dataset.ready = "";
