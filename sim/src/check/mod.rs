//! The oracles: what must hold in every run, checked from what clients saw and what really
//! happened.
//!
//! Each oracle is one of the design's invariants; a mutant of the product proves that it can fail.

pub mod acked;
pub mod answers;
pub mod barrier;
pub mod checkpoints;
pub mod constraints;
pub mod converge;
pub mod exports;
pub mod imports;
mod jumps;
pub mod keys;
pub mod linearizable;
pub mod log;
mod outside;
pub mod permissions;
pub mod recovery;
mod rights;
pub mod runs;
pub mod secrets;
pub mod snapshots;
mod tree;
pub mod upgrades;

use drydock_core::store::Durability;
use drydock_harness::record::Seq;
pub use drydock_harness::report::{Checks, Violation};
use drydock_runtime::encryption::KeyRing;

use crate::history::Operation;
use crate::plan::Service;
use crate::product::Log;
use crate::timeline::{FinalState, Timeline};

pub use outside::outside;

/// Name and meaning of every oracle.
pub const ORACLES: &[(&str, &str)] = &[
    (acked::ORACLE, "an acknowledged write is in the log exactly once"),
    (log::ORACLE, "positions are gapless and every commit names its predecessor"),
    (checkpoints::ORACLE, "checkpoints, segments and trimming agree with the log at every moment"),
    (recovery::ORACLE, "a lost or set back coordination store loses nothing that was archived"),
    (linearizable::ORACLE, "reads of users are linearizable"),
    (snapshots::ORACLE, "a read's answer is the state at one position between call and answer"),
    (constraints::ORACLE, "names are unique and nothing refers to what is gone"),
    (imports::ORACLE, "an import is all or nothing, and a damaged one is refused"),
    (exports::ORACLE, "a complete export is the state at its position, not older than its request"),
    (barrier::ORACLE, "no commit during maintenance but an import's switch"),
    (converge::ORACLE, "after the faults everybody converges and every request is answered"),
    (secrets::ORACLE, "a secret is in nothing but what a run gets"),
    (
        permissions::ORACLE,
        "nobody does what the permission table forbids, or is kept from the rest",
    ),
    (keys::ORACLE, "what was asked for twice under one key was done once"),
    (upgrades::ORACLE, "what is written is read by every live instance, and raised in the end"),
    (answers::ORACLE, "no answer is an internal error, or blames whoever did nothing wrong"),
];

/// What one run left behind.
pub struct Evidence<'a> {
    /// What was asked and answered, each numbered as the events of `timeline` are: no later than it
    /// was asked, and no earlier than it was answered.
    pub operations: &'a [Operation],
    /// The same, numbered among each other exactly.
    pub exact: &'a [Operation],
    /// Between which events of `exact` an event of `timeline` happened.
    pub exactly: &'a dyn Fn(Seq) -> (Seq, Seq),
    /// The service that all of this is about.
    pub service: Service,
    /// The addresses of the instances, as they give them themselves.
    pub instances: &'a [String],
    pub timeline: &'a Timeline,
    pub final_state: &'a FinalState,
    /// What secrets are encrypted with.
    pub keys: &'a KeyRing,
    pub durability: Durability,
    /// Commits that may wait to be archived.
    pub unarchived: u64,
    /// Whether the plan makes the product's own code fail at a point.
    pub injected: bool,
    /// What the product logged, where that can be heard.
    pub log: Option<&'a Log>,
}

/// Asks every oracle.
pub fn all(evidence: &Evidence<'_>) -> Checks {
    let mut checks = Checks::default();
    log::check(evidence.timeline, &mut checks);
    acked::check(evidence, &mut checks);
    checkpoints::check(evidence, &mut checks);
    recovery::check(evidence, &mut checks);
    barrier::check(evidence, &mut checks);
    constraints::check(evidence, &mut checks);
    imports::check(evidence, &mut checks);
    exports::check(evidence, &mut checks);
    secrets::check(evidence, &mut checks);
    permissions::check(evidence, &mut checks);
    keys::check(evidence, &mut checks);
    upgrades::check(evidence, &mut checks);
    answers::check(evidence, &mut checks);
    converge::check(evidence, &mut checks);
    snapshots::check(evidence, &mut checks);
    linearizable::check(evidence, &mut checks);
    checks
}
