use std::collections::{BTreeMap, BTreeSet};

use drydock_api::runservice::types::{AttemptPhase, ClaimId, ExecutorId, HeldState, LogState};
use serde_json::json;

use super::harness::{at, id, started};
use crate::engine::heartbeat::{Beat, Orders, orders};
use crate::record::{Attempt, StopOrder};

fn attempt() -> Attempt {
    started(&json!({"a": {"steps": []}})).claim("a")
}

fn beat(session: u64, held: Option<HeldState>, asked: &[ClaimId], attempt: &Attempt) -> Orders {
    let held: BTreeMap<_, _> = held.map(|held| (attempt.id, held)).into_iter().collect();
    let asked: BTreeSet<_> = asked.iter().copied().collect();
    let beat = Beat { executor: ExecutorId(id(9)), session, held: &held, asked: &asked };
    orders(beat, [attempt])
}

fn nothing() -> Orders {
    Orders::default()
}

#[test]
fn a_claim_is_lost_only_under_a_newer_session() {
    let attempt = attempt();
    let lost = Orders { claim_lost: vec![attempt.id], ..nothing() };
    assert_eq!(beat(1, None, &[], &attempt), nothing(), "messages cross");
    assert_eq!(beat(2, None, &[], &attempt), lost);
    assert_eq!(beat(2, None, &[attempt.claim], &attempt), nothing(), "it asks again");
    assert_eq!(beat(2, Some(HeldState::Claimed), &[], &attempt), nothing());
    let ended = Attempt { phase: AttemptPhase::Failed, ..attempt };
    assert_eq!(beat(2, None, &[], &ended), nothing());
}

#[test]
fn an_attempt_is_released_only_when_it_is_final_and_its_logs_are_settled() {
    let live = attempt();
    let unknown = Orders { unknown: vec![live.id], ..nothing() };
    let release = Orders { release: vec![live.id], ..nothing() };
    let (running, failed) = (AttemptPhase::Running, AttemptPhase::Failed);
    for (phase, logs, held, expected) in [
        (running, LogState::Live, HeldState::Spawned, nothing()),
        (running, LogState::Live, HeldState::Exited, nothing()),
        (failed, LogState::Live, HeldState::Sent, nothing()),
        (failed, LogState::Live, HeldState::Spawned, unknown.clone()),
        (failed, LogState::Complete, HeldState::Spawned, unknown.clone()),
        (failed, LogState::Complete, HeldState::Sent, release.clone()),
        (failed, LogState::Incomplete, HeldState::Exited, release),
    ] {
        let attempt = Attempt { phase, log_state: logs, ..live.clone() };
        assert_eq!(beat(1, Some(held), &[], &attempt), expected, "{phase} {logs} {held}");
    }
}

#[test]
fn an_attempt_of_another_executor_or_of_none_is_unknown() {
    let own = attempt();
    let other = Attempt { executor: ExecutorId(id(8)), ..own.clone() };
    let unknown = Orders { unknown: vec![own.id], ..nothing() };
    assert_eq!(beat(1, Some(HeldState::Spawned), &[], &other), unknown);
    let held = BTreeMap::from([(own.id, HeldState::Exited)]);
    let asked = BTreeSet::new();
    let beat = Beat { executor: own.executor, session: 1, held: &held, asked: &asked };
    assert_eq!(orders(beat, []), unknown);
}

#[test]
fn a_stop_is_ordered_again_and_again() {
    let order = StopOrder {
        reason: drydock_api::runservice::types::Reason::StoppedByUser,
        at: at(0),
        grace_ms: 10_000,
    };
    let stopping = Attempt { phase: AttemptPhase::Stopping, stop: Some(order), ..attempt() };
    let stop = Orders { stop: vec![(stopping.id, order)], ..nothing() };
    for held in [HeldState::Claimed, HeldState::Spawned, HeldState::Exited] {
        assert_eq!(beat(1, Some(held), &[], &stopping), stop);
    }
}
