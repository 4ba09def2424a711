//! The trace of a run: every event once more, typed and with what caused it, for programs and for
//! the picture that [`page`](crate::page) makes. It has no part in the fingerprint.
//!
//! A trace is a file of JSON lines. The first is the [`Header`], every other a [`Record`]. A record
//! of the kind [`END`] ends its parent: what lies between the two took time.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Seq, Sink};

/// The version of the format. It grows when a reader of an older one would be misled.
pub const VERSION: u32 = 1;
/// The kind of a record that ends its parent.
pub const END: &str = "end";
/// The kind of a record that says what somebody did not expect: an oracle's violation.
pub const VIOLATION: &str = "violation";
/// The kind of the last record of a run that came to its end.
pub const OUTCOME: &str = "outcome";

/// What was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format.
    pub trace: u32,
    pub program: String,
    pub scenario: String,
    pub seed: u64,
    pub fidelity: String,
    /// Hosts in the order in which they are shown; others come after them.
    pub hosts: Vec<String>,
    /// The whole plan, as its file has it.
    pub plan: String,
}

/// One line of a trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Counts all records from 0, in the order in which they are written.
    pub n: u64,
    /// The number of the event, if the record is a part of the fingerprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<Seq>,
    /// Simulated time.
    pub ms: u64,
    pub host: String,
    pub kind: String,
    /// The record that caused this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<u64>,
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

impl Record {
    /// What a person reads of it.
    pub fn text(&self) -> &str {
        self.fields.get("text").and_then(Value::as_str).unwrap_or_default()
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.as_str()
    }
}

/// What is told of one record, besides its number, its host and its time.
#[derive(Debug, Clone)]
pub struct About {
    kind: &'static str,
    parent: Option<Cause>,
    when: Option<When>,
    fields: Map<String, Value>,
}

/// What caused something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    Event(Seq),
    /// By [`Record::n`].
    Record(u64),
}

/// When something happened that is told later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    At(Duration),
    Event(Seq),
}

impl About {
    pub fn new(kind: &'static str) -> About {
        About { kind, parent: None, when: None, fields: Map::new() }
    }

    /// The end of what `cause` began.
    pub fn end(cause: Cause) -> About {
        About::new(END).because(Some(cause))
    }

    #[must_use]
    pub fn because(mut self, parent: Option<Cause>) -> About {
        self.parent = parent;
        self
    }

    #[must_use]
    pub fn when(mut self, when: When) -> About {
        self.when = Some(when);
        self
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> About {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    #[must_use]
    pub fn text(self, text: impl ToString) -> About {
        self.with("text", text.to_string())
    }
}

thread_local! {
    static CURRENT: RefCell<Vec<Cause>> = const { RefCell::new(Vec::new()) };
}

/// What the code that runs now works on, as whoever polls it has said.
pub fn current() -> Option<Cause> {
    CURRENT.with_borrow(|stack| stack.last().copied())
}

/// What runs until [`leave`] works on `cause`.
pub fn enter(cause: Cause) {
    CURRENT.with_borrow_mut(|stack| stack.push(cause));
}

pub fn leave() {
    CURRENT.with_borrow_mut(|stack| stack.pop());
}

/// Writes a trace.
pub(super) struct Tracer {
    sink: Sink,
    next: u64,
    /// Number and time of the record of every event.
    events: BTreeMap<Seq, (u64, u64)>,
    /// Nothing is written meanwhile.
    pub(super) paused: bool,
}

impl Tracer {
    pub(super) fn new(header: &Header, mut sink: Sink) -> Tracer {
        // As with the story, one that cannot be written must not change the run.
        let _ = serde_json::to_writer(&mut sink, header);
        let _ = sink.write_all(b"\n");
        Tracer { sink, next: 0, events: BTreeMap::new(), paused: false }
    }

    /// Writes a record; `event`: of the event that is the newest now.
    pub(super) fn write(
        &mut self,
        event: Option<Seq>,
        now: Duration,
        host: &str,
        it: About,
    ) -> u64 {
        let known = |seq: Seq| self.events.get(&seq).copied();
        let parent = it.parent.and_then(|parent| match parent {
            Cause::Event(seq) => known(seq).map(|(n, _)| n),
            Cause::Record(n) => Some(n),
        });
        let ms = match it.when {
            None => whole_ms(now),
            Some(When::At(then)) => whole_ms(then),
            Some(When::Event(seq)) => known(seq).map_or(whole_ms(now), |(_, ms)| ms),
        };
        let n = self.next;
        self.next += 1;
        if let Some(seq) = event {
            self.events.insert(seq, (n, ms));
        }
        let (host, kind) = (host.to_owned(), it.kind.to_owned());
        let record = Record { n, event, ms, host, kind, parent, fields: it.fields };
        let _ = serde_json::to_writer(&mut self.sink, &record);
        let _ = self.sink.write_all(b"\n");
        n
    }

    pub(super) fn flush(&mut self) {
        let _ = self.sink.flush();
    }
}

/// As event lines round it.
fn whole_ms(time: Duration) -> u64 {
    (time.as_secs_f64() * 1000.0).round() as u64
}

/// A trace that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    pub header: Header,
    pub records: Vec<Record>,
}

/// A file that is no trace, or none of this version.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    #[error("trace `{file}` cannot be read: {source}")]
    Read { file: String, source: std::io::Error },
    #[error("`{file}` is no trace: line {line}: {source}")]
    Line { file: String, line: usize, source: serde_json::Error },
    #[error("`{file}` is no trace: it is empty")]
    Empty { file: String },
    #[error("trace `{file}` is of version {found}, this program reads version {VERSION}")]
    Version { file: String, found: u32 },
    #[error("trace `{file}`: record {n} stands where record {expected} should")]
    Order { file: String, n: u64, expected: u64 },
}

