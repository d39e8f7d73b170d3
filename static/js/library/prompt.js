// One prompt: mentions put into a comment, and the timeline folded on a phone.
document.addEventListener("click", ({ target }) => {
  const chip = target.closest("[data-mention]");
  if (!chip) return;
  const field = chip.closest("form").querySelector("[data-mentions]");
  const before = field.value && !/\s$/.test(field.value) ? " " : "";
  field.value += `${before}${chip.dataset.mention} `;
  field.focus();
});

if (matchMedia("(max-width: 760px)").matches)
  for (const fold of document.querySelectorAll("[data-folds-on-phone]")) fold.open = false;
