use drydock_api::runservice::types::{OnNewer, RunId};

use super::harness::{at, id};
use crate::engine::gate::{opens_at, tokens};
use crate::engine::group::{GroupState, Start, Superseded, next_start, superseded_by};
use crate::record::ResumeGate;

fn run(nth: u128) -> RunId {
    RunId(id(nth))
}

#[test]
fn one_run_starts_at_a_time_in_the_order_of_creation() {
    let group = |running: Option<u128>, queued: &[u128], held_until: Option<u64>| GroupState {
        running: running.map(run),
        queued: queued.iter().copied().map(run).collect(),
        held_until: held_until.map(at),
    };
    for (group, gate_open, expected) in [
        (group(None, &[], None), true, Start::Nothing),
        (group(None, &[5, 3], None), true, Start::Run(run(5))),
        (group(Some(1), &[5], None), true, Start::Nothing),
        (group(None, &[5], None), false, Start::Gate),
        (group(None, &[5], Some(101)), true, Start::Held(at(101))),
        (group(None, &[5], Some(101)), false, Start::Held(at(101))),
        (group(None, &[5], Some(100)), true, Start::Run(run(5))),
    ] {
        assert_eq!(next_start(&group, gate_open, at(100)), expected, "{group:?} {gate_open}");
    }
}

#[test]
fn older_runs_give_way_as_the_newer_one_chooses() {
    let group =
        GroupState { running: Some(run(1)), queued: vec![run(2), run(3)], held_until: None };
    let (queued, running) = (vec![run(2), run(3)], Some(run(1)));
    for (choice, expected) in [
        (OnNewer::Queue, Superseded::default()),
        (OnNewer::CancelQueued, Superseded { cancelled: queued.clone(), stopped: None }),
        (OnNewer::StopRunning, Superseded { cancelled: queued, stopped: running }),
    ] {
        assert_eq!(superseded_by(&group, choice), expected, "{choice}");
    }
}

#[test]
fn the_gate_counts_what_it_has_let_through() {
    let gate = |per_minute, taken| {
        let gate = ResumeGate::new(id(1), None, at(100), per_minute);
        ResumeGate { taken, ..gate }
    };
    for (gate, now, left) in [
        (gate(60, 0), 100, 0),
        (gate(60, 0), 101, 1),
        (gate(60, 0), 160, 60),
        (gate(60, 59), 160, 1),
        (gate(60, 60), 160, 0),
        // A clock that is behind has no tokens, and takes none away.
        (gate(60, 10), 50, 0),
        (gate(0, 0), 1_000_000, 0),
        (gate(u32::MAX, 7), 160, u64::from(u32::MAX) - 7),
    ] {
        assert_eq!(tokens(&gate, at(now)), left, "{gate:?} at {now}");
    }
    for (rate, taken) in [(60, 0), (7, 3), (1, 100), (59, 58)] {
        let gate = gate(rate, taken);
        let opens = opens_at(&gate).unwrap();
        assert_eq!(tokens(&gate, opens), 1, "{gate:?}");
        let before = opens - std::time::Duration::from_millis(1);
        assert_eq!(tokens(&gate, before), 0, "{gate:?}");
    }
    assert_eq!(opens_at(&gate(0, 0)), None);
}
