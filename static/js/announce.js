// Tells what waits for a decision without being looked at: in the title, by the favicon, and once,
// politely, in words that name what is new.
(() => {
  "use strict";

  const due = () => document.getElementById("due");
  if (!due()) return;

  const announcer = document.getElementById("announcer");
  const icon = document.querySelector("link[rel=icon]");
  const plainTitle = document.title.replace(/^\(\d+\+?\) /, "");
  const words = (number, one, many) => `${number} ${number === 1 ? one : many}`;
  let before = null;

  const read = () => {
    const { kinds, tone } = due().dataset;
    const shown = /^\d+\+?/.exec(due().textContent)?.[0] ?? "";
    const matters = JSON.parse(kinds).map(([one, many, number, keys]) => [one, { many, number, keys }]);
    return { kinds, tone, shown, matters: new Map(matters) };
  };

  // Where another of a kind was settled meanwhile, there are as many as before, and one is new. Where
  // there are more than are counted, the number is all that is known.
  const newOf = (was, { number, keys }) => {
    if (!was) return number;
    if (!was.keys || !keys) return number - was.number;
    return keys.filter((key) => !was.keys.includes(key)).length;
  };
  const news = (was, is) => {
    const added = [];
    for (const [one, matter] of is.matters) {
      const { many } = matter;
      const more = newOf(was.matters.get(one), matter);
      if (more > 0) added.push(words(more, `new ${one}`, `new ${many}`));
    }
    if (added.length) return added.join(", ");
    return is.shown ? `${is.shown} still to decide` : "All clear";
  };

  const tell = () => {
    const now = read();
    if (now.kinds === before?.kinds && now.tone === before.tone) return;
    document.title = now.shown ? `(${now.shown}) ${plainTitle}` : plainTitle;
    icon.href = icon.dataset[now.tone];
    if (before && now.kinds !== before.kinds) announcer.textContent = news(before, now);
    before = now;
  };

  tell();
  document.body.addEventListener("htmx:afterSettle", tell);
})();
