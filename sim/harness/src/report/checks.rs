use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A broken invariant: one sentence, and the two facts that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    pub oracle: String,
    pub sentence: String,
    pub facts: [String; 2],
}

impl Violation {
    pub fn new(
        oracle: &str,
        sentence: impl Into<String>,
        one: impl Into<String>,
        other: impl Into<String>,
    ) -> Violation {
        Violation {
            oracle: oracle.to_owned(),
            sentence: sentence.into(),
            facts: [one.into(), other.into()],
        }
    }
}

/// What the oracles looked at and found.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Checks {
    /// How many facts each oracle checked.
    pub counts: BTreeMap<String, u64>,
    pub violations: Vec<Violation>,
    /// Oracle and subject of searches that were given up.
    pub not_decided: Vec<(String, String)>,
    /// What did not come to an end.
    pub pending: Vec<String>,
    /// Oracles that had nothing to go by, and why.
    pub not_judged: Vec<(String, String)>,
}

impl Checks {
    pub fn done(&mut self, oracle: &str, count: u64) {
        *self.counts.entry(oracle.to_owned()).or_default() += count;
    }

    pub fn violated(&mut self, violation: Violation) {
        self.violations.push(violation);
    }

    /// Adds what others looked at and found.
    pub fn merge(&mut self, other: Checks) {
        for (oracle, count) in other.counts {
            *self.counts.entry(oracle).or_default() += count;
        }
        self.violations.extend(other.violations);
        self.not_decided.extend(other.not_decided);
        self.pending.extend(other.pending);
        self.not_judged.extend(other.not_judged);
    }

    pub fn not_judged(&mut self, oracle: &str, why: &str) {
        let unjudged = (oracle.to_owned(), why.to_owned());
        if !self.not_judged.contains(&unjudged) {
            self.not_judged.push(unjudged);
        }
    }

    pub fn not_decided(&mut self, oracle: &str, subject: &str) {
        let undecided = (oracle.to_owned(), subject.to_owned());
        self.not_decided.push(undecided);
    }
}
