//! I10: between the revision that set maintenance and the one that ended it there is no commit but
//! an import's switch; after an instance acknowledged, it serves only maintenance routes, and after
//! all did, so do gateways. What is told of the mode was so while the call lasted.

use drydock_core::coord::Revision;
use drydock_core::error::Kind;
use drydock_core::log::format::{Body, InstanceRecord, InstanceState, Mode, ModeRecord, Reason};
use drydock_harness::record::Seq;

use super::{Checks, Evidence, Violation};
use crate::history::{Answer, Call, Operation, Reply, Server, Status};
use crate::plan::InstanceId;
use crate::timeline::{At, Timeline};

pub const ORACLE: &str = "I10 barrier";

/// One time of maintenance, by revision and by event.
struct Barrier {
    generation: u64,
    revision: Revision,
    from: Seq,
    to: Seq,
}

pub fn check(evidence: &Evidence<'_>, checks: &mut Checks) {
    let timeline = evidence.timeline;
    let barriers = barriers(timeline);
    for commit in &timeline.commits {
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
        served_by_gateways(evidence, barrier, checks);
    }
    told(evidence, checks);
}

fn barriers(timeline: &Timeline) -> Vec<Barrier> {
    let modes = timeline.modes.iter();
    let set = modes.filter(|mode| mode.value.mode == Mode::Maintenance);
    set.map(|mode| {
        let later = timeline.modes.iter().filter(|m| m.seq > mode.seq);
        let mut normal = later.filter(|m| m.value.mode == Mode::Normal).map(|m| m.seq);
        let forgotten = forgotten(timeline, mode.seq);
        let end = normal.next().into_iter().chain(forgotten).min();
        Barrier {
            generation: mode.value.generation,
            revision: mode.revision,
            from: mode.seq,
            to: end.unwrap_or(Seq::MAX),
        }
    })
    .collect()
}

/// When a coordination store began, after `since`, that knows of no switch of the mode: it was
/// lost, or set back to before the first one. Then the mode is normal again, whatever was
/// acknowledged.
fn forgotten(timeline: &Timeline, since: Seq) -> Option<Seq> {
    let mut began = timeline.began.iter().enumerate().filter(|(_, began)| **began > since);
    let knows = |era: usize, began: Seq| {
        timeline.modes.iter().any(|mode| mode.era == era && mode.seq == began)
    };
    began.find(|(era, began)| !knows(*era, **began)).map(|(_, began)| *began)
}

/// What was served behind the barrier by instances that had acknowledged it.
fn served(evidence: &Evidence<'_>, barrier: &Barrier, checks: &mut Checks) {
    for record in acknowledged(evidence.timeline, barrier) {
        let address = &record.value.address;
        let Some(at) = evidence.instances.iter().position(|known| known == address) else {
            let why = format!("what was served at `{address}`: nobody asked there");
            checks.not_judged(ORACLE, &why);
            continue;
        };
        let asked = InstanceId::new(evidence.service, at + 1);
        let behind = evidence.operations.iter().filter(|operation| {
            operation.server == Server::Instance(asked)
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

fn acknowledged<'a>(
    timeline: &'a Timeline,
    barrier: &Barrier,
) -> impl Iterator<Item = &'a At<InstanceRecord>> {
    let (generation, from) = (barrier.generation, barrier.from);
    timeline.instances.iter().filter(move |record| {
        record.value.state == InstanceState::Maintenance
            && record.value.generation == generation
            && record.seq > from
    })
}

/// What was served through gateways behind the barrier that every instance had acknowledged.
fn served_by_gateways(evidence: &Evidence<'_>, barrier: &Barrier, checks: &mut Checks) {
    let first = |address: &String| {
        let mut records = acknowledged(evidence.timeline, barrier);
        records.find(|record| record.value.address == *address).map(|record| record.seq)
    };
    let all: Option<Vec<Seq>> = evidence.instances.iter().map(first).collect();
    let Some(since) = all.and_then(|all| all.into_iter().max()) else { return };
    let behind = evidence.operations.iter().filter(|operation| {
        matches!(operation.server, Server::Gateway(_))
            && operation.called > since
            && operation.end_seq() < barrier.to
    });
    for operation in behind.filter(|operation| is_normal(&operation.call)) {
        checks.done(ORACLE, 1);
        if was_served(operation) {
            checks.violated(Violation::new(
                ORACLE,
                "a gateway served a normal request after all instances acknowledged maintenance",
                format!("maintenance {} was set at {}", barrier.generation, barrier.revision),
                operation.to_string(),
            ));
        }
    }
}

/// Of a store that was lost, nobody can say what mode it had.
fn told(evidence: &Evidence<'_>, checks: &mut Checks) {
    let timeline = evidence.timeline;
    if timeline.eras != 1 {
        return;
    }
    for operation in evidence.operations {
        let Some(reply) = operation.reply() else { continue };
        let modes = modes_between(timeline, operation.called, operation.end_seq());
        let is_so = match (&operation.call, reply) {
            (Call::Status, Reply::Status(status)) => modes.contains(&of_status(status)),
            (Call::Maintenance, Reply::Status(status)) => {
                modes.contains(&of_status(status)) && modes.iter().any(|(mode, _)| is_on(*mode))
            }
            (Call::Resume, _) => modes.iter().any(|(mode, _)| !is_on(*mode)),
            _ => continue,
        };
        checks.done(ORACLE, 1);
        if !is_so {
            let sentence = "what was answered of the mode was not so at any moment of the call";
            let fact = format!("the modes were {modes:?}");
            checks.violated(Violation::new(ORACLE, sentence, operation.to_string(), fact));
        }
    }
}

/// Modes and generations that were in force between two moments.
fn modes_between(timeline: &Timeline, from: Seq, to: Seq) -> Vec<(Mode, u64)> {
    let of_record = |at: &At<ModeRecord>| (at.value.mode, at.value.generation);
    let before = timeline.modes.iter().rfind(|mode| mode.seq <= from);
    let before = before.map_or((Mode::Normal, 0), of_record);
    let during = timeline.modes.iter().filter(|mode| from < mode.seq && mode.seq < to);
    [before].into_iter().chain(during.map(of_record)).collect()
}

fn of_status(status: &Status) -> (Mode, u64) {
    let mode = if status.maintenance { Mode::Maintenance } else { Mode::Normal };
    (mode, status.generation)
}

fn is_on(mode: Mode) -> bool {
    mode == Mode::Maintenance
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
