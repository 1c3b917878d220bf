// Decisions: opened, made, said; and said where they were made if the office did not take them.
(() => {
  "use strict";

  const body = document.body;
  const FIELDS = "select, textarea, input:not([type=hidden])";

  body.addEventListener("click", (event) => {
    const fold = event.target.closest("summary")?.parentElement;
    if (fold?.matches("details.offer")) {
      setTimeout(() => fold.open && fold.querySelector(FIELDS)?.focus());
    }
  });
  // Opens the form of an act, or goes to its button; Enter confirms.
  const openOffer = (offer) => {
    if (offer.matches("details")) offer.open = true;
    const field = offer.querySelector(FIELDS) ?? offer.querySelector("button[type=submit]");
    field?.focus();
    offer.scrollIntoView({ block: "nearest" });
  };
  body.addEventListener("offer:open", (event) => openOffer(event.target.closest(".offer")));
  // An address may name an act, and what to choose in its form.
  const openNamed = () => {
    const offer = document.getElementById(location.hash.slice(1));
    if (!offer?.matches(".offer")) return;
    openOffer(offer);
    const chosen = new URLSearchParams(location.search).get("choose");
    const option = chosen && offer.querySelector(`option[value="${CSS.escape(chosen)}"]:not([disabled])`);
    if (option) option.selected = true;
  };
  addEventListener("hashchange", openNamed);
  body.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (link?.hash && link.href === location.href) setTimeout(openNamed); // no change of the address
  });
  // The browser goes to the named place itself, once the page is drawn, and takes the focus along.
  const onceDrawn = () => requestAnimationFrame(() => setTimeout(openNamed));
  if (document.readyState === "complete") onceDrawn();
  else addEventListener("load", onceDrawn);
  body.addEventListener("keydown", (event) => {
    const form = event.key === "Enter" && event.target.closest("details.offer form");
    if (!form || event.isComposing) return;
    // A text has lines: it takes Ctrl to send it.
    const sends = event.target.matches("select") || (event.target.matches("textarea") && (event.ctrlKey || event.metaKey));
    if (!sends) return;
    event.preventDefault();
    form.requestSubmit();
  });
  body.addEventListener("keydown", (event) => {
    const fold = event.key === "Escape" && event.target.closest("details.offer[open]");
    if (!fold) return;
    fold.open = false;
    fold.querySelector("summary").focus();
  });
  // What was typed goes with the form: its reset is the browser's.
  body.addEventListener("click", (event) => {
    const fold = event.target.closest("button.cancel")?.closest("details.offer");
    if (!fold) return;
    fold.querySelector(".answer").replaceChildren();
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
  const tell = (answer, head, words) => {
    const box = document.createElement("div");
    box.className = "refusal";
    const said = box.appendChild(document.createElement("p"));
    said.appendChild(document.createElement("b")).textContent = head;
    said.append(` ${words}`);
    answer.replaceChildren(box);
  };
  const say = (answer, head, words) =>
    tell(answer, head, `${words} Your input is still here. Check whether it was saved, then send it again.`);

  // --- sent once, under the present secret --------------------------------------------------------

  const renewedOnce = new WeakSet(); // forms that were sent again by themselves, and not answered yet
  const buttonsOf = (form) => form.querySelectorAll("button[type=submit]");
  const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16)).join("-");

  // The focus stays on a button that cannot be pressed for a moment; `hx-sync` drops the second click.
  body.addEventListener("htmx:beforeRequest", ({ detail: { elt } }) => {
    if (answerOf(elt)) for (const button of buttonsOf(elt)) button.setAttribute("aria-disabled", "true");
  });
  body.addEventListener("htmx:afterRequest", ({ detail: { elt, successful } }) => {
    if (!answerOf(elt)) return;
    for (const button of buttonsOf(elt)) button.removeAttribute("aria-disabled");
    if (!successful) return;
    renewedOnce.delete(elt);
    // What is sent from here next is another act.
    if (elt.elements.sending_key) elt.elements.sending_key.value = newKey();
  });
  const underWay = new WeakSet();
  addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || form.hasAttribute("hx-post")) return;
    if (underWay.has(form)) event.preventDefault();
    underWay.add(form);
    setTimeout(() => underWay.delete(form), 10000);
  });
  addEventListener("pageshow", () => document.querySelectorAll("form").forEach((form) => underWay.delete(form)));

  // Another tab has logged in: the page takes the new secret, and sends the act again if it is still
  // the same person's.
  const renew = (elt, xhr) => {
    for (const input of document.getElementsByName("csrfmiddlewaretoken")) {
      input.value = xhr.getResponseHeader("Foreman-Secret");
    }
    const answer = answerOf(elt);
    if (!answer) return;
    const isSame = xhr.getResponseHeader("Foreman-User") === document.getElementById("freshness").dataset.user;
    if (isSame && !renewedOnce.has(elt)) {
      renewedOnce.add(elt);
      setTimeout(() => htmx.trigger(elt, "submit"));
      return;
    }
    const name = decodeURIComponent(xhr.getResponseHeader("Foreman-User-Name"));
    tell(answer, "Not done.", `You are logged in as ${name} now. Your input is still here. Send it again to act as ${name}.`);
  };

  // What is said a second time is heard only if it was gone meanwhile.
  body.addEventListener("htmx:beforeSend", ({ detail: { elt } }) => {
    if (answerOf(elt)) answerOf(elt).replaceChildren();
  });
  for (const lost of ["htmx:sendError", "htmx:timeout"]) {
    body.addEventListener(lost, ({ detail: { elt } }) => {
      if (answerOf(elt)) say(answerOf(elt), "No answer.", "The office could not be reached.");
    });
  }
  body.addEventListener("htmx:responseError", ({ detail: { elt, xhr } }) => {
    if (xhr.status === 403 && xhr.getResponseHeader("Foreman-Secret")) {
      renew(elt, xhr);
      return;
    }
    const answer = answerOf(elt);
    if (xhr.status === 401) htmx.trigger(body, "tick");
    if (!answer) return;
    if (xhr.status === 401) {
      answer.innerHTML = xhr.responseText;
      return;
    }
    // The office says itself why it cannot; a proxy before it has only a page to show.
    if (xhr.status === 503 && xhr.getResponseHeader("X-Request-ID")) answer.innerHTML = xhr.responseText;
    else say(answer, "Not done.", `The office answered with an error (${xhr.status}).`);
  });
})();
