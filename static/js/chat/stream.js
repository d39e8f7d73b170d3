// The page's one EventSource: the answers it writes, whose ops are put on screen a frame at a time.
import { Part, find, liveTurns, ofRun, refreshThread, refreshTurn, turns } from "./thread.js";

const chat = document.getElementById("chat");
const spoken = document.getElementById("spoken");
const offline = document.getElementById("offline");
const FRAME_MS = 8;
const PACE_MS = 90;
const HIDDEN_MS = 250;
const HIDDEN_CLOSE_MS = 10_000;
const SPEAK_EVERY_MS = 1500;

const views = new Map();
const running = new Set();
let source = null;
let queue = [];
const held = new Map();
const ends = new Map();
const ASK_AGAIN = 3;
const OWN_ANSWER_MS = 250;
let framed = false;
let shownAt = 0;
let timer = 0;
let missed = false;
let hiddenTimer = 0;
let retryTimer = 0;
let retryMs = 1000;

// One answer being written

class RunView {
  constructor(run, turn) {
    this.whole = false; // followed from its beginning, or shown what it had by then
    this.run = run;
    this.turn = turn;
    this.parts = [];
    this.unsaid = "";
    this.quiet = true;
  }

  get box() {
    if (!this.article?.isConnected) {
      this.article = ofRun(this.run) ?? find(this.turn);
      // Another element for the same answer: what was written into the old one is written again. One that is
      // over has all of it.
      if (this.article?.hasAttribute("data-live")) this.adopt();
    }
    return this.article;
  }

  adopt() {
    const body = this.article.querySelector(":scope > .turn-body");
    const there = [...body.children];
    this.parts.forEach((part, at) => {
      if (part.element) body.append(part.element);
      else if (there[at]?.dataset.kind === part.kind) part.attach(there[at]);
    });
    if (this.parts.some((part) => part.element)) {
      const own = new Set(this.parts.map((part) => part.element));
      for (const child of there) if (!own.has(child)) child.remove();
    }
  }

  get live() {
    return Boolean(this.box?.hasAttribute("data-live"));
  }

  apply(op) {
    if (op[0] === "end") {
      ended(this.run); // again: its box may have come, and counted, after the end was heard
      if (held.delete(this)) this.whole = false;
    }
    if (this.live) return this[op[0]]?.(...op.slice(1));
    if (op[0] !== "end") return;
    views.delete(this.run);
    checkEnd(this.box, ends.get(this.run));
  }

  open(index, kind, name, callId) {
    this.parts[index] ??= new Part(this, kind, name, callId);
    this.parts[index].show(index);
  }

  text(index, delta) {
    const part = this.parts[index];
    part?.write(delta);
    if (part?.kind === "text") this.hear(delta);
  }

  block(index, html, tail) {
    this.parts[index]?.finish(html, tail);
  }

  close(index) {
    this.parts[index]?.close();
  }

  status(status, note) {
    const place = this.box.querySelector("[data-note]");
    if (place) place.textContent = note || (status === "queued" ? "Waiting…" : this.saying());
  }

  saying() {
    const model = this.box.querySelector(".turn-model")?.textContent ?? "the model";
    return this.parts.length ? "Writing…" : `Asking ${model}…`;
  }

  first() {
    this.status("running", "Writing…");
  }

  end(status, digest) {
    if (this.whole) this.box.dataset.shownDigest = digest;
    this.box.removeAttribute("data-live");
    for (const part of this.parts) part.close();
    this.say(true);
    if (status !== "finished") speak({ failed: "The answer failed.", stopped: "Stopped." }[status] ?? "Interrupted.");
    views.delete(this.run);
    refreshTurn(this.turn);
    document.dispatchEvent(new CustomEvent("chat:list"));
    window.htmx?.trigger("#activity", "activity");
  }

  // From a snapshot: block by block, each a unit of work of its own; equal ones stay as they are.
  begin(count) {
    this.quiet = true;
    while (this.parts.length > count) this.parts.pop().element.remove();
  }

  keep(index, at, html) {
    this.parts[index].put(at, html);
  }

  trim(index, count, tail, closed) {
    this.parts[index].trim(count, tail, closed);
  }

  settled() {
    this.quiet = false;
  }

