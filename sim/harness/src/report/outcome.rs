//! What came of one run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Checks;
use crate::fault::Hits;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every oracle is content.
    Fine,
    /// Every fault of the plan hit nothing: the run proves nothing.
    Inert,
    /// Something did not come to an end after the faults.
    Stuck,
    /// An invariant is broken.
    Violated,
    /// The simulator itself failed.
    Broken,
}

impl Verdict {
    /// How tables and reports call it.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Fine => "ok",
            Verdict::Inert => "inert",
            Verdict::Stuck => "stuck",
            Verdict::Violated => "violated",
            Verdict::Broken => "simulator broken",
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Outcome {
    pub scenario: String,
    pub seed: u64,
    pub verdict: Verdict,
    /// Why the simulator failed.
    pub broken: Option<String>,
    pub fingerprint: String,
    pub events: u64,
    pub simulated_ms: u64,
    pub operations: u64,
    pub faults: Vec<Hits>,
    /// How often each code point was passed.
    pub points: BTreeMap<String, u64>,
    /// How often each state worth reaching was reached.
    pub probes: BTreeMap<String, u64>,
    pub checks: Checks,
}

impl Outcome {
    /// Of a run that ended before it could say anything.
    pub fn unfinished(scenario: &str, seed: u64) -> Outcome {
        Outcome {
            scenario: scenario.to_owned(),
            seed,
            verdict: Verdict::Broken,
            broken: None,
            fingerprint: String::new(),
            events: 0,
            simulated_ms: 0,
            operations: 0,
            faults: Vec::new(),
            points: BTreeMap::new(),
            probes: BTreeMap::new(),
            checks: Checks::default(),
        }
    }

    /// The verdict that the parts amount to; the gravest wins.
    pub fn judge(&self) -> Verdict {
        if self.broken.is_some() {
            Verdict::Broken
        } else if !self.checks.violations.is_empty() {
            Verdict::Violated
        } else if !self.checks.pending.is_empty() {
            Verdict::Stuck
        } else if !self.faults.is_empty() && self.faults.iter().all(|fault| fault.hits == 0) {
            Verdict::Inert
        } else {
            Verdict::Fine
        }
    }
}
