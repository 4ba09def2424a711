"use strict";
// What there is to draw, made once of the records of a trace.

// So many bars of one kind and host are drawn below each other, at most; marks take less.
const ROWS = 6;
const MARK_ROWS = 2;
// From the top of a lane; kinds that are not named come before the last one, which are marks.
const ORDER = ["process", "call", "attempt", "part", "request", "coordination", "object", "lease"];
// Told elsewhere than in the lane of a host.
const APART = new Set(["end", "state", "fault", "fact", "violation", "outcome"]);
const OUTCOMES = {
  ok: "ok", done: "ok", success: "ok", succeeded: "ok",
  refused: "refused", "not found": "refused", skipped: "refused",
  open: "open", unknown: "open", "given up": "open",
};
const SIGNS = { ok: "✓", refused: "⊘", open: "?", failed: "✗", running: "…", mark: "" };
const MARKS = { death: "✕", boot: "▲", log: "·", note: "|", phase: "◆" };

/** The trace between the tags of the page: the header, then all records. */
function readTrace() {
  return JSON.parse(document.getElementById("trace").textContent);
}

function buildModel([header, ...records]) {
  const count = records.length;
  const endOf = new Map();
  const children = new Map();
  // A process that was killed has no end of its own.
  const durable = new Set(["process"]);
  const deaths = new Map();
  let last = 0;
  for (const record of records) {
    if (record.ms > last) last = record.ms;
    if (record.kind === "death") push(deaths, record.host, record.ms);
    if (record.parent === undefined) continue;
    push(children, record.parent, record.n);
    if (record.kind === "end" && !endOf.has(record.parent)) {
      endOf.set(record.parent, record);
      durable.add(records[record.parent].kind);
    }
  }
  const model = {
    header, records, children, endOf, last: Math.max(last, 1), count,
    lanes: [], tracks: [], faults: [], violations: [], facts: [], kinds: new Map(),
    outcome: records.findLast((record) => record.kind === "outcome"),
    begin: new Float64Array(count), stop: new Float64Array(count), classes: new Array(count),
  };
  for (const record of records) {
    model.begin[record.n] = record.ms;
    const end = endOf.get(record.n);
    const endless = !end && durable.has(record.kind);
    const death = endless && (deaths.get(record.host) ?? []).find((ms) => ms >= record.ms);
    model.stop[record.n] = end ? end.ms : endless ? death ?? model.last : record.ms;
    model.classes[record.n] = end ? outcomeClass(end) : endless ? "running" : "mark";
  }
  sortRecords(model);
  return model;
}

function push(map, key, value) {
  const known = map.get(key);
  if (known) known.push(value);
  else map.set(key, [value]);
}

function outcomeClass(end) {
  return end.outcome === undefined ? "ok" : OUTCOMES[end.outcome] ?? "failed";
}

function sortRecords(model) {
  const lanes = new Map(model.header.hosts.map((host) => [host, new Map()]));
  const tracks = new Map();
  for (const record of model.records) {
    if (record.kind === "state") push(tracks, record.track, record);
    else if (record.kind === "fault") model.faults.push(record);
    else if (record.kind === "violation") model.violations.push(record);
    else if (record.kind === "fact") model.facts.push(record);
    if (APART.has(record.kind)) continue;
    model.kinds.set(record.kind, (model.kinds.get(record.kind) ?? 0) + 1);
    if (!lanes.has(record.host)) lanes.set(record.host, new Map());
    const row = model.classes[record.n] === "mark" ? "" : record.kind;
    push(lanes.get(record.host), row, record.n);
  }
  model.violations.sort((a, b) => a.ms - b.ms);
  for (const [name, states] of tracks) {
    states.sort((a, b) => a.ms - b.ms || a.n - b.n);
    model.tracks.push({ name, states });
  }
  for (const [host, kinds] of lanes) {
    const rank = (kind) => (kind === "" ? 99 : ORDER.indexOf(kind) >= 0 ? ORDER.indexOf(kind) : 98);
    const sorted = [...kinds].sort(([a], [b]) => rank(a) - rank(b));
    const groups = sorted.map(([kind, numbers]) => {
      return { kind, rows: pack(model, numbers, kind === "" ? MARK_ROWS : ROWS) };
    });
    if (groups.length > 0) model.lanes.push({ host, groups, all: byTime(model, [...kinds.values()].flat()) });
  }
  model.faultRows = pack(model, model.faults.map((fault) => fault.n));
}

function byTime(model, numbers) {
  return numbers.sort((a, b) => model.records[a].ms - model.records[b].ms || a - b);
}

/** Rows in which nothing overlaps, but for the last one if there are too many. */
function pack(model, numbers, most = ROWS) {
  const rows = [];
  for (const n of byTime(model, numbers)) {
    const { ms } = model.records[n];
    const stop = Math.max(model.stop[n], ms);
    let row = rows.find((it) => it.until <= ms);
    if (!row) {
      if (rows.length < most) rows.push({ until: -1, numbers: [], furthest: [] });
      row = rows.at(-1);
    }
    row.numbers.push(n);
    row.until = Math.max(row.until, stop === ms ? ms + 0.001 : stop);
    row.furthest.push(row.until);
  }
  return rows;
}

/** The first index at which `at(index)` is not less than `value`. */
function lowerBound(length, value, at) {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at(middle) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What a person reads of a record. */
function describe(model, n) {
  const record = model.records[n];
  const end = model.endOf.get(n);
  const sign = SIGNS[model.classes[n]] || MARKS[record.kind] || "";
  const outcome = end ? ` = ${[end.outcome, end.text].filter(Boolean).join(", ")}` : "";
  return `${sign} ${record.text ?? record.kind}${outcome}`.trim();
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(3)} s`;
}

/** The records that hold all words of a query. */
function search(model, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  model.haystack ??= model.records.map((record) => {
    const end = model.endOf.get(record.n);
    const fields = Object.values(record).concat(end ? [end.text, end.outcome] : []);
    return `${fields.join(" ")} host:${record.host} kind:${record.kind} outcome:${end?.outcome ?? ""}`.toLowerCase();
  });
  const found = [];
  for (const record of model.records) {
    if (record.kind === "end") continue;
    const hay = model.haystack[record.n];
    if (words.every((word) => hay.includes(word))) found.push(record.n);
  }
  return byTime(model, found);
}