  hear(delta) {
    if (this.quiet) return;
    this.unsaid += delta;
    this.sayLater ??= setTimeout(() => this.say(false), SPEAK_EVERY_MS);
  }

  // Whole sentences only, so that a screen reader is not interrupted at every token.
  say(all) {
    clearTimeout(this.sayLater);
    this.sayLater = undefined;
    const end = all ? this.unsaid.length : lastEnd(this.unsaid);
    if (!end) return;
    speak(this.unsaid.slice(0, end).replace(/[*_`#>|~]+/g, ""));
    this.unsaid = this.unsaid.slice(end);
  }
}

function lastEnd(text) {
  const ends = [...text.matchAll(/[.!?…。！？](?=\s)|\n/g)];
  return ends.length ? ends.at(-1).index + 1 : 0;
}

function speak(text) {
  const line = document.createElement("p");
  line.textContent = text;
  spoken.append(line);
  while (spoken.childElementCount > 5) spoken.firstElementChild.remove();
}

// From frames to the screen

function snapshotOps(data) {
  const ops = [["begin", data.parts.length]];
  data.parts.forEach((part, index) => {
    ops.push(["open", index, part.kind, part.name, part.call_id]);
    part.blocks.forEach((html, at) => ops.push(["keep", index, at, html]));
    ops.push(["trim", index, part.blocks.length, part.tail, part.closed]);
  });
  ops.push(["status", data.status, data.note], ["settled"]);
  return ops;
}

function take(data, ops) {
  let view = views.get(data.run);
  if (!view) views.set(data.run, (view = new RunView(data.run, data.turn)));
  if ("parts" in data || data.seq === 1) view.whole = true;
  else if (data.seq !== view.seq + 1) view.whole = false;
  view.seq = data.seq;
  for (const op of ops) {
    // Of an answer whose beginning is not known here only the end says something.
    if (!view.whole && op[0] !== "end") continue;
    if (op[0] === "end") {
      ended(data.run);
      ends.set(data.run, { digest: op[2], tries: ASK_AGAIN });
    }
    const last = queue.at(-1);
    if (op[0] === "text" && last?.view === view && last.op[0] === "text" && last.op[1] === op[1]) last.op[2] += op[2];
    else queue.push({ view, op });
  }
  pump();
}

// Every picture of the page costs the same, however little changed: words may wait a little for the next
// one, and what a person waits for (the first word, the end) comes at once.
function pump() {
  if (framed || !queue.length) return;
  const calm = queue.every(({ op }) => op[0] === "text" || op[0] === "block");
  const wait = shownAt + (document.hidden ? HIDDEN_MS : calm ? PACE_MS : 0) - performance.now();
  clearTimeout(timer);
  // A hidden page paints no frames, but what is said and counted goes on.
  if (document.hidden) timer = setTimeout(work, Math.max(0, wait));
  else if (wait > 0) timer = setTimeout(nextFrame, wait);
  else nextFrame();
}

function nextFrame() {
  framed = true;
  requestAnimationFrame(work);
}

function work() {
  framed = false;
  shownAt = performance.now();
  const until = shownAt + FRAME_MS;
  let done = 0;
  while (done < queue.length && (done === 0 || performance.now() < until)) {
    const { view, op } = queue[done];
    if (view.box && (op[0] === "end" || (view.live && !held.has(view)))) view.apply(op);
    else hold(view, op);
    done += 1;
  }
  queue = queue.slice(done);
  pump();
}

// The answer's box comes with the response to the question, which can be behind the first words. One that was
// taken for over waits for the server's word of that.
function hold(view, op) {
  if (op[0] === "end") {
    views.delete(view.run);
    held.delete(view);
  } else if (held.has(view)) held.get(view).push({ view, op });
  else held.set(view, [{ view, op }]);
}

document.addEventListener("chat:turns", () => {
  for (const [view, waiting] of held) {
    if (!view.live) continue;
    held.delete(view);
    queue = [...waiting, ...queue];
  }
  for (const [run, end] of ends) checkEnd(ofRun(run), end);
  for (const turn of liveTurns()) started(turn.dataset.run);
  // It went on by itself before this page listened.
  if (turns().lastElementChild?.matches("[data-went-on]")) refreshThread();
  ensureOpen();
  pump();
});

// What is running here

function started(run) {
  if (running.has(run)) return;
  running.add(run);
  tellBusy();
}

function ended(run) {
  if (running.delete(run)) tellBusy();
}

// HTML made before the end can arrive after it: it shows an answer that is still being written.
function checkEnd(turn, end) {
  if (!turn || views.has(turn.dataset.run) || end.tries === 0) return;
  if (!turn.hasAttribute("data-live") && (turn.dataset.shownDigest ?? turn.dataset.digest) === end.digest) return;
  end.tries -= 1;
  over(turn);
}

// It ended while this page was not told so: what it became is asked for.
function over(turn) {
  turn.removeAttribute("data-live");
  ended(turn.dataset.run);
  refreshTurn(turn.dataset.turn);
  document.dispatchEvent(new CustomEvent("chat:list"));
}

function tellBusy() {
  document.dispatchEvent(new CustomEvent("playground:busy", { detail: running.size }));
}

// The connection

function url() {
  const known = !("fresh" in chat.dataset);
  return chat.dataset.liveUrl + (known ? `?conversation=${chat.dataset.conversation}` : "");
}

function ensureOpen() {
  if (!source || source.readyState === EventSource.CLOSED || source.to !== url()) connect();
}

function connect() {
  clearTimeout(retryTimer);
  source?.close();
  source = new EventSource(url());
  source.to = url();
  source.addEventListener("open", () => {
    retryMs = 1000;
    offline.hidden = true;
  });
  source.addEventListener("error", lost);
  const on = (name, act) => source.addEventListener(name, (event) => act(JSON.parse(event.data)));
  on("ready", ready);
  on("snapshot", (data) => take(data, snapshotOps(data)));
  on("run", (data) => take(data, data.ops));
  on("feed", feed);
  on("drain", (data) => {
    missed = true;
    source.close();
    later(data.retry_ms);
  });
}

function later(ms) {
  clearTimeout(retryTimer);
  retryTimer = setTimeout(connect, ms);
}

function lost() {
  missed = true;
  if (running.size) offline.hidden = false;
  if (source.readyState !== EventSource.CLOSED) return;
  // The server said no (a restart, a lost session): EventSource does not come back by itself.
  later(retryMs);
  retryMs = Math.min(retryMs * 2, 30_000);
}

function ready(data) {
  for (const turn of liveTurns()) {
    if (!data.runs.includes(turn.dataset.run)) over(turn);
  }
  // What was said while nobody listened, or is being said where nobody asked here.
  if (!("fresh" in chat.dataset) && (missed || data.runs.some((run) => !ofRun(run)))) refreshThread();
  if (missed) document.dispatchEvent(new CustomEvent("chat:list"));
  missed = false;
  // A run may have begun or ended between two streams, and what the chip is just being told may be older than
  // that: htmx asks once more after a request in flight.
  document.dispatchEvent(new CustomEvent("playground:ready"));
}

function feed(data) {
  if (data.kind === "turns" && data.conversation === chat.dataset.conversation) {
    // To the tab that asked, the answer's box comes by itself.
    setTimeout(() => ofRun(data.run) ?? refreshThread(), OWN_ANSWER_MS);
  } else if (data.kind === "ended") {
    const turn = ofRun(data.run);
    if (turn) over(turn);
    else ended(data.run);
  } else if (data.kind === "gone") {
    location.reload();
  }
  if (data.kind === "list" || data.kind === "turns") document.dispatchEvent(new CustomEvent("chat:list"));
  document.dispatchEvent(new CustomEvent("playground:feed", { detail: data }));
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(hiddenTimer);
  if (document.hidden) {
    hiddenTimer = setTimeout(rest, HIDDEN_CLOSE_MS);
  } else {
    ensureOpen();
    pump();
  }
});
function rest() {
  if (running.size) return;
  missed = true;
  source?.close();
  clearTimeout(retryTimer);
}

addEventListener("pagehide", () => {
  missed = true;
  source?.close();
});
addEventListener("pageshow", (event) => event.persisted && ensureOpen());

for (const turn of liveTurns()) started(turn.dataset.run);
connect();
