// The player of songs: one bar on every page of the studio, with a queue, two takes, and lyrics in time.
const $ = (id) => document.getElementById(id);
const bar = $("player");
const KEPT = "studio-player";
const MOST = 100;
const state = { queue: [], at: -1, other: null, onOther: false };
const sounds = bar ? [$("player-a"), $("player-b")] : [];
let words = "";

const main = () => state.queue[state.at] ?? null;
const current = () => (state.onOther ? state.other : main());
const sound = () => sounds[state.onOther ? 1 : 0];
export const active = () => Boolean(current());

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

function trackOf(element) {
  const { asset, src, lyrics, href, of, name, by } = element.dataset;
  const wave = element.querySelector(".wave path")?.getAttribute("d") ?? "";
  return { asset, src, lyrics, href, of, name, by, wave };
}

// The other take of the same task is there to compare with; where two are compared, the other one.
function siblingOf(track) {
  const two = document.querySelector(".compare-sides") !== null;
  const tracks = [...document.querySelectorAll("[data-track]")].map(trackOf);
  return tracks.find((each) => (two || each.of === track.of) && each.asset !== track.asset) ?? null;
}

function keep() {
  const at = sound().currentTime || 0;
  try {
    sessionStorage.setItem(KEPT, JSON.stringify({ ...state, seconds: at, team: bar.dataset.team }));
  } catch {
    // The waveforms of a long queue may not fit: the queue is this page's then.
  }
}

function put(player, track, seconds) {
  player.src = track.src;
  player.currentTime = seconds;
}

function jump(at, { seconds = 0, plays = true } = {}) {
  state.at = at;
  state.onOther = false;
  sounds[1].pause();
  const track = main();
  if (!track) return close();
  setOther(siblingOf(track));
  put(sounds[0], track, seconds);
  show();
  if (plays) start();
}

function setOther(track) {
  if (state.onOther) take("a");
  state.other = track;
  if (track) sounds[1].src = track.src;
  show();
}

// A browser may refuse to play what nobody asked for; the button says how it stands.
const start = () => sound().play().catch(showPlaying);

export function toggle() {
  if (!active()) return false;
  if (sound().paused) start();
  else sound().pause();
  return true;
}

export function seekBy(seconds) {
  if (!active()) return false;
  seek(sound().currentTime + seconds);
  return true;
}

function seek(seconds) {
  sound().currentTime = Math.max(0, Math.min(seconds, sound().duration || 0));
}

export function switchTake() {
  if (state.other) take(state.onOther ? "a" : "b");
  return Boolean(state.other);
}

// The same place in the other take.
function take(letter) {
  if ((letter === "b") === state.onOther || !state.other) return;
  const before = sound();
  const plays = !before.paused;
  const seconds = before.currentTime;
  before.pause();
  state.onOther = letter === "b";
  sound().currentTime = Math.min(seconds, sound().duration || seconds);
  show();
  if (plays) start();
}

function add(track, { now = false } = {}) {
  const there = state.queue.findIndex((each) => each.asset === track.asset);
  if (there >= 0) return now ? jump(there) : undefined;
  const place = now ? state.at + 1 : state.queue.length;
  state.queue.splice(place, 0, track);
  if (state.queue.length > MOST) state.queue.shift();
  if (now) jump(Math.min(place, state.queue.length - 1));
  else if (state.at < 0) jump(0, { plays: false });
  else show();
}

function drop(at) {
  const played = at === state.at;
  state.queue.splice(at, 1);
  if (at < state.at) state.at -= 1;
  if (!played) return show();
  const plays = !sound().paused;
  jump(Math.min(at, state.queue.length - 1), { plays });
}

function close() {
  for (const each of sounds) {
    each.pause();
    each.removeAttribute("src");
    each.load();
  }
  Object.assign(state, { queue: [], at: -1, other: null, onOther: false });
  bar.hidden = true;
  sessionStorage.removeItem(KEPT);
  showPlaying();
}

// What is seen

