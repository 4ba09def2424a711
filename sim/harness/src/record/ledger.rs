use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::{About, Cause, Recorder, Seq};

/// What was really done, told by whoever does it: oracles compare it with what the system believes.
/// Clones share it.
#[derive(Clone)]
pub struct Ledger {
    recorder: Recorder,
    entries: Arc<Mutex<Vec<Entry>>>,
    output: Arc<Mutex<Output>>,
}

/// Everything that parts of pieces of work have put out.
pub type Output = BTreeMap<(String, usize), Vec<u8>>;

/// Something that happened to one part of a piece of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub seq: Seq,
    pub at: Duration,
    pub host: String,
    pub work: String,
    pub part: usize,
    pub mark: Mark,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    Started,
    /// It came to its own end, as it says.
    Ended(String),
    /// Something else ended it.
    Killed(String),
}

impl Ledger {
    pub fn new(recorder: &Recorder) -> Ledger {
        Ledger { recorder: recorder.clone(), entries: Arc::default(), output: Arc::default() }
    }

    pub fn note(&self, host: &str, work: &str, part: usize, mark: Mark) {
        let begun = match mark {
            Mark::Started => None,
            Mark::Ended(_) | Mark::Killed(_) => self.begun(work, part),
        };
        let about = || {
            let about = match (&mark, begun) {
                (Mark::Started, _) | (_, None) => About::new("part"),
                (Mark::Ended(_), Some(seq)) => About::end(Cause::Event(seq)).with("outcome", "ok"),
                (Mark::Killed(_), Some(seq)) => {
                    About::end(Cause::Event(seq)).with("outcome", "killed")
                }
            };
            about
                .with("work", work)
                .with("part", part)
                .text(format!("part {part} of {work} {mark}"))
        };
        let seq = self.recorder.note(host, format_args!("part {part} of {work} {mark}"), about);
        let (host, work) = (host.to_owned(), work.to_owned());
        let at = self.recorder.now();
        self.lock().push(Entry { seq, at, host, work, part, mark });
    }

    fn begun(&self, work: &str, part: usize) -> Option<Seq> {
        let entries = self.lock();
        let mut of_it = entries.iter().rev().filter(|it| it.work == work && it.part == part);
        of_it.find(|it| it.mark == Mark::Started).map(|it| it.seq)
    }

    /// A part of a piece of work puts out some more bytes.
    pub fn wrote(&self, work: &str, part: usize, bytes: &[u8]) {
        let mut output = self.output.lock().expect("no holder of this lock panics");
        output.entry((work.to_owned(), part)).or_default().extend_from_slice(bytes);
    }

    pub fn output(&self) -> Output {
        self.output.lock().expect("no holder of this lock panics").clone()
    }

    /// The time, as entries have it.
    pub fn now(&self) -> Duration {
        self.recorder.now()
    }

    /// Everything, in the order in which it happened.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().expect("no holder of this lock panics")
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mark::Started => f.write_str("starts"),
            Mark::Ended(how) => write!(f, "ends: {how}"),
            Mark::Killed(why) => write!(f, "is killed: {why}"),
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Entry { at, host, work, part, mark, .. } = self;
        write!(f, "{:.3}s on {host}: part {part} of {work} {mark}", at.as_secs_f64())
    }
}
