// Keeps a page current: asks each part for itself again, says how fresh the page is, lets
// durations run, and gives back what a swap would take: focus, open folds, a selection.
(() => {
  "use strict";

  const TICK = 5000;
  const body = document.body;
  const freshness = document.getElementById("freshness");
  const announcer = document.getElementById("announcer");
  const plainTitle = document.title.replace(/^\(\d+\) /, "");
  let lastAnswer = new Date();

  // --- asking again -----------------------------------------------------------------------------

  const tick = () => {
    if (document.visibilityState === "visible") htmx.trigger(body, "tick");
  };
  setInterval(tick, TICK);
  document.addEventListener("visibilitychange", tick);

  // --- how fresh --------------------------------------------------------------------------------

  const show = (state, words) => {
    if (!freshness || (freshness.dataset.state === state && freshness.textContent === words)) return;
    freshness.dataset.state = state;
    freshness.textContent = words;
  };
  const stale = () => show("stale", `stale since ${lastAnswer.toLocaleTimeString("en-GB")}`);
  const fresh = () => {
    lastAnswer = new Date();
    show("live", "live");
  };
  // A refusal and a form with errors are answers too.
  const answered = ({ successful, xhr }) => successful || xhr.status === 409 || xhr.status === 422;
  body.addEventListener("htmx:afterRequest", (event) => (answered(event.detail) ? fresh() : stale()));
  addEventListener("offline", stale);
  if (body.querySelector("[hx-trigger]")) fresh();

  // --- times that run ---------------------------------------------------------------------------
  // The same words as short_span() in kit/templatetags/kit.py.

  const span = (seconds) => {
    if (seconds < 60) return `${seconds} s`;
    if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
    if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
    return `${Math.floor(seconds / 86400)} d`;
  };
  const run = () => {
    for (const time of document.querySelectorAll("time[data-ago], time[data-age], time[data-lasting]")) {
      const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(time.dateTime)) / 1000));
      if (seconds > 14 * 86400) continue;
      const words = [
        "lasting" in time.dataset ? "for" : "", span(seconds), "ago" in time.dataset ? "ago" : "",
      ].join(" ").trim();
      if (time.textContent !== words) time.textContent = words;
    }
  };
  setInterval(run, 1000);

  // --- a swap takes nothing from the reader -----------------------------------------------------

  const seen = new Map();
  const held = new Map();
  // What differs in every answer and means nothing: running times, the forms' secret.
  const lasting = (html) => html
    .replace(/(<time[^>]*>)[^<]*/g, "$1")
    .replace(/name="csrfmiddlewaretoken" value="[^"]*"/g, "");
  // Forms that are being filled in, and what they were answered.
  const OPEN = "details.offer[open], .offer:has(.answer:not(:empty))";

  body.addEventListener("htmx:beforeSwap", (event) => {
    const { target, serverResponse, xhr } = event.detail;
    if (!target?.id || xhr.status !== 200) return;
    const now = lasting(serverResponse);
    const forms = [...target.querySelectorAll(OPEN)];
    const orphan = forms.some((form) => form.open && !now.includes(`id="${form.id}"`));
    const selection = getSelection();
    const selecting = !selection.isCollapsed && selection.containsNode(target, true);
    if (selecting || orphan || seen.get(target.id) === now) {
      event.detail.shouldSwap = false;
      return;
    }
    seen.set(target.id, now);
    const focused = target.contains(document.activeElement) ? document.activeElement : null;
    held.set(target.id, {
      forms,
      focused,
      open: [...target.querySelectorAll("details[id]")].map((fold) => [fold.id, fold.open]),
      href: focused?.getAttribute("href"),
      summary: focused?.matches("summary") ? focused.parentElement.id : null,
      scrolled: [...target.querySelectorAll(".scroll")].map((box) => box.scrollLeft),
    });
  });

  body.addEventListener("htmx:afterSwap", (event) => {
    const part = document.getElementById(event.detail.target.id);
    const was = held.get(event.detail.target.id);
    if (!part || !was) return;
    held.delete(part.id);
    for (const [id, open] of was.open) {
      const fold = document.getElementById(id);
      if (fold) fold.open = open;
    }
    part.querySelectorAll(".scroll").forEach((box, index) => (box.scrollLeft = was.scrolled[index] ?? 0));
    for (const form of was.forms) {
      const drawn = document.getElementById(form.id);
      if (!drawn) continue;
      drawn.replaceWith(form);
      htmx.process(form);
    }
    if (!was.focused) return;
    const again = part.contains(was.focused) ? was.focused : was.summary
      ? document.getElementById(was.summary)?.querySelector("summary")
      : was.href && part.querySelector(`a[href="${CSS.escape(was.href)}"]`);
    // What had the focus may be decided and gone: the keyboard goes on at the part's head.
    (again || part.querySelector("h1, h2[tabindex]"))?.focus({ preventScroll: true });
  });

  // --- decisions: opened, made, said ------------------------------------------------------------

  body.addEventListener("click", (event) => {
    const fold = event.target.closest("summary")?.parentElement;
    if (fold?.matches("details.offer")) {
      setTimeout(() => fold.open && fold.querySelector("select, textarea, input:not([type=hidden])")?.focus());
    }
  });
  body.addEventListener("keydown", (event) => {
    const fold = event.key === "Escape" && event.target.closest("details.offer[open]");
    if (!fold) return;
    fold.open = false;
    fold.querySelector("summary").focus();
  });
  body.addEventListener("said", (event) => {
    const said = document.getElementById("said");
    if (said) said.textContent = event.detail.words;
    const form = event.target.closest("form");
    const fold = form?.closest("details.offer");
    form?.reset();
    form?.querySelector(".answer")?.replaceChildren();
    if (fold) fold.open = false;
  });

  // --- what waits for a decision: in the title, the favicon, and said once ----------------------

  let before = null;
  const tell = () => {
    const count = parseInt(document.getElementById("due")?.textContent, 10) || 0;
    if (count === before) return;
    const icon = document.querySelector("link[rel=icon]");
    document.title = count ? `(${count}) ${plainTitle}` : plainTitle;
    if (icon) icon.href = count ? icon.dataset.attention : icon.dataset.calm;
    if (before !== null && announcer) {
      announcer.textContent = count > before
        ? `${count - before} more ${count - before === 1 ? "thing needs" : "things need"} attention`
        : count ? `${count} left that need attention` : "All clear";
    }
    before = count;
  };
  if (document.getElementById("due")) {
    tell();
    body.addEventListener("htmx:afterSettle", tell);
  }
})();
