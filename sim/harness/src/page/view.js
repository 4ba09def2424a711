"use strict";
// Draws what is in view on the canvas, and nothing else.

class View extends Overlay {
  constructor(canvas, model) {
    super();
    Object.assign(this, { canvas, model, from: 0, to: model.last, scroll: 0 });
    Object.assign(this, { selected: null, matches: new Set(), hidden: new Set(), boxes: [] });
    this.pen = canvas.getContext("2d");
    this.theme();
    this.layout();
    this.fit();
  }

  theme() {
    const style = getComputedStyle(document.documentElement);
    const names = ["paper", "ink", "soft", "line", "stripe", "ok", "refused", "open", "failed", "fault",
      "match", "select", "violation"];
    this.colors = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
    this.colors.running = this.colors.soft;
    this.colors.mark = this.colors.ink;
    this.hatches = { fault: this.hatch(this.colors.fault, 0.16), failed: this.hatch(this.colors.failed, 0.8) };
  }

  hatch(color, alpha) {
    const tile = new OffscreenCanvas(6, 6);
    const pen = tile.getContext("2d");
    Object.assign(pen, { strokeStyle: color, globalAlpha: alpha, lineWidth: 1 });
    pen.beginPath();
    for (const shift of [-6, 0, 6]) {
      pen.moveTo(shift, 6);
      pen.lineTo(shift + 6, 0);
    }
    pen.stroke();
    return this.pen.createPattern(tile, "repeat");
  }

  resize() {
    const { clientWidth, clientHeight } = this.canvas;
    const ratio = devicePixelRatio || 1;
    [this.width, this.height] = [clientWidth, clientHeight];
    this.canvas.width = Math.max(1, Math.round(clientWidth * ratio));
    this.canvas.height = Math.max(1, Math.round(clientHeight * ratio));
    this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.draw();
  }

  /** Where every row is, from the top of everything. */
  layout() {
    let y = 2;
    this.places = [];
    this.rowOf = new Map();
    const place = (label, rows, extra) => {
      this.places.push({ label, y, height: rows.length * ROW, rows, ...extra });
      rows.forEach((row, nth) => row.numbers?.forEach((n) => this.rowOf.set(n, y + nth * ROW)));
      y += rows.length * ROW + GAP;
    };
    for (const track of this.model.tracks) {
      if (this.hidden.has("state")) continue;
      for (const { n } of track.states) this.rowOf.set(n, y);
      place(track.name, [track], { track });
    }
    if (this.model.faults.length > 0) place("faults", this.model.faultRows, { isFaults: true });
    for (const lane of this.model.lanes) {
      const groups = lane.groups.filter(({ kind, rows }) => kind === "" || !this.hidden.has(kind));
      place(lane.host, groups.flatMap((group) => group.rows), { lane });
    }
    this.total = y;
  }

  x(ms) {
    return GUTTER + ((ms - this.from) / (this.to - this.from)) * (this.width - GUTTER);
  }

  time(x) {
    return this.from + ((x - GUTTER) / (this.width - GUTTER)) * (this.to - this.from);
  }

  y(n) {
    const y = this.rowOf.get(n);
    return y === undefined ? undefined : y + AXIS - this.scroll;
  }

  fit() {
    const margin = this.model.last * 0.01;
    this.look(-margin, this.model.last + margin);
  }

  look(from, to) {
    const span = Math.min(Math.max(to - from, 2), this.model.last * 1.2);
    const middle = Math.min(Math.max((from + to) / 2, 0), this.model.last);
    [this.from, this.to] = [middle - span / 2, middle + span / 2];
    this.draw();
  }

  zoom(factor, around = (this.from + this.to) / 2) {
    this.look(around - (around - this.from) * factor, around + (this.to - around) * factor);
  }

  pan(share) {
    const by = (this.to - this.from) * share;
    this.look(this.from + by, this.to + by);
  }

  scrollTo(y) {
    this.scroll = Math.min(Math.max(y, 0), Math.max(0, this.total + AXIS - this.height));
    this.draw();
  }

