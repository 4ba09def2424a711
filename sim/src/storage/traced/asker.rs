use std::collections::BTreeMap;

use drydock_harness::record::{About, Cause, Recorder, Seq, trace};

use crate::plan::fault::FaultKind;
use crate::storage::StorageFaults;

/// One process of an instance, as whose requests are told.
#[derive(Clone)]
pub struct Asker {
    pub host: String,
    pub recorder: Recorder,
    pub faults: StorageFaults,
    /// Its start: what caused requests that nobody's request caused.
    pub started: Seq,
}

/// A request under way. One that is dropped was given up.
pub struct Open {
    asker: Asker,
    n: Option<u64>,
    hits: BTreeMap<usize, u64>,
}

impl Asker {
    pub fn begin(&self, kind: &'static str, text: String, op: &str, key: &str) -> Open {
        let cause = trace::current().unwrap_or(Cause::Event(self.started));
        let n = self.recorder.trace(&self.host, || {
            About::new(kind).because(Some(cause)).with("op", op).with("key", key).text(text)
        });
        Open { asker: self.clone(), n, hits: self.faults.hits() }
    }

    /// Whether a fault touches what this instance asks of storage.
    fn concerns(&self, index: usize) -> bool {
        let of = |kind: &FaultKind| kind.instance().map(|it| it.host());
        match of(self.faults.kind(index)) {
            Some(host) => host == self.host,
            None => {
                let acts = &self.faults.all()[index].acts;
                acts.is_empty() || acts.iter().any(|act| act.touches(&self.host))
            }
        }
    }
}

impl Open {
    /// The answer is there.
    pub fn end(mut self, outcome: &str, more: impl FnOnce(About) -> About) {
        self.tell(outcome, more);
    }

    fn tell(&mut self, outcome: &str, more: impl FnOnce(About) -> About) {
        let Some(n) = self.n.take() else { return };
        let Asker { host, recorder, faults, .. } = &self.asker;
        recorder.trace(host, || {
            let now = faults.hits();
            let struck = now.into_iter().filter(|(index, hits)| {
                self.hits.get(index).is_none_or(|before| hits > before)
                    && *hits > 0
                    && self.asker.concerns(*index)
            });
            let struck: Vec<u64> = struck.map(|(index, _)| index as u64).collect();
            let about = more(About::end(Cause::Record(n)).with("outcome", outcome));
            if struck.is_empty() { about } else { about.with("faults", struck) }
        });
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // Destructors of a host that dies run when nobody may ask for the time.
        if !self.asker.faults.is_dying(&self.asker.host) {
            self.tell("given up", |about| about);
        }
    }
}
