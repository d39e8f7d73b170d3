// Arrow keys in the model picker: from the search field into the list, along it, and back.

const picker = document.getElementById("model-picker");

function options() {
  return [...picker.querySelectorAll("#model-list [role=option]")];
}

function target(all, at, key) {
  if (key === "ArrowDown") return all[Math.min(at + 1, all.length - 1)];
  if (key === "ArrowUp") return at > 0 ? all[at - 1] : picker.querySelector("input[type=search]");
  if (key === "Home" && at >= 0) return all[0];
  if (key === "End" && at >= 0) return all.at(-1);
  return null;
}

picker?.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.isComposing) return;
  const search = event.target.matches("input[type=search]");
  const all = options();
  const at = all.indexOf(event.target);
  if (!all.length || (!search && at < 0)) return;
  if (search && event.key === "Enter") {
    event.preventDefault();
    all[0].click();
    return;
  }
  const to = target(all, at, event.key);
  if (!to || to === event.target) return;
  event.preventDefault();
  to.focus();
});