  /** Moves as little as needed to show a record. */
  reveal(n) {
    const { ms } = this.model.records[n];
    if (ms < this.from || ms > this.to) {
      const half = (this.to - this.from) / 2;
      this.look(ms - half, ms + half);
    }
    const y = this.rowOf.get(n);
    if (y === undefined) return;
    if (y < this.scroll || y + AXIS + ROW > this.scroll + this.height) {
      this.scrollTo(y - this.height / 2);
    }
  }

  draw() {
    if (this.due || !this.width) return;
    this.due = requestAnimationFrame(() => this.drawNow());
  }

  /** Draws one frame; answers how long it took. */
  drawNow() {
    this.due = null;
    const begun = performance.now();
    const { pen, width, height, colors } = this;
    pen.fillStyle = colors.paper;
    pen.fillRect(0, 0, width, height);
    pen.font = "11px system-ui, sans-serif";
    pen.textBaseline = "middle";
    this.boxes = [];
    pen.save();
    pen.beginPath();
    pen.rect(0, AXIS, width, height - AXIS);
    pen.clip();
    this.drawBands();
    this.places.forEach((place, nth) => this.drawPlace(place, nth));
    this.drawSelection();
    this.drawViolations();
    pen.restore();
    this.drawAxis();
    this.drawScrolled();
    this.onDrawn?.();
    return performance.now() - begun;
  }

  drawBands() {
    this.pen.fillStyle = this.hatches.fault;
    for (const { n, ms } of this.model.faults) {
      const [left, right] = [this.x(ms), this.x(this.model.stop[n])];
      if (right < GUTTER || left > this.width) continue;
      this.pen.fillRect(Math.max(left, GUTTER), AXIS, Math.max(right - Math.max(left, GUTTER), 1), this.height);
    }
  }

  drawPlace(place, nth) {
    const { pen, colors } = this;
    const top = place.y + AXIS - this.scroll;
    if (top + place.height < AXIS || top > this.height) return;
    if (nth % 2 === 0) {
      pen.globalAlpha = 0.55;
      pen.fillStyle = colors.stripe;
      pen.fillRect(0, top - 2, this.width, place.height + 4);
      pen.globalAlpha = 1;
    }
    pen.fillStyle = colors.ink;
    pen.fillText(place.label, 6, top + ROW / 2, GUTTER - 10);
    pen.save();
    pen.beginPath();
    pen.rect(GUTTER, AXIS, this.width - GUTTER, this.height);
    pen.clip();
    if (place.track) this.drawTrack(place.track, top);
    else place.rows.forEach((row, at) => this.drawRow(row, top + at * ROW, place));
    pen.restore();
  }

  drawTrack({ states }, y) {
    const { pen, colors } = this;
    const first = Math.max(0, lowerBound(states.length, this.from, (at) => states[at].ms) - 1);
    let free = -Infinity;
    for (let at = first; at < states.length && states[at].ms <= this.to; at += 1) {
      const left = Math.max(this.x(states[at].ms), GUTTER);
      const right = Math.min(at + 1 < states.length ? this.x(states[at + 1].ms) : this.x(this.model.last), this.width);
      if (right - left < 0.5 && left < free) continue;
      pen.fillStyle = at % 2 === 0 ? colors.line : colors.stripe;
      pen.fillRect(left, y, Math.max(right - left, 1), ROW - 2);
      pen.fillStyle = colors.ink;
      pen.fillRect(left, y, 1, ROW - 2);
      if (right - left > 14) this.label(states[at].value, left, right, y);
      free = left + 0.5;
      this.boxes.push({ n: states[at].n, left, right: Math.max(right, left + 3), y });
    }
  }

