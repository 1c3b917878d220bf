// Keys: a command menu that finds what has a name, single keys that can be turned off, and the
// list of them. Without script, Search is a page and the rest is reached by Tab.
(() => {
  "use strict";

  const root = document.documentElement;
  const palette = document.getElementById("palette");
  const help = document.getElementById("help");
  if (!palette) return;

  // --- the command menu -------------------------------------------------------------------------

  const form = palette.querySelector("form");
  const input = form.elements.q;
  const hits = document.getElementById("hits");
  const PAUSE = 90; // ms after a letter, before it is asked for
  let question = null;
  let waiting = null;
  let isMoved = false; // the reader has chosen another than the first since the last letter

  const options = () => [...hits.querySelectorAll(".hit")];
  const chosen = () => hits.querySelector('[aria-selected="true"]');
  const choose = (option) => {
    chosen()?.setAttribute("aria-selected", "false");
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) input.setAttribute("aria-activedescendant", option.id);
    else input.removeAttribute("aria-activedescendant");
  };
  const find = async () => {
    question?.abort();
    question = new AbortController();
    const { signal } = question;
    const address = `${form.action}?${new URLSearchParams({ q: input.value })}`;
    const headers = { "HX-Request": "true", "HX-Target": "hits", "HX-Current-URL": location.href };
    try {
      const answer = await fetch(address, { headers, signal });
      // The session has ended (401): the answer says so, and leads to the login in another tab.
      if (!answer.ok && answer.status !== 401) return;
      const found = await answer.text();
      const kept = isMoved && chosen()?.href;
      hits.innerHTML = found;
      choose(options().find((option) => option.href === kept) ?? options()[0]);
    } catch (error) {
      if (error.name === "AbortError" || error instanceof TypeError) return; // typed on; not reached
      throw error;
    }
  };
  const move = (step) => {
    const all = options();
    if (!all.length) return;
    isMoved = true;
    choose(all[(all.indexOf(chosen()) + step + all.length) % all.length]);
  };

  const openPalette = () => {
    if (palette.open) return;
    help.close();
    palette.showModal();
    input.select();
    find();
  };
  input.addEventListener("input", () => {
    isMoved = false;
    clearTimeout(waiting);
    waiting = setTimeout(find, PAUSE);
  });
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.isComposing) return;
    event.preventDefault();
    move(step);
  });
  form.addEventListener("submit", (event) => {
    const option = chosen();
    if (!option) return; // the page of all that was found
    event.preventDefault();
    palette.close();
    option.click();
  });

  // --- what opens and closes --------------------------------------------------------------------

  const openers = { palette: openPalette, help: () => help.showModal() };
  for (const opener of document.querySelectorAll("[data-opens]")) {
    opener.hidden = false;
    opener.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a link, in another tab
      event.preventDefault();
      document.getElementById("menu").hidePopover();
      openers[opener.dataset.opens]();
    });
  }
  for (const dialog of [palette, help]) {
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog || event.target.closest("[data-closes]")) dialog.close();
    });
  }

  // --- single keys ------------------------------------------------------------------------------

  const off = root.dataset.keys === "off";
  const TYPED = 'input:not([type="checkbox"], [type="radio"], [type="submit"], [type="button"]), textarea, select, [contenteditable]';
  const SEQUENCE = 1500; // ms in which a second key belongs to the first
  let gone = 0; // when g was pressed

  const visit = (key) => {
    const place = document.querySelector(`.rail [data-key="${CSS.escape(key)}"]`);
    place?.click();
    return Boolean(place);
  };
  // Each list names what it is about by a link of this class.
  const step = (by) => {
    const stops = [...document.querySelectorAll("main a.name")].filter((stop) => stop.checkVisibility());
    if (!stops.length) return;
    const here = stops.indexOf(document.activeElement);
    let next = here + by;
    if (here < 0) {
      const after = stops.findIndex(
        (stop) => document.activeElement.compareDocumentPosition(stop) & Node.DOCUMENT_POSITION_FOLLOWING,
      );
      next = by > 0 ? after : (after < 0 ? stops.length : after) - 1;
    }
    stops[Math.min(Math.max(next, 0), stops.length - 1)].focus();
  };
  // An act of the card that has the focus; without one, of the page if only one is there.
  const CARDS = "li, tr, article";
  const act = (key) => {
    const main = document.getElementById("main");
    const focused = document.activeElement;
    let place = main?.contains(focused) ? focused : main;
    for (; place; place = place === main ? null : place.parentElement) {
      const found = [...place.querySelectorAll(`[data-single="${CSS.escape(key)}"]`)].filter((each) => each.checkVisibility());
      if (!found.length) continue;
      const isOne = found.length === 1 || place.matches(CARDS);
      if (isOne) found[0].dispatchEvent(new CustomEvent("offer:open", { bubbles: true }));
      return isOne;
    }
    return false;
  };
  const singles = {
    "/": openPalette,
    "?": () => help.showModal(),
    j: () => step(1),
    k: () => step(-1),
    g: () => (gone = Date.now()),
  };

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      openPalette();
      return;
    }
    if (off || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat && event.key === "g") return;
    if (event.target.closest?.(TYPED) || document.querySelector("dialog[open]")) return;
    const second = Date.now() - gone < SEQUENCE;
    gone = 0;
    if (second && visit(event.key)) {
      event.preventDefault();
    } else if (Object.hasOwn(singles, event.key)) {
      event.preventDefault();
      singles[event.key]();
    } else if (/^[a-z]$/.test(event.key) && act(event.key)) {
      event.preventDefault();
    }
  });

  // --- the zone of this browser -----------------------------------------------------------------

  const own = document.getElementById("own-zone");
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (own && here && here !== root.dataset.zone) {
    own.value = here;
    own.textContent = `Use ${here}`;
    own.hidden = false;
  }
})();
