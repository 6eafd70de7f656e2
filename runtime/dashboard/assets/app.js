// What pages gain from JavaScript: nothing that cannot be done without it.
"use strict";

// A question before what cannot be taken back.
document.addEventListener("submit", (e) => {
  const sure = e.submitter && e.submitter.dataset.sure;
  if (sure && !confirm(sure)) e.preventDefault();
});

// A select that is the whole form, or asks for more of it, needs no button.
document.addEventListener("change", (e) => {
  if (e.target.dataset.submit !== undefined) e.target.form.requestSubmit();
});

// Ctrl+S, or Cmd+S, saves what is edited.
document.addEventListener("keydown", (e) => {
  if (e.key !== "s" || !(e.ctrlKey || e.metaKey) || !e.target.matches("textarea[data-save]")) return;
  e.preventDefault();
  e.target.form.requestSubmit();
});

// On a phone the navigation is a strip: where one is shall be in sight.
document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

// The first page stays true while it is open. Nothing is replaced under whoever is at one of its buttons.
const fresh = Number(document.querySelector("[data-refresh]")?.dataset.refresh || 0);
if (fresh > 0) {
  setInterval(async () => {
    const main = document.querySelector("main");
    if (document.hidden || main.contains(document.activeElement) && document.activeElement !== main) return;
    try {
      const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
      if (page.querySelector("[data-refresh]")) main.replaceChildren(...page.querySelector("main").childNodes);
      else location.reload();
    } catch {
      main.querySelector(".verdict")?.classList.add("bad");
      const said = main.querySelector(".verdict h1");
      if (said) said.textContent = "The dashboard does not answer";
    }
  }, fresh * 1000);
}

// Line numbers beside an editor; the one that was refused stands out, and the cursor goes there.
for (const text of document.querySelectorAll(".editor > textarea")) {
  const gutter = document.createElement("div");
  gutter.className = "gutter";
  gutter.setAttribute("aria-hidden", "true");
  text.before(gutter);
  text.parentElement.classList.add("numbered");
  text.wrap = "off";
  const refused = Number(text.dataset.refused || 0);
  let had = 0;
  const number = () => {
    const lines = text.value.split("\n").length;
    if (lines === had) return;
    had = lines;
    gutter.replaceChildren();
    for (let i = 1; i <= lines; i++) {
      const line = document.createElement(i === refused ? "b" : "span");
      line.textContent = i + "\n";
      gutter.append(line);
    }
  };
  const follow = () => { gutter.scrollTop = text.scrollTop; };
  text.addEventListener("input", number);
  text.addEventListener("scroll", follow);
  number();
  if (refused > 0) {
    const at = text.value.split("\n").slice(0, refused - 1).join("\n").length + (refused > 1 ? 1 : 0);
    text.focus();
    text.setSelectionRange(at, at);
    text.scrollTop = Math.max(0, (refused - 5) * parseFloat(getComputedStyle(text).lineHeight));
    follow();
  }
}

// What moves: figures and charts, by server-sent events, as long as somebody looks.
for (const live of document.querySelectorAll("[data-live]")) {
  let events = null;
  const listen = () => {
    events = new EventSource(live.dataset.live);
    events.onmessage = (e) => {
      const news = JSON.parse(e.data);
      for (const [name, text] of Object.entries(news.values || {})) {
        for (const at of live.querySelectorAll(`[data-value="${name}"]`)) if (at.textContent !== text) at.textContent = text;
      }
      live.dispatchEvent(new CustomEvent("moved", { detail: news }));
      live.dataset.moved = "1";
    };
  };
  const leave = () => { if (events) events.close(); events = null; };
  const look = () => { if (document.hidden) leave(); else if (!events) listen(); };
  document.addEventListener("visibilitychange", look);
  addEventListener("pagehide", leave);
  look();
}
