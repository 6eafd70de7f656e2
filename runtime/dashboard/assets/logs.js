// New lines of the log, as they are written. Without this file the page is as of when it was asked for.
"use strict";

const log = document.getElementById("log");
const told = document.getElementById("following");
const most = 1000; // lines that are kept on the page
const part = (name, className, text) => { const e = document.createElement(name); if (className) e.className = className; e.textContent = text; return e; };

function row(l) {
  const item = part("li", l.class + " new", "");
  const time = document.createElement("time");
  time.dateTime = l.at;
  time.append(part("span", "day", l.day), " " + l.clock);
  const text = part("div", "text", "");
  text.append(part("bdi", "message", l.message));
  for (const a of l.attributes) {
    const fact = part("span", "fact-of", "");
    fact.append(part("span", "key", a.name + "="), part("bdi", "", a.value));
    text.append(" ", fact);
  }
  if (l.cid) {
    const link = part("a", "cid", l.cid);
    link.href = "/logs?cid=" + encodeURIComponent(l.cid);
    text.append(" ", link);
  }
  item.append(time, part("span", "level", l.level), part("span", "server", l.server), text);
  return item;
}

if (log && told) {
  let source = null;
  let paused = false;
  const button = part("button", "small", "Pause");
  button.type = "button";
  const say = (text, on) => { told.className = on ? "live on" : "live"; told.replaceChildren(part("span", "", text), button); };
  const show = (lines) => {
    const empty = document.getElementById("no-lines");
    if (empty && lines.length > 0) empty.remove();
    for (const l of lines) {
      if (log.dataset.story !== undefined) log.append(row(l)); else log.prepend(row(l));
    }
    while (log.children.length > most) (log.dataset.story !== undefined ? log.firstElementChild : log.lastElementChild).remove();
  };
  let places = log.dataset.follow;
  const listen = () => {
    source = new EventSource(places);
    source.onmessage = (e) => {
      const now = JSON.parse(e.data);
      show(now.lines);
      if (now.next) { const u = new URL(places, location); u.searchParams.set("after", now.next); places = u.pathname + u.search; }
      say("Following", true);
    };
    source.onerror = () => {
      say("Trying again", false);
      if (source) source.close();
      source = null;
      setTimeout(() => { if (!source && !paused && !document.hidden) listen(); }, 2000);
    };
  };
  const stop = () => { if (source) source.close(); source = null; };
  button.addEventListener("click", () => {
    paused = !paused;
    button.textContent = paused ? "Follow" : "Pause";
    if (paused) { stop(); say("Paused", false); } else listen();
  });
  document.addEventListener("visibilitychange", () => { if (document.hidden) stop(); else if (!source && !paused) listen(); });
  say("Following", true);
  listen();
}
