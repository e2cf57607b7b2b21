// Draws the charts of a page from the JSON beside it: SVG, with cursor, legend, zoom and log scale.
// Whatever comes from a run is set as text, never as markup.
"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const COLOURS = 7;
  const DASHES = ["", "7 3", "2 2.5"];
  const MARGIN = { left: 62, right: 34, top: 10, bottom: 40 };
  const HEIGHT = 270;
  const SQUARE = 440;
  const LEAST_DRAG = 6;
  const MOST_ROWS = 24;
  const CROWD = 14;
  const MOST_WORDS = 8;
  const UNITS = [[7200, 3600, "h"], [120, 60, "min"], [1, 1, "s"], [1e-3, 1e-3, "ms"], [0, 1e-6, "us"]];

  const data = JSON.parse(document.getElementById("chart-data").textContent);
  const charts = [];

  const svg = (name, attributes, text) => {
    const element = document.createElementNS(SVG, name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const html = (name, className, text) => {
    const element = document.createElement(name);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const colour = (style) => "c" + (style % COLOURS);
  const dash = (trace) => (trace.faint ? "" : DASHES[Math.floor(trace.style / COLOURS) % DASHES.length]);

  function number(value) {
    if (value === 0) return "0";
    const size = Math.abs(value);
    if (size >= 1e5 || size < 1e-3) {
      return value.toExponential(2).replace(/\.?0+e/, "e").replace("e+", "e");
    }
    return String(parseFloat(value.toPrecision(4)));
  }
  const whole = (value) => Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, ",");

  // Ascending keys: the place of the last one that is not above the value, -1 where none is.
  function search(keys, value) {
    let low = 0;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (keys[middle] <= value) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  function between(ruler, step) {
    const [steps, values] = ruler;
    if (!steps.length) return null;
    const at = search(steps, step);
    if (at < 0) return values[0];
    if (at >= steps.length - 1) return values[values.length - 1];
    const share = (step - steps[at]) / (steps[at + 1] - steps[at]);
    return values[at] + (values[at + 1] - values[at]) * share;
  }

  function ticks(low, high, wanted) {
    const raw = (high - low) / Math.max(1, wanted);
    const power = Math.pow(10, Math.floor(Math.log10(raw)));
    const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= raw * 0.999);
    const found = [];
    for (let n = Math.ceil(low / step - 1e-9); n * step <= high + step * 1e-9; n++) {
      found.push(parseFloat((n * step).toPrecision(12)));
    }
    return found;
  }

  function logTicks(low, high, wanted) {
    const found = [];
    const first = Math.floor(low);
    const last = Math.ceil(high);
    const every = Math.max(1, Math.ceil((last - first) / wanted));
    const parts = last - first <= 2 ? [1, 2, 5] : [1];
    for (let power = first; power <= last; power += every) {
      for (const part of parts) {
        const place = power + Math.log10(part);
        if (place >= low - 1e-9 && place <= high + 1e-9) found.push(place);
      }
    }
    return found.length > 1 ? found : ticks(low, high, wanted);
  }

  class Chart {
    constructor(place, panel) {
      this.element = place;
      this.panel = panel;
      this.axis = panel.axis;
      this.log = panel.log;
      this.zoom = null;
      this.hidden = new Set();
      this.width = 0;
      this.build();
    }

    build() {
      const head = html("figcaption", "chart-head");
      head.append(html("strong", "", this.panel.title));
      const tools = html("span", "tools");
      this.back = this.button("whole", "back to the whole chart", () => this.zoomTo(null));
      this.back.hidden = true;
      tools.append(this.back);
      if (this.panel.axis) tools.append(this.axisChoice());
      if (!this.panel.square) {
        this.logButton = this.button("log", "logarithmic scale", () => this.setLog(!this.log));
        this.logButton.setAttribute("aria-pressed", this.log);
        tools.append(this.logButton);
      }
      head.append(tools);
      this.canvas = html("div", "canvas");
      this.readout = html("div", "readout");
      this.readout.hidden = true;
      this.canvas.append(this.readout);
      this.element.append(head, this.canvas);
      if (!data.legend.length) this.element.append(this.ownLegend());
      if (this.panel.note) this.element.append(html("p", "note", this.panel.note));
    }

    button(text, title, action) {
      const button = html("button", "", text);
      button.type = "button";
      button.title = title;
      button.addEventListener("click", action);
      return button;
    }

    axisChoice() {
      const select = html("select");
      select.setAttribute("aria-label", "horizontal axis");
      for (const kind of ["step", "epoch", "time"]) {
        const option = html("option", "", kind);
        option.selected = kind === this.axis;
        select.append(option);
      }
      select.addEventListener("change", () => {
        this.axis = select.value;
        this.zoomTo(null);
      });
      return select;
    }

    ownLegend() {
      const entries = this.panel.traces.filter((trace) => trace.label);
      const legend = html("div", "legend");
      if (entries.length < 2) return legend;
      for (const trace of entries) {
        legend.append(entry(trace.label, trace.style, [this]));
      }
      return legend;
    }

    setLog(log) {
      this.log = log;
      this.logButton.setAttribute("aria-pressed", log);
      this.draw();
    }

    zoomTo(range) {
      this.zoom = range;
      this.back.hidden = range === null;
      this.draw();
    }

    along(trace) {
      if (!this.axis || this.axis === "step" || trace.ruler === null) return trace.x;
      return trace.x.map((step) => this.place(step, trace.ruler));
    }

    place(step, ruler) {
      return this.axis === "step" ? step : between(data.rulers[ruler][this.axis], step);
    }

    isLogarithmic() {
      return this.log && this.shown.some(({ trace }) => trace.y.some((value) => value > 0));
    }

    level(value) {
      if (value === null || value === undefined) return null;
      if (!this.logarithmic) return value;
      return value > 0 ? Math.log10(value) : null;
    }

    domains() {
      let [left, right] = this.zoom || this.panel.xRange || [Infinity, -Infinity];
      if (left > right) {
        for (const { x } of this.shown) {
          for (const value of x) {
            if (value === null) continue;
            left = Math.min(left, value);
            right = Math.max(right, value);
          }
        }
      }
      if (!(left <= right)) [left, right] = [0, 1];
      if (left === right) [left, right] = [left - 0.5, right + 0.5];
      const fixed = this.panel.yRange;
      if (fixed && !this.logarithmic) return { left, right, low: fixed[0], high: fixed[1] };
      let [low, high] = [Infinity, -Infinity];
      for (const { trace, x } of this.shown) {
        const rows = trace.low.length ? [trace.y, trace.low, trace.high] : [trace.y];
        for (const row of rows) {
          row.forEach((value, at) => {
            const level = this.level(value);
            if (level === null || x[at] < left || x[at] > right) return;
            low = Math.min(low, level);
            high = Math.max(high, level);
          });
        }
      }
      if (!(low <= high)) [low, high] = [0, 1];
      const room = (high - low) * 0.05 || Math.abs(high) * 0.05 || 0.5;
      return { left, right, low: low - room, high: high + room };
    }

    draw() {
      const width = this.canvas.clientWidth || 640;
      const square = this.panel.square;
      const outer = square ? Math.min(width, SQUARE) : width;
      const height = square ? outer * 0.92 : HEIGHT;
      this.width = width;
      this.shown = this.panel.traces
        .filter((trace) => !this.hidden.has(trace.style))
        .map((trace) => ({ trace, x: this.along(trace) }));
      this.logarithmic = this.isLogarithmic();
      this.domain = this.domains();
      this.inner = {
        width: outer - MARGIN.left - MARGIN.right,
        height: height - MARGIN.top - MARGIN.bottom,
      };
      const image = svg("svg", { width: outer, height, viewBox: `0 0 ${outer} ${height}`, role: "img" });
      image.append(svg("title", {}, this.panel.title || this.panel.yLabel));
      const clip = "clip" + charts.indexOf(this);
      const clipPath = svg("clipPath", { id: clip });
      clipPath.append(svg("rect", {
        x: MARGIN.left, y: MARGIN.top - 3, width: this.inner.width + 3, height: this.inner.height + 6,
      }));
      image.append(clipPath, this.drawAxes(outer, height));
      const lines = svg("g", { "clip-path": `url(#${clip})` });
      if (this.panel.diagonal) lines.append(this.drawDiagonal());
      for (const event of this.panel.events) lines.append(this.drawEvent(event));
      for (const one of this.shown) this.drawTrace(lines, one);
      this.pointer = svg("g", { class: "cursor" });
      image.append(lines, this.pointer);
      this.listen(image);
      if (this.image) this.image.remove();
      this.image = image;
      this.canvas.prepend(image);
    }

    px(value) {
      const { left, right } = this.domain;
      return MARGIN.left + ((value - left) / (right - left)) * this.inner.width;
    }

    py(level) {
      const { low, high } = this.domain;
      return MARGIN.top + (1 - (level - low) / (high - low)) * this.inner.height;
    }

    unit() {
      if (this.axis !== "time") return [1, ""];
      const most = Math.abs(this.domain.right);
      const found = UNITS.find((unit) => most >= unit[0]);
      return [found[1], found[2]];
    }

    drawAxes(width, height) {
      const group = svg("g", { class: "axes" });
      const bottom = height - MARGIN.bottom;
      const { left, right, low, high } = this.domain;
      const [scale, unit] = this.unit();
      const is = this.axis === "step" ? whole : number;
      for (const value of ticks(left / scale, right / scale, this.inner.width / 75)) {
        if (this.axis === "step" && value % 1) continue;
        const x = this.px(value * scale);
        group.append(svg("line", { x1: x, x2: x, y1: MARGIN.top, y2: bottom, class: "grid" }));
        group.append(svg("text", { x, y: bottom + 16, "text-anchor": "middle" }, is(value)));
      }
      const levels = this.logarithmic ? logTicks(low, high, 6) : ticks(low, high, 5);
      for (const level of levels) {
        const y = this.py(level);
        const value = this.logarithmic ? Math.pow(10, level) : level;
        group.append(svg("line", { x1: MARGIN.left, x2: width - MARGIN.right, y1: y, y2: y, class: "grid" }));
        group.append(svg("text", { x: MARGIN.left - 6, y: y + 4, "text-anchor": "end" }, number(value)));
      }
      group.append(svg("line", { x1: MARGIN.left, x2: width - MARGIN.right, y1: bottom, y2: bottom }));
      group.append(svg("line", { x1: MARGIN.left, x2: MARGIN.left, y1: MARGIN.top, y2: bottom }));
      const label = this.axis ? (this.axis === "time" ? `time in training, ${unit}` : this.axis) : this.panel.xLabel;
      const middle = MARGIN.left + this.inner.width / 2;
      group.append(svg("text", { x: middle, y: height - 6, "text-anchor": "middle", class: "label" }, label));
      const turned = `translate(13 ${MARGIN.top + this.inner.height / 2}) rotate(-90)`;
      group.append(svg("text", { transform: turned, "text-anchor": "middle", class: "label" }, this.panel.yLabel));
      return group;
    }

    drawDiagonal() {
      const { left, right } = this.domain;
      return svg("line", {
        x1: this.px(left), y1: this.py(left), x2: this.px(right), y2: this.py(right), class: "diagonal",
      });
    }

    // What was done to the run: a line, with its words where they are few.
    drawEvent(event) {
      const x = this.px(this.place(event.step, event.ruler));
      const group = svg("g", { class: "event" });
      group.append(svg("title", {}, event.text));
      group.append(svg("line", { x1: x, x2: x, y1: MARGIN.top, y2: MARGIN.top + this.inner.height }));
      if (this.panel.events.length <= MOST_WORDS) {
        const turned = `translate(${x - 3} ${MARGIN.top + 2}) rotate(-90)`;
        group.append(svg("text", { transform: turned, "text-anchor": "end" }, event.text));
      }
      return group;
    }

    drawTrace(group, { trace, x }) {
      const y = trace.y.map((value) => this.level(value));
      const behind = this.panel.traces.length > CROWD ? " faint crowd" : " faint";
      const name = colour(trace.style) + (trace.faint ? behind : trace.thin ? " thin" : "");
      if (trace.form === "points") {
        x.forEach((value, at) => {
          if (y[at] === null || value === null) return;
          group.append(svg("circle", { cx: this.px(value), cy: this.py(y[at]), r: 2.5, class: name + " point" }));
        });
        return;
      }
      if (trace.low.length) group.append(this.drawBand(trace, x, name));
      let path = "";
      const alone = [];
      let open = false;
      y.forEach((level, at) => {
        if (level === null || x[at] === null) {
          open = false;
          return;
        }
        const next = at + 1 < y.length ? y[at + 1] : null;
        if (!open && next === null) alone.push(at);
        path += `${open ? "L" : "M"}${this.px(x[at]).toFixed(1)} ${this.py(level).toFixed(1)}`;
        open = true;
      });
      group.append(svg("path", { d: path, class: name + " line", "stroke-dasharray": dash(trace) }));
      const dots = trace.marked ? y.map((_, at) => at).filter((at) => y[at] !== null) : alone;
      for (const at of dots) {
        group.append(svg("circle", { cx: this.px(x[at]), cy: this.py(y[at]), r: 2.5, class: name + " dot" }));
      }
      const lost = new Set(trace.lost);
      const floor = MARGIN.top + this.inner.height;
      trace.x.forEach((step, at) => {
        if (!lost.has(step)) return;
        const place = this.px(x[at]);
        group.append(svg("line", { x1: place, x2: place, y1: floor - 6, y2: floor, class: name + " lost" }));
      });
    }

    drawBand(trace, x, name) {
      let path = "";
      let begin = 0;
      const edge = (from, to) => {
        if (to <= from) return;
        const up = [];
        const down = [];
        for (let at = from; at < to; at++) {
          const place = this.px(x[at]).toFixed(1);
          up.push(`${place} ${this.py(this.level(trace.high[at])).toFixed(1)}`);
          down.push(`${place} ${this.py(this.level(trace.low[at])).toFixed(1)}`);
        }
        path += `M${up.join("L")}L${down.reverse().join("L")}Z`;
      };
      for (let at = 0; at <= x.length; at++) {
        const gap = at === x.length || this.level(trace.low[at]) === null || this.level(trace.high[at]) === null;
        if (!gap) continue;
        edge(begin, at);
        begin = at + 1;
      }
      return svg("path", { d: path, class: name + " band" });
    }

    listen(image) {
      let from = null;
      const place = (event) => {
        const box = image.getBoundingClientRect();
        const share = (event.clientX - box.left - MARGIN.left) / this.inner.width;
        const inside = Math.min(1, Math.max(0, share));
        return this.domain.left + inside * (this.domain.right - this.domain.left);
      };
      image.addEventListener("pointerdown", (event) => {
        if (event.button !== 0 || this.panel.square) return;
        from = { x: event.clientX, value: place(event) };
        image.setPointerCapture(event.pointerId);
      });
      image.addEventListener("pointermove", (event) => this.point(place(event), from));
      image.addEventListener("pointerup", (event) => {
        if (from === null) return;
        const begun = from;
        from = null;
        if (Math.abs(event.clientX - begun.x) < LEAST_DRAG) return;
        const range = [begun.value, place(event)].sort((a, b) => a - b);
        if (range[1] > range[0]) this.zoomTo(range);
      });
      image.addEventListener("pointerleave", () => {
        from = null;
        this.pointer.replaceChildren();
        this.readout.hidden = true;
      });
      image.addEventListener("dblclick", () => this.zoomTo(null));
    }

    // Shows what all lines say at a place of the axis.
    point(value, from) {
      this.pointer.replaceChildren();
      const at = this.px(value);
      const bottom = MARGIN.top + this.inner.height;
      if (from) {
        const start = this.px(from.value);
        this.pointer.append(svg("rect", {
          x: Math.min(start, at), y: MARGIN.top, width: Math.abs(at - start), height: this.inner.height, class: "chosen",
        }));
      }
      this.pointer.append(svg("line", { x1: at, x2: at, y1: MARGIN.top, y2: bottom }));
      const rows = [];
      for (const { trace, x } of this.shown) {
        if (trace.faint || trace.form === "points") continue;
        const near = nearest(x, value);
        if (near < 0) continue;
        const level = this.level(trace.y[near]);
        rows.push([trace, trace.y[near]]);
        if (level === null) continue;
        this.pointer.append(svg("circle", {
          cx: this.px(x[near]), cy: this.py(level), r: 3.5, class: colour(trace.style) + " dot",
        }));
      }
      this.tell(value, rows, at);
    }

    tell(value, rows, at) {
      const [scale, unit] = this.unit();
      const shown = this.axis === "step" ? whole(value) : number(value / scale) + (unit ? " " + unit : "");
      const table = html("table");
      for (const [trace, level] of rows.slice(0, MOST_ROWS)) {
        const row = html("tr");
        const label = html("td", "", trace.label || this.label(trace));
        label.prepend(swatch(trace.style));
        row.append(label, html("td", "value", level === null ? "not finite" : number(level)));
        table.append(row);
      }
      const heading = html("div", "", `${this.axis || this.panel.xLabel} ${shown}`);
      const more = rows.length > MOST_ROWS ? [html("div", "", `and ${rows.length - MOST_ROWS} more`)] : [];
      this.readout.replaceChildren(heading, table, ...more);
      this.readout.hidden = rows.length === 0;
      const right = at > this.width / 2;
      this.readout.style.left = right ? "auto" : at + 12 + "px";
      this.readout.style.right = right ? this.width - at + 12 + "px" : "auto";
    }

    label(trace) {
      const found = data.legend.find((one) => one[1] === trace.style);
      return found ? found[0] : this.panel.yLabel;
    }
  }

  function nearest(x, value) {
    if (!x.length || x[0] === null) return -1;
    const before = search(x, value);
    if (before < 0) return 0;
    if (before >= x.length - 1) return x.length - 1;
    return value - x[before] <= x[before + 1] - value ? before : before + 1;
  }

  function swatch(style) {
    const image = svg("svg", { width: 22, height: 8, class: "swatch" });
    image.append(svg("line", {
      x1: 1, x2: 21, y1: 4, y2: 4, class: colour(style) + " line", "stroke-dasharray": dash({ style }),
    }));
    return image;
  }

  // An entry of a legend: a click hides and shows, two show it alone, and two more all again.
  function entry(label, style, targets) {
    const button = html("button", "entry", label);
    button.type = "button";
    button.title = "click: hide or show; double click: this one alone";
    button.prepend(swatch(style));
    button.setAttribute("aria-pressed", "true");
    button.dataset.style = style;
    button.addEventListener("click", () => {
      for (const chart of targets) {
        if (!chart.hidden.delete(style)) chart.hidden.add(style);
        chart.draw();
      }
      mark(button.parentElement, targets[0]);
    });
    button.addEventListener("dblclick", () => {
      const styles = [...button.parentElement.children].map((one) => Number(one.dataset.style));
      const others = styles.filter((one) => one !== style);
      const alone = others.every((one) => targets[0].hidden.has(one));
      for (const chart of targets) {
        chart.hidden = new Set(alone ? [] : others);
        chart.draw();
      }
      mark(button.parentElement, targets[0]);
    });
    return button;
  }

  function mark(legend, chart) {
    for (const button of legend.children) {
      button.setAttribute("aria-pressed", !chart.hidden.has(Number(button.dataset.style)));
    }
  }

  for (const place of document.querySelectorAll("[data-chart]")) {
    const chart = new Chart(place, data.panels[Number(place.dataset.chart)]);
    charts.push(chart);
  }
  const shared = document.getElementById("legend");
  if (shared && data.legend.length) {
    for (const [label, style] of data.legend) shared.append(entry(label, style, charts));
  }
  for (const chart of charts) chart.draw();
  const watcher = new ResizeObserver(() => {
    for (const chart of charts) if (chart.canvas.clientWidth !== chart.width) chart.draw();
  });
  for (const chart of charts) watcher.observe(chart.canvas);
  window.addEventListener("beforeprint", () => charts.forEach((chart) => chart.draw()));
})();
