// The filter of the page Usage: the days show with "from … to …" alone, and a choice shows at once.
const form = document.getElementById("usage-filter");
const range = form?.elements.namedItem("range");

function showDays() {
  form.toggleAttribute("data-custom", range.value === "custom");
}

if (form) {
  form.dataset.script = "";
  showDays();
  form.addEventListener("change", (event) => {
    showDays();
    if (event.target === range) {
      // Another range has other grains: the server chooses a fitting one.
      form.elements.namedItem("grain").disabled = true;
    }
    if (event.target === range && range.value === "custom") {
      form.elements.namedItem("since").focus();
      return;
    }
    if (event.target.tagName === "SELECT") form.requestSubmit();
  });
  // A page from the back/forward cache shows the choice it was left with.
  window.addEventListener("pageshow", () => {
    form.elements.namedItem("grain").disabled = false;
  });
}
