// A link to a row is copied when it is followed: it stands in the address bar either way.
(() => {
  "use strict";

  document.addEventListener("click", async (event) => {
    const link = event.target.closest?.("a[data-copies]");
    if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (!navigator.clipboard) return;
    event.preventDefault();
    const announcer = document.getElementById("announcer");
    try {
      await navigator.clipboard.writeText(link.href);
      announcer.textContent = "Link copied";
      link.dataset.copied = "";
      setTimeout(() => delete link.dataset.copied, 2000);
    } catch {
      location.assign(link.href);
    }
  });
})();
