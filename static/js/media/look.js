// Looking closely: a picture at its own size, a film frame by frame, two pictures over each other.
import { open } from "../frame/layers.js";

const USUAL_FRAME_S = 1 / 30;
const frames = new WeakMap();
let film = null;

// Pictures

const pane = document.getElementById("zoom-pane");
const image = document.getElementById("zoom-image");

function size(name) {
  pane.dataset.size = name;
  for (const button of document.querySelectorAll("#zoom [data-size]:is(button)")) {
    button.setAttribute("aria-pressed", String(button.dataset.size === name));
  }
  if (name !== "whole") return;
  pane.scrollLeft = (pane.scrollWidth - pane.clientWidth) / 2;
  pane.scrollTop = (pane.scrollHeight - pane.clientHeight) / 2;
}

document.addEventListener("click", (event) => {
  const { target } = event;
  const link = target.closest("[data-zoom]");
  if (link && pane && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    image.src = link.dataset.zoom;
    image.alt = link.dataset.name;
    document.getElementById("zoom-title").textContent = link.dataset.name;
    open("zoom");
    size("fit");
    pane.focus();
  }
  const button = target.closest("#zoom button[data-size]");
  if (button) size(button.dataset.size);
  const step = target.closest("[data-frame]");
  if (step) stepFilm(Number(step.dataset.frame), step.closest(".output").querySelector("video"));
});

pane?.addEventListener("dblclick", () => size(pane.dataset.size === "fit" ? "whole" : "fit"));
pane?.addEventListener("pointerdown", (event) => {
  if (event.pointerType !== "mouse" || event.button !== 0) return;
  event.preventDefault();
  pane.focus();
  pane.setPointerCapture(event.pointerId);
});
pane?.addEventListener("pointermove", (event) => {
  if (!pane.hasPointerCapture(event.pointerId)) return;
  pane.scrollLeft -= event.movementX;
  pane.scrollTop -= event.movementY;
});

// Films

document.addEventListener("play", ({ target }) => {
  if (!target.matches("video")) return;
  film = target;
  if (frames.has(target) || !target.requestVideoFrameCallback) return;
  let before = null;
  const note = (_, { mediaTime }) => {
    const took = before === null ? 0 : (mediaTime - before) / target.playbackRate;
    if (took > 0.004 && took < 0.2) frames.set(target, Math.min(took, frames.get(target) ?? took));
    before = mediaTime;
    if (!target.paused) target.requestVideoFrameCallback(note);
  };
  target.requestVideoFrameCallback(note);
}, true);
document.addEventListener("focusin", ({ target }) => target.matches("video") && (film = target));

// The film meant: the one given, the one used last, or the only one in sight.
const meant = () => (film?.isConnected ? film : document.querySelector(".task-whole video") ?? document.querySelector("video"));

export function stepFilm(by, player = meant()) {
  if (!player) return false;
  film = player;
  player.pause();
  player.currentTime = Math.max(0, player.currentTime + by * (frames.get(player) ?? USUAL_FRAME_S));
  return true;
}

export function toggleFilm() {
  const player = meant();
  if (!player) return false;
  if (player.paused) player.play();
  else player.pause();
  return true;
}

export function seekFilm(seconds) {
  if (!film?.isConnected) return false;
  film.currentTime = Math.max(0, film.currentTime + seconds);
  return true;
}

document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-speed]")) target.closest(".output").querySelector("video").playbackRate = Number(target.value);
});
for (const name of ["seeked", "timeupdate"]) {
  document.addEventListener(name, ({ target }) => {
    const told = target.matches("video") && target.closest(".output")?.querySelector("[data-film-time]");
    if (told) told.textContent = `${target.currentTime.toFixed(2)} s`;
  }, true);
}

// Two pictures

const split = document.getElementById("split");
document.getElementById("split-at")?.addEventListener("input", ({ target }) => {
  split.style.setProperty("--split", `${target.value}%`);
});
