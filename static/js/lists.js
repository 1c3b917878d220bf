// Keeps a list's address short: a filter that says nothing is not in it. Asks again for what a filter
// says where the office was not reached: else the list would be another one than the form tells.
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
