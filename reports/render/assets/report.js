// What the page can do beyond being read: values under the pointer, zoom over time with all plots of a
// run in step, a list that is filtered and sorted. Without it everything is still there to be read.
(() => {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const tip = document.getElementById("tip");
  const number = (value) => String(Math.round(value * 1000) / 1000);

  // ---- Plots -----------------------------------------------------------------------------------
  const groups = new Map();
  const plots = new Map();

  // A plot is read when it is first needed: a page may have thousands.
  function plotOf(svg) {
    let plot = plots.get(svg);
    if (plot) return plot;
    const [left, right, top, bottom] = svg.dataset.area.split(" ").map(Number);
    const [x0, x1, y0, y1] = svg.dataset.range.split(" ").map(Number);
    const script = svg.closest("figure").querySelector("script");
    plot = {
      svg, left, right, top, bottom, x0, x1, y0, y1, from: x0, to: x1,
      data: script ? JSON.parse(script.textContent) : null,
      box: svg.closest(".scroll"), group: svg.dataset.group || null, cross: null,
    };
    plots.set(svg, plot);
    return plot;
  }
  const inGroup = (plot) => (plot.group ? (groups.get(plot.group) || []).map(plotOf) : [plot]);

  function point(plot, event) {
    const box = plot.svg.getBoundingClientRect();
    const view = plot.svg.viewBox.baseVal;
    return [(event.clientX - box.left) / box.width * view.width, (event.clientY - box.top) / box.height * view.height];
  }
  const timeAt = (plot, px) => plot.from + (px - plot.left) / (plot.right - plot.left) * (plot.to - plot.from);
  const placeOf = (plot, x) => plot.left + (x - plot.from) / (plot.to - plot.from) * (plot.right - plot.left);

  function nearest(xs, x) {
    let low = 0, high = xs.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (xs[middle] < x) low = middle; else high = middle;
    }
    return Math.abs(xs[high] - x) < Math.abs(xs[low] - x) ? high : low;
  }

  function told(plot, x, y) {
    const { data } = plot;
    const lines = [];
    if (data.x.length) {
      const at = nearest(data.x, x);
      let where = `${data.xn} ${number(data.x[at])} ${data.xu}`;
      if (data.xu === "p") where = `p${number((1 - 10 ** -data.x[at]) * 100)}`;
      const values = data.s.filter((series) => series.v[at] !== null)
        .map((series) => `${series.n}: ${number(series.v[at])} ${series.u}`.trim());
      if (values.length && Math.abs(placeOf(plot, data.x[at]) - placeOf(plot, x)) < 400) lines.push(where, ...values);
    } else {
      lines.push(`${data.xn} ${number(x)} ${data.xu}`);
    }
    const boxes = data.b.filter((box) => box[0] <= x && x <= box[1] && box[2] <= y && y <= box[3]);
    lines.push(...boxes.slice(0, 5).map((box) => box[4]));
    return lines;
  }

  function crosshair(plot, x) {
    for (const other of inGroup(plot)) {
      const place = placeOf(other, x);
      if (!other.cross) {
        other.cross = document.createElementNS(SVG, "path");
        other.cross.setAttribute("class", "cross none");
        other.svg.append(other.cross);
      }
      const seen = place >= other.left && place <= other.right;
      other.cross.setAttribute("d", seen ? `M${place} ${other.top}V${other.bottom}` : "");
    }
  }
  function leave(plot) {
    tip.hidden = true;
    for (const other of inGroup(plot)) if (other.cross) other.cross.setAttribute("d", "");
  }
  function showTip(lines, clientX, clientY) {
    tip.textContent = lines.join("\n");
    tip.hidden = false;
    const { width, height } = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(clientX + 14, innerWidth - width - 6))}px`;
    tip.style.top = `${Math.max(4, clientY + 18 + height > innerHeight ? clientY - height - 12 : clientY + 18)}px`;
  }
  function hover(plot, event) {
    if (!plot.data) return;
    const [px, py] = point(plot, event);
    if (px < plot.left || px > plot.right || py < plot.top - 60 || py > plot.bottom + 60) return leave(plot);
    const x = timeAt(plot, px);
    const y = plot.y0 + (plot.bottom - py) / (plot.bottom - plot.top) * (plot.y1 - plot.y0);
    crosshair(plot, x);
    const lines = told(plot, x, y);
    if (lines.length) showTip(lines, event.clientX, event.clientY); else tip.hidden = true;
  }

  function ticks(from, to, count) {
    const raw = (to - from) / count;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= raw * 0.999);
    const found = [];
    for (let n = Math.ceil(from / step - 1e-9); n * step <= to + 1e-9 * step; n += 1) found.push(n * step);
    return found;
  }

  function redraw(plot) {
    const { svg } = plot;
    const scale = (plot.x1 - plot.x0) / (plot.to - plot.from);
    const shift = plot.left - plot.left * scale - (plot.from - plot.x0) / (plot.to - plot.from) * (plot.right - plot.left);
    svg.querySelector(".data").setAttribute("transform", `matrix(${scale} 0 0 1 ${shift} 0)`);
    for (const note of all(".notes text", svg)) note.setAttribute("x", placeOf(plot, Number(note.dataset.x)));
    const at = ticks(plot.from, plot.to, 12);
    svg.querySelector(".xgrid").setAttribute("d", at.map((x) => `M${placeOf(plot, x)} ${plot.top}V${plot.bottom}`).join(""));
    const labels = all(".frame .f-bottom", svg);
    const pattern = labels[0];
    if (!pattern) return;
    for (const label of labels.slice(1)) label.remove();
    for (const x of at.slice(1)) {
      const label = pattern.cloneNode();
      label.setAttribute("x", placeOf(plot, x));
      label.textContent = number(x);
      pattern.parentNode.append(label);
    }
    pattern.setAttribute("x", placeOf(plot, at[0]));
    pattern.textContent = number(at[0]);
  }

  function zoom(plot, from, to) {
    const whole = plot.x1 - plot.x0;
    const span = Math.min(whole, Math.max(whole / 500, to - from));
    const begin = Math.min(Math.max(plot.x0, from), plot.x1 - span);
    for (const other of inGroup(plot)) {
      other.from = begin;
      other.to = begin + span;
      redraw(other);
      other.svg.dataset.from = number(begin);
      other.svg.dataset.to = number(begin + span);
    }
    for (const output of all(`.tools[data-group="${plot.group}"] output`)) {
      output.textContent = span >= whole ? "" : `Shown: ${number(begin)} s to ${number(begin + span)} s.`;
    }
    leave(plot);
  }

  function drag(plot, event) {
    if (!plot.group || event.button !== 0 || event.pointerType === "touch") return;
    const [start] = point(plot, event);
    if (start < plot.left || start > plot.right) return;
    event.preventDefault();
    plot.box.focus({ preventScroll: true });
    const pick = document.createElementNS(SVG, "rect");
    pick.setAttribute("class", "pick");
    pick.setAttribute("y", plot.top);
    pick.setAttribute("height", plot.bottom - plot.top);
    plot.svg.append(pick);
    const clamp = (px) => Math.min(plot.right, Math.max(plot.left, px));
    const move = (next) => {
      const end = clamp(point(plot, next)[0]);
      pick.setAttribute("x", Math.min(start, end));
      pick.setAttribute("width", Math.abs(end - start));
    };
    const up = (last) => {
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", up);
      removeEventListener("pointercancel", up);
      pick.remove();
      const end = clamp(point(plot, last)[0]);
      if (Math.abs(end - start) < 60) return;
      const [a, b] = [timeAt(plot, start), timeAt(plot, end)];
      zoom(plot, Math.min(a, b), Math.max(a, b));
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", up);
    addEventListener("pointercancel", up);
  }

  function key(plot, event) {
    if (!plot.group || event.ctrlKey || event.metaKey || event.altKey) return;
    const span = plot.to - plot.from;
    const middle = plot.from + span / 2;
    const moves = {
      "+": [middle - span / 4, middle + span / 4], "=": [middle - span / 4, middle + span / 4],
      "-": [middle - span, middle + span], 0: [plot.x0, plot.x1], Escape: [plot.x0, plot.x1],
      ArrowLeft: [plot.from - span / 4, plot.to - span / 4], ArrowRight: [plot.from + span / 4, plot.to + span / 4],
    };
    const move = moves[event.key];
    if (!move) return;
    // On a phone's width the arrows scroll a plot that is not zoomed.
    if (event.key.startsWith("Arrow") && span >= plot.x1 - plot.x0) return;
    event.preventDefault();
    zoom(plot, move[0], move[1]);
  }

  for (const svg of all("svg.plot")) {
    if (svg.dataset.group) groups.set(svg.dataset.group, [...(groups.get(svg.dataset.group) || []), svg]);
    // A tip of the browser's own would lie over ours.
    const title = svg.querySelector("title");
    svg.setAttribute("aria-label", title.textContent);
    svg.setAttribute("aria-describedby", svg.querySelector("desc").id);
    svg.removeAttribute("aria-labelledby");
    title.remove();
    svg.addEventListener("pointermove", (event) => hover(plotOf(svg), event));
    svg.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "touch") hover(plotOf(svg), event);
      drag(plotOf(svg), event);
    });
    svg.addEventListener("pointerleave", () => leave(plotOf(svg)));
    svg.closest(".scroll").addEventListener("keydown", (event) => key(plotOf(svg), event));
  }
  for (const tools of all(".tools")) {
    tools.hidden = false;
    tools.querySelector(".reset").addEventListener("click", () => {
      const first = (groups.get(tools.dataset.group) || [])[0];
      if (first) zoom(plotOf(first), plotOf(first).x0, plotOf(first).x1);
    });
  }

  // ---- The list of runs ------------------------------------------------------------------------
  const table = document.getElementById("table");
  const body = table.tBodies[0];
  const find = document.getElementById("find");
  const only = document.getElementById("only");
  const found = document.getElementById("found");
  const rank = { error: 3, fail: 2, inconclusive: 1, pass: 0 };
  const rows = [...body.rows].map((row) => ({
    row, verdict: row.cells[0].className,
    text: `${row.cells[1].textContent} ${row.cells[2].textContent}`.toLowerCase(),
  }));
  function value(entry, column) {
    const cell = entry.row.cells[column];
    if (column === 0) return rank[entry.verdict];
    if (column === 1 || column === 3) return cell.textContent;
    return Number(cell.dataset.v ?? cell.textContent);
  }
  function filter() {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const { row, verdict, text } of rows) {
      const shown = (!only.value || verdict === only.value) && words.every((word) => text.includes(word));
      row.hidden = !shown;
      count += shown ? 1 : 0;
    }
    found.textContent = `${count === rows.length ? "" : `${count} of `}${rows.length} ${rows.length === 1 ? "run" : "runs"}`;
  }
  all("thead th", table).forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of all("thead th", table)) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const keyed = rows.map((entry, at) => ({ entry, at, key: value(entry, column) }));
      keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.at - b.at) * (down ? -1 : 1));
      body.append(...keyed.map(({ entry }) => entry.row));
    });
  });
  document.querySelector(".filter").hidden = false;
  document.querySelector(".filter").addEventListener("submit", (event) => event.preventDefault());
  find.addEventListener("input", filter);
  only.addEventListener("change", filter);
  // A link to a row that the filter hides shows it again.
  // Sections that were never drawn have a guessed height. Whoever jumps over them is brought to his target
  // again once what is around it has been drawn, unless he has scrolled on by himself.
  const settle = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    let left = 20, still = 0;
    const stop = () => { left = 0; };
    for (const own of ["wheel", "touchstart", "keydown", "pointerdown"]) addEventListener(own, stop, { once: true, passive: true });
    const again = () => {
      if (left-- <= 0 || still >= 3) return;
      const before = scrollY;
      target.scrollIntoView();
      still = Math.abs(scrollY - before) > 1 ? 0 : still + 1;
      setTimeout(() => requestAnimationFrame(again), 50);
    };
    requestAnimationFrame(again);
  };
  addEventListener("hashchange", settle);
  if (location.hash) settle();
  addEventListener("hashchange", () => {
    const row = document.getElementById(location.hash.slice(1));
    if (row && row.hidden) { find.value = ""; only.value = ""; filter(); row.scrollIntoView(); }
  });
  filter();
})();