  drawRow(row, y, place) {
    if (y + ROW < AXIS || y > this.height) return;
    const { model } = this;
    const { numbers, furthest } = row;
    // How far something of each class is drawn, and what is too narrow for more than a color.
    const drawn = {};
    const narrow = {};
    for (let at = lowerBound(numbers.length, this.from, (it) => furthest[it]); at < numbers.length; at += 1) {
      const n = numbers[at];
      const ms = model.begin[n];
      if (ms > this.to) break;
      const shape = model.classes[n];
      const kind = shape === "mark" ? model.records[n].kind : "";
      if (this.hidden.has(kind)) continue;
      const left = this.x(ms);
      const right = Math.max(this.x(model.stop[n]), left + 1);
      // What lies within a pixel that is drawn already would not be seen.
      const isMatch = this.matches.has(n);
      if (right <= drawn[shape + kind] + 0.6 && !isMatch) continue;
      if (shape !== "mark" && right - left <= 3) (narrow[shape] ??= []).push(left, right - left);
      else if (shape === "mark") this.drawMark(n, left, y, kind);
      else this.drawBar(n, Math.max(left, GUTTER - 2), Math.min(right, this.width + 2), y, place.isFaults ? "fault" : shape);
      if (isMatch) {
        this.pen.fillStyle = this.colors.match;
        this.pen.fillRect(left, y + ROW - 2, Math.max(right - left, 3), 2);
      }
      this.boxes.push({ n, left, right: Math.max(right, left + 3), y });
      drawn[shape + kind] = right;
    }
    for (const [shape, bars] of Object.entries(narrow)) {
      this.pen.fillStyle = this.colors[place.isFaults ? "fault" : shape];
      // Without color: what went well is as high as the row.
      const inset = shape === "ok" ? 0 : 3;
      for (let at = 0; at < bars.length; at += 2) {
        this.pen.fillRect(bars[at], y + inset, bars[at + 1], ROW - 2 - 2 * inset);
      }
    }
  }

  drawMark(n, x, y, kind) {
    const { pen, colors } = this;
    const sign = MARKS[kind] ?? "◆";
    pen.fillStyle = kind === "death" ? colors.failed : this.model.records[n].level === "error" ? colors.failed : colors.ink;
    if (sign === "|" || sign === "·") pen.fillRect(x, sign === "|" ? y + 2 : y + 5, 1, sign === "|" ? ROW - 5 : 3);
    else pen.fillText(sign, x - 4, y + ROW / 2);
  }

  drawBar(n, left, right, y, shape) {
    const { pen, colors } = this;
    const [width, height] = [Math.max(right - left, 1), ROW - 2];
    pen.fillStyle = pen.strokeStyle = colors[shape];
    if (shape === "ok" || shape === "fault") {
      pen.globalAlpha = 0.35;
      pen.fillRect(left, y, width, height);
      pen.globalAlpha = 1;
    } else if (shape === "failed") {
      pen.fillStyle = this.hatches.failed;
      pen.fillRect(left, y, width, height);
    }
    pen.setLineDash(shape === "open" ? [4, 2] : shape === "running" ? [1, 2] : []);
    pen.strokeRect(left + 0.5, y + 0.5, width - 1, height - 1);
    pen.setLineDash([]);
    if (width > 12) {
      const text = shape === "fault" ? `⚡ ${this.model.records[n].text}` : describe(this.model, n);
      this.label(text, left, right, y);
    }
  }

  label(text, left, right, y) {
    const room = right - left - 5;
    // Letters are 5 pixels wide or more.
    const shown = String(text).slice(0, Math.ceil(room / 4));
    this.pen.save();
    this.pen.beginPath();
    this.pen.rect(left, y, right - left - 1, ROW);
    this.pen.clip();
    this.pen.fillStyle = this.colors.ink;
    this.pen.fillText(shown, left + 3, y + ROW / 2);
    this.pen.restore();
  }

  /** The record at a place of the canvas. */
  at(x, y) {
    const near = this.boxes.filter((box) => y >= box.y && y < box.y + ROW && x >= box.left - 3 && x <= box.right + 3);
    const within = (box) => (x >= box.left && x <= box.right ? 0 : 1);
    near.sort((a, b) => within(a) - within(b) || a.right - a.left - (b.right - b.left));
    return near[0]?.n ?? null;
  }
}
