// The form that adds a key is an ordinary one; while the key is tested its button says so.

const form = document.querySelector(".key-add");
const button = form?.querySelector("button");

form?.addEventListener("submit", (event) => {
  if (button.getAttribute("aria-busy") === "true") event.preventDefault();
  button.setAttribute("aria-busy", "true");
});
// Coming back to the page must not find the button busy.
window.addEventListener("pageshow", () => button?.removeAttribute("aria-busy"));
