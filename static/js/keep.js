// Gives back what a swap would take from the reader: focus, open folds, half-typed forms, a selection,
// the place that is read.
(() => {
  "use strict";

  const body = document.body;
  const held = new Map();
  // Forms that are being filled in, and what they were answered.
  const OPEN = "details.offer[open], .offer:has(.answer:not(:empty))";

  // What is read must not move: where things stand that are in sight, or below, if what is swapped
  // begins above the window. What comes and goes in sight does move the rest, as it should.
  const standing = (id) => document.getElementById(id).getBoundingClientRect().top;
  const marksIn = (part) => {
    if (part.getBoundingClientRect().top >= 0) return [];
    // The frame is in sight wherever the page is.
    const named = [...part.querySelectorAll("[id]"), ...document.querySelectorAll("main [data-live]")];
    return named
      .filter((each) => each !== part && each.checkVisibility())
      .map(({ id }) => [id, standing(id)])
      .filter(([, top]) => top >= 0);
  };

  // Notes what is to be given back; false if the reader would lose something that cannot be.
  const hold = (part) => {
    const forms = [...part.querySelectorAll(OPEN)];
    const selection = getSelection();
    const selecting = !selection.isCollapsed && selection.containsNode(part, true);
    // What is heard may be quicker than the answer to the act that caused it, which still has to say
    // to its form what was done.
    const sending = part.querySelector("form.htmx-request");
    if (selecting || sending) return false;
    const focused = part.contains(document.activeElement) ? document.activeElement : null;
    held.set(part.id, {
      scrolledTo: scrollY,
      marks: marksIn(part),
      forms,
      focused,
      open: [...part.querySelectorAll("details[id]")].map((fold) => [fold.id, fold.open]),
      href: focused?.getAttribute("href"),
      chosen: [...part.querySelectorAll(".choose:checked")].map(({ id }) => id),
      summary: focused?.matches("summary") ? focused.parentElement.id : null,
      scrolled: [...part.querySelectorAll(".scroll")].map((box) => box.scrollLeft),
    });
    return true;
  };
  const giveBack = (ids) => {
    const parts = ids.map((id) => [document.getElementById(id), held.get(id)]).filter(([part, was]) => part && was);
    for (const [part, was] of parts) {
      held.delete(part.id);
      for (const [id, open] of was.open) {
        const fold = document.getElementById(id);
        if (fold) fold.open = open;
      }
      for (const id of was.chosen) {
        const box = document.getElementById(id);
        if (box) box.checked = true;
      }
      for (const form of was.forms) {
        const drawn = document.getElementById(form.id);
        if (!drawn && !form.open) continue;
        if (drawn) drawn.replaceWith(form);
        else setAside(part, form);
        htmx.process(form);
      }
    }
    takeBackIn();
    for (const [part, was] of parts) {
      part.querySelectorAll(".scroll").forEach((box, index) => (box.scrollLeft = was.scrolled[index] ?? 0));
    }
    if (parts.length) scrollTo({ left: scrollX, top: parts[0][1].scrolledTo, behavior: "instant" });
    const marks = parts.flatMap(([, was]) => was.marks).filter(([id]) => document.getElementById(id));
    const [mark, stood] = marks.sort(([, one], [, other]) => one - other)[0] ?? [];
    if (mark) scrollBy({ top: standing(mark) - stood, behavior: "instant" });
    for (const [part, was] of parts) if (was.focused) focusAgain(part, was);
  };
  // The act of an open form is offered no more: what was typed stays beside the part, which shows
  // what there is now.
  const setAside = (part, form) => {
    const box = document.createElement("div");
    box.className = "set-aside";
    const words = box.appendChild(document.createElement("p"));
    words.setAttribute("role", "status");
    words.textContent = "This is no longer offered: the state has changed. Your input is still here.";
    box.append(form);
    part.before(box);
    form.addEventListener("toggle", () => form.open || box.remove());
  };
  // It is offered again.
  const takeBackIn = () => {
    for (const box of document.querySelectorAll(".set-aside")) {
      const form = box.querySelector("details.offer");
      const drawn = document.querySelector(`[data-live] [id="${form.id}"]`);
      if (!drawn) continue;
      box.remove();
      drawn.replaceWith(form);
      htmx.process(form);
    }
  };
  const focusAgain = (part, { focused, summary, href }) => {
    const same = part.contains(focused) ? focused
      : focused.id ? document.getElementById(focused.id)
      : summary ? document.getElementById(summary)?.querySelector("summary")
      : href && part.querySelector(`a[href="${CSS.escape(href)}"]`);
    // What had the focus may be decided and gone: the keyboard goes on at the part's head.
    (same || part.querySelector("h1, h2[tabindex]"))?.focus({ preventScroll: true });
  };

  // Pressed on one element and let go of on the one that replaced it is no click.
  let pressed = null;
  let withheld = false;
  addEventListener("pointerdown", ({ target }) => (pressed = target.closest("a, button, summary")), true);
  const letGo = () => {
    pressed = null;
    if (withheld) htmx.trigger(body, "tick");
    withheld = false;
  };
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => setTimeout(letGo), true);
  body.addEventListener("part:drawn", (event) => {
    const part = event.target;
    const pressing = part.contains(pressed);
    withheld ||= pressing;
    if (pressing || !hold(part)) event.preventDefault();
  });
  body.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const { target, xhr } = detail;
    if (target?.id && xhr.status === 200 && !hold(target)) detail.shouldSwap = false;
  });
  body.addEventListener("parts:put", ({ detail }) => giveBack(detail.ids));
  body.addEventListener("htmx:afterSwap", ({ detail }) => detail.target && giveBack([detail.target.id]));
})();
