// Tells of what newly breaks by the browser's own notifications, and a sound, while a page of the
// office is open and whoever uses this browser has asked for it. Of several open pages one tells.
(() => {
  "use strict";

  const LOOK = 15000; // ms, where nothing is heard
  const REST = 2000; // between two looks
  const HANDED_ON = 120000; // for so long, what one page knew another one knows
  const FOLDED = 3; // more than these at once are one notification
  const KEPT = 200; // of what was told, so that what comes and goes is told once

  const body = document.body;
  const freshness = document.getElementById("freshness");
  if (!freshness) return;
  const able = "Notification" in window && "locks" in navigator; // both need TLS, or this machine
  const name = `tell ${freshness.dataset.user}`;
  const kept = () => JSON.parse(localStorage.getItem(name) ?? "{}");
  const keep = (changed) => localStorage.setItem(name, JSON.stringify({ ...kept(), ...changed }));
  const permitted = () => able && Notification.permission === "granted";
  const wanted = () => permitted() && kept().on === true;

  // --- telling ----------------------------------------------------------------------------------

  const show = (title, words, link, tag) => {
    const note = new Notification(title, { body: words, tag });
    note.addEventListener("click", () => {
      note.close();
      window.open(link, "decision"); // beside what is being written here
    });
    return note;
  };
  const sound = () => {
    if (!kept().sound) return;
    const audio = new AudioContext();
    const volume = audio.createGain();
    volume.gain.value = 0.15;
    volume.connect(audio.destination);
    for (const [start, pitch] of [[0, 660], [0.18, 880]]) {
      const tone = audio.createOscillator();
      tone.frequency.value = pitch;
      tone.connect(volume);
      tone.start(audio.currentTime + start);
      tone.stop(audio.currentTime + start + 0.14);
      tone.addEventListener("ended", () => start && audio.close());
    }
  };
  const tell = (news) => {
    if (news.length > FOLDED) {
      const names = news.slice(0, FOLDED).map(({ title }) => title);
      show(`${news.length} broken now`, `${names.join("\n")}\n…`, freshness.dataset.frame, "broken");
    } else {
      for (const { id, title, reason, link } of news) show(title, reason, link, `broken ${id}`);
    }
    if (news.length) sound();
  };

  let looked = 0;
  let due = null;
  let knows = false; // what was broken before, so that what is found now is new
  const look = async () => {
    looked = Date.now();
    try {
      const headers = { "HX-Request": "true" }; // without a login: 401, and not the page of the login
      const answer = await fetch(freshness.dataset.broken, { headers, signal: AbortSignal.timeout(10000) });
      if (!answer.ok || !wanted()) return;
      const { broken } = await answer.json();
      const { told = [], at = 0 } = kept();
      const fresh = broken.filter(({ id }) => !told.includes(id));
      keep({ told: [...told, ...fresh.map(({ id }) => id)].slice(-KEPT), at: Date.now() });
      // What broke while no page was open is on the page that has been opened now.
      if (knows || Date.now() - at < HANDED_ON) tell(fresh);
      knows = true;
    } catch (error) {
      if (!(error instanceof TypeError || error.name === "TimeoutError")) throw error; // not reached
    }
  };
  const lookSoon = () => {
    clearTimeout(due);
    due = setTimeout(look, Math.max(0, looked + REST - Date.now()));
  };
  // Holds the lock, and with it the part of the one that tells, until this page is closed.
  let queued = false;
  const begin = () => {
    if (!wanted() || queued) return;
    queued = true;
    navigator.locks.request(name, () => {
      body.dataset.tells = "";
      htmx.trigger(body, "tells");
      body.addEventListener("stream:heard", lookSoon);
      setInterval(() => wanted() && Date.now() - looked >= LOOK && look(), 1000);
      look();
      return new Promise(() => {});
    });
  };
  begin();
  addEventListener("storage", ({ key }) => key === name && begin());

  // --- the switch, on the page of notifications -------------------------------------------------

  const panel = document.getElementById("this-browser");
  if (!panel) return;
  const said = panel.querySelector("[role=status]");
  const part = (one) => panel.querySelector(`[data-tells=${one}]`);
  const draw = (words) => {
    const on = wanted();
    const state = !able ? "unable" : Notification.permission === "denied" ? "refused" : on ? "on" : "off";
    said.textContent = words ?? panel.dataset[state];
    part("on").hidden = state !== "off";
    for (const one of ["off", "try", "sound"]) part(one).hidden = !on;
    part("sound").querySelector("input").checked = kept().sound === true;
  };
  part("on").addEventListener("click", async () => {
    knows = false;
    keep({ on: (await Notification.requestPermission()) === "granted", at: 0 });
    begin();
    draw();
  });
  part("off").addEventListener("click", () => {
    keep({ on: false });
    draw();
  });
  part("sound").addEventListener("change", ({ target }) => {
    keep({ sound: target.checked });
    sound();
  });
  part("try").addEventListener("click", () => {
    sound();
    try {
      const note = show(panel.dataset.testTitle, panel.dataset.testWords, location.href, "test");
      note.addEventListener("show", () => draw(panel.dataset.shown));
      note.addEventListener("error", () => draw(panel.dataset.unshown));
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      draw(panel.dataset.unshown); // some browsers show those of installed apps alone
    }
  });
  draw();
})();
