"use strict";
// What is drawn above lanes and bars: the selection with its arrows, violations, the axis.

const GUTTER = 132;
const ROW = 13;
const GAP = 5;
const AXIS = 18;

class Overlay {
  drawSelection() {
    const { selected, model, pen, colors } = this;
    if (selected === null) return;
    pen.save();
    pen.beginPath();
    pen.rect(GUTTER, AXIS, this.width - GUTTER, this.height);
    pen.clip();
    pen.strokeStyle = pen.fillStyle = colors.select;
    for (const root of this.roots(selected)) {
      const box = this.box(root);
      if (!box) continue;
      pen.lineWidth = 2;
      pen.strokeRect(box.left - 1, box.y - 1, box.right - box.left + 2, ROW);
      pen.lineWidth = 1;
      for (let n = root; model.records[n].parent !== undefined; n = model.records[n].parent) {
        this.arrow(model.records[n].parent, n);
      }
      this.arrowsDown(root, 4);
    }
    pen.restore();
  }

  /** What a selection is about: of a violation, the events that its facts name. */
  roots(n) {
    const { records, facts } = this.model;
    if (records[n].kind !== "violation") return [n];
    return facts.filter((it) => it.violation === records[n].violation).map((it) => it.parent);
  }

  arrowsDown(n, depth) {
    // More than that would be a blot.
    for (const child of (this.model.children.get(n) ?? []).slice(0, 200)) {
      if (!this.rowOf.has(child)) continue;
      this.arrow(n, child);
      if (depth > 1) this.arrowsDown(child, depth - 1);
    }
  }

  /** Where a record is on the canvas, whether it is in view or not. */
  box(n) {
    const y = this.y(n);
    if (y === undefined) return null;
    const left = this.x(this.model.records[n].ms);
    return { left, right: Math.max(this.x(this.model.stop[n]), left + 3), y };
  }

  arrow(from, to) {
    const [a, b] = [this.box(from), this.box(to)];
    if (!a || !b) return;
    const { pen } = this;
    const [x1, y1, x2, y2] = [Math.max(b.left, a.left), a.y + ROW / 2, b.left, b.y + ROW / 2];
    const start = Math.min(x1, a.right);
    pen.beginPath();
    pen.moveTo(start, y1);
    pen.bezierCurveTo(start + 14, (y1 + y2) / 2, x2 - 14, (y1 + y2) / 2, x2, y2);
    pen.stroke();
    const tip = Math.sign(y2 - y1) || 1;
    pen.beginPath();
    pen.moveTo(x2, y2);
    pen.lineTo(x2 - 3, y2 - 6 * tip);
    pen.lineTo(x2 + 3, y2 - 6 * tip);
    pen.fill();
  }

  drawViolations() {
    const { pen, colors, model } = this;
    const line = (ms, text, dash, y) => {
      const x = this.x(ms);
      if (x < GUTTER || x > this.width) return;
      pen.strokeStyle = pen.fillStyle = colors.violation;
      pen.lineWidth = dash.length > 0 ? 1 : 2;
      pen.setLineDash(dash);
      pen.beginPath();
      pen.moveTo(x, AXIS);
      pen.lineTo(x, this.height);
      pen.stroke();
      pen.setLineDash([]);
      pen.lineWidth = 1;
      const room = pen.measureText(text).width;
      const left = x + room + 8 > this.width ? x - room - 5 : x + 4;
      pen.fillStyle = colors.paper;
      pen.fillRect(left - 2, y - 7, room + 4, 14);
      pen.fillStyle = colors.violation;
      pen.fillText(text, left, y);
    };
    for (const it of model.facts) line(it.ms, `fact ${it.fact}`, [3, 3], this.height - 12 - it.fact * 15);
    model.violations.forEach((it) => line(it.ms, `✖ ${it.oracle}: ${it.text}`.slice(0, 90), [], this.height - 10));
  }

  drawAxis() {
    const { pen, colors, width } = this;
    pen.fillStyle = colors.paper;
    pen.fillRect(0, 0, width, AXIS);
    pen.fillStyle = colors.soft;
    const raw = ((this.to - this.from) / Math.max(width - GUTTER, 1)) * 90;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = Math.max(1, [1, 2, 5, 10].find((it) => it * power >= raw) * power);
    for (let ms = Math.ceil(Math.max(this.from, 0) / step) * step; ms <= this.to; ms += step) {
      const x = this.x(ms);
      pen.fillRect(x, AXIS - 4, 1, 4);
      pen.fillText(step < 1000 ? seconds(ms) : `${ms / 1000} s`, x + 3, AXIS / 2);
    }
    pen.fillRect(0, AXIS - 1, width, 1);
  }

  /** How much of all lanes is in view. */
  drawScrolled() {
    const { pen, colors, width, height } = this;
    const [room, total] = [height - AXIS, this.total];
    if (total <= room) return;
    pen.fillStyle = colors.line;
    pen.fillRect(width - 6, AXIS, 6, room);
    pen.fillStyle = colors.soft;
    pen.fillRect(width - 6, AXIS + (this.scroll / total) * room, 6, (room / total) * room);
  }
}
