// Staff work by keys. A key presses what is on the page anyway: `data-hotkey` names it there, so
// no key is without its visible button, and a page without this script loses nothing but speed.
"use strict";

(() => {
  const SWITCH = "thuphi.single-keys";
  const SEQUENCE_MS = 1_500;
  const TEXT = "input:not([type=radio], [type=checkbox]), select, textarea, [contenteditable]";

  // ---- the switch: single keys can be turned off (WCAG 2.1.4), remembered on this machine ----
  let on = true;
  const remembered = () => {
    try { return localStorage.getItem(SWITCH) !== "off"; } catch { return true; }
  };
  const turn = (wanted, keep) => {
    on = wanted;
    document.documentElement.classList.toggle("keys", on);
    document.querySelectorAll("[data-keys-switch]").forEach((box) => { box.checked = on; });
    if (!keep) return;
    try { localStorage.setItem(SWITCH, on ? "on" : "off"); } catch { /* it holds for this page */ }
  };

  const sheet = () => document.getElementById("keys");
  const shown = (part) => part.getClientRects().length > 0 && !part.disabled;
  const named = (key) =>
    [...document.querySelectorAll(`[data-hotkey="${CSS.escape(key)}"]`)].find(shown);

  // ---- J and K: the mark moves at once, so that the next press counts from there ----
  const STEPS = { j: 1, k: -1 };
  const step = (by) => {
    const rows = [...document.querySelectorAll(".queue li a")];
    const at = rows.findIndex((row) => row.hasAttribute("aria-current"));
    const next = at < 0 ? null : rows[at + by];
    if (!next) return false; // none is open yet, or the page ends here: the link knows where to
    rows[at].removeAttribute("aria-current");
    next.setAttribute("aria-current", "true");
    next.click();
    return true;
  };

  // ---- one key: a field is entered, anything else is pressed ----
  const press = (key) => {
    if (key in STEPS && step(STEPS[key])) return true;
    const part = named(key);
    if (!part) return false;
    if (part.matches(TEXT)) { part.focus(); part.select?.(); return true; }
    if (part.type === "radio") part.focus();
    part.click();
    return true;
  };

  // ---- Enter: open the row; once it is open, go to what has to be filled in next ----
  const proceed = () => {
    const form = document.querySelector("form[data-propose]");
    const open = document.querySelector(".queue [aria-current]");
    if (!form && !open) return press("j");
    const choices = form ? [...form.querySelectorAll("input[type=radio]")] : [];
    const next = choices.length && !choices.some((one) => one.checked)
      ? choices[0]
      : form?.querySelector("#reason");
    next?.focus();
    if (next?.matches(TEXT)) next.setSelectionRange(next.value.length, next.value.length);
    return Boolean(next);
  };

  // Ctrl+Enter sends the form one is in, if it is one that proposes or comments; from anywhere
  // else that takes no text, the proposal. It never approves: that is another key.
  const send = (target) => {
    const own = target.closest("form");
    const sends = "form[data-propose], form[data-comment]";
    if (own?.matches(sends)) own.requestSubmit();
    else if (!target.matches(TEXT)) document.querySelector("form[data-propose]")?.requestSubmit();
  };

  // ---- G, then a letter: to another page ----
  let going = 0;
  const go = (key) => {
    const link = document.querySelector(`[data-go="${CSS.escape(key)}"]`);
    link?.click();
    return Boolean(link);
  };

  const pressed = (event) => {
    const { key, target } = event;
    if (event.isComposing || event.defaultPrevented) return;
    if (key === "Enter" && event.ctrlKey) { event.preventDefault(); send(target); return; }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (target.matches(TEXT)) {
      if (key === "Escape") target.blur();
      return;
    }
    if (!on || sheet()?.open || event.repeat) return;
    if (key === "Enter") {
      // A link or button does what it does; a chosen bill leads on, it never sends by itself.
      if (target.matches("a, button, summary, [type=checkbox]:not([name=part])")) return;
      if (proceed()) event.preventDefault();
      return;
    }
    const letter = key.length === 1 ? key.toLowerCase() : "";
    if (!letter) return;
    const sequence = Date.now() - going < SEQUENCE_MS;
    going = 0;
    if (sequence && go(letter)) event.preventDefault();
    else if (letter === "g") going = Date.now();
    else if (press(letter)) event.preventDefault();
  };

  // ---- what a page begins with: the row that is open in sight, and what was just done said ----
  const begin = () => {
    turn(on);
    const row = document.querySelector(".queue [aria-current]");
    const list = row?.closest("ul");
    if (list) list.scrollTop = row.offsetTop - list.offsetTop - list.clientHeight / 2;
    const done = document.querySelector("[data-say]");
    const voice = document.getElementById("voice");
    if (done && voice) setTimeout(() => { voice.textContent = done.textContent; }, 100);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button && "keys" in button.dataset) sheet()?.showModal();
  });
  document.addEventListener("change", (event) => {
    if ("keysSwitch" in event.target.dataset) turn(event.target.checked, true);
  });
  document.addEventListener("keydown", pressed);
  document.addEventListener("htmx:afterSettle", (event) => { if (event.target.id === "main") begin(); });
  turn(remembered());
  begin();
})();
