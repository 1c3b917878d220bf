// Decisions: opened, made, said; and said where they were made if the office did not take them.
(() => {
  "use strict";

  const body = document.body;

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

  // --- not taken --------------------------------------------------------------------------------

  const answerOf = (form) => form.matches("form") && form.querySelector(".answer");
  const say = (answer, head, words) => {
    const box = document.createElement("div");
    box.className = "refusal";
    const said = box.appendChild(document.createElement("p"));
    said.appendChild(document.createElement("b")).textContent = head;
    said.append(` ${words} What you entered is still here: see whether it was done, and send it again.`);
    answer.replaceChildren(box);
  };

  // What is said a second time is heard only if it was gone meanwhile.
  body.addEventListener("htmx:beforeSend", ({ detail: { elt } }) => {
    if (answerOf(elt)) answerOf(elt).replaceChildren();
  });
  for (const lost of ["htmx:sendError", "htmx:timeout"]) {
    body.addEventListener(lost, ({ detail: { elt } }) => {
      if (answerOf(elt)) say(answerOf(elt), "No answer.", "The office was not reached.");
    });
  }
  body.addEventListener("htmx:responseError", ({ detail: { elt, xhr } }) => {
    const answer = answerOf(elt);
    if (!answer) return;
    // The office says itself why it cannot; a proxy before it has only a page to show.
    if (xhr.status === 503 && xhr.getResponseHeader("X-Request-ID")) answer.innerHTML = xhr.responseText;
    else say(answer, "Not done.", `The office answered with an error (${xhr.status}).`);
  });
})();