/// The first line, as far as every version has it.
#[derive(Deserialize)]
struct Versioned {
    trace: u32,
}

impl Trace {
    pub fn read(path: &Path) -> Result<Trace, TraceError> {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Trace::parse(&file, &text),
            Err(source) => Err(TraceError::Read { file, source }),
        }
    }

    /// Reads a trace; `file` is for the error. What a run that was cut off has written last may be
    /// half a line, which is left out.
    pub fn parse(file: &str, text: &str) -> Result<Trace, TraceError> {
        let file = || file.to_owned();
        let bad = |line, source| TraceError::Line { file: file(), line, source };
        let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
        if first.trim().is_empty() {
            return Err(TraceError::Empty { file: file() });
        }
        let version: Versioned = serde_json::from_str(first).map_err(|error| bad(1, error))?;
        if version.trace != VERSION {
            return Err(TraceError::Version { file: file(), found: version.trace });
        }
        let header = serde_json::from_str(first).map_err(|error| bad(1, error))?;
        let mut records: Vec<Record> = Vec::new();
        for (at, line) in rest.split_inclusive('\n').enumerate() {
            let record: Record = match serde_json::from_str(line) {
                Ok(record) => record,
                Err(_) if !line.ends_with('\n') => break,
                Err(error) => return Err(bad(at + 2, error)),
            };
            let expected = records.len() as u64;
            if record.n != expected {
                return Err(TraceError::Order { file: file(), n: record.n, expected });
            }
            records.push(record);
        }
        Ok(Trace { header, records })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Recorder;

    fn header() -> Header {
        Header {
            trace: VERSION,
            program: "test".to_owned(),
            scenario: "s".to_owned(),
            seed: 7,
            fidelity: "wire".to_owned(),
            hosts: vec!["a".to_owned()],
            plan: String::new(),
        }
    }

    /// What a run of three records writes, and its fingerprint.
    fn traced() -> (String, String) {
        let file = tempfile::NamedTempFile::new().unwrap();
        let sink = Box::new(file.reopen().unwrap());
        let recorder = Recorder::new(|| None, None).traced(&header(), sink);
        let call = recorder.note("a", format_args!("asks"), || About::new("call").text("get"));
        let read = recorder.trace("b", || About::new("read").because(Some(Cause::Event(call))));
        recorder.set_now(Duration::from_millis(1500));
        recorder.event("c", format_args!("plain"));
        recorder.trace("b", || About::end(Cause::Record(read.unwrap())).with("outcome", "ok"));
        recorder.trace("b", || About::new("state").when(When::Event(call)));
        let fingerprint = recorder.fingerprint();
        (std::fs::read_to_string(file.path()).unwrap(), fingerprint)
    }

    #[test]
    fn records_have_numbers_times_and_what_caused_them() {
        let (text, _) = traced();
        let Trace { header: first, records } = Trace::parse("t", &text).unwrap();
        assert_eq!(first, header());
        let seen: Vec<_> = records.iter().map(|it| (it.n, it.event, it.ms, it.parent)).collect();
        let expected = [
            (0, Some(0), 0, None),
            (1, None, 0, Some(0)),
            (2, Some(1), 1500, None),
            (3, None, 1500, Some(1)),
            (4, None, 0, None),
        ];
        assert_eq!(seen, expected);
        assert_eq!((&*records[2].kind, records[2].text()), ("note", "plain"));
        assert_eq!(records[3].field("outcome"), Some("ok"));
    }

    #[test]
    fn a_trace_is_no_part_of_the_fingerprint() {
        let plain = Recorder::new(|| None, None);
        plain.note("a", format_args!("asks"), || unreachable!("nobody writes a trace"));
        plain.set_now(Duration::from_millis(1500));
        plain.event("c", format_args!("plain"));
        assert_eq!(plain.fingerprint(), traced().1);
    }

    #[test]
    fn what_is_no_trace_is_refused_and_half_a_last_line_is_not() {
        let (text, _) = traced();
        let error = |text: &str| Trace::parse("t", text).unwrap_err().to_string();
        assert_eq!(error(""), "`t` is no trace: it is empty");
        assert!(error("[run]\nseed = 1\n").starts_with("`t` is no trace: line 1"));
        let newer = text.replacen("\"trace\":1", "\"trace\":2", 1);
        assert_eq!(error(&newer), "trace `t` is of version 2, this program reads version 1");
        let gap: Vec<_> = text.lines().filter(|line| !line.contains("\"n\":1,")).collect();
        let gap = gap.join("\n") + "\n";
        assert_eq!(error(&gap), "trace `t`: record 2 stands where record 1 should");
        let cut = &text[..text.len() - 5];
        assert_eq!(Trace::parse("t", cut).unwrap().records.len(), 4);
    }
}
