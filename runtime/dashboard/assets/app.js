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

// Charts of what the server drew as a picture: uPlot, which is loaded only where there is one.
const plots = new Map();

async function draw(figures) {
  const here = document.querySelector("script[src*='/assets/app.js']");
  const css = document.createElement("link");
  css.rel = "stylesheet";
  css.href = here.dataset.uplotCss;
  document.head.append(css);
  await new Promise((done, failed) => {
    const js = document.createElement("script");
    js.src = here.dataset.uplot;
    js.onload = done;
    js.onerror = failed;
    document.head.append(js);
  });
  for (const figure of figures) {
    const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const axis = { stroke: colour("--dim"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 }, font: "12px system-ui", space: 60 };
    const two = (n) => String(n).padStart(2, "0");
    const clock = (u, times) => times.map((t) => {
      const at = new Date(t * 1000);
      const day = `${at.getUTCFullYear()}-${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}`;
      return figure.dataset.step >= 86400 ? day.slice(5) : at.getUTCHours() + at.getUTCMinutes() === 0 ? day.slice(5) : `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`;
    });
    const values = JSON.parse(figure.dataset.values);
    const bars = figure.dataset.plot === "usage";
    const box = document.createElement("div");
    const options = {
      width: figure.clientWidth - 32, height: 180, tzDate: (t) => uPlot.tzDate(new Date(t * 1000), "UTC"),
      cursor: { y: false }, legend: { show: true },
      scales: { y: { range: (u, low, high) => [0, high > 0 ? high * 1.1 : 1] } },
      axes: [{ ...axis, values: clock }, { ...axis, size: 56 }],
      series: [{ label: "UTC", value: "{YYYY}-{MM}-{DD} {HH}:{mm}" }, { label: figure.dataset.unit, stroke: colour("--accent"), width: 1.5, fill: bars ? colour("--accent") : undefined, paths: bars ? uPlot.paths.bars({ size: [0.8, 40] }) : undefined, points: { show: !bars, size: 5, fill: colour("--accent") } }],
    };
    const chart = new uPlot(options, series(Number(figure.dataset.from), Number(figure.dataset.step), values), box);
    for (const old of figure.querySelectorAll("svg.chart, svg.chart + p")) old.remove();
    figure.append(box);
    plots.set(figure.dataset.plot, { chart });
    new ResizeObserver(() => chart.setSize({ width: figure.clientWidth - 32, height: 180 })).observe(figure);
  }
}

function series(from, step, values) {
  return [values.map((_, i) => from + i * step), values.map((v) => (v === 0 ? null : v))];
}

const figures = document.querySelectorAll("figure[data-plot]");
if (figures.length > 0) draw(figures);

// What moves: figures and charts, by server-sent events.
for (const live of document.querySelectorAll("[data-live]")) {
  const events = new EventSource(live.dataset.live);
  events.onmessage = (e) => {
    const news = JSON.parse(e.data);
    for (const [name, text] of Object.entries(news.values || {})) {
      for (const at of live.querySelectorAll(`[data-value="${name}"]`)) if (at.textContent !== text) at.textContent = text;
    }
    for (const [name, values] of Object.entries(news.plots || {})) {
      const plot = plots.get(name);
      if (plot) plot.chart.setData(series(news.from, news.step, values));
    }
    live.dataset.moved = "1";
  };
  addEventListener("pagehide", () => events.close());
}
