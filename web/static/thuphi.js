// What a page does beyond HTML: copy, look for the money, say when the line is down.
// Everything works without it; what only it can do is `hidden` until it has run.
"use strict";

(() => {
  const all = (selector, within = document) => within.querySelectorAll(selector);
  const QUICK_MS = 3_000;
  const SLOW_MS = 15_000;
  const SLOW_AFTER_MS = 120_000;
  const LATE_AFTER_MS = 300_000;

  const say = (text) => {
    const voice = document.getElementById("voice");
    if (voice) voice.textContent = text;
  };

  // ---- copy: the clipboard, or the text selected so that the hand can do it ----
  const copy = async (button) => {
    const text = button.dataset.copy;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(button.parentElement.querySelector("dd"));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      say(button.dataset.selected);
      return;
    }
    const label = button.querySelector("[data-label]");
    const before = label.textContent;
    label.textContent = button.dataset.copied;
    say(`${button.dataset.copied}: ${button.dataset.name}`);
    setTimeout(() => { label.textContent = before; }, 2_000);
  };

  // ---- the live strip: every 3 s, slower after 2 min, never while nobody looks ----
  const watch = (strip) => {
    const began = Date.now();
    let last = null;
    strip.addEventListener("htmx:beforeSwap", (event) => {
      if (event.target !== strip) return;
      // The same answer again must not be read out again.
      if (event.detail.xhr.responseText === last) event.detail.shouldSwap = false;
      last = event.detail.xhr.responseText;
    });
    strip.addEventListener("htmx:afterSwap", () => {
      const now = strip.querySelector("[data-state]");
      if (!now || now.dataset.state === strip.dataset.watch) return;
      // Something moved: the page itself has become another one.
      window.htmx.ajax("GET", now.dataset.page, { target: "#main", select: "#main", swap: "outerHTML" });
    });
    const again = () => {
      const waited = Date.now() - began;
      strip.classList.toggle("late", waited > LATE_AFTER_MS);
      setTimeout(() => {
        if (!strip.isConnected) return;
        if (!document.hidden && window.htmx) window.htmx.trigger(strip, "look");
        again();
      }, waited < SLOW_AFTER_MS ? QUICK_MS : SLOW_MS);
    };
    again();
  };

  // ---- a part that follows work: quick after a change, slower while nothing moves, then done ----
  const heard = { told: "", answer: null };
  const follow = (part) => {
    let wait = QUICK_MS;
    heard.told = part.dataset.told;
    part.addEventListener("htmx:beforeRequest", () => part.setAttribute("aria-busy", "true"));
    part.addEventListener("htmx:afterRequest", () => part.removeAttribute("aria-busy"));
    part.addEventListener("htmx:beforeSwap", (event) => {
      const answer = event.detail.xhr.responseText;
      if (answer === heard.answer) event.detail.shouldSwap = false;
      heard.answer = answer;
    });
    const again = () => setTimeout(() => {
      if (!part.isConnected) return;
      if (!document.hidden && window.htmx) window.htmx.trigger(part, "look");
      wait = Math.min(wait * 1.2, SLOW_MS);
      again();
    }, wait);
    again();
  };
  const followed = (now) => {
    if (now.dataset.told !== heard.told) say(now.dataset.told);
    if ("follow" in now.dataset) follow(now);
    // All is done: every other figure of the page has moved with it.
    else window.htmx.ajax("GET", location.href, { target: "#main", select: "#main", swap: "outerHTML" });
  };

  // ---- offline: the QR and the copy rows go on working ----
  const line = (up) => all("[data-offline]").forEach((strip) => { strip.hidden = up; });

  // ---- the picture of the code, for a phone that cannot scan itself ----
  const savePicture = (button) => {
    const svg = document.querySelector(".qr svg");
    const picture = new Image();
    picture.onload = () => {
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = 900;
      const pen = canvas.getContext("2d");
      pen.imageSmoothingEnabled = false;
      pen.drawImage(picture, 0, 0, 900, 900);
      const link = document.createElement("a");
      link.download = button.dataset.save;
      link.href = canvas.toDataURL("image/png");
      link.click();
    };
    const text = new XMLSerializer().serializeToString(svg);
    picture.src = `data:image/svg+xml;utf8,${encodeURIComponent(text)}`;
  };

  const wake = (root) => {
    all("[data-needs-script]", root).forEach((part) => { part.hidden = false; });
    all("[data-share]", root).forEach((part) => { part.hidden = !navigator.share; });
    all("[data-watch]", root).forEach(watch);
    all("[data-follow]", root).forEach(follow);
    const first = root.querySelector("[data-focus]");
    if (first) first.focus();
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if ("copy" in button.dataset) copy(button);
    if ("print" in button.dataset) window.print();
    if ("save" in button.dataset) savePicture(button);
    if ("share" in button.dataset) navigator.share({ url: location.href }).catch(() => {});
    if ("reveal" in button.dataset) {
      const field = document.getElementById(button.dataset.reveal);
      const shown = field.type === "text";
      field.type = shown ? "password" : "text";
      button.setAttribute("aria-pressed", String(!shown));
    }
    if ("close" in button.dataset) button.closest("dialog").close();
  });
  // One press, one request: money moves behind these buttons.
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.sent) { event.preventDefault(); return; }
    if (event.target.method !== "post") return;
    event.target.dataset.sent = "yes";
    event.submitter?.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", () => {
    all("form[data-sent]").forEach((form) => { delete form.dataset.sent; });
    all("button[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
  });
  window.addEventListener("offline", () => line(false));
  window.addEventListener("online", () => line(true));
  document.addEventListener("htmx:sendError", () => line(false));
  document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.xhr.status) line(true); });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id === "main") wake(document);
    else if ("told" in event.target.dataset) followed(event.target);
  });
  wake(document);
})();
