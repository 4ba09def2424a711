//! Groups: one run of a group runs at a time, and the others follow in the order of their creation.

use drydock_api::runservice::types::{OnNewer, RunId};
use jiff::Timestamp;

/// The runs of a group that are not final.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupState {
    pub running: Option<RunId>,
    /// In the order of creation.
    pub queued: Vec<RunId>,
    /// No run starts before.
    pub held_until: Option<Timestamp>,
}

/// Whether a queued run starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    Run(RunId),
    /// None is queued, or one is running.
    Nothing,
    /// A lost executor may still run something.
    Held(Timestamp),
    /// The resume gate has no token.
    Gate,
}

/// The run that starts next. `gate_open`: whether the resume gate lets one through.
pub fn next_start(group: &GroupState, gate_open: bool, now: Timestamp) -> Start {
    let Some(next) = group.queued.first().filter(|_| group.running.is_none()) else {
        return Start::Nothing;
    };
    match group.held_until {
        Some(until) if now < until => Start::Held(until),
        _ if !gate_open => Start::Gate,
        _ => Start::Run(*next),
    }
}

/// The runs that end because a newer one of their group was created.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Superseded {
    pub cancelled: Vec<RunId>,
    pub stopped: Option<RunId>,
}

/// The runs of the group that a new run with this choice ends.
pub fn superseded_by(group: &GroupState, on_newer: OnNewer) -> Superseded {
    match on_newer {
        OnNewer::Queue => Superseded::default(),
        OnNewer::CancelQueued => Superseded { cancelled: group.queued.clone(), stopped: None },
        OnNewer::StopRunning => {
            Superseded { cancelled: group.queued.clone(), stopped: group.running }
        }
    }
}
