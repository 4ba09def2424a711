//! Traces that are made up, and the browser that shows them.

use std::fmt::Write;

use drydock_backends::testing;
use drydock_harness::page::page;
use drydock_harness::record::Trace;
use serde_json::{Value, json};

use super::browser::Browser;

/// Events of the trace that a frame is timed with.
pub const MANY: u64 = 100_000;

/// A trace of these records, whose numbers are their places.
fn trace(records: &[Value]) -> Trace {
    let header = json!({
        "trace": 1, "program": "test", "scenario": "made", "seed": 7, "fidelity": "none",
        "hosts": ["client-1", "server-1"], "plan": "",
    });
    let mut text = format!("{header}\n");
    for (n, record) in records.iter().enumerate() {
        let mut record = record.clone();
        record["n"] = json!(n);
        writeln!(text, "{record}").unwrap();
    }
    Trace::parse("made", &text).unwrap()
}

/// A call that caused a request, which a fault has struck, and an oracle that does not like it.
pub fn story() -> Vec<Value> {
    vec![
        json!({"ms": 0, "host": "run", "kind": "state", "track": "mode", "value": "normal 1"}),
        json!({"ms": 100, "host": "client-1", "kind": "call", "text": "get </script><img src=x>"}),
        json!({"ms": 110, "host": "fault", "kind": "fault", "fault": 0, "text": "cut server-1"}),
        json!({"ms": 120, "host": "server-1", "kind": "request", "parent": 1,
            "text": "GET /needle"}),
        json!({"ms": 180, "host": "server-1", "kind": "end", "parent": 3, "outcome": "failed",
            "faults": [0]}),
        json!({"ms": 190, "host": "client-1", "kind": "end", "parent": 1, "outcome": "open",
            "text": "no answer"}),
        json!({"ms": 200, "host": "fault", "kind": "end", "parent": 2, "hits": 3}),
        json!({"ms": 300, "host": "client-1", "kind": "call", "text": "put needle"}),
        json!({"ms": 310, "host": "client-1", "kind": "end", "parent": 7, "outcome": "refused"}),
        json!({"ms": 100, "host": "run", "kind": "fact", "parent": 1, "fact": 1, "violation": 0,
            "text": "it was 1"}),
        json!({"ms": 300, "host": "run", "kind": "fact", "parent": 7, "fact": 2, "violation": 0,
            "text": "it is 2"}),
        json!({"ms": 300, "host": "run", "kind": "violation", "parent": 7, "violation": 0,
            "oracle": "numbers", "facts": ["it was 1", "it is 2"], "text": "one is not two"}),
        json!({"ms": 400, "host": "run", "kind": "outcome", "verdict": "violated",
            "text": "numbers: one is not two"}),
    ]
}

/// Calls of ten clients, each with a request at one of three servers.
pub fn many() -> Vec<Value> {
    let mut records = Vec::new();
    for call in 0..MANY / 4 {
        let (ms, client, server) = (call * 7, call % 10, call % 3);
        let (client, server) = (format!("client-{client}"), format!("server-{server}"));
        let first = call * 4;
        records.extend([
            json!({"ms": ms, "host": client, "kind": "call", "text": format!("call {call}")}),
            json!({"ms": ms + 5, "host": server, "kind": "request", "parent": first,
                "text": "GET /"}),
            json!({"ms": ms + 20, "host": server, "kind": "end", "parent": first + 1,
                "outcome": "done"}),
            json!({"ms": ms + 30, "host": client, "kind": "end", "parent": first,
                "outcome": if call % 9 == 0 { "refused" } else { "ok" }}),
        ]);
    }
    records
}

/// A Chromium that shows the page of a trace.
pub fn shown(records: &[Value]) -> (Browser, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.html");
    std::fs::write(&file, page(&trace(records))).unwrap();
    let mut browser = Browser::start(&testing::program(testing::CHROMIUM));
    browser.open(&file);
    (browser, folder)
}