function show() {
  const track = current();
  bar.hidden = !track;
  if (!track) return;
  bar.dataset.asset = track.asset;
  $("player-title").textContent = `${track.by} · ${track.name}`;
  $("player-title").href = track.href;
  for (const id of ["player-wave", "player-wave-played"]) $(id).setAttribute("d", track.wave || "M0 16h200");
  $("player-takes").hidden = !state.other;
  for (const button of $("player-takes").children) {
    button.setAttribute("aria-pressed", String((button.dataset.take === "b") === state.onOther));
    button.title = (button.dataset.take === "b" ? state.other : main())?.name ?? "";
  }
  $("player-back").disabled = state.at <= 0;
  $("player-next").disabled = state.at >= state.queue.length - 1;
  showQueue();
  showWords(track);
  showTime();
  showPlaying();
  keep();
}

function showQueue() {
  const focused = $("player-list").contains(document.activeElement);
  const rows = state.queue.map((track, at) => {
    const row = $("player-row").content.firstElementChild.cloneNode(true);
    row.dataset.at = String(at);
    row.querySelector("[data-name]").textContent = `${track.by} · ${track.name}`;
    row.querySelector("[data-drop]").setAttribute("aria-label", `Remove ${track.name} of ${track.by}`);
    const other = row.querySelector("[data-other]");
    other.setAttribute("aria-label", `Compare with ${track.name} of ${track.by}`);
    other.hidden = at === state.at;
    other.setAttribute("aria-pressed", String(track.asset === state.other?.asset));
    if (at === state.at) row.querySelector("[data-jump]").setAttribute("aria-current", "true");
    return row;
  });
  $("player-list").replaceChildren(...rows);
  if (focused) $("player-queue-button").focus();
}

function showPlaying() {
  const plays = active() && !sound().paused;
  bar.toggleAttribute("data-playing", plays);
  $("player-play").setAttribute("aria-label", plays ? "Pause" : "Play");
  for (const track of document.querySelectorAll("[data-track]")) {
    const now = plays && track.dataset.asset === current().asset;
    track.toggleAttribute("data-playing", now);
    track.querySelector("[data-play]")?.setAttribute("aria-label", `${now ? "Pause" : "Play"} ${track.dataset.name}`);
  }
}

function showTime() {
  const { currentTime: at, duration } = sound();
  const whole = Number.isFinite(duration) ? duration : 0;
  $("player-at").max = String(whole || 1);
  $("player-at").value = String(at);
  $("player-at").setAttribute("aria-valuetext", `${clock(at)} of ${clock(whole)}`);
  $("player-time").textContent = `${clock(at)} / ${whole ? clock(whole) : "–:––"}`;
  const played = `${whole ? (100 * at) / whole : 0}%`;
  const asset = current()?.asset;
  bar.style.setProperty("--played", played);
  for (const track of document.querySelectorAll("[data-track]")) {
    track.style.setProperty("--played", track.dataset.asset === asset ? played : "0%");
  }
  for (const text of document.querySelectorAll("[data-words]")) if (text.dataset.words === asset) follow(text, at);
}

function showWords(track) {
  if (words === track.asset) return;
  words = track.asset;
  $("player-line").textContent = "";
  $("player-words").replaceChildren();
  askWords(track);
}

async function askWords(track) {
  const response = await fetch(track.lyrics).catch(() => null);
  if (!response?.ok || words !== track.asset) return;
  $("player-words").innerHTML = await response.text();
  const there = Boolean($("player-words").querySelector(".lyric"));
  $("player-words-button").hidden = !there;
  if (!there) fold("player-words", false);
  showTime();
}

// Words may be made while their song is heard already, by a task of their own.
function lookForWords() {
  if (active() && !$("player-words").querySelector(".lyric")) askWords(current());
}

function follow(text, at) {
  for (const word of text.querySelectorAll(".lyric")) {
    const now = Number(word.dataset.start) <= at && at < Number(word.dataset.end);
    if (now === word.hasAttribute("aria-current")) continue;
    if (!now) {
      word.removeAttribute("aria-current");
      continue;
    }
    word.setAttribute("aria-current", "true");
    text.scrollTop = word.offsetTop - text.clientHeight / 2;
    if ($("player-words").contains(text)) $("player-line").textContent = lineOf(word);
  }
}

