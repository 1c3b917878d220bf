// Keeps a list's address short: a filter that says nothing is not in it. Asks again for what a filter
// says where the office was not reached: else the list would be another one than the form tells.
// Chooses all rows of a page at once.
(() => {
  "use strict";

  const isFilter = (form) => form.matches?.("form.filters");

  document.addEventListener("formdata", ({ target, formData }) => {
    if (!isFilter(target)) return;
    for (const [name, value] of [...formData]) if (value === "") formData.delete(name);
  });
  document.addEventListener("htmx:configRequest", ({ target, detail }) => {
    if (!isFilter(target)) return;
    for (const [name, value] of [...detail.formData]) if (value === "") detail.formData.delete(name);
  });

  // Without script the rows are chosen one by one.
  const boxes = () => [...document.querySelectorAll(".choose")];
  const showChooseAll = () => {
    for (const button of document.querySelectorAll(".choose-all")) button.hidden = boxes().length < 2;
  };
  showChooseAll();
  for (const drawn of ["htmx:afterSwap", "parts:put"]) document.addEventListener(drawn, showChooseAll);
  document.addEventListener("click", ({ target }) => {
    if (!target.closest?.(".choose-all")) return;
    const all = boxes();
    const chosen = !all.every((box) => box.checked);
    for (const box of all) box.checked = chosen;
  });

  let unanswered = null;
  for (const lost of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
    document.addEventListener(lost, ({ target, detail }) => {
      const refused = detail.xhr.status >= 400 && detail.xhr.status < 500;
      if (isFilter(target) && !refused) unanswered = target;
    });
  }
  document.addEventListener("htmx:beforeSend", ({ target }) => {
    if (target === unanswered) unanswered = null;
  });
  document.addEventListener("tick", () => unanswered && htmx.trigger(unanswered, "submit"));
})();
