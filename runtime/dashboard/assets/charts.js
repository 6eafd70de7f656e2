// Charts that can be looked into and that move. Without this file they are pictures made by the server.
"use strict";

const plots = [];
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const kinds = {
  rate: { columns: [1, 2], unit: "/s", series: () => [
    { label: "all", stroke: colour("--accent"), fill: colour("--accent-bg"), width: 2 },
    { label: "failed", stroke: colour("--bad"), width: 2 }] },
  time: { columns: [3, 4, 5], unit: " ms", series: () => [
    { label: "mean", stroke: colour("--accent"), width: 2 },
    { label: "p95", stroke: colour("--line-2"), width: 1.5 },
    { label: "p99", stroke: colour("--line-3"), width: 1.5 }] },
};
const chosen = (columns, kind) => [columns[0], ...kind.columns.map((i) => columns[i])];
const number = (v) => v === null || v === undefined ? "–" : v >= 100 ? Math.round(v).toLocaleString("en").replaceAll(",", "\u202f") : String(+v.toPrecision(3));
const pad = (n) => String(n).padStart(2, "0");
const moment = (t) => { const d = new Date(t * 1000); return `${d.getUTCFullYear()}-${pad(d.getUTCMonth() + 1)}-${pad(d.getUTCDate())} ${pad(d.getUTCHours())}:${pad(d.getUTCMinutes())} UTC`; };

function draw(figure, columns) {
  const kind = kinds[figure.dataset.plot];
  const room = figure.querySelector(".drawing");
  if (!kind || !columns || !columns[0] || columns[0].length < 2) return;
  room.replaceChildren();
  room.classList.add("drawn");
  const axis = { stroke: colour("--dim"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  // A value alone among none is no line: it needs a dot.
  const lone = (u, i) => { const all = u.data[i]; const there = (v) => v !== null && v !== undefined; return all.some((v, at) => there(v) && !there(all[at - 1]) && !there(all[at + 1])); };
  const wide = columns[0][columns[0].length - 1] - columns[0][0] > 2 * 86400;
  const clock = (u, all) => all.map((t, i) => {
    const d = new Date(t * 1000);
    const day = `${pad(d.getUTCMonth() + 1)}-${pad(d.getUTCDate())}`;
    return wide || d.getUTCHours() + d.getUTCMinutes() === 0 ? day : `${pad(d.getUTCHours())}:${pad(d.getUTCMinutes())}`;
  });
  const chart = new uPlot({
    width: room.clientWidth, height: 200, legend: { live: true }, tzDate: (t) => uPlot.tzDate(new Date(t * 1e3), "Etc/UTC"),
    cursor: { points: { size: 7 }, sync: { key: "statistics" } },
    scales: { y: { range: (_, low, high) => [0, high > 0 ? high * 1.08 : 1] } },
    padding: [8, 24, 0, 0], axes: [{ ...axis, space: 70, size: 34, values: clock }, { ...axis, size: kind.unit === " ms" ? 68 : 56, values: (_, all) => all.map((v) => number(v) + (v && kind.unit === " ms" ? kind.unit : "")) }],
    series: [{ label: "at", value: (_, t) => t === null || t === undefined ? "" : moment(t) },
      ...kind.series().map((s) => ({ ...s, points: { show: lone, size: 5, fill: s.stroke }, value: (_, v) => number(v) + (v === null || v === undefined ? "" : kind.unit) }))],
  }, chosen(columns, kind), room);
  plots.push({ chart, kind, room, figure });
}

function drawAll() {
  for (const { chart } of plots) chart.destroy();
  plots.length = 0;
  for (const holder of document.querySelectorAll("[data-columns]")) {
    const columns = JSON.parse(holder.dataset.columns);
    for (const figure of holder.querySelectorAll("[data-plot]")) draw(figure, columns);
  }
}
drawAll();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
new ResizeObserver(() => {
  for (const { chart, room } of plots) if (room.clientWidth > 0 && room.clientWidth !== chart.width) chart.setSize({ width: room.clientWidth, height: 200 });
}).observe(document.querySelector("main"));

// What is counted now: app.js gets it.
for (const live of document.querySelectorAll("[data-live]")) {
  live.addEventListener("moved", (e) => {
    const columns = e.detail.columns;
    const holder = live.querySelector("[data-columns]");
    if (holder) {
      holder.dataset.columns = JSON.stringify(columns);
      for (const { chart, kind } of plots) chart.setData(chosen(columns, kind));
    } else if (columns && columns[1] && columns[1].some((v) => v > 0)) location.reload(); // the first request
  });
}
