"use strict";
// What a person does, and what is told besides the picture. Texts of the trace are only ever set as
// text, never as HTML.

const LISTED = 200;

function start() {
  const $ = (id) => document.getElementById(id);
  const model = buildModel(readTrace());
  const view = new View($("canvas"), model);
  let matches = [];

  const element = (name, text, attributes = {}) => {
    const made = Object.assign(document.createElement(name), attributes);
    if (text !== undefined) made.textContent = text;
    return made;
  };

  // ---- selection

  function select(n, { reveal = true } = {}) {
    view.selected = n;
    if (n !== null && reveal) view.reveal(n);
    showDetails(n);
    if (n !== null) {
      const { ms, host } = model.records[n];
      $("status").textContent = `${seconds(ms)} ${host}: ${describe(model, n)}`;
    } else {
      $("status").textContent = "";
    }
    view.draw();
  }

  function link(n) {
    const { ms, host, kind } = model.records[n];
    const button = element("button", `${seconds(ms)} ${host} ${kind}: ${describe(model, n)}`, { type: "button" });
    button.addEventListener("click", () => select(n));
    button.dataset.n = n;
    return button;
  }

  function links(title, numbers) {
    if (numbers.length === 0) return [];
    const list = element("ul");
    for (const n of numbers.slice(0, LISTED)) {
      const item = element("li");
      item.append(link(n));
      list.append(item);
    }
    if (numbers.length > LISTED) list.append(element("li", `and ${numbers.length - LISTED} more`));
    return [element("h2", title), list];
  }

  function showDetails(n) {
    if (n === null) {
      $("details").replaceChildren(element("p", "Nothing is selected: click an event, or press →."));
      return;
    }
    const record = model.records[n];
    const end = model.endOf.get(n);
    const list = element("dl");
    const field = (name, value) => list.append(element("dt", name), element("dd", value));
    field("what", describe(model, n));
    field("kind", record.kind);
    field("host", record.host);
    field("from", seconds(record.ms));
    if (model.stop[n] > record.ms) {
      field("to", `${seconds(model.stop[n])}${end ? "" : ", without an end"}`);
      field("took", seconds(model.stop[n] - record.ms));
    }
    if (record.event !== undefined) field("event", record.event);
    const struck = end?.faults ?? [];
    const faults = model.faults.filter((it) => struck.includes(it.fault)).map((it) => it.n);
    const caused = (model.children.get(n) ?? []).filter((it) => model.records[it].kind !== "end");
    const raw = JSON.stringify(record, null, 1) + (end ? `\n${JSON.stringify(end, null, 1)}` : "");
    $("details").replaceChildren(
      element("h2", record.text ?? record.kind), list,
      ...(record.facts ?? []).map((fact, nth) => element("p", `fact ${nth + 1}: ${fact}`)),
      ...links("Caused by", record.parent === undefined ? [] : [record.parent]),
      ...links("Faults that touched it", faults),
      ...links("Caused", byTime(model, caused)),
      element("h2", "As the trace has it"), element("pre", raw),
    );
  }

  // ---- from one event to another

  const shownIn = (lane) => lane.all.filter((n) => isShown(n));
  const isShown = (n) => view.rowOf.has(n) && !view.hidden.has(model.records[n].kind);
  const laneOf = (n) => model.lanes.findIndex((lane) => lane.host === model.records[n].host);

  function nearest(numbers, ms) {
    const at = lowerBound(numbers.length, ms, (it) => model.records[numbers[it]].ms);
    const before = numbers[at - 1];
    const after = numbers[at];
    if (before === undefined || after === undefined) return before ?? after;
    return ms - model.records[before].ms <= model.records[after].ms - ms ? before : after;
  }

  function step(by) {
    if (view.selected === null || laneOf(view.selected) < 0) {
      const lanes = model.lanes.map(shownIn).filter((all) => all.length > 0);
      const ms = view.selected === null ? Math.max(view.from, 0) : model.records[view.selected].ms;
      if (lanes.length > 0) select(nearest(lanes[0], ms));
      return;
    }
    const all = shownIn(model.lanes[laneOf(view.selected)]);
    const next = all[all.indexOf(view.selected) + by];
    if (next !== undefined) select(next);
  }

  function otherLane(by) {
    if (view.selected === null) return step(1);
    const { ms } = model.records[view.selected];
    for (let lane = laneOf(view.selected) + by; lane >= 0 && lane < model.lanes.length; lane += by) {
      const found = nearest(shownIn(model.lanes[lane]), ms);
      if (found !== undefined) return select(found);
    }
  }

  /** The next of some records after the selected one, and around. */
  function cycle(numbers, by = 1) {
    if (numbers.length === 0) return;
    const at = numbers.indexOf(view.selected);
    if (at >= 0) return select(numbers.at((at + by) % numbers.length));
    const ms = view.selected === null ? view.from : model.records[view.selected].ms;
    const after = lowerBound(numbers.length, ms, (it) => model.records[numbers[it]].ms);
    select(numbers.at((by > 0 ? after : after - 1) % numbers.length));
  }

  function nextViolation() {
    const all = model.violations.map((it) => it.n);
    cycle(all);
    if (all.length === 0) return;
    // Both facts, if they are known, and a little around them.
    const { violation } = model.records[view.selected];
    const mine = model.facts.filter((it) => it.violation === violation);
    const times = [...mine.map((it) => it.ms), model.records[view.selected].ms];
    const [least, greatest] = [Math.min(...times), Math.max(...times)];
    const margin = Math.max((greatest - least) * 0.3, 250);
    view.look(least - margin, greatest + margin);
    for (const { parent: named } of mine) view.reveal(named);
  }

  function parent() {
    const up = view.selected === null ? undefined : model.records[view.selected].parent;
    if (up !== undefined) select(up);
  }

  function child() {
    const down = (model.children.get(view.selected) ?? []).find(isShown);
    if (down !== undefined) select(down);
  }

  function zoomToSelected() {
    if (view.selected === null) return;
    const { ms } = model.records[view.selected];
    const margin = Math.max((model.stop[view.selected] - ms) * 0.5, 50);
    view.look(ms - margin, model.stop[view.selected] + margin);
  }

  // ---- search

  function find(query) {
    matches = search(model, query);
    view.matches = new Set(matches);
    $("matches").textContent = query.trim() ? `${matches.length} matches` : "";
    view.draw();
  }

  let typing;
  $("query").addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => find($("query").value), 120);
  });
  $("search").addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(typing);
    find($("query").value);
    cycle(matches);
    $("canvas").focus();
  });
  $("query").addEventListener("keydown", (event) => {
    if (event.key === "Escape") $("canvas").focus();
  });

  // ---- keys

  const keys = {
    ArrowRight: () => step(1),
    ArrowLeft: () => step(-1),
    ArrowDown: () => otherLane(1),
    ArrowUp: () => otherLane(-1),
    PageDown: () => view.scrollTo(view.scroll + view.height * 0.8),
    PageUp: () => view.scrollTo(view.scroll - view.height * 0.8),
    Enter: zoomToSelected,
    Escape: () => select(null),
    "+": () => view.zoom(0.5),
    "=": () => view.zoom(0.5),
    "-": () => view.zoom(2),
    0: () => view.fit(),
    p: parent,
    c: child,
    v: nextViolation,
    f: () => cycle(model.faults.map((it) => it.n)),
    n: () => cycle(matches),
    N: () => cycle(matches, -1),
    "/": () => { $("query").focus(); $("query").select(); },
    "?": () => $("help").showModal(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || $("help").open) return;
    const { tagName } = event.target;
    if (tagName === "INPUT" || (tagName === "BUTTON" && event.key === "Enter")) return;
    const act = event.shiftKey && event.key.startsWith("Arrow")
      ? { ArrowRight: () => view.pan(0.25), ArrowLeft: () => view.pan(-0.25) }[event.key]
      : keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  // ---- the pointer

  let drag = null;
  const canvas = $("canvas");
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const amount = Math.abs(event.deltaY) > Math.abs(event.deltaX) ? event.deltaY : event.deltaX;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) view.pan(Math.sign(amount) * 0.1);
    else view.zoom(1.2 ** Math.sign(amount), view.time(event.offsetX));
  }, { passive: false });
  canvas.addEventListener("pointerdown", (event) => {
    drag = { x: event.offsetX, y: event.offsetY, from: view.from, to: view.to, scroll: view.scroll, moved: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!drag) {
      const n = view.at(event.offsetX, event.offsetY);
      canvas.title = n === null ? "" : describe(model, n);
      return;
    }
    const [dx, dy] = [event.offsetX - drag.x, event.offsetY - drag.y];
    if (Math.abs(dx) + Math.abs(dy) > 4) drag.moved = true;
    if (!drag.moved) return;
    const by = (-dx / (view.width - GUTTER)) * (drag.to - drag.from);
    view.look(drag.from + by, drag.to + by);
    view.scrollTo(drag.scroll - dy);
  });
  canvas.addEventListener("pointerup", (event) => {
    if (drag && !drag.moved) select(view.at(event.offsetX, event.offsetY), { reveal: false });
    drag = null;
  });
  canvas.addEventListener("dblclick", zoomToSelected);

  // ---- what else is told

  function listInView() {
    const numbers = [];
    let count = 0;
    for (const lane of model.lanes) {
      const first = lowerBound(lane.all.length, view.from, (at) => model.records[lane.all[at]].ms);
      const last = lowerBound(lane.all.length, view.to, (at) => model.records[lane.all[at]].ms);
      count += last - first;
      for (let at = first; at < last && at < first + LISTED; at += 1) {
        if (isShown(lane.all[at])) numbers.push(lane.all[at]);
      }
    }
    byTime(model, numbers);
    const items = numbers.slice(0, LISTED).map((n) => {
      const item = element("li");
      const button = link(n);
      if (n === view.selected) button.setAttribute("aria-current", "true");
      item.append(button);
      return item;
    });
    $("in-view-count").textContent =
      `(${count}${count > items.length ? `, the first ${items.length}` : ""}; ` +
      `${seconds(Math.max(view.from, 0))} to ${seconds(Math.min(view.to, model.last))})`;
    $("list").replaceChildren(...items);
  }

  let listing;
  view.onDrawn = () => {
    clearTimeout(listing);
    listing = setTimeout(listInView, 150);
  };

  function showHead() {
    const { scenario, seed, fidelity, program } = model.header;
    $("title").textContent = `${scenario} seed ${seed}`;
    const { outcome } = model;
    const first = model.violations[0];
    $("verdict").textContent = outcome
      ? `${first ? "✖ " : ""}${outcome.verdict}: ${outcome.text}`
      : `${program}, ${fidelity}: the run has not come to its end`;
    $("verdict").title = `${program}, fidelity ${fidelity}, fingerprint ${outcome?.fingerprint ?? "unknown"}`;
    $("verdict").classList.toggle("bad", first !== undefined || (outcome && outcome.verdict !== "ok"));
    $("to-violation").disabled = !first;
    for (const [kind, count] of [["state", null], ...model.kinds]) {
      const label = element("label");
      const box = element("input", undefined, { type: "checkbox", checked: true, name: kind });
      box.addEventListener("change", () => {
        if (box.checked) view.hidden.delete(kind);
        else view.hidden.add(kind);
        view.layout();
        view.scrollTo(view.scroll);
      });
      label.append(box, ` ${kind}${count === null ? "" : ` ${count}`}`);
      $("kinds").append(label);
    }
  }

  $("zoom-in").addEventListener("click", keys["+"]);
  $("zoom-out").addEventListener("click", keys["-"]);
  $("fit").addEventListener("click", keys[0]);
  $("to-violation").addEventListener("click", nextViolation);
  $("open-help").addEventListener("click", keys["?"]);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { view.theme(); view.draw(); });
  const now = () => { view.theme(); view.resize(); view.drawNow(); listInView(); };
  addEventListener("beforeprint", now);
  addEventListener("afterprint", now);
  new ResizeObserver(() => view.resize()).observe(canvas);
  showHead();
  if (model.violations.length > 0) nextViolation();
  canvas.focus({ preventScroll: true });
  // For whoever asks from the console, and for tests.
  window.picture = { model, view, select, find, get matches() { return matches; } };
}

start();
