// Keeps a list's address short: a filter that says nothing is not in it.
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
})();
