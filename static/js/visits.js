// Keeps with the browser when the last visit ended, as dashboard/inbox/last_visit.py reads it: a
// visit ends after half an hour in which no page of the office was looked at.
(() => {
  "use strict";

  const AWAY = 30 * 60;
  const MINUTE = 60_000;
  const secure = location.protocol === "https:" ? "; secure" : "";

  const note = () => {
    const now = Math.floor(Date.now() / 1000);
    let [, ended, seen] = /(?:^|; )visit=(\d*)\.(\d+)/.exec(document.cookie) ?? ["", "", now];
    if (now - seen > AWAY) ended = seen;
    document.cookie = `visit=${ended}.${now}; path=/; max-age=31536000; samesite=lax${secure}`;
  };

  note();
  setInterval(() => document.visibilityState === "visible" && note(), MINUTE);
  document.addEventListener("visibilitychange", note);
  addEventListener("pagehide", note);
})();
