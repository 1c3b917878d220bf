// Keeps a page current: hears what was touched and asks for those parts again, all at once; says how
// fresh the page is; lets durations run.
(() => {
  "use strict";

  const POLL = 5000; // ms between two questions where nothing is heard
  const SAFETY = 15000; // the same beside a stream: for what was missed, and what time alone changes
  const LEAST_REST = 100; // between an answer and the next question for the same part
  const PATIENCE = 10000; // until a question counts as unanswered
  const REST = 1000; // before the first try to hear again; then twice as long, up to the longest
  const LONGEST_REST = 5000;
  const FULL_REST = 60000; // where there was no room for another stream
  const SEATS = 4; // streams of one browser: it has six connections to an office, also to ask over
  const SILENCE = 30000; // a stream that says nothing for so long is dead

  const body = document.body;
  const freshness = document.getElementById("freshness");
  const zone = document.documentElement.dataset.zone;
  const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "long", timeZone: zone });
  const day = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: zone });
  // A time of another day is said with its day: a page may be open for days.
  const dated = (at) => {
    const today = day.format(at) === day.format(new Date());
    return today ? clock.format(at) : `${day.format(at)}, ${clock.format(at)}`;
  };
  const parts = () => [...document.querySelectorAll("[data-live]")];
  const soon = (time) => time * (0.5 + Math.random()); // not all pages at the same moment

  // --- asking again -----------------------------------------------------------------------------

  let ticked = Date.now();
  let next = null;
  const touched = new Set(); // and not asked for since
  const asked = new Set(); // and not answered yet
  const claimed = new Map(); // what a reader has asked to be shown instead, by how many requests
  const rests = new Map(); // until when a part is not asked for again
  const versions = new Map(); // the version of each part that is on the page

  const tick = () => htmx.trigger(body, "tick");
  body.addEventListener("tick", () => {
    ticked = Date.now();
    touch(parts());
  });
  // The parts of one entity bear a revision: they are asked for, and replaced, together.
  const joined = (some) => some.filter((part) => part.dataset.revision);
  const touch = (some) => {
    const others = joined(some).length ? joined(parts()) : [];
    for (const { id } of [...some, ...others]) touched.add(id);
    refresh();
  };
  // Asks in one request for all that was touched and has rested; for the others when they have.
  const refresh = () => {
    clearTimeout(next);
    const due = parts().filter(({ id }) => touched.has(id) && !asked.has(id) && !claimed.has(id));
    const restOf = ({ id }) => (rests.get(id) ?? 0) - Date.now();
    const ready = due.filter((part) => restOf(part) <= 0);
    if (ready.length) ask(ready);
    const wait = Math.min(...due.map(restOf).filter((rest) => rest > 0));
    if (wait < Infinity) next = setTimeout(refresh, wait);
  };
  const ask = async (some) => {
    const began = Date.now();
    for (const { id } of some) {
      touched.delete(id);
      asked.add(id);
    }
    let answered = false;
    kept = false;
    try {
      answered = await answer(some);
    } finally {
      // However long answers take, the office is left alone for a third of the time.
      const rest = Date.now() + Math.min(Math.max(LEAST_REST, (Date.now() - began) / 2), POLL);
      for (const { id } of some) {
        asked.delete(id);
        rests.set(id, rest);
        if (answered) failing.delete(id);
        else failing.add(id);
      }
      show();
      refresh();
    }
  };
  const answer = async (some) => {
    const names = some.map(({ id }) => id);
    const known = names.flatMap((name) => versions.get(name) ?? []).join(", ");
    const headers = { "HX-Request": "true", "HX-Current-URL": location.href, "Foreman-Parts": names.join(" ") };
    if (known) headers["If-None-Match"] = known;
    // A page that has nothing live but its frame may have no address of its own to ask at.
    const { pathname, search } = location;
    const address = parts().length > 1 ? pathname + search : freshness.dataset.frame;
    try {
      const response = await fetch(address, { headers, signal: AbortSignal.timeout(PATIENCE) });
      // The session has ended: the page says so, keeps what was typed, and goes on after the login.
      if (response.status === 401) sayEnded(await response.text());
      else if (response.ok || response.status === 304) ended?.replaceChildren();
      if (response.status === 200) put(some, await response.json());
      if (response.ok || response.status === 304) stamp(some, response.headers.get("Foreman-Revision"));
      return response.ok || response.status === 304;
    } catch (error) {
      if (error instanceof TypeError || error.name === "TimeoutError") return false; // not reached
      throw error;
    }
  };
  const ended = document.getElementById("ended");
  const sayEnded = (html) => {
    if (ended && !ended.hasChildNodes()) ended.innerHTML = html;
  };
  // All at once, and then what the reader had is given back: each look at the page has it laid out.
  const put = (some, drawn) => {
    const taken = some.filter((part) => {
      if (!drawn[part.id]) return false;
      // Meanwhile the reader has asked for something else in its place.
      const overtaken = !part.isConnected || claimed.has(part.id);
      if (overtaken) touched.add(part.id);
      return !overtaken && htmx.trigger(part, "part:drawn", drawn[part.id]);
    });
    // Where one part of an entity has to wait for its reader, so do the others.
    const waits = joined(some).some((part) => drawn[part.id] && !taken.includes(part));
    const news = waits ? taken.filter((part) => !part.dataset.revision) : taken;
    kept = waits;
    for (const part of news) {
      const { etag, html } = drawn[part.id];
      versions.set(part.id, etag);
      htmx.swap(part, html, { swapStyle: "outerHTML", swapDelay: 0, settleDelay: 0 });
    }
    htmx.trigger(body, "parts:put", { ids: news.map(({ id }) => id) });
  };
  // What has not changed since is of the new revision too.
  let kept = false;
  const stamp = (some, revision) => {
    if (!revision || kept) return;
    for (const { id } of joined(some)) document.getElementById(id).dataset.revision = revision;
  };
  // What htmx puts in place of a part, for a filter, must not meet an answer to an older question.
  body.addEventListener("htmx:beforeSend", ({ detail: { target } }) => {
    if (target.matches("[data-live]")) claimed.set(target.id, (claimed.get(target.id) ?? 0) + 1);
  });
  body.addEventListener("htmx:afterSwap", ({ detail: { target, xhr } }) => {
    if (target?.matches("[data-live]")) versions.set(target.id, xhr.getResponseHeader("ETag"));
  });
  body.addEventListener("htmx:afterRequest", ({ detail: { target, elt, successful } }) => {
    const part = elt.closest("[data-live]");
    if (part && !successful) touch([part]); // it may have been held back for this request
    if (!claimed.has(target?.id)) return;
    const others = claimed.get(target.id) - 1;
    if (others) claimed.set(target.id, others);
    else claimed.delete(target.id);
    if (successful) failing.delete(target.id);
    else failing.add(target.id);
    show();
    refresh();
  });
  const tickWhenDue = () => {
    if (!document.hidden && Date.now() - ticked >= (hearing === "live" ? SAFETY : POLL)) tick();
  };
  setInterval(tickWhenDue, 1000);

  // --- how fresh --------------------------------------------------------------------------------

  let hearing = null; // "connecting", "live", "reconnecting" or "polling"; not known yet
  let connected = false; // ever
  let current = new Date();
  const failing = new Set();

  const show = () => {
    const stale = failing.size > 0;
    if (!freshness || !(stale || hearing)) return;
    const words = stale ? `stale since ${dated(current)}` : hearing;
    if (!stale) current = new Date();
    if (freshness.textContent === words) return;
    freshness.textContent = words;
    freshness.dataset.state = body.dataset.freshness = stale ? "stale" : hearing;
  };
  const now = (state) => {
    hearing = state;
    show();
  };
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
  let seat = null; // gives back what was taken to hear
  let seeking = false;

  const topicsOf = (part) => (part.dataset.live || freshness.dataset.topics).split(" ");
  const reactions = {
    live() {
      connected = true;
      failures = 0;
      now("live");
    },
    // The office itself does not hear its database at the moment.
    deaf: () => now(connected ? "reconnecting" : "connecting"),
    poke(topics) {
      // A page that nobody sees, and that hears because it tells, asks when it is looked at.
      if (document.hidden) {
        ticked = 0;
        return;
      }
      const told = new Set(topics.split(" "));
      touch(parts().filter((part) => topicsOf(part).some((topic) => told.has(topic))));
    },
    still: show,
    // The session has ended: the next part that is asked for says so.
    over() {
      lost();
      tick();
    },
    poll(reason) {
      pointless = reason === "unheard";
      poll();
    },
  };

  // Of pages that are shown side by side only some hear: more would leave none a connection to ask
  // over. Where the browser has no locks, for want of TLS, nobody counts.
  const seats = Array.from({ length: SEATS }, (_, number) => `stream ${number}`);
  const takeSeat = async () => {
    if (!navigator.locks) return () => {};
    for (const name of seats) {
      const free = await new Promise((taken) => {
        navigator.locks.request(name, { ifAvailable: true }, (lock) => lock ? new Promise(taken) : taken());
      });
      if (free) return free;
    }
    return null;
  };
  // A hidden page gives its stream back, unless it is the one that tells what breaks (tell.js).
  const away = () => document.hidden && !("tells" in body.dataset);
  const hear = async () => {
    if (stream || seeking || pointless || away() || !freshness || !parts().length) return;
    clearTimeout(retry);
    seeking = true;
    seat = await takeSeat();
    seeking = false;
    if (!seat) poll();
    else if (away() || failing.has("network")) leave();
    else open();
  };
  const open = () => {
    const topics = [...new Set(parts().flatMap(topicsOf))].join(" ");
    if (!connected) now("connecting");
    stream = new EventSource(`${freshness.dataset.stream}?${new URLSearchParams({ topics, since })}`);
    stream.onerror = lost;
    for (const [kind, react] of Object.entries(reactions)) {
      stream.addEventListener(kind, ({ data, lastEventId }) => {
        since = lastEventId;
        watch();
        react(data);
        htmx.trigger(body, "stream:heard");
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
    seat?.();
    seat = null;
  };
  const poll = () => {
    leave();
    now("polling");
    hearAgain(FULL_REST);
  };
  const lost = () => {
    leave();
    now(connected ? "reconnecting" : "connecting");
    hearAgain(Math.min(REST * 2 ** failures++, LONGEST_REST));
  };
  body.addEventListener("tells", hear);
  // A browser has six connections to an office.
  document.addEventListener("visibilitychange", () => {
    if (away()) leave();
    if (document.hidden) return;
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
})();
