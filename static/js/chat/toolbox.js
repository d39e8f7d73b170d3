// The Tools and Schema tabs, from the first touch on: names that follow what is typed, and asking before
// something that was typed is replaced.
const tools = () => [...document.querySelectorAll("#toolbox .tool")];

function title(tool) {
  const name = tool.querySelector("[name=tool-name]").value.trim();
  tool.querySelector(".tool-title").textContent = name || "New tool";
  tool.querySelector(".tool-about").textContent = tool.querySelector("[name=tool-description]").value;
}

// The choice stays on the tool it was on, whatever that is called now.
function choices() {
  const select = document.getElementById("tool-choice");
  const group = document.getElementById("tool-choice-names");
  const chosen = [...group.children].indexOf(select.selectedOptions[0]);
  group.replaceChildren(...tools().map((tool) => choice(tool.querySelector("[name=tool-name]").value.trim())));
  if (chosen >= 0) group.children[chosen].selected = true;
}

function choice(name) {
  return Object.assign(new Option(name, name), { hidden: !name, disabled: !name });
}

document.addEventListener("input", ({ target }) => {
  if (!target.matches("[name=tool-name], [name=tool-description]")) return;
  title(target.closest(".tool"));
  if (target.name === "tool-name") choices();
});

// Enter in a field of these tabs would send the message that waits in the composer.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches(":is(#toolbox, #schemabox) input:not([type=checkbox])")) event.preventDefault();
});

function occupied(selector) {
  const there = document.querySelector(selector);
  return Boolean(there && (there.value ?? "there").trim());
}

const confirming = document.getElementById("confirming");

document.addEventListener("htmx:confirm", (event) => {
  const { replaces, question, yes } = event.detail.elt.dataset;
  if (!question || (replaces && !occupied(replaces))) return;
  event.preventDefault();
  confirming.querySelector("p").textContent = question;
  confirming.querySelector(".primary").textContent = yes;
  confirming.returnValue = "";
  confirming.addEventListener("close", () => confirming.returnValue === "yes" && event.detail.issueRequest(true), { once: true });
  confirming.showModal();
});

// What was open stays open when the list comes back.
let opened = [];
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id === "toolbox") opened = tools().map((tool) => tool.open && tool.querySelector("[name=tool-name]").value);
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id !== "toolbox") return;
  for (const tool of tools()) {
    const name = tool.querySelector("[name=tool-name]").value;
    if (name && opened.includes(name)) tool.open = true;
  }
  focusFresh();
});

// htmx would focus it a moment later, under the hands of somebody who writes elsewhere by then.
function focusFresh() {
  const fresh = document.querySelector("#toolbox [autofocus]");
  fresh?.removeAttribute("autofocus");
  const { activeElement } = document;
  if (!activeElement || activeElement === document.body || activeElement.closest("#toolbox")) fresh?.focus();
}
