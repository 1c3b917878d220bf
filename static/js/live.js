// Keeps a page current: hears what was touched and asks those parts for themselves again, says how
// fresh the page is, lets durations run, and gives back what a swap would take: focus, open folds,
// a selection.
(() => {
  "use strict";

  const POLL = 5000; // ms between two questions where nothing is heard
  const SAFETY = 15000; // the same beside a stream: for what was missed, and what time alone changes
  const GAP = 400; // a part is asked for no more often
  const REST = 1000; // before the first try to hear again; then twice as long, up to the longest
  const LONGEST_REST = 15000;
  const FULL_REST = 60000; // where there was no room for another stream
  const SILENCE = 30000; // a stream that says nothing for so long is dead

  const body = document.body;
  const freshness = document.getElementById("freshness");
  const zone = document.documentElement.dataset.zone;
  const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "long", timeZone: zone });
  const parts = () => [...document.querySelectorAll("[data-live]")];
  const soon = (time) => time * (0.5 + Math.random()); // not all pages at the same moment

  // --- asking again -----------------------------------------------------------------------------

  let ticked = Date.now();
  const asked = new Map(); // when each part was last asked for
  const unanswered = new Set();
  const again = new Set(); // parts that were touched while their answer was on its way

  const tick = () => htmx.trigger(body, "tick");
  body.addEventListener("tick", () => {
    ticked = Date.now();
    parts().forEach(ask);
  });
  const ask = (part) => {
    if (unanswered.has(part.id)) {
      again.add(part.id);
      return;
    }
    const rest = (asked.get(part.id) ?? 0) + GAP - Date.now();
    if (rest <= 0) {
      asked.set(part.id, Date.now());
      htmx.trigger(part, "poke");
    } else if (!again.has(part.id)) {
      again.add(part.id);
      setTimeout(askAgain, rest, part.id);
    }
  };
  // By its id: the answer has put another element in its place.
  const askAgain = (id) => {
    const part = document.getElementById(id);
    if (again.delete(id) && part) ask(part);
  };
  body.addEventListener("htmx:beforeSend", ({ detail: { elt } }) => {
    if (elt.matches("[data-live]")) unanswered.add(elt.id);
  });
  body.addEventListener("htmx:afterRequest", ({ detail: { requestConfig } }) => {
    const { id } = requestConfig.elt;
    if (unanswered.delete(id)) askAgain(id);
  });
  const tickWhenDue = () => {
    if (!document.hidden && Date.now() - ticked >= (hearing === "live" ? SAFETY : POLL)) tick();
  };
  setInterval(tickWhenDue, 1000);

  // --- how fresh --------------------------------------------------------------------------------

  let hearing = null; // "live", "reconnecting" or "polling"; not known yet
  let current = new Date();
  const failing = new Set();

  const show = () => {
    const stale = failing.size > 0;
    if (!freshness || !(stale || hearing)) return;
    const words = stale ? `stale since ${clock.format(current)}` : hearing;
    if (!stale) current = new Date();
    if (freshness.textContent === words) return;
    freshness.textContent = words;
    freshness.dataset.state = body.dataset.freshness = stale ? "stale" : hearing;
  };
  const now = (state) => {
    hearing = state;
    show();
  };
  // A refusal and a form with errors are answers too.
  const answered = ({ successful, xhr }) => successful || xhr.status === 409 || xhr.status === 422;
  body.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (!detail.target?.matches("[data-live]")) return;
    if (answered(detail)) failing.delete(detail.target.id);
    else failing.add(detail.target.id);
    show();
  });
  addEventListener("offline", () => {
    failing.add("network");
    leave();
    show();
  });
  addEventListener("online", () => {
    failing.delete("network");
    tick();
    hear();
  });

  // --- hearing what was touched -----------------------------------------------------------------

  let stream = null;
  let since = freshness?.dataset.since;
  let failures = 0;
  let retry = null;
  let alarm = null;
  let pointless = false; // this office cannot hear its database

  const topicsOf = (part) => (part.dataset.live || freshness.dataset.topics).split(" ");
  const reactions = {
    live() {
      failures = 0;
      now("live");
    },
    // The office itself does not hear its database at the moment.
    deaf: () => now("reconnecting"),
    poke(topics) {
      const touched = new Set(topics.split(" "));
      for (const part of parts()) if (topicsOf(part).some((topic) => touched.has(topic))) ask(part);
    },
    still: show,
    // The session has ended: the next part that is asked for leads to the login.
    over() {
      lost();
      tick();
    },
    poll(reason) {
      leave();
      now("polling");
      pointless = reason === "unheard";
      hearAgain(FULL_REST);
    },
  };

  const hear = () => {
    if (stream || pointless || document.hidden || !freshness || !parts().length) return;
    clearTimeout(retry);
    const topics = [...new Set(parts().flatMap(topicsOf))].join(" ");
    stream = new EventSource(`${freshness.dataset.stream}?${new URLSearchParams({ topics, since })}`);
    stream.onerror = lost;
    for (const [kind, react] of Object.entries(reactions)) {
      stream.addEventListener(kind, ({ data, lastEventId }) => {
        since = lastEventId;
        watch();
        react(data);
      });
    }
    watch();
  };
  const watch = () => {
    clearTimeout(alarm);
    alarm = setTimeout(lost, SILENCE);
  };
  const hearAgain = (rest) => {
    clearTimeout(retry);
    retry = setTimeout(hear, soon(rest));
  };
  const leave = () => {
    clearTimeout(alarm);
    stream?.close();
    stream = null;
  };
  const lost = () => {
    leave();
    now("reconnecting");
    hearAgain(Math.min(REST * 2 ** failures++, LONGEST_REST));
  };
  // A hidden page gives its stream back: a browser has six connections to an office.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      leave();
      return;
    }
    tickWhenDue();
    hear();
  });
  hear();

  // --- times that run ---------------------------------------------------------------------------

  const words = JSON.parse(freshness?.dataset.words ?? "{}");
  const span = (seconds) => {
    const [, size, name] = words.spans.find(([most]) => !most || seconds < most);
    return `${Math.floor(seconds / size)} ${name}`;
  };
  const run = () => {
    for (const [kind, form] of Object.entries(words.kinds ?? {})) {
      for (const time of document.querySelectorAll(`time[data-${kind}]`)) {
        const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(time.dateTime)) / 1000));
        if (seconds > words.longest) continue;
        const said = form.replace("{}", span(seconds));
        if (time.textContent !== said) time.textContent = said;
      }
    }
  };
  setInterval(run, 1000);

  // --- a swap takes nothing from the reader -----------------------------------------------------

  const seen = new Map();
  const held = new Map();
  // Forms that are being filled in, and what they were answered.
  const OPEN = "details.offer[open], .offer:has(.answer:not(:empty))";

  body.addEventListener("htmx:configRequest", ({ detail }) => {
    const etag = detail.elt.matches("[data-live]") && seen.get(detail.target.id);
    if (etag) detail.headers["If-None-Match"] = etag;
  });

  // What is read must not move: where things stand that are in sight, or below, if what is swapped
  // begins above the window. What comes and goes in sight does move the rest, as it should.
  const standing = (id) => document.getElementById(id).getBoundingClientRect().top;
  const marksIn = (part) => {
    if (part.getBoundingClientRect().top >= 0) return [];
    const named = [...part.querySelectorAll("[id]"), ...document.querySelectorAll("[data-live]")];
    return named
      .filter((each) => each !== part && each.checkVisibility())
      .map(({ id }) => [id, standing(id)])
      .filter(([, top]) => top >= 0);
  };

  body.addEventListener("htmx:beforeSwap", (event) => {
    const { target, serverResponse, xhr } = event.detail;
    if (!target?.id || xhr.status !== 200) return;
    const forms = [...target.querySelectorAll(OPEN)];
    const orphan = forms.some((form) => form.open && !serverResponse.includes(`id="${form.id}"`));
    const selection = getSelection();
    const selecting = !selection.isCollapsed && selection.containsNode(target, true);
    // What is heard may be quicker than the answer to the act that caused it, which still has to say
    // to its form what was done, and asks again by itself.
    const sending = target.querySelector("form.htmx-request");
    if (selecting || orphan || sending) {
      event.detail.shouldSwap = false;
      return;
    }
    seen.set(target.id, xhr.getResponseHeader("ETag"));
    const focused = target.contains(document.activeElement) ? document.activeElement : null;
    held.set(target.id, {
      scrolledTo: scrollY,
      marks: marksIn(target),
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
    scrollTo({ left: scrollX, top: was.scrolledTo, behavior: "instant" });
    const [mark, stood] = was.marks.find(([id]) => document.getElementById(id)) ?? [];
    if (mark) scrollBy({ top: standing(mark) - stood, behavior: "instant" });
    if (!was.focused) return;
    const same = part.contains(was.focused) ? was.focused : was.summary
      ? document.getElementById(was.summary)?.querySelector("summary")
      : was.href && part.querySelector(`a[href="${CSS.escape(was.href)}"]`);
    // What had the focus may be decided and gone: the keyboard goes on at the part's head.
    (same || part.querySelector("h1, h2[tabindex]"))?.focus({ preventScroll: true });
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
})();