// The words between two line breaks.
function lineOf(word) {
  const line = [word.textContent];
  const collect = (side, put) => {
    for (let next = word[side]; next && next.nodeName === "BUTTON"; next = next[side]) put(next.textContent);
  };
  collect("previousElementSibling", (text) => line.unshift(text));
  collect("nextElementSibling", (text) => line.push(text));
  return line.join(" ");
}

function fold(id, open) {
  $(id).hidden = !open;
  $(`${id}-button`).setAttribute("aria-expanded", String(open));
}

// What people do

document.addEventListener("click", (event) => {
  const { target } = event;
  if (!bar) return;
  const track = target.closest("[data-track]");
  const word = target.closest(".lyric");
  const wave = target.closest("[data-wave]");
  if (track && target.closest("[data-play]")) {
    if (track.dataset.asset === current()?.asset) toggle();
    else add(trackOf(track), { now: true });
  } else if (track && target.closest("[data-queue]")) add(trackOf(track));
  else if (track && (wave || word)) playFrom(track, word, wave && share(wave, event));
  else if (word) seek(Number(word.dataset.start));
});

const share = (wave, { clientX }) => {
  const box = wave.getBoundingClientRect();
  return (clientX - box.left) / box.width;
};

function playFrom(track, word, part) {
  if (track.dataset.asset !== current()?.asset) add(trackOf(track), { now: true });
  const player = sound();
  const go = () => {
    seek(word ? Number(word.dataset.start) : part * player.duration);
    start();
  };
  if (player.readyState) go();
  else player.addEventListener("loadedmetadata", go, { once: true });
}

const listen = {
  "player-play": toggle,
  "player-back": () => jump(state.at - 1),
  "player-next": () => jump(state.at + 1),
  "player-close": close,
  "player-queue-button": () => fold("player-queue", $("player-queue").hidden),
  "player-words-button": () => fold("player-words", $("player-words").hidden),
};

function begin() {
  for (const [id, act] of Object.entries(listen)) $(id).addEventListener("click", act);
  $("player-at").addEventListener("input", ({ target }) => seek(Number(target.value)));
  $("player-takes").addEventListener("click", ({ target }) => target.dataset.take && take(target.dataset.take));
  $("player-list").addEventListener("click", ({ target }) => {
    const at = Number(target.closest("[data-at]")?.dataset.at);
    if (target.closest("[data-jump]")) jump(at);
    else if (target.closest("[data-drop]")) drop(at);
    else if (target.closest("[data-other]")) setOther(state.queue[at]);
  });
  for (const each of sounds) {
    for (const name of ["play", "pause"]) each.addEventListener(name, () => (showPlaying(), keep()));
    for (const name of ["timeupdate", "loadedmetadata", "seeked"]) {
      each.addEventListener(name, () => each === sound() && active() && showTime());
    }
    each.addEventListener("ended", () => state.at + 1 < state.queue.length && jump(state.at + 1));
  }
  document.addEventListener("htmx:afterSettle", () => active() && (showPlaying(), showTime()));
  document.addEventListener("playground:feed", ({ detail }) => detail.kind === "task" && !detail.moving && lookForWords());
  document.addEventListener("playground:ready", lookForWords);
  addEventListener("pagehide", () => active() && keep());
  restore();
}

// A song does not end because another page was opened: it waits there, where it was.
function restore() {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  if (!kept?.queue?.length || kept.team !== bar.dataset.team) return;
  state.queue = kept.queue;
  const at = Math.max(0, kept.at);
  jump(at, { seconds: kept.seconds, plays: false });
  if (kept.other) setOther(kept.other);
  if (kept.onOther) take("b");
}

// One plays at a time.
document.addEventListener("play", ({ target }) => {
  for (const other of document.querySelectorAll("audio, video")) if (other !== target) other.pause();
}, true);

if (bar) begin();
