// Plays a replay: moves a line over the lanes, and tells the event that it has come to. Stepping is
// by buttons and by the arrow keys of the slider; what is spoken is where the reader comes to rest.
(() => {
  "use strict";

  const WHOLE = 20_000; // ms that the whole span takes
  const REST = 600; // ms without a step, until the event is spoken

  const strip = document.getElementById("replay");
  const player = document.getElementById("player");
  const rows = [...document.querySelectorAll(".replay-events tbody tr")];
  if (!strip || !rows.length) return;

  const slider = document.getElementById("event");
  const moment = document.getElementById("moment");
  const spoken = document.getElementById("spoken");
  const does = (name) => player.querySelector(`[data-does="${name}"]`);
  const [back, play, on] = ["back", "play", "on"].map(does);
  const cursors = [...strip.querySelectorAll(".cursor")];
  const places = rows.map((row) => parseFloat(row.dataset.x));
  const still = matchMedia("(prefers-reduced-motion: reduce)");

  let current = -1;
  let playing = 0; // the frame that is asked for
  let resting = 0;

  const point = (x) => {
    strip.classList.add("moving");
    for (const line of cursors) for (const end of ["x1", "x2"]) line.setAttribute(end, `${x}%`);
  };
  const speak = () => {
    clearTimeout(resting);
    resting = setTimeout(() => { spoken.textContent = rows[current].dataset.words; }, REST);
  };
  // The event's own cells, so that its links are at hand.
  const tell = (index) => {
    if (index === current) return;
    rows[current]?.classList.remove("current");
    rows[current]?.removeAttribute("aria-current");
    current = index;
    const row = rows[index];
    row.classList.add("current");
    row.setAttribute("aria-current", "true");
    moment.replaceChildren(
      ...[...row.cells].slice(0, 3).map((cell) => {
        const part = document.createElement("div");
        part.append(...[...cell.childNodes].map((node) => node.cloneNode(true)));
        return part;
      }),
    );
    slider.value = index;
    slider.setAttribute("aria-valuetext", `${index + 1} of ${rows.length}: ${row.dataset.words}`);
  };
  const step = (index) => {
    stop();
    tell(Math.min(Math.max(index, 0), rows.length - 1));
    point(places[current]);
    if (document.activeElement !== slider) speak(); // the slider says its own value
  };

  const stop = () => {
    cancelAnimationFrame(playing);
    playing = 0;
    play.textContent = "Play in 20 seconds";
  };
  const start = () => {
    const last = places[current];
    const from = current === rows.length - 1 || current < 0 ? 0 : last;
    const began = performance.now() - (from / 100) * WHOLE;
    play.textContent = "Pause";
    clearTimeout(resting);
    const move = (at) => {
      const x = Math.min(((at - began) / WHOLE) * 100, 100);
      const passed = places.findLastIndex((place) => place <= x);
      if (passed >= 0) tell(passed);
      point(x);
      if (x < 100) playing = requestAnimationFrame(move);
      else {
        stop();
        speak();
      }
    };
    playing = requestAnimationFrame(move);
  };

  slider.max = rows.length - 1;
  slider.addEventListener("input", () => step(Number(slider.value)));
  back.addEventListener("click", () => step(current - 1));
  on.addEventListener("click", () => step(current + 1));
  player.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!steps || event.target === slider) return; // which has arrow keys of its own
    event.preventDefault();
    step(current + steps);
  });
  play.addEventListener("click", () => {
    if (!playing) return start();
    stop();
    speak();
  });
  // Where nothing may move by itself, there are steps alone.
  const calm = () => {
    play.hidden = still.matches;
    if (still.matches && playing) stop();
  };
  still.addEventListener("change", calm);
  calm();
  player.hidden = false;
  tell(0);
  point(places[0]);
})();
