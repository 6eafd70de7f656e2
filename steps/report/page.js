"use strict";
(() => {
  const all = [...document.querySelectorAll("details.scenario")];
  const features = [...document.querySelectorAll("section.feature")].filter((f) => f.querySelector(".scenario"));
  const byId = (id) => document.getElementById(id);
  const tools = byId("tools"), search = byId("search"), tag = byId("tag"), fold = byId("fold"), nothing = byId("nothing"), shown = byId("shown");
  if (!tools) return;
  tools.hidden = false;
  byId("keys").hidden = false;

  // A scenario that did not fail has its steps as plain text until it is looked at.
  const unpack = (scenario) => {
    const brief = scenario.querySelector(":scope > .brief");
    if (!brief) return;
    const list = document.createElement("ol");
    list.className = "steps";
    const skipped = scenario.dataset.status === "skipped";
    let argument = null;
    for (const line of brief.textContent.replace(/\n$/, "").split("\n")) {
      if (line.startsWith("\t\t")) {
        if (!argument) {
          argument = document.createElement("pre");
          argument.className = "argument";
          list.lastElementChild.append(argument);
        }
        argument.textContent += (argument.textContent && "\n") + line.slice(2);
        continue;
      }
      argument = null;
      const [keyword, text, took] = line.split("\t");
      const item = document.createElement("li");
      item.className = skipped ? "skipped" : "passed";
      const part = (name, content) => {
        const span = document.createElement("span");
        span.className = name;
        span.append(...content);
        item.append(span);
      };
      const bold = document.createElement("b");
      bold.textContent = keyword;
      part("mark", [skipped ? "-" : "✓"]);
      part("text", [bold, " " + text]);
      part("took", [took || ""]);
      list.append(item);
    }
    brief.replaceWith(list);
  };
  document.addEventListener("toggle", (event) => {
    if (event.target.open && event.target.matches("details.scenario")) unpack(event.target);
  }, true);

  // What is searched: all of a scenario's text, and the name, path and description of its feature.
  const haystacks = new Map();
  const haystack = (scenario) => {
    let text = haystacks.get(scenario);
    if (text === undefined) {
      const header = scenario.closest("section").querySelector("header");
      text = (scenario.id + "\n" + scenario.dataset.tags + "\n" + header.textContent + "\n" + scenario.textContent).toLowerCase();
      haystacks.set(scenario, text);
    }
    return text;
  };
  const buttons = [...tools.querySelectorAll("[data-status]")];
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const statuses = buttons.filter((b) => b.getAttribute("aria-pressed") === "true").map((b) => b.dataset.status);
    const wanted = tag ? tag.value : "";
    let count = 0;
    for (const s of all) {
      const fits = (!statuses.length || statuses.includes(s.dataset.status)) &&
        (!wanted || s.dataset.tags.split(" ").includes(wanted)) && words.every((w) => haystack(s).includes(w));
      s.hidden = !fits;
      if (fits) count++;
    }
    for (const f of features) {
      f.hidden = !f.querySelector(".scenario:not([hidden])");
      for (const rule of f.querySelectorAll("h3")) {
        let next = rule.nextElementSibling, any = false;
        for (; next && next.matches(".scenario"); next = next.nextElementSibling) any = any || !next.hidden;
        rule.hidden = !any;
      }
    }
    nothing.hidden = count > 0;
    shown.value = count === all.length ? "" : count + " of " + all.length;
  };
  const clear = () => {
    search.value = "";
    if (tag) tag.value = "";
    for (const b of buttons) b.setAttribute("aria-pressed", "false");
    filter();
  };
  let wait;
  search.addEventListener("input", () => {
    clearTimeout(wait);
    wait = setTimeout(filter, all.length > 500 ? 150 : 0);
  });
  for (const b of buttons) {
    b.addEventListener("click", () => {
      b.setAttribute("aria-pressed", String(b.getAttribute("aria-pressed") !== "true"));
      filter();
    });
  }
  if (tag) tag.addEventListener("change", filter);
  byId("clear").addEventListener("click", clear);
  fold.addEventListener("click", () => {
    for (const s of all) s.open = false;
  });

  // A link to a scenario opens it, whatever is hidden just now.
  const follow = () => {
    const target = location.hash.length > 1 && byId(decodeURIComponent(location.hash.slice(1)));
    if (!target || !target.matches("details.scenario")) return;
    if (target.hidden) clear();
    target.open = true;
    for (const s of document.querySelectorAll(".scenario.target")) s.classList.remove("target");
    target.classList.add("target");
    target.scrollIntoView({ block: "start" });
  };
  addEventListener("hashchange", follow);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.copy");
    if (button) copy(button);
    const link = event.target.closest("a[href^='#']");
    if (link && link.hash === location.hash) {
      event.preventDefault();
      follow();
    }
  });

  const copy = async (button) => {
    const pre = button.parentElement.querySelector("pre");
    let done = true;
    try {
      await navigator.clipboard.writeText(pre.textContent);
    } catch {
      getSelection().selectAllChildren(pre);
      done = document.execCommand("copy");
    }
    button.textContent = done ? "Copied" : "Selected";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  };

  const go = (step, fits) => {
    const list = all.filter((s) => !s.hidden && fits(s));
    if (!list.length) return;
    const now = all.indexOf(document.activeElement && document.activeElement.closest("details.scenario"));
    let next = step > 0 ? list.find((s) => all.indexOf(s) > now) : list.findLast((s) => all.indexOf(s) < now);
    next = next || (step > 0 ? list[0] : list[list.length - 1]);
    next.querySelector("summary").focus();
    next.scrollIntoView({ block: "nearest" });
  };
  const any = () => true;
  const failing = (s) => s.dataset.status === "failed" || s.dataset.status === "undefined";
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.matches("input, select, textarea");
    if (event.key === "Escape") {
      clear();
      search.blur();
    } else if (typing) {
      return;
    } else if (event.key === "/") {
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "j") go(1, any);
    else if (event.key === "k") go(-1, any);
    else if (event.key === "n") go(1, failing);
    else if (event.key === "N") go(-1, failing);
  });
  for (const s of all) if (s.open) unpack(s);
  follow();
})();
