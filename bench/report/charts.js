// The charts of a load's report, drawn by uPlot from the data in the page. Each section is a run, with a cursor of its own.
"use strict";
(() => {
  const font = (size) => `${size}px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif`;
  const there = (v) => v !== null && v !== undefined;
  const thin = (n) => Math.round(n).toLocaleString("en").replaceAll(",", "\u202f");
  const few = (v) => v >= 1000 ? thin(v) : String(+v.toPrecision(4));
  const ms = (v) => !there(v) ? "–" : v === 0 ? "0" : v < 1 ? `${Math.round(v * 1000)} µs` : v < 10 ? `${v.toFixed(2)} ms` : v < 100 ? `${v.toFixed(1)} ms`
    : v < 10000 ? `${v.toFixed(0)} ms` : `${(v / 1000).toFixed(1)} s`;
  const axisTime = (v) => v === 0 ? "0" : v < 1 ? `${+(v * 1000).toPrecision(3)} µs` : v < 1000 ? `${+v.toPrecision(3)} ms` : `${+(v / 1000).toPrecision(3)} s`;
  const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;

  // Ticks of a scale by powers of ten, with three times each where they are few.
  const logTicks = (low, high) => {
    const out = [], some = Math.log10(high / low) <= 3;
    for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++) {
      for (const v of some ? [10 ** e, 3 * 10 ** e] : [10 ** e]) if (v >= low * 0.999 && v <= high * 1.001) out.push(v);
    }
    return out;
  };

  class Run {
    constructor(section, key) {
      this.section = section;
      this.key = `parley-bench-${key}`;
      this.data = JSON.parse(section.querySelector('script[type="application/json"]').textContent);
      this.x = this.data.from.map((from) => from + this.data.width / 2);
      this.plots = [];
      this.whole = section.querySelector(".tools button");
      this.whole.addEventListener("click", () => this.showAll());
    }

    colour(name) { return getComputedStyle(this.section).getPropertyValue(name).trim(); }

    // A value alone among none is no line: it needs a dot.
    lone(u, i) {
      const v = u.data[i];
      return v.some((one, at) => there(one) && !there(v[at - 1]) && !there(v[at + 1]));
    }

    at(s) { return this.data.duration >= 120 ? `${clock(s)} min` : `${+s.toFixed(3)} s`; }

    // What fell into a step: events, lines of the servers' logs, the phase.
    happened(idx) {
      if (!there(idx)) return "";
      const { data } = this, from = data.from[idx], to = from + data.width;
      const within = (m) => m.at < to && m.at + (m.took || 0) >= from;
      return [
        ...data.phases.filter((p) => p.from <= this.x[idx] && this.x[idx] < p.to).map((p) => p.name),
        ...data.events.filter(within).map((e) => `${e.n} ${e.text}`),
        ...data.log.filter(within).map((l) => l.text),
      ].join(" · ");
    }

    // Phases are bands behind everything.
    bands(u) {
      const { ctx, bbox } = u, ratio = uPlot.pxRatio;
      ctx.save();
      this.clip(u);
      ctx.font = font(11 * ratio);
      ctx.textBaseline = "top";
      this.data.phases.forEach((p, i) => {
        const left = u.valToPos(p.from, "x", true), right = u.valToPos(p.to, "x", true);
        ctx.fillStyle = this.colour(i % 2 ? "--band-2" : "--band-1");
        ctx.fillRect(left, bbox.top, right - left, bbox.height);
        const seen = Math.max(left, bbox.left), room = Math.min(right, bbox.left + bbox.width) - seen - 8 * ratio;
        if (ctx.measureText(p.name).width <= room) {
          ctx.fillStyle = this.colour("--dim");
          ctx.fillText(p.name, seen + 5 * ratio, bbox.top + 4 * ratio);
        }
      });
      ctx.restore();
    }

    clip(u) {
      u.ctx.beginPath();
      u.ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
      u.ctx.clip();
    }

    // Events are lines with their numbers on top, shaded for as long as they took; lines of logs are notches on the axis.
    marks(u) {
      const { ctx, bbox } = u, ratio = uPlot.pxRatio, ink = this.colour("--ink"), edge = bbox.left + bbox.width;
      ctx.save();
      let last = -Infinity;
      for (const e of this.data.events) {
        const at = u.valToPos(e.at, "x", true), end = u.valToPos(e.at + (e.took || 0), "x", true);
        if (end < bbox.left || at > edge) continue;
        ctx.save();
        this.clip(u);
        ctx.globalAlpha = 0.08;
        ctx.fillStyle = ink;
        ctx.fillRect(at, bbox.top, end - at, bbox.height);
        ctx.globalAlpha = 0.6;
        ctx.strokeStyle = e.bad ? this.colour("--bad") : ink;
        ctx.lineWidth = ratio;
        ctx.setLineDash([4 * ratio, 3 * ratio]);
        ctx.beginPath();
        ctx.moveTo(at, bbox.top);
        ctx.lineTo(at, bbox.top + bbox.height);
        ctx.stroke();
        ctx.restore();
        const pin = Math.max(at, bbox.left, last + 19 * ratio); // numbers of events close together stand beside one another
        last = pin;
        ctx.fillStyle = e.bad ? this.colour("--bad") : ink;
        ctx.beginPath();
        ctx.arc(pin, bbox.top - 12 * ratio, 8.5 * ratio, 0, 2 * Math.PI);
        ctx.fill();
        ctx.fillStyle = this.colour("--card");
        ctx.font = `700 ${font(11 * ratio)}`;
        ctx.textAlign = "center";
        ctx.textBaseline = "middle";
        ctx.fillText(e.n, pin, bbox.top - 11.5 * ratio);
      }
      this.clip(u);
      ctx.fillStyle = this.colour("--dim");
      for (const l of this.data.log) {
        const at = u.valToPos(l.at, "x", true), foot = bbox.top + bbox.height;
        ctx.beginPath();
        ctx.moveTo(at - 4 * ratio, foot);
        ctx.lineTo(at, foot - 7 * ratio);
        ctx.lineTo(at + 4 * ratio, foot);
        ctx.fill();
      }
      ctx.restore();
    }

    // What each kind of chart has of its own.
    kind(chart) {
      const lines = chart.lines.map((l) => l.values);
      if (chart.kind === "latency") {
        const all = lines.flat().filter((v) => v > 0), low = Math.min(...all), high = Math.max(...all);
        const powers = high > 30 * low; // a stall is hundreds of times the usual: both must be seen
        return {
          columns: lines, told: ms,
          scale: powers ? { distr: 3, range: (_, min, max) => [10 ** Math.floor(Math.log10(min || low)), (max || high) * 1.3] }
            : { range: (_, min, max) => [0, (max || high) * 1.12] },
          axis: powers ? { splits: (_, i, min, max) => logTicks(min, max), filter: (_, s) => s, values: (_, s) => s.map(axisTime) } : { values: (_, s) => s.map(axisTime) },
        };
      }
      if (chart.kind === "errors") { // stacked
        const sum = lines.map((_, i) => lines[i].map((_, at) => lines.slice(0, i + 1).reduce((n, v) => n + v[at], 0) || null));
        return {
          columns: sum, raw: lines, told: few, bars: true, scale: { range: (_, min, max) => [0, Math.max(1, max) * 1.12] },
          axis: { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000], values: (_, s) => s.map(few) },
        };
      }
      return {
        columns: lines, told: (v) => there(v) ? `${few(v)}/s` : "–", scale: { range: (_, min, max) => [0, max > 0 ? max * 1.12 : 1] },
        axis: { values: (_, s) => s.map(few) },
      };
    }

    options(chart, kind, room) {
      const { data, x } = this, axis = { stroke: this.colour("--dim"), grid: { stroke: this.colour("--grid"), width: 1 }, ticks: { show: false }, font: font(12) };
      const series = chart.lines.map((l, i) => {
        const stroke = this.colour(l.colour);
        return {
          label: l.name, stroke, width: l.look ? 1.5 : 2, dash: l.look === "dash" ? [3, 4] : undefined,
          fill: l.look === "fill" ? this.colour("--fill-1") : kind.bars ? stroke : undefined,
          ...(kind.bars ? { paths: uPlot.paths.bars({ size: [0.9, 24] }), width: 1, points: { show: false } } : { points: { show: (u, at) => this.lone(u, at), size: 5, fill: stroke } }),
          value: (_, v, __, idx) => there(idx) ? kind.told((kind.raw || kind.columns)[i][idx]) : l.whole,
        };
      });
      const strokes = chart.lines.map((l) => this.colour(l.colour));
      series.reverse(); // the first is drawn last, over the others
      strokes.reverse();
      const ends = [x[0], x[x.length - 1]];
      return {
        ...this.size(room), padding: [26, 14, 0, 0],
        cursor: { y: false, points: { size: 7 }, drag: { x: true, y: false, dist: 5 }, sync: { key: this.key, scales: ["x", null] } },
        scales: { x: { time: false, range: (_, min, max) => min === ends[0] && max === ends[1] ? [0, data.duration] : [min, max] }, y: kind.scale },
        axes: [
          {
            ...axis, space: 64, size: 32, grid: { show: false }, values: (_, s) => s.map((v) => data.duration >= 120 ? clock(v) : `${+v.toFixed(3)} s`),
            incrs: [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400],
          },
          { ...axis, size: 58, space: 34, ...kind.axis },
        ],
        legend: { live: true, markers: { width: 0, fill: (_, i) => strokes[i - 1] } },
        series: [{ label: "at", value: (_, v, __, idx) => there(idx) ? this.at(data.from[idx]) : "the whole run" }, ...series],
        hooks: {
          drawClear: [(u) => this.bands(u)], draw: [(u) => this.marks(u)],
          setCursor: [(u) => { room.parentElement.querySelector(".happened").textContent = this.happened(u.cursor.idx); }],
          setScale: [(u, key) => { if (key === "x") this.whole.hidden = u.scales.x.min <= 0 && u.scales.x.max >= data.duration; }],
        },
      };
    }

    draw() {
      for (const { plot } of this.plots) plot.destroy();
      this.section.querySelector(".charts").classList.add("drawn");
      this.plots = [...this.section.querySelectorAll(".drawing")].map((room) => {
        const chart = this.data.charts[room.dataset.chart], kind = this.kind(chart);
        room.replaceChildren();
        const plot = new uPlot(this.options(chart, kind, room), [this.x, ...[...kind.columns].reverse()], room);
        const rows = [...room.querySelectorAll(".u-series")]; // and yet the legend tells it first
        rows.forEach((row, i) => { row.style.order = i && rows.length - i; });
        room.onkeydown = (event) => this.press(plot, event);
        return { plot, room };
      });
    }

    // The keyboard moves the cursor and shows all again.
    press(plot, event) {
      const end = this.x.length - 1, now = plot.cursor.idx;
      const next = { ArrowLeft: there(now) ? now - 1 : end, ArrowRight: there(now) ? now + 1 : 0, Home: 0, End: end }[event.key];
      if (event.key === "Escape") this.showAll();
      if (next === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      const at = this.x[Math.max(0, Math.min(end, next))];
      for (const each of this.plots) each.plot.setCursor({ left: each.plot.valToPos(at, "x"), top: 10 });
    }

    showAll() {
      for (const { plot } of this.plots) plot.setScale("x", { min: this.x[0], max: this.x[this.x.length - 1] });
    }

    size(room) {
      const width = this.printed ? 640 : room.clientWidth; // A4 and Letter have a little more
      return { width, height: width < 500 ? 210 : 240 };
    }

    fit() {
      for (const { plot, room } of this.plots) {
        const size = this.size(room);
        if (size.width > 0 && size.width !== plot.width) plot.setSize(size);
      }
    }

    paper(on) {
      this.printed = on;
      this.section.classList.toggle("paper", on);
      this.draw();
    }
  }

  const runs = [...document.querySelectorAll(".parley-bench")].map((section, i) => new Run(section, i));
  const all = (what) => { for (const run of runs) what(run); };
  all((run) => {
    run.draw();
    new ResizeObserver(() => run.fit()).observe(run.section);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => all((run) => run.draw()));
  addEventListener("beforeprint", () => all((run) => run.paper(true)));
  addEventListener("afterprint", () => all((run) => run.paper(false)));
})();
