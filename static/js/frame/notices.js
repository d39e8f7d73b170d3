// Toasts, the words for failed requests, and copy buttons. Works on plain pages too, without htmx.
const STAY_MS = 6000;
const ICONS = { info: "info", success: "circle-check", warning: "triangle-alert", error: "circle-alert" };

export function setIcon(svg, name) {
  const use = svg?.querySelector("use");
  if (use) use.setAttribute("href", `${use.getAttribute("href").split("#")[0]}#${name}`);
}

// level: info | success | warning | error. `link`: {href, text, target}, opened in its own tab unless told otherwise.
export function toast(text, level = "info", link = null) {
  const box = document.getElementById("toast-template")?.content.firstElementChild.cloneNode(true);
  if (!box) return;
  box.dataset.level = level in ICONS ? level : "info";
  setIcon(box.querySelector(".icon"), ICONS[box.dataset.level]);
  const words = box.querySelector("p");
  words.textContent = text;
  if (link) {
    const anchor = Object.assign(document.createElement("a"), { href: link.href, target: link.target ?? "_blank" });
    anchor.textContent = link.text;
    words.append(" ", anchor);
  }
  show(box);
}

function show(box) {
  const tray = document.getElementById("toasts");
  // A modal dialog makes everything outside it inert: its toasts go inside.
  const open = [...document.querySelectorAll("dialog:modal")].pop();
  const home = open ?? document.body;
  if (tray.parentElement !== home) home.append(tray);
  const same = [...tray.children].find((other) => other.textContent === box.textContent);
  same?.remove();
  tray.append(box);
  if (["info", "success"].includes(box.dataset.level)) leaveLater(box);
}

function leaveLater(box) {
  setTimeout(() => (box.matches(":hover, :focus-within") ? leaveLater(box) : box.remove()), STAY_MS);
}

document.addEventListener("close", () => document.body.append(document.getElementById("toasts") ?? ""), true);
document.addEventListener("toast", (event) => toast(event.detail.text, event.detail.level));
document.addEventListener("click", (event) => {
  event.target.closest(".toast button")?.closest(".toast").remove();
  const button = event.target.closest("[data-copy], [data-copy-text]");
  if (button) copy(button);
});

// Text that was there from the start is not spoken: what the server wrote goes in again.
requestAnimationFrame(() => {
  for (const box of [...document.querySelectorAll("#toasts > .toast")]) {
    box.remove();
    show(box);
  }
});
document.addEventListener("htmx:oobAfterSwap", (event) => {
  if (event.detail.target.id !== "toasts") return;
  for (const box of event.detail.target.children) {
    if (["info", "success"].includes(box.dataset.level)) leaveLater(box);
  }
});

// Failed requests: nothing is swapped, so nothing typed is lost; one sentence says what happened.
const SENTENCES = {
  403: "You may not do this here. Your role may have changed; reload the page to see what you can do.",
  404: "This is gone, or not yours to see. Reload the page to see what is there.",
  409: "Somebody changed this in the meantime. Reload the page before you try again.",
  413: "That is too large to send.",
  429: "Too many requests. Wait a moment and try again.",
  503: "The playground is restarting. Try again in a moment.",
};

function quiet(element) {
  return element?.closest?.("[data-fails=quiet]") !== null;
}

document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  const signIn = document.body.dataset.signIn;
  if (signIn && xhr.responseURL && new URL(xhr.responseURL).pathname === signIn) {
    event.detail.shouldSwap = false;
    if (quiet(event.detail.elt)) return;
    toast("You were signed out. What you typed is still here.", "warning", { href: signIn, text: "Sign in again" });
  } else if (xhr.status === 422) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});

document.addEventListener("htmx:responseError", (event) => {
  const { xhr, elt } = event.detail;
  if (quiet(elt)) return;
  const id = xhr.getResponseHeader("X-Request-ID");
  const sentence = SENTENCES[xhr.status] ?? (xhr.status >= 500
    ? "Something broke on our side. Nothing was lost; try again."
    : "The playground refused this.");
  toast(`${sentence}${id ? ` Request id ${id}` : ""}`, "error");
});

// What a control asked for counts, though the control was drawn anew meanwhile: htmx finds places, and tells
// of what happened, only from where the control is. So it is in the page while its reply is dealt with.
const limbo = document.createElement("div");
limbo.hidden = true;

function rejoin({ currentTarget, detail }) {
  // What was to take the place of the control itself has none.
  if (currentTarget.isConnected || detail.target === currentTarget) return;
  limbo.append(currentTarget.getRootNode());
  document.body.append(limbo);
  queueMicrotask(() => {
    limbo.replaceChildren();
    limbo.remove();
  });
}

document.addEventListener("htmx:beforeRequest", ({ target }) => target.addEventListener("htmx:beforeOnLoad", rejoin, { once: true }));
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  // A place that is gone takes nothing any more.
  if (limbo.contains(detail.target)) detail.swapOverride = "none";
});

for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, (event) => {
    if (quiet(event.detail.elt)) return;
    toast("The playground could not be reached. Check the connection; what you typed is still here.", "error");
  });
}

// Copy buttons.
function textToCopy(button) {
  if (button.dataset.copyText !== undefined) return button.dataset.copyText;
  const named = button.dataset.copy?.startsWith("#") ? document.querySelector(button.dataset.copy) : null;
  const from = named ?? button.closest("figure")?.querySelector("code");
  return from?.value ?? from?.textContent ?? "";
}

async function copy(button) {
  const done = await write(textToCopy(button), button);
  const svg = button.querySelector(".icon");
  if (!done) return toast("The browser did not allow copying.", "warning");
  const before = svg ? svg.querySelector("use").getAttribute("href").split("#")[1] : button.textContent;
  if (button.dataset.copied !== undefined) return;
  button.dataset.copied = "";
  if (svg) setIcon(svg, "check");
  else button.textContent = "Copied";
  say("Copied");
  setTimeout(() => {
    delete button.dataset.copied;
    if (svg) setIcon(svg, before);
    else button.textContent = before;
  }, 1500);
}

// The clipboard API is missing on plain http other than localhost.
async function write(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = Object.assign(document.createElement("textarea"), { value: text, className: "visually-hidden" });
    button.after(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    button.focus();
    return done;
  }
}

export function say(text) {
  const line = Object.assign(document.createElement("p"), { className: "visually-hidden", textContent: text });
  document.getElementById("toasts")?.append(line);
  setTimeout(() => line.remove(), 2000);
}
