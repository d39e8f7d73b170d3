// Images for the composer, by file and by address: comes when somebody first attaches one.
const form = document.getElementById("composer");
const $ = (id) => document.getElementById(id);

export function attach(file) {
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
  document.dispatchEvent(new CustomEvent("chat:attached"));
}

function fail(chip, sentence) {
  delete chip.dataset.uploading;
  chip.dataset.failed = "";
  const error = Object.assign(document.createElement("p"), { className: "error small", textContent: sentence });
  error.setAttribute("role", "alert");
  chip.querySelector("progress")?.replaceWith(error);
}

export function attachAddress() {
  const field = $("attach-address");
  const address = field.value.trim();
  if (!address) return field.focus();
  const body = new FormData();
  body.append("url", address);
  upload(placeholder(address), body);
  field.value = "";
  $("attach-menu").hidePopover();
  $("message").focus();
}
