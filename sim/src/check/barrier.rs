//! I10: between the revision that set maintenance and the one that ended it there is no commit but
//! an import's switch; after an instance acknowledged, it serves only maintenance routes.

use drydock_core::coord::Revision;
use drydock_core::error::Kind;
use drydock_core::log::format::{Body, InstanceState, Mode, Reason};

use super::{Checks, Evidence, Violation};
use crate::history::{Answer, Call, Operation};
use crate::recorder::Seq;
use crate::truth::Truth;

pub const ORACLE: &str = "I10 barrier";

/// One time of maintenance, by revision and by event.
struct Barrier {
    generation: u64,
    revision: Revision,
    from: Seq,
    to: Seq,
}

pub fn check(evidence: &Evidence<'_>, checks: &mut Checks) {
    let truth = evidence.truth;
    let barriers = barriers(truth);
    for commit in &truth.commits {
        let inside = |barrier: &&Barrier| barrier.from < commit.seq && commit.seq < barrier.to;
        let inside = barriers.iter().find(inside);
        let reason = match commit.value.body {
            Body::Switch { reason } => Some(reason),
            _ => None,
        };
        // A recovery ends maintenance with its own transaction, or happens in normal mode.
        let switch = reason.is_some();
        let import = matches!(reason, Some(Reason::Import | Reason::Restore));
        checks.done(ORACLE, 1);
        let fact = format!(
            "position {} was committed at revision {}",
            commit.value.position, commit.revision
        );
        match inside {
            Some(barrier) if !switch => {
                let since = format!(
                    "maintenance {} was set at revision {}",
                    barrier.generation, barrier.revision
                );
                let sentence = "a commit passed the barrier of maintenance";
                checks.violated(Violation::new(ORACLE, sentence, since, fact));
            }
            None if import => {
                let sentence = "an import or a restore switched the lineage outside maintenance";
                checks.violated(Violation::new(ORACLE, sentence, fact, "the mode was normal"));
            }
            _ => {}
        }
    }
    for barrier in &barriers {
        served(evidence, barrier, checks);
    }
}

fn barriers(truth: &Truth) -> Vec<Barrier> {
    let modes = truth.modes.iter();
    let set = modes.filter(|mode| mode.value.mode == Mode::Maintenance);
    set.map(|mode| {
        let mut later = truth.modes.iter().filter(|m| m.seq > mode.seq);
        let end = later.find(|m| m.value.mode == Mode::Normal);
        Barrier {
            generation: mode.value.generation,
            revision: mode.revision,
            from: mode.seq,
            to: end.map_or(Seq::MAX, |end| end.seq),
        }
    })
    .collect()
}

/// What was served behind the barrier by instances that had acknowledged it.
fn served(evidence: &Evidence<'_>, barrier: &Barrier, checks: &mut Checks) {
    let acknowledged = evidence.truth.instances.iter().filter(|record| {
        record.value.state == InstanceState::Maintenance
            && record.value.generation == barrier.generation
            && record.seq > barrier.from
    });
    for record in acknowledged {
        let address = &record.value.address;
        let Some(at) = evidence.instances.iter().position(|known| known == address) else {
            let why = format!("what was served at `{address}`: nobody asked there");
            checks.not_judged(ORACLE, &why);
            continue;
        };
        let behind = evidence.operations.iter().filter(|operation| {
            operation.instance == at + 1
                && operation.called > record.seq
                && operation.end_seq() < barrier.to
        });
        for operation in behind.filter(|operation| is_normal(&operation.call)) {
            checks.done(ORACLE, 1);
            if was_served(operation) {
                checks.violated(Violation::new(
                    ORACLE,
                    "an instance served a normal request after it acknowledged maintenance",
                    format!(
                        "{address} acknowledged maintenance {} at revision {}",
                        barrier.generation, record.revision
                    ),
                    operation.to_string(),
                ));
            }
        }
    }
}

fn is_normal(call: &Call) -> bool {
    !matches!(
        call,
        Call::Status
            | Call::Maintenance
            | Call::Resume
            | Call::Export
            | Call::Import { .. }
            | Call::Lineages
            | Call::GoBack { .. }
    )
}

fn was_served(operation: &Operation) -> bool {
    match operation.answer() {
        Some(Answer::Ok(_)) => true,
        Some(Answer::Refused { kind, .. }) => {
            !matches!(kind, Kind::Unavailable | Kind::Timeout | Kind::Internal)
        }
        _ => false,
    }
}
